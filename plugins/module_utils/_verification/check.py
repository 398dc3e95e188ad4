# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""environment_check: an environment against the guide's success criteria, one finding each. Reads only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._answers import read
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._findings import refuse
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import gateway_url
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen, Wanted, judge
from ansible_collections.rhaii.gke.plugins.module_utils._verification.kubernetes import objects_of

REPLICAS = {"type": "int", "required": True}


class Cluster(Protocol):
    def look(self) -> Seen:
        """What there is; raises RhaiiError when that may not be read."""


def run(params: Params, cluster: Cluster, progress: Progress, check_mode: bool) -> Result:
    wanted = Wanted(
        services=replicas_of(params["services"]),
        tpu_pool=params["tpu_pool_name"],
        gateway=params["gateway_name"],
        gateway_namespace=params["gateway_namespace"],
        gateway_port=params["gateway_port"],
        secrets=params["secrets"],
        deployments=params["deployments"],
        envoyfilters=params["envoyfilters"],
        network_policies=params["network_policies"],
    )
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


CAPABILITY = Capability(
    name="environment_check",
    argument_spec=kubernetes_options(
        services={"type": "dict", "required": True},
        namespace={"type": "str", "default": "rhaii-inference"},
        tpu_pool_name={"type": "str", "default": "tpu-pool"},
        gateway_name={"type": "str", "default": "inference-gateway"},
        gateway_namespace={"type": "str", "default": "opendatahub"},
        gateway_port={"type": "int", "default": 0},
        secrets={"type": "list", "elements": "str", "default": [], "no_log": False},
        deployments={"type": "list", "elements": "str", "default": []},
        envoyfilters={"type": "list", "elements": "str", "default": []},
        network_policies={"type": "list", "elements": "str", "default": []},
        fail_on_problem={"type": "bool", "default": True},
    ),
    ports=objects_of,
    run=run,
)

__all__ = ("CAPABILITY", "Cluster", "replicas_of", "run")
