# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's agent and the real Envoy, with configurations as istiod computes them and a trivial endpoint picker."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.control_plane.kube import Key, Object
from sandbox.control_plane.pki import Authority
from sandbox.images.istiod.configuration import Configuration, configuration
from sandbox.images.istiod.discovery import discovery_app
from sandbox.images.istiod.names import shadow_service
from sandbox.images.proxyv2.agent import Agent, Identity
from sandbox.images.proxyv2.bootstrap import bootstrap
from sandbox.images.proxyv2.envoy import Envoy, binary
from sandbox.images.proxyv2.place import Place
from sandbox.images.proxyv2.secret_files import secret_files
from sandbox.images.proxyv2.translation import translate
from sandbox.network.addresses import bind_port, loopback
from tests.integration.sandbox.trivial_picker import TrivialPicker, serve
from tests.unit.sandbox.images.istiod.objects import (
    APP,
    GATEWAY_KEY,
    MESH,
    PICKER,
    ROUTE,
    body_patch,
    destination_rule,
    endpoint_slice,
    envoy_filter,
    gateway,
    gateway_class,
    kserve_route,
    picker_service,
    pod,
    pool,
    service,
    world,
)

NETWORK = "10.83"
GATEWAY_IP = f"{NETWORK}.1.2"
PODS = {"qwen-0": f"{NETWORK}.2.2", "qwen-1": f"{NETWORK}.3.2"}
PICKER_IP = f"{NETWORK}.4.2"
ISTIOD = loopback(f"{NETWORK}.5.2")
BASE = f"/{APP}/qwen"
SHADOW_HOST = f"{shadow_service('qwen-inference-pool')}.{APP}.svc.cluster.local"
PICKER_HOST = f"{PICKER}.{APP}.svc.cluster.local"
CA_FILE = "/var/run/secrets/opendatahub/ca.crt"
VERIFIED = {"mode": "SIMPLE", "caCertificates": CA_FILE, "sni": "qwen.test"}
PATIENCE = 30.0


def model(
    *more: Object,
    pods: dict[str, str] | None = None,
    ending: str = "",
    failure_mode: str = "FailOpen",
    picker_is_there: bool = True,
) -> Any:
    """One model behind the gateway; the pod called `ending` is being deleted."""
    pods = PODS if pods is None else pods
    picker = {"epp": PICKER_IP} if picker_is_there else {}
    return world(
        gateway_class(),
        gateway(),
        kserve_route(),
        pool(failure_mode=failure_mode),
        picker_service(),
        service(),
        endpoint_slice(pods),
        endpoint_slice(picker, service_name=PICKER, port=9002, port_name="grpc"),
        *(pod(name, address, ending=name == ending) for name, address in pods.items()),
        *more,
    )


def mode_filter() -> Object:
    """A filter as the guide has it, for the two rules that lead to the pool: a processing mode alone."""
    return envoy_filter(*(body_patch(f"{APP}.{ROUTE}.{index}") for index in (0, 1)))


@dataclass
class Published:
    """istiod's side: what it has for the gateway now."""

    current: Configuration
    news: asyncio.Event = field(default_factory=asyncio.Event)
    ready: bool = True

    def publish(self, snapshot: Any) -> None:
        self.current = configuration(snapshot, MESH, GATEWAY_KEY)
        self.news.set()
        self.news = asyncio.Event()

    async def next_configuration(self, gateway_key: Key, known: str, patience: float) -> Configuration | None:
        while self.current.version == known:
            try:
                async with asyncio.timeout(patience):
                    await self.news.wait()
            except TimeoutError:
                return None
        return self.current


def by_first_letter(body: bytes) -> str:
    """Prompts of one first letter go to one pod."""
    prompt = json.loads(body)["prompt"] if body else "a"
    return f"{list(PODS.values())[ord(prompt[0]) % len(PODS)]}:8000"


