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

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

# In the cloud.
MANAGED_BY = "managed-by"
MANAGER = "rhaii-gke"
ENVIRONMENT = "rhaii-environment"
# Of tools that mark what they make in Google Cloud: label, value (empty: any) and the tool. Terraform's is what its
# provider's add_terraform_attribution_label adds, the others are what such resources carry in public.
_CLOUD_TOOLS: tuple[tuple[str, str, str], ...] = (
    ("goog-terraform-provisioned", "true", "Terraform"),
    ("managed-by-cnrm", "true", "Config Connector"),
    ("goog-dm", "", "Deployment Manager"),
)
# Google's own labels, which tell nothing of an owner.
_OF_GOOGLE = "goog-"

# The way on of somebody who wants it deleted; never offered for what is another environment's.
FORCE = " To delete it all the same, do that yourself, or say force_unlabelled: true."

OURS, ANOTHERS, FOREIGN = "ours", "another environment's", "foreign"


@dataclass(frozen=True)
class Whose:
    """A verdict, and for people whose it seems to be, as the end of a sentence that begins with 'it'."""

    verdict: str
    seems: str = ""

    @property
    def is_ours(self) -> bool:
        return self.verdict == OURS


def refusal(whose: Whose, what: str, environment: str, way: str) -> RhaiiError:
    """Why something is left alone: what it is, whose it seems to be, and the way on."""
    return RhaiiError(
        f"{what} was not made for the environment {environment}: it {whose.seems}. It is left alone.", remedy=way
    )


def of_cloud(labels: Mapping[str, object], environment: str) -> Whose:
    """Judge a cluster or a node pool by its resource labels."""
    if labels.get(MANAGED_BY) != MANAGER:
        return Whose(FOREIGN, _maker(labels))
    owner = str(labels.get(ENVIRONMENT) or "")
    if owner and owner != environment:
        return Whose(ANOTHERS, f"belongs to the environment {owner}")
    tool = _tool(labels)
    if tool:
        # version 0.1.0 wrote its labels over pools that it had not made
        return Whose(FOREIGN, f"{tool}, whatever else it is labelled")
    if not owner:
        return Whose(FOREIGN, f"carries {MANAGED_BY}={MANAGER} and names no environment ({ENVIRONMENT})")
    return Whose(OURS)


def _maker(labels: Mapping[str, object]) -> str:
    manager = labels.get(MANAGED_BY)
    if manager:
        return f"seems to be {manager}'s (label {MANAGED_BY}={manager})"
    tool = _tool(labels)
    if tool:
        return tool
    telling = [key for key in sorted(labels) if not key.startswith(_OF_GOOGLE)]
    if not telling:
        return "carries no label that names an owner"
    shown = ", ".join(f"{key}={labels[key]}" for key in telling[:3])
    return f"carries none of our labels ({shown})"


def _tool(labels: Mapping[str, object]) -> str:
    """Whose mark it carries, of the tools that leave one."""
    for label, value, tool in _CLOUD_TOOLS:
        if label in labels and (not value or labels[label] == value):
            return f"seems to be made by {tool} (label {label})"
    return ""


__all__ = (
    "ANOTHERS",
    "ENVIRONMENT",
    "FORCE",
    "FOREIGN",
    "MANAGED_BY",
    "MANAGER",
    "OURS",
    "Whose",
    "of_cloud",
    "refusal",
)
