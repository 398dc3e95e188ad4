# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_leftovers: what is ours, what may be, what is not; and the emulated cloud's lists after every kind of end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.leftovers import (
    KINDS,
    Claim,
    GoogleInventory,
    LeftoverPorts,
    LivingCluster,
    Thing,
    command_for,
    judge,
    region_of,
    run,
    thing_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Json, Operation, operation_of
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from sandbox.cloud import load_balancers
from tests.unit.fake_clock import FakeClock
from tests.unit.sandbox.cloud.fakes import ZONE, Rig, compute, container, tpu_pool

OURS = {"managed-by": "rhaii-gke", "rhaii-environment": "demo"}
ROOT = "https://www.googleapis.com/compute/v1/projects/p"
SERVICE = "opendatahub/inference-gateway-istio"
NOTE = {"kubernetes.io/service-name": SERVICE}
TAG = "gke-c-0123abcd-node"
CLAIM = Claim("c", "demo", ("europe-west4-a",), frozenset({SERVICE}), frozenset({"rhaii-inference"}))
OTHER = LivingCluster("c", "europe-west4-b", "0123abcd")
LIVING = LivingCluster("c", "europe-west4-a", "0123abcd", OURS)


def thing(kind: str, name: str = "x", place: str = "europe-west4", **members: Any) -> Thing:
    return Thing(kind, name, place, f"{ROOT}/{kind}/{place}/{name}", **members)


def verdicts(*things: Thing, claim: Claim = CLAIM) -> dict[str, str]:
    """Kind to certainty; what is foreign is missing."""
    return {each.thing.kind: each.certainty for each in judge(things, claim)}


def labels(name: str = "c", where: str = "europe-west4-a") -> dict[str, str]:
    return {"goog-k8s-cluster-name": name, **({"goog-k8s-cluster-location": where} if where else {})}


@pytest.mark.parametrize(
    ("found", "living", "wanted"),
    [
        pytest.param({"labels": OURS}, (), "ours", id="our labels"),
        pytest.param({"labels": {**OURS, "rhaii-environment": "prod"}}, (), "", id="another environment's labels"),
        pytest.param({"labels": {"managed-by": "rhaii-gke"}}, (), "", id="half of our labels"),
        pytest.param({"labels": OURS, "place": "us-east5-a"}, (), "", id="our labels, elsewhere"),
        pytest.param({"labels": {**OURS, **labels("other")}}, (), "", id="our labels on another cluster's"),
        pytest.param({"labels": labels()}, (), "ours", id="the cluster's labels"),
        pytest.param({"labels": labels(where="")}, (), "maybe", id="the cluster's name alone"),
        pytest.param({"labels": labels("c-two")}, (), "", id="a longer name"),
        pytest.param({"labels": labels(where="europe-west4-b")}, (), "", id="the next zone's"),
        pytest.param(
            {"labels": labels()}, (LivingCluster("c", "europe-west4-a", "1"),), "", id="a cluster that is not ours"
        ),
        pytest.param({"name": "gke-c-default-pool-1-x"}, (), "maybe", id="named alike"),
        pytest.param(
            {"name": "gke-c-two-pool-1-x"}, (LivingCluster("c-two", "europe-west4-a", "1"),), "", id="a closer name"
        ),
        pytest.param(
            {"notes": {"kubernetes.io/created-for/pvc/namespace": "rhaii-inference"}}, (), "maybe", id="our namespace"
        ),
        pytest.param({"notes": {"kubernetes.io/created-for/pvc/namespace": "other"}}, (), "", id="their namespace"),
        pytest.param({}, (), "", id="anything"),
    ],
)
def test_disk(found: dict[str, Any], living: tuple[LivingCluster, ...], wanted: str) -> None:
    claim = Claim("c", "demo", ("europe-west4-a",), CLAIM.services, CLAIM.namespaces, living=living)
    disk = thing("disk", **{"place": "europe-west4-a", **found})
    assert verdicts(disk, claim=claim).get("disk", "") == wanted


