# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint picker stand-in: a real Envoy asks it, a real API server tells it, two model servers stand behind it."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from sandbox.cloud.hub import Model, catalogue
from sandbox.control_plane.bootstrap import DEFINITIONS
from sandbox.control_plane.cluster import ControlPlane
from sandbox.control_plane.kube import NETWORK_POLICY, POD, KubeClient
from sandbox.control_plane.pki import Authority
from sandbox.images.epp.config import CHARACTERS_PER_TOKEN
from sandbox.images.epp.generation import of_image
from sandbox.nodes.grpc_health import check
from tests.integration.sandbox.stand_ins import (
    CERTIFICATES,
    LONG_PROMPT,
    SERVICE_ACCOUNT,
    StandIn,
    model_server_arguments,
    wait_until,
)

pytestmark = pytest.mark.cluster
CLUSTER_INDEX = 91
HERE = Path(__file__).parent
MODEL = "/mnt/models"
POOL_CRD = DEFINITIONS / "inference.networking.k8s.io_inferencepools.yaml"
GATEWAY = f"http://127.{CLUSTER_INDEX}.120.9:8080"
# The first is the guide's filter, to the letter; the second what Istio itself sets.
SEEING = {
    "guide": {"request_body_mode": "FULL_DUPLEX_STREAMED", "response_body_mode": "NONE"},
    "istio": {
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
        "request_trailer_mode": "SEND",
        "response_trailer_mode": "SEND",
    },
    "buffered": {"request_body_mode": "BUFFERED"},
}
BLIND = {"none": {"request_body_mode": "NONE"}, "streamed": {"request_body_mode": "STREAMED"}}


def insecure() -> ssl.SSLContext:
    """For the replicas, whose names are not what this test is about."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# one for all: making a TLS context takes longer than a request
HTTP = httpx2.Client(verify=insecure())
OVERRIDES = "type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"


@dataclass
class Scene:
    """Everything that runs."""

    cluster: ControlPlane
    authority: Authority
    replicas: list[StandIn]
    picker: StandIn
    token: str
    """Of a service account that may read metrics."""

    def client(self) -> KubeClient:
        return KubeClient.from_kubeconfig(self.cluster.kubeconfig)

    def picks(self) -> list[dict[str, Any]]:
        """The picker's decisions so far."""
        lines = (json.loads(line) for line in self.picker.log.splitlines() if line.startswith("{"))
        return [line for line in lines if line["msg"] == "Request handled"]


def model(folder: Path) -> None:
    """A model as the storage initializer leaves it."""
    found: Model = catalogue()[1]["Qwen/Qwen2.5-3B-Instruct"]
    folder.mkdir(parents=True)
    for name, content in found.files().items():
        (folder / name).write_bytes(content)


