# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""TPU families as data: a new TPU is a row.

GKE's TPU nodes consume Compute Engine quota, never the Cloud TPU API's, and it is counted in chips.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError


@dataclass(frozen=True)
class QuotaId:
    """One quota: its id in Cloud Quotas, and the dimensions beside the region that select a family."""

    id: str
    dimensions: Mapping[str, str]
    # what it limits, below compute.googleapis.com
    metric: str
    # Cloud Monitoring has a series of this metric's own; else its use is in the one that all metrics share
    own_series: bool = False

    def __str__(self) -> str:
        extra = "".join(f" {key}={value}" for key, value in self.dimensions.items())
        return f"{self.id}{extra}"


@dataclass(frozen=True)
class Family:
    name: str
    title: str
    machine_type: str
    # what machine types of this family start with
    machine_prefix: str
    on_demand: QuotaId
    preemptible: QuotaId
    # value of the label cloud.google.com/gke-tpu-accelerator on its nodes
    node_accelerator: str
    # topology of a single host by its chips: the label cloud.google.com/gke-tpu-topology
    topologies: Mapping[int, str]

    def chips(self, machine_type: str) -> int:
        """Chips of one machine; 0 when it is not of this family."""
        match = re.fullmatch(re.escape(self.machine_prefix) + r"(?:[a-z]+-)*(\d+)t(?:-tpu)?", machine_type)
        return int(match.group(1)) if match else 0

    def machine(self, asked: str | None) -> str:
        """The machine type that is asked for, or else the usual one; RhaiiError when it is not of this family."""
        machine_type = asked or self.machine_type
        if not self.chips(machine_type):
            raise RhaiiError(
                f"{machine_type} is not a machine type of {self.title}.",
                remedy=f"Use one that starts with {self.machine_prefix}, as in {self.machine_type}.",
            )
        return machine_type

    def quotas(self, provisioning: str) -> tuple[QuotaId, ...]:
        """In the order in which Google consumes them; room in one of them is enough."""
        return {
            "on_demand": (self.on_demand,),
            "spot": (self.preemptible,),
            "flex_start": (self.preemptible, self.on_demand),
            # taken when the reservation was made
            "reservation": (self.on_demand,),
        }[provisioning]


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(
            name="v6e",
            title="TPU v6e (Trillium)",
            machine_type="ct6e-standard-4t",
            machine_prefix="ct6e-",
            # v6e has no on-demand quota of its own, it shares one that is dimensioned by family
            on_demand=QuotaId(
                "TPUS-PER-TPU-FAMILY-per-project-region", {"tpu_family": "CT6E"}, "tpus_per_tpu_family", own_series=True
            ),
            preemptible=QuotaId("PREEMPTIBLE-TPU-V6E-per-project-region", {}, "preemptible_tpu_v6e"),
            node_accelerator="tpu-v6e-slice",
            topologies={1: "1x1", 4: "2x2", 8: "2x4"},
        ),
        Family(
            name="v5e",
            title="TPU v5e",
            machine_type="ct5lp-hightpu-4t",
            machine_prefix="ct5lp-",
            on_demand=QuotaId("TPU-LITE-PODSLICE-V5-per-project-region", {}, "tpu_lite_podslice_v5"),
            preemptible=QuotaId(
                "PREEMPTIBLE-TPU-LITE-PODSLICE-V5-per-project-region", {}, "preemptible_tpu_lite_podslice_v5"
            ),
            node_accelerator="tpu-v5-lite-podslice",
            topologies={1: "1x1", 4: "2x2", 8: "2x4"},
        ),
        Family(
            name="v5p",
            title="TPU v5p",
            machine_type="ct5p-hightpu-4t",
            machine_prefix="ct5p-",
            on_demand=QuotaId("TPU-V5P-per-project-region", {}, "tpu_v5p"),
            preemptible=QuotaId("PREEMPTIBLE-TPU-V5P-per-project-region", {}, "preemptible_tpu_v5p"),
            node_accelerator="tpu-v5p-slice",
            topologies={4: "2x2x1"},
        ),
    )
}

# Of any TPU machine type, those of families included that are no row yet: tpu7x-standard-4t has 4.
_TPU_MACHINE = re.compile(r"(?:ct\w+|tpu\w+)-(?:[a-z]+-)*(\d+)t(?:-tpu)?")


def chips_of(machine_type: str) -> int:
    """Chips of one machine; 0 when it is no TPU machine."""
    match = _TPU_MACHINE.fullmatch(machine_type)
    return int(match[1]) if match else 0


PROVISIONING = ("on_demand", "spot", "flex_start", "reservation")


def family_of(accelerator: str) -> Family:
    found = FAMILIES.get(accelerator)
    if found is None:
        raise RhaiiError(
            f"The accelerator {accelerator} is not known.",
            remedy=f"Use one of {', '.join(sorted(FAMILIES))} (rhaii_accelerator).",
        )
    return found


__all__ = ("FAMILIES", "PROVISIONING", "Family", "QuotaId", "chips_of", "family_of")
