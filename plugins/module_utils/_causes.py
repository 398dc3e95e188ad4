# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The ids of all causes that modules name, from the ground up: what stands above may be why something below fails.

What each means, how it is seen by hand, what cures it and what it explains stands in docs/troubleshooting.yml, in the
same order; a test holds both together. An id never changes its meaning, since people's own tools ask for it.
"""

from __future__ import annotations

from typing import Literal, get_args

CauseId = Literal[
    # the cluster, and what installs and runs services
    "api-server-unreachable",
    "helm-release-interrupted",
    "secret-missing",
    "secret-managed-elsewhere",
    "operator-unavailable",
    "kserve-missing",
    "service-missing",
    "service-being-deleted",
    "service-stopped",
    "service-without-replicas",
    "replicas-set-elsewhere",
    "controller-not-observing",
    "preset-missing",
    "spec-refused",
    "scaling-api-missing",
    "controller-cannot-reconcile",
    "deployment-not-made",
    "pods-refused",
    # nodes
    "too-few-tpu-nodes",
    "node-not-ready",
    "node-cordoned",
    "node-going",
    "node-under-pressure",
    "node-without-chips",
    "rollout-deadlock",
    "taint-not-tolerated",
    "no-node-matches",
    "nodes-full",
    "no-free-chips",
    "volume-claim-unbound",
    "volume-in-another-zone",
    "pod-gated",
    "pod-unscheduled",
    "node-refuses-chips",
    "node-refuses-pod",
    "pod-evicted",
    "node-lost",
    # images
    "pull-secret-missing",
    "pull-secret-without-login",
    "pull-secret-refused",
    "node-may-not-read-registry",
    "image-missing",
    "image-name-invalid",
    "image-of-another-platform",
    "image-unsigned",
    "registry-rate-limit",
    "registry-certificate-untrusted",
    "registry-name-unresolved",
    "registry-unreachable",
    "node-disk-full",
    "image-not-pulled",
    # containers
    "configuration-missing",
    "container-cannot-run",
    "pod-network-not-made",
    "container-out-of-memory",
    "shared-memory-full",
    "volume-full",
    "path-not-writable",
    "probe-too-short",
    # the model's download
    "hub-certificate-untrusted",
    "hub-tls-broken",
    "hub-proxy-refuses",
    "hub-name-unresolved",
    "hub-token-refused",
    "hub-model-disabled",
    "hub-revision-missing",
    "hub-file-missing",
    "hub-model-missing",
    "hub-rate-limit",
    "hub-down",
    "hub-offline-mode",
    "hub-download-broken",
    "hub-unreachable",
    "model-uri-invalid",
    "model-path-missing",
    "model-image-unreadable",
    "model-archive-broken",
    "bucket-credentials",
    "bucket-missing",
    "bucket-forbidden",
    "bucket-unreachable",
    "storage-ca-missing",
    # the model server
    "server-argument-unknown",
    "server-arguments-refused",
    "context-too-long",
    "chip-memory-too-small",
    "chip-memory-in-use",
    "chips-in-use",
    "chips-missing",
    "chips-do-not-fit",
    "kernel-does-not-build",
    "model-not-supported",
    "model-code-untrusted",
    "tokenizer-broken",
    "model-does-not-split",
    "weights-broken",
    "model-configuration-missing",
    "port-in-use",
    "server-certificate-missing",
    "engine-failed",
    "container-crashes",
    "replica-starting",
    "rollout-under-way",
    "replicas-not-serving",
    # the gateway and its routes
    "gateway-without-address",
    "gateway-without-listener",
    "gateway-not-programmed",
    "gateway-cluster-only",
    "ca-missing",
    "certificate-near-its-end",
    "route-reference-invalid",
    "service-without-url",
    "condition-not-true",
    # the endpoint picker
    "picker-not-enabled",
    "picker-down",
    "envoyfilter-takes-picker",
    "envoyfilter-missing",
    "envoyfilter-stale",
    "envoyfilter-matches-no-route",
    "routes-share-a-host",
    "rules-share-a-name",
    "route-bypasses-picker",
    "picker-not-asked",
    # network policies
    "network-policy-missing",
    "policy-blocks-gateway",
    "policy-blocks-picker",
    "policies-not-enforced",
    # requests
    "endpoint-not-serving",
    "routing-pinned",
    "routing-blind",
    "prompts-too-short",
    "prefix-not-cached",
    "prompts-not-new",
    "routing-not-told",
    "path-not-served",
]
# '' is for what is right, and for what only follows from something else.
Cause = Literal[CauseId, ""]

CAUSES: tuple[CauseId, ...] = get_args(CauseId)


def anchor(cause: CauseId) -> str:
    """Where the cause stands in our docs."""
    return f"docs/troubleshooting.md#{cause}"


__all__ = ("CAUSES", "Cause", "CauseId", "anchor")
