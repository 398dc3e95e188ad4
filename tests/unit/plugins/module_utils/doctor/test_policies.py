# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network policies, evaluated as the API's own documentation says it (networking.k8s.io/v1)."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.policies import End, blockers, matches

SOURCE = End("gateways", {"app": "gateway"}, {"team": "mesh"}, address="10.1.0.7")
TARGET = End("models", {"app": "model"}, {}, {"https": 8000})


def policy(name: str = "p", namespace: str = "models", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def ingress(*peers: Any, ports: Any = ()) -> dict[str, Any]:
    rule = {**({"from": list(peers)} if peers else {}), **({"ports": list(ports)} if ports else {})}
    return policy(ingress=[rule])


def let_through(*policies: dict[str, Any], port: int = 8000) -> bool:
    return not blockers(policies, SOURCE, TARGET, port)


POD = {"podSelector": {"matchLabels": {"app": "gateway"}}}
NAMED = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}}}


@pytest.mark.parametrize(
    ("policies", "right"),
    [
        pytest.param([], True, id="none"),
        pytest.param([policy()], False, id="one that selects and allows nothing"),
        pytest.param([policy(podSelector={"matchLabels": {"app": "other"}})], True, id="one of other pods"),
        pytest.param([policy(namespace="others")], True, id="one of another namespace"),
        pytest.param([policy(policyTypes=["Egress"])], True, id="of the other direction"),
        pytest.param([policy(), ingress()], True, id="another one allows all"),
        pytest.param([ingress(POD)], False, id="a pod of the policy's own namespace"),
        pytest.param([ingress(NAMED)], True, id="a namespace by its name"),
        pytest.param([ingress({**NAMED, **POD})], True, id="both"),
        pytest.param([ingress({**NAMED, "podSelector": {"matchLabels": {"app": "x"}}})], False, id="another pod there"),
        pytest.param([ingress({"namespaceSelector": {}})], True, id="any namespace"),
        pytest.param([ingress({"namespaceSelector": {"matchLabels": {"team": "mesh"}}})], True, id="by its labels"),
        pytest.param([ingress({"ipBlock": {"cidr": "10.0.0.0/8"}})], True, id="its address"),
        pytest.param(
            [ingress({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}})], False, id="its address excepted"
        ),
        pytest.param([ingress(ports=[{"port": 8000}])], True, id="the port"),
        pytest.param([ingress(ports=[{"port": 8000, "protocol": "UDP"}])], False, id="its namesake of UDP"),
        pytest.param([ingress(ports=[{"port": "https"}])], True, id="the port by its name"),
        pytest.param([ingress(ports=[{"port": "grpc"}])], False, id="a name that it does not have"),
        pytest.param([ingress(ports=[{"port": 7000, "endPort": 9000}])], True, id="a range"),
        pytest.param([ingress(ports=[{"port": 8001}])], False, id="another port"),
        pytest.param([ingress(ports=[{"protocol": "TCP"}])], True, id="any port"),
        pytest.param([policy(namespace="gateways", policyTypes=["Egress"])], False, id="no way out of the source's"),
        pytest.param(
            [policy(namespace="gateways", egress=[{"to": [{"namespaceSelector": {}}]}], policyTypes=["Egress"])],
            True,
            id="a way out",
        ),
        pytest.param([policy(namespace="gateways", egress=[])], True, id="an empty egress alone closes only ingress"),
    ],
)
def test_what_is_let_through(policies: list[dict[str, Any]], right: bool) -> None:
    assert let_through(*policies) is right


def test_all_that_select_are_named() -> None:
    assert blockers([policy("a"), policy("b"), policy("c", "others")], SOURCE, TARGET, 8000) == ["models/a", "models/b"]


@pytest.mark.parametrize(
    ("expression", "right"),
    [
        ({"key": "app", "operator": "In", "values": ["model"]}, True),
        ({"key": "app", "operator": "In", "values": ["x"]}, False),
        ({"key": "app", "operator": "NotIn", "values": ["x"]}, True),
        ({"key": "none", "operator": "NotIn", "values": ["x"]}, True),
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "none", "operator": "Exists"}, False),
        ({"key": "none", "operator": "DoesNotExist"}, True),
        ({"key": "app", "operator": "DoesNotExist"}, False),
    ],
)
def test_expressions(expression: dict[str, Any], right: bool) -> None:
    assert matches({"matchExpressions": [expression]}, TARGET.labels) is right
