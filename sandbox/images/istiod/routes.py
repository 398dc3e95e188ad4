# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPRoutes to Envoy route configurations: virtual hosts, routes in order of precedence, policies."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.control_plane.kube import Key, Object, Objects
from sandbox.images.istiod.attachment import attached, hostnames
from sandbox.images.istiod.backends import Backend, Picker, picker, resolve
from sandbox.images.istiod.matches import (
    ANY_PATH,
    Precedence,
    envoy_match,
    full_path_rewrite,
    precedence,
    prefix_rewrite,
)
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import EXT_PROC, TYPE, route_configuration, route_name
from sandbox.images.istiod.world import World

NO_BACKEND = 500
"""What the Gateway API wants for a rule whose backends cannot be resolved."""

MISSING_CLUSTER = "UnknownService"
"""A cluster that never exists: the share of a broken backend among sound ones ends there."""

HEADERS_ONLY = {
    "request_header_mode": "SEND",
    "request_body_mode": "NONE",
    "request_trailer_mode": "SKIP",
    "response_header_mode": "SEND",
    "response_body_mode": "NONE",
    "response_trailer_mode": "SKIP",
}
"""As in the release that the guide installs: an endpoint picker gets no body until an EnvoyFilter says so."""

SUPPORTED_FILTERS = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite")

_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, order=True)
class _Rank:
    """Order among the routes of one virtual host; ties go to the older route, then by name, then by place."""

    precedence: Precedence
    created: str
    route: Key
    rule: int
    match: int


def route_configurations(world: World, mesh: Mesh, gateway: Key, ports: Sequence[int]) -> Objects:
    """One route configuration for each port of a Gateway, also for those without a route."""
    hosts: dict[int, dict[str, list[tuple[_Rank, Object]]]] = {port: defaultdict(list) for port in ports}
    for route, listener in attached(world, gateway):
        if listener["port"] not in hosts:
            continue
        entries = list(_entries(world, mesh, route))
        for host in hostnames(listener, route):
            hosts[listener["port"]][host] += entries
    return [
        {
            "@type": f"{TYPE}envoy.config.route.v3.RouteConfiguration",
            "name": route_configuration(port),
            "max_direct_response_body_size_bytes": 1048576,
            "ignore_port_in_host_matching": True,
            "virtual_hosts": [
                {
                    "name": f"{host}:{port}",
                    "domains": [host],
                    "include_request_attempt_count": True,
                    "routes": _ordered(entries),
                }
                for host, entries in sorted(hosts[port].items())
            ],
        }
        for port in ports
    ]


def _ordered(entries: list[tuple[_Rank, Object]]) -> Objects:
    ordered: dict[_Rank, Object] = {}
    for rank, entry in sorted(entries, key=lambda item: item[0]):
        # two listeners of one port may bring the same route twice
        ordered.setdefault(rank, entry)
    return list(ordered.values())


def _entries(world: World, mesh: Mesh, route: Object) -> Iterator[tuple[_Rank, Object]]:
    meta = route["metadata"]
    key = (meta["namespace"], meta["name"])
    for index, rule in enumerate(route["spec"].get("rules") or []):
        name = route_name(*key, index, rule.get("name"))
        backends = [resolve(world, mesh, route, ref) for ref in rule.get("backendRefs") or []]
        for place, match in enumerate(rule.get("matches") or [{"path": ANY_PATH}]):
            rank = _Rank(precedence(match), meta.get("creationTimestamp", ""), key, index, place)
            yield rank, _entry(world, mesh, name, match, rule, backends)


def _entry(world: World, mesh: Mesh, name: str, match: Object, rule: Object, backends: list[Backend]) -> Object:
    entry: Object = {"name": name, "match": envoy_match(match)}
    filters: Objects = rule.get("filters") or []
    redirect = next((item["requestRedirect"] for item in filters if item["type"] == "RequestRedirect"), None)
    if redirect is not None:
        entry["redirect"] = _redirect(match, redirect)
    elif any(item["type"] not in SUPPORTED_FILTERS for item in filters) or not _has_share(backends):
        entry["direct_response"] = {"status": NO_BACKEND}
    else:
        entry["route"] = {**_action(backends), **_rewrite(match, filters), **_timeouts(rule)}
        entry.update(_pickers(world, mesh, entry["route"], backends))
    entry.update(_header_changes(filters))
    return entry


def _has_share(backends: list[Backend]) -> bool:
    return any(backend.upstream and backend.weight for backend in backends)


def _action(backends: list[Backend]) -> Object:
    if len(backends) == 1 and backends[0].upstream:
        return {"cluster": backends[0].upstream.cluster}
    return {
        "weighted_clusters": {
            "clusters": [
                {
                    "name": backend.upstream.cluster if backend.upstream else MISSING_CLUSTER,
                    "weight": backend.weight,
                }
                for backend in backends
                if backend.weight
            ]
        },
        "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR",
    }


