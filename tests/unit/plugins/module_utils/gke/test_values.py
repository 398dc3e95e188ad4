# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What GKE's answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import concerns, remedy_for
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import pool_size
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    GroupRef,
    Operation,
    Problem,
    at_least,
    certificate_of,
    debts_of,
    groups_of,
    is_stockout,
    labels_of_pool,
    operation_of,
    our_labels,
    problem_of,
)

from tests.unit.plugins.module_utils.fake_gke import FakeGke


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param({}, None, None, id="nothing wrong"),
        pytest.param({"error": {}}, None, None, id="an empty error"),
        pytest.param({"error": {"code": 8, "message": "x"}}, "RESOURCE_EXHAUSTED", "x", id="a numbered error"),
        pytest.param({"error": {"code": 99, "message": "x"}}, "UNKNOWN", "x", id="an unknown number"),
        pytest.param({"error": {"message": "x"}}, "UNKNOWN", "x", id="words without a number"),
        pytest.param(
            {"error": {"code": 8, "message": "x"}, "nodepoolConditions": [{"code": "GCE_STOCKOUT", "message": "y"}]},
            "GCE_STOCKOUT",
            "x",
            id="a condition is more specific",
        ),
        pytest.param(
            {"clusterConditions": [{"code": "UNKNOWN", "canonicalCode": "INTERNAL", "message": "y"}]},
            "INTERNAL",
            "y",
            id="a canonical code alone",
        ),
        pytest.param(
            {"conditions": [{"canonicalCode": "INTERNAL"}]}, "INTERNAL", "", id="a canonical code and nothing else"
        ),
        pytest.param({"conditions": [{"code": "CA_EXPIRING", "message": "y"}]}, None, None, id="a notice"),
        pytest.param({"conditions": [{"canonicalCode": "OK"}]}, None, None, id="a good condition"),
    ],
)
def test_problem_of(body: dict[str, Any], code: str | None, message: str | None) -> None:
    problem = problem_of(body)
    assert (problem and problem.code) == code
    assert (problem and problem.message) == message


def test_operation_of_reads_what_is_needed() -> None:
    operation = operation_of({"name": "o", "operationType": "CREATE_CLUSTER", "status": "DONE", "detail": "d"})
    assert operation == Operation("o", "CREATE_CLUSTER", "DONE", "", "d", None)
    assert operation.done
    assert not operation_of({"status": "RUNNING"}).done
    assert operation_of({"statusMessage": "m", "targetLink": "t"}) == Operation("", "", "", "t", "m")


ANOTHER_ZONE = (
    "The zone has no such machines left at this moment. Try again later, or set rhaii_location to another zone that "
    "preflight ranks as sufficient."
)
MORE_QUOTA = "Ask for more quota at https://console.cloud.google.com/iam-admin/quotas, or want fewer nodes."


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        pytest.param(Problem("GCE_STOCKOUT", ""), ANOTHER_ZONE, id="stockout by code"),
        pytest.param(
            Problem("RESOURCE_EXHAUSTED", "The zone does not have enough resources"), ANOTHER_ZONE, id="by words"
        ),
        pytest.param(Problem("RESOURCE_EXHAUSTED", "Quota 'X' exceeded"), MORE_QUOTA, id="quota by words"),
        pytest.param(Problem("GCE_QUOTA_EXCEEDED", ""), MORE_QUOTA, id="quota by code"),
        pytest.param(
            Problem("RESOURCE_EXHAUSTED", ""),
            "Either the zone is out of such machines or the quota is used up: run preflight, which tells which, then "
            "wait, ask for quota, or set rhaii_location to another zone.",
            id="either",
        ),
        pytest.param(
            Problem("PERMISSION_DENIED", ""),
            "Give the account the permission that the message names, and run again.",
            id="permission",
        ),
    ],
)
def test_remedy_for(problem: Problem, remedy: str) -> None:
    assert remedy_for(problem) == remedy


TARGET = "https://container.googleapis.com/v1/projects/1/zones/z/clusters/c"


@pytest.mark.parametrize(
    ("target", "cluster", "pool", "answer"),
    [
        pytest.param(TARGET, "c", None, True, id="the cluster"),
        pytest.param(f"{TARGET}/nodePools/a", "c", None, True, id="a pool, asked for the cluster"),
        pytest.param(f"{TARGET}/nodePools/a", "c", "a", True, id="the pool"),
        pytest.param(f"{TARGET}/nodePools/ab", "c", "a", False, id="a pool with a longer name"),
        pytest.param(TARGET, "c", "a", False, id="the cluster, asked for a pool"),
        pytest.param(f"{TARGET}2", "c", None, False, id="a cluster with a longer name"),
        pytest.param("", "c", None, False, id="no target"),
        pytest.param("projects/1/zones/z/clusters", "c", None, False, id="a target without a name"),
    ],
)
def test_concerns(target: str, cluster: str, pool: str | None, answer: bool) -> None:
    assert concerns(Operation("o", "X", "RUNNING", target), cluster, pool) is answer


def test_groups_of_reads_both_kinds_of_urls() -> None:
    base = "https://www.googleapis.com/compute/v1/projects/p/zones/z"
    pool = {"instanceGroupUrls": [f"{base}/instanceGroupManagers/a", f"{base}/instanceGroups/b", "nonsense"]}
    assert groups_of(pool) == [GroupRef("p", "z", "a"), GroupRef("p", "z", "b")]
    assert groups_of({}) == []