@dataclass
class Gateway:
    """A running gateway and what stands around it."""

    agent: Agent
    envoy: Envoy
    place: Place
    published: Published
    session: aiohttp.ClientSession
    log: list[str]

    async def ask(
        self, path: str, prompt: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; a prompt makes it a POST."""
        url = f"http://{self.place.address}:{self.place.local_port(80)}{path}"
        body = {"prompt": prompt} if prompt else None
        async with self.session.request("POST" if prompt else "GET", url, json=body, headers=headers) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except json.JSONDecodeError:
                return response.status, {"text": text}

    async def served_by(self, prompt: str) -> str:
        status, answer = await self.ask(f"{BASE}/v1/completions", prompt)
        assert status == 200, answer
        return str(answer["pod"])

    async def until(self, wanted: str) -> None:
        """Wait until Envoy's whole configuration has `wanted` in it."""
        async with asyncio.timeout(PATIENCE):
            while wanted not in (await self.envoy.ask("/config_dump?include_eds"))[1]:
                await asyncio.sleep(0.02)

    async def rejected(self) -> dict[str, int]:
        """Counters of updates that Envoy refused."""
        _, text = await self.envoy.ask("/stats?filter=update_(rejected|failure)&format=json")
        return {item["name"]: item["value"] for item in json.loads(text)["stats"] if item.get("value")}


async def upstream(stack: AsyncExitStack, name: str, address: str, authority: Authority | None = None) -> None:
    """A model server that tells who it is and what it was asked."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(
            {"pod": name, "path": request.path, "peer": request.remote, "body": (await request.read()).decode()}
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    context = None
    if authority:
        import ssl

        certificate, key = authority.issue(name, "qwen.test", hosts=["qwen.test"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, loopback(address), bind_port(8000), ssl_context=context).start()


async def picker_server(stack: AsyncExitStack) -> TrivialPicker:
    picker = TrivialPicker(by_first_letter)
    await serve(stack, picker, f"{loopback(PICKER_IP)}:{bind_port(9002)}")
    return picker


@asynccontextmanager
async def running(folder: Path, snapshot: Any) -> AsyncIterator[Gateway]:
    """A gateway with a first configuration, its agent fed by the real discovery application."""
    log: list[str] = []
    published = Published(configuration(snapshot, MESH, GATEWAY_KEY))

    async def authenticate(token: str) -> tuple[str, str] | None:
        return ("opendatahub", "inference-gateway-istio") if token == "good" else None

    async with AsyncExitStack() as stack:
        runner = web.AppRunner(discovery_app(published, authenticate), shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, ISTIOD, 15010).start()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        place = Place(GATEWAY_IP, folder / "root", folder / "xds")
        envoy = Envoy(folder, place.admin)
        identity = Identity("opendatahub", "inference-gateway", "gw-0", "inference-gateway-istio", f"{ISTIOD}:15010")
        agent = Agent(place, identity, envoy, session=session, token=lambda: "good", drain_seconds=0.05, log=log.append)
        task = asyncio.create_task(agent.run())
        try:
            async with asyncio.timeout(PATIENCE):
                while not await agent.ready():
                    assert not task.done(), task
                    await asyncio.sleep(0.05)
            yield Gateway(agent, envoy, place, published, session, log)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_prompts_stay_on_one_pod_until_a_filter_takes_the_picker_away(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        for name, address in PODS.items():
            await upstream(stack, name, address)
        picker = await picker_server(stack)
        hub = await stack.enter_async_context(running(tmp_path, model()))
        sure = {prompt: {await hub.served_by(f"{prompt} says") for _ in range(4)} for prompt in "abcd"}
        assert all(len(pods) == 1 for pods in sure.values())
        assert sure["a"] == sure["c"] != sure["b"] == sure["d"]
        assert len(picker.bodies) == 16

        large = "x" * 300_000
        status, answer = await hub.ask(f"{BASE}/v1/completions", large)
        assert (status, len(json.loads(answer["body"])["prompt"])) == (200, 300_000)

        hub.published.publish(model(mode_filter()))
        async with asyncio.timeout(PATIENCE):
            # the rule keeps its routes, so only the picker's cluster tells that the filter has come
            while PICKER_HOST in (await hub.envoy.ask("/config_dump?resource=dynamic_route_configs"))[1]:
                await asyncio.sleep(0.02)
        asked = len(picker.exchanges)
        blind = {prompt: {await hub.served_by(f"{prompt} says") for _ in range(4)} for prompt in "abcd"}
        assert all(pods == set(PODS) for pods in blind.values())
        assert len(picker.exchanges) == asked
        assert await hub.rejected() == {}


async def test_request_reaches_the_pod_rewritten_and_from_the_gateways_address(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        for name, address in PODS.items():
            await upstream(stack, name, address)
        picker = await picker_server(stack)
        hub = await stack.enter_async_context(running(tmp_path, model()))
        for path, wanted in {
            f"{BASE}/health": "/health",
            f"{BASE}/v1/models": "/v1/models",
            BASE: "/",
            f"{BASE}/": "/",
        }.items():
            status, answer = await hub.ask(path)
            assert (status, answer["path"]) == (200, wanted)
            assert answer["peer"] == loopback(GATEWAY_IP)
        assert (await hub.ask(f"{BASE}/v1/completions", "hello"))[1]["path"] == "/v1/completions"
        assert (await hub.ask("/elsewhere"))[0] == 404
        assert (await hub.ask(f"{BASE}wen/health"))[0] == 404
        # the first of a list that is there is taken; one that is unknown falls back to the others
        picker.choose = lambda _: f"{NETWORK}.99.9:8000,{PODS['qwen-1']}:8000"
        assert {await hub.served_by("hello") for _ in range(4)} == {"qwen-1"}
        picker.choose = lambda _: f"{NETWORK}.99.9:8000"
        assert {await hub.served_by("hello") for _ in range(4)} == set(PODS)


async def test_ending_pod_gets_no_request_within_a_moment(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        for name, address in PODS.items():
            await upstream(stack, name, address)
        picker = await picker_server(stack)
        picker.choose = lambda _: f"{PODS['qwen-0']}:8000"
        hub = await stack.enter_async_context(running(tmp_path, model()))
        assert {await hub.served_by("a") for _ in range(4)} == {"qwen-0"}
        begin = time.monotonic()
        hub.published.publish(model(ending="qwen-0"))
        while "qwen-0" in {await hub.served_by("a") for _ in range(2)}:
            pass
        assert time.monotonic() - begin < 2.0
        assert {await hub.served_by("a") for _ in range(6)} == {"qwen-1"}


@pytest.mark.parametrize(
    ("failure_mode", "endpoint", "status"),
    [
        # Envoy cannot take back a body that it has begun to send
        pytest.param("FailOpen", True, 500, id="open, refused"),
        pytest.param("FailOpen", False, 200, id="open, no endpoint"),
        pytest.param("FailClose", True, 500, id="close, refused"),
        pytest.param("FailClose", False, 500, id="close, no endpoint"),
    ],
)
async def test_pool_without_a_picker_follows_its_failure_mode(
    tmp_path: Path, failure_mode: str, endpoint: bool, status: int
) -> None:
    async with AsyncExitStack() as stack:
        for name, address in PODS.items():
            await upstream(stack, name, address)
        snapshot = model(failure_mode=failure_mode, picker_is_there=endpoint)
        hub = await stack.enter_async_context(running(tmp_path, snapshot))
        found = [await hub.ask(f"{BASE}/v1/completions", "hello") for _ in range(4)]
        assert {code for code, _ in found} == {status}
        if status == 200:
            assert {answer["pod"] for _, answer in found} == set(PODS)
        assert (await hub.ask(f"{BASE}/health"))[0] == 200


async def test_upstream_certificate_is_verified_with_the_mounted_authority(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    authority = Authority(tmp_path / "pki", "opendatahub-ca")
    rules = [destination_rule(SHADOW_HOST, VERIFIED)]
    async with AsyncExitStack() as stack:
        for name, address in PODS.items():
            await upstream(stack, name, address, authority)
        await picker_server(stack)
        hub = await stack.enter_async_context(running(tmp_path, model(*rules)))
        assert (await hub.ask(f"{BASE}/v1/completions", "hello"))[0] == 503
        async with asyncio.timeout(PATIENCE):
            while "TLS_error" not in capfd.readouterr().out:  # the access log, which Envoy writes once a second
                await asyncio.sleep(0.1)
        assert any(CA_FILE in line for line in hub.log)

        mounted = hub.place.local_path(CA_FILE)
        mounted.parent.mkdir(parents=True)
        mounted.write_text(authority.pem, encoding="utf-8")
        async with asyncio.timeout(PATIENCE):
            while (await hub.ask(f"{BASE}/v1/completions", "hello"))[0] != 200:
                await asyncio.sleep(0.1)

        mounted.write_text(Authority(tmp_path / "other", "stranger").pem, encoding="utf-8")
        hub.published.publish(model(destination_rule(SHADOW_HOST, {**VERIFIED, "sni": "other.test"})))
        await hub.until("other.test")
        async with asyncio.timeout(PATIENCE):
            while (await hub.ask(f"{BASE}/v1/completions", "hello"))[0] != 503:
                await asyncio.sleep(0.1)
        hub.published.publish(model(destination_rule(SHADOW_HOST, {"mode": "SIMPLE", "insecureSkipVerify": True})))
        await hub.until("ACCEPT_UNTRUSTED")
        async with asyncio.timeout(PATIENCE):
            while (await hub.ask(f"{BASE}/v1/completions", "hello"))[0] != 200:
                await asyncio.sleep(0.1)


async def test_requests_under_way_end_well_when_the_gateway_is_told_to_stop(tmp_path: Path) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        entered.set()
        await leave.wait()
        return web.json_response({"pod": "slow"})

    async with AsyncExitStack() as stack:
        app = web.Application()
        app.router.add_get("/{path:.*}", slow)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, loopback(PODS["qwen-0"]), bind_port(8000)).start()
        snapshot = model(pods={"qwen-0": PODS["qwen-0"]})
        async with running(tmp_path, snapshot) as hub:
            request = asyncio.create_task(hub.ask(f"{BASE}/health"))
            await entered.wait()
            draining = asyncio.create_task(hub.agent._drain())
            async with asyncio.timeout(PATIENCE):
                while await hub.agent.ready():
                    await asyncio.sleep(0.01)
            leave.set()
            assert (await request)[0] == 200
            await draining


def test_envoy_accepts_every_resource(tmp_path: Path) -> None:
    snapshot = model(mode_filter(), destination_rule(PICKER_HOST, VERIFIED), destination_rule(SHADOW_HOST, VERIFIED))
    place = Place(GATEWAY_IP, tmp_path / "root", tmp_path)
    files = translate(configuration(snapshot, MESH, GATEWAY_KEY).to_json(), place)
    for path, text in {**secret_files(files.secrets, place), **files.contents}.items():
        path.write_text(text, encoding="utf-8")
    resources = {name: json.loads(place.file(name).read_text(encoding="utf-8"))["resources"] for name in ("cds", "lds")}
    for item in (*resources["cds"], *resources["lds"]):
        item.pop("@type")
    static = {
        **bootstrap(place, node_id="router~test", cluster="test"),
        "dynamic_resources": {},
        "static_resources": {"clusters": resources["cds"], "listeners": resources["lds"]},
    }
    (tmp_path / "static.json").write_text(json.dumps(static), encoding="utf-8")
    command = [
        str(binary()),
        "--mode",
        "validate",
        "--config-path",
        str(tmp_path / "static.json"),
        "--log-level",
        "error",
    ]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr
