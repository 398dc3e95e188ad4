# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory, the command line and what lives in the cluster, taken together; and the nodes that may go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._service_plan import (
    foreign_pods,
    override_of,
    plan,
    replaced,
    vacated,
)

OVERRIDE = "rhaii.gke/override"
STOP = "serving.kserve.io/stop"
IMAGE = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5"
NEWER = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.3.0"
DECLARED = [{"name": "a", "uri": "hf://o/a", "replicas": 3}, {"name": "b", "uri": "hf://o/b", "replicas": 2}]


def service(name: str, replicas: int | None = 3, override: Any = None, stop: str = "", **spec: Any) -> dict[str, Any]:
    annotations = {}
    if override is not None:
        annotations[OVERRIDE] = override if isinstance(override, str) else json.dumps(override)
    if stop:
        annotations[STOP] = stop
    size = {} if replicas is None else {"replicas": replicas}
    return {"metadata": {"name": name, "annotations": annotations}, "spec": {**size, **spec}}


def test_without_overrides_the_inventory_stands() -> None:
    found = plan(DECLARED, [service("a"), service("b", 2)])
    assert [(model["replicas"], model["image"], model["override"]) for model in found.models] == [
        (3, IMAGE, {}),
        (2, IMAGE, {}),
    ]
    assert (found.notices, found.suspended, found.live_replicas) == ((), (), 5)


def test_nothing_declared_and_nothing_alive_is_the_guides_model() -> None:
    found = plan([], [])
    assert [(model["name"], model["replicas"], model["override"]) for model in found.models] == [
        ("qwen-3b-tpu-svc", 3, {})
    ]
    assert found.live_replicas == 0


def test_command_line_overrides_the_default_model_alone() -> None:
    default, other = plan(DECLARED, [], replicas=5, image=NEWER).models
    assert (default["replicas"], default["image"]) == (5, NEWER)
    assert default["override"] == {"replicas": 5, "image": NEWER}
    assert (other["replicas"], other["image"], other["override"]) == (2, IMAGE, {})


def test_recorded_override_is_kept() -> None:
    live = [service("a", 5, {"replicas": 5}), service("b", 2, {"image": NEWER})]
    default, other = plan(DECLARED, live).models
    assert (default["replicas"], default["image"], default["override"]) == (5, IMAGE, {"replicas": 5})
    assert (other["replicas"], other["image"], other["override"]) == (2, NEWER, {"image": NEWER})


def test_command_line_wins_over_what_is_recorded_and_leaves_the_rest() -> None:
    default = plan(DECLARED, [service("a", 5, {"replicas": 5, "image": NEWER})], replicas=4).models[0]
    assert default["override"] == {"replicas": 4, "image": NEWER}


def test_giving_the_inventorys_value_drops_the_override() -> None:
    found = plan(DECLARED, [service("a", 5, {"replicas": 5})], replicas=3)
    assert (found.models[0]["replicas"], found.models[0]["override"], found.notices) == (3, {}, ())


def test_override_that_the_inventory_caught_up_with_is_dropped() -> None:
    declared = [{**DECLARED[0], "replicas": 5}]
    found = plan(declared, [service("a", 5, {"replicas": 5})])
    assert (found.models[0]["override"], found.notices) == ({}, ())


def test_override_of_a_service_that_is_not_declared_says_nothing() -> None:
    found = plan(DECLARED, [service("other", 7, {"replicas": 7})])
    assert (found.notices, found.live_replicas) == ((), 7)


def test_notice_tells_what_to_write_and_how_to_drop_it() -> None:
    found = plan(DECLARED, [service("b", 4, {"replicas": 4})], replicas=5, image=NEWER)
    assert found.notices == (
        "a: replicas is 5 by a temporary override, the inventory says 3. To keep it, write replicas: 5 into the "
        "model's entry of rhaii_models; to drop it, run scale.yml -e rhaii_replicas=3.",
        f"a: image is {NEWER} by a temporary override, the inventory says {IMAGE}. To keep it, write image: {NEWER} "
        f"into the model's entry of rhaii_models; to drop it, run deploy.yml -e rhaii_image={IMAGE}.",
        # the command line cannot speak of this one
        "b: replicas is 4 by a temporary override, the inventory says 2. To keep it, write replicas: 4 into the "
        "model's entry of rhaii_models; to drop it, take the annotation rhaii.gke/override off the service and run "
        "deploy.yml.",
    )


