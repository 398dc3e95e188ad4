# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is ours, what may be, what is not; and what tells so."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Operation
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import (
    Claim,
    Judgement,
    LivingCluster,
    judge,
    living_of,
    of_cluster,
    of_operations,
)
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing

from tests.unit.plugins.module_utils.leftovers.fake_lists import (
    LABELS,
    NOTE,
    SERVICE,
    TAG,
    balancer,
    cluster,
    operation,
    thing,
)

HERE = ("europe-west4-a",)
SERVICES, NAMESPACES = frozenset({SERVICE}), frozenset({"rhaii-inference"})
LIVING = LivingCluster("c", "europe-west4-a", "0123abcd", LABELS)
OTHER = LivingCluster("c", "europe-west4-b", "0123abcd")
# of a disk
VOLUME = "kubernetes.io/created-for/pvc/namespace"


def claim(*living: LivingCluster, **changes: Any) -> Claim:
    wanted = {"services": SERVICES, "namespaces": NAMESPACES, "living": living, **changes}
    return Claim(**{"cluster": "c", "environment": "demo", "locations": HERE, **wanted})


def whose(found: Thing, wanted: Claim) -> str:
    """Empty of what is foreign."""
    return "".join(f"{each.certainty}: {each.why}" for each in judge([found], wanted))


def labels(name: str = "c", where: str = "europe-west4-a") -> dict[str, str]:
    return {"goog-k8s-cluster-name": name, **({"goog-k8s-cluster-location": where} if where else {})}


@pytest.mark.parametrize(
    ("found", "living", "wanted"),
    [
        pytest.param({"labels": LABELS}, (), "ours: it has the labels of the environment demo", id="our labels"),
        pytest.param({"labels": {**LABELS, "rhaii-environment": "prod"}}, (), "", id="another environment's labels"),
        pytest.param({"labels": {"managed-by": "rhaii-gke"}}, (), "", id="half of our labels"),
        pytest.param({"labels": {"rhaii-environment": "demo"}}, (), "", id="the other half"),
        pytest.param({"labels": LABELS, "place": "us-east5-a"}, (), "", id="our labels, elsewhere"),
        pytest.param({"labels": {**LABELS, **labels("other")}}, (), "", id="our labels on another cluster's"),
        pytest.param(
            {"labels": labels()},
            (),
            "ours: it has the labels of the cluster c in europe-west4-a",
            id="its labels",
        ),
        pytest.param(
            {"labels": labels(where="")},
            (),
            "maybe: it has the label of a cluster c, which does not say where",
            id="the cluster's name alone",
        ),
        pytest.param({"labels": labels("c-two")}, (), "", id="a longer name"),
        pytest.param({"labels": labels(where="europe-west4-b")}, (), "", id="the next zone's"),
        pytest.param(
            {"labels": labels()}, (LivingCluster("c", "europe-west4-a", "1"),), "", id="a cluster that is not ours"
        ),
        pytest.param(
            {"labels": labels()},
            (OTHER,),
            "ours: it has the labels of the cluster c in europe-west4-a",
            id="not ours, but elsewhere",
        ),
        pytest.param({"name": "gke-c-default-pool-1-x"}, (), "maybe: its name begins as ours do", id="named alike"),
        pytest.param({"name": "pvc-gke-c-1"}, (), "", id="our name within another"),
        pytest.param(
            {"name": "gke-c-two-pool-1-x"}, (LivingCluster("c-two", "europe-west4-a", "1"),), "", id="a closer name"
        ),
        pytest.param(
            {"name": "gke-c-twopool-1-x"},
            (LivingCluster("c-two", "europe-west4-a", "1"), LivingCluster("d", "europe-west4-a", "1")),
            "maybe: its name begins as ours do",
            id="a name that is not closer",
        ),
        pytest.param(
            {"notes": {VOLUME: "rhaii-inference"}},
            (),
            "maybe: it was made for a volume in a namespace rhaii-inference, as ours is called",
            id="our namespace",
        ),
        pytest.param({"notes": {VOLUME: "other"}}, (), "", id="their namespace"),
        pytest.param({}, (), "", id="anything"),
    ],
)
def test_disk(found: dict[str, Any], living: tuple[LivingCluster, ...], wanted: str) -> None:
    assert whose(thing("disk", **{"place": "europe-west4-a", **found}), claim(*living)) == wanted


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("instance", "maybe"), ("instance_group", "maybe"), ("disk", "maybe"), ("address", ""), ("firewall", "")],
)
def test_only_what_gke_names_after_a_cluster_is_told_by_its_name(kind: str, wanted: str) -> None:
    assert whose(thing(kind, "gke-c-pool-1"), claim()).partition(":")[0] == wanted


