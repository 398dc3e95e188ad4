# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTPRoute, the DestinationRules of its backends, and the URLs that follow from gateways."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.images.kserve import names
from sandbox.images.kserve.combining import OLD_POOL_GROUP, POOL_GROUP, http_route, managed_scheduler, pool_backends

Object = dict[str, Any]

ISTIO_CONTROLLERS = ("istio.io/gateway-controller", "istio.io/unmanaged-gateway", "openshift.io/gateway-controller/v1")
MIGRATED = f"{names.GROUP}/inferencepool-migrated"
WORKLOAD = "llminferenceservice-workload"
PICKER = "llminferenceservice-router-scheduler"
PORTS = {"http": 80, "https": 443}
PRIVATE = tuple(ipaddress.ip_network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))


def route(service: Object, spec: Object, current: Object | None) -> Object:
    """The managed HTTPRoute; `current` is the one that is there.

    Backends that are the service's pool get the older API group until a gateway has said that it does not know it.
    """
    name = service["metadata"]["name"]
    meta = names.metadata(
        service, names.child_name(name, "-kserve-route"), names.labels(name, "llminferenceservice-router")
    )
    wanted = copy.deepcopy(http_route(spec) or {})
    if managed_scheduler(spec) is not None:
        moved = current is not None and pool_has_moved(current)
        for backend in pool_backends(wanted, names.pool(name)):
            backend["group"] = POOL_GROUP if moved else OLD_POOL_GROUP
        if moved:
            meta["annotations"] = {MIGRATED: "v1"}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta, "spec": wanted}


def pool_has_moved(current: Object) -> bool:
    """Whether the route has left the pool's older API group behind, or must: the gateway has answered."""
    if (current["metadata"].get("annotations") or {}).get(MIGRATED) == "v1":
        return True
    groups = {
        backend.get("group")
        for rule in (current.get("spec") or {}).get("rules") or []
        for backend in rule.get("backendRefs") or []
        if backend.get("kind") == "InferencePool"
    }
    answers = [
        condition
        for parent in (current.get("status") or {}).get("parents") or []
        for condition in parent.get("conditions") or []
        if condition["type"] == "ResolvedRefs"
    ]
    refused = any(item["status"] == "False" and item.get("reason") == "InvalidKind" for item in answers)
    taken = any(item["status"] == "True" for item in answers)
    return (OLD_POOL_GROUP in groups and refused) or (POOL_GROUP in groups and taken)


def scheduler_present(spec: Object) -> bool:
    """Whether requests go through an endpoint picker."""
    return isinstance((spec.get("router") or {}).get("scheduler"), dict)


def destination_rules(service: Object, spec: Object, shadow_service: str | None, ca_file: str) -> list[Object]:
    """TLS from the gateway to the endpoint picker, to the model pods, and to the pool's shadow Service if it exists."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    workload_host = names.service_host(names.workload_service(name), namespace)
    tls = {"mode": "SIMPLE", "caCertificates": ca_file, "insecureSkipVerify": False}
    rules = [_rule(service, "-kserve-workload-svc", WORKLOAD, workload_host, tls, workload_host)]
    if scheduler_present(spec):
        host = names.service_host(names.epp_service(name), namespace)
        rules.append(_rule(service, "-kserve-scheduler", PICKER, host, tls, host))
    if shadow_service:
        host = names.service_host(shadow_service, namespace)
        rules.append(_rule(service, "-kserve-workload", WORKLOAD, host, tls, workload_host))
    return rules


def destination_rule_names(service: str) -> list[str]:
    """All that there may be."""
    return [
        names.child_name(service, suffix)
        for suffix in ("-kserve-workload-svc", "-kserve-scheduler", "-kserve-workload")
    ]


def _rule(service: Object, suffix: str, component: str, host: str, tls: Object, sni: str) -> Object:
    name = service["metadata"]["name"]
    labels = {**names.labels(name, component), "llm-d.ai/managed": "true"}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": names.metadata(service, names.child_name(name, suffix), labels),
        "spec": {"host": host, "exportTo": ["*"], "trafficPolicy": {"tls": {**tls, "sni": sni}}},
    }


def parents(http_route_object: Object) -> list[tuple[str, str]]:
    """Namespace and name of the gateways that a route attaches to."""
    namespace = http_route_object["metadata"]["namespace"]
    refs = (http_route_object.get("spec") or {}).get("parentRefs") or []
    return [(ref.get("namespace") or namespace, ref["name"]) for ref in refs]


def urls(
    http_route_object: Object,
    gateways: Iterable[Object],
    preferred_scheme: str,
    internal_hosts: Mapping[tuple[str, str], str],
) -> list[str]:
    """The route's URLs: at the addresses that each gateway reports, and at the Service behind it.

    `internal_hosts` gives that Service's name in the cluster, by the gateway's namespace and name.
    """
    path = shortest_path(http_route_object)
    sections = {
        (ref.get("namespace") or http_route_object["metadata"]["namespace"], ref["name"]): ref.get("sectionName")
        for ref in (http_route_object.get("spec") or {}).get("parentRefs") or []
    }
    found = []
    for gateway in gateways:
        key = (gateway["metadata"]["namespace"], gateway["metadata"]["name"])
        addresses = [item["value"] for item in (gateway.get("status") or {}).get("addresses") or [] if item["value"]]
        for place, listener in enumerate(listeners(gateway, sections.get(key), preferred_scheme)):
            hosts = [host for host in (http_route_object.get("spec") or {}).get("hostnames") or [] if host != "*"]
            if not hosts and listener.get("hostname"):
                hosts = [listener["hostname"].replace("*.", "inference.", 1)]
            scheme = scheme_of(listener)
            port = "" if listener["port"] == PORTS[scheme] else f":{listener['port']}"
            reachable = sorted(hosts or addresses) if addresses else []
            if place == 0 and key in internal_hosts:
                reachable.append(internal_hosts[key])
            found += [f"{scheme}://{host}{port}{path}" for host in reachable]
    return sorted(set(found))


def listeners(gateway: Object, section: str | None, preferred_scheme: str) -> list[Object]:
    """The listeners that speak HTTP, the preferred scheme first; or the one that the route names."""
    found = [
        item
        for item in (gateway.get("spec") or {}).get("listeners") or []
        if scheme_of(item) and (not section or item["name"] == section)
    ]
    return sorted(found, key=lambda item: (scheme_of(item) != preferred_scheme, scheme_of(item) != "https"))


def scheme_of(listener: Object) -> str:
    """http or https; empty for a listener that routes no HTTP."""
    return {"HTTP": "http", "HTTPS": "https", "TLS": "https"}.get(str(listener.get("protocol")), "")


def shortest_path(http_route_object: Object) -> str:
    """The path with the fewest segments over all rules: it holds all of the service."""
    paths = [
        (match.get("path") or {}).get("value") or "/"
        for rule in (http_route_object.get("spec") or {}).get("rules") or []
        for match in rule.get("matches") or []
    ]
    return min(paths, key=lambda path: (path.count("/"), len(path)), default="/")


def is_external(url: str) -> bool:
    """Whether a URL can be reached from outside of the cluster."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost" and not host.endswith((".local", ".svc", ".internal"))
    return not any(address in block for block in PRIVATE)


def status_addresses(found: Iterable[str]) -> list[Object]:
    """status.addresses."""
    return [{"name": "gateway-external" if is_external(url) else "gateway-internal", "url": url} for url in found]


def status_url(found: Iterable[str]) -> str | None:
    """status.url: the first external one."""
    return next((url for url in found if is_external(url)), None)
