# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request's method and path to the API method that it means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from sandbox.cloud.discovery import DOCUMENTS, Method, document, pattern, singular
from sandbox.cloud.errors import not_found


class Router:
    """The routes of all documents; on a shared address a route that is emulated goes first."""

    def __init__(self, emulated: Iterable[str], documents: Iterable[str] = DOCUMENTS) -> None:
        self._emulated = frozenset(emulated)
        self._routes: dict[tuple[str, int], list[tuple[re.Pattern[str], Method]]] = defaultdict(list)
        for name in documents:
            for method in document(name).methods:
                route = (pattern(method.path), method)
                self._routes[method.http_method, method.path.count("/")].append(route)

    def match(self, http_method: str, path: str, host: str) -> tuple[Method, Mapping[str, str]]:
        """The method and its path parameters; `host` decides where two APIs share a path."""
        found = [
            (method, match)
            for route, method in self._routes[http_method, path.count("/")]
            if (match := route.fullmatch(path))
        ]
        named = [item for item in found if item[0].host == host.partition(":")[0]]
        candidates = named or found
        if not candidates:
            raise not_found(
                f"The requested URL {path} was not found: no method of an emulated API is {http_method} there."
            )
        # more literal text is the closer fit: operations/{x} before {x}/{y}
        method, match = max(candidates, key=lambda item: (item[0].id in self._emulated, literal(item[0].path)))
        return method, {singular(name): value for name, value in match.groupdict().items()}


def literal(path: str) -> int:
    """How much of a path is fixed."""
    return len(re.sub(r"\{[^}]+\}", "", path))
