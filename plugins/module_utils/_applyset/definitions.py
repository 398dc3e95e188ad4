# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""CustomResourceDefinitions out of files: the missing ones are made, ours follow their file, those of others stay.

One is up to a megabyte. So only their metadata is read, and a file that the cluster has already is not even parsed.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.conflicts import (
    conflicts_of,
    may_take_over,
    refusal,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    CREATED,
    FIELD_MANAGER,
    OF_ENVIRONMENT,
    made_by,
    makers_of,
    of_object,
    records_of,
)

with contextlib.suppress(ImportError):  # said by _kubernetes
    import yaml

API_VERSION, KIND = "apiextensions.k8s.io/v1", "CustomResourceDefinition"
# The checksum of the file that one was applied from.
APPLIED = "rhaii.gke/applied"
# What Helm makes of a chart's folder crds/ and never touches again.
_HELM, _OF_RELEASE = "helm", "meta.helm.sh/release-name"
# As addon managers mark what is theirs: Kubernetes' cluster/addons/addon-manager README.
_ADDON = "addonmanager.kubernetes.io/mode"
_ONE = re.compile(rb"^kind: *CustomResourceDefinition *$", re.MULTILINE)
_ROOT = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class Definitions(Protocol):
    def live(self) -> dict[str, Json]:
        """The metadata of all that there are, by name."""

    def apply(self, name: str, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        """Apply by the server; the metadata that it has then. Raises KubernetesError."""


@dataclass(frozen=True)
class Set:
    """A file, or a folder of files. With `unless`, none of them where somebody else made that definition."""

    path: Path
    unless: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Set:
        return cls(Path(given["path"]).expanduser(), str(given.get("unless") or ""))

    @property
    def files(self) -> list[Path]:
        if self.path.is_dir():
            found = sorted(each for each in self.path.iterdir() if each.suffix in (".yaml", ".yml"))
        else:
            found = [self.path] if self.path.is_file() else []
        if not found:
            raise RhaiiError(
                f"There are no definitions in {self.path}.", remedy="Give a YAML file, or a folder that has some."
            )
        return found


@dataclass(frozen=True)
class Step:
    """What is to be done about one."""

    key: Key
    # apply, unchanged or left
    action: str
    why: str = ""
    manifest: Json | None = None
    live: Json | None = None
    adopt: bool = False


def plan(sets: Sequence[Set], live: Mapping[str, Json], environment: str) -> Iterator[Step]:
    """In the order given; the first file that has a definition decides about it."""
    claimed: set[str] = set()
    for one in sets:
        foreign = live.get(one.unless) if one.unless else None
        if foreign is not None and not is_ours(foreign, environment) and not by_helm(foreign):
            yield Step(_key(one.unless), "left", f"{whose_it_seems(foreign)}, so all of {one.path.name} is left")
            continue
        for file in one.files:
            yield from _of_file(file, live, environment, claimed)


def _of_file(file: Path, live: Mapping[str, Json], environment: str, claimed: set[str]) -> Iterator[Step]:
    text = file.read_bytes()
    checksum = hashlib.sha256(text).hexdigest()
    there = [name for name, each in live.items() if is_settled(each, checksum, environment)]
    if len(there) == len(_ONE.findall(text)):
        for name in sorted(set(there) - claimed):
            yield Step(_key(name), "unchanged")
        claimed.update(there)
        return
    for manifest in read(file, text):
        name = manifest["metadata"]["name"]
        if name not in claimed:
            claimed.add(name)
            yield _step(name, _marked(manifest, environment, checksum), live.get(name), environment, checksum)


def _step(name: str, manifest: Json, live: Json | None, environment: str, checksum: str) -> Step:
    if live is None:
        return Step(_key(name), "apply", "", manifest)
    if is_settled(live, checksum, environment):
        return Step(_key(name), "unchanged")
    if is_ours(live, environment):
        return Step(_key(name), "apply", "", manifest, live)
    if by_helm(live):
        return Step(_key(name), "apply", "", manifest, live, adopt=True)
    return Step(_key(name), "left", whose_it_seems(live))


def is_settled(live: Json, checksum: str, environment: str) -> bool:
    """Whether it is as that file has it: applied from it by us, and nobody set a part of it since."""
    annotations = live["metadata"].get("annotations") or {}
    return (
        annotations.get(APPLIED) == checksum
        and is_ours(live, environment)
        and {manager for manager, fields in records_of(live) if "f:spec" in fields} == {FIELD_MANAGER}
    )


def is_ours(live: Json, environment: str) -> bool:
    """Not, whatever its marks, where the cluster's own manager keeps it by now: GKE brings some in a later version."""
    return of_object(live, environment).is_ours and not _is_addon(live)


def by_helm(live: Json) -> bool:
    """Whether Helm made it out of a folder crds/, as our releases did before they were applied from here."""
    annotations = live["metadata"].get("annotations") or {}
    return makers_of(live) == {_HELM} and _OF_RELEASE not in annotations and not _is_addon(live)


def whose_it_seems(live: Json) -> str:
    return "is kept by the cluster's addon manager" if _is_addon(live) else made_by(live)


def _is_addon(live: Json) -> bool:
    return _ADDON in (live["metadata"].get("labels") or {})


def read(file: Path, text: bytes) -> list[Json]:
    """The definitions of a file; a megabyte takes minutes without the C parser, and a second with it."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = [each for each in yaml.load_all(text, Loader=loader) if each]
        return [each for each in found if each["kind"] == KIND and each["metadata"]["name"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise RhaiiError(
            f"{file} has no definitions that can be read ({one_line(error, 200)}).", remedy="Give genuine CRDs."
        ) from error


def _marked(manifest: Json, environment: str, checksum: str) -> Json:
    metadata = manifest["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": metadata["name"],
            "labels": {**(metadata.get("labels") or {}), OF_ENVIRONMENT: environment},
            "annotations": {**(metadata.get("annotations") or {}), CREATED: "true", APPLIED: checksum},
        },
        "spec": manifest["spec"],
    }


def _key(name: str) -> Key:
    return Key(API_VERSION, KIND, name)


def served(manifest: Json) -> Key:
    """A kind by which one sees that the API server serves the definition."""
    spec = manifest["spec"]
    version = next(each["name"] for each in spec["versions"] if each["served"])
    return Key(f"{spec['group']}/{version}", spec["names"]["kind"], manifest["metadata"]["name"])


def applied(step: Step, definitions: Definitions, dry_run: bool) -> Json:
    """What there is then; what people changed by hand is taken back, and of others nothing is."""
    if step.manifest is None:
        raise AssertionError(f"{step.key} is not to be applied")
    manifest = step.manifest
    if step.live is not None:
        # another one of its name is not meant
        manifest = {**manifest, "metadata": {**manifest["metadata"], "uid": step.live["metadata"]["uid"]}}
    try:
        return definitions.apply(step.key.name, manifest, force=False, dry_run=dry_run)
    except KubernetesError as error:
        conflicts = conflicts_of(error)
        if not conflicts:
            raise
        if step.live is None or not may_take_over(conflicts):
            raise refusal(step.key, conflicts) from error
    return definitions.apply(step.key.name, manifest, force=True, dry_run=dry_run)


def differs(before: Json | None, after: Json) -> bool:
    """Whether applying changed it: the API server counts generations of what is not metadata."""
    if before is None:
        return True
    return any(before["metadata"].get(part) != after["metadata"].get(part) for part in _COMPARED)


_COMPARED = ("generation", "labels", "annotations")


class KubernetesDefinitions:
    """The real adapter."""

    def __init__(self, api: KubernetesRest) -> None:
        self._api = api

    def live(self) -> dict[str, Json]:
        found = self._api.metadata("list the definitions of kinds", _ROOT)
        return {each["metadata"]["name"]: {"kind": KIND, **each} for each in found}

    def apply(self, name: str, manifest: Json, *, force: bool, dry_run: bool) -> Json:
        query = {"fieldManager": FIELD_MANAGER, "force": str(force).lower(), **({"dryRun": "All"} if dry_run else {})}
        doing = f"{'try' if dry_run else 'apply'} {_key(name)}"
        path = f"{_ROOT}/{quote(name, safe='')}"
        return self._api.call(doing, "PATCH", path, query=query, body=manifest, patch="apply", accept=_METADATA)


__all__ = (
    "APPLIED",
    "Definitions",
    "KubernetesDefinitions",
    "Set",
    "Step",
    "applied",
    "differs",
    "plan",
    "served",
)
