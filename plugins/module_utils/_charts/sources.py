# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Where charts are fetched from: archives by HTTP, chart registries by Helm."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat, one_line

try:
    import requests
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

_CHUNK = 1 << 20
_CONNECT, _READ = 20.0, 120.0
_HELM_SECONDS = 300


class Sources(Protocol):
    def download(self, url: str, folder: Path) -> Path:
        """The file, somewhere below the folder; raises RhaiiError."""

    def unpack(self, archive: Path, inner: str, folder: Path) -> None:
        """One folder of a source archive, without what it is packed in; raises RhaiiError."""

    def pull(self, reference: str, version: str, folder: Path) -> None:
        """A chart out of a registry or an archive of its own; raises RhaiiError."""


class RealSources:
    def __init__(self, helm: str, ca_file: str) -> None:
        self._helm = helm
        self._ca_file = ca_file

    def download(self, url: str, folder: Path) -> Path:
        if MISSING:
            raise RhaiiError(
                f"A Python library is missing where this task runs ({MISSING}).", remedy="pip install requests"
            )
        target = Path(tempfile.mkstemp(suffix=".tar.gz", dir=folder)[1])
        try:
            with requests.get(url, stream=True, timeout=(_CONNECT, _READ), verify=self._ca_file or True) as answer:
                answer.raise_for_status()
                with target.open("wb") as file:
                    for chunk in answer.iter_content(_CHUNK):
                        file.write(chunk)
        except requests.exceptions.RequestException as error:
            target.unlink(missing_ok=True)
            raise RhaiiError(
                f"{url} cannot be fetched ({one_line(error, 200)}).",
                remedy="Give a mirror with rhaii_charts_mirror, or the folder charts of a checkout with "
                "rhaii_operators_chart_folder.",
            ) from error
        return target

    def unpack(self, archive: Path, inner: str, folder: Path) -> None:
        unpack(archive, inner, folder)

    def pull(self, reference: str, version: str, folder: Path) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            command = [self._helm, "pull", reference, "--untar", "--untardir", place]
            command += ["--version", version] if version else []
            command += ["--ca-file", self._ca_file] if self._ca_file else []
            try:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_HELM_SECONDS)
                said = done.stderr.strip() if done.returncode else ""
            except (OSError, subprocess.TimeoutExpired) as error:
                said = one_line(error)
            found = [each for each in Path(place).iterdir() if (each / "Chart.yaml").is_file()]
            if said or len(found) != 1:
                raise RhaiiError(
                    f"Helm could not fetch {reference} {version} ({flat(said, 200) or 'there is no chart in it'}).",
                    remedy="Give another reference, or a folder (rhaii_kserve_chart, rhaii_kserve_chart_version).",
                )
            shutil.move(found[0], folder)


def unpack(archive: Path, inner: str, folder: Path) -> None:
    """Files alone are written, each below `folder`."""
    wanted = PurePosixPath(inner).parts
    folder.mkdir()
    written = 0
    try:
        with tarfile.open(archive) as packed:
            for member in packed:
                # the first part is what the whole is packed in
                parts = PurePosixPath(member.name).parts[1:]
                rest = parts[len(wanted) :]
                if parts[: len(wanted)] != wanted or not rest or not member.isfile() or ".." in parts:
                    continue
                target = folder.joinpath(*rest)
                target.parent.mkdir(parents=True, exist_ok=True)
                content = packed.extractfile(member)
                if content is not None:
                    target.write_bytes(content.read())
                    written += 1
    except (tarfile.TarError, EOFError, OSError) as error:
        raise RhaiiError(
            f"What was fetched is no archive ({one_line(error, 200)}).", remedy="Check what the mirror serves."
        ) from error
    if not written:
        raise RhaiiError(f"The archive has no folder {inner}.", remedy="Check what the mirror serves.")


__all__ = ("RealSources", "Sources", "unpack")