@pytest.mark.parametrize(
    ("name", "tags", "living", "wanted"),
    [
        pytest.param("gke-c-0123abcd-all", (), (LIVING,), "ours", id="our living cluster's"),
        pytest.param("gke-c-0123abcd-all", (), (), "maybe", id="a dead cluster's of this name"),
        pytest.param("gke-c-0123abcd-all", (), (OTHER,), "", id="somebody else's living cluster"),
        pytest.param("gke-c-two-0123abcd-all", (), (), "", id="a longer name"),
        pytest.param("k8s-fw-a1", (TAG,), (LIVING,), "ours", id="by the tag of our machines"),
        pytest.param("k8s-fw-a1", ("gke-d-0123abcd-node",), (), "", id="by the tag of other machines"),
        pytest.param("allow-ssh", ("web",), (), "", id="anything"),
    ],
)
def test_firewall_rule(name: str, tags: tuple[str, ...], living: tuple[LivingCluster, ...], wanted: str) -> None:
    claim = Claim("c", "demo", ("europe-west4-a",), CLAIM.services, living=living)
    assert verdicts(thing("firewall", name, "global", tags=tags), claim=claim).get("firewall", "") == wanted


def balancer(tag: str = TAG, place: str = "europe-west4", firewall: bool = True) -> list[Thing]:
    parts = [thing(kind, "a1", place, notes=NOTE) for kind in ("forwarding_rule", "target_pool", "address")]
    return parts + ([thing("firewall", "k8s-fw-a1", "global", notes=NOTE, tags=(tag,))] if firewall else [])


@pytest.mark.parametrize(
    ("parts", "living", "wanted"),
    [
        pytest.param(balancer(), (LIVING,), {"ours": 4}, id="of our living cluster"),
        pytest.param(balancer(), (), {"ours": 4}, id="of a dead cluster of this name in this region"),
        pytest.param(balancer(), (OTHER,), {}, id="of somebody else's living cluster of this name"),
        pytest.param(balancer("gke-d-0123abcd-node"), (), {}, id="of another cluster with a Service of the same name"),
        pytest.param(balancer(firewall=False), (), {"maybe": 3}, id="without the rule that tells whose"),
        # the firewall rule has no region, and what it leads to is elsewhere
        pytest.param(balancer(place="us-east5"), (), {"maybe": 1}, id="elsewhere"),
    ],
)
def test_parts_of_a_load_balancer_have_one_owner(
    parts: list[Thing], living: tuple[LivingCluster, ...], wanted: dict[str, int]
) -> None:
    claim = Claim("c", "demo", ("europe-west4-a",), CLAIM.services, living=living)
    found = [each.certainty for each in judge(parts, claim)]
    assert {certainty: found.count(certainty) for certainty in set(found)} == wanted


def test_newer_load_balancers_are_told_by_their_names_too() -> None:
    note = {"networking.gke.io/service-name": SERVICE}
    name = "ab12-opendatahub-inference-gateway-istio-xyz"
    parts = [
        thing("forwarding_rule", f"k8s2-tcp-{name}", notes=note),
        thing("backend_service", f"k8s2-{name}", notes=note),
        thing("firewall", f"k8s2-{name}", "global", notes=note, tags=(TAG,)),
    ]
    assert verdicts(*parts) == dict.fromkeys(("forwarding_rule", "backend_service", "firewall"), "ours")


def test_what_was_ours_before_is_ours_though_nothing_tells_so_any_more() -> None:
    rule, others = thing("forwarding_rule", "a1"), thing("address", "a1")
    claim = Claim("c", "demo", ("europe-west4-a",), known=frozenset({rule.link}))
    assert verdicts(rule, others, claim=claim) == {"forwarding_rule": "ours"}


