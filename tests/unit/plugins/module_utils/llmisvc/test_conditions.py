# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service says of itself: which conditions block, which of them can heal, and whether it speaks of now."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import (
    ROUTER_PARTS,
    WORKLOAD_PARTS,
    Condition,
    blocking,
    condition_problem,
    conditions_of,
    generation_of,
    is_terminal,
    model_name,
    service_problem,
    urls_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json

from tests.unit.plugins.module_utils.llmisvc.fake_cluster import NAME, URL, condition, service


def blocked(*conditions: Json) -> list[str]:
    return [each.type for each in blocking(conditions_of(service(*conditions)))]


def test_nothing_blocks_a_service_that_is_ready() -> None:
    assert blocked() == []


@pytest.mark.parametrize("kind", [*WORKLOAD_PARTS, *ROUTER_PARTS, "PresetsCombined", "WorkloadsReady", "RouterReady"])
def test_a_false_part_blocks_even_where_ready_is_true(kind: str) -> None:
    assert blocked(condition(kind)) == [kind]


@pytest.mark.parametrize("kind", ["GroupReady", "GroupDegraded", "OciImageVolumeCompatible", "OfTheFuture"])
def test_what_only_informs_blocks_nothing(kind: str) -> None:
    assert blocked(condition(kind)) == []


def test_an_unknown_part_blocks_nothing() -> None:
    assert blocked(condition("GatewaysReady", "Unknown")) == []


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_ready_itself_must_be_true(status: str) -> None:
    assert blocked(condition("Ready", status, "NewObservedGenFailure")) == ["Ready"]


def test_a_service_without_conditions_is_not_judged_yet() -> None:
    found = blocking(())
    assert [(each.type, each.status) for each in found] == [("Ready", "Unknown")]
    assert found[0].message == "KServe has not judged the service yet"


def test_leaves_are_told_and_not_what_they_make_up() -> None:
    kinds = ("Ready", "RouterReady", "WorkloadsReady", "InferencePoolReady", "HTTPRoutesReady", "MainWorkloadReady")
    assert blocked(*(condition(kind) for kind in kinds)) == [
        "MainWorkloadReady",
        "HTTPRoutesReady",
        "InferencePoolReady",
    ]


def test_presets_come_first() -> None:
    assert blocked(condition("MainWorkloadReady"), condition("PresetsCombined")) == [
        "PresetsCombined",
        "MainWorkloadReady",
    ]


def test_a_condition_without_reason_and_message_has_empty_ones() -> None:
    bare = {"status": {"conditions": [{"type": "Ready"}]}}
    assert conditions_of(bare) == (Condition("Ready", "Unknown", "", ""),)
    assert conditions_of({}) == ()
    assert Condition("Ready", "False", "Why", "so").public() == {
        "type": "Ready",
        "status": "False",
        "reason": "Why",
        "message": "so",
    }


