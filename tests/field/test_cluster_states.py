# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each status that a cluster may have: what serves is used, what passes is awaited, what is unknown is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke import cluster, statuses
from google.cloud import container_v1

from tests.field.rows import Row, read, rows
from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body, pool_in
from tests.unit.plugins.module_utils.gke.test_cluster import PARAMS


def staged(given: dict[str, Any]) -> Stage:
    body = cluster_body(status=given["status"], resourceLabels={**OURS, **given.get("labels", {})})
    body["nodePools"] += [pool_in(name, labels) for name, labels in given.get("pools", {}).items()]
    if "statusMessage" in given:
        body["statusMessage"] = given["statusMessage"]
    gke = FakeGke(cluster=body, looks=3)
    if given.get("failing"):
        gke.errors[given["running"]] = {"error": {"code": 13, "message": "boom"}}

    def ended() -> None:
        if given.get("then") == "gone":
            gke.cluster = None
        elif gke.cluster is not None:
            gke.cluster["status"] = given.get("then", "RUNNING")

    if "running" in given:
        gke.start(given["running"], "clusters/c", ended)
    return Stage(gke)


@rows("cluster_states")
def test_cluster_in_a_state(row: Row) -> None:
    stage = staged(row.given)
    params = {**PARAMS, **row.given.get("options", {}), "state": row.given.get("state", "present")}
    outcome = "ok"
    try:
        cluster.run(params, stage.ports, stage.said.append, False)
    except RhaiiError as error:
        outcome = error.msg
        assert error.remedy
    assert row.right["outcome"] in outcome
    assert stage.gke.calls == row.right["calls"]
    assert row.right.get("told", "") in " ".join(stage.said)


@pytest.mark.parametrize("status", [each.name for each in container_v1.Cluster.Status])
def test_every_status_of_google_is_in_the_table_and_has_a_row(status: str) -> None:
    assert status in statuses.CLUSTER
    assert status in {row.given["status"] for row in read("cluster_states")}
