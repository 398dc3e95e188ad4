# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long-running operations of Kubernetes Engine: begin, look at, measure."""

from __future__ import annotations

import uuid

from sandbox.cloud.answers import Answers
from sandbox.cloud.clock import Timetable, timestamp
from sandbox.cloud.errors import Json
from sandbox.cloud.faults import OWN_OPERATIONS, Faults
from sandbox.cloud.project import Project
from sandbox.cloud.state import DONE, Cluster, Operation, State
from sandbox.timeline import Timeline

ROOT = "https://container.googleapis.com/v1"

GOOGLE = "google"
"""Who begins an operation that nobody asked for."""
UPDATE_GUIDE_SECONDS = 60.0
"""A change that touches no machine; the guide names no length for it."""


class Operations:
    """The operations of the project."""

    def __init__(
        self, project: Project, state: State, timetable: Timetable, faults: Faults, timeline: Timeline
    ) -> None:
        self._project = project
        self._state = state
        self._timetable = timetable
        self._faults = faults
        self._timeline = timeline

    def ensure_free(self, cluster: Cluster) -> None:
        """A refusal, in one of Google's forms, when an operation works on the cluster: Google does one at a time."""
        running = self._state.running_operation(cluster.key)
        if running:
            raise Answers(self._state).busy(running)

    def begin(
        self,
        kind: str,
        cluster: Cluster,
        *,
        user: str,
        now: float,
        duration: str | float = UPDATE_GUIDE_SECONDS,
        pool: str = "",
        changes: Json | None = None,
    ) -> Operation:
        """Record an operation; `duration` is a name of durations.yml or guide seconds."""
        guide_seconds = self._timetable.guide(duration) if isinstance(duration, str) else duration
        length = self._timetable.real(guide_seconds)
        operation = Operation(
            name=f"operation-{int(now * 1000)}-{uuid.uuid4()}",
            project=cluster.project,
            location=cluster.location,
            type=kind,
            cluster=cluster.name,
            user=user,
            guide_seconds=guide_seconds,
            started_at=now,
            ends_at=now + length,
            pool=pool,
            changes=changes or {},
            planned_error=self._faults.operation_error(kind),
        )
        if operation.planned_error:
            operation.fails_at = now + length / 2
        self._state.operations[operation.name] = operation
        self._timeline.note("operation", " ".join(filter(None, (kind, cluster.name, pool))), length, now)
        return operation

    def begin_own(self, now: float) -> bool:
        """Begin what Google does without being asked, on clusters that are there and free; whether anything began."""
        began = False
        for fault in self._faults.waiting_to_be_busy():
            for cluster in self._state.clusters.values():
                meant = cluster.name == fault["cluster"] and fault.get("location", cluster.location) == cluster.location
                if meant and cluster.status == "RUNNING" and not self._state.running_operation(cluster.key):
                    kind, length = fault.get("type", OWN_OPERATIONS[0]), fault["guide_minutes"] * 60
                    self.begin(kind, cluster, user=GOOGLE, now=now, duration=length)
                    cluster.status = "RECONCILING"
                    self._faults.clear(fault["id"])
                    began = True
                    break
        return began

    def render(self, operation: Operation) -> Json:
        """An operation as the API shows it."""
        place = self._place(operation.location)
        target = f"{place}/clusters/{operation.cluster}"
        if operation.pool:
            target += f"/nodePools/{operation.pool}"
        result: Json = {
            "name": operation.name,
            "zone": operation.location,
            "location": operation.location,
            "operationType": operation.type,
            "status": operation.status,
            "selfLink": f"{place}/operations/{operation.name}",
            "targetLink": target,
            "startTime": timestamp(operation.started_at),
        }
        if operation.ended_at is not None:
            result["endTime"] = timestamp(operation.ended_at)
        if operation.error:
            result["error"] = operation.error
            result["statusMessage"] = operation.error["message"]
        if operation.conditions:
            key = "nodepoolConditions" if operation.pool else "clusterConditions"
            result[key] = operation.conditions
        return result

    def _place(self, location: str) -> str:
        kind = "zones" if self._project.is_zone(location) else "locations"
        return f"{ROOT}/projects/{self._project.number}/{kind}/{location}"

    def measure(self, operation: Operation) -> Json:
        """How long an operation took, and how much of that is this machine's doing."""
        overhead = None
        if operation.ended_at is not None and not operation.error:
            overhead = round(max(0.0, operation.ended_at - operation.ends_at), 3)
        taken = None if operation.ended_at is None else round(operation.ended_at - operation.started_at, 3)
        return {
            "name": operation.name,
            "type": operation.type,
            "location": operation.location,
            "cluster": operation.cluster,
            "pool": operation.pool,
            "status": operation.status,
            "error": operation.error,
            "started": timestamp(operation.started_at),
            "guide_seconds": operation.guide_seconds,
            "planned_seconds": round(operation.ends_at - operation.started_at, 3),
            "real_seconds": taken,
            "overhead_seconds": overhead,
        }

    def running(self) -> list[Operation]:
        """What is not done."""
        return [operation for operation in self._state.operations.values() if operation.status != DONE]
