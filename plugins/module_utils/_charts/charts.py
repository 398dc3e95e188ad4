# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""operator_charts: the charts of a line as folders of this host, each with whether it is the one that was meant."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._charts.digest import digest_of_folder
from ansible_collections.rhaii.gke.plugins.module_utils._charts.sources import RealSources, Sources
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError


@dataclass(frozen=True)
class Wanted:
    """A chart, or a folder of definitions: its name, where it is from, and its checksum where that is known."""

    name: str
    # a folder, an oci:// reference or the URL of a chart archive
    chart: str
    version: str
    # the URL of a source archive, and the folder in it
    archive: str
    folder: str
    sha256: str

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Wanted:
        return cls(**{name: str(given.get(name) or "") for name in cls.__dataclass_fields__})

    @property
    def is_reference(self) -> bool:
        return "://" in self.chart

    @property
    def place(self) -> str:
        if self.chart:
            return f"{self.chart} {self.version}".strip() if self.is_reference else self.chart
        return f"{self.archive} ({self.folder})"


@dataclass(frozen=True)
class Verdict:
    verified: bool
    said: str = ""


def judge(wanted: Wanted, found: str) -> Verdict:
    """Whether the checksum is the one that was meant; what was fetched and is another one is refused."""
    if not wanted.sha256:
        return Verdict(False, "not verified: no checksum of it is known")
    if found == wanted.sha256:
        return Verdict(True)
    if wanted.chart and not wanted.is_reference:
        return Verdict(False, "not verified: a folder of your own, which differs from the line's")
    raise RhaiiError(
        f"{wanted.name} from {wanted.place} is not the one that was meant: its checksum is {found}, and "
        f"{wanted.sha256} was wanted. Nothing was installed.",
        remedy="Check what the mirror serves, or give a folder of your own (rhaii_operators_chart_folder).",
    )


class _Charts:
    def __init__(self, destination: Path, sources: Sources, progress: Progress) -> None:
        self.destination = destination
        self.sources = sources
        self.progress = progress
        self.fetched: dict[str, Path] = {}

    def found(self, wanted: Wanted) -> tuple[Path, str]:
        """The folder and its checksum."""
        if wanted.chart and not wanted.is_reference:
            folder = Path(wanted.chart).expanduser()
            if not folder.is_dir():
                raise RhaiiError(
                    f"There is no folder {folder}, where {wanted.name} was wanted.",
                    remedy="Give the folder charts of a checkout with rhaii_operators_chart_folder, or leave it empty: "
                    "then they are fetched.",
                )
            return folder, digest_of_folder(folder)
        kept = self.destination / wanted.name
        if wanted.sha256 and kept.is_dir():
            found = digest_of_folder(kept)
            if found == wanted.sha256:
                return kept, found
        fresh = self.fetch(wanted)
        found = digest_of_folder(fresh)
        judge(wanted, found)
        shutil.rmtree(kept, ignore_errors=True)  # what stays makes the rename fail, with its reason
        fresh.rename(kept)
        return kept, found

    def fetch(self, wanted: Wanted) -> Path:
        """The folder, fetched anew, beside where it will be."""
        fresh = self.destination / f".{wanted.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)  # there is one only after a run that was killed
        self.destination.mkdir(parents=True, exist_ok=True)
        if wanted.is_reference:
            self.progress(f"fetching {wanted.name} from {wanted.place}")
            self.sources.pull(wanted.chart, wanted.version, fresh)
            return fresh
        if not wanted.archive:
            raise RhaiiError(
                f"Nothing says where {wanted.name} is to be had.", remedy="Give chart, or archive and folder."
            )
        if wanted.archive not in self.fetched:
            self.progress(f"fetching {wanted.archive}")
            self.fetched[wanted.archive] = self.sources.download(wanted.archive, self.destination)
        self.sources.unpack(self.fetched[wanted.archive], wanted.folder, fresh)
        return fresh

    def end(self) -> None:
        for archive in self.fetched.values():
            archive.unlink(missing_ok=True)


def run(params: Params, sources: Sources, progress: Progress, check_mode: bool) -> Result:
    """Only folders of this host change, so check mode fetches too: it needs to know what would be installed."""
    charts = _Charts(Path(params["destination"]).expanduser(), sources, progress)
    done: list[dict[str, Any]] = []
    try:
        for wanted in map(Wanted.of, params["charts"]):
            folder, found = charts.found(wanted)
            verdict = judge(wanted, found)
            done.append(
                {
                    "name": wanted.name,
                    "path": str(folder),
                    "place": wanted.place,
                    "sha256": found,
                    "verified": verdict.verified,
                    "said": verdict.said,
                }
            )
    finally:
        charts.end()
    return {
        "changed": False,
        "charts": done,
        "paths": {each["name"]: each["path"] for each in done},
        "unverified": unverified(done),
    }


def unverified(done: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each that is not known to be the one that was meant."""
    return [f"{each['name']} ({each['place']}): {each['said']}" for each in done if not each["verified"]]


def sources_of(params: Params) -> RealSources:
    return RealSources(str(params["helm_binary"] or "") or "helm", str(params["ca_file"] or ""))


_CHART: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "chart": {"type": "str", "default": ""},
    "version": {"type": "str", "default": ""},
    "archive": {"type": "str", "default": ""},
    "folder": {"type": "str", "default": ""},
    "sha256": {"type": "str", "default": ""},
}

CAPABILITY = Capability(
    name="operator_charts",
    argument_spec={
        "charts": {"type": "list", "elements": "dict", "required": True, "options": _CHART},
        "destination": {"type": "path", "required": True},
        "helm_binary": {"type": "path", "default": ""},
        "ca_file": {"type": "path", "default": ""},
    },
    ports=sources_of,
    run=run,
)

__all__ = ("CAPABILITY", "Verdict", "Wanted", "judge", "run", "unverified")
