# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects that are read, and waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils import _objects_info as module
from ansible_collections.rhaii.gke.plugins.module_utils._capability import execute, silent
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesError, KubernetesRest

from tests.unit.fake_clock import FakeClock

PARAMS: dict[str, Any] = {
    "api_version": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "namespace": "rhaii-inference",
    "label_selectors": [],
    "expected": [],
    "wait_timeout": 60,
    "wait_interval": 5.0,
}


class Routes:
    """Routes that come one after the other, five seconds apart; none where the kind is unknown."""

    def __init__(self, clock: FakeClock, names: Sequence[str], *, known: bool = True) -> None:
        self._clock, self._names, self._known = clock, names, known

    def list(self, asked: module.Asked) -> Sequence[Json] | None:
        there = self._names[: 1 + int(self._clock.monotonic() / 5)]
        return [{"kind": asked.kind, "metadata": {"name": name}} for name in there] if self._known else None


def asked(
    names: Sequence[str], *, known: bool = True, check: bool = False, **given: Any
) -> tuple[dict[str, Any], FakeClock, list[str]]:
    clock, said = FakeClock(), list[str]()
    capability = module.Capability(
        name="objects_info",
        argument_spec={},
        ports=lambda _params: module.Ports(Routes(clock, names, known=known), clock),
        run=module.run,
    )
    result = execute(capability, {**PARAMS, **given}, said.append, check_mode=check, diff_mode=False)
    return result, clock, said


def test_what_is_there_is_read_without_a_wait() -> None:
    result, clock, said = asked(["one"])
    assert result == {
        "changed": False,
        "resources": [{"kind": "HTTPRoute", "metadata": {"name": "one"}}],
        "api_found": True,
    }
    assert (clock.slept, said) == ([], [])


def test_what_is_expected_is_waited_for_and_that_is_shown_once_as_long_as_it_is_the_same() -> None:
    result, clock, said = asked(["one", "two", "three"], expected=["one", "three"])
    assert [each["metadata"]["name"] for each in result["resources"]] == ["one", "two", "three"]
    assert clock.slept == [5.0, 5.0]
    assert said == ["waiting for HTTPRoute rhaii-inference/three"]


def test_what_does_not_come_is_named_with_what_there_is() -> None:
    result, clock, _said = asked(["one"], expected=["one", "two", "three"])
    assert result["failed"]
    assert result["msg"] == (
        "There are no HTTPRoute rhaii-inference/two, rhaii-inference/three after 60 s. See in the log of the "
        "controller that makes them why it does not, and run again."
    )
    assert result["missing"] == ["two", "three"]
    assert [each["metadata"]["name"] for each in result["resources"]] == ["one"]
    assert clock.monotonic() == 60.0


def test_unknown_kind_has_no_objects_and_is_named_when_one_was_expected() -> None:
    result, _clock, _said = asked([], known=False)
    assert result == {"changed": False, "resources": [], "api_found": False}
    result, _clock, _said = asked([], known=False, expected=["one"])
    assert result["msg"].startswith(
        "There is no HTTPRoute rhaii-inference/one after 60 s; the API server does not know the kind HTTPRoute of "
        "gateway.networking.k8s.io/v1. "
    )


def test_check_mode_waits_for_nothing() -> None:
    result, clock, _said = asked([], expected=["one"], check=True)
    assert (result["resources"], clock.slept) == ([], [])


class Api(KubernetesRest):
    """Answers by path, and notes what was asked."""

    def __init__(self, answers: dict[str, Json]) -> None:
        self.answers, self.calls = answers, list[tuple[str, Any]]()

    def call(self, doing: str, method: str, path: str, **given: Any) -> Json:
        self.calls.append((path, dict(given.get("query") or {})))
        if path not in self.answers:
            raise KubernetesError(doing, 404, "NotFound", "no such path")
        return self.answers[path]


@pytest.mark.parametrize(
    ("namespace", "path"),
    [("shop", "/api/v1/namespaces/shop/pods"), ("", "/api/v1/pods")],
)
def test_objects_are_listed_by_the_path_that_the_api_server_names(namespace: str, path: str) -> None:
    api = Api(
        {
            "/api/v1": {"resources": [{"kind": "Pod", "name": "pods", "namespaced": True}]},
            path: {"items": [{"metadata": {"name": "web"}}]},
        }
    )
    found = module.KubernetesLists(api).list(module.Asked("v1", "Pod", namespace, ["app=web", "tier=front"]))
    assert found == [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}]
    assert api.calls[-1] == (path, {"labelSelector": "app=web,tier=front"})


def test_namespace_of_a_kind_that_has_none_is_left_out() -> None:
    api = Api(
        {
            "/api/v1": {"resources": [{"kind": "Node", "name": "nodes", "namespaced": False}]},
            "/api/v1/nodes": {"items": []},
        }
    )
    assert module.KubernetesLists(api).list(module.Asked("v1", "Node", "shop", [])) == []


def test_kind_of_a_group_that_is_not_there_is_unknown() -> None:
    assert module.KubernetesLists(Api({})).list(module.Asked("example.org/v1", "Thing", "", [])) is None


def test_the_progress_is_optional() -> None:
    clock = FakeClock()
    ports = module.Ports(Routes(clock, ["one", "two"]), clock)
    assert module.run({**PARAMS, "expected": ["two"]}, ports, silent, False)["api_found"]
