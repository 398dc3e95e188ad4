# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request bodies against Google's schemas: the same refusals, and one spelling of what passes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.cloud.discovery import Document, Method, enum_of
from sandbox.cloud.errors import GoogleError, Json, bad_fields, invalid

INTEGERS = {"int32": 32, "uint32": 32, "int64": 64, "uint64": 64}


def parse_body(document: Document, method: Method, data: bytes) -> Json:
    """The request of `method` in its one spelling: lower camel case, enum names, no nulls; a 400 as Google's."""
    if not method.request:
        return {}
    try:
        body = json.loads(data) if data.strip() else {}
    except ValueError:
        raise invalid("Invalid JSON payload received. Unexpected token.") from None
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    checker = Checker(document)
    value = checker.message(method.request, body, "")
    if checker.violations:
        raise bad_fields(checker.violations)
    return value


def check_query(method: Method, names: Mapping[str, str]) -> None:
    """Refuse a query parameter that the method does not have."""
    for name in names:
        if name in method.parameters or camel(name) in method.parameters:
            continue
        text = (
            f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
            f"Field '{name}' could not be found in request message."
        )
        raise bad_fields([("", text)])


def camel(name: str) -> str:
    """A field's JSON name from its proto name; a JSON name stays as it is."""
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)


def snake(name: str) -> str:
    """A field's proto name from its JSON name: what errors call it."""
    return re.sub(r"([A-Z])", lambda match: "_" + match.group(1).lower(), name)


class Checker:
    """One pass over a body; collects what is wrong."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.violations: list[tuple[str, str]] = []

    def message(self, schema: str, body: Json, path: str) -> Json:
        """An object against a named schema."""
        properties = self._document.schemas[schema].get("properties", {})
        result: Json = {}
        for name, value in body.items():
            known = name if name in properties else camel(name)
            if known not in properties:
                where = f" at '{path}'" if path else ""
                self._report(path, f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')
            elif value is not None:
                result[known] = self.value(schema, properties[known], value, join(path, snake(known)))
        return result

    def value(self, owner: str, schema: Json, value: Any, path: str) -> Any:
        """A value against the schema of a property of `owner`."""
        if "$ref" in schema:
            if isinstance(value, dict):
                return self.message(schema["$ref"], value, path)
            return self._mistake(path, f"type.googleapis.com/{schema['$ref']}", value)
        kind = schema.get("type")
        if kind == "array":
            if not isinstance(value, list):
                return self._mistake(path, "TYPE_MESSAGE", value)
            return [self.value(owner, schema["items"], item, f"{path}[{i}]") for i, item in enumerate(value)]
        if kind == "object":
            if not isinstance(value, dict):
                return self._mistake(path, "TYPE_MESSAGE", value)
            inner = schema.get("additionalProperties", {"type": "any"})
            return {name: self.value(owner, inner, item, join(path, name)) for name, item in value.items()}
        return self._scalar(owner, schema, value, path)

    def _scalar(self, owner: str, schema: Json, value: Any, path: str) -> Any:
        names = enum_of(schema)
        if names:
            return self._enum(owner, names, value, path)
        kind, form = schema.get("type"), schema.get("format", "")
        if form in INTEGERS:
            return self._integer(form, kind == "string", value, path)
        if kind == "boolean" and not isinstance(value, bool):
            return self._mistake(path, "TYPE_BOOL", value)
        if kind == "string" and not isinstance(value, str):
            return self._mistake(path, "TYPE_STRING", value)
        if kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
            return self._mistake(path, "TYPE_DOUBLE", value)
        return value

    def _enum(self, owner: str, names: list[str], value: Any, path: str) -> Any:
        if isinstance(value, str) and value in names:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            for name, number in self._document.enums.numbers(owner, names).items():
                if number == value:
                    return name
        return self._mistake(path, f"type.googleapis.com/google.{self._document.name}.{owner}", value)

    def _integer(self, form: str, as_text: bool, value: Any, path: str) -> Any:
        number: int | None = None
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif (isinstance(value, float) and value.is_integer()) or (
            isinstance(value, str) and re.fullmatch(r"-?\d+", value)
        ):
            number = int(value)
        bits = INTEGERS[form]
        low, high = (0, 2**bits) if form.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
        if number is None or not low <= number < high:
            return self._mistake(path, f"TYPE_{form.upper()}", value)
        return str(number) if as_text else number

    def _mistake(self, path: str, wanted: str, value: Any) -> Any:
        self._report(path, f"Invalid value at '{path}' ({wanted}), {json.dumps(value)}")
        return value

    def _report(self, path: str, description: str) -> None:
        self.violations.append((path, description))


def join(path: str, name: str) -> str:
    """A field's path."""
    return f"{path}.{name}" if path else name


def numbered(document: Document, schema: str, value: Any) -> Any:
    """An answer with enums as numbers, for clients that ask for them."""
    properties = document.schemas.get(schema, {}).get("properties", {})
    if not isinstance(value, dict):
        return value
    return {name: _numbered(document, schema, properties.get(name, {}), item) for name, item in value.items()}


def _numbered(document: Document, owner: str, schema: Json, value: Any) -> Any:
    if "$ref" in schema:
        return numbered(document, schema["$ref"], value)
    if isinstance(value, list):
        return [_numbered(document, owner, schema.get("items", {}), item) for item in value]
    names = enum_of(schema)
    if names and isinstance(value, str):
        return document.enums.numbers(owner, names).get(value, value)
    return value


def body_error(error: GoogleError) -> Json:
    """What an audit keeps of an error."""
    return {"code": error.code, "message": error.message}
