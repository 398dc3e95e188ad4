# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a child needs an update."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from sandbox.images.kserve.children import controlled_by, derives, described, up_to_date


@pytest.mark.parametrize(
    ("expected", "current", "same"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 0}, {"a": 1}, False),
        ({"a": ""}, {"a": "x"}, True),
        ({"a": []}, {"a": [1]}, True),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1, "y": 2}]}, True),
        ({"a": {"b": 1}}, {"a": None}, False),
        ({"a": False}, {"a": True}, False),
        (None, {"a": 1}, True),
    ],
    ids=["more", "zero", "empty-text", "empty-list", "longer", "deep", "missing", "false", "open"],
)
def test_derives(expected: Any, current: Any, same: bool) -> None:
    assert derives(expected, current) is same


def deployment(**template: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "main", "image": "i:1"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n", "labels": {"a": "b"}},
        "spec": {"replicas": 3, "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec, **template}},
    }


def test_annotation_of_a_restart_stays() -> None:
    current = deployment()
    current["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "now"}
    assert up_to_date(deployment(), current)


def test_pods_must_be_equal() -> None:
    current = deployment()
    current["spec"]["template"]["spec"]["nodeName"] = "n-1"
    assert not up_to_date(deployment(), current)


def test_foreign_strategy_is_taken_back() -> None:
    expected, current = deployment(), deployment()
    expected["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": "25%"}}
    current["spec"]["strategy"] = {"rollingUpdate": {"maxSurge": 0}}
    assert not up_to_date(expected, current)


def test_labels_must_be_there() -> None:
    current = deployment()
    current["metadata"]["labels"] = {}
    assert not up_to_date(deployment(), current)


def test_destination_rule_is_compared_whole() -> None:
    rule: dict[str, Any] = {"kind": "DestinationRule", "metadata": {}, "spec": {"host": "h"}}
    changed = copy.deepcopy(rule)
    changed["spec"]["subsets"] = []
    assert up_to_date(rule, copy.deepcopy(rule))
    assert not up_to_date(rule, changed)


def test_controller_is_found_by_uid() -> None:
    owner = {"metadata": {"uid": "u"}}
    assert controlled_by({"metadata": {"ownerReferences": [{"uid": "u", "controller": True}]}}, owner)
    assert not controlled_by({"metadata": {"ownerReferences": [{"uid": "u"}]}}, owner)
    assert not controlled_by({"metadata": {}}, owner)


def test_description_names_version_kind_and_place() -> None:
    assert described(deployment()) == "v1.Deployment n/d"
