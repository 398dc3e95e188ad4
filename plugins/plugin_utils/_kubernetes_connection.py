# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""How a role reaches the cluster: as its variable says, else the cluster that the run found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given

MEMBERS = ("host", "ca_cert", "api_key", "kubeconfig", "context", "validate_certs")
WAYS = "kubeconfig (and context), or host, ca_cert and api_key"


# What the port asks for tokens with.
TOKEN_FROM = (
    "auth_kind",
    "service_account_file",
    "access_token",
    "impersonate_service_account",
    "endpoints",
    "ca_file",
)


def connection(
    name: str, said: Any, found: Mapping[str, str], token: Callable[[], tuple[str, Mapping[str, Any]]]
) -> dict[str, Any]:
    """The options of Kubernetes modules, of which none is blank. `token`: one, and the options that it was got with."""
    if not isinstance(said, Mapping):
        raise RhaiiError(f"{name} is no dictionary.", remedy=f"Give it {WAYS}.")
    unknown = sorted(str(key) for key in said if key not in MEMBERS)
    if unknown:
        raise RhaiiError(f"{name} has {', '.join(unknown)}, by which no cluster is reached.", remedy=f"Give it {WAYS}.")
    given = {key: value for key, value in said.items() if is_given(value)}
    if given and not ("host" in given or "kubeconfig" in given):
        raise RhaiiError(f"{name} has neither host nor kubeconfig.", remedy=f"Give it {WAYS}.")
    if given:
        return given
    if not found["cluster_endpoint"]:
        raise RhaiiError(
            f"{name} is not given, and no cluster was looked for.",
            remedy=f"Give {name}, or rhaii_kubernetes for all roles: {WAYS}. Or let the role cluster find the "
            "environment's own first (tasks_from: look).",
        )
    first, options = token()
    reached = {"host": f"https://{found['cluster_endpoint']}", "ca_cert": found["cluster_ca_file"], "api_key": first}
    asked_with = {key: options[key] for key in TOKEN_FROM if key in options}
    if "endpoints" in asked_with:
        # the others are of no use to a token
        asked_with["endpoints"] = {
            api: url for api, url in asked_with["endpoints"].items() if api in ("iamcredentials", "oauth2")
        }
    return {**reached, "token_from": asked_with} if asked_with else reached


__all__ = ("MEMBERS", "TOKEN_FROM", "connection")
