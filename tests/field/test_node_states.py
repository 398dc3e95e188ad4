# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a node counts as one that serves, and what the finding says of it."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen, Wanted, judge

from tests.field.rows import Row, rows

WANTED = Wanted(services={"qwen": 1}, tpu_pool="tpu-pool", gateway="gateway")


@rows("node_states")
def test_a_node_is_judged_by_its_conditions_taints_and_chips(row: Row) -> None:
    node = {
        "metadata": {"name": "gke-1", "labels": {"cloud.google.com/gke-nodepool": "tpu-pool"}},
        "spec": {key: row.given[key] for key in ("taints", "unschedulable") if key in row.given},
        "status": {key: row.given[key] for key in ("conditions", "capacity", "allocatable") if key in row.given},
    }
    finding = next(each for each in judge(Seen(nodes=[node]), WANTED) if each.check == "TPU nodes")
    serves = row.right["serves"]
    assert (finding.verdict, finding.found[:6]) == ((OK, "1 of 1") if serves else (FAILED, "0 of 1"))
    for words in row.right["says"]:
        assert words in finding.found
    if not row.right["says"]:
        assert finding.found.endswith("1 are needed"), "there is nothing to say of it"
