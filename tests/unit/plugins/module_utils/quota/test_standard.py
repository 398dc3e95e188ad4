# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CPUs, disks, machines and addresses against what the region lists."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._quota import standard
from ansible_collections.rhaii.gke.plugins.module_utils._quota.standard import Disk, Machines, Need, judge, needs
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import RegionQuota
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import Check

from sandbox.cloud.discovery import read

TPU = Machines("ct6e-standard-4t", 3, Disk("hyperdisk-balanced", 200))
POOL = Machines("e2-standard-4", 2, Disk("pd-balanced", 100), cpus=4)
NO_TPU = Machines("ct6e-standard-4t", 0, None)


def amounts(found: list[Need]) -> dict[str, int]:
    return {need.metric: need.amount for need in found if not need.problem}


def test_a_deploy_needs_five_machines() -> None:
    assert amounts(needs(POOL, TPU, addresses=1, private=False)) == {
        "INSTANCES": 5,
        "IN_USE_ADDRESSES": 6,
        "SSD_TOTAL_GB": 200,
        "HDB_TOTAL_GB": 600,
        "CPUS": 8,
    }


def test_tpu_machines_alone() -> None:
    assert needs(None, TPU, addresses=1, private=False) == [
        Need("INSTANCES", 3),
        Need("IN_USE_ADDRESSES", 4),
        Need("HDB_TOTAL_GB", 600),
    ]


def test_private_nodes_need_no_addresses() -> None:
    assert amounts(needs(POOL, TPU, addresses=1, private=True))["IN_USE_ADDRESSES"] == 1


def test_disks_of_a_kind_add_up() -> None:
    pool = Machines("n2-standard-4", 2, Disk("hyperdisk-balanced", 50), cpus=4)
    found = amounts(needs(pool, TPU, addresses=0, private=True))
    assert found == {"INSTANCES": 5, "HDB_TOTAL_GB": 700, "IN_USE_ADDRESSES": 0, "N2_CPUS": 8}


@pytest.mark.parametrize(
    ("pool", "need", "title"),
    [
        pytest.param(
            Machines("c4-standard-4", 2, None, cpus=4),
            Need("CPUS", 0, "no region lists the CPU quota of c4 machines"),
            "CPU quota",
            id="family",
        ),
        pytest.param(
            Machines("n2-standard-4", 2, None),
            Need("N2_CPUS", 0, "how many CPUs n2-standard-4 has could not be read"),
            "CPU quota",
            id="no answer",
        ),
        pytest.param(
            Machines("e2-standard-4", 2, Disk("hyperdisk-ml", 10), cpus=4),
            Need("", 0, "no region lists the quota of hyperdisk-ml"),
            "disk quota",
            id="disk",
        ),
    ],
)
def test_what_cannot_be_told_is_unknown(pool: Machines, need: Need, title: str) -> None:
    wanted = needs(pool, NO_TPU, addresses=0, private=True)
    assert [each for each in wanted if each.problem] == [need]
    assert list(judge([need], "r", {}, "")) == [Check(title, "unknown", need.problem)]


LISTED: dict[str, Any] = {"quota": "CPUS", "usage_source": "region"}


@pytest.mark.parametrize(
    ("quota", "problem", "verdict", "reason", "said"),
    [
        pytest.param(
            RegionQuota(24, 16),
            "",
            "sufficient",
            "quota of 24 CPUS in europe-west4, 16 used, 8 needed",
            {**LISTED, "limit": 24, "usage": 16, "available": 8},
            id="just enough",
        ),
        pytest.param(
            RegionQuota(24, 17),
            "",
            "insufficient",
            "quota of 24 CPUS in europe-west4, 17 used: 7 left for 8",
            {**LISTED, "limit": 24, "usage": 17, "available": 7},
            id="one short",
        ),
        pytest.param(
            RegionQuota(24, 40),
            "",
            "insufficient",
            "quota of 24 CPUS in europe-west4, 40 used: 0 left for 8",
            {**LISTED, "limit": 24, "usage": 40, "available": 0},
            id="overdrawn",
        ),
        pytest.param(
            RegionQuota(0, 0),
            "",
            "insufficient",
            "quota of 0 CPUS in europe-west4, 0 used: 0 left for 8",
            {**LISTED, "limit": 0, "usage": 0, "available": 0},
            id="none",
        ),
        pytest.param(
            RegionQuota(-1, 99),
            "",
            "sufficient",
            "CPUS in europe-west4 is unlimited",
            {**LISTED, "limit": -1, "usage": 99},
            id="unlimited",
        ),
        pytest.param(None, "", "unknown", "europe-west4 does not list the quota CPUS", {}, id="not listed"),
        pytest.param(
            RegionQuota(24, 0),
            "no answer",
            "unknown",
            "the quotas of europe-west4 could not be read: no answer",
            {},
            id="no answer",
        ),
    ],
)
def test_judge(quota: RegionQuota | None, problem: str, verdict: str, reason: str, said: dict[str, Any]) -> None:
    found = {"CPUS": quota} if quota else {}
    (check,) = judge([Need("CPUS", 8)], "europe-west4", found, problem)
    assert check == Check("CPU quota", verdict, reason, needed=8, **said)


def test_one_is_looked_at() -> None:
    (check,) = judge([Need("IN_USE_ADDRESSES", 1)], "r", {"IN_USE_ADDRESSES": RegionQuota(4, 4)}, "")
    assert (check.check, check.verdict) == ("address quota", "insufficient")


def test_what_needs_nothing_is_not_looked_at() -> None:
    assert list(judge([Need("CPUS", 0)], "r", None, "no answer")) == []


def test_every_metric_is_one_that_regions_list() -> None:
    listed = read("compute.v1")["schemas"]["Quota"]["properties"]["metric"]["enum"]
    metrics = {*standard.CPU_METRICS.values(), *standard.DISK_METRICS.values(), *standard.TITLES}
    assert metrics <= set(listed)
    # the trap: no region lists v6e, so that its quota must not be looked for there
    assert not [metric for metric in listed if "V6E" in metric or "FAMILY" in metric]


def test_quota_id_of_a_metric() -> None:
    assert standard.quota_id("IN_USE_ADDRESSES") == "IN-USE-ADDRESSES-per-project-region"
