# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One container from its image to its last exit."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.control_plane.kube import ApiError
from sandbox.guide_time import scaled
from sandbox.nodes import logs
from sandbox.nodes.container_process import ContainerProcess, kill_strays, python_argv
from sandbox.nodes.deadline import Deadline
from sandbox.nodes.environment import ConfigError, Environment, expanded
from sandbox.nodes.equipment import Equipment
from sandbox.nodes.image_store import Pulled
from sandbox.nodes.images import InvalidNameError, PullError, Reference
from sandbox.nodes.lifecycle_hooks import HookError, run_hook
from sandbox.nodes.probes import ProbeLoop, Target
from sandbox.nodes.pull_secrets import pull_credentials
from sandbox.nodes.records import (
    RUNNING,
    TERMINATED,
    WAITING,
    ContainerRecord,
    Exit,
    PodRecord,
    parse_timestamp,
    timestamp,
)
from sandbox.nodes.sources import Object
from sandbox.nodes.status import is_sidecar
from sandbox.nodes.volumes import PodVolumes

BACKOFF_FIRST, BACKOFF_LAST, BACKOFF_RESET = 10.0, 300.0, 600.0
"""Guide seconds, the kubelet's."""
RETRY_FLOOR = 1.0
"""Real seconds between two attempts at anything that failed: a start costs processor time."""
GRACE_FLOOR = 2.0
MESSAGE_LIMIT = 4096
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@dataclass
class PodPlace:
    """What the containers of one pod share."""

    pod: Object
    record: PodRecord
    folder: Path
    node_ip: str
    volumes: PodVolumes
    environment: Environment
    changed: Callable[[], None]
    """To be called after each change of the record."""


def backoff(attempts: int) -> float:
    """Real seconds before the next attempt, after so many that came too soon."""
    if attempts == 0:
        return 0.0
    return max(scaled(min(BACKOFF_FIRST * 2 ** (attempts - 1), BACKOFF_LAST)), RETRY_FLOOR)


