# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adapters of Compute Engine, Cloud Quotas and Kubernetes: what they ask, and what they make of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.kubernetes import KubernetesNodes
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import GroupRef, Instance
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._quota.check import (
    Census,
    GoogleMachines,
    GooglePools,
    GoogleQuotas,
    PoolUse,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import Offer, Row

GROUP = GroupRef("p", "europe-west4-a", "grp")
ZONE = "/compute/v1/projects/p/zones/europe-west4-a"


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
            ]
        }
    )
    assert adapter.instances(GROUP) == [Instance("u/a", "RUNNING", "NONE"), Instance("u/b", "", "")]
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
    recorded = Recorded({"dimensionsInfos": [{"details": {"value": "8"}}]})
    assert GoogleQuotas(cast(RestApi, recorded), "p").rows("Q") == [Row({}, 8)]
    path = "/v1/projects/p/locations/global/services/compute.googleapis.com/quotaInfos/Q"
    assert recorded.calls == [("read the quota Q", "GET", path, None, None)]


def test_quota_that_is_not_there_or_not_shown() -> None:
    assert GoogleQuotas(cast(RestApi, Recorded(unavailable(404))), "p").rows("Q") is None
    with pytest.raises(GoogleError):
        GoogleQuotas(cast(RestApi, Recorded(unavailable(403))), "p").rows("Q")


@pytest.mark.parametrize(
    ("answer", "offer"),
    [
        pytest.param({"name": "m"}, Offer(True), id="offered"),
        pytest.param(
            unavailable(404), Offer(False, "the machine type m is not offered in europe-west4-a"), id="not offered"
        ),
        pytest.param(
            unavailable(403), Offer(None, "whether europe-west4-a offers m could not be read: no"), id="not shown"
        ),
    ],
)
def test_offer_of_a_machine_type(answer: Any, offer: Offer) -> None:
    recorded = Recorded(answer)
    assert GoogleMachines(cast(RestApi, recorded), "p").offer("europe-west4-a", "m") == offer
    doing = "look up the machine type m in europe-west4-a"
    assert recorded.calls == [(doing, "GET", f"{ZONE}/machineTypes/m", None, None)]


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
    path = "/compute/v1/projects/p/aggregated/machineTypes"
    assert recorded.calls == [("list the zones with m", "GET", path, query, None)]
    assert GoogleMachines(cast(RestApi, Recorded({})), "p").zones_with("m") == []


def tpu(name: str, **more: Any) -> dict[str, Any]:
    config = {"machineType": "ct6e-standard-4t", **more.pop("config", {})}
    return {"name": name, "initialNodeCount": 2, "config": config, **more}


def test_census_counts_pools_of_the_family_alone() -> None:
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
        {"name": "empty"},
    ]
    recorded = Recorded({"clusters": clusters, "missingZones": ["us-east5-a"]})
    adapter = GooglePools(cast(RestApi, recorded), groups({"targetSize": 5})[0], "p")
    here = ("europe-west4-a",)
    assert adapter.census(FAMILIES["v6e"]) == Census(
        (
            PoolUse("c", "live", ("europe-west4-b",), "ct6e-standard-4t", False, 5),
            PoolUse("c", "spot", here, "ct6e-standard-4t", True, 2),
            PoolUse("c", "flex", here, "ct6e-standard-4t", True, 2),
            PoolUse("c", "old", here, "ct6e-standard-4t", True, 2),
        ),
        frozenset({"us-east5-a"}),
    )
    path = "/v1/projects/p/locations/-/clusters"
    assert recorded.calls == [("list the clusters of the project", "GET", path, None, None)]


def test_census_of_an_empty_project() -> None:
    adapter = GooglePools(cast(RestApi, Recorded({})), groups({})[0], "p")
    assert adapter.census(FAMILIES["v6e"]) == Census((), frozenset())
