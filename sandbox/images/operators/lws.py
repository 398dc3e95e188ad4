# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The LeaderWorkerSet operator, and the controller that it installs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.control_plane.kube import DEPLOYMENT, SERVICE_ACCOUNT, KubeClient, Resource
from sandbox.images.operators.operand import Operator, apply_all, write_status
from sandbox.images.operators.workloads import (
    READ,
    WRITE,
    available,
    cluster_role,
    condition,
    deployment,
    http_probe,
    rule,
)

Object = dict[str, Any]

LWS_OPERATOR = Resource("operator.openshift.io/v1", "leaderworkersetoperators", namespaced=False)
MANAGER = "openshift-lws-operator"
NAME = "lws-controller-manager"
HEALTH_PORT = 8081
LABELS = {"control-plane": "controller-manager", "app.kubernetes.io/name": "lws"}


def operands(namespace: str, image: str) -> list[Object]:
    """All objects but the service account."""
    rules = [
        rule("leaderworkerset.x-k8s.io", ["leaderworkersets", "leaderworkersets/status"], WRITE),
        rule("apps", ["statefulsets"], WRITE),
        rule("", ["pods", "nodes"], READ),
    ]
    container = {
        "name": "manager",
        "image": image,
        "command": ["/manager"],
        "args": ["--config=/controller_manager_config.yaml", "--zap-log-level=2"],
        "livenessProbe": http_probe("/healthz", HEALTH_PORT, initialDelaySeconds=15, periodSeconds=20),
        "readinessProbe": http_probe("/readyz", HEALTH_PORT, initialDelaySeconds=5, periodSeconds=10),
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return [*cluster_role("lws-manager-role", rules, NAME, namespace), deployment(NAME, namespace, LABELS, container)]


class LwsOperator:
    """Installs the LeaderWorkerSet controller."""

    def __init__(self, client: KubeClient, environ: Mapping[str, str], log: Callable[[str], None]) -> None:
        self._client = client
        self._namespace = environ.get("OPERATOR_NAMESPACE") or "openshift-lws-operator"
        self._image = environ["RELATED_IMAGE_OPERAND_IMAGE"]
        self.loop = Operator(client, LWS_OPERATOR, self._look, self._namespace, log)

    async def _look(self, wanted: Object) -> None:
        if wanted["spec"].get("managementState", "Managed") == "Managed":
            # one that is there keeps its registry credentials
            if await self._client.find(SERVICE_ACCOUNT, NAME, self._namespace) is None:
                meta = {"name": NAME, "namespace": self._namespace}
                await self._client.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
            await apply_all(self._client, operands(self._namespace, self._image), MANAGER)
        ready = available(await self._client.find(DEPLOYMENT, NAME, self._namespace))
        known = (wanted.get("status") or {}).get("conditions")
        await write_status(
            *(self._client, LWS_OPERATOR, wanted),
            {
                "conditions": [condition(known, "Available", ready, "AsExpected" if ready else "DeploymentNotReady")],
                "observedGeneration": wanted["metadata"]["generation"],
                "readyReplicas": int(ready),
            },
        )
