# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""What there is on the controller, with versions: programs, Python packages, collections, charts."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import PACKAGES, Tools, version_of

# What each is asked for its version with. gcloud takes seconds to say its own, which a file beside it says too.
PROGRAMS: dict[str, tuple[str, ...]] = {
    "gcloud": (),
    "kubectl": ("version", "--client"),
    "jq": ("--version",),
}
HELM = ("version", "--template", "{{.Version}}")
_SECONDS = 20


def read_tools(helm: str, charts: Sequence[str], collections: Sequence[str], *, programs: bool = True) -> Tools:
    """Look, all programs at once."""
    place = shutil.which(str(Path(helm).expanduser()) if helm else "helm") or ""
    names = PROGRAMS if programs else {}
    with ThreadPoolExecutor() as pool:
        said = pool.submit(_says, place, HELM)
        versions = {name: pool.submit(_says, shutil.which(name) or "", PROGRAMS[name]) for name in names}
    return Tools(
        helm=place,
        helm_version=said.result(),
        charts={chart: is_chart(chart) for chart in charts},
        packages={name: _package(name) for name in PACKAGES},
        collections={name: collection_version(name) for name in collections},
        programs={name: _number(found.result()) for name, found in versions.items()},
    )


def _says(program: str, arguments: Sequence[str]) -> str:
    """What a program says of itself; nothing when it is not there, a word when it says nothing."""
    if not program:
        return ""
    if not arguments:
        return _written(Path(program).resolve().parents[1] / "VERSION")
    try:
        done = subprocess.run(
            [program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return "unknown"
    return done.stdout.strip() or "unknown"


def _written(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip() or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"


def _number(said: str) -> str:
    """kubectl says more than one version; the first one is its own."""
    return ".".join(map(str, version_of(said))) or said


def _package(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def collection_version(name: str) -> str:
    """Of an installed collection, or of a checkout of it; empty when Ansible does not find it."""
    try:
        found = importlib.util.find_spec(f"ansible_collections.{name}")
    except (ImportError, ValueError):
        return ""
    for folder in (found.submodule_search_locations or ()) if found else ():
        manifest, galaxy = Path(folder) / "MANIFEST.json", Path(folder) / "galaxy.yml"
        try:
            if manifest.exists():
                return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
            if galaxy.exists():
                return str(yaml.safe_load(galaxy.read_text(encoding="utf-8")).get("version") or "unknown")
        except (OSError, ValueError, KeyError, yaml.YAMLError):
            return "unknown"
        return "unknown"
    return ""


def is_chart(chart: str) -> bool:
    if "://" in chart or chart.endswith(".tgz"):
        return "://" in chart or Path(chart).expanduser().is_file()
    return (Path(chart).expanduser() / "Chart.yaml").is_file()


__all__ = ("PROGRAMS", "collection_version", "is_chart", "read_tools")
