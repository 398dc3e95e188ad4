# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_node_remove: which nodes, which pods, and the run against scripted ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_remove import run, select, to_evict
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import NodeRemovePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Json
from ansible_collections.rhaii.gke.plugins.module_utils._pods import Pod

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.fake_gke import GROUP as URL
from tests.unit.plugins.module_utils.fake_gke import OURS, FakeGke, pool_body

GROUP = GroupRef("p", "europe-west4-a", "grp")
PARAMS: dict[str, Any] = {
    "cluster": "c",
    "node_pool": "tpu-pool",
    "environment": "prod",
    "namespaces": ["ns"],
    "nodes": ["n4", "n5"],
    "drain_timeout": 600,
    "grace_period": None,
    "force": False,
    "wait_timeout": 300,
    "wait_interval": 5.0,
}


def pod_body(name: str, controller: str = "ReplicaSet", **metadata: Any) -> Json:
    owners = [{"kind": controller, "controller": True}] if controller else []
    return {
        "metadata": {"name": name, "namespace": "ns", "ownerReferences": owners, **metadata},
        "status": {"phase": "Running"},
    }


@dataclass
class FakeMachines(FakeGke):
    """A pool of named machines, and the Kubernetes side of them."""

    names: list[str] = field(default_factory=lambda: ["n1", "n2", "n3", "n4", "n5"])
    nodes: dict[str, str] = field(default_factory=dict)
    running: dict[str, list[Json]] = field(default_factory=dict)
    budget: str = ""
    compute: tuple[bool, str] = (True, "")
    order: list[str] = field(default_factory=list)
    nodes_linger: bool = False

    def __post_init__(self) -> None:
        self.pool = pool_body()
        self.nodes = {**dict.fromkeys(self.names, "tpu-pool"), "cpu1": "default-pool"}

    def target_size(self, group: GroupRef) -> int:
        assert group == GROUP
        return len(self.names)

    def instances(self, group: GroupRef) -> Sequence[Instance]:
        assert group == GROUP
        return [Instance(f"zones/z/instances/{name}", "RUNNING", "NONE") for name in self.names]

    def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
        assert group == GROUP
        gone = [url.rsplit("/", 1)[-1] for url in urls]
        self.order.append(f"delete {' '.join(gone)}")
        if not self.compute[1]:
            self.names = [name for name in self.names if name not in gone]
            if not self.nodes_linger:
                self.nodes = {name: pool for name, pool in self.nodes.items() if name not in gone}
        return "operation-x"

    def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
        assert (group, operation) == (GROUP, "operation-x")
        return self.compute

    def pools(self) -> Mapping[str, str]:
        return self.nodes

    def cordon(self, node: str) -> None:
        self.order.append(f"cordon {node}")

    def pods(self, node: str) -> Sequence[Json]:
        return self.running.get(node, [])

    def evict(self, namespace: str, pod: str, grace_seconds: int | None) -> str:
        assert namespace == "ns"
        self.order.append(f"evict {pod} {grace_seconds}")
        if not self.budget:
            for bodies in self.running.values():
                for body in bodies:
                    if body["metadata"]["name"] == pod:
                        body["metadata"]["deletionTimestamp"] = "now"
        return self.budget


def play(machines: FakeMachines, check_mode: bool = False, **changes: Any) -> tuple[dict[str, Any], FakeClock]:
    clock = FakeClock()

    def pods_end(passed: float) -> None:
        for node, bodies in machines.running.items():
            machines.running[node] = [body for body in bodies if "deletionTimestamp" not in body["metadata"]]

    clock.on_sleep = pods_end
    ports = NodeRemovePorts(machines, machines, machines, clock)
    return run({**PARAMS, **changes}, ports, lambda message: None, check_mode), clock


