# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""model_pods_label: which pods get the guide's label, and how they get it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._model_pods import (
    CAPABILITY,
    GUIDE_LABEL,
    KubernetesPods,
    unlabelled,
)

COMPONENT = "app.kubernetes.io/component"


def model_pod(name: str, *, ready: str = "True", **labels: str) -> Json:
    own = {COMPONENT: "llminferenceservice-workload", "app.kubernetes.io/name": "qwen"}
    return {
        "metadata": {"name": name, "namespace": "n", "uid": f"uid-{name}", "labels": own | labels},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def pods() -> list[Json]:
    going, theirs = model_pod("going"), model_pod("theirs")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    theirs["metadata"]["labels"]["app.kubernetes.io/name"] = "other"
    labelled, other = model_pod("b", **{GUIDE_LABEL: "qwen"}), model_pod("c", **{GUIDE_LABEL: "else"})
    bare = {"metadata": {"name": "bare"}}
    return [model_pod("a"), labelled, other, model_pod("waits", ready="False"), going, theirs, bare]


class Api:
    """The API server: what it is asked, in order."""

    def __init__(self, status: int = 200) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.status = status

    def items(self, doing: str, path: str, query: dict[str, str]) -> list[Json]:
        self.calls.append(("GET", path, query))
        return pods()

    def call(self, doing: str, method: str, path: str, *, query: dict[str, str], body: Any) -> Json:
        self.calls.append((method, path, body))
        if self.status != 200:
            raise KubernetesError(doing, self.status, "", "")
        return {}


def ran(api: Api, check_mode: bool = False) -> Json:
    adapter: Any = KubernetesPods(api)  # type: ignore[arg-type]
    return CAPABILITY.run({"namespace": "n", "services": ["qwen"]}, adapter, lambda line: None, check_mode)


def test_ready_pods_that_stay_and_lack_it() -> None:
    found = [(metadata["name"], service) for metadata, service in unlabelled(pods(), ["qwen"])]
    assert found == [("a", "qwen"), ("c", "qwen")]
    assert unlabelled(pods(), []) == []


def test_each_gets_it_and_nothing_else_and_no_other_pod_of_the_name() -> None:
    api = Api()
    assert ran(api) == {"changed": True, "labelled": ["a", "c"]}
    listed, first, second = api.calls
    assert listed == (
        "GET",
        "/api/v1/namespaces/n/pods",
        {"labelSelector": f"{COMPONENT}=llminferenceservice-workload"},
    )
    body = {"metadata": {"uid": "uid-a", "labels": {GUIDE_LABEL: "qwen"}}}
    assert first == ("PATCH", "/api/v1/namespaces/n/pods/a", body)
    assert second[1].endswith("/c")


def test_check_mode_says_so_and_changes_nothing() -> None:
    api = Api()
    assert ran(api, check_mode=True) == {"changed": True, "labelled": ["a", "c"]}
    assert len(api.calls) == 1


def test_a_pod_that_has_gone_meanwhile_is_no_error() -> None:
    assert ran(Api(404))["changed"] is True
    with pytest.raises(KubernetesError):
        ran(Api(403))
