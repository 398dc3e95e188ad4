# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whether a Gateway serves, and where it can be reached, read out of the object (Gateway API v1, gateway_types.go)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Object = Mapping[str, Any]

# What answers within the cluster or its network alone; ipaddress' own is_private has the ranges for documentation, too.
_PRIVATE = tuple(
    ipaddress.ip_network(each)
    for each in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
_CLUSTER_ONLY = 3
_INTERNAL_NAMES = (".svc", ".local", ".localhost", ".localdomain", ".internal")
# Conditions with the status that they must have. Those that a controller does not write say nothing; the CRD's own
# default for the first two is Unknown.
_OF_GATEWAY = (("Accepted", "True"), ("Programmed", "True"))
_OF_LISTENER = (("Conflicted", "False"), ("Accepted", "True"), ("ResolvedRefs", "True"), ("Programmed", "True"))


def gateway_faults(gateway: Object | None) -> list[str]:
    """Why it does not serve by its conditions and those of its listeners, each a clause; empty when it does."""
    gateway = gateway or {}
    generation = int((gateway.get("metadata") or {}).get("generation") or 0)
    status = gateway.get("status") or {}
    faults = [f"it {fault}" for fault in _faults(status, _OF_GATEWAY, generation)]
    for listener in status.get("listeners") or []:
        name = listener.get("name") or "unnamed"
        faults += [f"its listener {name} {fault}" for fault in _faults(listener, _OF_LISTENER, generation)]
    return faults


def _faults(status: Object, wanted: Sequence[tuple[str, str]], generation: int) -> Iterator[str]:
    conditions = {str(each.get("type")): each for each in status.get("conditions") or []}
    for kind, right in wanted:
        found = conditions.get(kind)
        if found is None:
            continue
        is_wrong = found.get("status") != right
        seen = int(found.get("observedGeneration") or generation)
        if not is_wrong and seen < generation:
            yield f"says {kind} of its generation {seen}, and it is of {generation}"
        elif is_wrong:
            said = ": ".join(str(found[part]).rstrip(".") for part in ("reason", "message") if found.get(part))
            state = kind if right == "False" else f"not {kind}"
            # Unknown is not the opposite, but nobody has said that it is right
            state = f"not known to be {'free of conflicts' if right == 'False' else kind}" if _open(found) else state
            yield f"is {state}" + (f" ({said})" if said else "")


def _open(condition: Object) -> bool:
    return condition.get("status") not in ("True", "False")


def gateway_address(gateway: Object | None) -> str:
    """The address that answers from farthest away; empty while it has none."""
    found = _addresses(gateway)
    return min(found, key=_nearness) if found else ""


def is_internal(address: str) -> bool:
    """Is it a name that only the cluster's own DNS knows?"""
    return bool(address) and _nearness(address) == _CLUSTER_ONLY


def _addresses(gateway: Object | None) -> list[str]:
    """IP addresses and host names; a named address is the provider's own word for something."""
    entries = ((gateway or {}).get("status") or {}).get("addresses") or []
    usable = [each for each in entries if (each.get("type") or "IPAddress") in ("IPAddress", "Hostname")]
    return [value for value in (str(each.get("value") or "").strip().strip("[]") for each in usable) if value]


def _nearness(address: str) -> int:
    """0 for a public IP address, then public names, addresses of a network, and names of the cluster."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        name = address.lower().rstrip(".")
        is_own = "." not in name or ".svc." in name or name.endswith(_INTERNAL_NAMES)
        return _CLUSTER_ONLY if is_own else 1
    return 2 if found.is_unspecified or any(found in network for network in _PRIVATE) else 0


def gateway_url(gateway: Object | None, port: int = 0) -> str:
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


__all__ = ("gateway_address", "gateway_faults", "gateway_url", "is_internal")
