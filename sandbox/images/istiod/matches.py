# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Route matches: their Envoy form, their precedence, and the rewriting of what a prefix matched."""

from __future__ import annotations

import re
from typing import Any

from sandbox.control_plane.kube import Object

ANY_PATH = {"type": "PathPrefix", "value": "/"}
PATH_RANKS = {"Exact": 2, "PathPrefix": 1, "RegularExpression": 0}

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
"""What has a meaning in Envoy's regular expressions, RE2."""

Precedence = tuple[int, int, int, int, int]


def path_of(match: Object) -> tuple[str, str]:
    """Type and value of a match's path; a prefix is without its trailing slash, and `/` for every path."""
    path = match.get("path") or {}
    kind, value = path.get("type", ANY_PATH["type"]), path.get("value", ANY_PATH["value"])
    return kind, (value.rstrip("/") or "/") if kind == "PathPrefix" else value


def precedence(match: Object) -> Precedence:
    """Sort key by the Gateway API's order, the first to try is the smallest.

    An exact path, then the longest prefix, then a method, then the number of headers, then of query parameters.
    """
    kind, value = path_of(match)
    return (
        -PATH_RANKS[kind],
        -len(value),
        -int("method" in match),
        -len(match.get("headers") or []),
        -len(match.get("queryParams") or []),
    )


def envoy_match(match: Object) -> Object:
    """The `match` of an Envoy route."""
    kind, value = path_of(match)
    result: Object
    if kind == "Exact":
        result = {"path": value}
    elif kind == "RegularExpression":
        result = {"safe_regex": {"regex": value}}
    elif value == "/":
        result = {"prefix": "/"}
    else:
        # /v1 matches /v1 and /v1/models, and not /v1beta
        result = {"path_separated_prefix": value}
    result["case_sensitive"] = True
    headers = [
        {"name": header["name"].lower(), "string_match": _string_match(header)} for header in match.get("headers") or []
    ]
    if "method" in match:
        headers.append({"name": ":method", "string_match": {"exact": match["method"]}})
    if headers:
        result["headers"] = headers
    if match.get("queryParams"):
        result["query_parameters"] = [
            {"name": query["name"], "string_match": _string_match(query)} for query in match["queryParams"]
        ]
    return result


def _string_match(wanted: Object) -> Object:
    if wanted.get("type", "Exact") == "RegularExpression":
        return {"safe_regex": {"regex": wanted["value"]}}
    return {"exact": wanted["value"]}


def prefix_rewrite(match: Object, replacement: str) -> dict[str, Any]:
    """Fields of an Envoy route action (or redirect) that replace the matched prefix.

    The rest of the path is kept with exactly one slash before it, with or without trailing slashes in the match
    and in the replacement.
    """
    _, prefix = path_of(match)
    target = replacement.rstrip("/")
    if prefix == "/":
        return {"prefix_rewrite": f"{target}/"}
    if target:
        return {"prefix_rewrite": target}
    # an empty path is no path: /prefix and /prefix/ both become /
    pattern = f"^{_SPECIAL.sub(_escaped, prefix)}(/?)(.*)"
    return {"regex_rewrite": {"pattern": {"regex": pattern}, "substitution": "/\\2"}}


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found.group()}"


def full_path_rewrite(path: str) -> dict[str, Any]:
    """Fields of an Envoy route action that replace the whole path."""
    return {"regex_rewrite": {"pattern": {"regex": "^/.*$"}, "substitution": path.replace("\\", "\\\\")}}
