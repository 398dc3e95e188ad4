# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names for the nodes' service account: within Google's rules, and one for each cluster."""

from __future__ import annotations

import re

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_account import account_email, account_id

GOOGLE = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
"""The rule of the IAM API for CreateServiceAccountRequest.accountId."""


@pytest.mark.parametrize(
    ("cluster", "wanted"),
    [
        ("a", "a-nodes"),
        ("demo", "demo-nodes"),
        ("c" * 24, "c" * 24 + "-nodes"),
    ],
)
def test_short_name_is_kept_whole(cluster: str, wanted: str) -> None:
    assert account_id(cluster) == wanted


@pytest.mark.parametrize("cluster", ["a", "c" * 24, "c" * 25, "c" * 40, "rhaii-tpu-scaleout-cluster", "a-" * 19 + "a1"])
def test_id_is_one_that_google_takes(cluster: str) -> None:
    assert GOOGLE.fullmatch(account_id(cluster))


def test_long_names_that_begin_alike_get_accounts_of_their_own() -> None:
    names = [f"rhaii-tpu-scaleout-cluster-{each}" for each in ("dev", "prod")]
    found = [account_id(name) for name in names]
    assert len(set(found)) == len(names)
    assert all(name.startswith("rhaii-tpu-scaleout") and name.endswith("-nodes") for name in found)


@pytest.mark.parametrize(
    ("cluster", "wanted"),
    [
        pytest.param("rhaii-tpu-scaleout-cluster", "rhaii-tpu-scaleout-9020f-nodes", id="cut"),
        pytest.param("abcdefghijklmnopq-" + "x" * 20, "abcdefghijklmnopq-ea9f5-nodes", id="cut at a hyphen"),
    ],
)
def test_long_name_is_always_cut_alike(cluster: str, wanted: str) -> None:
    """Another id would be another account, and leave the one that was made."""
    assert account_id(cluster) == wanted


def test_address() -> None:
    assert account_email("demo", "my-project") == "demo-nodes@my-project.iam.gserviceaccount.com"
    assert account_email("demo", "example.com:my-project") == (
        "demo-nodes@my-project.example.com.iam.gserviceaccount.com"
    )
    assert account_email("demo", "my-project", "tpu-nodes") == "tpu-nodes@my-project.iam.gserviceaccount.com"


@pytest.mark.parametrize("chosen", ["nodes1", "n" * 30, "a-b-c-1"])
def test_id_that_google_takes_may_be_chosen(chosen: str) -> None:
    assert account_email("demo", "my-project", chosen) == f"{chosen}@my-project.iam.gserviceaccount.com"


@pytest.mark.parametrize("chosen", ["nodes", "Nodes1", "1nodes", "nodes1-", "n" * 31, "nodes@example.com", "nodes1\n"])
def test_id_that_google_refuses_is_refused_here(chosen: str) -> None:
    with pytest.raises(RhaiiError) as refused:
        account_email("demo", "my-project", chosen)
    assert refused.value.msg == f"{chosen!r} cannot be the id of a service account."
    assert refused.value.remedy == (
        "Give rhaii_node_service_account_id 6 to 30 lower case letters, digits and hyphens, beginning with a letter "
        "and not ending with a hyphen."
    )
