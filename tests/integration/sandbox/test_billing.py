# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulated price list against Google's own client, and what gke_cost reads of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import execute, silent
from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import CAPABILITY
from google.api_core.client_options import ClientOptions
from google.oauth2 import service_account
from googleapiclient.discovery import build  # type: ignore[import-untyped]  # it has no types

from sandbox.cloud.server import Server
from sandbox.settings import Settings
from tests.integration.sandbox.test_cloud import blocking
from tests.unit.sandbox.cloud.fakes import FakeRuntime

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
COMPUTE_ENGINE = "services/6F81-5844-456A"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A cloud of a test's own on free ports."""
    cloud = Server(Settings(tmp_path, speed=6000.0), runtime=FakeRuntime(), port=0, tls_port=0, proxy_port=0)
    await cloud.start()
    yield cloud
    await cloud.close()


def cost(server: Server, **changes: Any) -> dict[str, Any]:
    """The result of the capability with its real adapter."""
    options: dict[str, Any] = {
        "project": "rhaii-sandbox",
        "auth_kind": "serviceaccount",
        "service_account_file": str(server.folder / "service-account.json"),
        "endpoints": {"cloudbilling": server.url},
        "request_timeout": 10,
        "candidates": [
            {"location": "europe-west4-a", "provisioning": "on_demand"},
            {"location": "us-east5-a", "provisioning": "spot"},
            {"location": "us-south1-a", "provisioning": "flex_start"},
        ],
        "accelerator": "v6e",
        "machine_type": None,
        "tpu_nodes": 3,
        "running_tpu_nodes": None,
        "tpu_disk": {"type": "hyperdisk-balanced", "size_gb": 200},
        "standard_pool": {
            "machine_type": "e2-standard-4",
            "nodes": 2,
            "disk_type": "pd-balanced",
            "disk_size_gb": 100,
        },
        "load_balancers": 1,
        "private_nodes": False,
        "catalog_timeout": 10,
    }
    return execute(CAPABILITY, {**options, **changes}, silent, check_mode=False, diff_mode=False)


async def test_googles_client_reads_the_price_list_page_by_page(server: Server) -> None:
    def read() -> list[dict[str, Any]]:
        credentials = service_account.Credentials.from_service_account_file(
            str(server.folder / "service-account.json"), scopes=[SCOPE]
        )
        client = build(
            "cloudbilling",
            "v1",
            credentials=credentials,
            client_options=ClientOptions(api_endpoint=server.url),
            static_discovery=True,
            cache_discovery=False,
        )
        found: list[dict[str, Any]] = []
        lists = client.services().skus()
        request = lists.list(parent=COMPUTE_ENGINE, currencyCode="USD", pageSize=20)
        pages = 0
        while request is not None:
            answer = request.execute()
            assert len(answer["skus"]) <= 20
            found.extend(answer["skus"])
            pages += 1
            request = lists.list_next(request, answer)
        assert pages > 1
        return found

    found = await blocking(read)
    assert len({sku["skuId"] for sku in found}) == len(found)
    assert {sku["category"]["serviceDisplayName"] for sku in found} == {"Compute Engine"}


async def test_prices_come_from_the_list_and_not_from_the_table(server: Server) -> None:
    result = await blocking(cost, server)
    assert not result.get("failed"), result
    europe, spot, flex = result["candidates"]
    assert result["billing_answer"] == ""
    assert (europe["source"], europe["per_chip_hour"], europe["unknown"]) == ("billing", 2.9817, [])
    assert (spot["source"], spot["per_chip_hour"], spot["unknown"]) == ("billing", 1.4519, [])
    nodes = 3 * (4 * 2.9817 + 200 * 0.089 / 730 + 0.0053)
    rest = 8 * 0.0239 + 32 * 0.0033 + 200 * 0.113 / 730 + 2 * 0.0053 + 0.10 + 0.0277
    assert europe["hourly"] == pytest.approx(nodes + rest, abs=1e-4)
    assert europe["suspended_hourly"] == pytest.approx(rest, abs=1e-4)
    # not sold there, and in no table
    assert (flex["hourly"], flex["unknown"]) == (None, ["TPU v6e (Trillium) chip"])


async def test_list_that_cannot_be_reached_leaves_the_table(server: Server) -> None:
    result = await blocking(lambda: cost(server, endpoints={"cloudbilling": "http://127.0.0.1:9"}))
    assert not result.get("failed"), result
    assert "127.0.0.1:9" in result["billing_answer"]
    assert (result["candidates"][0]["source"], result["candidates"][0]["per_chip_hour"]) == ("table", 2.97)
