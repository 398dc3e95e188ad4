# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulated cloud against its reference clients: Google's own, and google.cloud's modules, all unmodified."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import google.api_core.exceptions
import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import Credentials
from google.cloud import cloudquotas_v1, container_v1
from google.oauth2 import service_account

from sandbox import processes
from sandbox.cloud.server import Server
from sandbox.settings import CHECKOUT, Settings
from tests.unit.sandbox.cloud.fakes import FakeRuntime

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
PARENT = "projects/rhaii-sandbox/locations/europe-west4-a"
DEMO = f"{PARENT}/clusters/demo"
TPU_POOL = f"{DEMO}/nodePools/tpu-pool"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A cloud of a test's own, a hundred times faster than usual, on free ports, with clusters that are only noted."""
    cloud = Server(Settings(tmp_path, speed=6000.0), runtime=FakeRuntime(), port=0, tls_port=0, proxy_port=0)
    await cloud.start()
    yield cloud
    await cloud.close()


def account(server: Server, name: str = "service-account.json") -> Credentials:
    """Credentials from a key file, as every Google client takes them."""
    path = str(server.folder / name)
    credentials: Credentials = service_account.Credentials.from_service_account_file(path, scopes=[SCOPE])
    return credentials


def clusters(server: Server, name: str = "service-account.json") -> container_v1.ClusterManagerClient:
    """The client of Kubernetes Engine."""
    return container_v1.ClusterManagerClient(
        transport="rest",
        client_options=ClientOptions(api_endpoint=server.url),
        credentials=account(server, name),
    )


def done(client: container_v1.ClusterManagerClient, operation: Any) -> Any:
    """Poll an operation to its end."""
    for _ in range(200):
        if operation.status == container_v1.Operation.Status.DONE:
            return operation
        time.sleep(0.05)
        operation = client.get_operation(name=f"{PARENT}/operations/{operation.name}")
    raise AssertionError(f"{operation.name} does not end")


