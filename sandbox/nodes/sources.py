# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What containers read from the API: secrets, config maps, tokens and the pod's own fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.control_plane.kube import CONFIG_MAP, SECRET, KubeClient, NotFound
from sandbox.nodes import quantities

Object = dict[str, Any]

KINDS = {"secret": SECRET, "configmap": CONFIG_MAP}


class Sources(Protocol):
    """Where secrets, config maps and tokens come from."""

    async def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """A secret or a config map; None when there is none."""

    async def token(self, pod: Mapping[str, Any], audience: str, seconds: int) -> tuple[str, str]:
        """A token of the pod's service account, bound to the pod, and when it expires."""


class ApiSources:
    """Asks the API server each time: a container starts with what is true now."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """A secret or a config map; None when there is none."""
        try:
            return await self._client.get(KINDS[kind], name, namespace)
        except NotFound:
            return None

    async def token(self, pod: Mapping[str, Any], audience: str, seconds: int) -> tuple[str, str]:
        """A token by the TokenRequest API."""
        meta = pod["metadata"]
        account = pod["spec"].get("serviceAccountName") or "default"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": seconds,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]},
            },
        }
        path = f"/api/v1/namespaces/{meta['namespace']}/serviceaccounts/{account}/token"
        answer = await self._client.request("POST", path, body=request)
        return answer["status"]["token"], answer["status"]["expirationTimestamp"]


class FieldError(Exception):
    """A fieldRef or resourceFieldRef that cannot be resolved."""


def pod_field(pod: Mapping[str, Any], path: str, *, pod_ip: str, host_ip: str) -> str:
    """The value of a fieldRef."""
    meta, spec = pod["metadata"], pod["spec"]
    for holder in ("labels", "annotations"):
        start = f"metadata.{holder}['"
        if path.startswith(start) and path.endswith("']"):
            return str((meta.get(holder) or {}).get(path[len(start) : -2], ""))
        if path == f"metadata.{holder}":
            return "\n".join(f'{key}="{value}"' for key, value in sorted((meta.get(holder) or {}).items()))
    plain = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta.get("namespace", ""),
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
        "status.hostIP": host_ip,
        "status.hostIPs": host_ip,
    }
    if path not in plain:
        raise FieldError(f"unsupported fieldPath: {path}")
    return str(plain[path])


def resource_field(
    pod: Mapping[str, Any], reference: Mapping[str, Any], container: str, allocatable: Mapping[str, str]
) -> str:
    """The value of a resourceFieldRef; a limit that is not set is what the node has."""
    name = reference.get("containerName") or container
    everyone = [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or [])]
    spec = next((each for each in everyone if each["name"] == name), None)
    if spec is None:
        raise FieldError(f"container {name} not found")
    holder, _, resource = str(reference["resource"]).partition(".")
    if holder not in ("limits", "requests"):
        raise FieldError(f"unsupported container resource : {reference['resource']}")
    value = ((spec.get("resources") or {}).get(holder) or {}).get(resource)
    if value is None:
        value = allocatable.get(resource, "0") if holder == "limits" else "0"
    return str(quantities.divided(str(value), str(reference.get("divisor") or "1")))
