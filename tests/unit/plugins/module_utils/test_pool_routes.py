# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which rules of a gateway lead to a pool, by the names that Istio gives them, and whom each must ask."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import kserve_objects, pool_routes

from sandbox.images.istiod.names import route_name

POOL = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "p"}
CLUSTER = "outbound|9002||p-epp.team.svc.cluster.local"
SERVICE = {"kind": "Service", "name": "s", "port": 8000}
GATEWAY = {"name": "inference-gateway", "namespace": "opendatahub"}


def route(*rules: Any, name: str = "r", parents: Any = (GATEWAY,)) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"parentRefs": parents and list(parents), "rules": rules and list(rules)},
    }


def rule(*backends: Any, name: str = "") -> dict[str, Any]:
    return {"backendRefs": list(backends), **({"name": name} if name else {})}


def pool(name: str = "p", namespace: str = "team", **picker: Any) -> dict[str, Any]:
    ref = {"name": f"{name}-epp", "port": {"number": 9002}, "failureMode": "FailOpen", **picker}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"endpointPickerRef": ref}}


def asked(*routes: dict[str, Any], pools: Any = None) -> list[dict[str, Any]]:
    known = [pool(), pool("other")] if pools is None else pools
    return pool_routes(routes, known, "inference-gateway", "opendatahub")


def found(*routes: dict[str, Any]) -> list[str]:
    return [item["name"] for item in asked(*routes)]


def test_rules_with_a_pool_are_named_by_their_place() -> None:
    assert found(route(rule(POOL), rule(SERVICE), rule(POOL))) == ["team.r.0", "team.r.2"]


def test_names_are_those_of_the_sandboxs_istiod() -> None:
    assert found(route(rule(SERVICE), rule(POOL))) == [route_name("team", "r", 1)]
    assert found(route(rule(POOL, name="chat"))) == [route_name("team", "r", 0, "chat")]


def test_rules_own_name_wins_and_is_said_once() -> None:
    assert found(route(rule(POOL, name="chat")), route(rule(POOL, name="chat"), name="q")) == ["chat"]


def test_names_of_all_routes_are_sorted() -> None:
    assert found(route(rule(POOL), name="b"), route(rule(POOL), name="a")) == ["team.a.0", "team.b.0"]


def test_one_pool_among_backends_is_enough() -> None:
    assert found(route(rule(SERVICE, POOL))) == ["team.r.0"]


@pytest.mark.parametrize(
    ("backend", "counts"),
    [
        pytest.param({**POOL, "group": "inference.networking.x-k8s.io"}, True, id="older group"),
        pytest.param({**POOL, "group": "example.com"}, False, id="foreign group"),
        pytest.param({"kind": "InferencePool", "name": "p"}, False, id="no group"),
        pytest.param({**POOL, "kind": "Service"}, False, id="other kind"),
        pytest.param({"name": "s"}, False, id="a Service without saying so"),
    ],
)
def test_what_is_a_pool(backend: dict[str, Any], counts: bool) -> None:
    assert found(route(rule(backend))) == (["team.r.0"] if counts else [])


@pytest.mark.parametrize(
    ("parents", "counts"),
    [
        pytest.param([{"name": "other", "namespace": "opendatahub"}, GATEWAY], True, id="one of several"),
        pytest.param([{**GATEWAY, "kind": "Gateway", "group": "gateway.networking.k8s.io"}], True, id="in full"),
        pytest.param([{**GATEWAY, "name": "other"}], False, id="another gateway"),
        pytest.param([{**GATEWAY, "namespace": "other"}], False, id="another namespace"),
        pytest.param([{"name": "inference-gateway"}], False, id="the route's own namespace"),
        pytest.param([{**GATEWAY, "kind": "Service"}], False, id="a Service of that name"),
        pytest.param([], False, id="none"),
        pytest.param(None, False, id="null"),
    ],
)
def test_only_the_gateways_own_routes_count(parents: Any, counts: bool) -> None:
    assert found(route(rule(POOL), parents=parents)) == (["team.r.0"] if counts else [])


def test_parent_without_a_namespace_is_in_the_routes_own() -> None:
    (only,) = pool_routes([route(rule(POOL), parents=[{"name": "g"}])], [pool()], "g", "team")
    assert only["name"] == "team.r.0"


