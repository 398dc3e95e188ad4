# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Names and labels that KServe gives to what it makes for an LLMInferenceService."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

GROUP = "serving.kserve.io"
PLURAL = "llminferenceservices"
STOP = f"{GROUP}/stop"

NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
COMPONENT = "kserve.io/component"

_LONGEST = 63
# What a name keeps of its parent beside the 32 digits of an MD5 sum.
_HEAD = _LONGEST - 32


def child_name(parent: str, suffix: str) -> str:
    """`parent` + `suffix`, shortened as KServe does: a sum of the parent stands for what does not fit 63 characters."""
    if len(parent) + len(suffix) <= _LONGEST:
        return parent + suffix
    digest = hashlib.md5(parent.encode(), usedforsecurity=False).hexdigest()
    return parent[: _HEAD - len(suffix)] + digest + suffix


def selector(name: str) -> str:
    """Everything that belongs to the service: its replicas, and its endpoint picker."""
    return f"{NAME}={name},{PART_OF}=llminferenceservice"


def is_workload(labels: Mapping[str, str]) -> bool:
    """Does it serve the model (and not pick endpoints for it)?"""
    return labels.get(COMPONENT) == "workload"


__all__ = ("GROUP", "PLURAL", "STOP", "child_name", "is_workload", "selector")
