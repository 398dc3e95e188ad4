# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole picker: API server, model servers' metrics, the three ports, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import grpc
from aiohttp import web

from sandbox.control_plane.kube import POD, ApiError, Informer, KubeClient, Resource
from sandbox.images import prometheus
from sandbox.images.container import Container
from sandbox.images.epp import generation
from sandbox.images.epp.command_line import FlagError, Options, parse
from sandbox.images.epp.config import Config, ConfigError, load
from sandbox.images.epp.ext_proc import Processor
from sandbox.images.epp.health import Health
from sandbox.images.epp.messages import pb_grpc
from sandbox.images.epp.metrics import Metrics
from sandbox.images.epp.replicas import Fleet, Pool
from sandbox.images.epp.scorers import Picker, Replica
from sandbox.images.tls_files import stamp
from sandbox.network import sockets
from sandbox.network.addresses import bind_port, loopback

# The real one asks twenty times a second, which three pods on two cores would feel.
LEAST_METRICS_INTERVAL = 0.2
METRICS_TIMEOUT = 2.0
GRACE = 5.0
TICK, FIRST_LIST_TICKS = 0.05, 100
MESSAGE_LIMIT = 64 * 2**20
POOL_VERSIONS = {"inference.networking.k8s.io": "v1", "inference.networking.x-k8s.io": "v1alpha2"}