def test_name_of_machines_is_cut_short_when_the_clusters_is_long() -> None:
    long = claim(cluster="rhaii-tpu-scaleout-cluster")
    assert whose(thing("instance", "gke-rhaii-tpu-scale-pool-1"), long) == "maybe: its name begins as ours do"
    assert whose(thing("instance", "gke-rhaii-tpu-scalout-pool-1"), long) == ""


@pytest.mark.parametrize(
    ("name", "tags", "living", "wanted"),
    [
        pytest.param(
            "gke-c-0123abcd-all", (), (LIVING,), "ours: it belongs to the cluster c", id="our living cluster's"
        ),
        pytest.param(
            "gke-c-0123abcd-all",
            (),
            (),
            "maybe: its name is that of a cluster of this name, of which it is not known where it was",
            id="a dead cluster's of this name",
        ),
        pytest.param("gke-c-0123abcd-all", (), (OTHER,), "", id="somebody else's living cluster"),
        pytest.param("gke-c-two-0123abcd-all", (), (), "", id="a longer name"),
        pytest.param("gke-c-0123abcd-mine", (), (LIVING,), "", id="a name that GKE does not give"),
        pytest.param(
            "k8s-fw-a1", (TAG,), (LIVING,), "ours: it belongs to the cluster c", id="by the tag of our machines"
        ),
        pytest.param("k8s-fw-a1", ("gke-d-0123abcd-node",), (), "", id="by the tag of other machines"),
        pytest.param(
            "k8s-fw-a1",
            ("web", "gke-d-0123abcd-node", TAG),
            (LIVING,),
            "ours: it belongs to the cluster c",
            id="by one of several tags",
        ),
        pytest.param("allow-ssh", ("web",), (), "", id="anything"),
    ],
)
def test_firewall_rule(name: str, tags: tuple[str, ...], living: tuple[LivingCluster, ...], wanted: str) -> None:
    assert whose(thing("firewall", name, "global", tags=tags), claim(*living)) == wanted


LONG = "rhaii-tpu-scaleout-cluster"


@pytest.mark.parametrize(
    ("shown", "living", "wanted"),
    [
        pytest.param(
            "rhaii-tpu-scale",
            (LivingCluster(LONG, "europe-west4-a", "0123abcd", LABELS),),
            f"ours: it belongs to the cluster {LONG}",
            id="our living cluster's, by its hash",
        ),
        pytest.param(
            "rhaii-tpu-scale", (), "maybe: it has a name as ours, cut short, would be", id="a dead one's, perhaps ours"
        ),
        pytest.param(
            "rhaii-tpu-scale",
            (LivingCluster("rhaii-tpu-scale", "europe-west4-a", "0123abcd"),),
            "",
            id="that of a living cluster",
        ),
        pytest.param("rhaii-tpu-scal", (), "", id="shorter than names are cut"),
        pytest.param("rhaii-tpu-scaleup", (), "", id="another name"),
    ],
)
def test_tag_may_be_cut_short(shown: str, living: tuple[LivingCluster, ...], wanted: str) -> None:
    rule = thing("firewall", "k8s-fw-a1", "global", tags=(f"gke-{shown}-0123abcd-node",))
    assert whose(rule, claim(*living, cluster=LONG)) == wanted


