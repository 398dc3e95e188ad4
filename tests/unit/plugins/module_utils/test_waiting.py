# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""objects_wait_ready: what an object lacks, told while it waits and when it fails."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Key
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._waiting import CAPABILITY, Ports, Wanted, lacking, ports_of

from tests.unit.fake_clock import FakeClock

Json = dict[str, Any]
PEM = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----"


def deployment(available: int, replicas: int = 1) -> Json:
    return {
        "metadata": {"name": "kserve", "namespace": "ns", "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "kserve"}}},
        "status": {"observedGeneration": 1, "updatedReplicas": replicas, "availableReplicas": available},
    }


def pod(reason: str = "", message: str = "", *, scheduled: bool = True) -> Json:
    if not scheduled:
        conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]
        return {"metadata": {"name": "p"}, "status": {"conditions": conditions}}
    waiting = {"waiting": {"reason": reason, "message": message}} if reason else {"running": {}}
    return {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"state": waiting}]}}


def failed(name: str, minute: str) -> Json:
    status = {
        "phase": "Failed",
        "reason": "OutOfpods",
        "message": "no room",
        "startTime": f"2026-11-24T12:{minute}:00Z",
    }
    return {"metadata": {"name": name}, "status": status}


def goes(reason: str, message: str) -> Json:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    return {"metadata": {"name": "p"}, "status": {"conditions": [condition]}}


def ended(code: int, reason: str) -> Json:
    terminated = {"terminated": {"exitCode": code, "reason": reason}}
    return {"metadata": {"name": "p"}, "status": {"initContainerStatuses": [{"state": terminated}]}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class FakeObjects:
    def __init__(self) -> None:
        self.live: dict[str, Json] = {}
        self.its_pods: list[Json] | KubernetesError = []
        self.read_names: list[str] = []

    def read(self, key: Key) -> Json | None:
        self.read_names.append(key.name)
        return self.live.get(key.name)

    def pods(self, namespace: str, labels: Mapping[str, str]) -> list[Json]:
        assert (namespace, labels) == ("ns", {"app": "kserve"})
        if isinstance(self.its_pods, KubernetesError):
            raise self.its_pods
        return self.its_pods


class World:
    def __init__(self) -> None:
        self.objects = FakeObjects()
        self.clock = FakeClock()
        self.said: list[str] = []

    def run(self, *objects: Json, deployments: tuple[str, ...] = (), check_mode: bool = False) -> Result:
        given = {"namespace": "", "certificate_keys": []}
        params = {
            "deployments": list(deployments),
            "objects": [{**given, **each} for each in objects],
            "wait_timeout": 20,
            "wait_interval": 5.0,
        }
        return CAPABILITY.run(params, Ports(self.objects, self.clock), self.said.append, check_mode)


ISSUER = {"api_version": "cert-manager.io/v1", "kind": "ClusterIssuer", "name": "ca"}
SECRET = {
    "api_version": "v1",
    "kind": "Secret",
    "namespace": "ns",
    "name": "authority",
    "certificate_keys": ["ca.crt", "tls.crt"],
}


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        pytest.param([], "has 0 of 1 available", id="no pod"),
        pytest.param([pod("ContainerCreating")], "has 0 of 1 available", id="begun"),
        pytest.param([pod()], "has 0 of 1 available", id="not ready yet"),
        pytest.param(
            [pod("ImagePullBackOff", 'Back-off pulling image "r/x"')],
            'has 0 of 1 available; pod p: ImagePullBackOff: Back-off pulling image "r/x"',
            id="cannot pull",
        ),
        pytest.param(
            [pod(message="0/1 nodes are available", scheduled=False)],
            "has 0 of 1 available; pod p: Unschedulable: 0/1 nodes are available",
            id="no node",
        ),
        pytest.param(
            [failed("r1", "10"), failed("r2", "12"), failed("r3", "11")],
            "has 0 of 1 available; pod r2: OutOfpods: no room, and 2 more before it",
            id="refused by its node",
        ),
        pytest.param(
            [failed("r1", "10"), pod("CreateContainerError", "no command specified")],
            "has 0 of 1 available; pod p: CreateContainerError: no command specified",
            id="what lives says more than what ended",
        ),
        pytest.param(
            [goes("EvictionByEvictionAPI", "evicting")],
            "has 0 of 1 available; pod p: it was evicted, as when a node is drained or upgraded: evicting",
            id="evicted",
        ),
        pytest.param(
            [ended(137, "Error")],
            "has 0 of 1 available; pod p: Error: it was killed (SIGKILL): at the end of its grace period, or by the "
            "kernel for lack of memory",
            id="killed",
        ),
        pytest.param([ended(3, "Error")], "has 0 of 1 available; pod p: Error: exit code 3", id="ended"),
        pytest.param([ended(0, "Completed")], "has 0 of 1 available", id="an init container that is done"),
        pytest.param(KubernetesError("list", 403, "Forbidden", "no"), "has 0 of 1 available", id="pods not shown"),
    ],
)
def test_deployment_that_stays_unready_is_told_with_its_pods_reason(pods: Any, told: str) -> None:
    world = World()
    world.objects.live["kserve"] = deployment(0)
    world.objects.its_pods = pods
    with pytest.raises(RhaiiError) as failure:
        world.run(deployments=("ns/kserve",))
    assert str(failure.value).startswith(f"Still not ready after 20 s: Deployment ns/kserve {told}. ")
    assert failure.value.result["waiting"] == [f"Deployment ns/kserve {told}"]
    # once, for as long as nothing changes
    assert world.said == [f"waiting: Deployment ns/kserve {told}"]


