# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on what kubernetes.core.k8s_info found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any


def unavailable_deployments(deployments: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    """The entries of `wanted` (NAMESPACE/NAME) that are missing or have less than all replicas available."""
    available = {
        f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in deployments if is_available(item)
    }
    return [name for name in wanted if name not in available]


def is_available(deployment: Mapping[str, Any]) -> bool:
    """Whether the controller has seen the newest spec and every replica of it serves."""
    status = deployment.get("status", {})
    replicas = deployment["spec"].get("replicas", 1)
    return (
        status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) >= replicas
        and status.get("availableReplicas", 0) >= replicas
    )


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"unavailable_deployments": unavailable_deployments}
