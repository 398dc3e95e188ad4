# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry credentials that a pod names."""

from __future__ import annotations

from sandbox.nodes.registry_credentials import Credential, credentials_of
from sandbox.nodes.sources import Object, Sources


async def pull_credentials(pod: Object, sources: Sources) -> tuple[list[Credential], list[str]]:
    """The credentials of a pod's pull secrets, and the names of secrets that do not exist."""
    found: list[Credential] = []
    missing: list[str] = []
    for reference in pod["spec"].get("imagePullSecrets") or []:
        name = reference.get("name") or ""
        secret = await sources.find("secret", pod["metadata"]["namespace"], name)
        if secret is None:
            missing.append(name)
        else:
            found += credentials_of(secret)
    return found, missing
