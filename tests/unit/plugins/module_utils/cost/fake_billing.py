# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A price list from a table; an error in it is raised instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import silent
from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import run
from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import COMPUTE_ENGINE, NETWORKING
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

from tests.unit.fake_clock import FakeClock

REGION = "europe-west4"
ZONE = "europe-west4-a"


def body(description: str, price: float, **changes: Any) -> dict[str, Any]:
    """A SKU as Google has it; of what it says, what nobody reads is left out."""
    nanos = round(price * 1e9)
    rate = {"unitPrice": {"currencyCode": "USD", "units": str(nanos // 10**9), "nanos": nanos % 10**9}}
    return {
        "skuId": description,
        "description": description,
        "category": {"usageType": changes.get("usage", "OnDemand")},
        "serviceRegions": changes.get("regions", [REGION]),
        "pricingInfo": [
            {
                "pricingExpression": {
                    "usageUnit": changes.get("unit", "h"),
                    "tieredRates": changes.get("rates", [rate]),
                }
            }
        ],
    }


COMPUTE = [
    body("TpuV6e running in Netherlands", 3.0),
    body("TpuV6e attached to Spot Preemptible VMs running in Netherlands", 2.0, usage="Preemptible"),
    body("DWS Defined Duration V6e running in Netherlands", 1.5),
    body("E2 Instance Core running in Netherlands", 0.02),
    body("E2 Instance Ram running in Netherlands", 0.003, unit="GiBy.h"),
    body("Hyperdisk Balanced Capacity in Netherlands", 0.073, unit="GiBy.mo"),
    body("Balanced PD Capacity in Netherlands", 0.146, unit="GiBy.mo"),
    body("External IP Charge on a Standard VM", 0.004, regions=["global"]),
    body("External IP Charge on a Spot Preemptible VM", 0.002, regions=["global"]),
]
NETWORK = [body("Cloud Load Balancer Forwarding Rule Minimum for Netherlands", 0.03)]

PARAMS: dict[str, Any] = {
    "project": "my-project",
    "candidates": [{"location": ZONE, "provisioning": "on_demand"}],
    "accelerator": "v6e",
    "machine_type": None,
    "tpu_nodes": 3,
    "running_tpu_nodes": None,
    "tpu_disk": {"type": "hyperdisk-balanced", "size_gb": 200},
    "standard_pool": {"machine_type": "e2-standard-4", "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100},
    "load_balancers": 1,
    "private_nodes": False,
    "catalog_timeout": 20,
}


@dataclass
class FakeBilling:
    """Pages of so many SKUs, each after so many seconds."""

    services: Mapping[str, Sequence[Mapping[str, Any]] | RhaiiError] = field(
        default_factory=lambda: {COMPUTE_ENGINE: COMPUTE, NETWORKING: NETWORK}
    )
    size: int = 5
    seconds: float = 0.5
    clock: FakeClock = field(default_factory=FakeClock)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def page(self, service: str, token: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        self.asked.append((service, token))
        self.clock.sleep(self.seconds)
        found = self.services[service]
        if isinstance(found, RhaiiError):
            raise found
        start = int(token or 0)
        end = start + self.size
        return found[start:end], str(end) if end < len(found) else ""

    def cost(self, **changes: Any) -> dict[str, Any]:
        return run({**PARAMS, **changes}, CostPorts(self, self.clock), silent, False)