def test_name_of_a_firewall_rule_tells_nothing_of_other_things() -> None:
    assert whose(thing("address", "gke-c-0123abcd-all"), claim(LIVING)) == ""


LEADS = "ours: it leads to machines of a cluster c in this region"


@pytest.mark.parametrize(
    ("parts", "living", "wanted"),
    [
        pytest.param(balancer(), (LIVING,), {"ours: it belongs to the cluster c": 4}, id="of our living cluster"),
        pytest.param(balancer(), (), {LEADS: 4}, id="of a dead cluster of this name in this region"),
        pytest.param(balancer(), (OTHER,), {}, id="of somebody else's living cluster of this name"),
        pytest.param(balancer("gke-d-0123abcd-node"), (), {}, id="of another cluster with a Service of the same name"),
        pytest.param(
            balancer(firewall=False),
            (),
            {f"maybe: it was made for a Service {SERVICE}, as ours is called": 3},
            id="without the rule that tells whose",
        ),
        # the firewall rule has no region, and what it leads to is elsewhere
        pytest.param(
            balancer(place="us-east5"),
            (),
            {"maybe: its name is that of a cluster of this name, of which it is not known where it was": 1},
            id="elsewhere",
        ),
        pytest.param(
            [*balancer(firewall=False)[:1], thing("address", "a1", notes=NOTE, labels=LABELS)],
            (),
            {"ours: it has the labels of the environment demo": 2},
            id="one of which has our labels",
        ),
        pytest.param(
            [*balancer(), thing("backend_service", "a1", notes=NOTE, labels={**LABELS, "rhaii-environment": "prod"})],
            (LIVING,),
            {},
            id="one of which is another environment's",
        ),
        pytest.param(
            [thing("address", "b2", notes=NOTE), *balancer()],
            (LIVING,),
            {
                "ours: it belongs to the cluster c": 4,
                f"maybe: it was made for a Service {SERVICE}, as ours is called": 1,
            },
            id="beside a part of another one for the same Service",
        ),
        pytest.param(
            [thing("address", "a1", notes={"kubernetes.io/service-name": "o/t"}), *balancer()],
            (LIVING,),
            {"ours: it belongs to the cluster c": 4},
            id="beside one of its name for another Service",
        ),
    ],
)
def test_parts_of_a_load_balancer_have_one_owner(
    parts: list[Thing], living: tuple[LivingCluster, ...], wanted: dict[str, int]
) -> None:
    found = [f"{each.certainty}: {each.why}" for each in judge(parts, claim(*living))]
    assert {said: found.count(said) for said in found} == wanted


def test_proof_from_elsewhere_is_none_here() -> None:
    elsewhere = thing("address", "a1", "us-east5", notes=NOTE, labels=LABELS)
    found = judge([*balancer(firewall=False), elsewhere], claim())
    assert {(each.certainty, each.thing.place) for each in found} == {("maybe", "europe-west4")}


def test_newer_load_balancers_are_told_by_their_names_too() -> None:
    note = {"networking.gke.io/service-name": SERVICE}
    name = "ab12-opendatahub-inference-gateway-istio-xyz"
    parts = [
        thing("forwarding_rule", f"k8s2-tcp-{name}", notes=note),
        thing("backend_service", f"k8s2-{name}", notes=note),
        thing("firewall", f"k8s2-{name}", "global", notes=note, tags=(TAG,)),
    ]
    assert {each.thing.kind: f"{each.certainty}: {each.why}" for each in judge(parts, claim())} == dict.fromkeys(
        ("forwarding_rule", "backend_service", "firewall"), LEADS
    )


def test_what_was_ours_before_is_ours_though_nothing_tells_so_any_more() -> None:
    rule, others = thing("forwarding_rule", "a1"), thing("address", "a1")
    before = "it belonged to the cluster when it was last looked"
    known = frozenset({rule.link})
    assert judge([rule, others], claim(known=known)) == [Judgement(rule, "ours", before)]
    # whatever its labels and its companions say by now
    sold = thing("forwarding_rule", "a1", notes=NOTE, labels={**LABELS, "rhaii-environment": "prod"})
    companion = thing("address", "a1", notes=NOTE, labels=sold.labels)
    assert judge([sold, companion], claim(known=known)) == [Judgement(sold, "ours", before)]


