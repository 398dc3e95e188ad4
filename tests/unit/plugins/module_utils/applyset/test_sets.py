# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of objects: what goes when it is wanted no more, what stays because it is not ours, and what the parent says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import (
    IDENTITY,
    PART_OF,
    GroupKind,
    ObjectSet,
    Place,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key, key_of
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

from tests.unit.plugins.module_utils.applyset.fake_objects import ENVIRONMENT, FakeObjects, manifest
from tests.unit.plugins.module_utils.applyset.test_apply import World, actions

SET = ObjectSet("rhaii-set", "ns")
NAMED = {"name": SET.name, "namespace": SET.namespace}
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "r", "namespace": "far"},
}
ISSUER = {"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "issuer"}}
ONE, TWO = manifest(), manifest(name="two")
KINDS = "applyset.kubernetes.io/contains-group-kinds"
NAMESPACES = "applyset.kubernetes.io/additional-namespaces"


@pytest.fixture
def world() -> World:
    return World()


def run(world: World, *objects: Json, **more: Any) -> Result:
    return world.run(*objects, **{"set": NAMED, "prune": True, **more})


def parent_of(objects: FakeObjects) -> Json | None:
    return objects.live.get(SET.key)


def said(objects: FakeObjects) -> tuple[str, str]:
    parent = parent_of(objects)
    assert parent is not None
    return parent["metadata"]["annotations"][KINDS], parent["metadata"]["annotations"][NAMESPACES]


def test_identity_is_the_specifications() -> None:
    # as kubectl 1.36.3 wrote it on the parent of `kubectl apply --prune --applyset=configmaps/set -n ns`
    assert ObjectSet("set", "ns").identity == "applyset-lcc6JEH46rQ9qJEopyB82fgGLDsZzf6TgqIJryOlIds-v1"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("Secret", GroupKind("Secret")), ("HTTPRoute.gateway.networking.k8s.io", GroupKind.of_key(key_of(ROUTE, "")))],
)
def test_kinds_are_written_as_they_are_read(text: str, kind: GroupKind) -> None:
    assert (GroupKind.of(text), str(kind)) == (kind, text)


