# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_node_pool: what is not ours is refused before anything else, and what is protected stays."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, Stage, cluster_body, pool_body
from tests.unit.plugins.module_utils.gke.test_node_pool import configured, play

MODES = pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
NAME = "Give another name (cluster_tpu_pool_name, or cluster_default_pool_name for the ordinary machines)."
FORCE = " To delete it all the same, do that yourself, or say force_unlabelled: true."
# labels, whose it seems to be by them, and whether force may delete it
FOREIGN = pytest.mark.parametrize(
    ("labels", "whose", "forced"),
    [
        pytest.param(None, "carries no label that names an owner", True, id="no label"),
        pytest.param({"team": "ml"}, "carries none of our labels (team=ml)", True, id="labels of nobody"),
        pytest.param(
            {**OURS, "goog-terraform-provisioned": "true"},
            "seems to be made by Terraform (label goog-terraform-provisioned), whatever else it is labelled",
            True,
            id="Terraform's, under our labels",
        ),
        pytest.param({**OURS, "rhaii-environment": "dev"}, "belongs to the environment dev", False, id="another's"),
    ],
)
# what is asked for, of a pool of three spot-less nodes
WAYS = pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing would change"),
        pytest.param({"node_count": None, "machine_type": None}, id="a look"),
        pytest.param({"node_count": 5}, id="larger"),
        pytest.param({"node_count": 1}, id="smaller"),
        pytest.param({"labels": {"team": "ml"}}, id="labels"),
        pytest.param({"spot": True, "replace": True}, id="replaced"),
        pytest.param({"spot": True}, id="what cannot change"),
        pytest.param({"wait": False}, id="without waiting"),
        pytest.param({"wait": False, "stockout_watch": 60}, id="with a watch"),
        pytest.param({"state": "absent"}, id="deleted"),
        # consent to a deletion is none to anything else
        pytest.param({"force_unlabelled": True, "node_count": 5}, id="by force, which is for deletions"),
    ],
)


@MODES
@WAYS
@FOREIGN
def test_foreign_pool_is_refused_and_nothing_is_done_or_awaited(
    labels: Any, whose: str, forced: bool, options: dict[str, Any], check_mode: bool
) -> None:
    stage = Stage(FakeGke(cluster=cluster_body(), pool=configured(resourceLabels=labels)))
    stage.gke.start("SET_NODE_POOL_SIZE", "clusters/c/nodePools/tpu-pool")
    with pytest.raises(RhaiiError) as caught:
        play(stage, check_mode, **options)
    assert caught.value.msg == (
        f"The node pool tpu-pool of the cluster c was not made for the environment prod: it {whose}. It is left alone."
    )
    assert caught.value.remedy == NAME + (FORCE if forced and options.get("state") == "absent" else "")
    assert (stage.gke.calls, stage.clock.slept, stage.said) == ([], [], [])


@MODES
@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("status", ["ERROR", "PROVISIONING", "STOPPING", "RUNNING_WITH_ERROR"])
def test_foreign_pool_is_refused_whatever_its_state(status: str, state: str, check_mode: bool) -> None:
    pool = {**configured(resourceLabels=None), "status": status}
    stage = Stage(FakeGke(cluster=cluster_body(), pool=pool, stuck_machines=3))
    stage.gke.start("CREATE_NODE_POOL", "clusters/c/nodePools/tpu-pool")
    with pytest.raises(RhaiiError, match="It is left alone"):
        play(stage, check_mode, state=state)
    assert (stage.gke.calls, stage.clock.slept) == ([], [])


@FOREIGN
def test_force_deletes_a_foreign_pool_but_not_another_environments(labels: Any, whose: str, forced: bool) -> None:
    stage = Stage(FakeGke(pool=configured(resourceLabels=labels)))
    if forced:
        assert not play(stage, state="absent", force_unlabelled=True)["exists"]
        return
    with pytest.raises(RhaiiError, match="belongs to the environment dev"):
        play(stage, state="absent", force_unlabelled=True)
    assert stage.gke.calls == []


