# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_leftovers: what the cloud's own lists still have of an environment. Reads only.

A cluster that is deleted takes its machines, their disks and its own firewall rules along. It does not take what its
controllers made for Services of type LoadBalancer and for volumes, and then nothing is left that would delete that.
"""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options, wait_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.google import leftover_ports
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.kinds import KINDS
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.look import Seen, look
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import OURS, Claim, Judgement
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ports import LeftoverPorts
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.report import row_of, table_of
from ansible_collections.rhaii.gke.plugins.module_utils._patience import Patience


def run(params: Params, ports: LeftoverPorts, progress: Progress, check_mode: bool) -> Result:
    del check_mode
    claim = Claim(
        cluster=params["cluster"],
        environment=params["environment"],
        locations=tuple(params["locations"]),
        services=frozenset(params["services"] or ()),
        foreign_services=frozenset(params["foreign_services"] or ()),
        namespaces=frozenset(params["namespaces"] or ()),
        known=frozenset(params["known"] or ()),
    )
    kinds = frozenset(params["kinds"] or KINDS)
    timeout = float(params["wait_timeout"]) if params["wait"] else 0.0
    patience = Patience(ports.clock, progress, what=claim.environment, timeout=timeout)
    deadline = patience.deadline
    seen = patience.read(lambda: look(ports.inventory, claim, kinds))
    while not deadline.passed:
        left = sure(seen)
        if not left:
            break
        names = ", ".join(f"{KINDS[each.thing.kind].words} {each.thing.name}" for each in left[:3])
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        progress(f"{claim.environment}: waiting until {names}{more} have gone")
        deadline.pause(float(params["wait_interval"]))
        seen = patience.read(lambda: look(ports.inventory, claim, kinds))
    ours = sure(seen)
    rows = [row_of(each, ports.inventory.project) for each in seen.found]
    return {
        "changed": False,
        "clean": not ours and not seen.unread,
        "leftovers": rows,
        "ours": len(ours),
        "links": [each.thing.link for each in ours if each.thing.link],
        "unread": [{"kind": kind, "reason": reason} for kind, reason in sorted(seen.unread.items())],
        "table": table_of(rows),
    }


def sure(seen: Seen) -> list[Judgement]:
    return [each for each in seen.found if each.certainty == OURS]


CAPABILITY = Capability(
    name="gke_leftovers",
    argument_spec=google_options(
        cluster={"type": "str", "required": True},
        environment={"type": "str", "required": True},
        locations={"type": "list", "elements": "str", "required": True},
        services={"type": "list", "elements": "str", "default": []},
        foreign_services={"type": "list", "elements": "str", "default": []},
        namespaces={"type": "list", "elements": "str", "default": []},
        known={"type": "list", "elements": "str", "default": []},
        kinds={"type": "list", "elements": "str", "default": [], "choices": list(KINDS)},
        **{**wait_options(300, 10.0), "wait": {"type": "bool", "default": False}},
    ),
    ports=leftover_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "run")
