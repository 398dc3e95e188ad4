# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which statistics a gateway's Envoy keeps, by its pod's annotation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from sandbox.images.proxyv2.agent import Identity
from sandbox.images.proxyv2.bootstrap import bootstrap
from sandbox.images.proxyv2.place import Place
from sandbox.settings import CHECKOUT

LABELS = 'gateway.networking.k8s.io/gateway-name="inference-gateway"\n'
PICKER = "cluster.outbound|9002||qwen-epp-service.models.svc.cluster.local;.{}"


def annotation() -> str:
    """What the collection's gateway has."""
    text = (CHECKOUT / "roles/operators/templates/gateway.yml.j2").read_text(encoding="utf-8")
    found = re.search(r"(?m)^ *(sidecar\.istio\.io/statsInclusionRegexps: .*)$", text)
    assert found
    return str(yaml.safe_load(found[1])["sidecar.istio.io/statsInclusionRegexps"])


def kept(name: str, annotations: str) -> bool:
    identity = Identity.read({}, LABELS, annotations, namespace="n", pod="p")
    made: Any = bootstrap(
        Place("10.1.0.9", Path("/r"), Path("/x")), node_id="n", cluster="c", statistics=identity.statistics
    )
    patterns = made["stats_config"]["stats_matcher"]["inclusion_list"]["patterns"]
    return any(
        name.startswith(each.get("prefix", "\0"))
        or name.endswith(each.get("suffix", "\0"))
        or re.fullmatch((each.get("safe_regex") or {"regex": "\0"})["regex"], name)
        for each in patterns
    )


def test_gateway_of_the_collection_keeps_what_is_counted() -> None:
    shown = f'sidecar.istio.io/statsInclusionRegexps="{annotation()}"\n'
    for name in ("upstream_rq_200", "upstream_rq_total"):
        assert kept(PICKER.format(name), shown)
        assert not kept(PICKER.format(name), "")
    assert not kept(PICKER.format("upstream_rq_503"), shown)
    assert not kept(PICKER.format("internal.upstream_rq_200"), shown)


def test_annotation_has_no_comma_which_would_part_it() -> None:
    assert "," not in annotation()


def test_statistics_are_served_at_the_pods_address_and_the_administration_is_not() -> None:
    made: Any = bootstrap(Place("10.1.0.9", Path("/r"), Path("/x")), node_id="n", cluster="c")
    (listener,) = made["static_resources"]["listeners"]
    assert listener["address"]["socket_address"] == {"address": "127.1.0.9", "port_value": 15090}
    (route,) = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["routes"]
    assert route["match"] == {"prefix": "/stats/prometheus"}