def test_a_pod_of_nobody_is_not_lost_without_a_word() -> None:
    lonely = Pod("ns", "a", "", mirror=False, finished=False, leaving=False)
    with pytest.raises(RhaiiError, match="ns/a") as caught:
        to_evict([lonely], force=False)
    assert "force: true" in caught.value.remedy
    assert to_evict([lonely], force=True) == [lonely]


def test_a_pod_of_nobody_that_leaves_already_is_only_waited_for() -> None:
    leaving = Pod("ns", "a", "", mirror=False, finished=False, leaving=True)
    assert to_evict([leaving], force=False) == [leaving]


def test_select_refuses_a_node_of_another_pool_and_names_the_right_ones() -> None:
    instances = {GROUP: [Instance("zones/z/instances/n1", "RUNNING", "NONE")]}
    with pytest.raises(RhaiiError, match="Not a node of the pool tpu-pool: cpu1") as caught:
        select(["n1", "cpu1"], "tpu-pool", instances, {"n1": "tpu-pool", "cpu1": "default-pool"})
    assert caught.value.remedy == "Its nodes are: n1."


def test_select_sorts_out_what_is_gone() -> None:
    one = Instance("zones/z/instances/n1", "RUNNING", "NONE")
    chosen = select(["n1", "n9", "n1"], "tpu-pool", {GROUP: [one]}, {})
    assert chosen.present == ("n1",)
    assert chosen.gone == ("n9",)
    assert chosen.machines == {GROUP: (one,)}


def test_exactly_the_named_nodes_go_after_cordon_and_drain() -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod_body("a"), pod_body("agent", "DaemonSet")], "n5": [pod_body("b")]}
    result, _clock = play(machines)
    assert result["changed"]
    assert result["removed"] == ["n4", "n5"]
    assert result["nodes"] == ["n1", "n2", "n3"]
    assert result["node_count"] == 3
    assert result["evicted"] == ["ns/a", "ns/b"]
    assert machines.order == ["cordon n4", "cordon n5", "evict a None", "evict b None", "delete n4 n5"]
    assert result["diff"]["after"]["nodes"] == ["n1", "n2", "n3"]
    assert result["diff"]["before"]["nodes"] == ["n1", "n2", "n3", "n4", "n5"]


def test_the_second_run_finds_nothing_to_do() -> None:
    machines = FakeMachines()
    play(machines)
    machines.order.clear()
    result, _clock = play(machines)
    assert not result["changed"]
    assert result["already_gone"] == ["n4", "n5"]
    assert result["removed"] == []
    assert machines.order == []


def test_check_mode_foretells() -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod_body("a")]}
    result, _clock = play(machines, check_mode=True)
    assert result["changed"]
    assert result["removed"] == ["n4", "n5"]
    assert result["evicted"] == ["ns/a"]
    assert result["diff"]["after"]["nodes"] == ["n1", "n2", "n3"]
    assert machines.order == []


def test_grace_period_is_handed_on() -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod_body("a")]}
    play(machines, grace_period=30)
    assert "evict a 30" in machines.order


def test_a_disruption_budget_is_waited_for_and_removes_nothing() -> None:
    machines = FakeMachines(budget="is kept by a disruption budget")
    machines.running = {"n4": [pod_body("a")]}
    with pytest.raises(RhaiiError, match="ns/a is kept by a disruption budget") as caught:
        play(machines)
    assert "stay cordoned" in caught.value.remedy
    assert caught.value.result["removed"] == []
    assert caught.value.result["changed"]
    assert not [step for step in machines.order if step.startswith("delete")]
    assert machines.names == ["n1", "n2", "n3", "n4", "n5"]


def test_a_compute_error_is_an_error() -> None:
    machines = FakeMachines(compute=(True, "RESOURCE_NOT_READY: try later"))
    with pytest.raises(RhaiiError, match="RESOURCE_NOT_READY: try later"):
        play(machines)