@pytest.mark.parametrize("description", ["", "{", '["a"]', "the {gateway}", '{"a": 1}'])
def test_descriptions_of_others_break_nothing(description: str) -> None:
    found = thing_of("forwarding_rule", {"name": "a", "description": description, "selfLink": ROOT})
    assert (found.service, found.place) == ("", "global")


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (thing("forwarding_rule", "a"), "compute forwarding-rules delete a --region europe-west4"),
        (thing("address", "a", "global"), "compute addresses delete a --global"),
        (thing("disk", "a", "europe-west4-a"), "compute disks delete a --zone europe-west4-a"),
        (thing("instance", "a", "us-south1-ai1b"), "compute instances delete a --zone us-south1-ai1b"),
        (thing("firewall", "a", "global"), "compute firewall-rules delete a"),
        (thing("instance_group", "a", "z-a1-b"), "compute instance-groups managed delete a --zone z-a1-b"),
        (thing("cluster", "a"), "container clusters delete a --location europe-west4"),
        (thing("node_pool", "a", cluster="c"), "container node-pools delete a --cluster c --location europe-west4"),
        (thing("operation", "a"), "container operations wait a --location europe-west4"),
    ],
    ids=lambda each: each.kind if isinstance(each, Thing) else "",
)
def test_command_is_what_gcloud_takes(found: Thing, command: str) -> None:
    assert command_for(found, "p") == f"gcloud {command} --project p"


@pytest.mark.parametrize(
    ("location", "region"),
    [("europe-west4-a", "europe-west4"), ("us-south1-ai1b", "us-south1"), ("us-east5", "us-east5")],
)
def test_region(location: str, region: str) -> None:
    assert region_of(location) == region


@dataclass
class Lists:
    """Lists as a test tells them; what `vanishing` names is gone after so many looks."""

    found: list[Thing] = field(default_factory=list)
    vanishing: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    running: list[Operation] = field(default_factory=list)
    living: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    project: str = "p"

    def clusters(self) -> Sequence[Json]:
        return self.living

    def operations(self, location: str) -> Sequence[Operation]:
        self.refuse("operation")
        return self.running

    def refuse(self, kind: str) -> None:
        self.asked.append(kind)
        if kind in self.refused:
            raise GoogleError(f"list {kind}", self.refused[kind], "PERMISSION_DENIED", f"Required '{kind}.list'")

    def things(self, kind: str) -> Sequence[Thing]:
        self.refuse(kind)
        looks = self.asked.count(kind)
        return [each for each in self.found if each.kind == kind and looks <= self.vanishing.get(each.name, 1_000_000)]


def params(**options: Any) -> dict[str, Any]:
    wanted = {
        "cluster": "c",
        "environment": "demo",
        "locations": ["europe-west4-a"],
        "services": [SERVICE],
        "namespaces": [],
        "known": [],
        "kinds": [],
        "wait": False,
        "wait_timeout": 300,
        "wait_interval": 10,
    }
    return {**wanted, **options}


def looked(lists: Any, clock: Any = None, said: list[str] | None = None, **options: Any) -> dict[str, Any]:
    ports = LeftoverPorts(lists, clock or FakeClock())
    return run(params(**options), ports, (said if said is not None else []).append, True)


def test_load_balancer_that_vanishes_late_is_waited_for() -> None:
    clock, said = FakeClock(), list[str]()
    lists = Lists(balancer(), vanishing={"a1": 3, "k8s-fw-a1": 3})
    found = looked(lists, clock, said, wait=True)
    assert (found["clean"], found["leftovers"], found["changed"]) == (True, [], False)
    assert clock.monotonic() == pytest.approx(30)
    assert said[0] == "demo: waiting until forwarding rule a1, target pool a1, address a1 and 1 more have gone"


def test_wait_ends_with_its_time_and_what_only_may_be_ours_is_not_waited_for() -> None:
    clock = FakeClock()
    found = looked(Lists(balancer()), clock, wait=True, wait_timeout=45)
    assert (found["clean"], found["ours"], clock.monotonic()) == (False, 4, pytest.approx(45))
    clock = FakeClock()
    found = looked(Lists(balancer(firewall=False)), clock, wait=True)
    assert (found["clean"], found["ours"], len(found["leftovers"]), clock.monotonic()) == (True, 0, 3, 0)


