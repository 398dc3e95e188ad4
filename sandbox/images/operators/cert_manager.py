# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cert-manager operator: CertManager `cluster` to cert-manager's Deployments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.control_plane.kube import DEPLOYMENT, KubeClient, Resource
from sandbox.images.operators import cert_manager_operands as parts
from sandbox.images.operators.operand import Operator, apply_all, write_status
from sandbox.images.operators.workloads import available, condition

Object = dict[str, Any]

CERT_MANAGER = Resource("operator.openshift.io/v1alpha1", "certmanagers", namespaced=False)
MANAGER = "cert-manager-operator"
IMAGES = {
    parts.CONTROLLER: "RELATED_IMAGE_CERT_MANAGER_CONTROLLER",
    parts.CAINJECTOR: "RELATED_IMAGE_CERT_MANAGER_CA_INJECTOR",
    parts.WEBHOOK: "RELATED_IMAGE_CERT_MANAGER_WEBHOOK",
}


class CertManagerOperator:
    """Installs cert-manager."""

    def __init__(self, client: KubeClient, environ: Mapping[str, str], log: Callable[[str], None]) -> None:
        self._client = client
        self._namespace = environ.get("OPERAND_NAMESPACE", "cert-manager")
        self._version = environ.get("OPERAND_IMAGE_VERSION", "")
        self._images = {name: environ[variable] for name, variable in IMAGES.items()}
        self.loop = Operator(client, CERT_MANAGER, self._look, self._namespace, log)

    async def _look(self, wanted: Object) -> None:
        if wanted["metadata"]["name"] != "cluster":
            return
        if wanted["spec"].get("managementState", "Managed") == "Managed":
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}}
            operands = parts.operands(self._namespace, self._images, self._version)
            await apply_all(self._client, [namespace, *operands], MANAGER)
        status = wanted.get("status") or {}
        conditions = []
        for name in sorted(parts.DEPLOYMENTS):
            ready = available(await self._client.find(DEPLOYMENT, name, self._namespace))
            kind = f"cert-manager-{parts.COMPONENTS[name]}-deploymentAvailable"
            reason = "AsExpected" if ready else "DeploymentNotReady"
            conditions.append(condition(status.get("conditions"), kind, ready, reason))
        conditions.sort(key=lambda item: str(item["type"]))
        await write_status(
            *(self._client, CERT_MANAGER, wanted),
            {
                "conditions": conditions,
                "observedGeneration": wanted["metadata"]["generation"],
                "version": self._version,
            },
        )
