# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Kubernetes client on aiohttp.

The `kubernetes` package takes most of a second of processor time to import, in each of two dozen
processes on two cores; this one is what the stand-ins need and no more.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import yaml

Object = dict[str, Any]
Objects = list[Object]
Key = tuple[str, str]
"""Namespace (empty for a cluster-scoped object) and name."""


@dataclass(frozen=True)
class Resource:
    """A collection of the API: `Resource("apps/v1", "deployments")`."""

    api_version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the collection, of one object, or of its subresource."""
        parts = ["/apis" if "/" in self.api_version else "/api", self.api_version]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts += [self.plural, *([name] if name else []), *([subresource] if subresource else [])]
        return "/".join(parts)


POD = Resource("v1", "pods")
NODE = Resource("v1", "nodes", namespaced=False)
SERVICE = Resource("v1", "services")
SECRET = Resource("v1", "secrets")
CONFIG_MAP = Resource("v1", "configmaps")
EVENT = Resource("v1", "events")
NAMESPACE = Resource("v1", "namespaces", namespaced=False)
SERVICE_ACCOUNT = Resource("v1", "serviceaccounts")
DEPLOYMENT = Resource("apps/v1", "deployments")
REPLICA_SET = Resource("apps/v1", "replicasets")
ENDPOINT_SLICE = Resource("discovery.k8s.io/v1", "endpointslices")
NETWORK_POLICY = Resource("networking.k8s.io/v1", "networkpolicies")
LEASE = Resource("coordination.k8s.io/v1", "leases")
ROLE = Resource("rbac.authorization.k8s.io/v1", "roles")
ROLE_BINDING = Resource("rbac.authorization.k8s.io/v1", "rolebindings")
CLUSTER_ROLE = Resource("rbac.authorization.k8s.io/v1", "clusterroles", namespaced=False)
CLUSTER_ROLE_BINDING = Resource("rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False)
CRD = Resource("apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False)
API_SERVICE = Resource("apiregistration.k8s.io/v1", "apiservices", namespaced=False)
STORAGE_CLASS = Resource("storage.k8s.io/v1", "storageclasses", namespaced=False)
VALIDATING_WEBHOOK = Resource("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", namespaced=False)
MUTATING_WEBHOOK = Resource("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", namespaced=False)
GATEWAY_CLASS = Resource("gateway.networking.k8s.io/v1", "gatewayclasses", namespaced=False)
GATEWAY = Resource("gateway.networking.k8s.io/v1", "gateways")
HTTP_ROUTE = Resource("gateway.networking.k8s.io/v1", "httproutes")
INFERENCE_POOL = Resource("inference.networking.k8s.io/v1", "inferencepools")
OLD_INFERENCE_POOL = Resource("inference.networking.x-k8s.io/v1alpha2", "inferencepools")
INFERENCE_MODEL = Resource("inference.networking.x-k8s.io/v1alpha2", "inferencemodels")
LLM_INFERENCE_SERVICE = Resource("serving.kserve.io/v1alpha1", "llminferenceservices")
LLM_INFERENCE_SERVICE_CONFIG = Resource("serving.kserve.io/v1alpha1", "llminferenceserviceconfigs")
ENVOY_FILTER = Resource("networking.istio.io/v1alpha3", "envoyfilters")
DESTINATION_RULE = Resource("networking.istio.io/v1", "destinationrules")

KINDS: dict[tuple[str, str], Resource] = {
    ("v1", "Pod"): POD,
    ("v1", "Node"): NODE,
    ("v1", "Service"): SERVICE,
    ("v1", "Secret"): SECRET,
    ("v1", "ConfigMap"): CONFIG_MAP,
    ("v1", "Event"): EVENT,
    ("v1", "Namespace"): NAMESPACE,
    ("v1", "ServiceAccount"): SERVICE_ACCOUNT,
    ("apps/v1", "Deployment"): DEPLOYMENT,
    ("apps/v1", "ReplicaSet"): REPLICA_SET,
    ("discovery.k8s.io/v1", "EndpointSlice"): ENDPOINT_SLICE,
    ("networking.k8s.io/v1", "NetworkPolicy"): NETWORK_POLICY,
    ("coordination.k8s.io/v1", "Lease"): LEASE,
    ("rbac.authorization.k8s.io/v1", "Role"): ROLE,
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ROLE_BINDING,
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): CLUSTER_ROLE,
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): CLUSTER_ROLE_BINDING,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): CRD,
    ("apiregistration.k8s.io/v1", "APIService"): API_SERVICE,
    ("storage.k8s.io/v1", "StorageClass"): STORAGE_CLASS,
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"): VALIDATING_WEBHOOK,
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"): MUTATING_WEBHOOK,
    ("gateway.networking.k8s.io/v1", "GatewayClass"): GATEWAY_CLASS,
    ("gateway.networking.k8s.io/v1", "Gateway"): GATEWAY,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): HTTP_ROUTE,
    ("inference.networking.k8s.io/v1", "InferencePool"): INFERENCE_POOL,
    ("inference.networking.x-k8s.io/v1alpha2", "InferencePool"): OLD_INFERENCE_POOL,
    ("inference.networking.x-k8s.io/v1alpha2", "InferenceModel"): INFERENCE_MODEL,
    ("serving.kserve.io/v1alpha1", "LLMInferenceService"): LLM_INFERENCE_SERVICE,
    ("serving.kserve.io/v1alpha1", "LLMInferenceServiceConfig"): LLM_INFERENCE_SERVICE_CONFIG,
    ("networking.istio.io/v1alpha3", "EnvoyFilter"): ENVOY_FILTER,
    ("networking.istio.io/v1", "DestinationRule"): DESTINATION_RULE,
}

PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class ApiError(Exception):
    """The API server refused a request; status 0 when it could not be asked at all."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class NotFound(ApiError):
    """404."""


