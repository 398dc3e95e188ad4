# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The service account that an environment's nodes run as, when it is made for them: its id and address."""

from __future__ import annotations

import hashlib
import re

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

LONGEST = 30
ACCOUNT_ID = re.compile(r"[a-z][-a-z0-9]{4,28}[a-z0-9]")
ENDING = "-nodes"


def account_id(cluster: str) -> str:
    """An id of 6 to 30 characters. A name that is too long keeps its begin, and a digest tells it from others."""
    if len(cluster) + len(ENDING) <= LONGEST:
        return f"{cluster}{ENDING}"
    digest = hashlib.sha256(cluster.encode()).hexdigest()[:5]
    begin = cluster[: LONGEST - len(ENDING) - len(digest) - 1].rstrip("-")
    return f"{begin}-{digest}{ENDING}"


def account_email(cluster: str, project: str, chosen: str = "") -> str:
    """Its address; `chosen` is an id that was given."""
    name = chosen or account_id(cluster)
    if not ACCOUNT_ID.fullmatch(name):
        raise RhaiiError(
            f"{name!r} cannot be the id of a service account.",
            remedy="Give rhaii_node_service_account_id 6 to 30 lower case letters, digits and hyphens, beginning with "
            "a letter and not ending with a hyphen.",
        )
    # a project of an organisation's own domain is called domain:project
    domain, _colon, own = project.rpartition(":")
    return f"{name}@{'.'.join(filter(None, (own, domain)))}.iam.gserviceaccount.com"


__all__ = ("account_email", "account_id")
