# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Envoy is told at its start; everything else comes from files.

Which statistics there are, and where they are served, is Istio's (tools/packaging/common/envoy_bootstrap.json and
pkg/bootstrap/config.go at 1.27.3): few by default, more by an annotation of the pod, and without a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.images.proxyv2.place import Place

STATISTICS_PORT = 15090
STATISTICS_PATH = "/stats/prometheus"
STATISTICS_ANNOTATION = "sidecar.istio.io/statsInclusionRegexps"
"""On a pod: which more statistics Envoy keeps, by regular expressions with commas between them."""

PREFIXES = (
    "reporter=",
    "cluster_manager",
    "listener_manager",
    "server",
    "cluster.xds-grpc",
    "wasm",
    "component",
    "istio",
)
SUFFIXES = ("rbac.allowed", "rbac.denied", "shadow_allowed", "shadow_denied", "downstream_cx_active")
EXPRESSIONS = (r"vhost\..*\.route\..*",)
FOR_THE_AGENT = "downstream_rq_active"
"""Of this stand-in: it waits at its end for requests, where the real agent waits for connections."""

TAGS = {
    "cluster_name": r"^cluster(\.(.+);)",
    "response_code": r"_rq(_(\d{3}))$",
    "response_code_class": r"_rq(_(\dxx))$",
}
CLUSTER = "prometheus_stats"
MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "envoy.extensions.filters.http.router.v3.Router"


def bootstrap(place: Place, *, node_id: str, cluster: str, statistics: Sequence[str] = ()) -> dict[str, Any]:
    """The bootstrap configuration; `statistics` are the expressions of the pod's annotation."""
    address, port = place.admin
    return {
        "node": {"id": node_id, "cluster": cluster},
        "admin": {"address": _address(address, port)},
        "stats_config": {
            "use_all_default_tags": False,
            "stats_tags": [{"tag_name": name, "regex": regex} for name, regex in TAGS.items()],
            "stats_matcher": {"inclusion_list": {"patterns": _kept(statistics)}},
        },
        "static_resources": {"listeners": [_listener(place)], "clusters": [_cluster(address, port)]},
        "dynamic_resources": {
            "cds_config": {"path_config_source": {"path": str(place.file("cds"))}, "resource_api_version": "V3"},
            "lds_config": {"path_config_source": {"path": str(place.file("lds"))}, "resource_api_version": "V3"},
        },
        # upstreams, and the network policies before them, know a pod by its address
        "cluster_manager": {
            "upstream_bind_config": {"source_address": {"address": place.address, "port_value": 0}},
        },
    }


def _kept(statistics: Sequence[str]) -> list[dict[str, Any]]:
    return [
        *({"prefix": item} for item in PREFIXES),
        *({"suffix": item} for item in (*SUFFIXES, FOR_THE_AGENT)),
        *({"safe_regex": {"regex": item}} for item in (*statistics, *EXPRESSIONS)),
    ]


def _address(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def _listener(place: Place) -> dict[str, Any]:
    """Everybody who reaches the pod may read the statistics."""
    route = {"match": {"prefix": STATISTICS_PATH}, "route": {"cluster": CLUSTER}}
    manager = {
        "@type": f"type.googleapis.com/{MANAGER}",
        "codec_type": "AUTO",
        "stat_prefix": "stats",
        "route_config": {"virtual_hosts": [{"name": "backend", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"type.googleapis.com/{ROUTER}"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {
        "name": f"0.0.0.0_{STATISTICS_PORT}",
        "address": _address(place.address, place.local_port(STATISTICS_PORT)),
        "filter_chains": [chain],
    }


def _cluster(address: str, port: int) -> dict[str, Any]:
    """Envoy's own administration, which nobody but itself reaches."""
    endpoint = {"endpoint": {"address": _address(address, port)}}
    return {
        "name": CLUSTER,
        "alt_stat_name": f"{CLUSTER};",
        "type": "STATIC",
        "connect_timeout": "0.250s",
        "load_assignment": {"cluster_name": CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