def test_a_compute_operation_that_does_not_end_is_an_error() -> None:
    machines = FakeMachines(compute=(False, ""))
    with pytest.raises(RhaiiError, match="operation-x still runs"):
        play(machines)


def test_nodes_that_linger_are_waited_for() -> None:
    machines = FakeMachines(nodes_linger=True)
    with pytest.raises(RhaiiError, match="Still there 5 min after their deletion: n4, n5"):
        play(machines)


def test_a_missing_pool_is_said() -> None:
    machines = FakeMachines()
    machines.pool = None
    with pytest.raises(RhaiiError, match="has no node pool tpu-pool"):
        play(machines)


def said(machines: FakeMachines, **changes: Any) -> tuple[RhaiiError, list[str]]:
    lines: list[str] = []
    with pytest.raises(RhaiiError) as caught:
        run({**PARAMS, **changes}, NodeRemovePorts(machines, machines, machines, FakeClock()), lines.append, False)
    return caught.value, lines


def test_what_could_not_be_drained_is_said_in_full() -> None:
    machines = FakeMachines(budget="is kept by a disruption budget")
    machines.running = {"n4": [pod_body("b"), pod_body("a", deletionTimestamp="now")]}
    error, lines = said(machines)
    assert error.msg == (
        "n4, n5 could not be drained within 10 min: ns/a is shutting down; ns/b is kept by a disruption budget."
    )
    assert error.remedy == (
        "No node was removed; they stay cordoned. See to these pods and run again, or undo it with kubectl uncordon."
    )
    assert lines == ["draining n4, n5: 2 pods to go"]
    assert error.result["evicted"] == []


def test_pods_of_nobody_are_named() -> None:
    pods = [Pod("ns", name, "", mirror=False, finished=False, leaving=False) for name in ("b", "a")]
    with pytest.raises(RhaiiError) as caught:
        to_evict(pods, force=False)
    assert caught.value.msg == "Pods that no controller would start again run there: ns/a, ns/b."
    assert caught.value.remedy == "Move them yourself, or set force: true to lose them."


@pytest.mark.parametrize(("force", "evicted"), [(True, ["ns/a"]), (False, [])])
def test_force_is_what_loses_a_pod_of_nobody(force: bool, evicted: list[str]) -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod_body("a", "")]}
    if force:
        assert play(machines, force=True)[0]["evicted"] == evicted
    else:
        with pytest.raises(RhaiiError, match="no controller would start again"):
            play(machines)
        assert not [step for step in machines.order if not step.startswith("cordon")]


def test_nodes_of_other_pools_are_named_with_those_that_may_go() -> None:
    machines = FakeMachines()
    machines.nodes["cpu2"] = "default-pool"
    error, _lines = said(machines, nodes=["cpu2", "n1", "cpu1", "cpu2"])
    assert error.msg == "Not a node of the pool tpu-pool: cpu2, cpu1."
    assert error.remedy == "Its nodes are: n1, n2, n3, n4, n5."
    with pytest.raises(RhaiiError) as caught:
        select(["x"], "tpu-pool", {}, {"x": "other"})
    assert caught.value.remedy == "Its nodes are: none."
    # a machine that is no node yet, and a node whose machine is gone
    machine = Instance("zones/z/instances/n2", "STAGING", "CREATING")
    with pytest.raises(RhaiiError) as caught:
        select(["x"], "tpu-pool", {GROUP: [machine]}, {"x": "other", "n1": "tpu-pool"})
    assert caught.value.remedy == "Its nodes are: n1, n2."


def test_pool_that_is_not_there_is_said_in_full() -> None:
    machines = FakeMachines()
    machines.pool = None
    error, _lines = said(machines)
    assert (error.msg, error.remedy) == (
        "The cluster c has no node pool tpu-pool.",
        "Check cluster, location and node_pool.",
    )
    assert error.result == {
        "changed": False,
        "removed": [],
        "already_gone": [],
        "evicted": [],
        "node_count": 0,
        "nodes": [],
        "diff": {"before": {"nodes": []}, "after": {"nodes": []}},
    }


