# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""helm_releases: whose the Helm releases are that an environment installs, our label on those that are ours, and the
way on for one that Helm left half-way.

Helm keeps a release in Secrets, one a revision, and takes labels along from one revision to the next. A Helm that is
killed leaves its revision pending for ever. Seen on a real API server with Helm 3.22 and 4.3: `upgrade -i`, which is
what kubernetes.core.helm runs, then refuses in all three states with "another operation (install/upgrade/rollback) is
in progress". `rollback` goes through, to a revision that is named even out of a pending install, but applies once more
what is to be replaced. With the pending Secrets gone `upgrade -i` goes on from the revision before them, or installs
anew, and takes over what the killed one had made, which carries the release's name. That is the repair: no object goes.
"""

from __future__ import annotations

import base64
import fnmatch
import gzip
import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._charts.installed import files_of, is_installed
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesRest, if_there
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    ANOTHERS,
    FIELD_MANAGER,
    FOREIGN,
    OF_ENVIRONMENT,
    OURS,
    Whose,
    made_by,
)

_STORED = "helm.sh/release.v1"
_PENDING = "pending-"
_LOOK_EVERY = 5.0


@dataclass(frozen=True)
class Wanted:
    """A release as it would be installed, and what runs when it is."""

    name: str
    namespace: str
    chart: str
    value_keys: frozenset[str]
    deployments: tuple[str, ...]

    @classmethod
    def of(cls, given: Json) -> Wanted:
        return cls(
            given["name"],
            given["namespace"],
            given["chart"],
            frozenset(given["value_keys"] or ()),
            tuple(given["deployments"] or ()),
        )

    def __str__(self) -> str:
        return f"Helm release {self.name} in {self.namespace}"


@dataclass(frozen=True)
class Stored:
    """The newest revision of a release: name and labels of its Secret."""

    secret: str
    labels: Mapping[str, str]
    uid: str = ""
    resource_version: str = ""
    created: str = ""

    @classmethod
    def of(cls, metadata: Json) -> Stored:
        return cls(
            metadata["name"],
            metadata.get("labels") or {},
            str(metadata.get("uid") or ""),
            str(metadata.get("resourceVersion") or ""),
            str(metadata.get("creationTimestamp") or ""),
        )

    @property
    def is_pending(self) -> bool:
        return self.status.startswith(_PENDING)

    def seconds(self, now: datetime) -> float:
        """How old it is; as old as time where nobody knows."""
        return (now - datetime.fromisoformat(self.created)).total_seconds() if self.created else math.inf

    @property
    def status(self) -> str:
        return str(self.labels.get("status") or "")

    @property
    def revision(self) -> int:
        version = str(self.labels.get("version") or "")
        return int(version) if version.isdecimal() else 0


@dataclass(frozen=True)
class Line:
    """A line of charts: by which releases and charts it is known, and whether it can be installed from here."""

    name: str
    built: bool
    releases: frozenset[str]
    # name of a chart, and a pattern of its versions
    charts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, name: str, given: Json) -> Line:
        charts = tuple((str(each["name"]), str(each["versions"])) for each in given.get("charts") or ())
        return cls(name, bool(given.get("built")), frozenset(given.get("releases") or ()), charts)

    def has(self, chart: str, version: str) -> bool:
        return any(chart == name and fnmatch.fnmatchcase(version, pattern) for name, pattern in self.charts)


@dataclass(frozen=True)
class Found:
    """A release by which a line is known, as it is in the cluster."""

    line: Line
    release: str
    namespace: str
    chart: str
    version: str

    @property
    def refusal(self) -> str:
        return (
            f"Helm release {self.release} in {self.namespace} is of the chart {self.chart} {self.version}, of the line "
            f"{self.line.name}, which is known here and cannot be installed, changed or taken over yet"
        )


def line_of(lines: Sequence[Line], releases: Releases, content: Callable[[str, str], Json]) -> Found | None:
    """The line that the cluster has; one that cannot be installed from here comes first."""
    named = frozenset(name for line in lines for name in line.releases)
    found = []
    for (namespace, release), stored in sorted(releases.everywhere(named).items()):
        metadata = (content(namespace, stored.secret).get("chart") or {}).get("metadata") or {}
        chart, version = str(metadata.get("name") or ""), str(metadata.get("version") or "")
        found += [Found(line, release, namespace, chart, version) for line in lines if line.has(chart, version)]
    return min(found, key=lambda each: each.line.built, default=None)


class Releases(Protocol):
    def everywhere(self, names: frozenset[str]) -> dict[tuple[str, str], Stored]:
        """The newest revision of each release of these names, by namespace and name."""

    def newest(self, namespace: str, name: str) -> Stored | None:
        """The newest revision, None where there is no such release."""

    def content(self, namespace: str, secret: str) -> Json:
        """What the revision says: chart, values, status."""

    def deployment(self, namespace: str, name: str) -> Json | None:
        """A Deployment, None where there is none."""

    def label(self, namespace: str, secret: str, labels: Mapping[str, str]) -> None:
        """Put labels on the revision."""

    def remove(self, namespace: str, stored: Stored) -> None:
        """Take the revision out of Helm's record, if it is still as it was read; its objects stay."""


