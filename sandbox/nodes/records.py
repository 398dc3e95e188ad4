# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the node remembers of a pod: kept in the pod's folder, so that a restarted node finds its containers again."""

from __future__ import annotations

import dataclasses
import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STATE_FILE = "state.json"

WAITING, RUNNING, TERMINATED = "waiting", "running", "terminated"


def timestamp(moment: datetime.datetime | None = None) -> str:
    """A moment (now by default) the way the API writes it: UTC, whole seconds."""
    return (moment or datetime.datetime.now(datetime.UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime.datetime:
    """The moment of an API timestamp."""
    return datetime.datetime.fromisoformat(text)


@dataclass
class Exit:
    """How a run of a container ended."""

    code: int
    reason: str
    started_at: str
    finished_at: str
    container_id: str
    message: str = ""


@dataclass
class ContainerRecord:
    """One container: what it is doing, and how its last run ended."""

    name: str
    state: str = WAITING
    reason: str = ""
    """Why it waits."""
    message: str = ""
    container_id: str = ""
    image_id: str = ""
    pid: int = 0
    pid_started: int = 0
    started_at: str = ""
    restarts: int = 0
    backoff: int = 0
    """How many restarts in a row came too soon."""
    started: bool = False
    ready: bool = False
    exit: Exit | None = None
    previous: Exit | None = None


@dataclass
class PodRecord:
    """One pod on its node."""

    uid: str
    namespace: str
    name: str
    node: str
    ip: str = ""
    started_at: str = ""
    sandbox_ready: bool = False
    """Address given and volumes mounted."""
    rejected: tuple[str, str] | None = None
    """Reason and message, when the node did not admit the pod."""
    stopped: bool = False
    """Every container has ended and none will start again."""
    containers: dict[str, ContainerRecord] = field(default_factory=dict)

    def container(self, name: str) -> ContainerRecord:
        """The record of a container; made on first use."""
        return self.containers.setdefault(name, ContainerRecord(name))

    def save(self, folder: Path) -> None:
        """Write the record into the pod's folder, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"{STATE_FILE}.new"
        new.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        new.replace(folder / STATE_FILE)

    @classmethod
    def load(cls, folder: Path) -> PodRecord | None:
        """Read the record of a pod's folder; None when there is none."""
        try:
            content = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        containers = {name: container_record(entry) for name, entry in content.pop("containers").items()}
        rejected = content.pop("rejected")
        return cls(**content, containers=containers, rejected=tuple(rejected) if rejected else None)


def container_record(entry: dict[str, Any]) -> ContainerRecord:
    """A container's record from its JSON form."""
    for name in ("exit", "previous"):
        entry[name] = Exit(**entry[name]) if entry[name] else None
    return ContainerRecord(**entry)
