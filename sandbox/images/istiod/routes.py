# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTPRoutes to Envoy route configurations: virtual hosts, routes in order of precedence, policies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass
class _Host:
    """The routes of one virtual host, and the HTTPRoutes that bring them, by their listener."""

    routes: dict[str, list[Object]] = field(default_factory=dict)

    def entries(self, world: World, mesh: Mesh) -> Objects:
        ordered: dict[_Rank, Object] = {}
        for routes in self.routes.values():
            pickers = _pickers_of_listener(world, mesh, routes)
            for route in routes:
                ordered.update(_entries(world, mesh, route, pickers))
        # two listeners of one port may bring the same route twice
        return [ordered[rank] for rank in sorted(ordered)]


def route_configurations(world: World, mesh: Mesh, gateway: Key, ports: Sequence[int]) -> Objects:
    """One route configuration for each port of a Gateway, also for those without a route."""
    hosts: dict[int, dict[str, _Host]] = {port: {} for port in ports}
    for route, listener in attached(world, gateway):
        if listener["port"] not in hosts:
            continue
        for name in hostnames(listener, route):
            host = hosts[listener["port"]].setdefault(name, _Host())
            host.routes.setdefault(listener["name"], []).append(route)
    return [
        {
            "@type": f"{TYPE}envoy.config.route.v3.RouteConfiguration",
            "name": route_configuration(port),
            "max_direct_response_body_size_bytes": 1048576,
            "ignore_port_in_host_matching": True,
            "virtual_hosts": [
                {
                    "name": f"{name}:{port}",
                    "domains": [name],
                    "include_request_attempt_count": True,
                    "routes": host.entries(world, mesh),
                }
                for name, host in sorted(hosts[port].items(), key=lambda item: f"{item[0]}:{port}")
            ],
        }
        for port in ports
    ]


def _pickers_of_listener(world: World, mesh: Mesh, routes: Sequence[Object]) -> dict[str, Picker]:
    """Endpoint pickers by the name of a rule: rules of one name share one, whichever HTTPRoute they are from."""
    oldest, *younger = sorted(routes, key=_age)
    found = _pickers(world, mesh, oldest)
    if mesh.release.every_route_keeps_its_pickers:
        for route in younger:
            found.update(_pickers(world, mesh, route))
    return found


def _pickers(world: World, mesh: Mesh, route: Object) -> dict[str, Picker]:
    """The last backend of a rule decides, for all its backends: its pool's picker, or none."""
    found: dict[str, Picker] = {}
    for index, rule in enumerate(route["spec"].get("rules") or []):
        *_, last = [None, *(backend for backend in _backends(world, mesh, route, rule) if backend.weight)]
        if last and last.upstream and last.upstream.pool:
            found[_name(route, index, rule)] = picker(world, mesh, last.upstream.pool)
    return found


def _age(route: Object) -> tuple[str, str]:
    meta = route["metadata"]
    return meta.get("creationTimestamp", ""), f"{meta['namespace']}/{meta['name']}"


def _name(route: Object, index: int, rule: Object) -> str:
    return route_name(route["metadata"]["namespace"], route["metadata"]["name"], index, rule.get("name"))


def _backends(world: World, mesh: Mesh, route: Object, rule: Object) -> list[Backend]:
    return [resolve(world, mesh, route, ref) for ref in rule.get("backendRefs") or []]


def _entries(world: World, mesh: Mesh, route: Object, pickers: Mapping[str, Picker]) -> Iterator[tuple[_Rank, Object]]:
    meta = route["metadata"]
    key = (meta["namespace"], meta["name"])
    for index, rule in enumerate(route["spec"].get("rules") or []):
        backends = _backends(world, mesh, route, rule)
        for place, match in enumerate(rule.get("matches") or [{"path": ANY_PATH}]):
            entry = _entry(_name(route, index, rule), match, rule, backends)
            if "route" in entry and entry["name"] in pickers:
                entry["typed_per_filter_config"] = {EXT_PROC: _ext_proc(mesh, pickers[entry["name"]])}
            yield _Rank(precedence(match), meta.get("creationTimestamp", ""), key, index, place), entry


def _entry(name: str, match: Object, rule: Object, backends: list[Backend]) -> Object:
    entry: Object = {"name": name, "match": envoy_match(match)}
    filters: Objects = rule.get("filters") or []
    redirect = next((item["requestRedirect"] for item in filters if item["type"] == "RequestRedirect"), None)
    shares = [backend for backend in backends if backend.weight]
    if redirect is not None:
        entry["redirect"] = _redirect(match, redirect)
    elif any(item["type"] not in SUPPORTED_FILTERS for item in filters) or not shares:
        entry["direct_response"] = {"status": NO_BACKEND}
    else:
        entry["route"] = {**_action(shares), **_rewrite(match, filters), **_timeouts(rule)}
    entry.update(_header_changes(filters))
    return entry


def _action(shares: list[Backend]) -> Object:
    if len(shares) == 1:
        target: Object = {"cluster": shares[0].cluster}
    else:
        clusters = [{"name": share.cluster, "weight": share.weight} for share in shares]
        target = {"weighted_clusters": {"clusters": clusters}}
    return {**target, "cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"}


def _ext_proc(mesh: Mesh, found: Picker) -> Object:
    mode = {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND",
        "request_body_mode": "FULL_DUPLEX_STREAMED",
        "response_body_mode": "FULL_DUPLEX_STREAMED",
    }
    if mesh.release.sends_trailers:
        mode |= {"request_trailer_mode": "SEND", "response_trailer_mode": "SEND"}
    return {
        "@type": f"{TYPE}envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute",
        "overrides": {
            "grpc_service": {"envoy_grpc": {"cluster_name": found.cluster}},
            "failure_mode_allow": found.fail_open,
            "processing_mode": mode,
        },
    }


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
    timeout = f"{duration_seconds(wanted.get('request', '0s')):g}s"
    return {"timeout": timeout, "max_grpc_timeout": timeout, "retry_policy": retry}


def duration_seconds(text: str) -> float:
    """Seconds of a Gateway API duration such as 1h30m or 500ms."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))
