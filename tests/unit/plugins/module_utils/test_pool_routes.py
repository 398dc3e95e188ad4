# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which routes of a gateway lead to a pool, by the names that Istio gives them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import pool_routes

from sandbox.images.istiod.names import route_name

POOL = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "p"}
SERVICE = {"kind": "Service", "name": "s", "port": 8000}
GATEWAY = {"name": "inference-gateway", "namespace": "opendatahub"}


def route(*rules: Any, name: str = "r", parents: Any = (GATEWAY,)) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"parentRefs": parents and list(parents), "rules": rules and list(rules)},
    }


def rule(*backends: Any, name: str = "") -> dict[str, Any]:
    return {"backendRefs": list(backends), **({"name": name} if name else {})}


def found(*routes: dict[str, Any]) -> list[str]:
    return pool_routes(routes, "inference-gateway", "opendatahub")


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
    assert pool_routes([route(rule(POOL), parents=[{"name": "g"}])], "g", "team") == ["team.r.0"]


def test_route_without_rules_or_backends_has_no_names() -> None:
    assert found(route(), route({}), route({"backendRefs": None})) == []
    assert (
        found({"metadata": {"name": "r", "namespace": "team"}, "spec": {"parentRefs": [GATEWAY], "rules": None}}) == []
    )