def test_what_has_no_link_was_not_known_before() -> None:
    assert judge([Thing("disk", "x", "europe-west4-a", "")], claim(known=frozenset({""}))) == []


def test_what_was_ours_before_tells_of_its_companions() -> None:
    rule, *others = balancer(firewall=False)
    found = judge([rule, *others], claim(known=frozenset({rule.link})))
    assert [each.certainty for each in found] == ["ours"] * 3


def test_order_is_that_of_the_commands_and_what_is_sure_comes_first() -> None:
    disks = [thing("disk", name, "europe-west4-a", labels=LABELS) for name in ("b", "a")]
    unsure = thing("instance", "gke-c-pool-1", "europe-west4-a")
    found = judge([unsure, *disks, *reversed(balancer())], claim(LIVING))
    assert [(each.certainty, each.thing.kind, each.thing.name) for each in found] == [
        ("ours", "forwarding_rule", "a1"),
        ("ours", "target_pool", "a1"),
        ("ours", "address", "a1"),
        ("ours", "disk", "a"),
        ("ours", "disk", "b"),
        ("ours", "firewall", "k8s-fw-a1"),
        ("maybe", "instance", "gke-c-pool-1"),
    ]


@pytest.mark.parametrize(
    ("place", "locations", "fits"),
    [
        ("global", HERE, True),
        ("europe-west4", HERE, True),
        ("europe-west4-b", HERE, True),
        ("us-east5", HERE, False),
        ("us-east5", (*HERE, "us-east5-a"), True),
        ("europe-west4-a", ("europe-west4",), True),
    ],
)
def test_region_tells_what_may_be_of_a_location(place: str, locations: tuple[str, ...], fits: bool) -> None:
    assert claim(locations=locations).fits(place) is fits


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        pytest.param({}, True, id="ours"),
        pytest.param({"resourceLabels": {"managed-by": "rhaii-gke"}}, False, id="of no environment"),
        pytest.param({"resourceLabels": {**LABELS, "managed-by-cnrm": "true"}}, False, id="made by another tool"),
        pytest.param({"resourceLabels": {**LABELS, "rhaii-environment": "prod"}}, False, id="of another"),
        pytest.param({"resourceLabels": {"rhaii-environment": "demo"}}, False, id="made by others"),
        pytest.param({"resourceLabels": None}, False, id="without labels"),
        pytest.param({"name": "d"}, False, id="another name"),
        pytest.param({"location": "europe-west4-b"}, False, id="another place"),
    ],
)
def test_cluster_is_ours_by_name_place_and_labels(changes: dict[str, Any], ours: bool) -> None:
    living = living_of(cluster(**changes))
    found = claim(living)
    assert found.is_ours(living) is ours
    assert (found.hashes, found.others) == ((frozenset({"0123abcd"}), ()) if ours else (frozenset(), (living,)))


def test_living_cluster_as_google_has_it() -> None:
    assert living_of(cluster(resourceLabels={"a": 1})) == LivingCluster(
        "c", "europe-west4-a", "0123abcd", {"a": "1"}, {"default-pool": LABELS, "tpu-pool": LABELS}
    )
    assert living_of({}) == LivingCluster("", "", "")


def test_living_cluster_is_left_with_its_pools() -> None:
    other = living_of(cluster(location="europe-west4-b"))
    assert of_cluster(claim(living_of(cluster()), other)) == [
        Judgement(Thing("node_pool", "default-pool", "europe-west4-a", "", cluster="c"), "ours", "it is in c"),
        Judgement(Thing("node_pool", "tpu-pool", "europe-west4-a", "", cluster="c"), "ours", "it is in c"),
        Judgement(Thing("cluster", "c", "europe-west4-a", ""), "ours", "it has the labels of the environment demo"),
    ]


