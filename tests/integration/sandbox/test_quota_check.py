# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tpu_quota_check over HTTP against the emulated cloud, with each fault that a quota can have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.rhaii.gke.plugins.module_utils._capability import execute, silent
from ansible_collections.rhaii.gke.plugins.module_utils._quota.check import CAPABILITY
from google.api_core.client_options import ClientOptions
from google.cloud import cloudquotas_v1
from google.oauth2 import service_account

from sandbox.cloud.server import Server
from sandbox.settings import Settings
from tests.unit.sandbox.cloud.fakes import FakeRuntime

FAMILY = "TPUS-PER-TPU-FAMILY-per-project-region"
PREEMPTIBLE = "PREEMPTIBLE-TPU-V6E-per-project-region"
APIS = ("container", "compute", "cloudquotas", "monitoring")
ZONE = "europe-west4-a"
WHOLE = {"standard_pool": {"machine_type": "e2-standard-4", "nodes": 2}, "tpu_disk": {"size_gb": 200}}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A cloud of a test's own, a hundred times faster than usual, on free ports."""
    cloud = Server(Settings(tmp_path, speed=6000.0), runtime=FakeRuntime(), port=0, tls_port=0, proxy_port=0)
    await cloud.start()
    yield cloud
    await cloud.close()


async def check(server: Server, key: str = "service-account.json", **options: Any) -> dict[str, Any]:
    """The module's result, beside the server."""
    given = {
        "project": "rhaii-sandbox",
        "auth_kind": "serviceaccount",
        "service_account_file": str(server.folder / key),
        "endpoints": dict.fromkeys(APIS, server.url),
        "chips": 12,
        "locations": [ZONE],
        "fail_on_insufficient": False,
        **options,
    }
    checked = ArgumentSpecValidator(CAPABILITY.argument_spec, **CAPABILITY.rules).validate(given)
    assert not checked.error_messages
    parameters = checked.validated_parameters
    return await asyncio.to_thread(execute, CAPABILITY, parameters, silent, check_mode=False, diff_mode=False)


async def fault(server: Server, **body: Any) -> None:
    """Set a fault."""
    async with aiohttp.ClientSession() as session, session.post(f"{server.url}/sandbox/faults", json=body) as response:
        assert response.status == 200, await response.text()


async def test_everything_that_a_deploy_needs_is_there(server: Server) -> None:
    result = await check(server, **WHOLE)
    assert "failed" not in result, result
    (candidate,) = result["candidates"]
    assert (candidate["verdict"], candidate["limit"], candidate["usage"]) == ("sufficient", 24, 0)
    assert {each["check"] for each in candidate["checks"]} == {
        "TPU quota",
        "machine type offered",
        "CPU quota",
        "SSD quota",
        "Hyperdisk quota",
        "address quota",
        "machine quota",
    }
    # quota, its use, two machine types, region, pools
    assert result["calls"] == 6


@pytest.mark.parametrize(
    ("way", "body", "verdict", "said"),
    [
        pytest.param("on_demand", {"absent": True}, "unknown", "no row that speaks of europe-west4", id="no rows"),
        pytest.param(
            "on_demand",
            {"region": "europe-west4", "absent": True},
            "unknown",
            "no row that speaks of europe-west4",
            id="no row of the region",
        ),
        pytest.param("on_demand", {"region": "europe-west4", "value": 0}, "insufficient", "as it is set", id="zero"),
        pytest.param("on_demand", {"region": "europe-west4", "value": -1}, "sufficient", "unlimited", id="unlimited"),
        pytest.param("on_demand", {"value": 0}, "insufficient", "the default, none was set", id="zero by default"),
        pytest.param(
            "spot", {"region": "europe-west4", "value": 0, "quota": PREEMPTIBLE}, "insufficient", "as it is", id="spot"
        ),
        pytest.param(
            "flex_start",
            {"region": "europe-west4", "value": 0, "quota": PREEMPTIBLE},
            "sufficient",
            "quota of 24",
            id="flex start falls back to the family's",
        ),
        pytest.param("flex_start", {"value": 0}, "sufficient", "quota of 24", id="flex start takes preemptible first"),
    ],
)
async def test_faults_of_a_quota(server: Server, way: str, body: dict[str, Any], verdict: str, said: str) -> None:
    await fault(server, kind="quota", **body)
    result = await check(server, provisioning=[way])
    (candidate,) = result["candidates"]
    assert (result["verdict"], said in candidate["reason"]) == (verdict, True), candidate["reason"]


