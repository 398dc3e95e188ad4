# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof in mixed worlds can fail: what it draws, what it compares, and what it takes for a name."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from sandbox.cloud.errors import Json
from tests.integration.cloud_runs import Shown
from tests.integration.world_ground import KEY, Played
from tests.integration.world_runs import (
    Book,
    Record,
    Run,
    accounts,
    compared,
    judged,
    named,
    origin_of,
    summed,
    touches,
)
from tests.integration.worlds import CLOUD, CLUSTER, DEPLOY, KINDS, Scene, Thing, World, seen

SECRET = Thing(CLUSTER, "Secret", "huggingface-token", "rhaii-inference", "v1")
ACCOUNT = Thing(CLUSTER, "ServiceAccount", "default", "rhaii-inference", "v1")
POOL = Thing(CLOUD, "node pool", "tpu-pool")


def secret(version: str = "7", **meta: Any) -> Json:
    return {
        "metadata": {"name": "huggingface-token", "resourceVersion": version, **meta},
        "data": {"token": "dGhlaXJz"},
    }


def account(version: str, *pull: str) -> Json:
    meta = {"name": "default", "resourceVersion": version, "managedFields": [{"manager": version}]}
    return {"metadata": meta, **({"imagePullSecrets": [{"name": name} for name in pull]} if pull else {})}


def played(output: str, code: int = 2, playbook: str = "deploy") -> Played:
    return Played(playbook, False, Shown(code, output), 9.0, 8.0)


def scene(**stops: tuple[str, ...]) -> Scene:
    made = Scene({}, {}, None, random.Random(1))  # type: ignore[arg-type]
    made.things = {POOL: stops.get("pool", ()), SECRET: stops.get("secret", (DEPLOY,))}
    return made


def failed(text: str) -> str:
    return f"fatal: [sandbox]: FAILED! => \n    changed: false\n    msg: {text}\n"


def test_a_world_is_the_same_again_and_another_one_with_another_number() -> None:
    assert World.drawn(1, 3) == World.drawn(1, 3)
    assert World.drawn(1, 3) != World.drawn(1, 4)
    assert World.drawn(1, 3) != World.drawn(2, 3)


def test_two_hundred_worlds_hold_every_kind_and_few_hold_nothing_that_collides() -> None:
    worlds = [World.drawn(1, number) for number in range(200)]
    assert {kind.name for world in worlds for kind in world.kinds} == {kind.name for kind in KINDS}
    whole = [world for world in worlds if world.whole]
    assert 10 <= len(whole) <= 20
    assert all(not kind.stops for world in whole for kind in world.kinds)
    assert all(any(kind.stops for kind in world.kinds) for world in worlds if not world.whole)
    assert all(world.base in kind.bases for world in worlds for kind in world.kinds)
    for world in worlds:
        slots = [kind.slot for kind in world.kinds]
        assert len(slots) == len(set(slots))
        assert 1 <= len(slots) <= 10


def test_one_number_that_moved_is_a_change() -> None:
    assert compared({SECRET: secret()}, {SECRET: secret()}) == {}
    assert list(compared({SECRET: secret()}, {SECRET: secret("8")})) == [SECRET]
    changed = compared({SECRET: secret()}, {SECRET: secret(labels={"rhaii.gke/environment": "sandbox"})})
    assert '"rhaii.gke/environment": "sandbox"' in changed[SECRET]
    assert compared({SECRET: secret()}, {SECRET: None}) == {SECRET: "it is gone"}
    assert list(compared({SECRET: None}, {SECRET: secret()})) == [SECRET]


def test_a_secret_is_not_shown_where_it_changed() -> None:
    was, now = ({"kind": "Secret", **secret(), "data": {"token": value}} for value in ("dGhlaXJz", "b3Vycw=="))
    changed = compared({SECRET: was}, {SECRET: now})[SECRET]
    assert '"token"' in changed
    assert "dGhlaXJz" not in changed
    assert "b3Vycw" not in changed