OPERATIONS = [
    operation("o"),
    operation("done", "DONE"),
    operation("other", target="clusters/d"),
    operation("p", target="clusters/c/nodePools/tpu-pool"),
]


def of(place: str, *living: LivingCluster, operations: list[Operation] = OPERATIONS) -> list[Judgement]:
    return of_operations(claim(*living), place, operations)


def test_operations_on_our_cluster_are_ours_also_when_it_is_not_listed_any_more() -> None:
    wanted = [
        Judgement(Thing("operation", name, HERE[0], "", detail="DELETE_CLUSTER"), "ours", "it works on c")
        for name in ("o", "p")
    ]
    assert of(HERE[0]) == of(HERE[0], LIVING) == of(HERE[0], OTHER) == wanted


def test_operations_on_somebody_elses_cluster_of_this_name_are_not() -> None:
    assert of(HERE[0], LivingCluster("c", HERE[0], "1")) == []


THEIRS = {"managed-by": "ops"}
SHARED = LivingCluster("c", HERE[0], "0123abcd", LABELS, {"tpu-pool": LABELS, "gpu": THEIRS, "dev": {}})


def machine(pool: str, where: str = HERE[0]) -> Thing:
    """A machine, which carries the labels of its cluster."""
    known = {"goog-k8s-cluster-name": "c", "goog-k8s-cluster-location": where, "goog-k8s-node-pool-name": pool}
    return thing("instance", f"gke-c-{pool}-1", where, labels={**LABELS, **known}, tags=(TAG,))


def test_pools_of_others_in_our_cluster_are_left_out_with_their_machines() -> None:
    wanted = claim(SHARED)
    assert [each.thing.name for each in of_cluster(wanted)] == ["tpu-pool", "c"]
    found = judge([machine("tpu-pool"), machine("gpu"), machine("dev")], wanted)
    assert [(each.thing.name, each.certainty) for each in found] == [("gke-c-tpu-pool-1", "ours")]


def test_pool_of_others_in_one_place_tells_nothing_of_another() -> None:
    wanted = claim(
        SHARED, LivingCluster("c", "us-east5-a", "1", LABELS, {"gpu": LABELS}), locations=(*HERE, "us-east5-a")
    )
    found = judge([machine("gpu"), machine("gpu", "us-east5-a")], wanted)
    assert [each.thing.place for each in found] == ["us-east5-a"]
    operations = [operation("p", target="clusters/c/nodePools/gpu")]
    assert of_operations(wanted, HERE[0], operations) == []
    assert len(of_operations(wanted, "us-east5-a", operations)) == 1


def test_operations_on_pools_of_others_are_theirs() -> None:
    operations = [
        operation("o"),
        operation("p", target="clusters/c/nodePools/tpu-pool"),
        operation("g", target="clusters/c/nodePools/gpu"),
    ]
    assert [each.thing.name for each in of(HERE[0], SHARED, operations=operations)] == ["o", "p"]


def test_load_balancer_of_a_foreign_service_is_not_ours_whatever_else_tells_so() -> None:
    # by the tag of our machines, by our labels, by what was known before, by a name as ours
    parts = [*balancer(), thing("backend_service", "a1", notes=NOTE, labels=LABELS)]
    known = frozenset(each.link for each in parts)
    assert {each.certainty for each in judge(parts, claim(LIVING, known=known))} == {"ours"}
    assert judge(parts, claim(LIVING, known=known, foreign_services=SERVICES)) == []
    assert len(judge(parts, claim(LIVING, foreign_services=frozenset({"team/web"})))) == 5


def test_parts_that_name_no_service_follow_those_that_do() -> None:
    nameless = thing("address", "a1", labels=LABELS)
    others = [thing("firewall", "k8s-fw-b2", "global", tags=(TAG,)), thing("disk", "a1", HERE[0], labels=LABELS)]
    wanted = claim(LIVING, foreign_services=SERVICES)
    found = judge([*balancer(firewall=False), nameless, *others], wanted)
    assert [each.thing.name for each in found] == ["a1", "k8s-fw-b2"]
    assert found[0].thing.kind == "disk"
