# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests through the real Envoy with what the stand-in of istiod makes of a golden case."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.control_plane.pki import Authority
from sandbox.images.proxyv2.bootstrap import bootstrap
from sandbox.images.proxyv2.envoy import Envoy
from sandbox.images.proxyv2.place import Place
from sandbox.images.proxyv2.secret_files import secret_files
from sandbox.images.proxyv2.translation import translate
from sandbox.images.proxyv2.xds_files import XdsFolder
from sandbox.network.addresses import bind_port, loopback
from tests.golden.istiod_cluster import Cluster
from tests.integration.sandbox.trivial_picker import Server, Servicer, TrivialPicker, serve

RECORDED_NETWORK, OWN_NETWORK = "10.1.", "10.84."
CA_FILE = "/var/run/secrets/opendatahub/ca.crt"
PATIENCE = 30.0
REFUSES, GONE = "[picker refuses connections]", "[picker without endpoints]"
REQUEST = re.compile(r"(?P<model>\w+) (?P<method>\w+) (?P<path>/\S*)(?: (?P<headers>\{.*?\}))?(?: (?P<form>\[.*\]))?")

Answer = Mapping[str, Any]
More = Callable[[str, bytes], Answer]
"""What a replica at an address answers to a body, beside its name."""


def own(address: str) -> str:
    """A recorded address in the network of these tests."""
    return address.replace(RECORDED_NETWORK, OWN_NETWORK)


@dataclass
class Stage:
    """Replicas, pickers and an Envoy."""

    cluster: Cluster
    envoy: Envoy
    place: Place
    files: XdsFolder
    session: aiohttp.ClientSession
    pickers: Mapping[str, TrivialPicker]
    """Those that count for this stage; none where a test brought its own."""

    servers: Mapping[str, Server]

    def configure(self) -> None:
        """Give Envoy what the gateway gets now."""
        text = json.dumps(self.cluster.configuration().to_json()).replace(RECORDED_NETWORK, OWN_NETWORK)
        files = translate(json.loads(text), self.place)
        self.files.write({**secret_files(files.secrets, self.place), **files.contents})

    async def refuse(self) -> None:
        """The pickers' processes go, their endpoints stay."""
        for server in self.servers.values():
            await server.stop(0)

    async def forget(self) -> None:
        """The pickers' endpoints go too."""
        pods = self.cluster.kinds["pods"]
        for key in [key for key in pods if key[1].endswith("-router-scheduler")]:
            del pods[key]
        self.cluster.settle()
        self.configure()
        pickers = {loopback(own(model["picker"])) for model in self.cluster.shared["models"].values()}
        async with asyncio.timeout(PATIENCE):
            while pickers & await self._hosts():
                await asyncio.sleep(0.02)

    async def _hosts(self) -> set[str]:
        _, text = await self.envoy.ask("/clusters")
        return set(re.findall(r"::([\d.]+):\d+::cx_active::", text))

    def url(self, path: str) -> str:
        """A path at the gateway."""
        return f"http://{self.place.address}:{self.place.local_port(80)}{path}"

    async def send(self, key: str, body_bytes: int = 0) -> Answer:
        """One line of a case's requests, in the form in which it is written down."""
        found = REQUEST.fullmatch(key)
        assert found, key
        times = 6 if found["method"] == "POST" and not found["form"] else 1
        outcomes = [await self._send(found, number, body_bytes) for number in range(times)]
        if times == 1:
            return outcomes[0]
        statuses: dict[str, int] = {}
        for outcome in outcomes:
            statuses[str(outcome["status"])] = statuses.get(str(outcome["status"]), 0) + 1
        asked = [outcome for outcome in outcomes if outcome["picker_asked"]]
        return {
            "requests": times,
            "statuses": statuses,
            "picker_asked": len(asked),
            "pickers": sorted({outcome["picker"] for outcome in asked}),
            "choice_obeyed": sum(outcome["obeyed"] for outcome in asked) if asked else None,
            "upstream_path": sorted({str(outcome.get("upstream_path")) for outcome in outcomes}),
        }

    async def _send(self, line: re.Match[str], number: int, body_bytes: int) -> dict[str, Any]:
        form = line["form"] or ""
        before = {name: len(picker.exchanges) for name, picker in self.pickers.items()}
        text = json.dumps({"model": line["model"], "pick": number % 3, "stream": "SSE" in form})
        body = text.ljust(max(body_bytes, 0)).encode()
        headers = {**json.loads(line["headers"] or "{}"), "content-type": "application/json"}
        data: Any = None
        if line["method"] == "POST":
            data = _chunks(body) if "chunked" in form else body
        async with self.session.request(line["method"], self.url(line["path"]), data=data, headers=headers) as response:
            status, answer = response.status, await response.text()
        result: dict[str, Any] = {"status": status}
        asked = [(name, picker) for name, picker in self.pickers.items() if len(picker.exchanges) > before[name]]
        result["picker_asked"] = bool(asked)
        told = json.loads(answer) if status == 200 and "SSE" not in form else {}
        if told:
            result["upstream_path"] = told["path"]
        if asked:
            ((name, picker),) = asked
            chosen = loopback(own(self.cluster.shared["models"][name]["replicas"][number % 3]))
            result |= {"picker": name, "obeyed": told.get("replica") == chosen, "exchange": picker.exchanges[-1]}
        return result


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]
        await asyncio.sleep(0)


