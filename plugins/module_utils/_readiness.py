# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which Deployments still keep us waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


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


__all__ = ("is_available", "unavailable_deployments")