def test_pods_that_the_cluster_does_not_let_in_are_told_by_their_deployment() -> None:
    world = World()
    refused = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q"}
    live = deployment(0)
    live["status"]["conditions"] = [{"type": "Progressing", "status": "True"}, refused]
    world.objects.live["kserve"] = live
    with pytest.raises(RhaiiError, match="has 0 of 1 available; FailedCreate: exceeded quota: q"):
        world.run(deployments=("ns/kserve",))


PROGRAMMED = {"type": "Programmed", "status": "True", "observedGeneration": 2}


@pytest.mark.parametrize(
    ("status", "lacks"),
    [
        pytest.param({"conditions": [PROGRAMMED]}, "", id="serves"),
        pytest.param({"conditions": []}, "does not say yet whether it is Programmed", id="silent"),
        pytest.param(
            {"conditions": [{**PROGRAMMED, "observedGeneration": 1}]},
            "says Programmed of its generation 1, and it is of 2",
            id="of an older form",
        ),
        pytest.param(
            {"conditions": [{**PROGRAMMED, "status": "False", "reason": "AddressNotAssigned", "message": "wait"}]},
            "is not Programmed: AddressNotAssigned: wait",
            id="no address",
        ),
        pytest.param(
            {
                "conditions": [PROGRAMMED],
                "listeners": [
                    {"name": "https", "conditions": [{"type": "ResolvedRefs", "status": "False", "reason": "No"}]}
                ],
            },
            "does not serve: its listener https is not ResolvedRefs (No)",
            id="a listener does not serve",
        ),
        pytest.param(
            {
                "conditions": [PROGRAMMED],
                "listeners": [
                    {"name": "a", "conditions": [{"type": "Conflicted", "status": "Unknown"}]},
                    {"conditions": [{"type": "Conflicted", "status": "True"}]},
                ],
            },
            "does not serve: its listener a is not known to be free of conflicts; its listener unnamed is Conflicted",
            id="listeners in conflict",
        ),
    ],
)
def test_a_gateway_is_ready_with_all_its_listeners(status: Json, lacks: str) -> None:
    live = {"metadata": {"name": "g", "generation": 2}, "status": status}
    wanted = Wanted(Key("gateway.networking.k8s.io/v1", "Gateway", "g", "ns"))
    assert lacking(wanted, live, lambda deployment: []) == lacks


def test_wait_ends_when_all_are_ready_and_ready_ones_are_not_asked_again() -> None:
    world = World()
    ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    world.objects.live = {"kserve": deployment(1), "ca": {"status": {"conditions": []}}}

    def move(passed: float) -> None:
        world.objects.live["ca"] = ready

    world.clock.on_sleep = move
    result = world.run(ISSUER, deployments=("ns/kserve",))
    assert (result["ready"], result["waiting"]) == (True, [])
    assert world.said == ["waiting: ClusterIssuer ca does not say yet whether it is Ready"]
    assert world.objects.read_names == ["kserve", "ca", "ca"]


@pytest.mark.parametrize(
    ("kind", "live", "lacks"),
    [
        pytest.param("ClusterIssuer", None, "is not there", id="missing"),
        pytest.param(
            "ClusterIssuer",
            {"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "ErrGetKeyPair"}]}},
            "is not Ready: ErrGetKeyPair",
            id="not ready",
        ),
        pytest.param("CustomResourceDefinition", {}, "does not say yet whether it is Established", id="not served"),
        pytest.param("ConfigMap", {}, "", id="being there is enough"),
    ],
)
def test_what_other_kinds_lack(kind: str, live: Json | None, lacks: str) -> None:
    world = World()
    world.objects.live = {} if live is None else {"ca": live}
    result = world.run({**ISSUER, "kind": kind}, check_mode=True)
    assert result["ready"] is (lacks == "")
    assert result["waiting"] == ([f"{kind} ca {lacks}"] if lacks else [])


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param({"ca.crt": encoded(PEM), "tls.crt": encoded("other")}, f"{PEM}\n", id="the authority's"),
        pytest.param({"ca.crt": "", "tls.crt": encoded(PEM)}, f"{PEM}\n", id="its own"),
        pytest.param({"ca.crt": encoded(f"{PEM}\n{PEM}")}, f"{PEM}\n{PEM}\n", id="a chain"),
        pytest.param({"ca.crt": encoded("-----BEGIN PRIVATE KEY-----")}, "", id="no certificate"),
        pytest.param({"ca.crt": "%"}, "", id="no base64"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_of_a_secret_only_a_certificate_is_returned(data: Json | None, found: str) -> None:
    world = World()
    world.objects.live["authority"] = {"data": None if data is None else {**data, "tls.key": encoded("hunter22")}}
    result = world.run(SECRET, check_mode=True)
    assert result["certificates"] == ({"authority": found} if found else {})
    assert result["ready"] is bool(found)
    assert "hunter22" not in str(result)


def test_wrong_name_is_a_sentence() -> None:
    with pytest.raises(RhaiiError, match=r"kserve names no Deployment\. Give namespace/name"):
        World().run(deployments=("kserve",))


def test_real_port_is_made_from_the_options() -> None:
    assert ports_of({"host": "http://127.0.0.1:9", "api_key": "t"}).objects is not None