async def blocking(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run what blocks beside the server."""
    return await asyncio.to_thread(function, *arguments)


def pool_body(nodes: int = 3, **config: Any) -> container_v1.NodePool:
    """The guide's pool, with an enum in the body."""
    taint = container_v1.NodeTaint(key="own", value="yes", effect=container_v1.NodeTaint.Effect.NO_SCHEDULE)
    return container_v1.NodePool(
        name="tpu-pool",
        initial_node_count=nodes,
        config=container_v1.NodeConfig(machine_type="ct6e-standard-4t", taints=[taint], **config),
    )


async def test_container_client_walks_a_clusters_life(server: Server) -> None:
    def walk() -> None:
        client = clusters(server)
        created = client.create_cluster(
            parent=PARENT, cluster=container_v1.Cluster(name="demo", initial_node_count=2, resource_labels={"a": "b"})
        )
        assert done(client, created).error.code == 0
        cluster = client.get_cluster(name=DEMO)
        assert cluster.status == container_v1.Cluster.Status.RUNNING
        assert cluster.endpoint == "127.200.1.1"
        done(client, client.create_node_pool(parent=DEMO, node_pool=pool_body()))
        pool = client.get_node_pool(name=TPU_POOL)
        assert pool.status == container_v1.NodePool.Status.RUNNING
        assert [taint.key for taint in pool.config.taints] == ["own", "google.com/tpu"]
        assert pool.config.taints[1].effect == container_v1.NodeTaint.Effect.NO_SCHEDULE
        done(client, client.set_node_pool_size(request={"name": TPU_POOL, "node_count": 5}))
        assert client.get_node_pool(name=TPU_POOL).initial_node_count == 3
        assert client.get_cluster(name=DEMO).current_node_count == 7
        done(client, client.delete_node_pool(name=TPU_POOL))
        done(client, client.delete_cluster(name=DEMO))
        assert not client.list_clusters(parent="projects/rhaii-sandbox/locations/-").clusters
        assert client.get_server_config(name=PARENT).default_cluster_version

    await blocking(walk)


async def test_container_client_gets_googles_errors(server: Server) -> None:
    def walk() -> None:
        client = clusters(server)
        with pytest.raises(google.api_core.exceptions.NotFound, match="Not found: projects/rhaii-sandbox"):
            client.get_cluster(name=DEMO)
        done(
            client,
            client.create_cluster(parent=PARENT, cluster=container_v1.Cluster(name="demo", initial_node_count=1)),
        )
        with pytest.raises(google.api_core.exceptions.Conflict, match="Already exists"):
            client.create_cluster(parent=PARENT, cluster=container_v1.Cluster(name="demo", initial_node_count=1))
        body = pool_body()
        body.placement_policy.tpu_topology = "2x2"
        with pytest.raises(google.api_core.exceptions.BadRequest, match="single-host TPU slice pool"):
            client.create_node_pool(parent=DEMO, node_pool=body)
        failed = done(client, client.create_node_pool(parent=DEMO, node_pool=pool_body(nodes=7)))
        assert failed.error.code == 8
        condition = failed.nodepool_conditions[0]
        # the code is deprecated, and not always there
        known = container_v1.StatusCondition.Code
        assert condition.code in (known.GCE_QUOTA_EXCEEDED, known.UNKNOWN)
        assert condition.canonical_code == 8
        with pytest.raises(google.api_core.exceptions.Forbidden, match=r"container\.clusters\.delete"):
            clusters(server, "viewer-account.json").delete_cluster(name=DEMO)

    await blocking(walk)


async def test_quotas_client_reads_the_limits(server: Server) -> None:
    def walk() -> dict[str, Any]:
        client = cloudquotas_v1.CloudQuotasClient(
            transport="rest", client_options=ClientOptions(api_endpoint=server.url), credentials=account(server)
        )
        service = "projects/rhaii-sandbox/locations/global/services/compute.googleapis.com"
        family = client.get_quota_info(name=f"{service}/quotaInfos/TPUS-PER-TPU-FAMILY-per-project-region")
        values = {tuple(sorted(row.dimensions.items())): row.details.value for row in family.dimensions_infos}
        # two pages, so that the token is used
        listed = [info.quota_id for info in client.list_quota_infos(request={"parent": service, "page_size": 5})]
        assert len(listed) == len(set(listed)) > 5
        return values

    values = await blocking(walk)
    assert values == {(("region", "europe-west4"), ("tpu_family", "CT6E")): 24, (): 0}


async def ask(server: Server, method: str, path: str, token: str = "", **options: Any) -> tuple[int, Any]:
    """One plain request."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, server.url + path, headers=headers, **options) as response,
    ):
        return response.status, await response.json()


async def access_token(server: Server) -> str:
    """A token of the token endpoint."""
    from google.auth.transport.requests import Request

    credentials = account(server)
    await blocking(credentials.refresh, Request())
    return str(credentials.token)


async def test_token_opens_the_apis_and_the_cluster(server: Server) -> None:
    token = await access_token(server)
    assert (await ask(server, "GET", "/v1/projects/rhaii-sandbox"))[0] == 401
    status, answer = await ask(server, "GET", "/v1/projects/rhaii-sandbox", "ya29.forged")
    assert (status, answer["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert (await ask(server, "GET", "/v1/projects/rhaii-sandbox", token))[1]["lifecycleState"] == "ACTIVE"
    assert (await ask(server, "GET", f"/tokeninfo?access_token={token}"))[1]["email"].startswith("deployer@")
    await ask(
        server, "POST", f"/v1/{PARENT}/clusters", token, json={"cluster": {"name": "demo", "initialNodeCount": 1}}
    )
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    path = "/sandbox/tokenreview/rhaii-sandbox/europe-west4-a/"
    _, answer = await ask(server, "POST", path + "demo", json=review)
    assert answer["status"]["authenticated"] is True
    assert answer["status"]["user"]["groups"] == ["gke:container.admin"]
    assert (await ask(server, "POST", path + "other", json=review))[1]["status"] == {"authenticated": False}


async def test_every_emulated_api_answers_on_one_address(server: Server) -> None:
    token = await access_token(server)
    project = "/v1/projects/rhaii-sandbox"
    compute = "/compute/v1/projects/rhaii-sandbox"
    _, machine = await ask(server, "GET", f"{compute}/zones/europe-west4-a/machineTypes/ct6e-standard-4t", token)
    assert machine["accelerators"] == [{"guestAcceleratorType": "ct6e", "guestAcceleratorCount": 4}]
    status, answer = await ask(server, "GET", f"{compute}/zones/europe-west4-b/machineTypes/ct6e-standard-4t", token)
    assert (status, answer["error"]["errors"][0]["reason"]) == (404, "notFound")
    _, found = await ask(server, "GET", f"{compute}/aggregated/machineTypes?filter=name=ct6e-standard-4t", token)
    zones = [scope for scope, content in found["items"].items() if "machineTypes" in content]
    assert "zones/europe-west4-a" in zones
    assert "zones/europe-west4-b" not in zones
    assert (await ask(server, "GET", f"{project}/billingInfo", token))[1]["billingEnabled"] is True
    _, service = await ask(server, "GET", f"{project}/services/container.googleapis.com", token)
    assert service["state"] == "ENABLED"
    wanted = {"permissions": ["container.clusters.create", "container.clusters.fly", "storage.buckets.create"]}
    for version in ("v1", "v3"):
        path = f"/{version}/projects/rhaii-sandbox:testIamPermissions"
        _, held = await ask(server, "POST", path, token, json=wanted)
        assert held == {"permissions": ["container.clusters.create", "container.clusters.fly"]}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        pytest.param(
            {"config": {"sppot": True}},
            "Invalid JSON payload received. Unknown name \"sppot\" at 'node_pool.config': Cannot find field.",
            id="unknown field",
        ),
        pytest.param(
            {"config": {"taints": [{"effect": "NoSchedule"}]}},
            "Invalid value at 'node_pool.config.taints[0].effect'",
            id="unknown enum",
        ),
        pytest.param({"initialNodeCount": "three"}, "Invalid value at 'node_pool.initial_node_count'", id="type"),
    ],
)
async def test_body_that_fits_no_schema_is_googles_400(server: Server, body: dict[str, Any], sentence: str) -> None:
    token = await access_token(server)
    status, answer = await ask(server, "POST", f"/v1/{DEMO}/nodePools", token, json={"nodePool": body})
    assert status == 400
    assert answer["error"]["message"].startswith(sentence)
    assert answer["error"]["status"] == "INVALID_ARGUMENT"


async def test_what_is_not_emulated_says_so(server: Server) -> None:
    token = await access_token(server)
    status, answer = await ask(server, "POST", f"/v1/{DEMO}:startIpRotation", token, json={})
    assert status == 501
    assert "container.projects.locations.clusters.startIpRotation" in answer["error"]["message"]
    assert (await ask(server, "GET", "/v1/nowhere/at/all", token))[0] == 404
    assert (await ask(server, "GET", f"/v1/{DEMO}?vew=1", token))[0] == 400


async def test_faults_are_set_shown_and_cleared(server: Server) -> None:
    token = await access_token(server)
    status, answer = await ask(server, "POST", "/sandbox/faults", json={"kind": "qouta"})
    assert (status, "quota, stockout" in answer["error"]) == (400, True)
    fault = {"kind": "api_error", "path": "clusters", "status": 503, "count": 1, "retry_after": 2}
    await ask(server, "POST", "/sandbox/faults", json=fault)
    assert (await ask(server, "GET", "/sandbox/faults"))[1]["faults"][0]["kind"] == "api_error"
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/v1/{PARENT}/clusters", headers={"Authorization": f"Bearer {token}"}) as response,
    ):
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert (await ask(server, "GET", f"/v1/{PARENT}/clusters", token))[0] == 200
    assert (await ask(server, "DELETE", "/sandbox/faults"))[1] == {"cleared": 0}


async def test_revoked_tokens_are_refused_and_new_ones_are_good(server: Server) -> None:
    old = await access_token(server)
    place = f"/v1/{PARENT}/clusters"
    review = "/sandbox/tokenreview/rhaii-sandbox/europe-west4-a/demo"
    await ask(server, "POST", place, old, json={"cluster": {"name": "demo", "initialNodeCount": 1}})
    asked = {"spec": {"token": old}}
    assert (await ask(server, "POST", review, json=asked))[1]["status"]["authenticated"]
    assert (await ask(server, "POST", "/sandbox/faults", json={"kind": "token_revoked"}))[1]["tokens"] == 1
    status, answer = await ask(server, "GET", place, old)
    assert (status, answer["error"]["details"][0]["reason"]) == (401, "ACCESS_TOKEN_EXPIRED")
    assert not (await ask(server, "POST", review, json=asked))[1]["status"]["authenticated"]
    assert (await ask(server, "GET", place, await access_token(server)))[0] == 200
    assert (await ask(server, "GET", "/sandbox/faults"))[1]["faults"] == []


async def test_client_that_holds_a_revoked_token_gets_itself_a_new_one(server: Server) -> None:
    def walk() -> None:
        client = clusters(server)
        assert not client.list_clusters(parent=PARENT).clusters
        asyncio.run_coroutine_threadsafe(
            ask(server, "POST", "/sandbox/faults", json={"kind": "token_revoked"}), loop
        ).result()
        assert not client.list_clusters(parent=PARENT).clusters

    loop = asyncio.get_running_loop()
    await blocking(walk)


async def test_token_lives_as_long_as_a_fault_says(server: Server) -> None:
    await ask(server, "POST", "/sandbox/faults", json={"kind": "token_lifetime", "seconds": 1})
    token = await access_token(server)
    assert int((await ask(server, "GET", f"/tokeninfo?access_token={token}"))[1]["expires_in"]) <= 1
    assert (await ask(server, "GET", f"/v1/{PARENT}/clusters", token))[0] == 200
    await asyncio.sleep(1.1)
    assert (await ask(server, "GET", f"/v1/{PARENT}/clusters", token))[0] == 401
    await ask(server, "DELETE", "/sandbox/faults")
    assert (await ask(server, "GET", f"/v1/{PARENT}/clusters", await access_token(server)))[0] == 200


async def test_busy_cluster_refuses_changes_at_once(server: Server) -> None:
    token = await access_token(server)
    place = f"/v1/{PARENT}/clusters"
    await ask(server, "POST", place, token, json={"cluster": {"name": "demo", "initialNodeCount": 1}})
    for _ in range(100):
        if (await ask(server, "GET", f"{place}/demo", token))[1].get("status") == "RUNNING":
            break
        await asyncio.sleep(0.05)
    fault = {"kind": "busy", "cluster": "demo", "guide_minutes": 1000}
    running = (await ask(server, "POST", "/sandbox/faults", json=fault))[1]["running"]
    status, answer = await ask(server, "DELETE", f"{place}/demo", token)
    assert len(running) == 1
    assert (status, answer["error"]["status"]) in ((400, "FAILED_PRECONDITION"), (429, "RESOURCE_EXHAUSTED"))


async def test_load_balancer_outlives_its_cluster_and_stands_in_the_books(server: Server) -> None:
    token = await access_token(server)
    await ask(
        server, "POST", f"/v1/{PARENT}/clusters", token, json={"cluster": {"name": "demo", "initialNodeCount": 1}}
    )
    wanted = {
        "project": "rhaii-sandbox",
        "location": "europe-west4-a",
        "cluster": "demo",
        "namespace": "opendatahub",
        "service": "gateway",
    }
    assert (await ask(server, "POST", "/sandbox/loadbalancers", json=wanted))[0] == 202
    await asyncio.sleep(0.1)
    assert (await ask(server, "POST", "/sandbox/loadbalancers", json=wanted))[1]["address"] == "127.201.1.1"
    rules = "/compute/v1/projects/rhaii-sandbox/regions/europe-west4/forwardingRules"
    assert (await ask(server, "GET", rules, token))[1]["items"][0]["IPAddress"] == "127.201.1.1"
    assert (await ask(server, "GET", "/sandbox/audit"))[1]["left"]["addresses"] == ["127.201.1.1"]
    assert (await ask(server, "DELETE", "/sandbox/loadbalancers", params=wanted))[0] == 200
    assert (await ask(server, "DELETE", "/sandbox/loadbalancers", params=wanted))[0] == 404
    items = (await ask(server, "GET", "/sandbox/ledger"))[1]["items"]
    assert {item["kind"]: item["closed"] is not None for item in items}.items() >= {
        ("address", True),
        ("forwarding_rule", True),
    }


async def test_audit_names_caller_method_and_operation(server: Server) -> None:
    token = await access_token(server)
    await ask(
        server, "POST", f"/v1/{PARENT}/clusters", token, json={"cluster": {"name": "demo", "initialNodeCount": 1}}
    )
    await ask(server, "POST", f"/v1/{PARENT}/clusters", token, json={"cluster": {"name": "Bad", "initialNodeCount": 1}})
    calls = (await ask(server, "GET", "/sandbox/audit"))[1]["calls"]
    assert [call["status"] for call in calls] == [200, 400]
    assert calls[0]["method"] == "container.projects.locations.clusters.create"
    assert calls[0]["caller"].startswith("deployer@")
    assert calls[0]["operation"].startswith("operation-")
    assert calls[0]["body"]["cluster"]["name"] == "demo"


async def test_proxy_refuses_what_is_not_google(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        for url in ("https://example.org/", "http://container.googleapis.com/"):
            try:
                async with session.get(url, proxy=server.proxy_url) as response:
                    assert response.status == 403
            except aiohttp.ClientHttpProxyError as error:
                assert error.status == 403


async def test_google_cloud_module_works_through_the_proxy(server: Server) -> None:
    command = [
        str(Path(sys.executable).parent / "ansible"),
        "localhost",
        "-m",
        "google.cloud.gcp_container_cluster_info",
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")},
        "HTTPS_PROXY": server.proxy_url,
        "NO_PROXY": "127.0.0.0/8",
        "REQUESTS_CA_BUNDLE": str(server.folder / "ca.pem"),
        "GCP_AUTH_KIND": "serviceaccount",
        "GCP_SERVICE_ACCOUNT_FILE": str(server.folder / "service-account.json"),
        "GCP_PROJECT": "rhaii-sandbox",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_HOME": str(server.folder / "ansible"),
        # the checkout's own configuration shows results as YAML
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    token = await access_token(server)
    await ask(
        server, "POST", f"/v1/{PARENT}/clusters", token, json={"cluster": {"name": "demo", "initialNodeCount": 1}}
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        "-a",
        "location=europe-west4-a",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, (output, errors)
    found = json.loads(output.decode().partition("=>")[2])
    assert [resource["name"] for resource in found["resources"]] == ["demo"]


def test_process_is_there_again_after_a_kill_and_ends_within_a_second(tmp_path: Path) -> None:
    script = (
        "import asyncio, sandbox.cloud.__main__ as m, sandbox.cloud.server as s\n"
        "s.Server.__init__.__kwdefaults__.update(port=0, tls_port=0, proxy_port=0)\n"
        "raise SystemExit(m.main())\n"
    )
    environment = {**os.environ, "SANDBOX_DIR": str(tmp_path), "PYTHONPATH": str(CHECKOUT)}

    def start() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script], env=environment, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        return process, line

    process, line = start()
    assert "serving at http://127.200.0.1:" in line
    first = json.loads((tmp_path / "cloud" / "state.json").read_text())
    process.kill()
    process.wait()
    process, line = start()
    assert "serving at" in line
    again = json.loads((tmp_path / "cloud" / "state.json").read_text())
    assert again["guide"] == first["guide"]
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0
    assert time.monotonic() - began < 1.0
    for name in ("service-account.json", "pull-secret.yaml", "hf-token", "state.json"):
        assert (tmp_path / "cloud" / name).stat().st_mode & 0o777 == 0o600
    assert not processes.alive(process.pid)
