# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DestinationRules: which one applies to a host, and the TLS that it wants. Its other policies are not served."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.control_plane.kube import Object, Objects
from sandbox.images.istiod.backends import Upstream
from sandbox.images.istiod.endpoints import service_accounts
from sandbox.images.istiod.mesh import Mesh
from sandbox.images.istiod.names import TYPE
from sandbox.images.istiod.world import World

OWN_CERTIFICATE = "default"
MESH_ROOT = "ROOTCA"
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


def tls_settings(world: World, mesh: Mesh, gateway_namespace: str, upstream: Upstream) -> Object | None:
    """The TLS settings that a DestinationRule has for an upstream; None without one."""
    rule = _rule(world, mesh, gateway_namespace, upstream)
    policy = (rule or {}).get("spec", {}).get("trafficPolicy") or {}
    for item in policy.get("portLevelSettings") or []:
        if (item.get("port") or {}).get("number") == upstream.port:
            policy = item
    return policy.get("tls") or None


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
    # without HTTP/2, Istio's own filter asks for what the client speaks
    common = _common(("h2",) if http2 else ())
    if tls.get("insecureSkipVerify"):
        common["validation_context"] = {"trust_chain_verification": "ACCEPT_UNTRUSTED"}
    else:
        names = [{"exact": name} for name in tls.get("subjectAltNames") or []]
        common["combined_validation_context"] = {
            "default_validation_context": {"match_subject_alt_names": names} if names else {},
            "validation_context_sds_secret_config": secret(f"file-root:{tls.get('caCertificates') or SYSTEM_ROOTS}"),
        }
    if tls["mode"] == "ISTIO_MUTUAL":
        common["tls_certificate_sds_secret_configs"] = [secret(OWN_CERTIFICATE)]
    elif tls["mode"] == "MUTUAL":
        pair = f"file-cert:{tls.get('clientCertificate')}~{tls.get('privateKey')}"
        common["tls_certificate_sds_secret_configs"] = [secret(pair)]
    return _socket(common, tls.get("sni") or "")


def mutual_tls_where_offered(world: World, mesh: Mesh, upstream: Upstream) -> Objects:
    """Without a DestinationRule: mutual TLS with endpoints that have a sidecar, plain text with others."""
    common = _common(("istio-peer-exchange", "istio", *(["h2"] if upstream.http2 else [])))
    identities = [
        {"exact": f"spiffe://{mesh.domain}/ns/{upstream.namespace}/sa/{account}"}
        for account in service_accounts(world, upstream)
    ]
    common["combined_validation_context"] = {
        "default_validation_context": {"match_subject_alt_names": identities} if identities else {},
        "validation_context_sds_secret_config": secret(MESH_ROOT, patience="0s"),
    }
    common["tls_certificate_sds_secret_configs"] = [secret(OWN_CERTIFICATE, patience="0s")]
    plain = {
        "name": "envoy.transport_sockets.raw_buffer",
        "typed_config": {"@type": f"{TYPE}envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"},
    }
    sni = f"outbound_.{upstream.port}_._.{upstream.host}"
    return [
        {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": _socket(common, sni)},
        {"name": "tlsMode-disabled", "match": {}, "transport_socket": plain},
    ]


def _common(protocols: tuple[str, ...]) -> Object:
    versions = {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"}
    return {"tls_params": versions, **({"alpn_protocols": list(protocols)} if protocols else {})}


def _socket(common: Object, sni: str) -> Object:
    context = {
        "@type": f"{TYPE}envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": common,
        **({"sni": sni} if sni else {}),
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def secret(name: str, *, patience: str = "") -> Object:
    """A secret that the agent beside Envoy serves."""
    source = {
        "api_config_source": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": True,
            "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}],
        },
        "resource_api_version": "V3",
    }
    return {"name": name, "sds_config": {**source, **({"initial_fetch_timeout": patience} if patience else {})}}