@dataclass(frozen=True)
class Ports:
    releases: Releases
    clock: Clock


def judge(wanted: Wanted, stored: Stored, content: Json | None, environment: str) -> Whose:
    """By our label; without one, as version 0.1.0 left its releases, by whether it is what we would install."""
    owner = str(stored.labels.get(OF_ENVIRONMENT) or "")
    if owner:
        return Whose(OURS) if owner == environment else Whose(ANOTHERS, f"belongs to the environment {owner}")
    chart = str((((content or {}).get("chart") or {}).get("metadata") or {}).get("name") or "")
    values = set((content or {}).get("config") or {})
    if chart != wanted.chart:
        return Whose(FOREIGN, f"is of the chart {chart or 'unknown'}, not of {wanted.chart}")
    if values - wanted.value_keys:
        return Whose(FOREIGN, f"has values that we do not set ({', '.join(sorted(values - wanted.value_keys))})")
    return Whose(OURS)


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    releases = ports.releases
    environment = str(params["environment"])
    # up to a megabyte each, and asked for both by the line and by what a release is made of
    read = cache(releases.content)
    found: list[Json] = []
    foreign: list[str] = []
    current: list[str] = []
    pending: list[Wanted] = []
    unlabelled: list[tuple[str, str]] = []
    for wanted in (Wanted.of(each) for each in params["releases"]):
        stored = releases.newest(wanted.namespace, wanted.name)
        if stored is None:
            foreign += _running(wanted, releases)
            found.append({"name": wanted.name, "namespace": wanted.namespace, "status": "absent", "whose": "nobody's"})
            continue
        labelled = bool(stored.labels.get(OF_ENVIRONMENT))
        folder = str(params["folders"].get(wanted.name) or "")
        content = None if labelled and not folder else read(wanted.namespace, stored.secret)
        whose = judge(wanted, stored, content, environment)
        found.append(
            {"name": wanted.name, "namespace": wanted.namespace, "status": stored.status, "whose": whose.verdict}
        )
        if not whose.is_ours:
            half_way = f", and something is under way with it ({stored.status})" if stored.is_pending else ""
            foreign.append(f"{wanted} {whose.seems}{half_way}")
            continue
        if stored.is_pending:
            pending.append(wanted)
            continue
        if params["label"] and not labelled:
            unlabelled.append((wanted.namespace, stored.secret))
        values = params["values"] if wanted.value_keys else {}
        if folder and is_installed(content or {}, files_of(Path(folder).expanduser()), values):
            current.append(wanted.name)
    live = (
        line_of([Line.of(name, each) for name, each in params["lines"].items()], releases, read)
        if params["lines"]
        else None
    )
    if live is not None and not live.line.built:
        foreign.append(live.refusal)
    result: Result = {
        "changed": False,
        "releases": found,
        "foreign": foreign,
        "current": current,
        "pending": [each.name for each in pending],
        "line": "" if live is None else live.line.name,
        "version": "" if live is None else live.version,
    }
    if foreign and params["fail_on_foreign"]:
        raise RhaiiError(
            f"Not of the environment {environment}, and where its operators would be: {'; '.join(foreign)}. "
            "Nothing was changed.",
            remedy="Use a cluster without them. Operators that are there already are not adopted; remove them if they "
            "are yours to remove.",
            result=result,
        )
    repaired = pending if params["repair"] else []
    if not check_mode:
        for wanted in repaired:
            _repair(wanted, ports, float(params["pending_timeout"]), progress)
        for namespace, secret in unlabelled:
            releases.label(namespace, secret, {OF_ENVIRONMENT: environment})
    return {**result, "changed": bool(unlabelled or repaired)}