def test_table_has_cost_and_command_of_each() -> None:
    found = looked(Lists([*balancer(), thing("disk", "d", "europe-west4-a", labels=labels(where=""))]))
    text = "\n".join(found["table"])
    assert "billed by the hour, used or not, and by the GB\n    gcloud compute forwarding-rules delete a1 " in text
    assert "may be ours: disk" in text
    assert found["table"][-1] == (
        "    (it has the label of a cluster c, which does not say where; look before you run this)"
    )
    assert found["links"] == [row["link"] for row in found["leftovers"] if row["certainty"] == "ours"]


@pytest.mark.parametrize("kind", ["operation", "forwarding_rule", "disk", "firewall"])
def test_list_that_may_not_be_read_is_no_proof(kind: str) -> None:
    found = looked(Lists(refused={kind: 403}))
    assert (found["clean"], found["ours"]) == (False, 0)
    assert [each["kind"] for each in found["unread"]] == [kind]
    assert f"Required '{kind}.list'" in found["unread"][0]["reason"]


def test_other_errors_are_errors() -> None:
    with pytest.raises(GoogleError, match="list disk"):
        looked(Lists(refused={"disk": 500}))


def test_only_the_kinds_that_are_asked_for() -> None:
    lists = Lists(balancer())
    found = looked(lists, kinds=["address"])
    assert [row["kind"] for row in found["leftovers"]] == ["address"]
    # the firewall rule tells whose the address is
    assert sorted(lists.asked) == ["address", "backend_service", "firewall", "forwarding_rule", "target_pool"]
    lists = Lists()
    looked(lists, kinds=["cluster", "disk"])
    assert lists.asked == ["disk"]


def test_cluster_pools_and_operations_while_they_live() -> None:
    cluster = {
        "name": "c",
        "location": "europe-west4-a",
        "id": "0123abcd4567",
        "resourceLabels": OURS,
        "nodePools": [{"name": "tpu-pool"}],
    }
    target = "https://container.googleapis.com/v1/projects/1/zones/europe-west4-a/clusters/c"
    running = [Operation("o", "DELETE_CLUSTER", "RUNNING", target), Operation("p", "DELETE_CLUSTER", "DONE", target)]
    found = looked(Lists(living=[cluster], running=running))
    assert [(row["kind"], row["name"]) for row in found["leftovers"]] == [
        ("operation", "o"),
        ("node_pool", "tpu-pool"),
        ("cluster", "c"),
    ]
    foreign = {**cluster, "resourceLabels": {}}
    assert looked(Lists(living=[foreign], running=running))["leftovers"] == []


class Rest:
    """compute.v1 in pages."""

    def __init__(self, *pages: Json) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def call(self, doing: str, method: str, path: str, *, query: dict[str, str]) -> Json:
        self.asked.append((path, dict(query)))
        return self.pages.pop(0)


@dataclass
class Wires:
    """A Connection as far as the adapter asks it."""

    api: Rest
    settings: Any

    def rest(self, name: str) -> Rest:
        assert name == "compute"
        return self.api


@dataclass
class Settings:
    project: str = "p"


def test_adapter_reads_every_scope_and_every_page() -> None:
    link = f"{ROOT}/regions/europe-west4/forwardingRules/a"
    rule = {"name": "a", "selfLink": link, "IPAddress": "203.0.113.9"}
    api = Rest(
        {
            "items": {"regions/europe-west4": {"forwardingRules": [rule]}, "global": {"warning": {}}},
            "nextPageToken": "n",
        },
        {"items": {"global": {"forwardingRules": [{"name": "b", "selfLink": f"{ROOT}/global/forwardingRules/b"}]}}},
    )
    inventory = GoogleInventory(Wires(api, Settings()))  # type: ignore[arg-type]  # all that it asks of a Connection
    found = inventory.things("forwarding_rule")
    assert [(each.name, each.place, each.detail) for each in found] == [
        ("a", "europe-west4", "203.0.113.9"),
        ("b", "global", ""),
    ]
    assert api.asked == [
        ("/compute/v1/projects/p/aggregated/forwardingRules", {}),
        ("/compute/v1/projects/p/aggregated/forwardingRules", {"pageToken": "n"}),
    ]
    firewalls = GoogleInventory(Wires(Rest({"items": [{"name": "f"}]}), Settings()))  # type: ignore[arg-type]  # as above
    assert [each.name for each in firewalls.things("firewall")] == ["f"]