@pytest.mark.parametrize(
    ("recorded", "found"),
    [
        pytest.param({"replicas": 1}, {"replicas": 1}, id="least"),
        pytest.param({"replicas": 0}, {}, id="none"),
        pytest.param({"replicas": -1}, {}, id="negative"),
        pytest.param({"replicas": "5"}, {}, id="text"),
        pytest.param({"replicas": 2.0}, {}, id="fraction"),
        pytest.param({"replicas": True}, {}, id="truth value"),
        pytest.param({"image": NEWER, "replicas": None}, {"image": NEWER}, id="image alone"),
        pytest.param({"image": ""}, {}, id="empty image"),
        pytest.param({"image": 5}, {}, id="image that is a number"),
        pytest.param({"replicas": 5, "uri": "hf://x"}, {"replicas": 5}, id="what cannot be overridden"),
        pytest.param("{broken", {}, id="no JSON"),
        pytest.param("[5]", {}, id="a list"),
        pytest.param("", {}, id="empty"),
    ],
)
def test_override_of_reads_what_can_be_one(recorded: Any, found: dict[str, Any]) -> None:
    assert override_of(service("a", override=recorded)) == found


@pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {"other": "x"}}])
def test_service_without_the_annotation_has_no_override(metadata: dict[str, Any]) -> None:
    assert override_of({"metadata": metadata}) == {}


@pytest.mark.parametrize(
    ("stop", "suspended"),
    [("true", ("b",)), ("True", ("b",)), ("false", ()), ("", ()), ("yes", ())],
    ids=["stopped", "as-KServe-reads-it", "started", "absent", "other-word"],
)
def test_stopped_service_is_suspended(stop: str, suspended: tuple[str, ...]) -> None:
    assert plan(DECLARED, [service("a"), service("b", stop=stop)]).suspended == suspended


def test_service_with_null_annotations_is_not_suspended() -> None:
    live = [{"metadata": {"name": "a", "annotations": None}, "spec": {}}]
    assert plan(DECLARED, live).suspended == ()


def test_stopped_service_of_somebody_else_suspends_nothing() -> None:
    assert plan(DECLARED, [service("other", stop="true")]).suspended == ()


def test_live_service_without_replicas_has_one() -> None:
    assert plan(DECLARED, [service("a", None), service("other", 2)]).live_replicas == 3


def test_public_form_is_plain() -> None:
    public = plan(DECLARED, [service("a", stop="true")], replicas=4).public()
    assert json.loads(json.dumps(public)) == public
    assert (public["suspended"], public["live_replicas"], len(public["notices"])) == (["a"], 3, 1)
    assert [model["replicas"] for model in public["models"]] == [4, 2]


def test_models_that_cannot_be_are_refused() -> None:
    with pytest.raises(RhaiiError, match=r"Entry 1 of rhaii_models has no name"):
        plan([{"uri": "hf://o/a"}], [])


def sized(name: str, replicas: int, image: str = IMAGE, **spec: Any) -> dict[str, Any]:
    return service(name, replicas, template={"containers": [{"name": "main", "image": image}]}, **spec)


@pytest.mark.parametrize(
    ("spare", "stuck"), [(-1, ["a"]), (0, ["a"]), (1, []), (2, [])], ids=["too-few", "none", "one", "more"]
)
def test_new_image_needs_one_spare_node(spare: int, stuck: list[str]) -> None:
    assert replaced([sized("a", 3, NEWER)], [sized("a", 3)], spare) == stuck


@pytest.mark.parametrize("part", ["template", "labels", "annotations", "model"])
def test_each_part_that_makes_pods_counts(part: str) -> None:
    new: dict[str, Any] = {part: {"x": "2"}}
    old: dict[str, Any] = {part: {"x": "1"}}
    assert replaced([service("a", **new)], [service("a", **old)], 0) == ["a"]
    assert replaced([service("a", **new)], [service("a")], 0) == ["a"]


def test_what_leaves_pods_alone_needs_no_node() -> None:
    wanted = [sized("a", 5, router={"scheduler": {}}), sized("new", 1)]
    assert replaced(wanted, [sized("a", 3), sized("other", 1, NEWER)], -7) == []


def test_own_growth_is_room_for_the_first_new_pod() -> None:
    assert replaced([sized("a", 4, NEWER)], [sized("a", 3)], 1) == []
    assert replaced([sized("a", 4, NEWER)], [sized("a", 3)], 0) == ["a"]


def test_growth_of_others_takes_the_spare_nodes() -> None:
    live = [sized("a", 3), sized("b", 1)]
    assert replaced([sized("a", 3, NEWER), sized("b", 2)], live, 1) == ["a"]
    assert replaced([sized("a", 3, NEWER), sized("b", 2)], live, 2) == []
    assert replaced([sized("a", 3, NEWER), sized("new", 1)], live, 1) == ["a"]
    assert replaced([sized("a", 3, NEWER), sized("new", 1)], live, 2) == []


def test_others_that_stay_as_they_are_take_nothing() -> None:
    assert replaced([sized("a", 3, NEWER), sized("b", 2)], [sized("a", 3), sized("b", 2)], 1) == []


