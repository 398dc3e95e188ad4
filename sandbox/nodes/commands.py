# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The few commands that probes and lifecycle hooks run in a container.

A stand-in image has no programs of its own, and running this machine's instead would look at the wrong files.
"""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

SHELLS = ("sh", "bash")
OPERATORS = frozenset({"&&", "||", "|", ";", ">", "<", "&"})
NOT_FOUND = 127


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    output: str = ""


async def run(argv: Sequence[str], root: Path, *, sleep: Callable[[float], Awaitable[None]]) -> Result:
    """Run a command in the container whose root folder is `root`; `sleep` takes guide seconds."""
    words = list(argv)
    if not words:
        return Result(NOT_FOUND, "the command is empty")
    name = Path(words[0]).name
    if name in SHELLS and len(words) >= 3 and words[1] in ("-c", "-ec", "-lc"):
        try:
            words = shlex.split(words[2])
        except ValueError as error:
            return Result(2, f"{name}: {error}")
        if OPERATORS.intersection(words):
            return unknown(argv)
        name = Path(words[0]).name if words else "true"
    arguments = words[1:]
    if name in ("true", ":"):
        return Result(0)
    if name == "false":
        return Result(1)
    if name == "sleep":
        return await do_sleep(arguments, sleep)
    if name == "cat" and arguments:
        return read_files(arguments, root)
    if name in ("ls", "stat") and arguments:
        paths = [word for word in arguments if not word.startswith("-")]
        missing = [path for path in paths if not inside(root, path).exists()]
        return Result(1, f"{name}: {missing[0]}: No such file or directory") if missing else Result(0)
    if name in ("test", "["):
        return examine([word for word in arguments if word != "]"], root)
    return unknown(argv)


def inside(root: Path, path: str) -> Path:
    """Where a path of the container lies on this machine."""
    return root / path.lstrip("/")


async def do_sleep(arguments: Sequence[str], sleep: Callable[[float], Awaitable[None]]) -> Result:
    """sleep N, or N with a unit."""
    units = {"s": 1, "m": 60, "h": 3600}
    text = arguments[0] if arguments else ""
    factor = units.get(text[-1:], 1)
    try:
        seconds = float(text.rstrip("smh"))
    except ValueError:
        return Result(1, f"sleep: invalid time interval {text!r}")
    await sleep(seconds * factor)
    return Result(0)


def read_files(paths: Sequence[str], root: Path) -> Result:
    """cat."""
    texts = []
    for path in paths:
        try:
            texts.append(inside(root, path).read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            return Result(1, f"cat: {path}: {error.strerror}")
    return Result(0, "".join(texts))


def examine(arguments: Sequence[str], root: Path) -> Result:
    """test -e, -f, -d, -s, with a leading ! for the opposite."""
    words = list(arguments)
    wanted = True
    while words[:1] == ["!"]:
        wanted, words = not wanted, words[1:]
    if len(words) != 2 or words[0] not in ("-e", "-f", "-d", "-s", "-r"):
        return unknown(["test", *arguments])
    path = inside(root, words[1])
    found = {
        "-e": path.exists(),
        "-r": path.exists(),
        "-f": path.is_file(),
        "-d": path.is_dir(),
        "-s": path.is_file() and path.stat().st_size > 0,
    }[words[0]]
    return Result(0 if found == wanted else 1)


def unknown(argv: Sequence[str]) -> Result:
    """A command that the sandbox cannot run."""
    return Result(
        NOT_FOUND,
        f"the sandbox runs no {shlex.join(argv)!r} in a container: its images are stand-ins without programs; "
        "true, false, sleep, cat, ls, stat and test work, alone or by sh -c",
    )
