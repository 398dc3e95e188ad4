# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EnvoyFilters that take the endpoint picker away."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen, Wanted, judge
from ansible_collections.rhaii.gke.plugins.module_utils._verification.filters import takers

from sandbox.settings import CHECKOUT

GATEWAY = "inference-gateway"
OURS = "envoyfilter-route-extproc-body"
GUIDES = "inference-pool-route-body-forwarding-caching"
MODE = {"processing_mode": {"request_body_mode": "FULL_DUPLEX_STREAMED"}}
PICKER = {"grpc_service": {"envoy_grpc": {"cluster_name": "outbound|9002||p.n.svc.cluster.local"}}}


def patch(route: str = "team.r.0", kind: str = "HTTP_ROUTE", **overrides: Any) -> dict[str, Any]:
    value = {"typed_per_filter_config": {"envoy.filters.http.ext_proc": {"overrides": overrides}}}
    host = {"route": {"name": route}} if route else {}
    return {"applyTo": kind, "match": {"routeConfiguration": {"vhost": host}}, "patch": {"value": value}}


def envoy_filter(name: str, *patches: Any, made: str = "2026-01-01T00:00:00Z", **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": made},
        "spec": {"configPatches": list(patches), **spec},
    }


@pytest.mark.parametrize("name", [OURS, GUIDES])
def test_mode_alone_takes_the_picker(name: str) -> None:
    assert takers([envoy_filter(name, patch(**MODE))], GATEWAY) == [name]


def test_one_that_names_the_picker_takes_nothing() -> None:
    assert takers([envoy_filter(OURS, patch(**PICKER, **MODE))], GATEWAY) == []
    assert takers([envoy_filter(OURS, patch(grpcService={"envoyGrpc": {}}))], GATEWAY) == []


def test_the_last_one_of_a_route_counts() -> None:
    right = envoy_filter(OURS, patch(**PICKER), made="2026-01-02T00:00:00Z")
    older = envoy_filter(GUIDES, patch(**MODE))
    younger = envoy_filter(GUIDES, patch(**MODE), made="2026-01-03T00:00:00Z")
    assert takers([right, older], GATEWAY) == []
    assert takers([younger, right], GATEWAY) == [GUIDES]
    assert takers([right, envoy_filter(GUIDES, patch(**MODE), priority=1)], GATEWAY) == [GUIDES]
    assert takers([right, envoy_filter(GUIDES, patch("team.r.1", **MODE))], GATEWAY) == [GUIDES]


def test_one_without_a_route_is_for_all_of_them() -> None:
    right = envoy_filter(OURS, patch(**PICKER), made="2026-01-02T00:00:00Z")
    every = envoy_filter(GUIDES, patch("", **MODE), made="2026-01-03T00:00:00Z")
    assert takers([right, every], GATEWAY) == [GUIDES]
    assert takers([right, envoy_filter(GUIDES, patch("", **MODE))], GATEWAY) == [GUIDES]


def test_others_are_not_meant() -> None:
    elsewhere = {"workloadSelector": {"labels": {"gateway.networking.k8s.io/gateway-name": "other"}}}
    target = {"targetRefs": [{"kind": "Gateway", "name": "other"}]}
    ours = {"targetRefs": [{"kind": "Gateway", "name": GATEWAY}]}
    assert takers([envoy_filter("f", patch(**MODE), **elsewhere)], GATEWAY) == []
    assert takers([envoy_filter("f", patch(**MODE), **target)], GATEWAY) == []
    assert takers([envoy_filter("f", patch(**MODE), **ours)], GATEWAY) == ["f"]
    assert takers([envoy_filter("f", patch(kind="HTTP_FILTER", **MODE))], GATEWAY) == []
    assert takers([{"metadata": {"name": "f"}}], GATEWAY) == []


def test_the_recorded_filter_is_one() -> None:
    objects = (CHECKOUT / "tests/golden/istiod/b1-kserve-route-mode-only-filter/objects.yaml").read_text(
        encoding="utf-8"
    )
    found = [item for item in yaml.safe_load_all(objects) if item["kind"] == "EnvoyFilter"]
    assert len(takers(found, GATEWAY)) == 1
    objects = (CHECKOUT / "tests/golden/istiod/c2-restated-filter-full-mode/objects.yaml").read_text(encoding="utf-8")
    assert not takers([item for item in yaml.safe_load_all(objects) if item["kind"] == "EnvoyFilter"], GATEWAY)


def finding(*filters: Any) -> tuple[str, str, str]:
    wanted = Wanted(services={}, tpu_pool="p", gateway=GATEWAY, gateway_namespace="gateways", envoyfilters=[OURS])
    (found,) = (each for each in judge(Seen(envoyfilters=filters), wanted) if each.check == "EnvoyFilter")
    return found.verdict, found.found, found.remedy


def test_finding_names_the_filter_and_the_way_out() -> None:
    right = envoy_filter(OURS, patch(**PICKER))
    assert finding(right)[0] == OK
    verdict, text, remedy = finding(right, envoy_filter(GUIDES, patch(**MODE), made="2026-02-01T00:00:00Z"))
    assert (verdict, text.split()[0]) == (FAILED, GUIDES)
    assert f"kubectl delete envoyfilter {GUIDES} -n gateways" in remedy
    # ours of 0.1.0 is written over
    verdict, text, remedy = finding(envoy_filter(OURS, patch(**MODE)))
    assert (verdict, text.split()[0], "delete" in remedy) == (FAILED, OURS, False)