def test_shrinking_frees_nothing_before_its_time() -> None:
    live = [sized("a", 3), sized("b", 2)]
    assert replaced([sized("a", 2, NEWER), sized("b", 1)], live, 0) == ["a"]


def test_services_of_one_replica_by_default_are_counted_as_such() -> None:
    live = [service("a", None, labels={"x": "1"}), service("b", 0)]
    wanted = [service("a", None, labels={"x": "2"}), service("b", None)]
    assert replaced(wanted, live, 1) == ["a"]
    assert replaced(wanted, live, 2) == []


def test_answer_without_an_object_is_left_out() -> None:
    assert replaced([{}], [sized("a", 3)], 0) == []


def node(name: str, created: str = "2026-11-24T12:00:00Z") -> dict[str, Any]:
    return {"metadata": {"name": name, "creationTimestamp": created}}


def pod(node_name: str | None, phase: str | None = "Running", **spec: Any) -> dict[str, Any]:
    held = {"containers": [{"resources": {"limits": {"google.com/tpu": "4"}}}]}
    place = {} if node_name is None else {"nodeName": node_name}
    status = {} if phase is None else {"phase": phase}
    return {"metadata": {"namespace": "ours"}, "spec": {**place, **(spec or held)}, "status": status}


NODES = [node("n1"), node("n2"), node("n3")]


@pytest.mark.parametrize("wanted", [3, 4])
def test_nodes_that_are_needed_stay(wanted: int) -> None:
    assert vacated(NODES, [], wanted) == []


def test_no_more_nodes_go_than_are_too_many() -> None:
    assert vacated(NODES, [], 2) == ["n3"]
    assert vacated(NODES, [], 1) == ["n3", "n2"]
    assert vacated(NODES, [], 0) == ["n3", "n2", "n1"]


def test_node_that_serves_stays_and_fewer_go_than_are_too_many() -> None:
    assert vacated(NODES, [pod("n3"), pod("n2")], 1) == ["n1"]


def test_newest_goes_first_and_names_decide_between_equals() -> None:
    old, new = node("z", "2026-11-24T10:00:00Z"), node("a", "2026-11-24T11:00:00Z")
    assert vacated([new, old], [], 1) == ["a"]
    assert vacated([node("b"), node("c"), node("a")], [], 1) == ["c", "b"]


def test_node_without_a_time_is_the_oldest() -> None:
    assert vacated([{"metadata": {"name": "z"}}, node("a")], [], 1) == ["a"]


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param(pod("n3"), id="limits"),
        pytest.param(pod("n3", containers=[{"resources": {"requests": {"google.com/tpu": "1"}}}]), id="requests"),
        pytest.param(pod("n3", containers=[{}, {"resources": {"limits": {"google.com/tpu": "4"}}}]), id="second"),
        pytest.param(pod("n3", initContainers=[{"resources": {"limits": {"google.com/tpu": "4"}}}]), id="init"),
        pytest.param(pod("n3", "Pending"), id="on its way"),
        pytest.param(pod("n3", None), id="without a phase"),
        pytest.param({k: v for k, v in pod("n3").items() if k != "status"}, id="without a status"),
    ],
)
def test_pod_with_chips_keeps_its_node(busy: dict[str, Any]) -> None:
    assert vacated(NODES, [busy], 2, ["ours"]) == ["n2"]


@pytest.mark.parametrize(
    "idle",
    [
        pytest.param(pod("n3", "Succeeded"), id="succeeded"),
        pytest.param(pod("n3", "Failed"), id="failed"),
        pytest.param(pod("n3", containers=[{"resources": {"limits": {"cpu": "1"}, "requests": None}}]), id="no chips"),
        pytest.param(pod("n3", containers=[{"resources": None}, {}]), id="no resources"),
        pytest.param(pod("n3", containers=None, initContainers=None), id="no containers"),
        pytest.param(pod(None), id="not placed"),
        pytest.param(pod("elsewhere"), id="on another node"),
    ],
)
def test_pod_that_holds_no_chips_there_keeps_nothing(idle: dict[str, Any]) -> None:
    assert vacated(NODES, [idle], 2, ["ours"]) == ["n3"]