@pytest.mark.parametrize("wait", [True, False])
def test_pool_that_somebody_makes_meanwhile_is_refused(wait: bool) -> None:
    """It is not there at the first look, while an operation on its name runs."""
    stage = Stage(FakeGke(looks=1))
    theirs = configured(resourceLabels={"managed-by": "ops"})
    looks = [None]
    stage.gke.start("CREATE_NODE_POOL", "clusters/c/nodePools/tpu-pool", lambda: None)
    stage.gke.get_node_pool = lambda cluster, pool: looks.pop() if looks else theirs  # type: ignore[method-assign]
    stage.gke.pool = theirs
    with pytest.raises(RhaiiError, match="seems to be ops's"):
        play(stage, wait=wait)
    assert stage.gke.calls == []


def test_pool_that_somebody_else_was_faster_to_make_is_refused() -> None:
    stage = Stage(FakeGke(refusals=[GoogleError("create", 409, "ALREADY_EXISTS", "Already exists")]))
    original = stage.gke.create_node_pool

    def lose_the_race(cluster: str, body: dict[str, Any]) -> Any:
        stage.gke.pool = configured(resourceLabels=None)
        return original(cluster, body)

    stage.gke.create_node_pool = lose_the_race  # type: ignore[method-assign]  # the race is the test
    with pytest.raises(RhaiiError, match="It is left alone"):
        play(stage)
    assert stage.gke.calls == ["create pool 3"]


KEPT = {**OURS, "rhaii-keep": "true"}
DEAD = {"status": "ERROR", "statusMessage": "no room"}
# each with how the pool is named in the refusal, and what it asks for when that is lifted
DELETIONS = pytest.mark.parametrize(
    ("options", "pool", "named", "asked"),
    [
        pytest.param({"state": "absent"}, {}, "", ["delete pool tpu-pool"], id="deleted"),
        pytest.param(
            {"spot": True, "replace": True},
            {},
            " cannot be changed to what is wanted (spot is false, wanted true) and",
            ["delete pool tpu-pool", "create pool 3"],
            id="replaced",
        ),
        pytest.param({}, DEAD, ", which is ERROR (no room),", ["delete pool tpu-pool", "create pool 3"], id="repaired"),
    ],
)


@MODES
@DELETIONS
@pytest.mark.parametrize(
    ("labels", "keep", "why"),
    [
        pytest.param(KEPT, None, "its cluster c carries the label rhaii-keep=true", id="by the label"),
        pytest.param(KEPT, True, "its cluster c carries the label rhaii-keep=true", id="by both"),
        pytest.param(OURS, True, "keep is true", id="by the option"),
    ],
)
def test_protected_pool_stays(
    options: dict[str, Any],
    pool: dict[str, Any],
    named: str,
    asked: list[str],
    labels: dict[str, str],
    keep: bool | None,
    why: str,
    check_mode: bool,
) -> None:
    dead = 3 if pool else 0
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels=labels), pool=pool_body(**pool), stuck_machines=dead))
    with pytest.raises(RhaiiError) as caught:
        play(stage, check_mode, keep=keep, **options)
    assert caught.value.msg == f"The node pool tpu-pool{named} is protected: {why}."
    assert caught.value.remedy == "To delete it all the same, say keep: false (-e rhaii_keep=false)."
    assert (stage.gke.calls, stage.said) == ([], [])


@DELETIONS
@pytest.mark.parametrize(
    ("cluster", "keep"),
    [
        pytest.param(cluster_body(resourceLabels=KEPT), False, id="lifted"),
        pytest.param(cluster_body(), None, id="not protected"),
        pytest.param(cluster_body(resourceLabels={**OURS, "rhaii-keep": "false"}), None, id="no longer protected"),
        pytest.param(cluster_body(resourceLabels=None), None, id="a cluster without labels"),
        pytest.param(None, None, id="no cluster any more"),
    ],
)
def test_pool_goes_where_nothing_protects_it(
    options: dict[str, Any], pool: dict[str, Any], named: str, asked: list[str], cluster: Any, keep: bool | None
) -> None:
    dead = 3 if pool else 0
    stage = Stage(FakeGke(cluster=cluster, pool=pool_body(**pool), stuck_machines=dead))
    assert play(stage, keep=keep, **options)["changed"]
    assert stage.gke.calls == asked


def test_protection_keeps_nobody_from_changing_a_pool() -> None:
    stage = Stage(FakeGke(cluster=cluster_body(resourceLabels=KEPT), pool=pool_body()))
    assert play(stage, node_count=5)["node_count"] == 5
    assert play(stage, node_count=2)["node_count"] == 2