def test_pool_size_before_the_groups_exist_is_what_was_asked() -> None:
    assert pool_size(FakeGke(), [], {"initialNodeCount": 3, "locations": ["a", "b"]}) == 6
    assert pool_size(FakeGke(), [], {"initialNodeCount": 3}) == 3
    assert pool_size(FakeGke(), [], {}) == 0


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        pytest.param("1.36.3-gke.1", "1.36", True, id="same minor"),
        pytest.param("1.36.3-gke.1", "1.36.3-gke.1", True, id="equal"),
        pytest.param("1.36.3-gke.1", "1.36.3-gke.2", False, id="older patch"),
        pytest.param("1.36.3-gke.1", "1.37", False, id="older minor"),
        pytest.param("1.100.0", "1.37", True, id="compared as numbers"),
        pytest.param("", "1.37", False, id="no version"),
    ],
)
def test_at_least(version: str, wanted: str, answer: bool) -> None:
    assert at_least(version, wanted) is answer


def test_certificate_of() -> None:
    assert certificate_of({"masterAuth": {"clusterCaCertificate": "YWJj"}}) == "abc"
    assert certificate_of({}) == ""
    with pytest.raises(RhaiiError, match="not base64"):
        certificate_of({"masterAuth": {"clusterCaCertificate": "_"}})


@pytest.mark.parametrize(
    ("environment", "extra"),
    [
        pytest.param("has space", {}, id="a blank"),
        pytest.param("x" * 64, {}, id="too long"),
        pytest.param("prod", {"Team": "a"}, id="a capital in a key"),
        pytest.param("prod", {"1a": "a"}, id="a key that starts with a digit"),
        pytest.param("prod", {"": "a"}, id="an empty key"),
    ],
)
def test_labels_that_google_refuses(environment: str, extra: dict[str, str]) -> None:
    with pytest.raises(RhaiiError, match="cannot be a label"):
        our_labels(environment, extra)


def test_our_labels_win_over_extra_ones() -> None:
    labels = our_labels("prod", {"managed-by": "me", "team": "", "cost": 4711})
    assert labels == {"managed-by": "rhaii-gke", "rhaii-environment": "prod", "team": "", "cost": "4711"}


def test_labels_of_a_pool_as_google_has_them() -> None:
    assert labels_of_pool({"config": {"resourceLabels": {"a": "b"}}}) == {"a": "b"}
    assert labels_of_pool({"config": {}}) == labels_of_pool({"config": None}) == labels_of_pool({}) == {}


@pytest.mark.parametrize(
    ("number", "code"), [(1, "CANCELLED"), (16, "UNAUTHENTICATED"), (17, "UNKNOWN"), (-1, "UNKNOWN")]
)
def test_numbers_of_errors(number: int, code: str) -> None:
    problem = problem_of({"error": {"code": number}})
    assert problem == Problem(code, "")


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        pytest.param(None, False, id="nothing"),
        pytest.param(Problem("GCE_STOCKOUT", ""), True, id="GKE's code"),
        pytest.param(Problem("ZONE_RESOURCE_POOL_EXHAUSTED", ""), True, id="Compute Engine's code"),
        pytest.param(Problem("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", ""), True, id="its longer code"),
        pytest.param(Problem("INTERNAL", "[GCE_STOCKOUT]: no"), True, id="a code in words"),
        pytest.param(Problem("UNKNOWN", "The zone does not have enough resources"), True, id="not enough"),
        pytest.param(Problem("UNKNOWN", "Out of capacity"), True, id="out of capacity"),
        pytest.param(Problem("UNKNOWN", "There is no more capacity"), True, id="no more capacity"),
        pytest.param(Problem("RESOURCE_EXHAUSTED", "Quota exceeded"), False, id="quota"),
    ],
)
def test_is_stockout(problem: Problem | None, answer: bool) -> None:
    assert is_stockout(problem) is answer


def test_debts_of() -> None:
    labels = {"rhaii-debt-us-east5-a": "o2", "rhaii-debt-a": "o1", "managed-by": "rhaii-gke"}
    assert list(debts_of(labels).items()) == [("a", "o1"), ("us-east5-a", "o2")]


def test_condition_without_words() -> None:
    assert problem_of({"conditions": [{"code": "GCE_STOCKOUT"}]}) == Problem("GCE_STOCKOUT", "")
    assert problem_of({"conditions": [{"message": "x"}]}) is None
    assert problem_of({"conditions": [{"code": "UNKNOWN"}]}) is None


def test_operation_of_which_google_says_nothing() -> None:
    assert operation_of({}) == Operation("", "", "", "")


@pytest.mark.parametrize(
    ("environment", "extra", "said"),
    [
        pytest.param("Prod", {}, "rhaii-environment=Prod", id="capitals"),
        pytest.param("prod", {"1st": "a"}, "1st=a", id="a key that starts with a digit"),
        pytest.param("prod", {"": "a"}, "=a", id="no key"),
        pytest.param("prod", {"a b": "a"}, "a b=a", id="a key with a blank"),
        pytest.param("prod", {"team": "x" * 64}, f"team={'x' * 64}", id="a long value"),
    ],
)
def test_what_cannot_be_a_label_is_refused(environment: str, extra: dict[str, str], said: str) -> None:
    with pytest.raises(RhaiiError) as caught:
        our_labels(environment, extra)
    assert caught.value.msg == f"{said} cannot be a label in Google Cloud."
    assert caught.value.remedy == (
        "Use at most 63 lower-case letters, digits, '-' and '_', and let the key start with a letter."
    )


def test_label_of_one_letter_and_a_digit() -> None:
    assert our_labels("prod", {"a1": ""})["a1"] == ""


def test_certificate_that_is_none_is_said() -> None:
    with pytest.raises(RhaiiError) as caught:
        certificate_of({"masterAuth": {"clusterCaCertificate": "!"}})
    assert caught.value.msg == "GKE answered with a CA certificate that is not base64 text."
