# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which Kubernetes a location offers in a release channel, and whether the wished one is among it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import CHANNELS
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import at_least

# From which version on GKE has the machines of a family; older families are in every version that is on offer.
FIRST_VERSION: Mapping[str, str] = {"v6e": "1.31.2-gke.1115000"}
SHOWN = 8


@dataclass(frozen=True)
class Offer:
    """What one channel has in one location; no `versions` when the location does not know the channel."""

    default: str
    versions: tuple[str, ...]

    def serving(self, wanted: str) -> str:
        """The version that GKE would take: the newest that a wish such as 1.36 allows; '' when there is none."""
        if wanted in ("", "-"):
            return self.default
        fitting = [each for each in self.versions if wanted == "latest" or is_of(each, wanted)]
        return max(fitting, key=numbers, default="")

    def listed(self) -> str:
        newest = sorted(self.versions, key=numbers, reverse=True)
        more = f" and {len(newest) - SHOWN} older ones" if len(newest) > SHOWN else ""
        return f"{', '.join(newest[:SHOWN])}{more}"


def is_of(version: str, wanted: str) -> bool:
    """Is 1.36.3-gke.1 a 1.36, or a 1.36.3? 1.3 is no beginning of 1.36."""
    return version == wanted or version.startswith((f"{wanted}.", f"{wanted}-"))


def numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def offer_of(config: Mapping[str, Any], channel: str) -> Offer:
    """From the answer of getServerConfig."""
    if channel == "none":
        return Offer(str(config.get("defaultClusterVersion") or ""), _texts(config.get("validMasterVersions")))
    channels: Sequence[Mapping[str, Any]] = config.get("channels") or []
    found = next((each for each in channels if each.get("channel") == CHANNELS[channel]), {})
    return Offer(str(found.get("defaultVersion") or ""), _texts(found.get("validVersions")))


def _texts(values: Sequence[Any] | None) -> tuple[str, ...]:
    return tuple(map(str, values or ()))


def too_old(version: str, accelerator: str) -> str:
    """The version that the family needs, when `version` is older; '' otherwise."""
    first = FIRST_VERSION.get(accelerator, "")
    return first if first and not at_least(version, first) else ""


__all__ = ("FIRST_VERSION", "Offer", "is_of", "offer_of", "too_old")
