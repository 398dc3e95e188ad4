# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that the sandbox starts: marked, recorded, and ended by pid, never by name.

A marker in the environment is inherited by whatever a process starts itself, so that after a crash
of everything that kept books the sandbox's processes can still be told from anybody else's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.settings import MARKER, Settings

KEEPER = "keeper of "
"""How the name of a container's parent begins; pod and container follow."""


@dataclass(frozen=True)
class Process:
    """A process as the kernel knows it: a pid alone may have been given away again."""

    pid: int
    start_time: int
    name: str = ""


def start_time(pid: int) -> int | None:
    """Clock ticks from boot to the start of `pid`; None when there is no such process or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def alive(pid: int, started: int | None = None) -> bool:
    """Whether `pid` runs and, where `started` is given, still is the process that started then."""
    found = start_time(pid)
    return found is not None and (started is None or found == started)


def marker_environment(settings: Settings) -> dict[str, str]:
    """What tells the sandbox's processes, and theirs, from all others."""
    return {MARKER: str(settings.root), "SANDBOX_DIR": str(settings.root), "SANDBOX_SPEED": f"{settings.speed:g}"}


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    name: str,
    settings: Settings | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> int:
    """Start `argv` in a session of its own with its output appended to `log`; returns its pid."""
    settings = settings or Settings.load()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**(os.environ if env is None else env), **marker_environment(settings)},
            cwd=cwd,
            start_new_session=True,
        )
    record = {"pid": child.pid, "start_time": start_time(child.pid), "name": name, "log": str(log)}
    with settings.processes.open("a", encoding="utf-8") as book:
        book.write(json.dumps(record) + "\n")
    return child.pid


def recorded(settings: Settings) -> list[Process]:
    """The processes in the book that still run."""
    if not settings.processes.exists():
        return []
    found = []
    for line in settings.processes.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:  # the line that a killed process was writing
            continue
        if entry["start_time"] is not None and alive(entry["pid"], entry["start_time"]):
            found.append(Process(entry["pid"], entry["start_time"], entry["name"]))
    return found


def marked(settings: Settings, *, cluster: Path | None = None) -> Iterator[Process]:
    """Every running process that carries the marker of this sandbox, recorded or not; or of one cluster of it."""
    wanted = {f"{MARKER}={settings.root}".encode()}
    if cluster:
        wanted.add(f"SANDBOX_CLUSTER_DIR={cluster}".encode())
    names = {process.pid: process.name for process in recorded(settings)}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        started = start_time(int(folder.name))
        if wanted.issubset(environment) and started is not None:
            pid = int(folder.name)
            yield Process(pid, started, names.get(pid) or command_name(pid))


def command_name(pid: int) -> str:
    """A short name for a process, from its command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "?"
    if words[0].startswith(KEEPER):
        return words[0]
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    return Path(words[0]).name


def stop(pid: int, grace: float = 5.0, started: int | None = None) -> None:
    """SIGTERM, then SIGKILL after `grace` seconds; returns when the process has gone."""
    started = started if started is not None else start_time(pid)
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        if started is None or not alive(pid, started):
            break
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + patience
        while alive(pid, started) and time.monotonic() < deadline:
            reap(pid)
            time.sleep(0.02)
    reap(pid)


def reap(pid: int) -> None:
    """Take the exit status of a child of ours, so that it is no zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except (ChildProcessError, OSError):
        return
