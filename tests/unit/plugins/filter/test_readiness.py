# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Deployments still keep us waiting."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.filter.readiness import unavailable_deployments

WANTED = ["istio-system/istiod"]


def deployment(**status: int) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "istio-system", "name": "istiod", "generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, "updatedReplicas": 2, "availableReplicas": 2} | status,
    }


def test_deployment_with_all_replicas_keeps_nobody_waiting() -> None:
    assert unavailable_deployments([deployment()], WANTED) == []


@pytest.mark.parametrize(
    "found",
    [
        pytest.param([], id="missing"),
        pytest.param([deployment(availableReplicas=1)], id="one replica short"),
        pytest.param([deployment(updatedReplicas=1)], id="an old replica left"),
        pytest.param([deployment(observedGeneration=1)], id="status of an older spec"),
    ],
)
def test_deployment_that_does_not_serve_is_named(found: list[dict[str, Any]]) -> None:
    assert unavailable_deployments(found, WANTED) == WANTED


def test_replicas_default_to_one() -> None:
    one = deployment(updatedReplicas=1, availableReplicas=1)
    del one["spec"]["replicas"]
    assert unavailable_deployments([one], WANTED) == []
