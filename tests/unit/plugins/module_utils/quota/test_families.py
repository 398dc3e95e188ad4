# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the table of TPU families says of nodes."""

from __future__ import annotations

import math

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, family_of

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
