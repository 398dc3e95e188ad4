# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Deployments still keep us waiting, and which charts could not be installed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._readiness import (
    helm_failures,
    is_available,
    unavailable_deployments,
)

WANTED = ["istio-system/istiod", "cert-manager/cert-manager"]


def deployment(
    namespace: str = "istio-system", name: str = "istiod", replicas: int | None = 2, **status: int
) -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name, "generation": 2},
        "spec": {} if replicas is None else {"replicas": replicas},
        "status": {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2, **status},
    }


@pytest.mark.parametrize(
    ("found", "available"),
    [
        pytest.param(deployment(), True, id="as wanted"),
        pytest.param(deployment(updatedReplicas=3, availableReplicas=3, observedGeneration=3), True, id="more"),
        pytest.param(deployment(observedGeneration=1), False, id="status of an older spec"),
        pytest.param(deployment(updatedReplicas=1), False, id="an old replica left"),
        pytest.param(deployment(availableReplicas=1), False, id="one replica short"),
        pytest.param(deployment(replicas=None, updatedReplicas=1, availableReplicas=1), True, id="one by default"),
        pytest.param(
            deployment(replicas=None, updatedReplicas=0, availableReplicas=1), False, id="default not updated"
        ),
        pytest.param(deployment(replicas=0, updatedReplicas=0, availableReplicas=0), True, id="none wanted"),
    ],
)
def test_is_available(found: dict[str, Any], available: bool) -> None:
    assert is_available(found) is available


@pytest.mark.parametrize("left_out", ["observedGeneration", "updatedReplicas", "availableReplicas"])
def test_what_the_status_leaves_out_is_zero(left_out: str) -> None:
    found = deployment(replicas=1)
    found["metadata"]["generation"] = 1
    del found["status"][left_out]
    assert not is_available(found)


def test_status_that_leaves_all_out_suffices_where_nothing_is_wanted() -> None:
    found = {"metadata": {"namespace": "n", "name": "d"}, "spec": {"replicas": 0}}
    assert is_available(found)
    assert not is_available({**found, "spec": {"replicas": 1}})


def test_wanted_ones_are_named_in_their_order() -> None:
    assert unavailable_deployments([], WANTED) == WANTED
    assert unavailable_deployments([deployment()], WANTED) == ["cert-manager/cert-manager"]
    assert unavailable_deployments([deployment(), deployment("cert-manager", "cert-manager")], WANTED) == []


def test_name_alone_is_not_enough() -> None:
    assert unavailable_deployments([deployment("other")], WANTED[:1]) == ["istio-system/istiod"]


CHART = {"name": "sail-operator", "namespace": "istio-system"}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        pytest.param({"stderr": "WARNING: a\nError: no space\n", "rc": 1}, "Error: no space", id="what Helm said last"),
        pytest.param({"failed": True, "msg": "helm is not installed"}, "helm is not installed", id="the module's word"),
        pytest.param({"failed_when_result": True}, "nothing.", id="nothing"),
    ],
)
def test_chart_that_could_not_be_installed_is_named(result: dict[str, Any], said: str) -> None:
    expected = f"Helm could not install sail-operator: {said}"
    assert helm_failures([{"item": CHART, "rc": 0}, {"item": CHART, **result}]) == [expected]


def test_charts_that_were_installed_say_nothing() -> None:
    assert helm_failures([{"item": CHART, "failed": False, "failed_when_result": False, "rc": 0}]) == []
