# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upstreams to Envoy clusters."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.control_plane.kube import Key, Object
from sandbox.images.istiod.attachment import attached
from sandbox.images.istiod.backends import Upstream, picker, resolve
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import DESTINATION_KEY, DESTINATION_NAMESPACE, TYPE
from sandbox.images.istiod.tls import tls_settings, transport_socket
from sandbox.images.istiod.world import World

UNLIMITED = 4294967295
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def upstreams(world: World, mesh: Mesh, gateway: Key) -> list[Upstream]:
    """All that the routes of a Gateway lead to, endpoint pickers included, each once, by name."""
    found = {upstream.cluster: upstream for upstream in _upstreams(world, mesh, gateway)}
    return [found[name] for name in sorted(found)]


def _upstreams(world: World, mesh: Mesh, gateway: Key) -> Iterator[Upstream]:
    for route, _ in attached(world, gateway):
        for rule in route["spec"].get("rules") or []:
            for ref in rule.get("backendRefs") or []:
                upstream = resolve(world, mesh, route, ref).upstream
                if upstream is None:
                    continue
                yield upstream
                if upstream.pool:
                    yield picker(world, mesh, upstream.pool).upstream


def cluster(world: World, mesh: Mesh, gateway_namespace: str, upstream: Upstream) -> Object:
    """One Envoy cluster."""
    result: Object = {
        "@type": f"{TYPE}envoy.config.cluster.v3.Cluster",
        "name": upstream.cluster,
        "type": "EDS",
        "eds_cluster_config": {
            "eds_config": {"ads": {}, "resource_api_version": "V3"},
            "service_name": upstream.cluster,
        },
        "connect_timeout": "10s",
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": UNLIMITED,
                    "max_pending_requests": UNLIMITED,
                    "max_requests": UNLIMITED,
                    "max_retries": UNLIMITED,
                    "track_remaining": True,
                }
            ]
        },
    }
    if upstream.pool:
        result["load_balancing_policy"] = _endpoint_of_the_picker()
    else:
        result["lb_policy"] = "LEAST_REQUEST"
    tls = tls_settings(world, mesh, gateway_namespace, upstream)
    if tls:
        result["transport_socket"] = transport_socket(tls, http2=upstream.http2)
    result["typed_extension_protocol_options"] = {HTTP_OPTIONS: _http_options(upstream, tls)}
    return result


def _http_options(upstream: Upstream, tls: Object | None) -> Object:
    options: Object = {
        "@type": f"{TYPE}{HTTP_OPTIONS}",
        "explicit_http_config": {"http2_protocol_options": {}} if upstream.http2 else {"http_protocol_options": {}},
    }
    if tls and not tls.get("sni"):
        options["upstream_http_protocol_options"] = {"auto_sni": True}
    return options


def _endpoint_of_the_picker() -> Object:
    """Take the endpoint that the picker named when it is one of ours, else the next one."""
    return {
        "policies": [
            {
                "typed_extension_config": {
                    "name": "envoy.load_balancing_policies.override_host",
                    "typed_config": {
                        "@type": f"{TYPE}envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost",
                        "override_host_sources": [
                            {"metadata": {"key": DESTINATION_NAMESPACE, "path": [{"key": DESTINATION_KEY}]}}
                        ],
                        "fallback_policy": {
                            "policies": [
                                {
                                    "typed_extension_config": {
                                        "name": "envoy.load_balancing_policies.round_robin",
                                        "typed_config": {
                                            "@type": f"{TYPE}envoy.extensions.load_balancing_policies"
                                            ".round_robin.v3.RoundRobin"
                                        },
                                    }
                                }
                            ]
                        },
                    },
                }
            }
        ]
    }