def test_members_carry_the_label_and_the_parent_says_where_they_are(world: World) -> None:
    result = run(world, ROUTE, ONE, ISSUER)
    for body in (ROUTE, ONE, ISSUER):
        assert world.objects.live[key_of(body, "")]["metadata"]["labels"][PART_OF] == SET.identity
    parent = parent_of(world.objects)
    assert parent is not None
    assert parent["metadata"]["labels"] == {IDENTITY: SET.identity, "rhaii.gke/environment": ENVIRONMENT}
    assert parent["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] == "rhaii.gke/v1"
    assert said(world.objects) == ("ClusterIssuer.cert-manager.io,ConfigMap,HTTPRoute.gateway.networking.k8s.io", "far")
    assert actions(result) == {"issuer": "created", "one": "created", "r": "created", "rhaii-set": "created"}


def test_parent_is_there_before_the_first_member(world: World) -> None:
    run(world, ONE)
    assert world.objects.done("apply")[0] == f"ConfigMap {SET.namespace}/{SET.name}"


def test_second_run_writes_nothing(world: World) -> None:
    run(world, ROUTE, ONE)
    world.objects.calls.clear()
    result = run(world, ROUTE, ONE)
    assert result["changed"] is False
    assert world.objects.done("apply", "force", "delete", "delete whole") == []


def test_what_is_wanted_no_more_goes_and_the_parent_forgets_its_kind(world: World) -> None:
    run(world, ROUTE, ONE)
    world.said.clear()
    result = run(world, ONE)
    assert key_of(ROUTE, "") not in world.objects.live
    assert result["deleted"] == ["HTTPRoute far/r"]
    assert said(world.objects) == ("ConfigMap", "")
    assert world.said[0] == "HTTPRoute far/r: deleting, since the set rhaii-set has it no more"
    assert result["diff"]["after"]["HTTPRoute far/r"] == {}


def test_set_without_members_has_no_parent(world: World) -> None:
    run(world, ONE)
    result = run(world)
    assert world.objects.live == {}
    assert result["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]
    assert run(world)["changed"] is False


def test_what_goes_goes_in_the_opposite_order(world: World) -> None:
    run(world, ROUTE, ISSUER, ONE)
    assert run(world)["deleted"][:3] == ["HTTPRoute far/r", "ClusterIssuer issuer", "ConfigMap ns/one"]


def test_renamed_object_is_applied_before_the_old_one_goes(world: World) -> None:
    run(world, ONE)
    world.objects.calls.clear()
    run(world, TWO)
    verbs = [(verb, key.name) for verb, key in world.objects.calls if verb in ("apply", "delete whole")]
    assert verbs == [("apply", "two"), ("delete whole", "one")]


def test_another_version_of_a_kind_is_the_same_object(world: World) -> None:
    run(world, ROUTE)
    older = {**ROUTE, "apiVersion": "gateway.networking.k8s.io/v1beta1"}
    live = world.objects.live.pop(key_of(ROUTE, ""))
    setters = world.objects.set_by.pop(key_of(ROUTE, ""))
    world.objects.live[key_of(older, "")] = {**live, "apiVersion": older["apiVersion"]}
    world.objects.set_by[key_of(older, "")] = setters
    assert run(world, ROUTE, check_mode=True)["deleted"] == []


def test_object_that_only_carries_the_label_is_left_and_named(world: World) -> None:
    run(world, ONE)
    copied = manifest(name="copied")
    copied["metadata"]["labels"] = {PART_OF: SET.identity}
    key = world.objects.put(copied)
    result = run(world, ONE)
    assert key in world.objects.live
    whose = "seems to be made by kubectl-create (field manager)"
    assert result["left"] == [f"ConfigMap ns/copied carries the label of the set rhaii-set, but {whose}"]


def test_members_of_other_sets_stay(world: World) -> None:
    run(world, ONE)
    world.run(TWO, set={"name": "other", "namespace": "ns"})
    assert run(world)["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]
    assert key_of(TWO, "") in world.objects.live


def test_objects_of_ours_without_a_set_stay(world: World) -> None:
    world.run(TWO)
    run(world, ONE)
    assert run(world)["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]


def test_object_that_had_no_set_joins_it(world: World) -> None:
    world.run(ONE)
    assert actions(run(world, ONE)) == {"one": "changed", "rhaii-set": "created"}
    assert run(world)["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]


def test_object_that_was_made_before_there_was_a_set_goes_when_it_is_named(world: World) -> None:
    world.run(TWO)
    foreign = world.objects.put(manifest(name="foreign"))
    result = run(world, ONE, former_members=[ONE, TWO, manifest(name="foreign"), manifest(name="none")])
    assert result["deleted"] == ["ConfigMap ns/two"]
    assert foreign in world.objects.live


def test_without_prune_they_stay_members_and_go_later(world: World) -> None:
    run(world, ROUTE, ONE)
    result = run(world, ONE, prune=False)
    assert result["changed"] is False
    assert result["left"] == ["HTTPRoute far/r is kept, though the set rhaii-set has it no more"]
    assert said(world.objects)[1] == "far"
    assert run(world, ONE)["deleted"] == ["HTTPRoute far/r"]


def test_check_mode_shows_what_would_go_and_writes_nothing(world: World) -> None:
    run(world, ROUTE, ONE)
    world.objects.calls.clear()
    result = run(world, ONE, TWO, check_mode=True)
    assert world.objects.done("apply", "force", "delete", "delete whole") == []
    assert actions(result) == {"one": "unchanged", "two": "created", "r": "deleted", "rhaii-set": "changed"}
    assert actions(run(world, ONE, TWO)) == actions(result)


def test_check_mode_before_anything_is_there(world: World) -> None:
    result = run(world, ONE, check_mode=True)
    assert actions(result) == {"one": "created", "rhaii-set": "created"}
    assert world.objects.live == {}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_parent_of_another_tool_is_left_with_its_members(world: World, state: str) -> None:
    parent = SET.parent(Place.of([key_of(ONE, "")]))
    parent["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] = "kubectl/v1.35.0"
    key = world.objects.put(parent)
    theirs = manifest(name="theirs")
    theirs["metadata"]["labels"] = {PART_OF: SET.identity}
    world.objects.put(theirs)
    if state == "absent":
        result = run(world, state="absent")
        assert result["left"] == [f"{key} seems to be made by kubectl-create (field manager)"]
    else:
        with pytest.raises(RhaiiError, match="Not of this environment, so left alone: ConfigMap ns/rhaii-set"):
            run(world, TWO)
    assert world.objects.done("apply", "delete", "delete whole") == []


def test_parent_of_ours_that_another_tool_took_over_is_left(world: World) -> None:
    run(world, ONE)
    world.objects.edit(SET.key, ("metadata", "annotations", "applyset.kubernetes.io/tooling"), "kubectl/v1.35.0")
    with pytest.raises(RhaiiError, match="is where the set rhaii-set has its parent, and is kept by kubectl"):
        run(world, TWO)


def test_run_that_was_killed_after_the_first_member_is_made_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    apply = world.objects.apply

    def killed(key: Key, body: Json, *, force: bool, dry_run: bool) -> Json:
        if key.name == "two" and not dry_run:
            raise KeyboardInterrupt
        return apply(key, body, force=force, dry_run=dry_run)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(world.objects, "apply", killed)
        run(world, ONE, TWO)
    assert said(world.objects) == ("ConfigMap", "")
    assert run(world)["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]


def test_refusal_of_a_member_leaves_all_as_it_was(world: World) -> None:
    run(world, ROUTE)
    world.objects.undeclared = {".data.key"}
    with pytest.raises(RhaiiError, match="Not as the API server takes it"):
        run(world, ONE)
    assert key_of(ROUTE, "") in world.objects.live


@pytest.mark.parametrize("kind", ["Namespace", "CustomResourceDefinition", "Operator"])
def test_what_others_need_is_no_member(world: World, kind: str) -> None:
    holder = manifest(kind, "ns", "")
    result = run(world, holder, ONE, not_members=["Operator"])
    assert actions(result) == {"ns": "created", "one": "created", "rhaii-set": "created"}
    assert PART_OF not in world.objects.live[key_of(holder, "")]["metadata"]["labels"]
    assert said(world.objects)[0] == "ConfigMap"
    if kind == "Namespace":
        # else the parent would have no place
        assert world.objects.done("apply")[:2] == ["Namespace ns", "ConfigMap ns/rhaii-set"]
    assert run(world, holder, ONE, not_members=["Operator"])["changed"] is False
    assert run(world, not_members=["Operator"])["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]
    assert key_of(holder, "") in world.objects.live


def test_absent_takes_the_members_wherever_they_are_and_the_parent_last(world: World) -> None:
    run(world, ROUTE, ISSUER, ONE)
    world.run(TWO)
    result = run(world, TWO, state="absent")
    assert world.objects.live == {}
    assert result["deleted"][-1] == "ConfigMap ns/rhaii-set"
    assert set(result["deleted"]) == {
        *("HTTPRoute far/r", "ClusterIssuer issuer", "ConfigMap ns/one", "ConfigMap ns/two", "ConfigMap ns/rhaii-set"),
    }
    assert run(world, TWO, state="absent")["changed"] is False


def test_absent_in_check_mode_lists_them(world: World) -> None:
    run(world, ONE)
    assert run(world, state="absent", check_mode=True)["deleted"] == ["ConfigMap ns/one", "ConfigMap ns/rhaii-set"]
    assert key_of(ONE, "") in world.objects.live


def test_what_does_not_go_is_named_and_the_parent_still_knows_it(world: World) -> None:
    run(world, ROUTE, ONE)
    world.objects.holding.add(key_of(ROUTE, ""))
    ended = world.ended(ONE, set=NAMED, prune=True)
    assert ended["failed"] is True
    assert "HTTPRoute far/r" in ended["msg"]
    assert said(world.objects) == ("ConfigMap,HTTPRoute.gateway.networking.k8s.io", "far")
