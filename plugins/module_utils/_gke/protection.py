# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""keep: a protected cluster, with its pools, is neither deleted nor made anew until somebody lifts that."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import KEEP


def is_kept(labels: Mapping[str, object]) -> bool:
    """`labels` are those of a cluster; its pools carry none of their own for this."""
    return labels.get(KEEP) == "true"


def refuse_kept(what: str, bearer: str, labels: Mapping[str, object], keep: bool | None) -> None:
    """`keep` is the option: true protects, false lifts it in the same breath, none leaves it to the label."""
    if keep is False or not (keep or is_kept(labels)):
        return
    why = f"{bearer} carries the label {KEEP}=true" if is_kept(labels) else "keep is true"
    raise RhaiiError(
        f"{what} is protected: {why}.",
        remedy="To delete it all the same, say keep: false (-e rhaii_keep=false).",
    )


__all__ = ("is_kept", "refuse_kept")
