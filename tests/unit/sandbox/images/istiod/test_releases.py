# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the releases of Istio do differently, beyond what a golden case shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.control_plane.kube import Object
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import EXT_PROC, shadow_service
from sandbox.images.istiod.releases import DEFAULT, RELEASES, wanted_release
from sandbox.images.istiod.routes import route_configurations
from sandbox.images.istiod.shadows import differs, shadow_object
from sandbox.images.istiod.world import World
from tests.unit.sandbox.images.istiod.objects import (
    GATEWAY_KEY,
    MESH,
    POOL,
    POOL_REF,
    gateway,
    gateway_class,
    listener,
    pool,
    route,
    rule,
    service,
    service_ref,
    world,
)

OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
OTHER = "other-pool"


def other_pool() -> Object:
    return {**pool(OTHER), "spec": _spec("other-epp")}


def _spec(picker: str) -> Object:
    spec: Object = pool()["spec"]
    return {**spec, "endpointPickerRef": {**spec["endpointPickerRef"], "name": picker}}


def two(*, name: str | None = None, created: tuple[str, str] = (OLD, NEW), **spec: object) -> World:
    """Two HTTPRoutes of one host, each with a rule to a pool of its own."""
    more = {"name": name} if name else {}
    other = {**POOL_REF, "name": OTHER}
    return world(
        gateway_class(),
        gateway(),
        pool(),
        other_pool(),
        service(),
        route(rule(POOL_REF, path="/a", **more), name="a", created=created[0]),
        route(rule(other, path="/b", **more), name="b", created=created[1], **spec),
    )


def asked(snapshot: World, mesh: Mesh = MESH, port: int = 80) -> dict[str, str | None]:
    """The picker's Service by path."""
    (found,) = route_configurations(snapshot, mesh, GATEWAY_KEY, [port])
    return {
        entry["match"]["path_separated_prefix"]: _picker(entry)
        for host in found["virtual_hosts"]
        for entry in host["routes"]
    }


def _picker(entry: Object) -> str | None:
    overrides = entry.get("typed_per_filter_config", {}).get(EXT_PROC, {}).get("overrides")
    if not overrides:
        return None
    return str(overrides["grpc_service"]["envoy_grpc"]["cluster_name"]).split("|")[3].partition(".")[0]


@pytest.mark.parametrize("version", RELEASES)
def test_release_is_the_one_that_is_wanted(version: str) -> None:
    assert wanted_release({"SANDBOX_ISTIO": version}).version == version


def test_release_is_the_charts_when_none_is_wanted() -> None:
    assert wanted_release({}) is DEFAULT
    assert DEFAULT.version == "1.27.3"


def test_unknown_release_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        SystemExit, match=r"SANDBOX_ISTIO must be one of 1\.27\.3, 1\.27\.9, 1\.28\.5; found '1\.26\.6'"
    ):
        wanted_release({"SANDBOX_ISTIO": "1.26.6"})


@pytest.mark.parametrize(
    ("version", "pickers"),
    [
        # the older route's, and for both
        ("1.27.3", {"/a": "qwen-epp-service", "/b": "qwen-epp-service"}),
        # the younger route's, and for both
        ("1.27.9", {"/a": "other-epp", "/b": "other-epp"}),
        ("1.28.5", {"/a": "other-epp", "/b": "other-epp"}),
    ],
)
def test_rules_of_one_name_share_a_picker(version: str, pickers: dict[str, str]) -> None:
    assert asked(two(name="chat"), replace(MESH, release=RELEASES[version])) == pickers


def test_tie_of_age_goes_to_the_first_by_name() -> None:
    assert asked(two(created=(OLD, OLD))) == {"/a": "qwen-epp-service", "/b": None}
    assert asked(two(created=(NEW, OLD))) == {"/a": None, "/b": "other-epp"}


def test_older_route_without_a_pool_takes_every_picker_away() -> None:
    plain = route(rule(service_ref(), path="/c"), name="c", created="2025-01-01T00:00:00Z")
    snapshot = two()
    snapshot = replace(snapshot, routes={**snapshot.routes, ("rhaii-inference", "c"): plain})
    assert asked(snapshot) == {"/a": None, "/b": None, "/c": None}
    kept = asked(snapshot, replace(MESH, release=RELEASES["1.27.9"]))
    assert kept == {"/a": "qwen-epp-service", "/b": "other-epp", "/c": None}


def test_route_on_another_listener_is_not_merged() -> None:
    own = {"name": GATEWAY_KEY[1], "namespace": GATEWAY_KEY[0]}
    snapshot = two(parentRefs=[{**own, "sectionName": "more"}])
    snapshot.routes["rhaii-inference", "a"]["spec"]["parentRefs"] = [{**own, "sectionName": "http"}]
    snapshot = replace(snapshot, gateways={GATEWAY_KEY: gateway(listener(), listener("more", 8080))})
    assert asked(snapshot) == {"/a": "qwen-epp-service"}
    assert asked(snapshot, port=8080) == {"/b": "other-epp"}


def test_backend_without_weight_has_no_say() -> None:
    weights = rule(POOL_REF, service_ref(weight=0), path="/a")
    snapshot = world(gateway_class(), gateway(), pool(), service(), route(weights))
    assert asked(snapshot) == {"/a": "qwen-epp-service"}


def test_shadow_follows_a_change_of_ports_but_not_of_labels() -> None:
    before = shadow_object(pool(), DEFAULT)
    changed = pool(failure_mode="FailClose")
    changed["spec"]["targetPorts"] = [{"number": 9000}]
    after = shadow_object(changed, DEFAULT, before)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert after["spec"]["ports"][0]["targetPort"] == 9000
    assert differs(after, before)
    assert not differs(shadow_object(pool(), DEFAULT, before), before)


def test_route_keeps_the_picker_that_the_shadow_names() -> None:
    shadow = shadow_object(pool(), DEFAULT)
    moved = {**pool(), "spec": _spec("moved-epp")}
    snapshot = world(gateway_class(), gateway(), moved, shadow, route(rule(POOL_REF, path="/a")))
    assert asked(snapshot) == {"/a": "qwen-epp-service"}
    assert shadow["metadata"]["name"] == shadow_service(POOL)
