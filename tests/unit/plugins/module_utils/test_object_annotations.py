# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""object_annotations: what others made gets an annotation, and nothing else of it changes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._object_annotations import CAPABILITY

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.applyset.fake_objects import FakeObjects

KEY = Key("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-sidecar-injector")
LIVE: Json = {
    "apiVersion": KEY.api_version,
    "kind": KEY.kind,
    "metadata": {"name": KEY.name},
    "webhooks": {"a": 1},
}
IGNORE = {"sailoperator.io/ignore": "true"}


class World:
    def __init__(self, *objects: Json) -> None:
        self.objects = FakeObjects()
        for each in objects:
            self.objects.put(each, "sail-operator")
        self.clock = FakeClock()
        self.said: list[str] = []

    def run(self, check_mode: bool = False, **more: Any) -> Result:
        wanted = {"api_version": KEY.api_version, "kind": KEY.kind, "name": KEY.name, "namespace": ""}
        params = {"objects": [wanted], "annotations": IGNORE, "wait_timeout": 20, "wait_interval": 5.0, **more}
        return CAPABILITY.run(params, Ports(self.objects, self.clock), self.said.append, check_mode)


def test_annotation_is_added_once_and_nothing_else_changes() -> None:
    world = World(LIVE)
    assert world.run(check_mode=True)["changed"] is True
    assert "annotations" not in world.objects.live[KEY]["metadata"]
    assert world.run()["objects"] == [{**KEY.public(), "action": "changed"}]
    found = world.objects.live[KEY]
    assert found["metadata"]["annotations"] == IGNORE
    assert "rhaii.gke/environment" not in (found["metadata"].get("labels") or {})
    assert found["webhooks"] == LIVE["webhooks"]
    assert world.run()["changed"] is False


def test_what_is_not_there_yet_is_waited_for_and_never_made() -> None:
    world = World()
    world.clock.on_sleep = lambda passed: world.objects.put(LIVE, "sail-operator") and None
    assert world.run()["changed"] is True
    assert world.said[0] == f"{KEY}: waiting until it is there"
    gone = World()
    with pytest.raises(RhaiiError, match=f"There is no {KEY} after 20 s, so it cannot be annotated"):
        gone.run()
    assert gone.objects.live == {}
    assert gone.run(check_mode=True)["changed"] is True
