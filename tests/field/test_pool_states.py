# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each status that a pool may have, groups that are gone, Google's own operations, and what GKE sets by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke import node_pool, statuses
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Operation
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from google.cloud import container_v1

from tests.field.rows import Row, read, rows
from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body, pool_body
from tests.unit.plugins.module_utils.gke.test_node_pool import PARAMS


class Gke(FakeGke):
    """With groups that may be gone until the pool is made anew, or grows."""

    group_is_gone = False
    is_gone_when_asked = False

    def target_size(self, group: GroupRef) -> int:
        if self.group_is_gone:
            raise GoogleError("read the instance group", 404, "", "The resource was not found")
        return super().target_size(group)

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        if self.group_is_gone:
            raise GoogleError("list the instances", 404, "", "The resource was not found")
        return super().instances(group)

    def delete_node_pool(self, cluster: str, pool: str) -> Operation:
        if self.is_gone_when_asked:
            self.calls.append(f"delete pool {pool}")
            self.pool = None
            raise GoogleError("delete the node pool", 404, "NOT_FOUND", "Not found")
        return super().delete_node_pool(cluster, pool)


def staged(given: dict[str, Any]) -> Stage:
    body = pool_body(given.get("nodes", 3), status=given["status"], initialNodeCount=given.get("initial", 99))
    extra = given.get("body", {})
    body = {**body, **extra, "config": {**body["config"], **extra.get("config", {})}}
    if "labels" in given:
        body["config"]["resourceLabels"] = dict(given["labels"])
    labels = {**OURS, **given.get("cluster_labels", {})}
    gke = Gke(cluster=cluster_body(resourceLabels=labels), pool=body, looks=3)
    gke.group_is_gone = given.get("group") == "gone"
    gke.is_gone_when_asked = bool(given.get("then_404"))
    if given.get("failing"):
        gke.errors[given["running"]] = {"error": {"code": 13, "message": "boom"}}

    def ended() -> None:
        if given.get("then") == "gone":
            gke.pool = None
        elif gke.pool is not None:
            gke.pool["status"] = "RUNNING"
            gke.group_is_gone = False

    if "running" in given:
        gke.start(given["running"], f"clusters/c/nodePools/{given.get('of', 'tpu-pool')}", ended)
        if given.get("failing") and given["status"] == "RECONCILING":
            # what Google began and did not end leaves the pool as it was
            body["status"] = "RUNNING"
    return Stage(gke)


@rows("pool_states")
def test_pool_in_a_state(row: Row) -> None:
    stage = staged(row.given)
    params = {**PARAMS, **row.given.get("options", {}), "state": row.given.get("state", "present")}
    outcome = "ok"
    try:
        node_pool.run(params, stage.ports, stage.said.append, False)
    except RhaiiError as error:
        outcome = error.msg
        assert error.remedy
    assert row.right["outcome"] in outcome
    assert stage.gke.calls == row.right["calls"]
    assert row.right.get("told", "") in " ".join(stage.said)


@pytest.mark.parametrize("status", [each.name for each in container_v1.NodePool.Status])
def test_every_status_of_google_is_in_the_table_and_has_a_row(status: str) -> None:
    assert status in statuses.POOL
    assert status in {row.given["status"] for row in read("pool_states")}


@pytest.mark.parametrize("kind", [each.name for each in container_v1.Operation.Type])
def test_every_operation_of_google_is_judged_as_ours_or_told(kind: str) -> None:
    """Those that Google begins by itself are never ours to judge."""
    stage = staged({"status": "RUNNING", "running": kind, "failing": True})
    ours = kind in ("CREATE_NODE_POOL", "DELETE_NODE_POOL", "SET_NODE_POOL_SIZE", "CREATE_CLUSTER", "DELETE_CLUSTER")
    if ours:
        with pytest.raises(RhaiiError, match="Google ended"):
            node_pool.run(PARAMS, stage.ports, stage.said.append, False)
    else:
        assert not node_pool.run(PARAMS, stage.ports, stage.said.append, False)["changed"]
        assert "ended with an error of its own" in " ".join(stage.said)