class Log:
    """JSON lines, as the real one writes them."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def __call__(self, message: str, level: str = "info", **fields: Any) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._container.log(json.dumps({"level": level, "ts": moment, "msg": message, **fields}))


async def main(argv: Sequence[str]) -> int:
    """Serve until told to stop; the exit code."""
    container = Container.current()
    log = Log(container)
    try:
        options = parse(argv, container.namespace)
        config = load(config_text(container, options))
    except FlagError as error:
        print(f"{error}\nUsage of epp: --pool-name NAME [flags]", file=sys.stderr, flush=True)
        return 2
    except ConfigError as error:
        log("Failed to parse configuration", "error", error=str(error))
        return 1
    picker_service = PickerService(container, options, config, log)
    try:
        await picker_service.run()
    except CertificateError as error:
        log("Failed to create TLS certificate", "error", error=str(error))
        return 1
    return 0


class CertificateError(Exception):
    """No certificate to serve with."""


def config_text(container: Container, options: Options) -> str:
    """The configuration, from the command line or a mounted file."""
    if not options.config_file:
        return options.config_text
    file = container.root(options.config_file)
    if not file.exists():
        raise ConfigError(f"--config-file {options.config_file} does not exist")
    return file.read_text(encoding="utf-8")


class PickerService:
    """The picker with all that it listens to and asks."""

    def __init__(self, container: Container, options: Options, config: Config, log: Log) -> None:
        self.container = container
        self.options = options
        self.log = log
        self.fleet = Fleet()
        self.generation = generation.of_image(container.environ.get("SANDBOX_IMAGE", ""))
        self.picker = Picker(config, block_characters=self.generation.block_characters)
        self.metrics = Metrics(options.pool_name)
        self.pool: Pool | None = None
        self._synced = False

    def ready(self) -> bool:
        """Whether the pool is known; without it there is nothing to choose from."""
        return self._synced and self.pool is not None

    async def run(self) -> None:
        """Serve until cancelled."""
        server = self._grpc_server()
        health = grpc.aio.server()
        health.add_generic_rpc_handlers((Health(self.ready),))
        health.add_insecure_port(self._address(self.options.health_port))
        async with self.container.kube() as kube:
            metrics_site = await self._metrics_site(kube)
            await server.start()
            await health.start()
            self.log("Endpoint picker starting", pool=self.options.pool_name, port=self.options.grpc_port)
            tasks = [
                asyncio.create_task(self._watch(kube), name="watch"),
                asyncio.create_task(self._scrape(), name="scrape"),
            ]
            try:
                # probes count from here, in guide time: the first list from the API server is this machine's
                for _ in range(FIRST_LIST_TICKS):
                    if self.ready() or any(task.done() for task in tasks):
                        break
                    await asyncio.sleep(TICK)
                self.container.up()
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self.log("Shutting down")
                for task in tasks:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
                await server.stop(GRACE)
                await health.stop(0)
                await metrics_site.cleanup()

    def _address(self, port: int) -> str:
        return f"{loopback(self.container.pod_ip)}:{bind_port(port)}"

    def _grpc_server(self) -> Any:
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", MESSAGE_LIMIT),
                ("grpc.max_send_message_length", MESSAGE_LIMIT),
                ("grpc.so_reuseport", 0),
            ]
        )
        processor = Processor(
            *(self.picker, self.fleet, self.metrics),
            allowed=self._admitted,
            log=self.log,
            strict=self.generation.refuses,
        )
        pb_grpc.add_ExternalProcessorServicer_to_server(processor, server)
        address = self._address(self.options.grpc_port)
        if self.options.secure:
            server.add_secure_port(address, self._credentials())
        else:
            server.add_insecure_port(address)
        return server

    def _admitted(self, peer: str) -> bool:
        host = peer.removeprefix("ipv4:").rpartition(":")[0]
        return sockets.allowed_ingress(host, self.options.grpc_port)

    def _credentials(self) -> Any:
        if not self.options.cert_path:
            raise CertificateError("--secure-serving wants --cert-path in the sandbox; it makes no certificate itself")
        folder = self.container.root(self.options.cert_path)
        certificate, key = folder / "tls.crt", folder / "tls.key"
        try:
            first = configuration(certificate, key)
        except OSError as error:
            raise CertificateError(
                f"{self.options.cert_path}/tls.crt or tls.key cannot be read ({error.strerror}); is the secret mounted?"
            ) from error
        if not self.options.cert_reload:
            return grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        known = stamp(certificate, key)

        def fetch() -> Any:
            """Called for each handshake: a new configuration when the files have changed."""
            nonlocal known
            found = stamp(certificate, key)
            if found == known:
                return None
            known = found
            with contextlib.suppress(OSError):
                self.log("Reloaded the certificate")
                return configuration(certificate, key)
            return None

        return grpc.dynamic_ssl_server_credentials(first, fetch)

    async def _watch(self, kube: KubeClient) -> None:
        """Follow the pool and its pods."""
        namespace, name = self.options.pool_namespace, self.options.pool_name
        group = self.options.pool_group
        resource = Resource(f"{group}/{POOL_VERSIONS.get(group, 'v1')}", "inferencepools")
        pools = Informer(kube, resource, namespace=namespace, fields=f"metadata.name={name}")
        pods = Informer(kube, POD, namespace=namespace)
        try:
            for informer, what in ((pools, "InferencePool"), (pods, "Pod")):
                await self._first_sync(kube, informer, what, namespace)
            self._synced = True
            changed = asyncio.Event()
            for informer in (pools, pods):
                informer.on_change(lambda _kind, _obj: changed.set())
            while True:
                self._take_over(pools.items.get((namespace, name)), list(pods.items.values()))
                await changed.wait()
                changed.clear()
        finally:
            await pools.stop()
            await pods.stop()

    async def _first_sync(self, kube: KubeClient, informer: Informer, what: str, namespace: str) -> None:
        informer.start()
        while True:
            try:
                async with asyncio.timeout(5):
                    await informer.synced()
                return
            except TimeoutError:
                try:
                    await kube.list(informer.ref, namespace)
                    reason = "no answer yet"
                except ApiError as error:
                    reason = str(error)
                self.log(f"Waiting for the {what} list", "error", error=reason)

    def _take_over(self, pool: dict[str, Any] | None, pods: list[dict[str, Any]]) -> None:
        self.pool = Pool.of(pool) if pool else None
        before = {replica.name for replica in self.fleet.replicas}
        self.fleet.update(self.pool, pods)
        after = {replica.name for replica in self.fleet.replicas}
        if before != after:
            self.picker.index.retain(after)
            self.log("Pods of the pool", pods=sorted(after))

    async def _scrape(self) -> None:
        """Ask every replica for its queue, again and again."""
        interval = max(self.options.metrics_interval, LEAST_METRICS_INTERVAL)
        tls = ssl.create_default_context()
        if not self.options.server_metrics_verify:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
        timeout = aiohttp.ClientTimeout(total=METRICS_TIMEOUT)
        asked: dict[str, asyncio.Task[None]] = {}
        async with aiohttp.ClientSession(connector=sockets.connector(), timeout=timeout) as session:
            while True:
                # a replica that does not answer must not keep the others waiting
                for replica in self.fleet.replicas:
                    task = asked.get(replica.address)
                    if task is None or task.done():
                        asked[replica.address] = asyncio.create_task(self._ask(session, tls, replica))
                for address in asked.keys() - {replica.address for replica in self.fleet.replicas}:
                    asked.pop(address).cancel()
                await asyncio.sleep(interval)

    async def _ask(self, session: aiohttp.ClientSession, tls: ssl.SSLContext, replica: Replica) -> None:
        host, _, port = replica.address.rpartition(":")
        port = str(self.options.server_metrics_port or port)
        url = f"{self.options.server_metrics_scheme}://{host}:{port}{self.options.server_metrics_path}"
        try:
            async with session.get(url, ssl=tls) as response:
                if response.status != 200:
                    return
                text = await response.text()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return  # the last figures stay
        page = prometheus.totals(text)
        replica.block_tokens = block_tokens(text, self.options.cache_metric) or replica.block_tokens
        replica.queued = page.get(self.options.queued_metric, replica.queued)
        replica.running = page.get(self.options.running_metric, replica.running)
        replica.usage = page.get(self.options.usage_metric, replica.usage)

    async def _metrics_site(self, kube: KubeClient) -> web.AppRunner:
        async def page(request: web.Request) -> web.Response:
            if self.options.metrics_auth:
                refusal = await unauthorized(kube, request.headers.get("Authorization", ""))
                if refusal:
                    return web.Response(status=refusal)
            text = self.metrics.page(self.fleet, self.picker.index.size)
            return web.Response(body=text.encode(), headers={"Content-Type": prometheus.CONTENT_TYPE})

        app = web.Application()
        app.add_routes([web.get("/metrics", page)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.SockSite(runner, sockets.listen(self.options.metrics_port)).start()
        return runner


def block_tokens(page: str, metric: str) -> int:
    """The size of a model server's cache blocks, which its metrics name in a label; 0 when they do not."""
    found = re.search(rf'^{re.escape(metric)}\{{[^}}]*\bblock_size="(\d+)"', page, re.MULTILINE)
    return int(found[1]) if found else 0


def configuration(certificate: Path, key: Path) -> Any:
    """A certificate for gRPC."""
    return grpc.ssl_server_certificate_configuration([(key.read_bytes(), certificate.read_bytes())])


async def unauthorized(kube: KubeClient, header: str) -> int:
    """0 when the caller may GET /metrics, else the status to answer; the API server says both who and whether."""
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return 401
    try:
        review = await kube.create(
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "spec": {"token": token}}
        )
        status = review.get("status") or {}
        if not status.get("authenticated"):
            return 401
        user = status.get("user") or {}
        access = await kube.create(
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "metadata": {},
                "spec": {
                    "user": user.get("username"),
                    "groups": user.get("groups") or [],
                    "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
                },
            }
        )
    except ApiError:
        return 500
    return 0 if (access.get("status") or {}).get("allowed") else 403
