# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events: the same one again raises a count, and none of them can stop a controller."""

from __future__ import annotations

from typing import Any, cast

from sandbox.control_plane.kube import ApiError, KubeClient, Resource
from sandbox.images.events import EventRecorder

ABOUT = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n", "uid": "u"}}


class Api:
    """What the recorder asks of the API server."""

    def __init__(self, refuse: bool = False) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.refuse = refuse

    async def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        if self.refuse:
            raise ApiError(403, "Forbidden", "no")
        self.events[obj["metadata"]["name"]] = obj
        return obj

    async def patch(self, _ref: Resource, name: str, _namespace: str, body: dict[str, Any]) -> None:
        self.events[name].update(body)


async def test_same_event_raises_the_count() -> None:
    api = Api()
    recorder = EventRecorder(cast(KubeClient, api), "component")
    await recorder.normal(ABOUT, "Created", "one")
    await recorder.normal(ABOUT, "Created", "one")
    await recorder.warning(ABOUT, "Error", "two")
    counts = {item["message"]: (item["type"], item["count"]) for item in api.events.values()}
    assert counts == {"one": ("Normal", 2), "two": ("Warning", 1)}
    assert {item["involvedObject"]["uid"] for item in api.events.values()} == {"u"}


async def test_event_about_a_cluster_scoped_object_lies_in_default() -> None:
    api = Api()
    await EventRecorder(cast(KubeClient, api), "c").normal(
        {**ABOUT, "metadata": {"name": "n", "uid": "u"}}, "Reason", "text"
    )
    assert [item["metadata"]["namespace"] for item in api.events.values()] == ["default"]


async def test_refused_event_is_nobodys_problem() -> None:
    await EventRecorder(cast(KubeClient, Api(refuse=True)), "c").normal(ABOUT, "Created", "one")
