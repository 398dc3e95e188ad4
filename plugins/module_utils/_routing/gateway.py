# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Where a Gateway can be reached, read out of the object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def gateway_address(gateway: Mapping[str, Any] | None) -> str:
    """Its first address; empty while it has none."""
    addresses = ((gateway or {}).get("status") or {}).get("addresses") or []
    return str(addresses[0].get("value") or "") if addresses else ""


def gateway_url(gateway: Mapping[str, Any] | None, port: int = 0) -> str:
    """Its root URL by its HTTP listener, else its HTTPS one; a `port` that is not 0 stands for the listener's."""
    host = gateway_address(gateway)
    listeners = ((gateway or {}).get("spec") or {}).get("listeners") or []
    for protocol, scheme, usual in (("HTTP", "http", 80), ("HTTPS", "https", 443)):
        for listener in listeners:
            if host and listener.get("protocol") == protocol:
                number = port or int(listener.get("port") or usual)
                shown = f"[{host}]" if ":" in host else host
                return f"{scheme}://{shown}" + ("" if number == usual else f":{number}")
    return ""


__all__ = ("gateway_address", "gateway_url")
