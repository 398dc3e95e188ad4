# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the cloud's lists have: a thing with its place, its labels, and what Kubernetes wrote of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# k8s-fw-a0b1... and a0b1... belong together, and so do k8s2-tcp-... and k8s2-...
_AFFIXES = re.compile(r"^k8s-fw-|^k8s2-(tcp-|udp-|l3-)?|-hc$")
_PLACE = re.compile(r"/(zones|regions)/([^/]+)")
_SERVICE_KEYS = ("kubernetes.io/service-name", "networking.gke.io/service-name")


@dataclass(frozen=True)
class Thing:
    """Something that a list of the cloud has."""

    kind: str
    name: str
    # a zone, a region, or "global"
    place: str
    link: str
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    detail: str = ""
    # of a pool
    cluster: str = ""

    @property
    def service(self) -> str:
        return next((self.notes[key] for key in _SERVICE_KEYS if key in self.notes), "")

    @property
    def family(self) -> str:
        """What the parts of one load balancer have in common."""
        return _AFFIXES.sub("", self.name)


def thing_of(kind: str, body: Mapping[str, object]) -> Thing:
    """A thing from an item of a list of compute.v1."""
    link = str(body.get("selfLink") or "")
    found = _PLACE.search(link)
    tags = list(_names(body.get("targetTags")))
    inner = body.get("tags")
    if isinstance(inner, Mapping):
        tags += _names(inner.get("items"))
    labels = body.get("labels")
    return Thing(
        kind=kind,
        name=str(body.get("name") or ""),
        place=found[2] if found else "global",
        link=link,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {},
        notes=notes_of(str(body.get("description") or "")),
        tags=tuple(tags),
        detail=detail_of(body),
    )


def detail_of(body: Mapping[str, object]) -> str:
    """What tells how much it is: an address, a size, a machine type."""
    if body.get("sizeGb"):
        return f"{body['sizeGb']} GB of {_last(body.get('type'))}"
    if "targetSize" in body:
        return f"{body['targetSize']} machines"
    return str(body.get("IPAddress") or body.get("address") or _last(body.get("machineType")))


def notes_of(description: str) -> dict[str, str]:
    """What Kubernetes wrote into a description; it is JSON, and nothing keeps others from writing anything."""
    try:
        found = json.loads(description) if description.startswith("{") else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _last(url: object) -> str:
    return str(url or "").rpartition("/")[2]


def region_of(location: str) -> str:
    """europe-west4 from europe-west4-a; a region stays one."""
    return location.rpartition("-")[0] if re.fullmatch(r"[a-z]+-[a-z]+\d+-[a-z0-9]+", location) else location


__all__ = ("Thing", "detail_of", "notes_of", "region_of", "thing_of")
