# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whether a Helm release is exactly a chart's folder with certain values, so that an upgrade would change nothing.

Helm keeps with each revision the chart that it was made of: templates and other files as they are, Chart.yaml and
values.yaml as their content (helm.sh/helm/v3/pkg/chart, chart.go). What cannot be compared is taken for changed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json

try:
    import yaml
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = ""

Files = Mapping[str, bytes]

# Of Chart.yaml what Helm keeps and an upgrade would change.
_TOLD = ("apiVersion", "name", "version", "appVersion", "type", "description")
_TEMPLATES = "templates/"
# Charts within it, which a revision keeps otherwise.
_INNER = "charts/"


def files_of(folder: Path) -> dict[str, bytes]:
    """The files of a chart, by their paths in it; raises OSError."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_installed(release: Json, files: Files, values: Mapping[str, Any]) -> bool:
    """Whether a release that stands is of this chart with these values."""
    chart: Json = release.get("chart") or {}
    if (release.get("info") or {}).get("status") != "deployed" or (release.get("config") or {}) != dict(values):
        return False
    if MISSING or any(name.startswith(_INNER) for name in files):
        return False
    templates, others = _kept(chart.get("templates")), _kept(chart.get("files"))
    if templates is None or others is None:
        return False
    return (
        templates == {name: content for name, content in files.items() if name.startswith(_TEMPLATES)}
        and all(files.get(name) == content for name, content in others.items())
        and _read(files, "values.yaml") == (chart.get("values") or {})
        and _told(_read(files, "Chart.yaml")) == _told(chart.get("metadata") or {})
    )


def _kept(entries: Any) -> dict[str, bytes] | None:
    try:
        return {str(each["name"]): base64.b64decode(each.get("data") or "") for each in entries or []}
    except (KeyError, TypeError, AttributeError, binascii.Error):
        return None


def _read(files: Files, name: str) -> Any:
    try:
        return yaml.load(files.get(name, b""), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except yaml.YAMLError:
        return None


def _told(metadata: Any) -> Any:
    if not isinstance(metadata, Mapping):
        return None
    return {name: str(metadata[name]) for name in _TOLD if metadata.get(name)}


__all__ = ("Files", "files_of", "is_installed")