@pytest.mark.parametrize(
    ("reason", "message", "terminal"),
    [
        pytest.param("ConfigNotFound", "", True, id="preset missing"),
        pytest.param("CombineBaseError", "", True, id="presets do not fit"),
        pytest.param("InvalidRenderedConfig", "", True, id="spec is wrong"),
        pytest.param("ScalingCRDNotFound", "", True, id="autoscaler missing"),
        pytest.param("HTTPRouteReconcileError", "spec.rules[0].timeouts: Invalid value", True, id="route is wrong"),
        pytest.param("SchedulerReconcileError", "containers: Required value", True, id="scheduler is wrong"),
        pytest.param("PlatformNetworkingReconcileError", "", True, id="platform"),
        pytest.param("ReconcileCertsError", "", True, id="certificates"),
        pytest.param("ReconcileSingleNodeWorkloadError", "", True, id="workload"),
        pytest.param("ReconcileWorkloadServiceError", "The object has been modified", False, id="somebody was quicker"),
        pytest.param("ReconcileCertsError", "failed calling webhook: Post", False, id="webhook is away"),
        pytest.param("ReconcileCertsError", "no endpoints available for service", False, id="webhook has no pods"),
        pytest.param("ReconcileCertsError", "connect: connection refused", False, id="refused"),
        pytest.param("ReconcileCertsError", "context deadline exceeded", False, id="deadline"),
        pytest.param("ReconcileCertsError", "dial tcp: i/o timeout", False, id="time-out"),
        pytest.param("ReconcileCertsError", "TLS handshake timeout", False, id="handshake"),
        pytest.param("ReconcileCertsError", "etcdserver: leader changed", False, id="etcd"),
        pytest.param("ReconcileCertsError", "request timed out", False, id="timed out"),
        pytest.param("ReconcileCertsError", "Too many requests", False, id="throttled"),
        pytest.param("ReconcileCertsError", "please try again", False, id="told to"),
        pytest.param("ConfigNotFound", "connection refused", True, id="preset missing, whatever the message"),
        pytest.param("Progressing", "", False, id="progressing"),
        pytest.param("MinimumReplicasUnavailable", "", False, id="replicas missing"),
        pytest.param("ProgressDeadlineExceeded", "", False, id="slow, which can heal"),
        pytest.param("WaitingForGateway", "", False, id="gateway comes"),
        pytest.param("GatewaysNotReady", "", False, id="gateway is not programmed"),
        pytest.param("RefsInvalid", "", False, id="gateway may be made"),
        pytest.param("HTTPRouteFetchError", "", False, id="not read"),
        pytest.param("Reconciled", "", False, id="no error"),
        pytest.param("", "", False, id="no reason"),
    ],
)
def test_which_conditions_do_not_heal(reason: str, message: str, terminal: bool) -> None:
    found = Condition("X", "False", reason, message)
    assert is_terminal(found) is terminal
    assert condition_problem(found, 30.0).after == (30.0 if terminal else None)


@pytest.mark.parametrize(
    ("reason", "symptom"),
    [
        ("", True),
        ("Progressing", True),
        ("MinimumReplicasUnavailable", True),
        ("ProgressDeadlineExceeded", True),
        ("ReplicaSetUpdated", True),
        ("ReconcileCertsError", False),
        ("GatewaysNotReady", False),
    ],
)
def test_what_only_counts_pods_is_a_symptom(reason: str, symptom: bool) -> None:
    assert Condition("MainWorkloadReady", "False", reason).symptom is symptom


def test_a_condition_becomes_a_sentence_with_its_remedy() -> None:
    problem = condition_problem(Condition("GatewaysReady", "False", "RefsInvalid", "Gateway a/b does not exist"), 1.0)
    assert problem.sentence == "GatewaysReady is not True (RefsInvalid): Gateway a/b does not exist."
    assert problem.remedy.startswith("Create the gateway or route")
    assert problem.public() == {
        "kind": "condition",
        "name": "GatewaysReady",
        "reason": "RefsInvalid",
        "message": "Gateway a/b does not exist",
        "remedy": problem.remedy,
        "cause": "route-reference-invalid",
        "terminal": False,
    }
    assert condition_problem(Condition("Ready", "Unknown"), 1.0).sentence == "Ready is not True."


def test_a_reconcile_error_points_to_the_controller() -> None:
    remedy = condition_problem(Condition("X", "False", "ReconcileCertsError", "no CA"), 1.0).remedy
    assert "controller" in remedy
    assert condition_problem(Condition("X", "False", "Progressing"), 1.0).remedy == ""


