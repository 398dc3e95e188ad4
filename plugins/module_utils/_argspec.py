# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Option groups that several modules share. Each has a documentation fragment of the same name: keep them in step."""

from __future__ import annotations

import copy
from typing import Any

from ansible.module_utils.common.parameters import env_fallback
from ansible_collections.rhaii.gke.plugins.module_utils._capability import ArgumentSpec

GOOGLE_APIS = (
    "container",
    "compute",
    "cloudquotas",
    "serviceusage",
    "cloudresourcemanager",
    "cloudbilling",
    "monitoring",
    "iamcredentials",
    "oauth2",
)

# doc_fragments/_google.py
_GOOGLE: ArgumentSpec = {
    "project": {
        "type": "str",
        "required": True,
        "fallback": (env_fallback, ["GCP_PROJECT", "GCE_PROJECT"]),
    },
    "endpoints": {
        "type": "dict",
        "options": {api: {"type": "str"} for api in GOOGLE_APIS},
    },
    "ca_file": {"type": "path"},
    "auth_kind": {
        "type": "str",
        "default": "application",
        "choices": ["application", "serviceaccount", "accesstoken"],
        "fallback": (env_fallback, ["GCP_AUTH_KIND"]),
    },
    "service_account_file": {
        "type": "path",
        "fallback": (env_fallback, ["GCP_SERVICE_ACCOUNT_FILE", "GCE_CREDENTIALS_FILE_PATH"]),
    },
    "access_token": {
        "type": "str",
        "no_log": True,
        "fallback": (env_fallback, ["GCP_ACCESS_TOKEN"]),
    },
    "impersonate_service_account": {
        "type": "str",
        "fallback": (
            env_fallback,
            ["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"],
        ),
    },
    "quota_project": {"type": "str", "fallback": (env_fallback, ["GOOGLE_CLOUD_QUOTA_PROJECT"])},
    "request_timeout": {"type": "int", "default": 60},
}

GOOGLE_REQUIRED_IF: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("auth_kind", "serviceaccount", ("service_account_file",)),
    ("auth_kind", "accesstoken", ("access_token",)),
)

# doc_fragments/_kubernetes.py; names, aliases and variables are those of kubernetes.core
_KUBERNETES: ArgumentSpec = {
    "host": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_HOST"])},
    "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["K8S_AUTH_API_KEY"])},
    "ca_cert": {
        "type": "path",
        "aliases": ["ssl_ca_cert"],
        "fallback": (env_fallback, ["K8S_AUTH_SSL_CA_CERT"]),
    },
    "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
    "validate_certs": {
        "type": "bool",
        "default": True,
        "aliases": ["verify_ssl"],
        "fallback": (env_fallback, ["K8S_AUTH_VERIFY_SSL"]),
    },
    "token_from": {
        "type": "dict",
        # a place, and no secret; what is one in it is said to be
        "no_log": False,
        "options": {
            "auth_kind": {
                "type": "str",
                "default": "application",
                "choices": ["application", "serviceaccount", "accesstoken"],
            },
            "service_account_file": {"type": "path"},
            "access_token": {"type": "str", "no_log": True},
            "impersonate_service_account": {"type": "str"},
            "endpoints": {"type": "dict", "options": {api: {"type": "str"} for api in ("iamcredentials", "oauth2")}},
            "ca_file": {"type": "path"},
        },
    },
}

# doc_fragments/_wait.py
_WAIT: ArgumentSpec = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 2400},
    "wait_interval": {"type": "float", "default": 10.0},
}


def google_options(**own: dict[str, Any]) -> ArgumentSpec:
    """The options of the fragment rhaii.gke._google, and a module's own."""
    return {**copy.deepcopy(_GOOGLE), **own}


def kubernetes_options(**own: dict[str, Any]) -> ArgumentSpec:
    """The options of the fragment rhaii.gke._kubernetes, and a module's own."""
    return {**copy.deepcopy(_KUBERNETES), **own}


def wait_options(timeout: int, interval: float) -> ArgumentSpec:
    """The options of the fragment rhaii.gke._wait, with the defaults of one module."""
    options = copy.deepcopy(_WAIT)
    options["wait_timeout"]["default"] = timeout
    options["wait_interval"]["default"] = interval
    return options


__all__ = ("GOOGLE_APIS", "GOOGLE_REQUIRED_IF", "google_options", "kubernetes_options", "wait_options")
