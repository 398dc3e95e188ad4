# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container as a process of this machine that outlives the nodes process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import processes

# A parent of its own for each container: it writes down the exit code even while no nodes process runs.
# Only the container itself gets signals; its pid is in the file $1.pid.
KEEPER = """
out=$1; shift
"$@" &
echo $! > "$out.pid"
wait $!
echo $? > "$out"
"""

KILLED = 137
PORTABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
ID_VARIABLE = "SANDBOX_CONTAINER_ID"
UP_VARIABLE = "SANDBOX_UP_FILE"
"""The file that a stand-in makes when its program is there."""
UP_LIMIT = 20.0
"""Real seconds that a program has for that on a machine that is busy with others; one of a test may never tell."""
UP_POLL = 0.05


def python_argv(module: str, arguments: Sequence[str]) -> list[str]:
    """The command line of a stand-in image."""
    # -P: the container's working folder is no place to import from; -s: nor is somebody's home
    return [sys.executable, "-P", "-s", "-m", module, *arguments]


class ContainerProcess:
    """One run of a container: started here, or found again by its keeper's pid."""

    def __init__(self, pid: int, started: int, out: Path, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.started = started
        self._out = out
        self._child = child
        self._exited = asyncio.get_running_loop().create_future()
        self._watch()

    @classmethod
    def start(
        cls, argv: Sequence[str], *, title: str, env: Mapping[str, str], cwd: Path, log: Path, out: Path
    ) -> ContainerProcess:
        """Start a container; `title` is what its keeper is called in a process list, `out` will hold its exit code."""
        out.parent.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        up = up_file(out)
        for stale in (out, out.with_name(f"{out.name}.pid"), up):
            stale.unlink(missing_ok=True)
        # a shell passes on only names that it could have set itself
        odd = [f"{name}={value}" for name, value in env.items() if not PORTABLE_NAME.match(name)]
        words = [shutil.which("env") or "/usr/bin/env", *odd, *argv] if odd else list(argv)
        with log.open("ab") as output:
            child = subprocess.Popen(
                [title, "-c", KEEPER, title, str(out), *words],
                executable="/bin/sh",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**{name: value for name, value in env.items() if PORTABLE_NAME.match(name)}, UP_VARIABLE: str(up)},
                cwd=cwd,
                start_new_session=True,
            )
        started = processes.start_time(child.pid)
        return cls(child.pid, started or 0, out, child)

    @classmethod
    def find(cls, pid: int, started: int, out: Path) -> ContainerProcess:
        """Take up a run that an earlier nodes process started; it may have ended meanwhile."""
        return cls(pid, started, out)

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            if not self._keeper_alive():
                raise ProcessLookupError
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            # its number may be somebody else's by now: nothing of it is touched
            self._exited.set_result(self._code())
            return

        def readable() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._ended()

        loop.add_reader(descriptor, readable)

    def _keeper_alive(self) -> bool:
        return self._child is not None or processes.alive(self.pid, self.started)

    def _ended(self) -> None:
        # what the container left behind goes with it; until it is reaped, its number is nobody else's
        self._signal_group(signal.SIGKILL)
        if self._child is not None:
            self._child.wait()
        self._exited.set_result(self._code())

    def _code(self) -> int:
        try:
            return int(self._out.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return KILLED

    @property
    def exited(self) -> bool:
        """Whether it has ended."""
        return self._exited.done()

    async def wait(self) -> int:
        """The exit code, 128 and the signal's number for a signal, when it has ended."""
        return int(await asyncio.shield(self._exited))

    async def up(self) -> None:
        """Wait until the program is there: an interpreter's start is this machine's doing, and no probe's business."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UP_LIMIT):
                while not self.exited and not up_file(self._out).exists():
                    await asyncio.sleep(UP_POLL)

    async def terminate(self) -> None:
        """SIGTERM to the container's first process, as a kubelet does."""
        for _ in range(100):
            pid = self._container_pid()
            if pid or self.exited:
                break
            await asyncio.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            # a number may be given away again; the keeper's session is this container's alone
            if pid and not self.exited and os.getsid(pid) == self.pid:
                os.kill(pid, signal.SIGTERM)

    def _container_pid(self) -> int:
        try:
            return int(self._out.with_name(f"{self._out.name}.pid").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def kill(self) -> None:
        """SIGKILL to everything in the container; the keeper too, which then leaves no exit code."""
        if self._keeper_alive() and not self.exited:
            self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def up_file(out: Path) -> Path:
    """Beside the file of the exit code."""
    return out.with_name(f"{out.name}.up")


def kill_strays(container_id: str) -> None:
    """SIGKILL to what a container started in sessions of its own, which its keeper's group does not hold."""
    wanted = f"{ID_VARIABLE}={container_id}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
