# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateway ports to Envoy listeners."""

from __future__ import annotations

from typing import Any

from sandbox.control_plane.kube import Object
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import (
    CONNECTION_MANAGER,
    DESTINATION_NAMESPACE,
    EXT_PROC,
    ROUTER,
    TYPE,
    listener_name,
    route_configuration,
)

ACCESS_LOG_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" '
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "
    '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" '
    "%UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% "
    "%REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)

HTTP = "envoy.extensions.filters.http"

PICKER_PATIENCE = "1000s"
"""How long a request waits for each answer of an endpoint picker."""


def listener(mesh: Mesh, port: int, *, pools: bool) -> Object:
    """The listener of a gateway port; `pools` adds the filter that asks endpoint pickers."""
    manager: Object = {
        "@type": f"{TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": f"outbound_{listener_name(port)}",
        "rds": {
            "route_config_name": route_configuration(port),
            "config_source": {"ads": {}, "resource_api_version": "V3"},
        },
        "http_filters": _http_filters(pools=pools),
        "server_name": "istio-envoy",
        "use_remote_address": True,
        "normalize_path": True,
        "stream_idle_timeout": "0s",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "access_log": _access_log(mesh),
    }
    return {
        "@type": f"{TYPE}envoy.config.listener.v3.Listener",
        "name": listener_name(port),
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{"filters": [{"name": CONNECTION_MANAGER, "typed_config": manager}]}],
    }


def _http_filters(*, pools: bool) -> list[Object]:
    """In Istio's order; those that are Istio's own are only named, since no other Envoy has them."""
    return [
        _http_filter("istio.metadata_exchange", "io.istio.http.peer_metadata.Config"),
        *([_ext_proc()] if pools else []),
        _http_filter("envoy.filters.http.grpc_stats", f"{HTTP}.grpc_stats.v3.FilterConfig", emit_filter_state=True),
        _http_filter("istio.alpn", "istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig"),
        _http_filter("envoy.filters.http.fault", f"{HTTP}.fault.v3.HTTPFault"),
        _http_filter("envoy.filters.http.cors", f"{HTTP}.cors.v3.Cors"),
        _http_filter("istio.stats", "stats.PluginConfig"),
        _http_filter(ROUTER, f"{HTTP}.router.v3.Router"),
    ]


def _http_filter(name: str, kind: str, **settings: Any) -> Object:
    return {"name": name, "typed_config": {"@type": f"{TYPE}{kind}", **settings}}


def _ext_proc() -> Object:
    """Asleep until a route names its endpoint picker and what to send it."""
    return {
        "name": EXT_PROC,
        "typed_config": {
            "@type": f"{TYPE}{HTTP}.ext_proc.v3.ExternalProcessor",
            # no such cluster: a request that gets here without a picker of its route goes on unasked
            "grpc_service": {"envoy_grpc": {"cluster_name": "dummy"}, "timeout": "10s"},
            "failure_mode_allow": True,
            "message_timeout": PICKER_PATIENCE,
            "processing_mode": {"request_header_mode": "SKIP", "response_header_mode": "SKIP"},
            "metadata_options": {
                "forwarding_namespaces": {"untyped": [DESTINATION_NAMESPACE]},
                "receiving_namespaces": {"untyped": [DESTINATION_NAMESPACE]},
            },
        },
    }


def _access_log(mesh: Mesh) -> list[Object]:
    if not mesh.access_log_file:
        return []
    return [
        {
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": f"{TYPE}envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": mesh.access_log_file,
                "log_format": {"text_format_source": {"inline_string": ACCESS_LOG_FORMAT}},
            },
        }
    ]
