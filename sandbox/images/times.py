# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as Kubernetes objects write them."""

from __future__ import annotations

import datetime


def stamp(moment: datetime.datetime) -> str:
    """A moment in RFC 3339, to the second."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> str:
    """Now."""
    return stamp(datetime.datetime.now(datetime.UTC))
