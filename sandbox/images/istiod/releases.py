# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between the releases of Istio that the stand-in plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = "SANDBOX_ISTIO"


@dataclass(frozen=True)
class Release:
    """One release, by what was observed of it."""

    version: str
    shadow_port: str
    """How the ports of a pool's shadow Service are called, before their number."""

    every_route_keeps_its_pickers: bool = True
    """Of the HTTPRoutes on one listener and host; else the oldest one alone does."""

    shadow_follows_pool: bool = True
    """Whether a later change of a pool reaches the labels of its shadow Service, and so Envoy."""

    sends_trailers: bool = False
    """Whether an endpoint picker is sent the trailers."""


DEFAULT = Release("1.27.3", "port", every_route_keeps_its_pickers=False, shadow_follows_pool=False)
RELEASES = {
    release.version: release
    for release in (
        DEFAULT,
        Release("1.27.9", "http-"),
        Release("1.28.5", "http-", shadow_follows_pool=False, sends_trailers=True),
    )
}


def wanted_release(environ: Mapping[str, str]) -> Release:
    """The release that SANDBOX_ISTIO names."""
    version = environ.get(VARIABLE) or DEFAULT.version
    if version not in RELEASES:
        raise SystemExit(f"{VARIABLE} must be one of {', '.join(RELEASES)}; found {version!r}.")
    return RELEASES[version]
