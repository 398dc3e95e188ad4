# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m sandbox.images.metrics_server`: scrape the kubelets, serve metrics.k8s.io/v1beta1."""

from __future__ import annotations

import argparse
import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.control_plane.kube import NODE, POD, ApiError, KubeClient
from sandbox.control_plane.pki import Authority
from sandbox.images.container import Container, run
from sandbox.images.metrics_server.measurements import Measurements
from sandbox.network import sockets

Object = dict[str, Any]

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
RESOLUTION = 15.0
"""Real seconds between two rounds, metrics-server's own default."""
FIRST_ROUNDS = 2.0
SUMMARY_LIMIT = 5.0


def resources() -> Object:
    """Discovery of the group's version."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{VERSION}",
        "resources": [
            {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]},
            {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]},
        ],
    }


def group() -> Object:
    """Discovery of the group."""
    version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": GROUP, "versions": [version], "preferredVersion": version}


def failure(status: int, reason: str, message: str) -> web.Response:
    """A Status object."""
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": status,
    }
    return web.json_response(body, status=status)


class Server:
    """The aggregated API over a store of measurements."""

    def __init__(self, client: KubeClient, measurements: Measurements) -> None:
        self._client = client
        self._measurements = measurements
        self._rounds = 0
        base = f"/apis/{GROUP}/{VERSION}"
        self.application = web.Application()
        add = self.application.router.add_get
        add("/livez", self._alive)
        add("/healthz", self._alive)
        add("/readyz", self._ready)
        add("/apis", constant({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group()]}))
        add(f"/apis/{GROUP}", constant(group()))
        add(base, constant(resources()))
        add("/openapi/v2", constant({"swagger": "2.0", "info": {"title": GROUP, "version": VERSION}, "paths": {}}))
        add("/openapi/v3", constant({"paths": {}}))
        add(f"{base}/nodes", self._nodes)
        add(f"{base}/nodes/{{name}}", self._nodes)
        add(f"{base}/pods", self._pods)
        add(f"{base}/namespaces/{{namespace}}/pods", self._pods)
        add(f"{base}/namespaces/{{namespace}}/pods/{{name}}", self._pods)

    async def scrape_for_ever(self, session: aiohttp.ClientSession, resolution: float) -> None:
        """Ask all kubelets, again and again."""
        while True:
            try:
                nodes = await self._client.list(NODE)
                answers = await asyncio.gather(*(summary(session, node) for node in nodes))
                self._measurements.take({name: found for name, found in answers if found is not None})
                self._rounds += 1
            except ApiError as error:
                print(f"the API server did not list the nodes: {error}", flush=True)
            await asyncio.sleep(resolution if self._rounds > 1 else FIRST_ROUNDS)

    async def _alive(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok")

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        if self._measurements.nodes:
            return web.Response(text="ok")
        return web.Response(status=500, text="no metrics to serve yet")

    async def _nodes(self, request: web.Request) -> web.Response:
        return await self._answer(request, "NodeMetrics", "nodes", NODE, self._measurements.node)

    async def _pods(self, request: web.Request) -> web.Response:
        return await self._answer(request, "PodMetrics", "pods", POD, self._measurements.pod)

    async def _answer(
        self,
        request: web.Request,
        kind: str,
        plural: str,
        ref: Any,
        metrics_of: Callable[[Mapping[str, Any]], Object | None],
    ) -> web.Response:
        namespace, name = request.match_info.get("namespace"), request.match_info.get("name")
        fields = f"metadata.name={name}" if name else request.query.get("fieldSelector")
        try:
            objects = await self._client.list(ref, namespace, request.query.get("labelSelector"), fields)
        except ApiError as error:
            return failure(error.status or 503, error.reason, error.message)
        items = [found for found in map(metrics_of, objects) if found]
        if not name:
            body = {"kind": f"{kind}List", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}, "items": items}
            return web.json_response(body)
        if not items:
            return failure(404, "NotFound", f'{plural}.{GROUP} "{name}" not found')
        return web.json_response(items[0])


def constant(body: Object) -> Callable[[web.Request], Any]:
    """A handler that always gives the same."""

    async def handler(request: web.Request) -> web.Response:
        del request
        return web.json_response(body)

    return handler


async def summary(session: aiohttp.ClientSession, node: Mapping[str, Any]) -> tuple[str, Object | None]:
    """The summary of one kubelet; None when it does not answer."""
    name = node["metadata"]["name"]
    status = node["status"]
    address = next(each["address"] for each in status["addresses"] if each["type"] == "InternalIP")
    port = status["daemonEndpoints"]["kubeletEndpoint"]["Port"]
    try:
        # kubelets have certificates of their own making, here as on a cluster with --kubelet-insecure-tls
        async with session.get(f"https://{address}:{port}/stats/summary", ssl=False) as response:
            response.raise_for_status()
            return name, await response.json()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        print(f"kubelet of {name} did not answer: {error!r}", flush=True)
        return name, None


async def main() -> int:
    """Serve until terminated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--secure-port", type=int, default=4443)
    parser.add_argument("--metric-resolution", type=lambda text: float(text.rstrip("s")), default=RESOLUTION)
    arguments, _ = parser.parse_known_args()
    container = Container.current()
    certificate, key = Authority(container.root("/tmp/pki"), "metrics-server").issue(
        "server", "metrics-server", hosts=["metrics-server.kube-system.svc"]
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    limit = aiohttp.ClientTimeout(total=SUMMARY_LIMIT)
    async with (
        container.kube() as client,
        aiohttp.ClientSession(connector=sockets.connector(), timeout=limit) as session,
    ):
        server = Server(client, Measurements())
        runner = web.AppRunner(server.application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, sockets.listen(arguments.secure_port), ssl_context=context).start()
        container.up()
        container.log(f"serving {GROUP}/{VERSION} on port {arguments.secure_port}")
        try:
            await server.scrape_for_ever(session, arguments.metric_resolution)
        finally:
            await runner.cleanup()
    return 0


if __name__ == "__main__":
    run(main())