class Conflict(ApiError):
    """409: the object changed, or it exists already."""


def resource_of(obj: Object) -> Resource:
    """The collection that an object belongs to; a kind that is not in KINDS is pluralised the usual way."""
    api_version, kind = obj["apiVersion"], obj["kind"]
    known = KINDS.get((api_version, kind))
    if known:
        return known
    plural = kind.lower()
    plural = plural[:-1] + "ies" if plural.endswith("y") else plural + ("es" if plural.endswith(("s", "x")) else "s")
    return Resource(api_version, plural, namespaced="namespace" in obj.get("metadata", {}))


def key_of(obj: Object) -> Key:
    """Namespace and name of an object."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def owner_reference(obj: Object, *, controller: bool = True) -> Object:
    """What a child of `obj` carries, so that it goes with it."""
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": controller,
        "blockOwnerDeletion": True,
    }


class KubeClient:
    """Requests to one API server."""

    def __init__(
        self,
        server: str,
        *,
        ca_file: str | Path | None = None,
        ca_data: str | None = None,
        token: str | Callable[[], str] | None = None,
        client_cert: tuple[str | Path, str | Path] | None = None,
        connector: aiohttp.BaseConnector | None = None,
        timeout: float = 30.0,
    ) -> None:
        self.server = server.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._connector = connector
        self._session: aiohttp.ClientSession | None = None
        self._ssl: ssl.SSLContext | None = None
        if self.server.startswith("https"):
            self._ssl = ssl.create_default_context(cafile=str(ca_file) if ca_file else None, cadata=ca_data)
            if client_cert:
                self._ssl.load_cert_chain(*(str(path) for path in client_cert))

    @classmethod
    def from_kubeconfig(cls, path: str | Path, **options: Any) -> KubeClient:
        """A client for the current context; certificates may be files or inline data."""
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        context = next(item["context"] for item in config["contexts"] if item["name"] == config["current-context"])
        cluster = next(item["cluster"] for item in config["clusters"] if item["name"] == context["cluster"])
        user = next(item["user"] for item in config["users"] if item["name"] == context["user"])
        folder = Path(path).parent

        def material(holder: Object, name: str) -> Path | None:
            if name in holder:
                return folder / str(holder[name])
            if f"{name}-data" not in holder:
                return None
            # OpenSSL loads client keys from files only
            kept = folder / f".{name}.pem"
            if not kept.exists():
                kept.touch(mode=0o600)
                kept.write_bytes(base64.b64decode(holder[f"{name}-data"]))
            return kept

        certificate, key = material(user, "client-certificate"), material(user, "client-key")
        return cls(
            cluster["server"],
            ca_file=material(cluster, "certificate-authority"),
            token=user.get("token"),
            client_cert=(certificate, key) if certificate and key else None,
            **options,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session:
            await self._session.close()
            self._session = None

    def session(self) -> aiohttp.ClientSession:
        """The HTTP session, made on first use so that it belongs to the running loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=self._connector, connector_owner=True)
        return self._session

    def _headers(self) -> dict[str, str]:
        token = self._token() if callable(self._token) else self._token
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        """One request; the parsed answer, or ApiError."""
        headers = self._headers()
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = content_type
        try:
            async with self.session().request(
                method,
                self.server + path,
                params=dict(params or {}),
                data=data,
                headers=headers,
                ssl=self._ssl if self._ssl else True,
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            ) as response:
                text = await response.text()
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(
                0, "Unreachable", f"{method} {self.server}{path}: {error or type(error).__name__}"
            ) from error
        try:
            parsed = json.loads(text) if text else {}
        except json.JSONDecodeError:
            parsed = {"message": text}
        if status < 400:
            return dict(parsed)
        raise error_of(status, parsed)

    async def get(self, ref: Resource, name: str, namespace: str | None = None) -> Object:
        """One object; NotFound when there is none."""
        return await self.request("GET", ref.path(namespace, name))

    async def find(self, ref: Resource, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None."""
        try:
            return await self.get(ref, name, namespace)
        except NotFound:
            return None

    async def list(
        self,
        ref: Resource,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> Objects:
        """The objects of a collection, each with its apiVersion and kind."""
        items, _ = await self._list(ref, namespace, labels, fields)
        return items

    async def _list(
        self, ref: Resource, namespace: str | None, labels: str | None, fields: str | None
    ) -> tuple[Objects, str]:
        answer = await self.request("GET", ref.path(namespace), params=selectors(labels, fields))
        kind = str(answer.get("kind", "List")).removesuffix("List")
        items = [{"apiVersion": ref.api_version, "kind": kind, **item} for item in answer.get("items") or []]
        return items, answer["metadata"]["resourceVersion"]

    async def create(self, obj: Object, *, dry_run: bool = False) -> Object:
        """Create an object; Conflict when it exists."""
        return await self.request(
            "POST",
            resource_of(obj).path(obj["metadata"].get("namespace")),
            params={"dryRun": "All"} if dry_run else None,
            body=obj,
        )

    async def apply(
        self, obj: Object, *, manager: str, force: bool = True, subresource: str | None = None, dry_run: bool = False
    ) -> Object:
        """Server-side apply."""
        params = {"fieldManager": manager, "force": str(force).lower(), **({"dryRun": "All"} if dry_run else {})}
        return await self.request(
            "PATCH",
            resource_of(obj).path(obj["metadata"].get("namespace"), obj["metadata"]["name"], subresource),
            params=params,
            body=obj,
            content_type=PATCHES["apply"],
        )

    async def patch(
        self,
        ref: Resource,
        name: str,
        namespace: str | None,
        body: Any,
        *,
        kind: str = "merge",
        subresource: str | None = None,
    ) -> Object:
        """Patch an object; `kind` is merge, json or strategic."""
        return await self.request(
            "PATCH", ref.path(namespace, name, subresource), body=body, content_type=PATCHES[kind]
        )

    async def patch_status(self, ref: Resource, name: str, namespace: str | None, status: Object) -> Object:
        """Merge `status` into the status subresource."""
        return await self.patch(ref, name, namespace, {"status": status}, subresource="status")

    async def replace(self, obj: Object, *, subresource: str | None = None) -> Object:
        """Replace an object at its resourceVersion; Conflict when it has changed since."""
        path = resource_of(obj).path(obj["metadata"].get("namespace"), obj["metadata"]["name"], subresource)
        return await self.request("PUT", path, body=obj)

    async def delete(
        self,
        ref: Resource,
        name: str,
        namespace: str | None = None,
        *,
        grace: int | None = None,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> bool:
        """Delete an object; False when there was none."""
        body: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        if uid is not None:
            body["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", ref.path(namespace, name), body=body)
        except NotFound:
            return False
        return True

    async def watch(
        self,
        ref: Resource,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> AsyncIterator[tuple[str, Object]]:
        """Changes for ever: first ("SYNC", {"items": [...]}) with all that exists, then (type, object).

        Another SYNC follows after each loss of the stream, so that a reader never misses a deletion.
        """
        while True:
            try:
                items, version = await self._list(ref, namespace, labels, fields)
                yield "SYNC", {"items": items}
                async for event in self._stream(ref, namespace, selectors(labels, fields), version):
                    yield event
            except ApiError:
                await asyncio.sleep(0.5)

    async def _stream(
        self, ref: Resource, namespace: str | None, params: dict[str, str], version: str
    ) -> AsyncIterator[tuple[str, Object]]:
        while True:
            query = {**params, "watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
            try:
                async with self.session().get(
                    self.server + ref.path(namespace),
                    params=query,
                    headers=self._headers(),
                    ssl=self._ssl if self._ssl else True,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=400),
                ) as response:
                    if response.status >= 400:
                        raise error_of(response.status, {"message": await response.text()})
                    async for line in lines_of(response.content):
                        event = json.loads(line)
                        kind, obj = event["type"], event["object"]
                        if kind == "ERROR":
                            raise error_of(int(obj.get("code", 410)), obj)
                        version = obj["metadata"]["resourceVersion"]
                        if kind != "BOOKMARK":
                            yield kind, obj
            except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError) as error:
                raise ApiError(0, "Unreachable", str(error)) from error


def selectors(labels: str | None, fields: str | None) -> dict[str, str]:
    """Query parameters of a list."""
    return {
        **({"labelSelector": labels} if labels else {}),
        **({"fieldSelector": fields} if fields else {}),
    }


def error_of(status: int, answer: Mapping[str, Any]) -> ApiError:
    """The exception for a Status answer."""
    kind = {404: NotFound, 409: Conflict}.get(status, ApiError)
    return kind(status, str(answer.get("reason", "")), str(answer.get("message", "")))


async def lines_of(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length: the stream's own readline refuses those over its limit."""
    rest = b""
    async for chunk in stream.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line


class Informer:
    """A cache of a collection, kept by a watch."""

    def __init__(
        self,
        client: KubeClient,
        ref: Resource,
        *,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> None:
        self.client = client
        self.ref = ref
        self.items: dict[Key, Object] = {}
        self.changed = asyncio.Event()
        self._selection = (namespace, labels, fields)
        self._synced = asyncio.Event()
        self._listeners: list[Callable[[str, Object], None]] = []
        self._task: asyncio.Task[None] | None = None

    def on_change(self, listener: Callable[[str, Object], None]) -> None:
        """Call `listener(type, object)` for each change; type is ADDED, MODIFIED or DELETED."""
        self._listeners.append(listener)

    def start(self) -> Informer:
        """Begin to watch."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"informer {self.ref.plural}")
        return self

    async def synced(self) -> None:
        """Wait until the cache holds what existed at the start."""
        self.start()
        await self._synced.wait()

    async def stop(self) -> None:
        """End the watch."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        async for kind, obj in self.client.watch(self.ref, *self._selection):
            if kind == "SYNC":
                self._replace(obj["items"])
                self._synced.set()
            else:
                self._note(kind, obj)

    def _replace(self, items: Objects) -> None:
        found = {key_of(item): item for item in items}
        for key in [key for key in self.items if key not in found]:
            self._note("DELETED", self.items[key])
        for key, item in found.items():
            known = self.items.get(key)
            if known is None or known["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._note("ADDED" if known is None else "MODIFIED", item)

    def _note(self, kind: str, obj: Object) -> None:
        if kind == "DELETED":
            self.items.pop(key_of(obj), None)
        else:
            self.items[key_of(obj)] = obj
        self.changed.set()
        for listener in self._listeners:
            listener(kind, obj)


class Reconciler:
    """Calls `reconcile(key)` for keys that were added, one call a key at a time, again with back-off after an error."""

    def __init__(
        self,
        reconcile: Callable[[Key], Awaitable[float | None]],
        *,
        on_error: Callable[[Key, Exception], None] | None = None,
        first_delay: float = 0.1,
        last_delay: float = 5.0,
    ) -> None:
        self._reconcile = reconcile
        self._on_error = on_error
        self._delays = (first_delay, last_delay)
        self._dirty: dict[Key, asyncio.Event] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._stopped = False

    def add(self, key: Key) -> None:
        """Ask for a call; several before it starts are one, and none starts after the end."""
        if self._stopped:
            return
        self._dirty.setdefault(key, asyncio.Event()).set()
        task = self._tasks.get(key)
        if task is None or task.done():
            self._tasks[key] = asyncio.create_task(self._work(key), name=f"reconcile {'/'.join(key)}")

    async def stop(self) -> None:
        """Cancel what runs, and take nothing new."""
        self._stopped = True
        tasks = [task for task in self._tasks.values() if not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, key: Key) -> None:
        dirty = self._dirty[key]
        delay, last = self._delays
        while dirty.is_set():
            dirty.clear()
            try:
                again = await self._reconcile(key)
                delay = self._delays[0]
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if self._on_error:
                    self._on_error(key, error)
                again, delay = delay, min(delay * 2, last)
            if again is not None:
                # a change cuts the wait short
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(again):
                        await dirty.wait()
                dirty.set()
