# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whose something is, in the cloud or in a cluster: ours, another environment's, or somebody else's.

Ours is what carries our labels for this environment and was made by us. Nothing else is ever labelled, resized,
repaired, drained, deleted or waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# In the cloud.
MANAGED_BY = "managed-by"
MANAGER = "rhaii-gke"
ENVIRONMENT = "rhaii-environment"
# Of tools that mark what they make in Google Cloud: label, value (empty: any) and the tool.
_CLOUD_TOOLS: tuple[tuple[str, str, str], ...] = (
    ("goog-terraform-provisioned", "true", "Terraform"),
    ("goog-config-connector", "", "Config Connector"),
    ("managed-by-cnrm", "true", "Config Connector"),
    ("goog-dm", "", "Deployment Manager"),
)

OURS, ANOTHERS, FOREIGN = "ours", "another environment's", "foreign"


@dataclass(frozen=True)
class Whose:
    """A verdict, and for people whose it seems to be, as the end of a sentence that begins with 'it'."""

    verdict: str
    seems: str = ""

    @property
    def is_ours(self) -> bool:
        return self.verdict == OURS


def of_cloud(labels: Mapping[str, object], environment: str) -> Whose:
    """Judge a cluster or a node pool by its resource labels."""
    if labels.get(MANAGED_BY) != MANAGER:
        return Whose(FOREIGN, _maker(labels))
    tool = _tool(labels)
    if tool:
        # version 0.1.0 wrote its labels over pools that it had not made
        return Whose(FOREIGN, f"{tool}, whatever else it is labelled")
    owner = str(labels.get(ENVIRONMENT) or "")
    if not owner:
        return Whose(FOREIGN, f"carries {MANAGED_BY}={MANAGER} and names no environment ({ENVIRONMENT})")
    if owner != environment:
        return Whose(ANOTHERS, f"belongs to the environment {owner}")
    return Whose(OURS)


def _maker(labels: Mapping[str, object]) -> str:
    manager = labels.get(MANAGED_BY)
    if manager:
        return f"seems to be {manager}'s (label {MANAGED_BY}={manager})"
    tool = _tool(labels)
    if tool:
        return tool
    if not labels:
        return "carries no label at all"
    shown = ", ".join(f"{key}={labels[key]}" for key in sorted(labels)[:3])
    return f"carries none of our labels ({shown})"


def _tool(labels: Mapping[str, object]) -> str:
    """Whose mark it carries, of the tools that leave one."""
    for label, value, tool in _CLOUD_TOOLS:
        if label in labels and (not value or labels[label] == value):
            return f"seems to be made by {tool} (label {label})"
    return ""


__all__ = ("ANOTHERS", "ENVIRONMENT", "FOREIGN", "MANAGED_BY", "MANAGER", "OURS", "Whose", "of_cloud")
