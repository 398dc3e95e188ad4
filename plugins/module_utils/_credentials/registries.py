# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Which images a login of a pull secret is for, by the kubelet's own rule.

Read in pkg/credentialprovider/keyring.go of Kubernetes 1.34 (Add, URLsMatch, Lookup); what a runtime or docker would do
with an entry does not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

DOCKER_HUB = "docker.io"
# the only key by which Docker's own registry is known beside its name
_INDEX = "index.docker.io"
# what Go's net/url takes in a host, beside letters of other alphabets
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=<>\"\x80-\U0010ffff-]*")
_PORT = re.compile(r"[0-9]*")


@dataclass(frozen=True)
class Place:
    """A host, perhaps with a port, and a path on it."""

    host: str
    port: str
    path: str

    def is_at(self, other: Place) -> bool:
        """Whether this one, with its wildcards, stands for the host of the other. A wildcard never stands for a dot."""
        labels, wanted = self.host.split("."), other.host.split(".")
        return (
            self.port == other.port
            and len(labels) == len(wanted)
            and all(_fits(label, each) for label, each in zip(labels, wanted, strict=True))
        )


def offers(key: str, image: str) -> bool:
    """Whether a kubelet tries the login that stands under `key` for an image."""
    wanted, place = image_place(image), place_of(key)
    if place is None:
        return False
    # a prefix of the text, and not of whole segments
    if place.is_at(wanted) and wanted.path.startswith(place.path):
        return True
    # localhost without a port is a user's name for the kubelet here, though for no runtime
    return wanted.host in (DOCKER_HUB, "localhost") and not wanted.port and _is_index(key, place)


def is_of(key: str, registry: str) -> bool:
    """Whether a kubelet tries the login for some image of a registry, or of a path in it."""
    wanted, place = place_of(registry), place_of(key)
    if wanted is None or place is None:
        return False
    if wanted.host == DOCKER_HUB and _is_index(key, place):
        return True
    paths = (place.path.rstrip("/"), wanted.path.rstrip("/"))
    return place.is_at(wanted) and (paths[0].startswith(paths[1]) or paths[1].startswith(paths[0]))


def place_of(key: str) -> Place | None:
    """What a kubelet makes of a key; None of one that it passes over."""
    if re.search(r"[\x00-\x1f\x7f]", key):
        return None
    rest = re.sub(r"^https?://", "", key)
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    host, _colon, port = authority.rpartition("@")[2].partition(":")
    if not _HOST.fullmatch(host) or not _PORT.fullmatch(port) or re.search(r"%(?![0-9A-Fa-f]{2})", path):
        return None
    path = unquote(f"{slash}{path}")
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return Place(host, port, "" if path == "/" else path)


def image_place(image: str) -> Place:
    """Of an image as a pod names it: without tag and digest, and Docker's own where it names no registry."""
    name = image.partition("@")[0]
    head, slash, rest = name.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        head, rest = DOCKER_HUB, name if slash else f"library/{name}"
    host, _colon, port = head.partition(":")
    return Place(DOCKER_HUB if host == _INDEX else host, port, "/" + re.sub(r":[^/]*$", "", rest))


def _is_index(key: str, place: Place) -> bool:
    """Whether it is the key of Docker's own registry, which is compared as text."""
    return place == Place(_INDEX, "", "") and f"{_INDEX}:" not in key


def _fits(label: str, wanted: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, label.split("*"))), wanted, re.DOTALL) is not None


__all__ = ("DOCKER_HUB", "Place", "image_place", "is_of", "offers", "place_of")