def test_route_without_rules_or_backends_has_no_names() -> None:
    assert found(route(), route({}), route({"backendRefs": None})) == []
    assert (
        found({"metadata": {"name": "r", "namespace": "team"}, "spec": {"parentRefs": [GATEWAY], "rules": None}}) == []
    )


def test_rule_asks_the_picker_of_its_pool() -> None:
    other = {**POOL, "name": "other"}
    assert asked(route(rule(POOL), rule(other))) == [
        {"name": "team.r.0", "cluster": CLUSTER, "fail_open": True},
        {"name": "team.r.1", "cluster": "outbound|9002||other-epp.team.svc.cluster.local", "fail_open": True},
    ]


@pytest.mark.parametrize(
    ("picker", "cluster", "fail_open"),
    [
        pytest.param({"port": {"number": 9100}}, CLUSTER.replace("9002", "9100"), True, id="another port"),
        pytest.param({"port": None}, CLUSTER, True, id="no port"),
        pytest.param({"failureMode": "FailClose"}, CLUSTER, False, id="closed"),
    ],
)
def test_port_and_failure_mode_are_the_pools(picker: dict[str, Any], cluster: str, fail_open: bool) -> None:
    (only,) = asked(route(rule(POOL)), pools=[pool(**picker)])
    assert (only["cluster"], only["fail_open"]) == (cluster, fail_open)


def test_pool_that_says_nothing_of_failures_is_closed() -> None:
    silent = pool()
    del silent["spec"]["endpointPickerRef"]["failureMode"]
    assert [item["fail_open"] for item in asked(route(rule(POOL)), pools=[silent])] == [False]


def test_older_group_names_the_picker_as_an_extension() -> None:
    older = {
        "metadata": {"name": "p", "namespace": "team"},
        "spec": {"extensionRef": {"name": "p-epp", "portNumber": 9100, "failureMode": "FailOpen"}},
    }
    assert asked(route(rule(POOL)), pools=[older]) == [
        {"name": "team.r.0", "cluster": CLUSTER.replace("9002", "9100"), "fail_open": True}
    ]


def test_pool_is_looked_for_in_the_namespace_that_the_rule_names() -> None:
    away = {**POOL, "namespace": "away"}
    (only,) = asked(route(rule(away)), pools=[pool(), pool(namespace="away")])
    assert only["cluster"] == CLUSTER.replace("team", "away")


def test_rule_without_its_pool_has_nobody_to_ask() -> None:
    assert asked(route(rule(POOL)), pools=[pool("other")]) == []


def test_last_pool_of_a_rule_decides() -> None:
    (only,) = asked(route(rule(POOL, {**POOL, "name": "other"})))
    assert only["cluster"] == CLUSTER.replace("p-epp", "other-epp")


def test_one_name_for_different_pickers_is_refused_with_the_places() -> None:
    one = route(rule(POOL, name="chat"), name="one")
    two = route(rule({**POOL, "name": "other"}, name="chat"), name="two")
    with pytest.raises(RhaiiError, match=r"chat stands in HTTPRoutes team/one and team/two.*Gateway of its own"):
        asked(one, two)


def test_one_name_for_a_pool_and_a_service_is_refused() -> None:
    with pytest.raises(RhaiiError, match="chat stands in HTTPRoute team/r, for different endpoint pickers"):
        asked(route(rule(POOL, name="chat"), rule(SERVICE, name="chat")))


def test_names_on_another_gateway_are_no_concern() -> None:
    away = route(rule({**POOL, "name": "other"}, name="chat"), parents=[{**GATEWAY, "name": "other"}])
    assert found(route(rule(POOL, name="chat")), away) == ["chat"]


def test_what_kserve_will_make_leads_to_each_models_own_picker() -> None:
    made = kserve_objects([{"name": "a"}, {"name": "b"}], "team", [0, 2], "inference-gateway", "opendatahub")
    assert asked(*made["routes"], pools=made["pools"]) == [
        {
            "name": f"team.{model}-kserve-route.{place}",
            "cluster": f"outbound|9002||{model}-epp-service.team.svc.cluster.local",
            "fail_open": True,
        }
        for model in "ab"
        for place in (0, 2)
    ]


def test_what_kserve_will_make_without_pools_leads_nowhere() -> None:
    made = kserve_objects([{"name": "a"}], "team", [], "inference-gateway", "opendatahub")
    assert asked(*made["routes"], pools=made["pools"]) == []
