# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DestinationRules: which one applies to a host, and the TLS that it wants. Its other policies are not served."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.control_plane.kube import Object
from sandbox.images.istiod.backends import Upstream
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import TYPE
from sandbox.images.istiod.world import World

SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


def tls_settings(world: World, mesh: Mesh, gateway_namespace: str, upstream: Upstream) -> Object | None:
    """The TLS settings for an upstream; None for plain text."""
    rule = _rule(world, mesh, gateway_namespace, upstream)
    policy = (rule or {}).get("spec", {}).get("trafficPolicy") or {}
    for item in policy.get("portLevelSettings") or []:
        if (item.get("port") or {}).get("number") == upstream.port:
            policy = item
    tls: Object | None = policy.get("tls")
    return tls if tls and tls.get("mode", "DISABLE") != "DISABLE" else None


def _rule(world: World, mesh: Mesh, gateway_namespace: str, upstream: Upstream) -> Object | None:
    """Rules are looked for beside the client, then beside the service, then in the root namespace."""
    for namespace in dict.fromkeys((gateway_namespace, upstream.namespace, mesh.root_namespace)):
        found = sorted(_matching(world, mesh, namespace, upstream.host), key=lambda item: item[0])
        if found:
            return found[0][1]
    return None


def _matching(world: World, mesh: Mesh, namespace: str, host: str) -> Iterator[tuple[tuple[int, str, str], Object]]:
    for (rule_namespace, name), rule in world.destination_rules.items():
        if rule_namespace != namespace:
            continue
        wanted = full_host(rule["spec"]["host"], namespace, mesh.domain)
        if wanted == host or (wanted.startswith("*") and host.endswith(wanted[1:])):
            # the most specific host, then the oldest rule
            yield (-len(wanted.lstrip("*")), rule["metadata"].get("creationTimestamp", ""), name), rule


def full_host(host: str, namespace: str, domain: str) -> str:
    """A host as a DestinationRule may shorten it, in full."""
    if host.startswith("*"):
        return host
    dots = host.count(".")
    if dots == 0:
        return f"{host}.{namespace}.svc.{domain}"
    if dots == 1:
        return f"{host}.svc.{domain}"
    return f"{host}.{domain}" if dots == 2 and host.endswith(".svc") else host


def transport_socket(tls: Object, *, http2: bool) -> Object:
    """The Envoy transport socket for TLS settings; the trusted CA comes as a secret named after its file."""
    common: Object = {"alpn_protocols": ["h2"] if http2 else ["http/1.1"]}
    if tls.get("insecureSkipVerify"):
        common["validation_context"] = {"trust_chain_verification": "ACCEPT_UNTRUSTED"}
    else:
        names = [
            {"san_type": san_type, "matcher": {"exact": name}}
            for name in tls.get("subjectAltNames") or []
            for san_type in ("DNS", "URI")
        ]
        common["combined_validation_context"] = {
            "default_validation_context": {"match_typed_subject_alt_names": names} if names else {},
            "validation_context_sds_secret_config": secret(f"file-root:{tls.get('caCertificates') or SYSTEM_ROOTS}"),
        }
    if tls["mode"] == "ISTIO_MUTUAL":
        common["tls_certificate_sds_secret_configs"] = [secret("default")]
    elif tls["mode"] == "MUTUAL":
        pair = f"file-cert:{tls.get('clientCertificate')}~{tls.get('privateKey')}"
        common["tls_certificate_sds_secret_configs"] = [secret(pair)]
    context: Object = {
        "@type": f"{TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": common,
    }
    if tls.get("sni"):
        context["sni"] = tls["sni"]
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def secret(name: str) -> Object:
    """A secret that the agent beside Envoy serves."""
    return {
        "name": name,
        "sds_config": {
            "api_config_source": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
            },
            "resource_api_version": "V3",
        },
    }
