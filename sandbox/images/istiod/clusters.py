# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upstreams to Envoy clusters."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.control_plane.kube import Key, Object
from sandbox.images.istiod.attachment import attached
from sandbox.images.istiod.backends import Upstream, pool_upstream, resolve, service_upstream
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import DESTINATION_KEY, DESTINATION_NAMESPACE, POOL_LABEL, TYPE
from sandbox.images.istiod.tls import mutual_tls_where_offered, tls_settings, transport_socket
from sandbox.images.istiod.world import World, labels

UNLIMITED = 4294967295
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def pools(world: World, mesh: Mesh, gateway: Key) -> set[Key]:
    """The pools that the routes of a Gateway lead to."""
    return {
        upstream.pool
        for route, _ in attached(world, gateway)
        for rule in route["spec"].get("rules") or []
        for ref in rule.get("backendRefs") or []
        if (upstream := resolve(world, mesh, route, ref).upstream) and upstream.pool
    }


def upstreams(world: World, mesh: Mesh, gateway: Key) -> list[Upstream]:
    """All that a gateway knows, by name: every Service, whether a route names it or not, and its pools."""
    found = {upstream.cluster: upstream for upstream in _services(world, mesh)}
    found |= {
        upstream.cluster: upstream for upstream in (pool_upstream(mesh, key) for key in pools(world, mesh, gateway))
    }
    return [found[name] for name in sorted(found)]


def _services(world: World, mesh: Mesh) -> Iterator[Upstream]:
    for key, service in world.services.items():
        if POOL_LABEL in labels(service) or service["spec"].get("type") == "ExternalName":
            continue
        for port in service["spec"].get("ports") or []:
            upstream = service_upstream(world, mesh, key, port["port"])
            if upstream and port.get("protocol", "TCP") == "TCP":
                yield upstream


def cluster(world: World, mesh: Mesh, gateway_namespace: str, upstream: Upstream) -> Object:
    """One Envoy cluster."""
    result: Object = {
        "@type": f"{TYPE}envoy.config.cluster.v3.Cluster",
        "name": upstream.cluster,
        # how its statistics are called: where the name ends cannot be told otherwise (cluster_builder.go at 1.27.3)
        "alt_stat_name": f"{upstream.cluster};",
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
        result["lb_policy"] = "CLUSTER_PROVIDED"
        result["load_balancing_policy"] = _endpoint_of_the_picker()
    else:
        result["lb_policy"] = "LEAST_REQUEST"
    tls = tls_settings(world, mesh, gateway_namespace, upstream)
    if tls is None:
        if not upstream.pool:
            result["transport_socket_matches"] = mutual_tls_where_offered(world, mesh, upstream)
    elif tls.get("mode", "DISABLE") != "DISABLE":
        result["transport_socket"] = transport_socket(tls, http2=upstream.http2)
    options = _http_options(upstream, tls or {})
    if options:
        result["typed_extension_protocol_options"] = {
            HTTP_OPTIONS: {"@type": f"{TYPE}{HTTP_OPTIONS}", **options},
        }
    return result


def _http_options(upstream: Upstream, tls: Object) -> Object:
    protocol = "http2_protocol_options" if upstream.http2 else "http_protocol_options"
    explicit: Object = {"explicit_http_config": {protocol: {}}}
    if tls.get("mode", "DISABLE") != "DISABLE" and not tls.get("sni"):
        return {**explicit, "upstream_http_protocol_options": {"auto_sni": True}}
    return explicit if upstream.http2 else {}


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
