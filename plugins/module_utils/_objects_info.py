# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""objects_info: reads the objects of a kind, and waits for those that somebody else makes. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import (
    KeptKinds,
    KubernetesObjects,
    kept_kinds,
)
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, SystemClock, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesRest, if_there


@dataclass(frozen=True)
class Asked:
    """Which objects; an empty namespace stands for all of them."""

    api_version: str
    kind: str
    namespace: str
    label_selectors: Sequence[str]

    def __str__(self) -> str:
        return f"{self.kind} objects of {self.api_version}{' in ' + self.namespace if self.namespace else ''}"


class Lists(Protocol):
    def list(self, asked: Asked) -> Sequence[Json] | None:
        """All of them; None where the API server does not know the kind."""


@dataclass(frozen=True)
class Ports:
    lists: Lists
    clock: Clock


class KubernetesLists:
    """The real adapter."""

    def __init__(self, api: KubernetesRest, kept: KeptKinds | None = None) -> None:
        self._api = api
        self._objects = KubernetesObjects(api, kept)

    def list(self, asked: Asked) -> Sequence[Json] | None:
        path = self._objects.path_of_list(asked.api_version, asked.kind, asked.namespace)
        if path is None:
            return None
        query = {"labelSelector": ",".join(asked.label_selectors)} if asked.label_selectors else {}
        # a kind that another task of the run knew may have gone
        found = if_there(lambda: self._api.items(f"list the {asked}", path, query), None)
        if found is None:
            return None
        # a list names version and kind once, for all its items
        return [{"apiVersion": asked.api_version, "kind": asked.kind, **each} for each in found]


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    asked = Asked(
        str(params["api_version"]), str(params["kind"]), str(params["namespace"] or ""), params["label_selectors"]
    )
    # what a run would have made is not waited for by one that makes nothing
    expected = () if check_mode else tuple(params["expected"])
    deadline = Deadline(ports.clock, float(params["wait_timeout"]))
    told = ""
    while True:
        found = ports.lists.list(asked)
        missing = _missing(expected, found or ())
        result: Result = {"changed": False, "resources": found or [], "api_found": found is not None}
        if not missing:
            return result
        if deadline.passed:
            raise RhaiiError(
                f"There {'is' if len(missing) == 1 else 'are'} no {asked.kind} {_listed(asked, missing)} after "
                f"{in_words(deadline.timeout)}"
                f"{'' if found is not None else '; the API server does not know the kind ' + _kind(asked)}.",
                remedy="See in the log of the controller that makes them why it does not, and run again.",
                result={**result, "missing": missing},
            )
        sentence = f"waiting for {asked.kind} {_listed(asked, missing)}"
        if sentence != told:
            progress(sentence)
            told = sentence
        deadline.pause(float(params["wait_interval"]))


def _missing(expected: Sequence[str], found: Sequence[Mapping[str, Json]]) -> list[str]:
    there = {str(each["metadata"]["name"]) for each in found}
    return [name for name in expected if name not in there]


def _listed(asked: Asked, names: Sequence[str]) -> str:
    return ", ".join(f"{asked.namespace}/{name}" if asked.namespace else name for name in names)


def _kind(asked: Asked) -> str:
    return f"{asked.kind} of {asked.api_version}"


def ports_of(params: Params) -> Ports:
    api = KubernetesRest.from_params(params)
    return Ports(KubernetesLists(api, kept_kinds(params, api)), SystemClock())


CAPABILITY = Capability(
    name="objects_info",
    argument_spec=kubernetes_options(
        api_version={"type": "str", "default": "v1"},
        kind={"type": "str", "required": True},
        namespace={"type": "str"},
        label_selectors={"type": "list", "elements": "str", "default": []},
        expected={"type": "list", "elements": "str", "default": []},
        wait_timeout={"type": "int", "default": 120},
        wait_interval={"type": "float", "default": 5.0},
    ),
    ports=ports_of,
    run=run,
)

__all__ = ("CAPABILITY", "Asked", "KubernetesLists", "Lists", "Ports", "run")
