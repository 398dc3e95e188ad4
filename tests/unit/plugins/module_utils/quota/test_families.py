# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the table of TPU families says of nodes."""

from __future__ import annotations

import math

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, PROVISIONING, family_of

from sandbox.settings import CHECKOUT

MACHINES = yaml.safe_load((CHECKOUT / "sandbox" / "cloud" / "machines.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("family", "accelerator"),
    [("v6e", "tpu-v6e-slice"), ("v5e", "tpu-v5-lite-podslice"), ("v5p", "tpu-v5p-slice")],
)
def test_nodes_carry_gkes_label(family: str, accelerator: str) -> None:
    assert family_of(family).node_accelerator == accelerator


def test_v6e_nodes_are_those_of_the_emulated_cloud() -> None:
    row = FAMILIES["v6e"]
    assert row.node_accelerator == MACHINES["families"]["ct6e"]["node_accelerator"]
    offered = {name: item for name, item in MACHINES["types"].items() if row.chips(name)}
    assert {item["chips"]: item["topology"] for item in offered.values()} == dict(row.topologies)
    assert {name: row.chips(name) for name in offered} == {name: item["chips"] for name, item in offered.items()}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_topology_has_as_many_chips_as_its_host(family: str) -> None:
    row = FAMILIES[family]
    assert {chips: math.prod(map(int, topology.split("x"))) for chips, topology in row.topologies.items()} == {
        chips: chips for chips in row.topologies
    }
    # v5p is a torus in three dimensions, the others a mesh in two
    assert {topology.count("x") for topology in row.topologies.values()} == {2 if family == "v5p" else 1}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_usual_machine_has_a_topology(family: str) -> None:
    row = FAMILIES[family]
    assert row.chips(row.machine_type) in row.topologies


@pytest.mark.parametrize(
    ("family", "machine_type", "chips"),
    [
        pytest.param("v6e", "ct6e-standard-4t", 4, id="v6e four"),
        pytest.param("v6e", "ct6e-standard-8t-tpu", 8, id="v6e with the suffix"),
        pytest.param("v6e", "ct5p-hightpu-4t", 0, id="another family"),
        pytest.param("v6e", "ct6e-standard-4", 0, id="not a TPU machine"),
        pytest.param("v5e", "ct5lp-hightpu-1t", 1, id="v5e one"),
        pytest.param("v5p", "ct5p-hightpu-4t", 4, id="v5p four"),
    ],
)
def test_chips_of_a_machine(family: str, machine_type: str, chips: int) -> None:
    assert FAMILIES[family].chips(machine_type) == chips


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("provisioning", PROVISIONING)
def test_quotas_are_compute_engines_by_region(family: str, provisioning: str) -> None:
    for quota in family_of(family).quotas(provisioning):
        assert "ForTPUAPI" not in quota.id
        assert quota.id == f"{quota.metric.upper().replace('_', '-')}-per-project-region"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_each_way_to_buy_has_its_quotas_in_order(family: str) -> None:
    row = family_of(family)
    assert row.quotas("on_demand") == row.quotas("reservation") == (row.on_demand,)
    assert row.quotas("spot") == (row.preemptible,)
    assert row.quotas("flex_start") == (row.preemptible, row.on_demand)


def test_only_v6e_shares_a_quota_that_is_dimensioned_by_family() -> None:
    assert {name: dict(row.on_demand.dimensions) for name, row in FAMILIES.items() if row.on_demand.own_series} == {
        "v6e": {"tpu_family": "CT6E"}
    }
    assert not [row.name for row in FAMILIES.values() if row.preemptible.dimensions or row.preemptible.own_series]


def test_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RhaiiError, match="The accelerator v7 is not known") as caught:
        family_of("v7")
    assert "v5e, v5p, v6e" in caught.value.remedy