async def test_opposite_defaults_and_the_trap_of_the_cloud_tpu_api(server: Server) -> None:
    """us-east5 has no row of its own, and 512 of a quota that Kubernetes Engine does not use."""
    result = await check(server, locations=["us-east5-a"], provisioning=["on_demand", "spot"])
    on_demand, spot = result["candidates"]
    assert (on_demand["verdict"], on_demand["limit"]) == ("insufficient", 0)
    assert "the default, none was set" in on_demand["reason"]
    assert (spot["verdict"], spot["limit"]) == ("sufficient", 1536)
    assert result["chosen"] == spot
    assert "us-east5-a as spot (rhaii_provisioning)" in result["remedy"]


async def test_zone_without_the_machine_type(server: Server) -> None:
    result = await check(server, locations=["europe-west4-b"])
    assert result["verdict"] == "insufficient"
    assert "not offered in europe-west4-b" in result["candidates"][0]["reason"]
    assert ZONE in result["remedy"]


@pytest.mark.parametrize("api", ["quotaInfos", "machineTypes", "regions/europe-west4$"])
@pytest.mark.parametrize("status", [403, 500])
async def test_what_cannot_be_read_is_unknown(server: Server, api: str, status: int) -> None:
    await fault(server, kind="api_error", path=api, status=status, message="not now")
    result = await check(server, **WHOLE)
    assert (result["verdict"], "failed" in result) == ("unknown", False)
    assert "not now" in result["candidates"][0]["reason"]


@pytest.mark.parametrize(
    ("silent_api", "source"), [("timeSeries", "pools"), ("locations/-/clusters", "monitoring")], ids=["one", "other"]
)
async def test_use_is_known_as_long_as_one_of_two_answers(server: Server, silent_api: str, source: str) -> None:
    service = cloud_client(server)
    token = service._transport._session.credentials
    await asyncio.to_thread(token.refresh, service._transport._session._auth_request)
    headers = {"Authorization": f"Bearer {token.token}"}
    parent = f"{server.url}/v1/projects/rhaii-sandbox/locations/{ZONE}/clusters"
    pool = {"name": "tpu", "initialNodeCount": 2, "config": {"machineType": "ct6e-standard-4t"}}
    async with aiohttp.ClientSession(headers=headers) as session:
        body = {"cluster": {"name": "other", "nodePools": [pool]}}
        async with session.post(parent, json=body) as response:
            assert response.status == 200, await response.text()
    await fault(server, kind="api_error", path=silent_api, status=403)
    (candidate,) = (await check(server))["candidates"]
    assert (candidate["usage"], candidate["available"], candidate["verdict"]) == (8, 16, "sufficient")
    assert candidate["checks"][0]["usage_source"] == source


async def test_reservation(server: Server) -> None:
    reserved = {"provisioning": ["reservation"], "reservation": "trillium-lab"}
    result = await check(server, **reserved, locations=["us-central1-b", ZONE])
    here, elsewhere = result["candidates"]
    assert (here["verdict"], "made for a date to come" in here["reason"]) == ("unknown", True)
    assert (elsewhere["verdict"], "no reservation" in elsewhere["reason"]) == ("insufficient", True)
    await fault(server, kind="quota", region="us-central1", value=12)
    assert (await check(server, **reserved, locations=["us-central1-b"]))["verdict"] == "sufficient"


