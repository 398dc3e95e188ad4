# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTPS server of every node, as the API server and metrics-server ask it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from aiohttp import web

from sandbox.control_plane.pki import Authority
from sandbox.network.addresses import loopback
from sandbox.nodes import logs, usage
from sandbox.nodes.cluster import KUBELET_PORT
from sandbox.nodes.records import RUNNING, ContainerRecord, PodRecord, parse_timestamp
from sandbox.nodes.sources import Object
from sandbox.nodes.status import init_containers

STREAMING = (
    "the sandbox's nodes offer no {what}: containers are stand-ins without a shell; logs, probes and proxying work"
)


class PodOnNode(Protocol):
    """What the server needs of a pod worker."""

    pod: Object
    record: PodRecord
    folder: Path


PodsOf = Callable[[str], Iterable[PodOnNode]]


class LogError(Exception):
    """A log that cannot be given: HTTP status and sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def choose_log(pod: PodOnNode, container: str, *, previous: bool) -> tuple[Path, ContainerRecord]:
    """The file of a container's current or previous run."""
    name = pod.record.name
    specs = {spec["name"]: spec for spec in [*init_containers(pod.pod), *pod.pod["spec"]["containers"]]}
    if container not in specs:
        raise LogError(404, f"container {container} is not valid for pod {name}")
    record = pod.record.containers.get(container) or ContainerRecord(container)
    run = record.restarts
    current = logs.log_file(pod.folder, container, run)
    if not current.exists() and run:
        # waiting for its next start: the run that ended is the one to show
        run -= 1
        current = logs.log_file(pod.folder, container, run)
    if previous:
        run = run if record.state != RUNNING and record.previous and not record.exit else run - 1
        earlier = logs.log_file(pod.folder, container, run)
        if run < 0 or not earlier.exists():
            raise LogError(400, f'previous terminated container "{container}" in pod "{name}" not found')
        return earlier, record
    if not current.exists():
        reason = record.reason or ("PodInitializing" if init_containers(pod.pod) else "ContainerCreating")
        reason = {
            "ErrImagePull": "image can't be pulled",
            "ImagePullBackOff": "trying and failing to pull image",
        }.get(reason, reason)
        raise LogError(400, f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    return current, record


def selection(query: dict[str, str], now: float) -> logs.Selection:
    """What the query of a log request asks for; ValueError names a bad number."""

    def number(name: str) -> int | None:
        text = query.get(name)
        if text is None or text == "":
            return None
        value = int(text)
        if value < 0:
            raise ValueError(f"{name} must not be negative")
        return value

    since = None
    seconds = number("sinceSeconds")
    if seconds is not None:
        since = now - seconds
    elif query.get("sinceTime"):
        since = parse_timestamp(query["sinceTime"]).timestamp()
    return logs.Selection(
        tail=number("tailLines"),
        since=since,
        limit=number("limitBytes"),
        timestamps=query.get("timestamps") == "true",
        follow=query.get("follow") == "true",
    )


class KubeletServer:
    """One application, served at the address of each node."""

    def __init__(self, authority: Authority, pods_of: PodsOf) -> None:
        self._authority = authority
        self._pods_of = pods_of
        self._nodes: dict[str, str] = {}
        self._sites: dict[str, web.TCPSite] = {}
        application = web.Application()
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        application.router.add_get("/pods", self._pods)
        application.router.add_get("/stats/summary", self._summary)
        application.router.add_get("/metrics/resource", self._metrics)
        application.router.add_get("/healthz", self._healthz)
        for verb in ("exec", "attach", "portForward", "run"):
            application.router.add_route("*", f"/{verb}/{{rest:.*}}", self._no_streaming)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)

    async def start(self) -> None:
        """Get ready to serve."""
        await self._runner.setup()

    async def stop(self) -> None:
        """Serve no node any more."""
        await self._runner.cleanup()

    async def add(self, node: str, address: str) -> None:
        """Serve a node at its address."""
        host = loopback(address)
        certificate, key = self._authority.issue(
            f"kubelet-{node}", f"system:node:{node}", organizations=["system:nodes"], hosts=[node, address, host]
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        site = web.TCPSite(self._runner, host, KUBELET_PORT, ssl_context=context)
        await site.start()
        self._nodes[host] = node
        self._sites[node] = site

    async def remove(self, node: str) -> None:
        """The node is gone."""
        site = self._sites.pop(node, None)
        if site:
            await site.stop()
        self._nodes = {host: name for host, name in self._nodes.items() if name != node}

    def _node(self, request: web.Request) -> str:
        name = request.transport.get_extra_info("sockname")[0] if request.transport else ""
        return self._nodes.get(name, "")

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        info = request.match_info
        pod = next(
            (
                pod
                for pod in self._pods_of(self._node(request))
                if (pod.record.namespace, pod.record.name) == (info["namespace"], info["pod"])
            ),
            None,
        )
        try:
            if pod is None:
                raise LogError(404, f'pod "{info["namespace"]}/{info["pod"]}" not found')
            wanted = selection(dict(request.query), time.time())
            log, record = choose_log(pod, info["container"], previous=request.query.get("previous") == "true")
        except LogError as error:
            return web.Response(status=error.status, text=str(error))
        except ValueError as error:
            return web.Response(status=400, text=f"bad log options: {error}")
        run = record.container_id
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)

        def writing() -> bool:
            return record.state == RUNNING and record.container_id == run

        async for block in logs.read_log(log, wanted, writing=writing):
            await response.write(block)
        await response.write_eof()
        return response

    async def _pods(self, request: web.Request) -> web.Response:
        items = [pod.pod for pod in self._pods_of(self._node(request))]
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    async def _summary(self, request: web.Request) -> web.Response:
        node = self._node(request)
        records = [pod.record for pod in self._pods_of(node)]
        return web.json_response(usage.summary(node, records, usage.by_session()))

    async def _metrics(self, request: web.Request) -> web.Response:
        records = [pod.record for pod in self._pods_of(self._node(request))]
        return web.Response(text=usage.metrics(records, usage.by_session()))

    async def _healthz(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text="ok")

    async def _no_streaming(self, request: web.Request) -> web.Response:
        what = request.path.split("/")[1]
        what = {"portForward": "port forwarding", "run": "exec"}.get(what, what)
        return web.Response(status=501, text=STREAMING.format(what=what))
