# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the way Compute Engine answers them: filters, pages, and by scope."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.cloud.calls import Call, page
from sandbox.cloud.errors import Json, invalid

TERM = re.compile(r"""\(?\s*([\w.]+)\s*(!=|=|:|\s(?:eq|ne)\s)\s*("[^"]*"|'[^']*'|[^\s)]+)\s*\)?""")


def kept(items: Iterable[Json], expression: str) -> list[Json]:
    """The items that a filter keeps: terms NAME=VALUE, !=, :, eq and ne, joined by AND or nothing."""
    terms = parse(expression)
    return [item for item in items if all(fits(item, *term) for term in terms)]


def parse(expression: str) -> list[tuple[str, str, str]]:
    """A filter's terms; 400 for what this grammar does not have."""
    terms, rest = [], expression.strip()
    while rest:
        match = TERM.match(rest)
        if not match:
            raise invalid(f"Invalid value for field 'filter': '{expression}'. Invalid list filter expression.")
        name, operator, value = match.groups()
        terms.append((name, operator.strip(), value.strip("\"'")))
        rest = re.sub(r"^\s*AND\b", "", rest[match.end() :]).strip()
    return terms


def fits(item: Json, name: str, operator: str, value: str) -> bool:
    """Whether an item fits one term."""
    found: Any = item
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    text = "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)
    if operator in ("eq", "ne"):
        return (re.fullmatch(value, text) is not None) == (operator == "eq")
    if operator == ":":
        return found is not None and (value == "*" or value.strip("*").lower() in text.lower())
    pattern = ".*".join(re.escape(piece) for piece in value.split("*"))
    # a reference may be given by its last part
    same = re.fullmatch(pattern, text) is not None or re.fullmatch(pattern, text.rpartition("/")[2]) is not None
    return same == (operator == "=")


def flat(call: Call, kind: str, items: Iterable[Json]) -> Json:
    """The answer of a list method."""
    found = kept(items, call.query.get("filter", ""))
    result = {"kind": f"compute#{kind}", "id": link(call.params["project"], kind), **page(found, call, "items")}
    if not found:
        del result["items"]
    return result


def in_zones(call: Call, items: Callable[[Call, str], Iterable[Json]]) -> dict[str, Iterable[Json]]:
    """What every zone has, as scopes."""
    return {f"zones/{zone}": items(call, zone) for zone in call.cloud.project.zones()}


def in_regions(call: Call, items: Callable[[Call, str], Iterable[Json]]) -> dict[str, Iterable[Json]]:
    """What every region has, as scopes."""
    return {f"regions/{region}": items(call, region) for region in call.cloud.project.regions}


def by_scope(call: Call, kind: str, member: str, scopes: Mapping[str, Iterable[Json]]) -> Json:
    """The answer of an aggregatedList method: each scope with its items, or with the warning that it has none."""
    items: Json = {}
    for scope, content in scopes.items():
        found = kept(content, call.query.get("filter", ""))
        if found:
            items[scope] = {member: found}
        else:
            warning = {
                "code": "NO_RESULTS_ON_PAGE",
                "message": f"There are no results for scope '{scope}' on this page.",
                "data": [{"key": "scope", "value": scope}],
            }
            items[scope] = {"warning": warning}
    return {"kind": f"compute#{kind}", "id": link(call.params["project"], f"aggregated/{member}"), "items": items}


def link(project: str, path: str) -> str:
    """A list's id."""
    return f"projects/{project}/{path}"
