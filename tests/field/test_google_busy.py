# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster on which something works already: its changes wait for that, whatever Google calls it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke import cluster, node_pool
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.field.rows import Row, rows
from tests.unit.plugins.module_utils.fake_gke import FakeGke, Stage, cluster_body, pool_body
from tests.unit.plugins.module_utils.gke.test_cluster import PARAMS as CLUSTER
from tests.unit.plugins.module_utils.gke.test_node_pool import PARAMS as POOL


def refusal_of(given: dict[str, Any]) -> GoogleError:
    return GoogleError(
        "change it",
        given["status"],
        given["code"],
        given["message"],
        reasons=given.get("reasons", ()),
        older=given.get("older", ()),
    )


def staged(given: dict[str, Any], **gke: Any) -> Stage:
    """Google refuses twice, and a minute later what runs has ended."""
    stage = Stage(FakeGke(looks=6, refusals=[refusal_of(given), refusal_of(given)], **gke))
    if given["running"]:
        stage.gke.start(given["running"], "clusters/c")
    return stage


@pytest.mark.parametrize("wanted", ["cluster", "pool", "no cluster"])
@rows("google_busy")
def test_busy_cluster(row: Row, wanted: str) -> None:
    def play(stage: Stage) -> dict[str, Any]:
        if wanted == "pool":
            return node_pool.run({**POOL, "node_count": 5}, stage.ports, stage.said.append, False)
        state = "absent" if wanted == "no cluster" else "present"
        params = {**CLUSTER, "release_channel": "rapid", "state": state}
        return cluster.run(params, stage.ports, stage.said.append, False)

    there = {"pool": pool_body()} if wanted == "pool" else {"cluster": cluster_body()}
    stage = staged(row.given, **there)
    if row.right == "refused":
        with pytest.raises(GoogleError):
            play(stage)
        assert len(stage.gke.calls) == 1
        return
    if row.id in ("words-of-tomorrow", "aborted-409"):
        # what else there is to go by is gone with the operation
        stage.gke.refusals.pop()
    assert play(stage)["changed"]
    assert len(stage.gke.calls) == 3 - row.id.count("words-of-tomorrow") - row.id.count("aborted-409")
    assert len(set(stage.gke.calls)) == 1
    told = " ".join(stage.said)
    assert "another operation is in the way" in told or "Google works on the cluster" in told


def test_a_long_queue_is_awaited_within_the_time_out() -> None:
    """429 for three minutes, in an operation that may take forty."""
    busy = GoogleError("change it", 429, "RESOURCE_EXHAUSTED", "Too many operations: cluster hits the quota 5")
    stage = Stage(FakeGke(pool=pool_body()))

    def resized(cluster: str, pool: str, nodes: int) -> Any:
        stage.gke.calls.append("asked")
        if stage.clock.monotonic() < 180:
            raise busy
        return stage.gke.start("SET_NODE_POOL_SIZE", "clusters/c/nodePools/tpu-pool")

    stage.gke.set_node_pool_size = resized  # type: ignore[method-assign]
    assert node_pool.run({**POOL, "node_count": 5}, stage.ports, stage.said.append, False)["changed"]
    assert 180 <= stage.clock.monotonic() < 300
    assert len(stage.gke.calls) < 12