def held(namespace: str, controller: str = "ReplicaSet", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    """A pod on the newest node that holds no TPU."""
    owners = [{"kind": controller, "controller": True}]
    named = {"name": "x", "namespace": namespace, "ownerReferences": owners, **metadata}
    return {"metadata": named, "spec": {"nodeName": "n3", "containers": [{}]}, "status": {"phase": phase}}


def with_tpu(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "spec": {"nodeName": "n3", "containers": [{"resources": {"limits": {"google.com/tpu": "4"}}}]}}


STATIC = {"kubernetes.io/config.mirror": "x"}


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        pytest.param(held("team"), "n2", id="somebody else's"),
        pytest.param(held("team", "Job", "Pending"), "n2", id="somebody else's, on its way in"),
        pytest.param(held("team", deletionTimestamp="now"), "n2", id="somebody else's, on its way out"),
        pytest.param(held("ours"), "n3", id="of our namespace"),
        pytest.param(held("kube-system"), "n3", id="of the system"),
        pytest.param(held("team", "DaemonSet"), "n3", id="of a daemon set"),
        pytest.param(held("team", "Node", annotations=STATIC), "n3", id="static"),
        pytest.param(held("team", phase="Succeeded"), "n3", id="ended"),
        # a TPU that is held counts before whose pod it is, and an end before that
        pytest.param(with_tpu(held("ours")), "n2", id="with a TPU, of our namespace"),
        pytest.param(with_tpu(held("kube-system")), "n2", id="with a TPU, of the system"),
        pytest.param(with_tpu(held("team", "DaemonSet")), "n2", id="with a TPU, of a daemon set"),
        pytest.param(with_tpu(held("team", phase="Failed")), "n3", id="with a TPU, ended"),
    ],
)
def test_who_keeps_a_node(there: dict[str, Any], chosen: str) -> None:
    assert vacated(NODES, [there], 2, ["ours"]) == [chosen]


def test_nodes_of_others_are_never_chosen_though_too_few_are_left() -> None:
    assert vacated(NODES, [held("team")], 0, ["ours"]) == ["n2", "n1"]
    assert vacated(NODES, [held("ours")], 2) == ["n2"]


def pod_of_a_service(name: str, service: str = "qwen", phase: str = "Running", **labels: str) -> dict[str, Any]:
    own = {"app.kubernetes.io/part-of": "llminferenceservice", "app.kubernetes.io/name": service, **labels}
    return {"metadata": {"namespace": "models", "name": name, "labels": own}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("pod", "foreign"),
    [
        pytest.param(pod_of_a_service("a"), [], id="ours"),
        pytest.param(pod_of_a_service("a", "another"), ["models/a"], id="of another service"),
        pytest.param(
            pod_of_a_service("a", **{"app.kubernetes.io/part-of": "shop"}), ["models/a"], id="of another program"
        ),
        pytest.param({"metadata": {"namespace": "models", "name": "a"}}, ["models/a"], id="without labels"),
        pytest.param(pod_of_a_service("a", "another", "Succeeded"), [], id="that has ended"),
        pytest.param(pod_of_a_service("a", "another", "Failed"), [], id="that has failed"),
    ],
)
def test_pods_of_others(pod: dict[str, Any], foreign: list[str]) -> None:
    assert foreign_pods([pod, pod_of_a_service("z")], ["qwen", "llama"]) == foreign


def owned(name: str, replicas: int | None, environment: str = "prod", manager: str = "rhaii.gke") -> dict[str, Any]:
    found = service(name, replicas)
    meta = found["metadata"]
    meta["labels"] = {"rhaii.gke/environment": environment}
    meta["annotations"] = {"rhaii.gke/created": "true"}
    fields = {"f:metadata": {"f:annotations": {"f:rhaii.gke/created": {}}}}
    meta["managedFields"] = [{"manager": manager, "fieldsV1": fields}]
    return found


def test_service_that_the_inventory_has_no_more_is_named_and_leaves_its_nodes() -> None:
    found = plan(DECLARED, [owned("a", 3), owned("old", 2), owned("small", 1)], environment="prod")
    assert (found.removed, found.kept_replicas, found.live_replicas) == (("old", "small"), 0, 3)
    assert found.notices == (
        "old: not in rhaii_models any more, so it is deleted with its 2 replicas. To keep it, add "
        "-e rhaii_keep_removed_models=true.",
        "small: not in rhaii_models any more, so it is deleted with its 1 replica. To keep it, add "
        "-e rhaii_keep_removed_models=true.",
    )


def test_kept_service_needs_its_nodes() -> None:
    found = plan(DECLARED, [owned("a", 3), owned("old", 2)], environment="prod", keep_removed=True)
    assert (found.removed, found.kept_replicas, found.live_replicas) == (("old",), 2, 5)
    assert found.notices == ("old: not in rhaii_models any more, and kept, because rhaii_keep_removed_models is true.",)


@pytest.mark.parametrize(
    "other",
    [owned("old", 2, "staging"), owned("old", 2, manager="kubectl"), service("old", 2)],
    ids=["another environment's", "a copy", "foreign"],
)
def test_service_of_others_is_not_removed(other: dict[str, Any]) -> None:
    found = plan(DECLARED, [owned("a", 3), other], environment="prod")
    assert (found.removed, found.notices, found.live_replicas) == ((), (), 5)


def test_without_an_environment_nothing_is_removed() -> None:
    assert plan(DECLARED, [owned("old", 2)]).removed == ()
