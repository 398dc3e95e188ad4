# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a role reaches the cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._kubernetes_connection import connection

NAME = "operators_kubernetes"
FOUND = {"cluster_endpoint": "203.0.113.7", "cluster_ca_file": "/tmp/rhaii-1/cluster-ca.pem"}
NOTHING = {"cluster_endpoint": "", "cluster_ca_file": ""}


def no_token() -> tuple[str, dict[str, Any]]:
    raise AssertionError("nobody wants a token")


def test_what_is_given_wins_and_needs_no_token() -> None:
    said = {"host": "https://10.0.0.1", "ca_cert": "ca.pem", "api_key": "secret", "context": "", "kubeconfig": None}
    wanted = {"host": "https://10.0.0.1", "ca_cert": "ca.pem", "api_key": "secret"}
    assert connection(NAME, said, FOUND, no_token) == wanted


def test_a_kubeconfig_needs_nothing_else() -> None:
    assert connection(NAME, {"kubeconfig": "~/.kube/config"}, NOTHING, no_token) == {"kubeconfig": "~/.kube/config"}


@pytest.mark.parametrize("said", [{}, {"host": "", "kubeconfig": " "}])
def test_else_it_is_the_cluster_that_was_found(said: dict[str, Any]) -> None:
    endpoints = {"oauth2": "https://127.0.0.1:1", "container": "https://127.0.0.1:2"}
    asked_with = {"auth_kind": "serviceaccount", "endpoints": endpoints, "run_dir": "/tmp/rhaii-1"}
    reached = {
        "host": "https://203.0.113.7",
        "ca_cert": "/tmp/rhaii-1/cluster-ca.pem",
        "api_key": "token",
    }
    assert connection(NAME, said, FOUND, lambda: ("token", {})) == reached
    assert connection(NAME, said, FOUND, lambda: ("token", asked_with)) == {
        **reached,
        "token_from": {"auth_kind": "serviceaccount", "endpoints": {"oauth2": "https://127.0.0.1:1"}},
    }


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, f"{NAME} is not given, and no cluster was looked for. Give {NAME}, or rhaii_kubernetes for all roles"),
        ({"context": "prod"}, f"{NAME} has neither host nor kubeconfig. Give it kubeconfig"),
        ({"hots": "https://x"}, f"{NAME} has hots, by which no cluster is reached. Give it kubeconfig"),
        ("https://x", f"{NAME} is no dictionary. Give it kubeconfig"),
    ],
)
def test_what_reaches_no_cluster_is_refused_with_what_to_give(said: Any, sentence: str) -> None:
    with pytest.raises(RhaiiError) as refusal:
        connection(NAME, said, NOTHING, no_token)
    assert str(refusal.value).startswith(sentence)
    assert "host, ca_cert and api_key" in str(refusal.value)