def test_pull_secrets_may_be_lent_to_the_default_account_and_must_come_back() -> None:
    lent = compared({ACCOUNT: account("1")}, {ACCOUNT: account("2", "rhaiis-pull-secret")})
    assert lent == {}
    assert accounts({ACCOUNT: account("1")}, {ACCOUNT: account("3")}) == {}
    assert list(accounts({ACCOUNT: account("1")}, {ACCOUNT: account("2", "rhaiis-pull-secret")})) == [ACCOUNT]
    labelled = account("2")
    labelled["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "rhaii.gke"}
    assert list(compared({ACCOUNT: account("1")}, {ACCOUNT: labelled})) == [ACCOUNT]


def test_a_refusal_names_kind_and_name_of_each_thing() -> None:
    good = judged(played(failed("Secret rhaii-inference/huggingface-token is somebody's.")), scene(), [POOL, SECRET])
    assert (good.refused, good.unnamed) == (True, [])
    other = judged(played(failed("Something is somebody's.")), scene(), [POOL, SECRET])
    assert (other.refused, other.unnamed) == (True, [SECRET.title])
    # pools and objects are looked at one after the other
    pool = judged(played(failed("The node pool tpu-pool is not ours.")), scene(pool=(DEPLOY,)), [POOL, SECRET])
    assert (pool.refused, pool.unnamed) == (True, [])


def test_a_verb_that_would_not_change_a_thing_may_name_it_and_then_names_all() -> None:
    asked = judged(played(failed("Secret huggingface-token is theirs."), playbook="verify"), scene(), [POOL, SECRET])
    assert (asked.refused, asked.unnamed) == (True, [])
    other = judged(played(failed("TPU nodes: none."), playbook="verify"), scene(), [POOL, SECRET])
    assert (other.refused, other.unnamed) == (False, [])


def test_a_failure_where_nothing_collides_is_no_refusal() -> None:
    run = judged(played(failed("no quota")), scene(secret=()), [POOL, SECRET])
    assert (run.refused, run.said) == (False, "no quota")
    record = Record(1, 7, "empty", True, [], [], runs=[run])
    assert record.faults() == ["deploy failed in a world in which nothing collides: no quota"]


def test_a_teardown_that_waits_for_what_does_not_come_is_seen() -> None:
    vain = "FAILED - RETRYING: [sandbox]: teardown | Wait (41 retries left).\n"
    assert judged(played(vain * 10, 0, "teardown"), scene(), []).waited
    assert not judged(played(vain * 2, 0, "teardown"), scene(), []).waited
    assert judged(played(failed("It was not gone within 30 s."), 2, "teardown"), scene(), []).waited


def test_a_release_may_be_called_by_its_own_name() -> None:
    release = Thing(CLUSTER, "Secret", "sh.helm.release.v1.sail-operator.v1", "istio-system", "v1")
    assert named(release, "the Helm release istio-system/sail-operator is not ours")
    assert not named(release, "a Secret is not ours")


def test_a_call_that_names_something_foreign_is_seen() -> None:
    call = {"method": "SetNodePoolSize", "path": f"projects/p/locations/z/clusters/c/nodePools/{POOL.name}:setSize"}
    assert touches(call, [POOL])
    assert not touches(call, [SECRET, Thing(CLOUD, "node pool", "other")])
    beside = Thing(CLOUD, "other cluster", "europe-west4-a/their-other")
    assert touches({"path": "projects/p/locations/europe-west4-a/clusters/their-other"}, [beside])
    assert not touches({"path": "projects/p/locations/us-east5-a/clusters/their-other"}, [beside])


def test_a_cluster_of_others_is_compared_with_all_its_pools() -> None:
    cloud: Json = {"clusters": {KEY: {"status": "RUNNING", "pools": {"tpu-pool": {"status": "RUNNING"}}}}}
    thing = Thing(CLOUD, "cluster", KEY.rpartition("/")[2])
    before = seen(thing, None, cloud)  # type: ignore[arg-type]
    assert before is not None
    assert before["pools"]["tpu-pool"]["status"] == "RUNNING"
    assert seen(POOL, None, {"clusters": {}}) is None  # type: ignore[arg-type]


def record(number: int, **changed: str) -> Record:
    run = Run("deploy", 2, 9.0, 8.0, refused=True, unnamed=["Secret a/b"] if changed else [], changed=dict(changed))
    return Record(1, number, "bare", False, ["Secret a/b"], ["Secret a/b", "Namespace a"], 9.0, True, [run])


def test_a_book_goes_on_where_it_was_and_begins_anew_for_another_commit(tmp_path: Path) -> None:
    file = tmp_path / "worlds.jsonl"
    origin = origin_of("abc", 1)
    Book(file, origin).add(record(4))
    assert list(Book(file, origin).records) == [4]
    # one that was ended is kept as far as it went, and the whole one takes its place
    half, full = record(5), record(5)
    half.complete = False
    Book(file, origin).add(half)
    assert summed(Book(file, origin).records.values())["worlds_ended_early"] == 1
    Book(file, origin).add(full)
    assert summed(Book(file, origin).records.values())["worlds_ended_early"] == 0
    assert sorted(Book(file, origin).records) == [4, 5]
    assert Book(file, origin_of("def", 1)).records == {}


def test_the_sum_counts_what_was_compared_and_what_changed(tmp_path: Path) -> None:
    book = Book(tmp_path / "worlds.jsonl", origin_of("abc", 1))
    book.add(record(1))
    book.add(record(2, **{"Secret a/b": "it is gone"}))
    found = summed(book.records.values())
    assert (found["worlds"], found["runs"], found["foreign_things"], found["compared"]) == (2, 2, 4, 4)
    assert (found["changed"], found["worlds_changed"], found["changed_by_kind"]) == (1, 1, {"Secret": 1})
    assert (found["refusals"], found["refusals_that_name"]) == (2, 1)
    assert "Secret a/b was changed by deploy: it is gone" in book.records[2]["faults"]