def envoy_configuration() -> dict[str, Any]:
    text = (HERE / "picker_gateway.yml").read_text(encoding="utf-8").replace("INDEX", str(CLUSTER_INDEX))
    content: dict[str, Any] = yaml.safe_load(text)
    manager = content["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    for name, mode in {**SEEING, **BLIND}.items():
        manager["route_config"]["virtual_hosts"][0]["routes"].append(
            {
                "match": {"prefix": f"/{name}/"},
                "route": {"cluster": "pool", "prefix_rewrite": "/"},
                "typed_per_filter_config": {
                    "envoy.filters.http.ext_proc": {"@type": OVERRIDES, "overrides": {"processing_mode": mode}}
                },
            }
        )
    return content


async def create_objects(client: KubeClient) -> None:
    await client.apply(yaml.safe_load(POOL_CRD.read_text(encoding="utf-8")), manager="test")
    crd = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferencepools.inference.networking.k8s.io"
    while not any(
        condition["type"] == "Established" and condition["status"] == "True"
        for condition in (await client.request("GET", crd)).get("status", {}).get("conditions") or ()
    ):
        await asyncio.sleep(0.1)
    for obj in yaml.safe_load((HERE / "picker_objects.yml").read_text(encoding="utf-8")):
        await client.apply(obj, manager="test")


async def create_pod(client: KubeClient, name: str, address: str, labels: dict[str, str]) -> None:
    """A pod that no node runs: the test itself is its kubelet."""
    # an account of the test's: the namespace's own one comes when the controller manager gets to it
    spec = {
        "containers": [{"name": "main", "image": "none"}],
        "schedulerName": "none",
        "serviceAccountName": "metrics-reader",
    }
    metadata = {"name": name, "namespace": "models", "labels": labels}
    await client.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    await set_ready(client, name, True, address)


async def set_ready(client: KubeClient, name: str, ready: bool, address: str | None = None) -> None:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    status: dict[str, Any] = {"phase": "Running", "conditions": [condition]}
    if address:
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    await client.patch_status(POD, name, "models", status)


async def token_of(client: KubeClient, account: str) -> str:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    path = f"/api/v1/namespaces/models/serviceaccounts/{account}/token"
    return str((await client.request("POST", path, body=body))["status"]["token"])


def mount_service_account(pod: StandIn, cluster: ControlPlane, token: str) -> None:
    folder = pod.root / SERVICE_ACCOUNT.lstrip("/")
    folder.mkdir(parents=True)
    (folder / "token").write_text(token, encoding="ascii")
    (folder / "ca.crt").write_text(cluster.ca_pem, encoding="ascii")


@pytest.fixture(scope="module")
def scene(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("pods")
    authority = Authority(folder / "pki", "test authority")
    environ = {
        "SANDBOX_CLUSTER_DIR": str(cluster.directory),
        "KUBERNETES_SERVICE_HOST": f"10.{CLUSTER_INDEX}.128.1",
        "KUBERNETES_SERVICE_PORT": "443",
    }

    def pod(name: str, address: str) -> StandIn:
        (folder / name).mkdir()
        made = StandIn(folder / name, address, cluster.settings, environ)
        made.certify(authority)
        return made

    async def prepare() -> tuple[str, str]:
        async with KubeClient.from_kubeconfig(cluster.kubeconfig) as client:
            await create_objects(client)
            for replica in replicas:
                await create_pod(client, replica.folder.name, replica.pod_ip, {"kserve.io/component": "workload"})
            await create_pod(client, picker.folder.name, picker.pod_ip, {"role": "picker"})
            return await token_of(client, "m-epp-sa"), await token_of(client, "metrics-reader")

    replicas = [pod(f"replica-{number}", f"10.{CLUSTER_INDEX}.{number}.2") for number in range(2)]
    picker = pod("picker", f"10.{CLUSTER_INDEX}.2.2")
    own_token, reader_token = asyncio.run(prepare())
    for replica in replicas:
        model(replica.root / "mnt/models")
        replica.start("sandbox.images.vllm", *model_server_arguments(), SANDBOX_TPU_CHIPS="4")
    mount_service_account(picker, cluster, own_token)
    picker.start(
        "sandbox.images.epp",
        *("--pool-name", "m-inference-pool", "--pool-namespace", "models", "--zap-encoder", "json"),
        *("--grpc-port", "9002", "--grpc-health-port", "9003", "--secure-serving=true", "--enable-cert-reload=true"),
        *("--model-server-metrics-scheme=https", f"--cert-path={CERTIFICATES}"),
    )
    configuration = folder / "envoy.json"
    configuration.write_text(json.dumps(envoy_configuration()), encoding="utf-8")
    with (folder / "envoy.log").open("wb") as log:
        envoy = subprocess.Popen(
            [
                *(str(cluster.settings.bin / "envoy"), "-c", str(configuration)),
                *("--use-dynamic-base-id", "--concurrency", "1", "-l", "warning"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        for replica in replicas:
            replica.wait_for("Uvicorn running")
        picker.wait_for('"pods": ["replica-0", "replica-1"]')
        wait_until(lambda: envoy.poll() is not None or gateway_serves(), "the gateway")
        scene = Scene(cluster, authority, replicas, picker, reader_token)
        wait_until(lambda: tuned(scene), "the picker to hear how large a replica's blocks are")
        yield scene
    finally:
        envoy.terminate()
        envoy.wait(10)
        for each in (picker, *replicas):
            each.stop()


def gateway_serves() -> bool:
    try:
        return HTTP.get(f"{GATEWAY}/none/health").status_code == 200
    except httpx2.TransportError:
        return False


def ask(mode: str, prompt: str) -> httpx2.Response:
    body = {"model": MODEL, "prompt": prompt, "max_tokens": 2}
    return HTTP.post(f"{GATEWAY}/{mode}/v1/completions", json=body, timeout=30)


def tuned(scene: Scene) -> bool:
    """Whether the picker counts in the replicas' blocks: what it learned in blocks of its own matches no more."""
    assert ask("guide", LONG_PROMPT).status_code == 200
    own = of_image("").block_tokens * CHARACTERS_PER_TOKEN
    return any(pick["blocks"] != len(LONG_PROMPT) // own for pick in scene.picks())


def served(scene: Scene) -> list[float]:
    """Requests that each replica has finished."""
    return [finished(replica) for replica in scene.replicas]


def finished(replica: StandIn) -> float:
    page = HTTP.get(f"https://{replica.address}:8000/metrics").text
    lines = [line for line in page.splitlines() if line.startswith("vllm:request_success_total")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def spread(scene: Scene, mode: str, prefixes: int, repeats: int) -> list[set[int]]:
    """For each of some new prefixes, the replicas that served its requests."""
    found = []
    for _ in range(prefixes):
        prefix, hosts = f"{uuid.uuid4()} {LONG_PROMPT}", set()
        for repeat in range(repeats):
            before = served(scene)
            assert ask(mode, f"{prefix} {repeat}").status_code == 200
            after = served(scene)
            hosts |= {place for place in range(2) if after[place] > before[place]}
        found.append(hosts)
    return found


@pytest.mark.parametrize("mode", list(SEEING))
def test_prefix_stays_with_its_replica_where_the_body_is_seen(scene: Scene, mode: str) -> None:
    assert all(len(hosts) == 1 for hosts in spread(scene, mode, prefixes=4, repeats=3))
    # what a pod has printed comes to its log by another way than the answer
    wait_until(
        lambda: [pick["matched"] > 0 for pick in scene.picks()[-3:]] == [False, True, True], "the picker's log", 10
    )


@pytest.mark.parametrize("mode", list(BLIND))
def test_requests_spread_where_it_is_not(scene: Scene, mode: str) -> None:
    # by chance alone, 12 requests stay with one of two replicas once in two thousand runs
    assert spread(scene, mode, prefixes=1, repeats=12) == [{0, 1}]
    assert {pick["blocks"] for pick in scene.picks()[-12:]} == {0}


@pytest.mark.parametrize("mode", [*SEEING, *BLIND])
def test_requests_without_a_body_pass(scene: Scene, mode: str) -> None:
    assert HTTP.get(f"{GATEWAY}/{mode}/v1/models").json()["data"][0]["id"] == "/mnt/models"


@pytest.mark.parametrize("mode", list(SEEING))
def test_large_body_arrives_whole(scene: Scene, mode: str) -> None:
    answer = HTTP.post(f"{GATEWAY}/{mode}/tokenize", json={"model": MODEL, "prompt": "hello " * 50_000}, timeout=30)
    assert answer.json()["count"] == 50_001


@pytest.mark.parametrize("mode", list(SEEING))
def test_stream_passes(scene: Scene, mode: str) -> None:
    body = {"model": MODEL, "prompt": "x", "max_tokens": 5, "stream": True}
    with HTTP.stream("POST", f"{GATEWAY}/{mode}/v1/completions", json=body, timeout=30) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert (len(lines), lines[-1]) == (6, "data: [DONE]")


def test_bad_json_is_answered_by_the_picker(scene: Scene) -> None:
    answer = HTTP.post(f"{GATEWAY}/guide/v1/completions", content=b"{")
    assert (answer.status_code, "Error unmarshaling request body" in answer.text) == (400, True)


def test_body_without_a_model_is_answered_by_the_picker(scene: Scene) -> None:
    answer = HTTP.post(f"{GATEWAY}/guide/v1/completions", json={"prompt": "p"})
    assert (answer.status_code, "model not found in request body" in answer.text) == (400, True)


def test_parallel_requests_all_succeed(scene: Scene) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: ask("guide", f"{number} {LONG_PROMPT}"), range(64)))
    assert {answer.status_code for answer in answers} == {200}


async def test_pod_that_is_not_ready_gets_nothing(scene: Scene) -> None:
    async with scene.client() as client:
        await set_ready(client, "replica-0", False)
        wait_until(lambda: scene.picker.log.rstrip().endswith('"pods": ["replica-1"]}'), "the picker to notice")
        for _ in range(4):
            assert ask("none", "x").status_code == 200
        assert {pick["pod"] for pick in scene.picks()[-4:]} == {"replica-1"}
        await set_ready(client, "replica-1", False)
        wait_until(lambda: scene.picker.log.rstrip().endswith('"pods": []}'), "the picker to notice")
        answer = ask("guide", "x")
        assert (answer.status_code, "failed to find candidate pods" in answer.text) == (503, True)
        for name in ("replica-0", "replica-1"):
            await set_ready(client, name, True)
        wait_until(lambda: '"pods": ["replica-0", "replica-1"]' in scene.picker.log.splitlines()[-1], "both again")


async def test_health_is_told_by_name(scene: Scene) -> None:
    for name in ("", "liveness", "readiness", "envoy.service.ext_proc.v3.ExternalProcessor"):
        assert await health(scene.picker, name) == "SERVING"
    with pytest.raises(Exception, match="no health status"):
        await health(scene.picker, "other")


async def health(pod: StandIn, service: str) -> str:
    reader, writer = await asyncio.open_connection(pod.address, 9003)
    try:
        return await check(reader, writer, service, "authority")
    finally:
        writer.close()


def test_metrics_are_for_those_who_may_read_them(scene: Scene) -> None:
    url = f"http://{scene.picker.address}:9090/metrics"
    own = (scene.picker.root / SERVICE_ACCOUNT.lstrip("/") / "token").read_text(encoding="ascii")
    answers = [
        httpx2.get(url, headers=headers)
        for headers in (
            {},
            {"Authorization": "Bearer nobody"},
            {"Authorization": f"Bearer {own}"},
            {"Authorization": f"Bearer {scene.token}"},
        )
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 403, 200]
    assert 'inference_pool_ready_pods{name="m-inference-pool"} 2.0' in answers[-1].text
    assert "inference_extension_prefix_indexer_hit_ratio_count" in answers[-1].text


def test_h2_is_negotiated_and_a_new_certificate_is_served(scene: Scene) -> None:
    address = (scene.picker.address, 9002)
    context = insecure()
    context.set_alpn_protocols(["h2"])

    def handshake() -> tuple[str | None, bytes | None]:
        with context.wrap_socket(socket.create_connection(address)) as connection:
            return connection.selected_alpn_protocol(), connection.getpeercert(binary_form=True)

    protocol, before = handshake()
    assert protocol == "h2"
    scene.picker.certify(scene.authority, "new.example")
    wait_until(lambda: handshake()[1] != before, "the new certificate", 10)
    assert ask("guide", "x").status_code == 200


@pytest.fixture
async def denied(scene: Scene) -> AsyncIterator[None]:
    """A policy under which nobody may reach the picker."""
    spec = {"podSelector": {"matchLabels": {"role": "picker"}}, "policyTypes": ["Ingress"]}
    metadata = {"name": "deny", "namespace": "models"}
    async with scene.client() as client:
        await client.create(
            {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}
        )
        wait_until(lambda: "deny" in (scene.cluster.directory / "network/tables.json").read_text(), "the tables")
        yield
        await client.delete(NETWORK_POLICY, "deny", "models")
        wait_until(lambda: '"deny"' not in (scene.cluster.directory / "network/tables.json").read_text(), "the tables")


def test_policy_that_denies_the_picker_is_felt_by_the_gateway(scene: Scene, denied: None) -> None:
    before = len(scene.picks())
    assert ask("guide", "x").status_code in (500, 504)
    assert len(scene.picks()) == before


def test_sigterm_ends_it_cleanly(scene: Scene) -> None:
    scene.picker.terminate()
    assert scene.picker.finish(15) == 0
    assert "Traceback" not in scene.picker.log
    # without a picker Envoy refuses: this filter does not fail open
    assert ask("guide", "x").status_code == 500


def test_without_its_certificate_it_does_not_start(scene: Scene, tmp_path: Path) -> None:
    pod = StandIn(tmp_path, f"10.{CLUSTER_INDEX}.3.2", scene.cluster.settings)
    pod.start("sandbox.images.epp", "--pool-name=p", f"--cert-path={CERTIFICATES}")
    assert pod.finish() == 1
    assert "is the secret mounted" in pod.log
    pod.start("sandbox.images.epp", "--pool-size=3")
    assert pod.finish() == 2
    assert "unknown flag: --pool-size" in pod.log
