# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide's commands, as typed: reading them from the data file, filling in names, judging what came out."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

STATUS_LINE = "\nHTTP status %{http_code}\n"


@dataclass(frozen=True)
class Command:
    """One row of commands.yml."""

    step: str
    text: str
    where: str
    lines: int | None
    deadline: float | None
    status: int | None
    expects: tuple[str, ...]

    @property
    def title(self) -> str:
        """A short name for reports."""
        return f"step {self.step}: {' '.join(self.text.split())[:70]}"


def commands(where: str) -> list[Command]:
    """The rows for `ours` or `second`, in their order."""
    rows: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "commands.yml").read_text(encoding="utf-8"))
    return [
        Command(
            step=row["step"],
            text=row["command"],
            where=row["where"],
            lines=row.get("lines"),
            deadline=row.get("deadline"),
            status=row.get("status"),
            expects=tuple(row.get("expects", ())),
        )
        for row in rows
        if row["where"] == where
    ]


def run(command: Command, *, cwd: Path, environment: Mapping[str, str], fills: Mapping[str, str]) -> str:
    """What the command printed; an assertion with all of it when it failed.

    The text is given to bash as the guide has it, but for names in angle brackets. curl is told by a file of its
    own to say the status, so that its words need no change.
    """
    text = command.text
    for name, value in fills.items():
        text = text.replace(name, shlex.quote(value))
    with subprocess.Popen(
        ["bash", "-c", text],
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=command.deadline or 120)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
            os.killpg(process.pid, signal.SIGTERM)
            output, _ = process.communicate(timeout=10)
    if command.deadline is None:
        assert ended, f"{command.title} did not end:\n{output}"
        assert process.returncode == 0, f"{command.title} exited {process.returncode}:\n{output}"
    return output


def judge(command: Command, output: str) -> None:
    """Hold the output against what the row expects."""
    for pattern in command.expects:
        assert re.search(pattern, output), f"{command.title}: no {pattern!r} in:\n{output}"
    positions = [re.search(pattern, output) for pattern in command.expects]
    if command.deadline and command.text.endswith("-f"):
        starts = [found.start() for found in positions if found]
        assert starts == sorted(starts), f"{command.title}: the markers came in another order:\n{output}"
    if command.lines is not None:
        found = [line for line in output.splitlines() if line.strip() and not line.startswith(("NAME ", "NAME\t"))]
        assert len(found) == command.lines, f"{command.title}: wanted {command.lines} lines:\n{output}"
    if command.status is not None:
        assert f"HTTP status {command.status}" in output, f"{command.title}: wanted {command.status}:\n{output}"


def curl_home(folder: Path) -> Path:
    """A home whose .curlrc makes curl say the status after the body."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".curlrc").write_text(
        f'silent\nshow-error\nnoproxy = "*"\nwrite-out = {STATUS_LINE!r}\n'.replace("'", '"'), encoding="utf-8"
    )
    return folder
