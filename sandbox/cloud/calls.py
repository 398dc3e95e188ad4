# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a handler of an API method gets, and what the server needs to know about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from multidict import MultiMapping

from sandbox.cloud.answers import new_seed
from sandbox.cloud.clock import Clock, Timetable
from sandbox.cloud.discovery import Method
from sandbox.cloud.engine import Engine
from sandbox.cloud.errors import Json
from sandbox.cloud.faults import Faults
from sandbox.cloud.groups import Groups
from sandbox.cloud.ledger import Audit, Ledger
from sandbox.cloud.limits import Limits
from sandbox.cloud.operations import Operations
from sandbox.cloud.project import Project
from sandbox.cloud.runtime import ClusterRuntime
from sandbox.cloud.state import State, Store
from sandbox.timeline import Timeline


@dataclass(frozen=True)
class Cloud:
    """The parts of the cloud, wired once."""

    project: Project
    store: Store
    clock: Clock
    timetable: Timetable
    faults: Faults
    limits: Limits
    ledger: Ledger
    audit: Audit
    timeline: Timeline
    groups: Groups
    operations: Operations
    engine: Engine

    @property
    def state(self) -> State:
        return self.store.state

    @classmethod
    def assemble(
        cls,
        project: Project,
        store: Store,
        clock: Clock,
        speed: float,
        audit: Audit,
        timeline: Timeline,
        runtime: ClusterRuntime,
        seed: str = "",
    ) -> Cloud:
        """Wire the parts. A seed decides which of Google's words are used; one that is there already goes on."""
        store.state.seed = seed or store.state.seed or new_seed()
        timetable = Timetable(speed)
        faults = Faults(store.state)
        limits = Limits(project, faults, store.state)
        ledger = Ledger(store.state, clock, speed)
        groups = Groups(project, store.state, limits, faults, ledger)
        operations = Operations(project, store.state, timetable, faults, timeline)
        engine = Engine(
            project=project,
            store=store,
            clock=clock,
            timetable=timetable,
            groups=groups,
            operations=operations,
            ledger=ledger,
            runtime=runtime,
        )
        return cls(
            project, store, clock, timetable, faults, limits, ledger, audit, timeline, groups, operations, engine
        )


@dataclass(frozen=True)
class Call:
    """One authenticated, validated call."""

    cloud: Cloud
    method: Method
    params: Mapping[str, str]
    query: MultiMapping[str]
    body: Json
    caller: str
    now: float


@dataclass(frozen=True)
class Handler:
    """A function that answers a method, and the permission that its caller needs (none: any caller)."""

    answer: Callable[[Call], Json]
    permission: str = ""
    mutating: bool = False


def page(
    items: list[Json],
    call: Call,
    key: str,
    size_names: tuple[str, ...] = ("pageSize", "maxResults"),
    usual: int = 500,
) -> Json:
    """A page of a list under `key`, with the token of the next one."""
    size = next((int(call.query[name]) for name in size_names if call.query.get(name, "").isdigit()), 0) or usual
    token = call.query.get("pageToken", "")
    start = int(token) if token.isdigit() else 0
    result: Json = {key: items[start : start + size]}
    if start + size < len(items):
        result["nextPageToken"] = str(start + size)
    return result
