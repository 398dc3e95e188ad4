# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""environment_check: an environment against the guide's success criteria, one finding each. Reads only."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._answers import read
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import (
    ArgumentSpec,
    Capability,
    Params,
    Progress,
    Result,
)
from ansible_collections.rhaii.gke.plugins.module_utils._findings import refuse
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import gateway_url
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen, Wanted, judge
from ansible_collections.rhaii.gke.plugins.module_utils._verification.kubernetes import objects_of

REPLICAS = {"type": "int", "required": True}
# doc_fragments/_criteria.py
_CRITERIA: ArgumentSpec = {
    "services": {"type": "dict", "required": True},
    "namespace": {"type": "str", "default": "rhaii-inference"},
    "tpu_pool_name": {"type": "str", "default": "tpu-pool"},
    "gateway_name": {"type": "str", "default": "inference-gateway"},
    "gateway_namespace": {"type": "str", "default": "opendatahub"},
    "deployments": {"type": "list", "elements": "str", "default": []},
    "envoyfilters": {"type": "list", "elements": "str", "default": []},
    "network_policies": {"type": "list", "elements": "str", "default": []},
}


class Cluster(Protocol):
    def look(self) -> Seen:
        """What there is; raises RhaiiError when that may not be read."""


def run(params: Params, cluster: Cluster, progress: Progress, check_mode: bool) -> Result:
    wanted = Wanted(**wanted_of(params), gateway_port=params["gateway_port"], secrets=params["secrets"])
    seen = cluster.look()
    findings = judge(seen, wanted)
    result: Result = {
        "changed": False,
        "findings": [asdict(finding) for finding in findings],
        "url": gateway_url(seen.gateway, wanted.gateway_port),
    }
    if params["fail_on_problem"]:
        refuse("The environment does not hold what it promises", findings, result)
    return result


def replicas_of(services: Params) -> dict[str, int]:
    """Whole numbers, which the command line and templates give as text."""
    return {str(name): read(f"services.{name}", replicas, REPLICAS) for name, replicas in services.items()}


def criteria_options(**own: dict[str, Any]) -> ArgumentSpec:
    """The options of the fragments rhaii.gke._kubernetes and rhaii.gke._criteria, and a module's own."""
    return kubernetes_options(**copy.deepcopy(_CRITERIA), **own)


def wanted_of(params: Params) -> dict[str, Any]:
    """What these options say, by the names that Wanted has for it."""
    return {
        "services": replicas_of(params["services"]),
        "tpu_pool": params["tpu_pool_name"],
        "gateway": params["gateway_name"],
        **{name: params[name] for name in ("gateway_namespace", "deployments", "envoyfilters", "network_policies")},
    }


CAPABILITY = Capability(
    name="environment_check",
    argument_spec=criteria_options(
        gateway_port={"type": "int", "default": 0},
        secrets={"type": "list", "elements": "str", "default": [], "no_log": False},
        fail_on_problem={"type": "bool", "default": True},
    ),
    ports=objects_of,
    run=run,
)

__all__ = ("CAPABILITY", "Cluster", "criteria_options", "replicas_of", "run", "wanted_of")
