# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How patches merge: messages of type Any are one value, except where Istio opens them first."""

from __future__ import annotations

from typing import Any

from sandbox.images.istiod.envoyfilters import Resources, apply
from sandbox.images.istiod.merging import merge, merge_into_any
from tests.unit.sandbox.images.istiod.objects import MESH, envoy_filter

NAME = "envoy.filters.http.ext_proc"
BASE = {"@type": "t/Override", "overrides": {"grpc_service": {"a": 1}, "processing_mode": {"x": "SEND"}}}
PATCH = {"@type": "t/Override", "overrides": {"processing_mode": {"y": "SEND"}}}


def test_entry_of_a_map_is_replaced_and_the_others_stay() -> None:
    base = {"typed_per_filter_config": {NAME: BASE, "other": {"@type": "t/Other"}}}
    merged = merge(base, {"typed_per_filter_config": {NAME: PATCH}})
    assert merged == {"typed_per_filter_config": {NAME: PATCH, "other": {"@type": "t/Other"}}}
    assert base["typed_per_filter_config"][NAME] is BASE


def test_any_is_replaced_whole() -> None:
    assert merge({"typed_config": BASE}, {"typed_config": PATCH}) == {"typed_config": PATCH}


def test_opened_any_is_merged_deeply() -> None:
    wanted = {
        "@type": "t/Override",
        "overrides": {"grpc_service": {"a": 1}, "processing_mode": {"x": "SEND", "y": "SEND"}},
    }
    assert merge_into_any({"typed_config": BASE}, {"typed_config": PATCH}) == {"typed_config": wanted}


def test_opened_any_of_another_type_is_replaced() -> None:
    other = {"@type": "t/Other"}
    assert merge_into_any({"typed_config": BASE}, {"typed_config": other}) == {"typed_config": other}


def test_plain_messages_merge_and_lists_append() -> None:
    assert merge({"route": {"a": 1, "l": [1]}}, {"route": {"b": 2, "l": [2]}}) == {
        "route": {"a": 1, "b": 2, "l": [1, 2]}
    }


def test_one_of_several_fields_takes_the_others_place() -> None:
    assert merge({"cluster": "a", "timeout": "0s"}, {"weighted_clusters": {}}) == {
        "timeout": "0s",
        "weighted_clusters": {},
    }


def test_transport_socket_of_a_cluster_is_opened() -> None:
    socket = {"name": "tls", "typed_config": {"@type": "t/Tls", "sni": "a", "params": {"v": 1}}}
    patch: dict[str, Any] = {"name": "tls", "typed_config": {"@type": "t/Tls", "sni": "b"}}
    changed = {
        "applyTo": "CLUSTER",
        "match": {"cluster": {"service": "s"}},
        "patch": {"operation": "MERGE", "value": {"transport_socket": patch}},
    }
    before = Resources([], [], [{"name": "outbound|80||s", "transport_socket": socket}], [])
    (after,) = apply(before, [envoy_filter(changed)], MESH).clusters
    assert after["transport_socket"]["typed_config"] == {"@type": "t/Tls", "sni": "b", "params": {"v": 1}}
