# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that Istio gives, and that others (EnvoyFilters, DestinationRules, people) rely on."""

from __future__ import annotations

import hashlib

CONTROLLER = "istio.io/gateway-controller"
GATEWAY_CLASS_NAME = "istio"
GATEWAY_GROUP = "gateway.networking.k8s.io"
ISTIO_GROUP = "networking.istio.io"
POOL_GROUP = "inference.networking.k8s.io"

GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name"
MANAGED_LABEL = "gateway.istio.io/managed"
MANAGED_VALUE = "istio.io-gateway-controller"
POOL_LABEL = "istio.io/inferencepool-name"
EXTENSION_SERVICE = "istio.io/inferencepool-extension-service"
EXTENSION_PORT = "istio.io/inferencepool-extension-port"
EXTENSION_FAILURE_MODE = "istio.io/inferencepool-extension-failure-mode"
"""Labels of a pool's shadow Service, by which routes find the pool's endpoint picker."""

SHADOW_PORT = 54321
"""Port of a pool's shadow Service; nothing listens there, it only tells clusters apart."""

PICKER_PORT = 9002
"""Of an endpoint picker whose pool names no port."""

DESTINATION_NAMESPACE = "envoy.lb"
DESTINATION_KEY = "x-gateway-destination-endpoint"
"""Where an endpoint picker leaves its choice: dynamic metadata, this namespace and key."""

EXT_PROC = "envoy.filters.http.ext_proc"
ROUTER = "envoy.filters.http.router"
CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"

TYPE = "type.googleapis.com/"
SERVICE_NAME_LIMIT = 63


def gateway_workload(gateway: str, gateway_class: str = GATEWAY_CLASS_NAME) -> str:
    """Name of the Deployment, Service and ServiceAccount that serve a Gateway."""
    return f"{gateway}-{gateway_class}"


def service_host(name: str, namespace: str, domain: str = "cluster.local") -> str:
    """The full name of a Service."""
    return f"{name}.{namespace}.svc.{domain}"


def shadow_service(pool: str) -> str:
    """Name of the headless Service that stands for an InferencePool; DestinationRules for the pool name its host."""
    digest = hashlib.sha256(pool.encode()).hexdigest()[:8]
    return f"{pool[: SERVICE_NAME_LIMIT - len('-ip-') - len(digest)]}-ip-{digest}"


def cluster_name(host: str, port: int) -> str:
    """Name of an Envoy cluster for one port of one host."""
    return f"outbound|{port}||{host}"


def route_name(namespace: str, route: str, index: int, rule_name: str | None = None) -> str:
    """Name of the Envoy routes of one HTTPRoute rule: the rule's own name, or its place."""
    return rule_name or f"{namespace}.{route}.{index}"


def route_configuration(port: int) -> str:
    """Name of the route configuration behind a gateway port."""
    return f"http.{port}"


def listener_name(port: int) -> str:
    """Name of the Envoy listener of a gateway port."""
    return f"0.0.0.0_{port}"
