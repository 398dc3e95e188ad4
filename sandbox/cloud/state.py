# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the cloud must remember, and the one file that it remembers it in."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from sandbox.cloud.errors import Json

CREATING, RUNNING, DELETING = "CREATING", "RUNNING", "DELETING"
PENDING, DONE = "PENDING", "DONE"


@dataclass
class Instance:
    """A virtual machine of a managed instance group."""

    name: str
    number: int
    created_at: float
    boots_at: float
    """When it becomes a node, unless something stands in its way."""
    status: str = CREATING
    gone_at: float | None = None
    error: Json | None = None
    """Why it cannot be created: code, message, late."""
    checked_at: float = 0.0
    recreate_at: float | None = None
    """When an upgrade takes it away, to be created again under the same name."""
    registers: bool = True
    """Whether it becomes a node of its cluster when it is up."""


@dataclass
class Group:
    """A managed instance group: the machines of a node pool in one zone."""

    name: str
    zone: str
    created_at: float
    target: int = 0
    serial: int = 0
    """How many machines the group has ever had."""
    instances: dict[str, Instance] = field(default_factory=dict)


@dataclass
class Pool:
    """A node pool; `body` is what the API keeps of the request, with Google's defaults."""

    name: str
    body: Json
    created_at: float
    status: str = "PROVISIONING"
    status_message: str = ""
    conditions: list[Json] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass
class Cluster:
    """A cluster; `index` gives it its addresses on this machine."""

    project: str
    location: str
    name: str
    index: int
    uid: str
    body: Json
    version: str
    created_at: float
    status: str = "PROVISIONING"
    status_message: str = ""
    endpoint: str = ""
    ca_pem: str = ""
    pools: dict[str, Pool] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return cluster_key(self.location, self.name)


@dataclass
class Operation:
    """A long-running operation of Kubernetes Engine."""

    name: str
    project: str
    location: str
    type: str
    cluster: str
    user: str
    guide_seconds: float
    started_at: float
    ends_at: float
    pool: str = ""
    status: str = PENDING
    ended_at: float | None = None
    fails_at: float | None = None
    planned_error: Json | None = None
    error: Json | None = None
    conditions: list[Json] = field(default_factory=list)
    changes: Json = field(default_factory=dict)
    """What the operation sets when it ends."""
    version: str = ""
    """The version that the control plane has when it ends, where it is another one."""
    in_part: str | None = None
    """Set when it ends with a machine that is no node: what Google says then, "" for its usual words."""

    @property
    def cluster_key(self) -> str:
        return cluster_key(self.location, self.cluster)


@dataclass
class ComputeOperation:
    """An operation of Compute Engine."""

    name: str
    type: str
    target: str
    zone: str
    user: str
    started_at: float
    region: str = ""
    """Neither zone nor region: it is a global one."""
    guide_seconds: float = 10.0


@dataclass
class MadeNetwork:
    """A network or a subnet; `body` is what was asked for."""

    body: Json
    created_at: float
    ready_at: float
    gone_at: float | None = None


@dataclass
class ServiceOperation:
    """An operation of Service Usage: these services become enabled."""

    name: str
    services: list[str]
    batch: bool
    ends_at: float
    enabled: bool = True
    settled: bool = False


@dataclass
class QuotaPreference:
    """What was asked of Cloud Quotas, and what became of it."""

    name: str
    body: Json
    granted: int
    created_at: float
    decided_at: float
    updated_at: float = 0.0
    settled: bool = False
    detail: str = ""
    lowers: bool = False
    """Whether it asked for less than there was."""


@dataclass
class LoadBalancer:
    """The forwarding rule and the address behind one Service of type LoadBalancer."""

    name: str
    location: str
    cluster: str
    namespace: str
    service: str
    address: str
    created_at: float
    ready_at: float
    cluster_uid: str = ""
    network: str = "default"


@dataclass
class LedgerItem:
    """Something that a bill would name; times are guide minutes."""

    kind: str
    name: str
    location: str
    detail: Json
    opened: float
    closed: float | None = None


@dataclass
class Token:
    """An access token, found by its digest."""

    email: str
    scope: str
    expires_at: float


@dataclass
class GuideBase:
    """Where guide time stood at one moment, and how fast it has run since."""

    wall: float = 0.0
    guide_minutes: float = 0.0
    speed: float = 0.0


@dataclass
class State:
    """The whole memory."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    compute_operations: dict[str, ComputeOperation] = field(default_factory=dict)
    service_operations: dict[str, ServiceOperation] = field(default_factory=dict)
    services: dict[str, bool] = field(default_factory=dict)
    """Services that were enabled or disabled since the project began."""
    service_accounts: dict[str, Json] = field(default_factory=dict)
    """Accounts that were made since, by address."""
    networks: dict[str, MadeNetwork] = field(default_factory=dict)
    """Networks and subnets that were made since, by their path below the project."""
    quota_preferences: dict[str, QuotaPreference] = field(default_factory=dict)
    load_balancers: dict[str, LoadBalancer] = field(default_factory=dict)
    ledger: list[LedgerItem] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    tokens_revoked_at: float = 0.0
    """Tokens that were signed before count no more, whoever signed them."""
    faults: list[Json] = field(default_factory=list)
    seed: str = ""
    """Decides which of Google's words are used."""
    refused: int = 0
    """Calls that a fault has turned away so far."""
    guide: GuideBase = field(default_factory=GuideBase)

    def running_operation(self, cluster: str) -> Operation | None:
        """The operation that works on a cluster (by its key), if one does."""
        return next((op for op in self.operations.values() if op.status != DONE and op.cluster_key == cluster), None)


def cluster_key(location: str, name: str) -> str:
    """A cluster's key in the state."""
    return f"{location}/{name}"


T = TypeVar("T")


def restore(kind: type[T], data: Any) -> T:
    """A value of `kind` (a dataclass, or a dict, list or union of them) from its JSON form."""
    return typing.cast(T, _restore(kind, data))


def _restore(kind: Any, data: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        known = {item.name for item in fields(kind)}
        return kind(**{name: _restore(hints[name], value) for name, value in data.items() if name in known})
    arguments = typing.get_args(kind)
    if data is not None and typing.get_origin(kind) is dict and len(arguments) == 2:
        return {key: _restore(arguments[1], value) for key, value in data.items()}
    if data is not None and typing.get_origin(kind) is list:
        return [_restore(arguments[0], value) for value in data]
    return data


class Store:
    """The state and its file; a reader of the file never sees half of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = State()
        if path.exists():
            self.state = restore(State, json.loads(path.read_text(encoding="utf-8")))

    def save(self) -> None:
        """Write the state, whole or not at all."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(self.state, default=vars), encoding="utf-8")
        new.replace(self.path)