class ContainerRunner:
    """Starts a container, attends to it, starts it again as its policy says, and ends it."""

    def __init__(self, place: PodPlace, spec: Object, equipment: Equipment, *, init: bool = False) -> None:
        self.spec = spec
        self.place = place
        self.record: ContainerRecord = place.record.container(spec["name"])
        self.has_started = asyncio.Event()
        self._equipment = equipment
        self._init = init
        self._process: ContainerProcess | None = None
        self._pull_failures = 0
        self._launched: float | None = None
        if self.record.started:
            self.has_started.set()

    # ---- the whole life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the container has ended and its policy wants no other run."""
        if self.record.state == RUNNING:
            self._find_process()
            self._equipment.growth.add(self.log)
            await self._attend()
        elif self.record.state == WAITING:
            if self.record.previous:
                self.record.restarts += 1
            await self._start()
            await self._attend()
        while self._wants_restart():
            await self._back_off()
            self.record.restarts += 1
            await self._start()
            await self._attend()

    @property
    def policy(self) -> str:
        """The restart policy that holds for this container."""
        if is_sidecar(self.spec):
            return "Always"
        policy = str(self.place.pod["spec"].get("restartPolicy") or "Always")
        return "OnFailure" if self._init and policy == "Always" else policy

    def _wants_restart(self) -> bool:
        code = self.record.exit.code if self.record.exit else 0
        return self.policy == "Always" or (self.policy == "OnFailure" and code != 0)

    async def _back_off(self) -> None:
        record = self.record
        ended = record.exit
        if ended and seconds_between(ended.started_at, ended.finished_at) > scaled(BACKOFF_RESET):
            record.backoff = 0
        delay = backoff(record.backoff)
        self._note("back-off", delay)
        if delay:
            record.previous, record.exit = ended, None
            pod = self.place.record
            name = self.spec["name"]
            whose = f"{pod.name}_{pod.namespace}({pod.uid})"
            guide = min(BACKOFF_FIRST * 2 ** (record.backoff - 1), BACKOFF_LAST)
            self._event("BackOff", f"Back-off restarting failed container {name} in pod {whose}", warning=True)
            self._wait_for(
                "CrashLoopBackOff", f"back-off {go_duration(guide)} restarting failed container={name} pod={whose}"
            )
        record.backoff += 1
        self.place.changed()
        await asyncio.sleep(delay)

    # ---- start ----------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        while True:
            try:
                pulled = await self._pull()
                values = await self.place.environment.of(self.spec)
            except PullError as error:
                await self._pull_failed(error)
            except ConfigError as error:
                self._event("Failed", f"Error: {error}", warning=True)
                self._wait_for("CreateContainerConfigError", str(error))
                await asyncio.sleep(2 * RETRY_FLOOR)
            except ApiError:
                # the API server is away for a moment: nothing that a reader of the status could do anything about
                await asyncio.sleep(RETRY_FLOOR)
            else:
                try:
                    self._launch(pulled, values)
                except OSError as error:
                    self._event("Failed", f"Error: {error}", warning=True)
                    self._wait_for("RunContainerError", str(error))
                    await asyncio.sleep(2 * RETRY_FLOOR)
                else:
                    break
        hook = (self.spec.get("lifecycle") or {}).get("postStart")
        if hook:
            await self._post_start(hook)

    def _launch(self, pulled: Pulled, values: dict[str, str]) -> None:
        record, spec = self.record, self.spec
        self.place.volumes.link(spec, self.root, values)
        arguments = pulled.image.arguments(expanded(spec.get("command"), values), expanded(spec.get("args"), values))
        container_id = secrets.token_hex(32)
        binding = self._equipment.binding_environment(self.place.record, spec, self.root, container_id)
        logs.forget_old_runs(self.place.folder, spec["name"], record.restarts)
        self._process = ContainerProcess.start(
            python_argv(pulled.image.module, arguments),
            title=f"{processes.KEEPER}{self.place.record.namespace} {self.place.record.name} {spec['name']}",
            env={**values, **binding},
            cwd=self.root,
            log=self.log,
            out=self._out(),
        )
        self._launched = asyncio.get_running_loop().time()
        self._equipment.growth.add(self.log)
        if record.exit:
            record.previous = record.exit
        record.exit = None
        record.state, record.reason, record.message = RUNNING, "", ""
        record.pid, record.pid_started = self._process.pid, self._process.started
        record.container_id = f"containerd://{container_id}"
        record.image_id = pulled.reference.image_id
        record.started_at = timestamp()
        record.started = "startupProbe" not in spec
        record.ready = record.started and "readinessProbe" not in spec
        self.place.changed()
        self._event("Created", f"Created container: {spec['name']}")
        self._event("Started", f"Started container {spec['name']}")
        if record.started:
            self.has_started.set()

    async def _pull(self) -> Pulled:
        spec, pod = self.spec, self.place.pod
        text = spec.get("image") or ""
        if not text or text != text.strip() or text.lower().startswith(("http://", "https://")):
            raise InvalidNameError(f'Failed to apply default image tag "{text}": couldn\'t parse image name')
        reference = Reference.parse(text)
        credentials, missing = await pull_credentials(pod, self._equipment.sources)
        if missing:
            names = ", ".join(missing)
            self._event(
                "FailedToRetrieveImagePullSecret",
                f"Unable to retrieve some image pull secrets ({names}); attempting to pull the image may not succeed.",
                warning=True,
                whole_pod=True,
            )
        pulled = await self._equipment.images.ensure(
            self.place.record.node,
            reference,
            spec.get("imagePullPolicy") or "IfNotPresent",
            credentials,
            on_pull=lambda: self._event("Pulling", f'Pulling image "{text}"'),
        )
        self._pull_failures = 0
        if pulled.seconds is None:
            self._event("Pulled", f'Container image "{text}" already present on machine')
        else:
            took = f"{pulled.seconds:.3f}s"
            self._event("Pulled", f'Successfully pulled image "{text}" in {took} ({took} including waiting).')
        return pulled

    async def _pull_failed(self, error: PullError) -> None:
        text = self.spec.get("image") or ""
        if error.reason != PullError.reason:
            self._event("Failed", str(error), warning=True)
            self._wait_for(error.reason, str(error))
            await asyncio.sleep(backoff(3))
            return
        self._pull_failures += 1
        self._event("Failed", f'Failed to pull image "{text}": {error}', warning=True)
        self._event("Failed", "Error: ErrImagePull", warning=True)
        self._wait_for("ErrImagePull", str(error))
        delay = backoff(self._pull_failures)
        self._note("back-off", delay)
        await asyncio.sleep(delay / 2)
        self._event("BackOff", f'Back-off pulling image "{text}"')
        self._event("Failed", "Error: ImagePullBackOff", warning=True)
        self._wait_for("ImagePullBackOff", f'Back-off pulling image "{text}": ErrImagePull: {error}')
        await asyncio.sleep(delay / 2)

    async def _post_start(self, hook: Mapping[str, Any]) -> None:
        try:
            await run_hook(hook, self.target, self._equipment.prober)
        except HookError as error:
            self._event("FailedPostStartHook", f"PostStartHook failed: {error}", warning=True)
            await self._end(Deadline(GRACE_FLOOR), "FailedPostStartHook")

    # ---- attend ---------------------------------------------------------------------------------------------

    async def _attend(self) -> None:
        """Probe the container while it runs; note how it ended."""
        process = self._process
        if process is None:
            return
        exited = asyncio.create_task(process.wait())
        unhealthy = asyncio.create_task(self._probe())
        try:
            await asyncio.wait({exited, unhealthy}, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                kind, grace = unhealthy.result()
                name = self.spec["name"]
                message = f"Container {name} failed {kind.lower()} probe, will be restarted"
                await self._end(Deadline(grace), message)
        finally:
            for task in (exited, unhealthy):
                task.cancel()
        self._note_exit(await process.wait())

    async def _probe(self) -> tuple[str, float]:
        """Run the probes; the kind of the one that failed for good, and the grace that it gives."""
        record, spec = self.record, self.spec
        if self._process and any(member in spec for member in PROBES):
            await self._process.up()
            if self._launched is not None:
                self._launched = asyncio.get_running_loop().time()
        probe = spec.get("startupProbe")
        if probe and not record.started:
            if not await self._loop(probe, "Startup", lambda result: None).done():
                return "Startup", self._grace(probe)
            record.started = True
            record.ready = "readinessProbe" not in spec
            self.has_started.set()
            self.place.changed()
        loops = [
            self._loop(spec[member], kind, action)
            for member, kind, action in (
                ("readinessProbe", "Readiness", self._readiness),
                ("livenessProbe", "Liveness", lambda result: None),
            )
            if member in spec
        ]
        if not loops:
            await asyncio.Event().wait()
        tasks = [asyncio.create_task(loop.done()) for loop in loops]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
        return "Liveness", self._grace(spec.get("livenessProbe") or {})

    def _loop(self, probe: Object, kind: str, action: Callable[[bool], None]) -> ProbeTask:
        loop = ProbeLoop(
            probe=probe,
            kind=kind,
            attempt=lambda probe: self._equipment.prober.attempt(probe, self.target),
            on_result=action,
            on_failure=lambda message: self._event("Unhealthy", message, warning=True),
            # a container that is probed for its health alone keeps nobody waiting
            on_delay=lambda seconds: None if kind == "Liveness" else self._note(f"{kind.lower()} probe delay", seconds),
            running_since=self._running_since,
            result=(self.record.ready or None) if kind == "Readiness" else None,
        )
        return ProbeTask(loop)

    def _running_since(self) -> float:
        if self._launched is not None:
            return asyncio.get_running_loop().time() - self._launched
        return seconds_between(self.record.started_at, timestamp())

    def _readiness(self, ready: bool) -> None:
        if self.record.ready != ready:
            self.record.ready = ready
            self.place.changed()

    def _grace(self, probe: Mapping[str, Any]) -> float:
        seconds = probe.get("terminationGracePeriodSeconds")
        if seconds is None:
            seconds = self.place.pod["spec"].get("terminationGracePeriodSeconds", 30)
        return max(scaled(seconds), GRACE_FLOOR)

    def _note_exit(self, code: int) -> None:
        record = self.record
        kill_strays(record.container_id.rpartition("/")[2])
        self._equipment.growth.finish(self.log)
        record.exit = Exit(
            code=code,
            reason="Completed" if code == 0 else "Error",
            started_at=record.started_at,
            finished_at=timestamp(),
            container_id=record.container_id,
            message=self._termination_message(code),
        )
        record.state = TERMINATED
        record.ready = record.started = False
        record.pid = record.pid_started = 0
        self.has_started.clear()
        self._process = None
        self.place.changed()

    def _termination_message(self, code: int) -> str:
        path = str(self.spec.get("terminationMessagePath") or "/dev/termination-log")
        with contextlib.suppress(OSError):
            text = (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
            if text:
                return text[-MESSAGE_LIMIT:]
        if code and self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError" and self.log.exists():
            with self.log.open("rb") as stream:
                stream.seek(max(0, self.log.stat().st_size - MESSAGE_LIMIT // 2))
                return stream.read().decode(errors="replace")
        return ""

    # ---- end ------------------------------------------------------------------------------------------------

    async def stop(self, deadline: Deadline) -> None:
        """End the container with the pod. The task that ran `run` must have been cancelled before."""
        if self.record.state != RUNNING:
            return
        process = self._find_process()
        if not process.exited:
            await self._end(deadline, f"Stopping container {self.spec['name']}")
        self._note_exit(await process.wait())

    async def _end(self, deadline: Deadline, message: str) -> None:
        process = self._process
        if process is None:
            return
        self._event("Killing", message)
        hook = (self.spec.get("lifecycle") or {}).get("preStop")
        if hook:
            await self._pre_stop(hook, deadline, process)
        await process.terminate()
        if not await deadline.wait_for(process.wait(), at_least=GRACE_FLOOR):
            process.kill()
            await process.wait()

    async def _pre_stop(self, hook: Mapping[str, Any], deadline: Deadline, process: ContainerProcess) -> None:
        work = asyncio.create_task(run_hook(hook, self.target, self._equipment.prober))
        gone = asyncio.create_task(process.wait())
        either = asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        try:
            await deadline.wait_for(either)
            if work.done() and work.exception():
                self._event("FailedPreStopHook", f"PreStopHook failed: {work.exception()}", warning=True)
        finally:
            for task in (work, gone):
                task.cancel()

    def kill(self) -> None:
        """End the container at once: its node is gone."""
        if self.record.state == RUNNING and processes.alive(self.record.pid, self.record.pid_started):
            self._find_process().kill()
            kill_strays(self.record.container_id.rpartition("/")[2])

    # ---- small things ---------------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The container's root folder."""
        return self.place.folder / "containers" / str(self.spec["name"]) / "root"

    @property
    def log(self) -> Path:
        """The log of the current run."""
        return logs.log_file(self.place.folder, self.spec["name"], self.record.restarts)

    def _find_process(self) -> ContainerProcess:
        """The run that the record tells of; perhaps one of an earlier nodes process."""
        if self._process is None:
            self._process = ContainerProcess.find(self.record.pid, self.record.pid_started, self._out())
        return self._process

    def _out(self) -> Path:
        return self.place.folder / "runs" / f"{self.spec['name']}.{self.record.restarts}"

    @property
    def target(self) -> Target:
        """Where this container's probes go."""
        ports = {port["name"]: port["containerPort"] for port in self.spec.get("ports") or [] if port.get("name")}
        return Target(self.place.record.ip, self.place.node_ip, self.root, ports)

    def _wait_for(self, reason: str, message: str) -> None:
        record = self.record
        record.state, record.reason, record.message = WAITING, reason, message
        self.place.changed()

    def _note(self, kind: str, seconds: float) -> None:
        pod = self.place.record
        self._equipment.timeline.note(kind, f"{pod.namespace}/{pod.name}/{self.spec['name']}", seconds)

    def _event(self, reason: str, message: str, *, warning: bool = False, whole_pod: bool = False) -> None:
        member = "initContainers" if self._init else "containers"
        path = "" if whole_pod else f"spec.{member}{{{self.spec['name']}}}"
        self._equipment.events.pod(self.place.pod, reason, message, container=path, warning=warning)


@dataclass(frozen=True)
class ProbeTask:
    """A probe loop and its outcome."""

    loop: ProbeLoop

    async def done(self) -> bool:
        """Run the loop to its end; what it last found."""
        await self.loop.run()
        return bool(self.loop.result)


def seconds_between(first: str, last: str) -> float:
    """Real seconds between two timestamps."""
    delta: datetime.timedelta = parse_timestamp(last) - parse_timestamp(first)
    return delta.total_seconds()


def go_duration(seconds: float) -> str:
    """10s, 1m20s, 5m0s: the way Go writes it."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