@pytest.mark.parametrize(
    ("compute", "words", "remedy"),
    [
        pytest.param(
            (True, "A: x"),
            "Google ended the deletion of instances of grp (operation-x) with an error: A: x.",
            "The nodes are drained and cordoned. See to the cause and run again.",
            id="an error",
        ),
        pytest.param(
            (False, ""),
            "The deletion of instances of grp was not done after 5 min; the operation operation-x still runs at "
            "Google.",
            "Run the same again: it continues from there.",
            id="no end",
        ),
    ],
)
def test_deletion_that_goes_wrong_is_said_in_full(compute: tuple[bool, str], words: str, remedy: str) -> None:
    error, lines = said(FakeMachines(compute=compute))
    assert (error.msg, error.remedy) == (words, remedy)
    assert lines == ["deleting n4, n5 from grp"]


def test_nodes_that_linger_are_named_with_what_to_do() -> None:
    error, _lines = said(FakeMachines(nodes_linger=True))
    assert error.remedy == "Run the same again: it continues from there."


def test_size_of_a_pool_without_groups_is_what_was_asked_for_at_its_birth() -> None:
    machines = FakeMachines()
    machines.pool = pool_body(instanceGroupUrls=None, locations=["europe-west4-a", "europe-west4-b"])
    result, _clock = play(machines, nodes=["n9"])
    assert (result["already_gone"], result["node_count"], result["nodes"]) == (["n9"], 198, [])


def test_machines_of_every_zone_are_deleted_whatever_goes_in_another() -> None:
    names = {"a": ["n1", "n4"], "b": ["n2", "n5"]}

    class Zones(FakeMachines):
        def target_size(self, group: GroupRef) -> int:
            return len(names[group.zone])

        def instances(self, group: GroupRef) -> Sequence[Instance]:
            going = group.zone == "a" and "n4" in names["a"]
            found = [
                Instance(f"zones/z/instances/{name}", "", "DELETING" if going else "") for name in names[group.zone]
            ]
            if going and self.order:
                names["a"].remove("n4")
                del self.nodes["n4"]
            return found

        def delete_instances(self, group: GroupRef, urls: Sequence[str]) -> str:
            self.order.append(f"delete {' '.join(urls)} of {group.name}")
            names[group.zone].remove("n5")
            del self.nodes["n5"]
            return "operation-x"

        def operation_problem(self, group: GroupRef, operation: str) -> tuple[bool, str]:
            return True, ""

    machines = Zones()
    machines.pool = pool_body(instanceGroupUrls=[URL.format(zone=zone, name=f"grp-{zone}") for zone in ("a", "b")])
    result, _clock = play(machines)
    assert machines.order == ["cordon n4", "cordon n5", "delete zones/z/instances/n5 of grp-b"]
    assert (result["removed"], result["nodes"], result["node_count"]) == (["n4", "n5"], ["n1", "n2"], 2)


