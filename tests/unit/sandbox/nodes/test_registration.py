# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes as they are registered, the inventory's file, addresses, usage and events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.control_plane.kube import ApiError, Conflict, NotFound
from sandbox.nodes.addresses import AddressPool, NoAddressLeftError
from sandbox.nodes.cluster import Cluster
from sandbox.nodes.events import Events
from sandbox.nodes.inventory import Inventory, Machine
from sandbox.nodes.records import RUNNING, ContainerRecord, PodRecord
from sandbox.nodes.registration import Registrar, node_object
from sandbox.nodes.usage import Usage, metrics, parse_stat, summary
from tests.unit.sandbox.nodes.fakes import pod

ENTRY: dict[str, Any] = {
    "name": "gke-c-tpu-pool-1",
    "number": 3,
    "pool": "tpu-pool",
    "machine_type": "ct6e-standard-4t",
    "zone": "europe-west4-a",
    "labels": {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice"},
    "taints": [{"key": "google.com/tpu", "value": "present", "effect": "NoSchedule"}],
    "capacity": {"cpu": "180", "memory": "720Gi", "google.com/tpu": "4"},
    "version": "v1.36.3-gke.1",
    "provider_id": "gce://p/europe-west4-a/gke-c-tpu-pool-1",
}
CLUSTER = Cluster(Path("/nowhere"), 7)


def test_node_is_registered_with_what_the_cloud_gave() -> None:
    node = node_object(CLUSTER, Machine.from_mapping(ENTRY), "2026-01-01T00:00:00Z")
    labels = node["metadata"]["labels"]
    assert labels["cloud.google.com/gke-tpu-accelerator"] == "tpu-v6e-slice"
    assert labels["kubernetes.io/hostname"] == ENTRY["name"]
    assert labels["topology.kubernetes.io/region"] == "europe-west4"
    assert node["spec"]["taints"] == ENTRY["taints"]
    assert node["spec"]["podCIDR"] == "10.7.3.0/24"
    assert node["spec"]["providerID"] == ENTRY["provider_id"]
    status = node["status"]
    assert status["addresses"][0] == {"type": "InternalIP", "address": "10.7.127.4"}
    assert status["allocatable"]["google.com/tpu"] == "4"
    assert status["daemonEndpoints"]["kubeletEndpoint"]["Port"] == 10250
    assert {each["type"]: each["status"] for each in status["conditions"]}["Ready"] == "True"
    assert status["nodeInfo"]["kubeletVersion"] == "v1.36.3-gke.1"


class FakeApi:
    """Answers with what it was given, and keeps what it was asked."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.calls: list[tuple[str, Any]] = []

    def _answer(self, call: str, content: object) -> Any:
        self.calls.append((call, content))
        answer = self._answers.pop(0) if self._answers else {"metadata": {"uid": "u"}}
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def create(self, obj: dict[str, Any]) -> Any:
        return self._answer(f"create {obj['kind']}", obj)

    async def get(self, ref: Any, name: str, namespace: str | None = None) -> Any:
        return self._answer(f"get {ref.plural}", name)

    async def patch(self, ref: Any, name: str, namespace: str | None, body: Any, **options: Any) -> Any:
        return self._answer(f"patch {ref.plural} {options.get('subresource', '')}".strip(), body)


async def test_known_node_keeps_the_taints_of_others() -> None:
    known = {
        "metadata": {"uid": "u"},
        "spec": {"taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]},
    }
    api: Any = FakeApi(Conflict(409, "AlreadyExists", ""), known)
    assert await Registrar(CLUSTER, api).register(Machine.from_mapping(ENTRY)) == "u"
    change = dict(api.calls)["patch nodes"]
    assert [taint["key"] for taint in change["spec"]["taints"]] == [
        "google.com/tpu",
        "node.kubernetes.io/unschedulable",
    ]
    assert "create Lease" in dict(api.calls)


def test_inventory_is_read_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "nodes.json"
    inventory = Inventory(file)
    assert not inventory.read()
    file.write_text(json.dumps([ENTRY]))
    assert inventory.read()
    assert not inventory.read()
    assert inventory.machines[ENTRY["name"]].capacity["pods"] == "110"
    inventory.forget()
    assert inventory.read()
    new = tmp_path / "new"
    new.write_text("[]")
    new.replace(file)
    assert inventory.read()
    assert inventory.machines == {}


def test_addresses_are_given_in_turn_and_kept() -> None:
    pool = AddressPool(CLUSTER, 3)
    assert [pool.take("a"), pool.take("b")] == ["10.7.3.2", "10.7.3.3"]
    pool.give_back("10.7.3.2", "a")
    assert pool.take("c") == "10.7.3.4"
    pool.give_back("10.7.3.3", "somebody else")
    restarted = AddressPool(CLUSTER, 3)
    restarted.keep("10.7.3.3", "b")
    assert restarted.take("d") == "10.7.3.4"


def test_node_without_addresses_says_so() -> None:
    pool = AddressPool(CLUSTER, 0)
    for number in range(253):
        pool.take(str(number))
    with pytest.raises(NoAddressLeftError, match="all 253 pod addresses"):
        pool.take("one more")


def test_process_status_is_parsed_behind_its_name() -> None:
    fields = ["S", "1", "2", "77", *["0"] * 7, "100", "50", "25", "25", *["0"] * 6, "10", *["0"] * 20]
    session, usage = parse_stat(f"12 (a) b) {' '.join(fields)}")
    assert session == 77
    assert usage.cpu_seconds == pytest.approx(2.0)
    assert usage.memory_bytes > 0


def test_usage_of_running_containers_in_both_formats() -> None:
    record = PodRecord("u", "ns", "p", "n", started_at="2026-01-01T00:00:00Z")
    record.containers = {
        "main": ContainerRecord("main", RUNNING, pid=77, started_at="2026-01-01T00:00:00Z"),
        "over": ContainerRecord("over", pid=78),
    }
    sessions = {77: Usage(1.5, 4096), 78: Usage(9.0, 9)}
    found = summary("n", [record], sessions)
    assert found["node"]["cpu"]["usageCoreNanoSeconds"] == 1_500_000_000
    assert [each["name"] for each in found["pods"][0]["containers"]] == ["main"]
    text = metrics([record], sessions)
    assert 'container_cpu_usage_seconds_total{container="main",namespace="ns",pod="p"} 1.5 ' in text
    assert "node_memory_working_set_bytes 4096 " in text
    assert text.endswith("scrape_error 0\n")


async def test_repeated_event_is_counted() -> None:
    api: Any = FakeApi()
    events = Events(api)
    for _ in range(3):
        events.pod(pod(), "BackOff", "again", container="spec.containers{main}", warning=True)
    events.pod(pod(), "Started", "Started container main")
    assert not await events.flush()
    (_, first), (_, second) = api.calls
    assert (first["count"], first["type"], first["involvedObject"]["fieldPath"]) == (
        3,
        "Warning",
        "spec.containers{main}",
    )
    assert (second["count"], second["type"], second["source"]["host"]) == (1, "Normal", "node-0")
    events.pod(pod(), "BackOff", "again", container="spec.containers{main}", warning=True)
    assert await events.flush()
    assert len(api.calls) == 2
    assert not await events.flush(everything=True)
    assert api.calls[-1][1]["count"] == 4


async def test_refused_event_is_dropped_and_an_expired_one_made_again() -> None:
    api: Any = FakeApi(ApiError(403, "Forbidden", "namespace is terminating"), {}, NotFound(404, "NotFound", ""), {})
    events = Events(api)
    events.pod(pod(), "A", "a")
    await events.flush()
    events.pod(pod(), "B", "b")
    await events.flush()
    events.pod(pod(), "B", "b")
    await events.flush(everything=True)
    events.pod(pod(), "B", "b")
    await events.flush(everything=True)
    assert [call for call, _ in api.calls] == ["create Event", "create Event", "patch events", "create Event"]
