# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent: configuration in, files out, Envoy watched over, readiness answered, requests drained at the end."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.images.proxyv2.bootstrap import STATISTICS_ANNOTATION, bootstrap
from sandbox.images.proxyv2.envoy import Envoy
from sandbox.images.proxyv2.place import Place
from sandbox.images.proxyv2.secret_files import missing, secret_files
from sandbox.images.proxyv2.translation import translate
from sandbox.images.proxyv2.xds_files import XdsFolder

POLL_SECONDS = 30
FIRST_RETRY_SECONDS = 0.2
LAST_RETRY_SECONDS = 2.0
SECRET_CHECK_SECONDS = 1.0
PLAIN_PORT = 15010
DISCOVERY_ADDRESS = "istiod.istio-system.svc:15012"
LABELS_FILE = "/etc/istio/pod/labels"
ANNOTATIONS_FILE = "/etc/istio/pod/annotations"
ROOT_FILE = "/var/run/secrets/istio/root-cert.pem"
GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name"
_LABEL = re.compile(r'^([^=]+)="(.*)"$', re.MULTILINE)
LONGEST_DRAIN = 5
"""Times the ordinary drain: how long requests under way may hold a gateway's end up."""


@dataclass(frozen=True)
class Identity:
    """Which gateway the agent serves, and where it asks."""

    namespace: str
    gateway: str
    pod: str
    workload: str
    discovery_address: str
    statistics: Sequence[str] = ()
    """Which more statistics Envoy keeps."""

    @classmethod
    def read(
        cls, environ: Mapping[str, str], labels: str, annotations: str = "", *, namespace: str, pod: str
    ) -> Identity:
        """From the environment that the gateway's Deployment sets, and the pod's labels and annotations by files."""
        gateway = dict(_LABEL.findall(labels)).get(GATEWAY_NAME_LABEL, "")
        if not gateway:
            raise SystemExit(
                f"pilot-agent: the label {GATEWAY_NAME_LABEL} is wanted in {LABELS_FILE}, as istiod sets it on a "
                "gateway's pods; found none."
            )
        config = json.loads(environ.get("PROXY_CONFIG") or "{}")
        return cls(
            namespace=namespace,
            gateway=gateway,
            pod=pod,
            workload=environ.get("ISTIO_META_WORKLOAD_NAME", gateway),
            discovery_address=config.get("discoveryAddress") or environ.get("CA_ADDR") or DISCOVERY_ADDRESS,
            statistics=tuple(filter(None, dict(_LABEL.findall(annotations)).get(STATISTICS_ANNOTATION, "").split(","))),
        )

    @property
    def url(self) -> str:
        """Where the gateway's configuration is served."""
        return f"{'https' if self.secure else 'http'}://{self.discovery_address}/configuration/{self.namespace}/{self.gateway}"

    @property
    def secure(self) -> bool:
        """Whether istiod shows a certificate there."""
        return not self.discovery_address.endswith(f":{PLAIN_PORT}")