class Emulated:
    """The sandbox's lists behind the port."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder)
        self.loop = asyncio.new_event_loop()
        self.lock = threading.Lock()
        self.project = "rhaii-sandbox"

    def clusters(self) -> Sequence[Json]:
        return list(self.rig.call(container("clusters.list"), location="-").get("clusters", []))

    def operations(self, location: str) -> Sequence[Operation]:
        answer = self.rig.call(container("operations.list"), location=location)
        return [operation_of(each) for each in answer.get("operations", [])]

    def things(self, kind: str) -> Sequence[Thing]:
        of = KINDS[kind]
        method = "firewalls.list" if kind == "firewall" else f"{of.member}.aggregatedList"
        with self.lock:
            items = self.rig.call(compute(method)).get("items", [])
        scopes = [each.get(of.member, []) for each in items.values()] if isinstance(items, dict) else [items]
        return [thing_of(kind, each) for scope in scopes for each in scope]

    def pass_time(self, minutes: int) -> None:
        for _ in range(minutes):
            self.loop.run_until_complete(self.rig.after(1))

    def deploy(self) -> None:
        cluster = {"name": "c", "initialNodeCount": 2, "resourceLabels": OURS}
        self.rig.call(container("clusters.create"), {"cluster": cluster})
        self.pass_time(6)
        pool = tpu_pool(nodes=3, resourceLabels=OURS)
        self.rig.call(container("clusters.nodePools.create"), {"nodePool": pool}, cluster="c")
        self.pass_time(16)
        load_balancers.request(self.rig.cloud, self.balancer)
        self.pass_time(4)

    def delete(self) -> None:
        self.rig.call(container("clusters.delete"), cluster="c")
        self.pass_time(10)

    @property
    def balancer(self) -> dict[str, str]:
        namespace, _, service = SERVICE.partition("/")
        return {
            "project": "rhaii-sandbox",
            "location": ZONE,
            "cluster": "c",
            "namespace": namespace,
            "service": service,
        }


@pytest.fixture
def cloud(tmp_path: Path) -> Emulated:
    return Emulated(tmp_path)


def kinds(found: dict[str, Any]) -> dict[str, int]:
    rows = [row["kind"] for row in found["leftovers"] if row["certainty"] == "ours"]
    return {kind: rows.count(kind) for kind in dict.fromkeys(rows)}


def test_all_of_a_living_environment_is_ours(cloud: Emulated) -> None:
    cloud.deploy()
    assert kinds(looked(cloud)) == {
        "node_pool": 2,
        "cluster": 1,
        "forwarding_rule": 1,
        "target_pool": 1,
        "address": 1,
        "instance": 5,
        "disk": 5,
        "firewall": 5,
    }
    # the same names, wanted by another environment
    assert looked(cloud, environment="prod")["leftovers"] == []


def test_cluster_deleted_by_hand_leaves_the_load_balancer_which_is_named(cloud: Emulated) -> None:
    cloud.deploy()
    cloud.delete()
    found = looked(cloud)
    assert kinds(found) == {"forwarding_rule": 1, "target_pool": 1, "address": 1, "firewall": 1}
    assert not found["clean"]
    open_items = [each["kind"] for each in cloud.rig.cloud.ledger.report()["items"] if each["closed"] is None]
    assert sorted(open_items) == ["address", "forwarding_rule"]


def test_end_in_the_right_order_leaves_nothing(cloud: Emulated) -> None:
    cloud.deploy()
    load_balancers.release(cloud.rig.cloud, cloud.balancer)
    cloud.delete()
    found = looked(cloud)
    assert (found["clean"], found["leftovers"]) == (True, [])
    assert all(each["closed"] is not None for each in cloud.rig.cloud.ledger.report()["items"])


def test_links_of_a_living_environment_keep_what_is_left_of_it_known(cloud: Emulated) -> None:
    cloud.deploy()
    links = looked(cloud)["links"]
    cloud.delete()
    assert looked(cloud, services=[], known=links)["ours"] == 4
