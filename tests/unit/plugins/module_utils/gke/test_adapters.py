# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adapters of Google's APIs and of Kubernetes: what they ask, and what they make of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.kubernetes import KubernetesNodes
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance, Problem
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES
from ansible_collections.rhaii.gke.plugins.module_utils._quota.google import (
    GoogleMachines,
    GooglePools,
    GooglePreferences,
    GoogleQuotas,
    GoogleRegions,
    GoogleReservations,
    GoogleUsage,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import (
    Info,
    Live,
    LiveCluster,
    LivePool,
    Machine,
    Reading,
    RegionQuota,
    Reservation,
    Row,
)

from tests.unit.fake_clock import FakeClock

GROUP = GroupRef("p", "europe-west4-a", "grp")
PROJECT = "/compute/v1/projects/p"
ZONE = f"{PROJECT}/zones/europe-west4-a"


class Recorded:
    """Gives one answer, or one refusal, and writes the calls down."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self._answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def call(self, doing: str, method: str, path: str, *, query: Any = None, body: Any = None) -> Mapping[str, Any]:
        self.calls.append((doing, method, path, query, body))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def pages(self, doing: str, path: str, items: str, *, method: str = "GET") -> Iterator[Any]:
        yield from self.call(doing, method, path)[items]

    def items(self, doing: str, path: str, query: Any = None) -> list[Any]:
        return list(self.call(doing, "GET", path, query=query)["items"])


def groups(answer: Mapping[str, Any]) -> tuple[GoogleInstanceGroups, Recorded]:
    recorded = Recorded(answer)
    return GoogleInstanceGroups(cast(RestApi, recorded)), recorded


@pytest.mark.parametrize(("answer", "size"), [({"targetSize": 3}, 3), ({"targetSize": "4"}, 4), ({}, 0)])
def test_target_size_of_a_group(answer: dict[str, Any], size: int) -> None:
    adapter, recorded = groups(answer)
    assert adapter.target_size(GROUP) == size
    assert recorded.calls == [("read the instance group grp", "GET", f"{ZONE}/instanceGroupManagers/grp", None, None)]


def test_instances_of_a_group() -> None:
    adapter, recorded = groups(
        {
            "managedInstances": [
                {"instance": "u/a", "instanceStatus": "RUNNING", "currentAction": "NONE"},
                {"instance": "u/b"},
                {
                    "instance": "u/c",
                    "currentAction": "CREATING",
                    "lastAttempt": {"errors": {"errors": [{"code": "A", "message": "x"}, {"code": "B"}]}},
                },
            ]
        }
    )
    assert adapter.instances(GROUP) == [
        Instance("u/a", "RUNNING", "NONE"),
        Instance("u/b", "", ""),
        Instance("u/c", "", "CREATING", Problem("A", "x")),
    ]
    path = f"{ZONE}/instanceGroupManagers/grp/listManagedInstances"
    assert recorded.calls == [("list the instances of grp", "POST", path, None, None)]


def test_deletion_of_instances() -> None:
    adapter, recorded = groups({"name": "operation-1"})
    assert adapter.delete_instances(GROUP, ("u/a", "u/b")) == "operation-1"
    path = f"{ZONE}/instanceGroupManagers/grp/deleteInstances"
    assert recorded.calls == [("delete instances of grp", "POST", path, None, {"instances": ["u/a", "u/b"]})]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        pytest.param({"status": "RUNNING"}, (False, ""), id="it runs"),
        pytest.param({"status": "DONE"}, (True, ""), id="it is done"),
        pytest.param({"status": "DONE", "error": {}}, (True, ""), id="an empty error"),
        pytest.param(
            {
                "status": "DONE",
                "error": {"errors": [{"code": "A", "message": "x\ny"}, {"message": "z"}, {"code": "B"}]},
            },
            (True, "A: x y; z; B"),
            id="errors",
        ),
    ],
)
def test_operation_of_compute(answer: dict[str, Any], found: tuple[bool, str]) -> None:
    adapter, recorded = groups(answer)
    assert adapter.operation_problem(GROUP, "operation-1") == found
    assert recorded.calls == [("read the operation operation-1", "GET", f"{ZONE}/operations/operation-1", None, None)]


def nodes(answer: Mapping[str, Any] | Exception) -> tuple[KubernetesNodes, Recorded]:
    recorded = Recorded(answer)
    return KubernetesNodes(cast(KubernetesRest, recorded)), recorded


def refused(status: int) -> KubernetesError:
    return KubernetesError("ask", status, "", "no")


def test_pools_of_nodes() -> None:
    adapter, recorded = nodes(
        {
            "items": [
                {"metadata": {"name": "a", "labels": {"cloud.google.com/gke-nodepool": "tpu-pool"}}},
                {"metadata": {"name": "b", "labels": {}}},
                {"metadata": {"name": "c"}},
            ]
        }
    )
    assert adapter.pools() == {"a": "tpu-pool", "b": "", "c": ""}
    assert recorded.calls == [("list the nodes", "GET", "/api/v1/nodes", None, None)]


def test_pods_of_a_node() -> None:
    adapter, recorded = nodes({"items": [{"a": 1}]})
    assert adapter.pods("n1") == [{"a": 1}]
    query = {"fieldSelector": "spec.nodeName=n1"}
    assert recorded.calls == [("list the pods on n1", "GET", "/api/v1/pods", query, None)]


def test_cordon() -> None:
    adapter, recorded = nodes({})
    adapter.cordon("n 1")
    body = {"spec": {"unschedulable": True}}
    assert recorded.calls == [("cordon the node n 1", "PATCH", "/api/v1/nodes/n%201", None, body)]


def test_cordon_of_what_is_gone() -> None:
    nodes(refused(404))[0].cordon("n1")
    with pytest.raises(KubernetesError):
        nodes(refused(403))[0].cordon("n1")


@pytest.mark.parametrize(
    ("grace", "more"), [(None, {}), (0, {"deleteOptions": {"gracePeriodSeconds": 0}})], ids=["its own", "none"]
)
def test_eviction(grace: int | None, more: dict[str, Any]) -> None:
    adapter, recorded = nodes({})
    assert adapter.evict("ns", "a", grace) == ""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a", "namespace": "ns"}, **more}
    path = "/api/v1/namespaces/ns/pods/a/eviction"
    assert recorded.calls == [("evict the pod ns/a", "POST", path, None, body)]


def test_eviction_that_must_wait_or_is_too_late() -> None:
    assert nodes(refused(429))[0].evict("ns", "a", None) == "is kept by a disruption budget"
    assert nodes(refused(404))[0].evict("ns", "a", None) == ""
    with pytest.raises(KubernetesError):
        nodes(refused(500))[0].evict("ns", "a", None)


def unavailable(status: int) -> GoogleError:
    return GoogleError("ask", status, "", "no")


def test_rows_of_a_quota() -> None:
    recorded = Recorded({"dimensionsInfos": [{"details": {"value": "8"}}], "serviceRequestQuotaUri": "u"})
    assert GoogleQuotas(cast(RestApi, recorded), "p").info("Q") == Info((Row({}, 8),), page="u")
    path = "/v1/projects/p/locations/global/services/compute.googleapis.com/quotaInfos/Q"
    assert recorded.calls == [("read the quota Q", "GET", path, None, None)]


def test_quota_that_is_not_there_or_not_shown() -> None:
    assert GoogleQuotas(cast(RestApi, Recorded(unavailable(404))), "p").info("Q") is None
    with pytest.raises(GoogleError):
        GoogleQuotas(cast(RestApi, Recorded(unavailable(403))), "p").info("Q")


PREFERENCES = "/v1/projects/p/locations/global/quotaPreferences"


def test_what_was_asked_for_already() -> None:
    recorded = Recorded({"quotaPreferences": [{"quotaId": "Q"}]})
    assert GooglePreferences(cast(RestApi, recorded), "p").all() == [{"quotaId": "Q"}]
    assert recorded.calls == [("list what quota was asked for", "GET", PREFERENCES, None, None)]


def test_quota_is_asked_for_and_the_request_raised() -> None:
    recorded, body = Recorded({"name": "n"}), {"quotaId": "Q"}
    adapter = GooglePreferences(cast(RestApi, recorded), "p")
    assert adapter.create(body) == adapter.update("projects/p/x/n", body) == {"name": "n"}
    doing = "ask for more of Q"
    assert recorded.calls == [
        (doing, "POST", PREFERENCES, None, body),
        (doing, "PATCH", "/v1/projects/p/x/n", None, body),
    ]


class Paged(Recorded):
    """One answer after the other; what it was asked is kept as it was then."""

    def __init__(self, *answers: Mapping[str, Any]) -> None:
        super().__init__({})
        self._answers = list(answers)

    def call(self, doing: str, method: str, path: str, *, query: Any = None, body: Any = None) -> Mapping[str, Any]:
        super().call(doing, method, path, query=dict(query), body=body)
        return self._answers.pop(0)


def series(place: str, value: int) -> dict[str, Any]:
    point = {"interval": {"endTime": "t"}, "value": {"int64Value": str(value)}}
    return {"resource": {"labels": {"location": place}}, "points": [point]}


def test_what_is_used_of_a_quota_is_read_page_by_page() -> None:
    recorded = Paged({"timeSeries": [series("r", 8)], "nextPageToken": "2"}, {"timeSeries": [series("s", 4)]})
    quota = FAMILIES["v6e"].on_demand
    adapter = GoogleUsage(cast(RestApi, recorded), "p", FakeClock())
    assert adapter.readings(quota) == {"r": Reading(8, "t"), "s": Reading(4, "t")}
    query = {
        "filter": 'metric.type = "compute.googleapis.com/quota/tpus_per_tpu_family/usage" AND '
        'resource.type = "compute.googleapis.com/Location" AND metric.labels.tpu_family = "CT6E"',
        "interval.startTime": "2026-11-23T10:00:00Z",
        "interval.endTime": "2026-11-24T12:00:00Z",
        "view": "FULL",
    }
    doing = f"read what is used of {quota}"
    assert recorded.calls == [
        (doing, "GET", "/v3/projects/p/timeSeries", query, None),
        (doing, "GET", "/v3/projects/p/timeSeries", {**query, "pageToken": "2"}, None),
    ]


@pytest.mark.parametrize(
    ("answer", "machine"),
    [
        pytest.param({"name": "m", "guestCpus": 180}, Machine(180), id="offered"),
        pytest.param({"name": "m"}, Machine(0), id="offered, without its size"),
        pytest.param(unavailable(404), None, id="not offered"),
    ],
)
def test_offer_of_a_machine_type(answer: Any, machine: Machine | None) -> None:
    recorded = Recorded(answer)
    assert GoogleMachines(cast(RestApi, recorded), "p").machine("europe-west4-a", "m") == machine
    doing = "look up the machine type m in europe-west4-a"
    assert recorded.calls == [(doing, "GET", f"{ZONE}/machineTypes/m", None, None)]


def test_machine_type_that_is_not_shown() -> None:
    with pytest.raises(GoogleError):
        GoogleMachines(cast(RestApi, Recorded(unavailable(403))), "p").machine("europe-west4-a", "m")


def test_zones_with_a_machine_type() -> None:
    recorded = Recorded(
        {
            "items": {
                "zones/b": {"machineTypes": [{"name": "x"}, {"name": "m"}]},
                "zones/a": {"machineTypes": [{"name": "m"}]},
                "zones/c": {"machineTypes": [{"name": "mm"}]},
                "zones/d": {"warning": {}},
            }
        }
    )
    assert GoogleMachines(cast(RestApi, recorded), "p").zones_with("m") == ["a", "b"]
    query = {"filter": "name=m", "maxResults": "500"}
    assert recorded.calls == [("list the zones with m", "GET", f"{PROJECT}/aggregated/machineTypes", query, None)]
    assert GoogleMachines(cast(RestApi, Recorded({})), "p").zones_with("m") == []


def test_quotas_of_a_region() -> None:
    recorded = Recorded({"quotas": [{"metric": "CPUS", "limit": 500.0, "usage": 8.0}]})
    assert GoogleRegions(cast(RestApi, recorded), "p").quotas("europe-west4") == {"CPUS": RegionQuota(500, 8)}
    path = f"{PROJECT}/regions/europe-west4"
    assert recorded.calls == [("read the quotas of europe-west4", "GET", path, None, None)]


def test_reservation_of_a_zone() -> None:
    recorded = Recorded({"status": "READY", "specificReservation": {"count": "4", "inUseCount": "1"}})
    adapter = GoogleReservations(cast(RestApi, recorded), "p")
    assert adapter.reservation("europe-west4-a", "r") == Reservation("", 4, 1, "READY")
    doing = "look up the reservation r in europe-west4-a"
    assert recorded.calls == [(doing, "GET", f"{ZONE}/reservations/r", None, None)]


def test_reservation_that_is_not_there_or_not_shown() -> None:
    assert GoogleReservations(cast(RestApi, Recorded(unavailable(404))), "p").reservation("z", "r") is None
    with pytest.raises(GoogleError):
        GoogleReservations(cast(RestApi, Recorded(unavailable(403))), "p").reservation("z", "r")


def tpu(name: str, **more: Any) -> dict[str, Any]:
    config = {"machineType": "ct6e-standard-4t", **more.pop("config", {})}
    return {"name": name, "initialNodeCount": 2, "config": config, **more}


def test_live_pools_of_the_project() -> None:
    url = "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west4-a/instanceGroupManagers/grp"
    clusters = [
        {
            "name": "c",
            "location": "europe-west4-a",
            "nodePools": [
                tpu("live", locations=["europe-west4-b"], instanceGroupUrls=[url]),
                tpu("spot", config={"spot": True}),
                tpu("flex", config={"flexStart": True}),
                tpu("old", config={"preemptible": True}),
                tpu("other", config={"machineType": "e2-standard-4"}),
                {"name": "odd"},
            ],
        },
        {"name": "empty", "location": "us-east5-a", "resourceLabels": {"team": "shop"}},
    ]
    recorded = Recorded({"clusters": clusters, "missingZones": ["us-east5-a"]})
    adapter = GooglePools(cast(RestApi, recorded), groups({"targetSize": 5})[0], "p")
    here = ("europe-west4-a",)
    found = adapter.live()
    assert found == Live(
        (
            LivePool("c", "live", ("europe-west4-b",), "ct6e-standard-4t", False, (GROUP,)),
            LivePool("c", "spot", here, "ct6e-standard-4t", True),
            LivePool("c", "flex", here, "ct6e-standard-4t", True),
            LivePool("c", "old", here, "ct6e-standard-4t", True),
            LivePool("c", "other", here, "e2-standard-4", False),
            LivePool("c", "odd", here, "", False),
        ),
        frozenset({"us-east5-a"}),
        (LiveCluster("c", "europe-west4-a"), LiveCluster("empty", "us-east5-a", {"team": "shop"})),
    )
    assert [adapter.nodes(pool) for pool in found.pools] == [5, 2, 2, 2, 2, 0]
    path = "/v1/projects/p/locations/-/clusters"
    assert recorded.calls == [("list the clusters of the project", "GET", path, None, None)]


def test_live_pools_of_an_empty_project() -> None:
    adapter = GooglePools(cast(RestApi, Recorded({})), groups({})[0], "p")
    assert adapter.live() == Live(())
