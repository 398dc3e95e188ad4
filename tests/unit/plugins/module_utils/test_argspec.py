# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared options, and the documentation fragments of the same names."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.doc_fragments import _google, _kubernetes, _wait
from ansible_collections.rhaii.gke.plugins.module_utils import _google as google
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import (
    GOOGLE_APIS,
    google_options,
    kubernetes_options,
    wait_options,
)

FRAGMENTS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "google": (_google.ModuleDocFragment.DOCUMENTATION, google_options()),
    "kubernetes": (_kubernetes.ModuleDocFragment.DOCUMENTATION, kubernetes_options()),
}


def said(options: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What documentation and specification both say."""
    return {
        name: {
            **{key: option[key] for key in ("type", "default", "choices", "required", "aliases") if key in option},
            **({"suboptions": said(inner)} if (inner := option.get("suboptions") or option.get("options")) else {}),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragment_says_what_the_options_are(name: str) -> None:
    text, options = FRAGMENTS[name]
    assert said(yaml.safe_load(text)["options"]) == said(options)


@pytest.mark.parametrize("name", FRAGMENTS)
def test_fragment_names_the_variables_that_stand_in(name: str) -> None:
    text, options = FRAGMENTS[name]
    documented = yaml.safe_load(text)["options"]
    for option, spec in options.items():
        for variable in spec["fallback"][1] if "fallback" in spec else ():
            assert f"E({variable})" in " ".join(documented[option]["description"]), option


def test_wait_fragment_documents_wait_alone_since_times_are_each_modules_own() -> None:
    assert yaml.safe_load(_wait.ModuleDocFragment.DOCUMENTATION)["options"].keys() == {"wait"}
    options = wait_options(7, 0.5)
    assert (options["wait_timeout"]["default"], options["wait_interval"]["default"]) == (7, 0.5)
    assert wait_options(8, 1.0) != options


def test_secrets_are_not_logged() -> None:
    assert google_options()["access_token"]["no_log"] is True
    assert kubernetes_options()["api_key"]["no_log"] is True


def test_modules_get_copies_of_their_own() -> None:
    mine = google_options(extra={"type": "str"})
    mine["project"]["required"] = False
    assert "extra" not in google_options()
    assert google_options()["project"]["required"] is True


def test_every_api_but_the_token_service_has_an_address_of_its_own() -> None:
    assert set(GOOGLE_APIS) - {"oauth2"} == set(google.DEFAULT_ENDPOINTS)