@pytest.mark.parametrize(
    ("body", "replicas", "reason", "after"),
    [
        pytest.param(service(), None, None, None, id="nothing"),
        pytest.param(service(), 3, None, None, id="as many as expected"),
        pytest.param(service(deletionTimestamp="x"), None, "Deleting", 0.0, id="being deleted"),
        pytest.param(service(annotations={"serving.kserve.io/stop": "true"}), None, "Stopped", 0.0, id="stopped"),
        pytest.param(
            service(annotations={"serving.kserve.io/stop": "True"}), None, "Stopped", 0.0, id="stopped, as Go reads it"
        ),
        pytest.param(service(annotations={"serving.kserve.io/stop": "false"}), None, None, None, id="not stopped"),
        pytest.param(service(replicas=2), 3, "OtherReplicas", 9.0, id="fewer than expected"),
        pytest.param(service(replicas=4), 3, "OtherReplicas", 9.0, id="more than expected"),
        pytest.param(service(replicas=0), 3, "OtherReplicas", 9.0, id="none instead of three"),
        pytest.param(service(replicas=None), 3, None, None, id="scaled by something else"),
        pytest.param(service(replicas=0), None, "NoReplicas", 9.0, id="none"),
        pytest.param(service(replicas=0), 0, None, None, id="none, as expected"),
        pytest.param(service(generation=3), None, "NotObserved", None, id="of an older generation"),
        pytest.param(service(observed=None), None, "NotObserved", None, id="never looked at"),
        pytest.param(
            service(generation=3, annotations={"serving.kserve.io/stop": "true"}), None, "Stopped", 0.0, id="stop first"
        ),
    ],
)
def test_what_makes_a_look_at_the_rest_pointless(
    body: Json, replicas: int | None, reason: str | None, after: float | None
) -> None:
    problem = service_problem(body, replicas, 9.0)
    assert (problem.reason if problem else None) == reason
    assert (problem.after if problem else None) == after
    if problem:
        assert (problem.kind, problem.name) == ("service", NAME)
        assert NAME in problem.sentence
        assert problem.remedy


def test_the_generations_are_told() -> None:
    assert generation_of(service(generation=5, observed=4)) == (5, 4)
    assert generation_of({"metadata": {}}) == (0, 0)
    problem = service_problem(service(generation=5, observed=4), None, 1.0)
    assert problem and "generation 5" in problem.message and "it knows generation 4" in problem.message
    problem = service_problem(service(observed=None), None, 1.0)
    assert problem and "it has not seen the service" in problem.message


@pytest.mark.parametrize(
    ("status", "url", "addresses"),
    [
        pytest.param({}, "", (), id="none"),
        pytest.param({"url": URL}, URL, (), id="url alone"),
        pytest.param({"addresses": [{"url": "a"}, {"url": "b"}]}, "a", ("a", "b"), id="addresses alone"),
        pytest.param({"url": "b", "addresses": [{"url": "a"}, {"url": "b"}]}, "b", ("a", "b"), id="url among them"),
        pytest.param({"address": {"url": "a"}, "addresses": [{"url": "a"}]}, "a", ("a",), id="the same twice"),
        pytest.param({"address": {"url": "a"}}, "a", ("a",), id="the older field"),
        pytest.param({"addresses": [{"origin": "x"}, {"url": ""}]}, "", (), id="entries without a URL"),
    ],
)
def test_urls(status: dict[str, Any], url: str, addresses: tuple[str, ...]) -> None:
    assert urls_of({"status": status}) == (url, addresses)


def test_an_address_of_the_clusters_own_dns_is_used_last() -> None:
    inside, outside = "http://gw.opendatahub.svc.cluster.local/ns/svc", "http://203.0.113.7/ns/svc"
    status = {"url": inside, "addresses": [{"url": inside}, {"url": outside}]}
    assert urls_of({"status": status}) == (outside, (inside, outside))
    assert urls_of({"status": {"url": inside}})[0] == inside


def test_the_models_name_is_the_services_where_it_has_none() -> None:
    assert model_name(service()) == "Qwen/Qwen2.5-3B-Instruct"
    assert model_name({"metadata": {"name": "n"}, "spec": {"model": {"uri": "hf://a/b"}}}) == "n"
    assert model_name({"metadata": {"name": "n"}}) == "n"
