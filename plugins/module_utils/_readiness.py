# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which Deployments still keep us waiting, and which charts could not be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import flat


def unavailable_deployments(deployments: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    """The entries of `wanted` (NAMESPACE/NAME) that are missing or have less than all replicas available."""
    available = {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in deployments if is_available(item)
    }
    return [name for name in wanted if name not in available]


def is_available(deployment: Mapping[str, Any]) -> bool:
    """Whether the controller has seen the newest spec and every replica of it serves."""
    status: Mapping[str, Any] = deployment.get("status", {})
    replicas = int(deployment["spec"].get("replicas", 1))
    seen = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 0))
    return (
        seen
        and int(status.get("updatedReplicas", 0)) >= replicas
        and int(status.get("availableReplicas", 0)) >= replicas
    )


def helm_failures(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each release that a loop over kubernetes.core.helm could not install; values are not in it."""
    return [
        f"Helm could not install {result['item']['name']}: {_said_by_helm(result)}"
        for result in results
        if result.get("failed") or int(result.get("rc") or 0) != 0 or result.get("failed_when_result")
    ]


def _said_by_helm(result: Mapping[str, Any]) -> str:
    said = str(result.get("stderr") or "").strip() or str(result.get("msg") or "").strip() or "nothing."
    # what Helm itself says comes last; what comes before are warnings
    return flat(said.splitlines()[-1])


__all__ = ("helm_failures", "is_available", "unavailable_deployments")
