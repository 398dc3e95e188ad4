# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The tools of the control host: what the operators and the cloud modules need, and what only people type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

# as the line of charts needs it (roles/operators/vars/main/lines.yml)
HELM = (3, 17)
# kubernetes.core calls Helm 4 rightly from here on
CORE_FOR_HELM_4 = (6, 4)

KUBERNETES_CORE = "kubernetes.core"
GOOGLE_CLOUD = "google.cloud"

# What kubernetes.core and the cloud modules import, by the name under which pip knows it, and from which version on.
PACKAGES: Mapping[str, str] = {
    "kubernetes": "24.2",
    "google-auth": "",
    # from here on with its REST transport
    "google-cloud-container": "2.57",
    "requests": "",
}

Version = tuple[int, ...]


class NotKnownError(RhaiiError):
    """What could not be found out is no failure."""


@dataclass(frozen=True)
class Tools:
    # where helm is, empty when it was not found; and what it says of its version
    helm: str
    helm_version: str
    # the charts, each with whether it can be read; one that is not a path here (oci://, https://) counts as readable
    charts: Mapping[str, bool]
    # Python packages and collections that are needed, each with its version, empty when it is missing
    packages: Mapping[str, str]
    collections: Mapping[str, str]
    # programs that the guide's commands call, each with its version, empty when it is missing
    programs: Mapping[str, str] = field(default_factory=dict)


def version_of(text: str) -> Version:
    """The first version in a text; none is empty, and smaller than any."""
    match = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, match.group().split("."))) if match else ()


def helm(tools: Tools) -> str:
    if not tools.helm:
        raise RhaiiError(
            "helm is not on this host, and the operators are installed with it.",
            remedy="Install Helm 3.17 or newer, or name it with rhaii_helm_binary.",
        )
    version = version_of(tools.helm_version)
    if not version:
        raise NotKnownError(
            f"{tools.helm} does not say its version.",
            remedy="Helm 3.17 or newer is needed; see what `helm version` says there.",
        )
    said = ".".join(map(str, version))
    if version < HELM:
        raise RhaiiError(
            f"{tools.helm} is Helm {said}, and 3.17 or newer is needed.",
            remedy="Install a newer one, or name it with rhaii_helm_binary.",
        )
    core = tools.collections.get(KUBERNETES_CORE, "")
    if version >= (4,) and core and version_of(core) < CORE_FOR_HELM_4:
        raise RhaiiError(
            f"{tools.helm} is Helm {said}, with which {KUBERNETES_CORE} {core} cannot work.",
            remedy=f"Name a Helm 3 with rhaii_helm_binary, or install {KUBERNETES_CORE} 6.4 or newer.",
        )
    return f"{said} ({tools.helm})"


def charts(tools: Tools) -> str:
    unreadable = [chart or "(none)" for chart, readable in tools.charts.items() if not readable]
    if unreadable:
        raise RhaiiError(
            f"No Helm chart is at {', '.join(unreadable)}.",
            remedy="Name the folder charts of a checkout of rhaii-on-xks (rhaii_operators_chart_folder), or leave it "
            "out: then they are fetched.",
        )
    return ", ".join(tools.charts)


def packages(tools: Tools) -> str:
    missing = [name for name, version in tools.packages.items() if not version]
    old = {
        name: version
        for name, version in tools.packages.items()
        if version and version_of(version) < version_of(PACKAGES.get(name, ""))
    }
    said = [f"missing: {', '.join(missing)}"] if missing else []
    said += [f"{name} is {version}, {PACKAGES[name]} or newer is needed" for name, version in old.items()]
    if said:
        wanted = [f"'{name}>={PACKAGES[name]}'" if PACKAGES.get(name) else name for name in [*missing, *old]]
        raise RhaiiError(
            f"For the Python that runs the tasks: {'; '.join(said)}.",
            remedy=f"Install them: pip install {' '.join(wanted)}",
        )
    return ", ".join(f"{name} {version}" for name, version in tools.packages.items())


def collections(tools: Tools) -> str:
    missing = [name for name, version in tools.collections.items() if not version]
    if missing:
        raise RhaiiError(
            f"Ansible does not find {', '.join(missing)}.",
            remedy=f"Install them: ansible-galaxy collection install {' '.join(missing)}",
        )
    return ", ".join(f"{name} {version}" for name, version in tools.collections.items())


def programs(tools: Tools) -> str:
    """No playbook calls them, so that none of them is missed."""
    here = [f"{name} {version}" for name, version in tools.programs.items() if version]
    absent = [name for name, version in tools.programs.items() if not version]
    said = "; ".join([", ".join(here)] * bool(here) + [f"not here: {', '.join(absent)}"] * bool(absent))
    return f"{said} (only for typing the guide's commands)"


__all__ = (
    "GOOGLE_CLOUD",
    "KUBERNETES_CORE",
    "PACKAGES",
    "NotKnownError",
    "Tools",
    "charts",
    "collections",
    "helm",
    "packages",
    "programs",
    "version_of",
)
