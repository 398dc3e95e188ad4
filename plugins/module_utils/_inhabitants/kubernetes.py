# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: metadata of whole kinds, so that no Secret's data comes here."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesRest, if_there


class KubernetesLists:
    def __init__(self, api: KubernetesRest) -> None:
        self._api = api

    def of(self, kind: str, root: str, plural: str) -> Sequence[Json]:
        nothing: list[Json] = []
        return if_there(lambda: self._api.metadata(f"list the {plural}", f"{root}/{plural}"), nothing)

    def pods(self) -> Sequence[Json]:
        return self._api.items("list the pods", "/api/v1/pods")


__all__ = ("KubernetesLists",)
