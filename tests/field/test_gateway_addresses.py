# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a Gateway is taken for one that serves, and by which address."""

from __future__ import annotations

from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import gateway_url
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen, Wanted, judge

from tests.field.rows import Row, rows

WANTED = Wanted(services={"qwen": 1}, tpu_pool="tpu-pool", gateway="inference-gateway")


def gateway_of(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": "inference-gateway", "generation": given.get("generation", 1)},
        "spec": {"listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]},
        "status": {key: given[key] for key in ("addresses", "conditions", "listeners") if key in given},
    }


@rows("gateway_addresses")
def test_a_gateway_is_judged_by_its_conditions_and_reached_from_outside(row: Row) -> None:
    gateway = gateway_of(row.given)
    finding = next(each for each in judge(Seen(gateway=gateway), WANTED) if each.check == "gateway")
    assert (finding.verdict, gateway_url(gateway)) == (row.right["verdict"], row.right["url"]), finding
    assert row.right.get("says", "") in finding.found
    assert bool(finding.remedy) is (finding.verdict != "ok")