@pytest.mark.parametrize("action", ["DELETING", "ABANDONING"])
def test_machine_that_goes_already_is_not_deleted_again(action: str) -> None:
    class Going(FakeMachines):
        def instances(self, group: GroupRef) -> Sequence[Instance]:
            found = [Instance(f"zones/z/instances/{name}", "STOPPING", action) for name in self.names]
            self.names = [name for name in self.names if name not in ("n4", "n5")]
            self.nodes = dict.fromkeys([*self.names, "n4", "n5"] if len(found) == 5 else self.names, "tpu-pool")
            return found

    machines = Going()
    result, _clock = play(machines)
    assert result["removed"] == ["n4", "n5"]
    assert not [step for step in machines.order if step.startswith("delete")]


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
@pytest.mark.parametrize("nodes", [["n4"], ["n9"]], ids=["a node", "a node that is gone"])
@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        pytest.param({}, "carries no label that names an owner", id="no label"),
        pytest.param({"managed-by": "ops"}, "seems to be ops's (label managed-by=ops)", id="another manager"),
        pytest.param({**OURS, "rhaii-environment": "dev"}, "belongs to the environment dev", id="another's"),
    ],
)
def test_nodes_of_a_foreign_pool_are_not_touched(
    labels: dict[str, str], whose: str, nodes: list[str], check_mode: bool
) -> None:
    machines = FakeMachines()
    machines.pool = pool_body(config={"resourceLabels": labels})
    machines.running = {"n4": [pod_body("a")]}
    with pytest.raises(RhaiiError) as caught:
        play(machines, check_mode, nodes=nodes)
    assert caught.value.msg == (
        f"The node pool tpu-pool of the cluster c was not made for the environment prod: it {whose}. It is left alone."
    )
    assert "Give another name" in caught.value.remedy
    assert machines.order == []


UNTOUCHED = "No node was touched. Move these pods yourself, or name their namespaces (namespaces, cluster_namespaces)."


@pytest.mark.parametrize("check_mode", [True, False], ids=["check mode", "for real"])
@pytest.mark.parametrize("force", [True, False], ids=["by force", "without"])
def test_pods_of_others_keep_their_nodes(check_mode: bool, force: bool) -> None:
    machines = FakeMachines()
    machines.running = {
        "n4": [pod_body("a"), pod_body("job", "Job", namespace="batch"), pod_body("b", "", namespace="batch")],
        "n5": [pod_body("web", namespace="team", deletionTimestamp="now")],
    }
    with pytest.raises(RhaiiError) as caught:
        play(machines, check_mode, force=force, namespaces=["ns", "other"])
    assert caught.value.msg == (
        "Pods run there that are not of the namespaces ns, other: batch/b on n4, batch/job on n4, team/web on n5."
    )
    assert caught.value.remedy == UNTOUCHED
    assert machines.order == []
    assert not caught.value.result["changed"]


def test_without_namespaces_only_pods_that_may_always_go_do() -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod_body("a")]}
    with pytest.raises(RhaiiError, match=r"not of the namespaces \(none given\): ns/a on n4"):
        play(machines, namespaces=[])
    assert machines.order == []


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(pod_body("agent", "DaemonSet", namespace="team"), id="a daemon set's"),
        pytest.param(
            pod_body("p", "Node", namespace="team", annotations={"kubernetes.io/config.mirror": "x"}), id="static"
        ),
        pytest.param({**pod_body("job", "Job", namespace="team"), "status": {"phase": "Succeeded"}}, id="ended"),
    ],
)
def test_pods_that_may_always_go_keep_no_node(pod: Json) -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod]}
    result, _clock = play(machines, namespaces=[])
    assert (result["removed"], result["evicted"]) == (["n4", "n5"], [])


def test_pods_of_the_system_are_evicted() -> None:
    machines = FakeMachines()
    machines.running = {"n4": [pod_body("dns", namespace="kube-system")]}
    result, _clock = play(machines, check_mode=True, namespaces=[])
    assert result["evicted"] == ["kube-system/dns"]


def test_pod_of_others_that_comes_after_the_look_keeps_its_node_too() -> None:
    machines = FakeMachines()
    cordon = machines.cordon

    def late(node: str) -> None:
        cordon(node)
        machines.running = {"n5": [pod_body("job", "Job", namespace="batch")]}

    machines.cordon = late  # type: ignore[method-assign]  # what comes late is the test
    with pytest.raises(RhaiiError) as caught:
        play(machines)
    assert caught.value.msg == "Pods run there that are not of the namespaces ns: batch/job on n5."
    assert caught.value.remedy == (
        "No node was removed; they stay cordoned. See to these pods and run again, or undo it with kubectl uncordon."
    )
    assert machines.order == ["cordon n4", "cordon n5"]