async def _replica(stack: AsyncExitStack, address: str, context: ssl.SSLContext, more: More) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if not body or not json.loads(body).get("stream"):
            return web.json_response({"replica": address, "path": request.path, **more(address, body)})
        stream = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await stream.prepare(request)
        for number in range(4):
            await stream.write(f"data: {number}\n\n".encode())
        await stream.write(b"data: [DONE]\n\n")
        return stream

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, address, bind_port(8000), ssl_context=context).start()


def trivial_pickers(cluster: Cluster) -> dict[str, TrivialPicker]:
    """One a model; they read their choice from the body."""
    made = {}
    for name, model in cluster.shared["models"].items():
        replicas = [own(address) for address in model["replicas"]]

        def choose(body: bytes, replicas: list[str] = replicas) -> str:
            return f"{replicas[json.loads(body)['pick'] if body else 0]}:8000"

        made[name] = TrivialPicker(choose)
    return made


@asynccontextmanager
async def stage(
    folder: Path,
    cluster: Cluster,
    pickers: Mapping[str, Servicer] | None = None,
    more: More = lambda address, body: {},
    statistics: Sequence[str] = (),
) -> AsyncIterator[Stage]:
    """Everything up, Envoy with what the cluster says; `statistics` as the gateway's annotation has them."""
    authority = Authority(folder / "pki", "opendatahub-ca")
    certificate = authority.issue("server", "server", hosts=["server.test"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    place = Place(own(cluster.shared["gateway"]), folder / "root", folder / "xds")
    mounted = place.local_path(CA_FILE)
    mounted.parent.mkdir(parents=True)
    mounted.write_text(authority.pem, encoding="utf-8")
    trivial = {} if pickers else trivial_pickers(cluster)
    async with AsyncExitStack() as stack:
        servers = {}
        for model in cluster.shared["models"].values():
            for address in model["replicas"]:
                await _replica(stack, loopback(own(address)), context, more)
        for name, picker in (pickers or trivial).items():
            address = f"{loopback(own(cluster.shared['models'][name]['picker']))}:{bind_port(9002)}"
            servers[name] = await serve(stack, picker, address, certificate)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)))
        envoy = Envoy(folder, place.admin)
        stack.push_async_callback(envoy.stop, 1.0)
        ready = Stage(cluster, envoy, place, XdsFolder(place.folder), session, trivial, servers)
        ready.configure()
        await envoy.start(bootstrap(place, node_id="router~test", cluster="test", statistics=statistics))
        async with asyncio.timeout(PATIENCE):
            while not await envoy.live():
                await asyncio.sleep(0.02)
        yield ready