def _repair(wanted: Wanted, ports: Ports, timeout: float, progress: Progress) -> None:
    """Until its newest revision is none that is pending; a rollback that was killed as well leaves two of them."""
    told = ""
    while (stored := ports.releases.newest(wanted.namespace, wanted.name)) is not None and stored.is_pending:
        left = timeout - stored.seconds(ports.clock.now())
        if left > 0:
            if told != stored.secret:
                progress(f"{wanted} is {stored.status}: a Helm that may still run has {in_words(left)} to end")
                told = stored.secret
            ports.clock.sleep(min(left, _LOOK_EVERY))
            continue
        progress(f"{wanted} was left {stored.status} by a Helm that was killed: going on from the revision before it")
        ports.releases.remove(wanted.namespace, stored)


def _running(wanted: Wanted, releases: Releases) -> list[str]:
    """What runs already although the release that would bring it is not there."""
    found = []
    for place in wanted.deployments:
        namespace, _slash, name = place.partition("/")
        live = releases.deployment(namespace, name)
        if live is not None:
            found.append(f"Deployment {place} {made_by(live)}")
    return found


class KubernetesReleases:
    """The real adapter: Helm's Secrets by REST; their content is read for unlabelled ones alone, and never shown."""

    def __init__(self, api: KubernetesRest) -> None:
        self._api = api

    def everywhere(self, names: frozenset[str]) -> dict[tuple[str, str], Stored]:
        query = {"labelSelector": f"owner=helm,name in ({','.join(sorted(names))})", "fieldSelector": f"type={_STORED}"}
        found: dict[tuple[str, str], Stored] = {}
        for each in self._api.metadata("look for Helm releases", "/api/v1/secrets", query):
            metadata = each["metadata"]
            stored = Stored.of(metadata)
            place = (metadata["namespace"], str(stored.labels.get("name")))
            if place not in found or found[place].revision < stored.revision:
                found[place] = stored
        return found

    def newest(self, namespace: str, name: str) -> Stored | None:
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets"
        query = {"labelSelector": f"owner=helm,name={name}", "fieldSelector": f"type={_STORED}"}
        items = self._api.metadata(f"look for the Helm release {name}", path, query)
        stored = [Stored.of(each["metadata"]) for each in items]
        return max(stored, key=lambda each: each.revision, default=None)

    def content(self, namespace: str, secret: str) -> Json:
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(secret)}"
        data = (self._api.call("read a Helm release", "GET", path).get("data") or {}).get("release") or ""
        return release_of(str(data))

    def deployment(self, namespace: str, name: str) -> Json | None:
        path = f"/apis/apps/v1/namespaces/{quote(namespace)}/deployments/{quote(name)}"
        return if_there(lambda: self._api.call(f"read the Deployment {namespace}/{name}", "GET", path), None)

    def label(self, namespace: str, secret: str, labels: Mapping[str, str]) -> None:
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(secret)}"
        body = {"metadata": {"labels": dict(labels)}}
        self._api.call("label a Helm release", "PATCH", path, query={"fieldManager": FIELD_MANAGER}, body=body)

    def remove(self, namespace: str, stored: Stored) -> None:
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(stored.secret)}"
        # a Helm that ends after all writes its status into it
        body = {"preconditions": {"uid": stored.uid, "resourceVersion": stored.resource_version}}
        nothing: Json = {}
        if_there(lambda: self._api.call("repair a Helm release", "DELETE", path, body=body), nothing)


def release_of(data: str) -> Json:
    """What Helm stored: JSON, zipped, in base64 twice. What is not readable says nothing."""
    try:
        found: Json = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(data))))
    except (ValueError, OSError, EOFError, zlib.error):
        return {}
    return found if isinstance(found, dict) else {}


def ports_of(params: Params) -> Ports:
    return Ports(KubernetesReleases(KubernetesRest.from_params(params)), SystemClock())


_RELEASE: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "chart": {"type": "str", "required": True},
    "value_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "deployments": {"type": "list", "elements": "str", "default": []},
}

CAPABILITY = Capability(
    name="helm_releases",
    argument_spec=kubernetes_options(
        environment={"type": "str", "required": True},
        releases={"type": "list", "elements": "dict", "required": True, "options": _RELEASE},
        folders={"type": "dict", "default": {}},
        # they hold a pull secret
        values={"type": "dict", "default": {}, "no_log": True},
        lines={"type": "dict", "default": {}},
        label={"type": "bool", "default": False},
        repair={"type": "bool", "default": False},
        pending_timeout={"type": "int", "default": 60},
        fail_on_foreign={"type": "bool", "default": True},
    ),
    ports=ports_of,
    run=run,
)

__all__ = (
    "CAPABILITY",
    "Found",
    "Line",
    "Ports",
    "Releases",
    "Stored",
    "Wanted",
    "judge",
    "line_of",
    "release_of",
    "run",
)
