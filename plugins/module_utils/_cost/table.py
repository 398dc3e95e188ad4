# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Prices for when Cloud Billing cannot be asked: dated, each with where it was read. What is not here is not known.

US dollars, as Google lists them. A price is added with its date, or not at all; `as_of` is empty where the source has
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EVERYWHERE = "everywhere"

# Where prices were read.
CATALOG = "Cloud Billing catalog, as read by others"
SKYPILOT = "SkyPilot catalog v8, gcp/vms.csv"
CALCULATOR = "Cyclenerd/google-cloud-pricing-cost-calculator, pricing.yml"
GKE_PAGE = "cloud.google.com/kubernetes-engine/pricing"


@dataclass(frozen=True)
class Listed:
    usd: float
    as_of: str
    origin: str


TABLE: Mapping[str, Mapping[str, Listed]] = {
    "tpu v6e on_demand": {
        "europe-west4": Listed(2.97, "2026-08", CATALOG),
        "us-east5": Listed(2.70, "2026-08-07", CATALOG),
        "us-south1": Listed(2.70, "2026-06-14", CATALOG),
        "us-central1": Listed(2.70, "", SKYPILOT),
        "us-east1": Listed(2.70, "", SKYPILOT),
        "asia-northeast1": Listed(3.24, "2026-08-07", CATALOG),
    },
    "tpu v6e spot": {
        "europe-west4": Listed(1.782, "2026-08", CATALOG),
        "us-east5": Listed(1.4033, "2026-08-07", CATALOG),
        "us-south1": Listed(1.35, "", SKYPILOT),
        "us-central1": Listed(0.54421, "", SKYPILOT),
        "us-east1": Listed(0.54421, "", SKYPILOT),
        "asia-northeast1": Listed(0.94352, "", SKYPILOT),
    },
    "tpu v6e flex_start": {
        "europe-west4": Listed(1.35, "2026-08", CATALOG),
        "us-east5": Listed(1.35, "2026-08-07", CATALOG),
    },
    "tpu v5e on_demand": {"us-west4": Listed(1.20, "2026-10-07", CATALOG)},
    "tpu v5e spot": {"us-west4": Listed(0.494237, "2026-10-07", CATALOG)},
    # a vCPU with its 4 GiB
    "machine e2-standard": {
        "europe-west4": Listed(0.03688602, "2025-03-06", CALCULATOR),
        "us-east5": Listed(0.03350571, "2025-03-06", CALCULATOR),
        "us-central1": Listed(0.03350571, "2025-03-06", CALCULATOR),
        "us-east1": Listed(0.03350571, "2025-03-06", CALCULATOR),
        "us-south1": Listed(0.03953674, "2025-03-06", CALCULATOR),
        "asia-northeast1": Listed(0.04298286, "2025-03-06", CALCULATOR),
        "southamerica-west1": Listed(0.047913161, "2025-03-06", CALCULATOR),
    },
    "disk pd-balanced": {
        "europe-west4": Listed(0.11, "2025-03-06", CALCULATOR),
        "us-east5": Listed(0.10, "2025-03-06", CALCULATOR),
        "us-central1": Listed(0.10, "2025-03-06", CALCULATOR),
        "us-east1": Listed(0.10, "2025-03-06", CALCULATOR),
        "us-south1": Listed(0.12, "2025-03-06", CALCULATOR),
        "asia-northeast1": Listed(0.13, "2025-03-06", CALCULATOR),
        "southamerica-west1": Listed(0.143, "2025-03-06", CALCULATOR),
    },
    "disk pd-standard": {
        "europe-west4": Listed(0.044, "2025-03-06", CALCULATOR),
        "us-east5": Listed(0.04, "2025-03-06", CALCULATOR),
        "us-central1": Listed(0.04, "2025-03-06", CALCULATOR),
        "us-east1": Listed(0.04, "2025-03-06", CALCULATOR),
        "us-south1": Listed(0.0472, "2025-03-06", CALCULATOR),
        "asia-northeast1": Listed(0.052, "2025-03-06", CALCULATOR),
        "southamerica-west1": Listed(0.0572, "2025-03-06", CALCULATOR),
    },
    "address": {EVERYWHERE: Listed(0.005, "2025-03-06", CALCULATOR)},
    "cluster": {EVERYWHERE: Listed(0.10, "2026-11-23", GKE_PAGE)},
    "forwarding rule": {"us-central1": Listed(0.025, "", CATALOG)},
}


def listed(good: str, region: str) -> Listed | None:
    prices = TABLE.get(good, {})
    return prices.get(region) or prices.get(EVERYWHERE)


__all__ = ("EVERYWHERE", "TABLE", "Listed", "listed")
