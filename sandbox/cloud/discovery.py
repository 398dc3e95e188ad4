# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's own descriptions of its APIs, read from the client packages: routes, parameters, schemas, enum numbers."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sandbox.cloud.errors import Json

DOCUMENTS = (
    "container.v1",
    "compute.v1",
    "serviceusage.v1",
    "cloudresourcemanager.v1",
    "cloudresourcemanager.v3",
    "cloudbilling.v1",
    "monitoring.v3",
    "iam.v1",
    "iamcredentials.v1",
    "cloudquotas.v1",
)

# google.rpc.Code, whose numbers are not in the order of the document's list.
RPC_CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}

# What every method takes, beside what its document says.
COMMON_PARAMETERS = frozenset({"$alt", "$prettyPrint", "$httpMethod", "$outputDefaults", "userIp"})


@dataclass(frozen=True)
class Method:
    """One method of an API."""

    id: str
    document: str
    http_method: str
    path: str
    parameters: Mapping[str, Json]
    request: str | None
    response: str | None

    @property
    def api(self) -> str:
        """The API's name: the first label of its host."""
        return self.id.partition(".")[0]

    @property
    def host(self) -> str:
        """Where Google serves it."""
        return f"{self.api}.googleapis.com"


@dataclass(frozen=True)
class Document:
    """One version of one API."""

    name: str
    methods: tuple[Method, ...]
    schemas: Mapping[str, Json]
    enums: EnumNumbers = field(repr=False)


class EnumNumbers:
    """Numbers of enum values: REST clients of the newer kind send and may ask for numbers."""

    def __init__(self, classes: Mapping[str, Mapping[str, int]]) -> None:
        self._classes = classes
        self._known: dict[tuple[str, ...], Mapping[str, int]] = {}

    def numbers(self, schema: str, values: list[str]) -> Mapping[str, int]:
        """The number of each value of an enum that `schema` uses."""
        key = (schema, *values)
        if key not in self._known:
            self._known[key] = self._find(schema, values)
        return self._known[key]

    def _find(self, schema: str, values: list[str]) -> Mapping[str, int]:
        def fit(item: tuple[str, Mapping[str, int]]) -> tuple[int, bool]:
            return len(set(values) & set(item[1])), item[0].startswith(f"{schema}.")

        name, best = max(self._classes.items(), key=fit, default=("", {}))
        if fit((name, best))[0] >= max(2, len(values) // 2):
            return best
        # values stand in the order of their numbers where no class is known
        return {value: number for number, value in enumerate(values)}


@cache
def document(name: str) -> Document:
    """Read a document; a tenth of a second for the largest."""
    content = read(name)
    prefix = content.get("servicePath", "")
    common = {**content.get("parameters", {}), **{parameter: {} for parameter in COMMON_PARAMETERS}}
    methods = tuple(
        Method(
            id=item["id"],
            document=name,
            http_method=item["httpMethod"],
            path="/" + prefix + item.get("flatPath", item["path"]),
            parameters={**common, **item.get("parameters", {})},
            request=item.get("request", {}).get("$ref"),
            response=item.get("response", {}).get("$ref"),
        )
        for item in walk(content)
    )
    return Document(name, methods, content.get("schemas", {}), EnumNumbers(enum_classes(name)))


def read(name: str) -> Json:
    """The raw document: Google's, or for an API that publishes none in the package our own list of its routes."""
    own = Path(__file__).parent / f"{name}.yml"
    if own.exists():
        return dict(yaml.safe_load(own.read_text(encoding="utf-8")))
    path = package("googleapiclient") / "discovery_cache" / "documents" / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def package(name: str) -> Path:
    """The folder of a package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the Python package {name} is missing; `make setup` installs it")
    return Path(spec.submodule_search_locations[0])


def walk(resource: Json) -> Iterator[Json]:
    """Every method below a resource."""
    yield from resource.get("methods", {}).values()
    for child in resource.get("resources", {}).values():
        yield from walk(child)


def enum_classes(name: str) -> Mapping[str, Mapping[str, int]]:
    """Enum classes of the generated client, read from its source: an import would cost twenty times more."""
    if name != "container.v1":
        return {}
    source = package("googleapiclient").parent / "google/cloud/container_v1/types/cluster_service.py"
    if not source.exists():
        return {}
    return {
        **dict(enums_below(ast.parse(source.read_text(encoding="utf-8")))),
        "StatusCondition.CanonicalCode": RPC_CODES,
    }


def enums_below(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, dict[str, int]]]:
    """Dotted names and values of the enums that a module defines."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef):
            continue
        name = prefix + child.name
        if any(isinstance(base, ast.Attribute) and base.attr == "Enum" for base in child.bases):
            yield name, dict(assignments(child))
        yield from enums_below(child, name + ".")


def assignments(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    """The NAME = number lines of a class."""
    for line in node.body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, int):
            target = line.targets[0]
            if isinstance(target, ast.Name):
                yield target.id, line.value.value


def pattern(path: str) -> re.Pattern[str]:
    """A flat path as a regular expression."""
    parts = re.split(r"(\{[^}]+\})", path)
    text = "".join(f"(?P<{part[1:-1]}>[^/:]+)" if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(text)


def singular(name: str) -> str:
    """A path parameter's plain name: projectsId and projectId are both project."""
    for ending in ("sId", "Id"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def enum_of(schema: Json) -> list[str] | None:
    """The values that a schema allows, if it is an enum."""
    values: Any = schema.get("enum")
    return list(values) if values else None
