# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Sail operator: an Istio object to a revision, to istiod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.control_plane.kube import (
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    SERVICE_ACCOUNT,
    VALIDATING_WEBHOOK,
    Informer,
    KubeClient,
    Resource,
    owner_reference,
)
from sandbox.images.operators import istio_operands as parts
from sandbox.images.operators.operand import Operator, apply_all, write_status
from sandbox.images.operators.workloads import available, condition

Object = dict[str, Any]

ISTIO = Resource("sailoperator.io/v1", "istios", namespaced=False)
REVISION = Resource("sailoperator.io/v1", "istiorevisions", namespaced=False)
MANAGER = "sail-operator"
TABLE = "/etc/sail-operator/config.properties"


class SailOperator:
    """Installs Istio's control plane; `table` is the operator's list of images."""

    def __init__(self, client: KubeClient, namespace: str, table: str, log: Callable[[str], None]) -> None:
        self._client = client
        self._images = parts.image_table(table)
        self.loop = Operator(client, ISTIO, self._look, namespace, log)
        for ref in (MUTATING_WEBHOOK, VALIDATING_WEBHOOK):
            self.loop.also(Informer(client, ref, labels=f"istio.io/rev={parts.REVISION}"), parts.wakes_the_operator)

    async def _look(self, istio: Object) -> None:
        spec = istio["spec"]
        version = parts.exact_version(spec["version"])
        images = self._images.get(version)
        if images is None:
            known = ", ".join(sorted(self._images)) or "none"
            message = f"no images known for Istio {version}; the operator has {known}"
            await self._tell(istio, "ReconcileError", False, message)
            return
        namespace = spec["namespace"]
        revision = await self._revision(istio, version)
        # one that is there keeps its registry credentials
        if await self._client.find(SERVICE_ACCOUNT, parts.ISTIOD, namespace) is None:
            meta = {"name": parts.ISTIOD, "namespace": namespace}
            await self._client.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
        await apply_all(self._client, owned(parts.operands(istio, images), revision), MANAGER)
        ready = available(await self._client.find(DEPLOYMENT, parts.ISTIOD, namespace))
        state = "Healthy" if ready else "IstiodNotReady"
        await self._tell(istio, state, True, "")
        await write_status(
            *(self._client, REVISION, revision),
            {**_states(revision, state, True, ""), "observedGeneration": revision["metadata"]["generation"]},
        )

    async def _revision(self, istio: Object, version: str) -> Object:
        spec = istio["spec"]
        wanted = {
            "apiVersion": REVISION.api_version,
            "kind": "IstioRevision",
            "metadata": {
                "name": parts.REVISION,
                "ownerReferences": [owner_reference({"apiVersion": ISTIO.api_version, "kind": "Istio", **istio})],
            },
            "spec": {"namespace": spec["namespace"], "version": version, "values": spec.get("values") or {}},
        }
        return await self._client.apply(wanted, manager=MANAGER)

    async def _tell(self, istio: Object, state: str, reconciled: bool, message: str) -> None:
        ready = int(state == "Healthy")
        await write_status(
            *(self._client, ISTIO, istio),
            {
                **_states(istio, state, reconciled, message),
                "activeRevisionName": parts.REVISION,
                "revisions": {"total": 1, "ready": ready, "inUse": ready},
                "observedGeneration": istio["metadata"]["generation"],
            },
        )


def owned(objects: list[Object], revision: Object) -> list[Object]:
    """The objects, to go with the revision that they are for."""
    for obj in objects:
        obj["metadata"]["ownerReferences"] = [owner_reference(revision)]
    return objects


def _states(obj: Object, state: str, reconciled: bool, message: str) -> Object:
    known = (obj.get("status") or {}).get("conditions")
    healthy = state == "Healthy"
    return {
        "state": state,
        "conditions": [
            condition(known, "Reconciled", reconciled, "Reconciled" if reconciled else state, message),
            condition(known, "Ready", healthy, "Ready" if healthy else state, message),
        ],
    }
