# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What stands, as rows for programs and as one sentence for people."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import CURRENCY
from ansible_collections.rhaii.gke.plugins.module_utils._standing.bill import Bill
from ansible_collections.rhaii.gke.plugins.module_utils._standing.things import Cluster, Pool, Standing

BOUGHT = {"spot": "spot", "flex_start": "flex-start", "reservation": "reserved"}
STATES = {"PROVISIONING": "being made", "STOPPING": "being deleted", "RECONCILING": "being changed"}
# what need not be said
USUAL = frozenset({"RUNNING", "RECONCILING", ""})


def row(cluster: Cluster) -> Result:
    return {
        "name": cluster.name,
        "location": cluster.location,
        "status": cluster.status,
        "ours": cluster.whose.is_ours,
        "whose": cluster.whose.seems,
        "protected": cluster.protected,
        "pools": [
            {
                "name": pool.name,
                "status": pool.status,
                "machine_type": pool.machine_type,
                "provisioning": pool.provisioning,
                "disk_type": pool.disk_type,
                "disk_size_gb": pool.disk_size_gb,
                "nodes": pool.nodes,
                "asked": pool.asked,
                "ours": pool.whose.is_ours,
                "whose": pool.whose.seems,
            }
            for pool in cluster.pools
        ],
    }


def in_words(found: Standing, now: Bill, when_up: Bill) -> str:
    """One sentence without its full stop; what could not be looked at comes after it."""
    parts = list(_parts(found))
    if found.up:
        text = f"{'; '.join(parts)}: {dollars(now, when_up)}"
    else:
        text = "; ".join(["nothing is up, nothing bills", *parts])
    if found.unread:
        text += f". Not known: {'; '.join(found.unread)}"
    return text


def _parts(found: Standing) -> Iterator[str]:
    for cluster in found.ours:
        pools = ", ".join(pool_words(pool) for pool in cluster.pools)
        state = STATES.get(cluster.status, cluster.status)
        yield f"cluster {cluster.name} in {cluster.location} ({state}){f' with {pools}' if pools else ''}"
    count = sum(found.balancers.values())
    if count:
        yield f"{count} load balancer{'s' if count > 1 else ''}"
    for cluster in found.others:
        whose = f"which is not ours ({cluster.whose.seems}) and not in the sum"
        yield f"cluster {cluster.name} in {cluster.location}, {whose}"


def pool_words(pool: Pool) -> str:
    """tpu-pool (1 of 3 ct6e-standard-4t, spot, being made)."""
    if pool.nodes is None:
        count = "an unknown number of"
    elif pool.asked is not None and pool.asked > pool.nodes:
        count = f"{pool.nodes} of {pool.asked}"
    else:
        count = f"{pool.nodes}"
    words = [f"{count} {pool.machine_type}", BOUGHT.get(pool.provisioning, "")]
    words.append("" if pool.status in USUAL else STATES.get(pool.status, pool.status))
    words.append("" if pool.whose.is_ours else "not ours and not in the sum")
    return f"{pool.name} ({', '.join(filter(None, words))})"


def dollars(now: Bill, when_up: Bill) -> str:
    """What it bills, and what it will once everything is there that was asked for."""
    text = f"bills {_amount(now)} an hour"
    if round(when_up.hourly, 2) > round(now.hourly, 2):
        text += f" now, {_amount(when_up)} once all is up that was asked for"
    if when_up.words:
        text += f" ({now.words or when_up.words})"
    unknown = list(dict.fromkeys([*now.unknown, *when_up.unknown]))
    return f"{text}; no price is known of {', '.join(unknown)}" if unknown else text


def _amount(bill: Bill) -> str:
    return f"{'at least ' if bill.unknown else ''}{bill.hourly:.2f} {CURRENCY}"


__all__ = ("dollars", "in_words", "pool_words", "row")