class Agent:
    """Runs one gateway pod."""

    def __init__(
        self,
        place: Place,
        identity: Identity,
        envoy: Envoy,
        *,
        session: aiohttp.ClientSession,
        token: Callable[[], str],
        drain_seconds: float,
        log: Callable[[str], None],
    ) -> None:
        self._place = place
        self._identity = identity
        self._envoy = envoy
        self._session = session
        self._token = token
        self._drain_seconds = drain_seconds
        self._log = log
        self._files = XdsFolder(place.folder)
        self._secrets: frozenset[str] = frozenset()
        self._reported: list[str] = []
        self._draining = False
        self._version = ""

    async def run(self) -> int:
        """Serve until Envoy ends or the pod is told to; Envoy's exit code."""
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self.apply(await self._first())
            await self._start_envoy()
            tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._refresh_secrets())]
            ended = asyncio.create_task(self._envoy.wait())
            done, _ = await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ended}:
                task.result()
            code = ended.result()
            self._log(f"Envoy ended by itself with code {code}")
            return code or 1
        except asyncio.CancelledError:
            await self._drain()
            raise
        finally:
            for task in tasks:
                task.cancel()
            await self._envoy.stop(1.0)

    async def apply(self, configuration: Mapping[str, Any]) -> list[Path]:
        """Hand a configuration to Envoy; the files that changed."""
        files = translate(configuration, self._place)
        self._secrets = files.secrets
        contents = {**secret_files(files.secrets, self._place), **files.contents}
        changed = self._files.write(contents)
        self._files.keep(set(contents))
        self._version = configuration["version"]
        self._report_missing()
        return changed

    async def ready(self) -> bool:
        """Envoy is up with its configuration, and the pod is not ending."""
        return not self._draining and await self._envoy.live()

    def status_app(self) -> web.Application:
        """The application behind the pod's probes."""

        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=200 if await self.ready() else 503)

        app = web.Application()
        app.router.add_get("/healthz/ready", answer)
        return app

    async def _start_envoy(self) -> None:
        identity, place = self._identity, self._place
        node = f"router~{place.pod_ip}~{identity.pod}.{identity.namespace}~{identity.namespace}.svc.cluster.local"
        cluster = f"{identity.workload}.{identity.namespace}"
        started = bootstrap(place, node_id=node, cluster=cluster, statistics=identity.statistics)
        await self._envoy.start(started)
        self._log(f"Envoy started with configuration {self._version}")

    async def _first(self) -> Mapping[str, Any]:
        while True:
            found = await self._fetch()
            if found:
                return found

    async def _follow(self) -> None:
        while True:
            found = await self._fetch()
            if found:
                await self.apply(found)

    async def _fetch(self) -> Mapping[str, Any] | None:
        """The next configuration; None when istiod has no other than ours."""
        delay, complaint = FIRST_RETRY_SECONDS, ""
        while True:
            try:
                async with self._session.get(
                    self._identity.url,
                    params={"version": self._version, "wait": str(POLL_SECONDS)},
                    headers={"Authorization": f"Bearer {self._token()}"},
                    timeout=aiohttp.ClientTimeout(total=POLL_SECONDS + 15, sock_connect=5),
                    ssl=self._trust(),
                ) as response:
                    if response.status == 200:
                        found: Mapping[str, Any] = await response.json()
                        return found
                    if response.status == 304:
                        return None
                    problem = f"{response.status} {(await response.text()).strip()}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = f"{type(error).__name__} {error}".strip()
            if problem != complaint:
                complaint = problem
                self._log(f"no configuration from {self._identity.discovery_address}: {problem}; asking again")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY_SECONDS)

    def _trust(self) -> ssl.SSLContext | bool:
        """istiod's certificate is verified with the mounted root, read each time: it may be renewed."""
        if not self._identity.secure:
            return True
        return ssl.create_default_context(cafile=str(self._place.local_path(ROOT_FILE)))

    async def _refresh_secrets(self) -> None:
        """Certificates are renewed in place, and mounts may appear late."""
        while True:
            await asyncio.sleep(SECRET_CHECK_SECONDS)
            if self._files.write(secret_files(self._secrets, self._place)):
                self._log("certificates were read again")
            self._report_missing()

    def _report_missing(self) -> None:
        found = missing(self._secrets, self._place)
        for name in found:
            if name not in self._reported:
                self._log(f"secret {name} cannot be read; connections that need it will fail with a TLS error")
        self._reported = found

    async def _drain(self) -> None:
        """Refuse to be ready, tell clients to go elsewhere, and wait for what is under way."""
        self._draining = True
        self._log("draining")
        await self._envoy.ask("/drain_listeners?graceful&skip_exit", method="POST")
        begin = time.monotonic()
        await asyncio.sleep(self._drain_seconds)
        while await self._envoy.active_requests() and time.monotonic() < begin + LONGEST_DRAIN * self._drain_seconds:
            await asyncio.sleep(self._drain_seconds / 10)
