# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Fields as the API server names them in a refusal: which they are in an object, and in which line of its text."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key, key_of
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

# the port to the API server says so when it is missing
with contextlib.suppress(ImportError):
    import yaml

# names, and places in lists
Steps = tuple[Any, ...]

# As kube-apiserver 1.36 and tests/golden/kserve/odh-v3.4-EA1/guide-label have it: `.spec.labels: field not declared in
# schema`, several below each other; a list's item by its place or by its keys, `containers[name="main"]`.
_TYPED = re.compile(r"^\s*(?P<field>\.(?:\[[^\]]*\]|[^\s:\[\]])+): (?P<what>.+)$")
_TYPED_PREFIX = re.compile(r"^failed to create (?:manager for existing fields|typed patch object) \(.*?\): ")
_UNKNOWN = "field not declared in schema"
# `strict decoding error: unknown field "spec.x", duplicate field "spec.y"`, status 400
_STRICT = re.compile(r'(?P<what>unknown|duplicate) field "(?P<field>[^"]+)"')
_KEYED = re.compile(r'(?P<name>[^=,]+)=(?P<value>"(?:[^"\\]|\\.)*"|[^,]*)')
_SHOWN = 60


@dataclass(frozen=True)
class Fault:
    """A field, and what the API server has against it."""

    field: str
    what: str
    # whether the field can be left out to see what else there is
    is_typed: bool = True

    def __str__(self) -> str:
        return f"{self.field} {self.what}"


def faults_of(error: KubernetesError) -> list[Fault]:
    """What a refusal says of single fields; empty when it was for something else."""
    if error.status == 422:
        return [
            Fault(_dotted(str(cause["field"])), f"is refused: {flat(str(cause.get('message') or ''))}", False)
            for cause in error.causes
            # of rules that could not be asked because of the others
            if cause.get("field") and cause["field"] != "<nil>"
        ]
    if error.status == 400:
        return [
            Fault(_dotted(found["field"]), "is not known" if found["what"] == "unknown" else "is there twice")
            for found in _STRICT.finditer(error.message)
        ]
    if error.status != 500:
        return []
    lines = [found for line in _TYPED_PREFIX.sub("", error.message).splitlines() if (found := _TYPED.match(line))]
    return [
        Fault(found["field"], "is not known" if found["what"] == _UNKNOWN else f"is refused: {found['what']}")
        for found in lines
    ]


def _dotted(field: str) -> str:
    return field if field.startswith(".") else f".{field}"


def steps_of(manifest: Any, field: str) -> tuple[Steps, bool]:
    """Where a field is in an object, as far as the object has it, and whether it has it."""
    place, rest, steps = manifest, field, list[Any]()
    while rest:
        found = _item(place, rest) if rest.startswith("[") else _entry(place, rest.removeprefix("."))
        if found is None:
            break
        step, rest = found
        steps.append(step)
        place = place[step]
    return tuple(steps), not rest


def _entry(place: Any, rest: str) -> tuple[str, str] | None:
    """The longest name that is there: the keys of labels have dots too, and stand in brackets in some words."""
    if not isinstance(place, Mapping):
        return None
    fits = [name for name in map(str, place) if rest == name or rest.startswith((f"{name}.", f"{name}["))]
    name = max(fits, key=len, default=None)
    return None if name is None else (name, rest[len(name) :])


def _item(place: Any, rest: str) -> tuple[Any, str] | None:
    inner, _bracket, after = rest[1:].partition("]")
    if isinstance(place, Mapping):
        return (inner, after) if inner in place else None
    if not isinstance(place, Sequence) or isinstance(place, str):
        return None
    if inner.isdigit():
        return (int(inner), after) if int(inner) < len(place) else None
    wanted = {found["name"]: found["value"].strip('"') for found in _KEYED.finditer(inner)}
    for number, item in enumerate(place):
        if isinstance(item, Mapping) and all(str(item.get(name)) == value for name, value in wanted.items()):
            return number, after
    return None


def without(manifest: Json, field: str) -> Json | None:
    """The object without a field; None where it has no such field."""
    steps, is_whole = steps_of(manifest, field)
    if not steps or not is_whole:
        return None
    found = copy.deepcopy(manifest)
    place: Any = found
    for step in steps[:-1]:
        place = place[step]
    del place[steps[-1]]
    return found


class Documents:
    """Objects as text, which knows the line of each field."""

    def __init__(self, text: str) -> None:
        self._text = text
        try:
            self.objects = [each for each in yaml.load_all(text, Loader=_loader()) if each is not None]
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = "" if mark is None else f", line {mark.line + 1}"
            raise RhaiiError(
                f"What is given as manifests is no YAML ({getattr(error, 'problem', '') or 'unreadable'}{place}).",
                remedy="Give whole Kubernetes objects, with a line of --- between two.",
            ) from None

    def line_of(self, key: Key, field: str) -> str:
        """The line of a field of an object, for a person."""
        nodes = [node for node in yaml.compose_all(self._text, Loader=_loader()) if not _is_empty(node)]
        for manifest, node in zip(self.objects, nodes, strict=False):
            if key_of(manifest, "it") == key:
                number = _line(node, steps_of(manifest, field)[0])
                text = self._text.splitlines()[number - 1].strip()
                return f"line {number}: {text if len(text) <= _SHOWN else text[: _SHOWN - 1] + '…'}"
        return ""


def _is_empty(node: Any) -> bool:
    return node is None or str(node.tag) == "tag:yaml.org,2002:null"


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _line(node: Any, steps: Steps) -> int:
    """The line of the last step; what lies within a list begins with its item."""
    line = int(node.start_mark.line)
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == str(step):
                    line, node = int(name.start_mark.line), value
                    break
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            line = int(node.start_mark.line)
    return line + 1


# What KServe's controller cannot tell from nothing: it reads a service into its Go types and writes it back without
# them, and the same apply is a change each time (tests/golden/kserve/README.md, 2; k8s.io/api core/v1 types.go).
_VANISHING_KINDS = ("LLMInferenceService", "LLMInferenceServiceConfig")
VANISHING_NUMBERS = frozenset(
    ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold", "hostPort")
)
VANISHING_SWITCHES = frozenset(("hostNetwork", "hostPID", "hostIPC", "stdin", "stdinOnce", "tty", "readOnly", "expert"))


def vanishing(manifest: Json) -> list[Fault]:
    """The zeros of an object that its controller would take away."""
    if manifest.get("kind") not in _VANISHING_KINDS:
        return []
    return [
        Fault(field, f"is {str(value).lower()}, which KServe takes away: it would be a change in every run", False)
        for field, name, value in _leaves(manifest.get("spec"), ".spec")
        if (value is False and name in VANISHING_SWITCHES)
        or (value is not False and value == 0 and name in VANISHING_NUMBERS)
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path, path.rpartition(".")[2], value


__all__ = (
    "VANISHING_NUMBERS",
    "VANISHING_SWITCHES",
    "Documents",
    "Fault",
    "Steps",
    "faults_of",
    "steps_of",
    "vanishing",
    "without",
)
