# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a CRD says of its fields, as one line a field; and a CRD without descriptions out of such lines.

A path is `.name` for a field, `[]` for a list's items and `{}` for a map's values. A field `"shape": "pod"` has what
the shape of that name has. What is in no line is unknown to the API server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
Fields = dict[str, Object]

HEADER = "# Generated from the facts of the line's public CRDs: python -m sandbox.assets.crd_facts FACTS FOLDER\n"
DROPPED = ("description", "properties", "items", "additionalProperties", "x-kubernetes-validations")
"""Nested schemas have lines of their own; descriptions and expressions are their authors' words and no facts."""


def facts_of(schema: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    """Every field of a schema, by path."""
    yield path, {key: value for key, value in schema.items() if key not in DROPPED}
    for name, nested in sorted((schema.get("properties") or {}).items()):
        yield from facts_of(nested, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from facts_of(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from facts_of(schema["additionalProperties"], f"{path}{{}}")


def expanded(fields: Fields, shapes: dict[str, Fields]) -> Fields:
    """The fields with those of their shapes."""
    found: Fields = {}
    for path, field in fields.items():
        shape = field.get("shape")
        if shape is None:
            found[path] = field
        else:
            found |= {path + below: entry for below, entry in expanded(shapes[shape], shapes).items()}
    return found


def schema_of(fields: Fields, shapes: dict[str, Object], path: str = "") -> Object:
    """The schema at a path; `shapes` holds those that several fields share."""
    field = fields[path]
    if "shape" in field:
        return shapes[field["shape"]]
    schema = dict(field)
    names = [key[len(path) + 1 :] for key in fields if key.startswith(f"{path}.") and _is_name(key[len(path) + 1 :])]
    if names:
        schema["properties"] = {name: schema_of(fields, shapes, f"{path}.{name}") for name in names}
    if f"{path}[]" in fields:
        schema["items"] = schema_of(fields, shapes, f"{path}[]")
    if f"{path}{{}}" in fields:
        schema["additionalProperties"] = schema_of(fields, shapes, f"{path}{{}}")
    return schema


def _is_name(text: str) -> bool:
    return not any(mark in text for mark in ".[{")


def definitions(facts: Object) -> Iterator[Object]:
    """The CRDs of a file of facts."""
    shapes: dict[str, Object] = {}
    for name, fields in facts["shapes"].items():
        shapes[name] = schema_of(fields, shapes)
    for kind, resource in facts["resources"].items():
        root = schema_of(resource["fields"], shapes)
        for place, rule in resource.get("rules", {}).items():
            _at(root, place)["x-kubernetes-validations"] = [rule]
        version: Object = {"name": resource["version"], "served": True, "storage": True}
        if resource.get("status"):
            version["subresources"] = {"status": {}}
        if resource.get("columns"):
            version["additionalPrinterColumns"] = resource["columns"]
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {
                "name": f"{resource['plural']}.{resource['group']}",
                "annotations": {"rhaii.gke/stand-in": "generated from facts", **resource.get("annotations", {})},
            },
            "spec": {
                "group": resource["group"],
                "scope": "Namespaced",
                "names": {
                    "kind": kind,
                    "listKind": f"{kind}List",
                    "plural": resource["plural"],
                    "singular": kind.lower(),
                    **({"shortNames": resource["short"]} if resource.get("short") else {}),
                },
                "versions": [{**version, "schema": {"openAPIV3Schema": root}}],
            },
        }


def _at(schema: Object, path: str) -> Object:
    for step in path.replace("[]", ".[]").strip(".").split("."):
        schema = schema["items"] if step == "[]" else schema["properties"][step]
    return schema


def written(definition: Object) -> str:
    """A CRD as the text of its file."""
    # leaves in one line; what fields share becomes an anchor
    return "---\n" + HEADER + yaml.safe_dump(definition, sort_keys=False, default_flow_style=None, width=118)


def main(facts: str, folder: str) -> None:
    """Write the CRDs of a file of facts into a folder."""
    for definition in definitions(json.loads(Path(facts).read_text(encoding="utf-8"))):
        plural, _, group = definition["metadata"]["name"].partition(".")
        Path(folder, f"{group}_{plural}.yaml").write_text(written(definition), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
