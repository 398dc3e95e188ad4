# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process: plain HTTP, TLS, the CONNECT proxy and the engine, started and ended together."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

from aiohttp import web

from sandbox.cloud.calls import Cloud
from sandbox.cloud.clock import Clock, SystemClock
from sandbox.cloud.connect_proxy import ConnectProxy
from sandbox.cloud.credentials import ensure_credentials
from sandbox.cloud.dispatch import Dispatcher
from sandbox.cloud.ledger import Audit
from sandbox.cloud.own_paths import OwnPaths
from sandbox.cloud.project import Project, load_project
from sandbox.cloud.runtime import ClusterRuntime, ControlPlaneRuntime
from sandbox.cloud.state import Store
from sandbox.cloud.tokens import Tokens
from sandbox.control_plane.pki import Authority
from sandbox.settings import CLOUD_ADDRESS, CLOUD_PORT, CLOUD_PROXY_PORT, CLOUD_TLS_PORT, Settings
from sandbox.timeline import Timeline

HOSTS = ("googleapis.com", "*.googleapis.com", "localhost")
SHUTDOWN_PATIENCE = 0.3
"""Real seconds for calls that are being answered when the end comes."""


class Server:
    """Serves the emulated cloud of one sandbox folder. A port of 0 takes any free one."""

    def __init__(
        self,
        settings: Settings,
        *,
        runtime: ClusterRuntime | None = None,
        clock: Clock | None = None,
        project: Project | None = None,
        address: str = CLOUD_ADDRESS,
        port: int = CLOUD_PORT,
        tls_port: int = CLOUD_TLS_PORT,
        proxy_port: int = CLOUD_PROXY_PORT,
    ) -> None:
        self._settings = settings
        self._address = address
        self._wanted_ports = (port, tls_port, proxy_port)
        self._project = project or load_project()
        self._clock = clock or SystemClock()
        self._runtime = runtime or ControlPlaneRuntime(settings)
        self._stack = contextlib.AsyncExitStack()
        self.port = self.tls_port = self.proxy_port = 0
        # by which Google's words are chosen
        self.seed = ""

    @property
    def url(self) -> str:
        """Where every API is served without TLS."""
        return f"http://{self._address}:{self.port}"

    @property
    def proxy_url(self) -> str:
        """The way in for clients that insist on Google's own names."""
        return f"http://{self._address}:{self.proxy_port}"

    @property
    def folder(self) -> Path:
        """Where the cloud keeps its things."""
        return self._settings.cloud_dir

    async def start(self) -> None:
        """Serve; OSError when an address is taken."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        plain, tls, proxy = (bound(self._address, port) for port in self._wanted_ports)
        self.port, self.tls_port, self.proxy_port = (each.getsockname()[1] for each in (plain, tls, proxy))
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=SHUTDOWN_PATIENCE)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        connect = ConnectProxy((self._address, self.tls_port))
        self._stack.push_async_callback(connect.close)
        await web.SockSite(runner, tls, ssl_context=tls_context(self.folder, self._address)).start()
        await connect.start(proxy)
        # the plain port last: who waits for it finds everything up
        await web.SockSite(runner, plain).start()

    def _application(self) -> web.Application:
        cloud = Cloud.assemble(
            self._project,
            Store(self.folder / "state.json"),
            self._clock,
            self._settings.speed,
            Audit(self.folder / "audit.jsonl"),
            Timeline.of(self._settings),
            self._runtime,
            self._settings.seed,
        )
        self.seed = cloud.state.seed
        token_uri = f"{self.url}/token"
        keys = ensure_credentials(self.folder, self._project, token_uri)
        tokens = Tokens(self._project, cloud.state, keys, token_uri)
        cloud.store.save()
        work = asyncio.ensure_future(cloud.engine.run())
        self._stack.push_async_callback(cloud.engine.close)
        self._stack.callback(work.cancel)
        app = web.Application()
        app.add_routes(OwnPaths(cloud, tokens).routes())
        app.router.add_route("*", "/{path:.*}", Dispatcher(cloud, tokens).handle)
        return app

    async def close(self) -> None:
        """Stop serving; clusters keep running."""
        await self._stack.aclose()


def bound(address: str, port: int) -> socket.socket:
    """A listening address of ours."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setblocking(False)
    try:
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def tls_context(folder: Path, address: str) -> ssl.SSLContext:
    """The TLS side, with a certificate for every Google host."""
    authority = Authority(folder / "pki", "Sandbox cloud authority")
    (folder / "ca.pem").write_text(authority.pem, encoding="ascii")
    certificate, key = authority.issue("cloud", "googleapis.com", hosts=[*HOSTS, address])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