def _pickers(world: World, mesh: Mesh, action: Object, backends: list[Backend]) -> Object:
    """Put each pool's endpoint picker where Envoy looks for it; what belongs on the route itself is returned."""
    pools = [backend.upstream for backend in backends if backend.upstream and backend.weight]
    overrides = {
        upstream.cluster: _picker_override(picker(world, mesh, upstream.pool)) for upstream in pools if upstream.pool
    }
    if not overrides:
        return {}
    weighted = action.get("weighted_clusters")
    if weighted is None:
        (override,) = overrides.values()
        return _per_filter({**override, "processing_mode": dict(HEADERS_ONLY)})
    for share in weighted["clusters"]:
        # the mode stays with the route, where a filter may change it; a share without a pool must ask no picker
        name = share["name"]
        share.update(_per_filter(overrides[name]) if name in overrides else _DISABLED)
    return _per_filter({"processing_mode": dict(HEADERS_ONLY)})


_PER_ROUTE = "envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"
_DISABLED = {"typed_per_filter_config": {EXT_PROC: {"@type": f"{TYPE}{_PER_ROUTE}", "disabled": True}}}


def _picker_override(found: Picker) -> Object:
    return {
        "grpc_service": {
            "envoy_grpc": {
                "cluster_name": found.upstream.cluster,
                "authority": f"{found.upstream.host}:{found.upstream.port}",
            },
            "timeout": "10s",
        },
        "failure_mode_allow": found.fail_open,
    }


def _per_filter(overrides: Object) -> Object:
    return {"typed_per_filter_config": {EXT_PROC: {"@type": f"{TYPE}{_PER_ROUTE}", "overrides": overrides}}}


def _rewrite(match: Object, filters: Objects) -> Object:
    result: Object = {}
    for item in filters:
        if item["type"] != "URLRewrite":
            continue
        change = item["urlRewrite"]
        if change.get("hostname"):
            result["host_rewrite_literal"] = change["hostname"]
        path = change.get("path") or {}
        if path.get("type") == "ReplacePrefixMatch":
            result |= prefix_rewrite(match, path.get("replacePrefixMatch") or "")
        elif path.get("type") == "ReplaceFullPath":
            result |= full_path_rewrite(path.get("replaceFullPath") or "/")
    return result


def _redirect(match: Object, wanted: Object) -> Object:
    codes = {301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT"}
    codes[308] = "PERMANENT_REDIRECT"
    result: Object = {"response_code": codes[int(wanted.get("statusCode", 302))]}
    if wanted.get("scheme"):
        result["scheme_redirect"] = wanted["scheme"]
    if wanted.get("hostname"):
        result["host_redirect"] = wanted["hostname"]
    if wanted.get("port"):
        result["port_redirect"] = wanted["port"]
    path = wanted.get("path") or {}
    if path.get("type") == "ReplacePrefixMatch":
        result |= prefix_rewrite(match, path.get("replacePrefixMatch") or "")
    elif path.get("type") == "ReplaceFullPath":
        result["path_redirect"] = path.get("replaceFullPath") or "/"
    return result


def _header_changes(filters: Objects) -> Object:
    result: Object = {}
    for item in filters:
        side = {"RequestHeaderModifier": "request", "ResponseHeaderModifier": "response"}.get(item["type"])
        if side is None:
            continue
        change = item[f"{side}HeaderModifier"]
        added = [_header(header, "OVERWRITE_IF_EXISTS_OR_ADD") for header in change.get("set") or []]
        added += [_header(header, "APPEND_IF_EXISTS_OR_ADD") for header in change.get("add") or []]
        if added:
            result[f"{side}_headers_to_add"] = added
        if change.get("remove"):
            result[f"{side}_headers_to_remove"] = list(change["remove"])
    return result


def _header(header: Object, action: str) -> Object:
    return {"header": {"key": header["name"], "value": header["value"]}, "append_action": action}


def _timeouts(rule: Object) -> Object:
    wanted = rule.get("timeouts") or {}
    retry: dict[str, Any] = {
        "retry_on": "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
        "num_retries": 2,
        "retriable_status_codes": [503],
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": f"{TYPE}envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": "5",
    }
    attempt = duration_seconds(wanted.get("backendRequest", "0s"))
    if attempt:
        retry["per_try_timeout"] = f"{attempt:g}s"
    return {
        "timeout": f"{duration_seconds(wanted.get('request', '0s')):g}s",
        "max_stream_duration": {"max_stream_duration": "0s"},
        "retry_policy": retry,
    }


def duration_seconds(text: str) -> float:
    """Seconds of a Gateway API duration such as 1h30m or 500ms."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))