def cloud_client(server: Server) -> cloudquotas_v1.CloudQuotasClient:
    """Google's own client of Cloud Quotas."""
    path = str(server.folder / "service-account.json")
    scope = "https://www.googleapis.com/auth/cloud-platform"
    return cloudquotas_v1.CloudQuotasClient(
        transport="rest",
        client_options=ClientOptions(api_endpoint=server.url),
        credentials=service_account.Credentials.from_service_account_file(path, scopes=[scope]),
    )


async def test_denied_request_is_not_sent_again(server: Server) -> None:
    ask = {"chips": 1000, "request_increase": True, "contact_email": "ops@example.com"}
    assert (await check(server, **ask))["changed"] is True
    await asyncio.sleep(0.1)
    again = await check(server, **ask)
    assert (again["changed"], again["verdict"]) == (False, "insufficient")
    (outcome,) = again["sent"]
    assert (outcome["sent"], outcome["granted_value"], "denied" in outcome["state_detail"]) == (False, 24, True)


async def test_request_is_sent_granted_and_then_enough(server: Server) -> None:
    ask = {"chips": 48, "request_increase": True, "contact_email": "ops@example.com"}
    first = await check(server, **ask)
    assert (first["changed"], first["verdict"]) == (True, "insufficient")
    assert (first["sent"][0]["sent"], first["sent"][0]["reconciling"]) == (True, True)
    await asyncio.sleep(0.1)
    granted = await check(server, **ask)
    assert (granted["verdict"], granted["sent"]) == ("sufficient", [])

    def by_googles_client() -> list[tuple[str, int, bool]]:
        parent = "projects/rhaii-sandbox/locations/global"
        return [
            (each.quota_id, each.quota_config.granted_value, each.reconciling)
            for each in cloud_client(server).list_quota_preferences(parent=parent)
        ]

    assert await asyncio.to_thread(by_googles_client) == [(FAMILY, 48, False)]


async def test_googles_client_asks_as_we_do(server: Server) -> None:
    def create() -> Any:
        preference = cloudquotas_v1.QuotaPreference(
            service="compute.googleapis.com",
            quota_id=FAMILY,
            dimensions={"region": "us-east5", "tpu_family": "CT6E"},
            quota_config=cloudquotas_v1.QuotaConfig(preferred_value=16),
            contact_email="ops@example.com",
        )
        return cloud_client(server).create_quota_preference(
            parent="projects/rhaii-sandbox/locations/global", quota_preference=preference
        )

    assert (await asyncio.to_thread(create)).reconciling is True
    await asyncio.sleep(0.1)
    result = await check(server, locations=["us-east5-a"])
    assert (result["verdict"], result["candidates"][0]["limit"]) == ("sufficient", 16)


async def test_account_that_may_not_ask_is_told_so_and_keeps_the_answer(server: Server) -> None:
    await fault(server, kind="api_error", path="quotaPreferences$", method="create", status=403, message="may not")
    result = await check(server, chips=48, request_increase=True, contact_email="ops@example.com")
    assert (result["failed"], "may not" in result["msg"]) == (True, True)
    assert result["candidates"][0]["verdict"] == "insufficient"


async def test_account_that_may_read_nothing_gets_unknown(server: Server) -> None:
    result = await check(server, key="viewer-account.json")
    assert result["verdict"] == "unknown"
    assert "cloudquotas.quotas.get" in result["candidates"][0]["reason"]


async def test_asking_at_once_is_faster_than_in_turn(server: Server) -> None:
    await fault(server, kind="delay", seconds=0.2)
    locations = [ZONE, "us-east5-a", "us-central1-b", "us-south1-a"]
    result = await check(server, locations=locations, provisioning=["on_demand", "spot"], **WHOLE)
    # the emulated cloud is one process; what is measured here is the waiting
    assert result["calls"] == 17
    assert result["elapsed"] / result["elapsed_in_turn"] < 0.5
