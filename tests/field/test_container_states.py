# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a container, whatever a kubelet says of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.causes import Evidence, replica_problem
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import PULLING
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import replica_of

from tests.field.rows import Row, rows
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import IMAGE, WORKLOAD, logins

SECRET = "rhaiis-pull-secret"


def pod_with(container: dict[str, Any]) -> dict[str, Any]:
    image = container.get("image", IMAGE)
    return {
        "metadata": {"name": "qwen-kserve-1-aaaaa", "uid": "u", "labels": WORKLOAD},
        "spec": {
            "nodeName": "gke-1",
            "containers": [{"name": "main", "image": image}],
            "imagePullSecrets": [{"name": SECRET}],
        },
        "status": {
            "phase": "Pending",
            "startTime": "2026-11-24T12:00:00Z",
            "containerStatuses": [{"name": "main", "image": image, **container}],
        },
    }


@rows("container_states")
def test_a_container_is_judged_by_its_kubelets_words(row: Row) -> None:
    replica = replica_of(pod_with(row.given), frozenset())
    seen = Evidence(fresh=True, warnings=row.given.get("warnings", ()), secrets={SECRET: logins("registry.redhat.io")})
    problem = replica_problem(replica, seen, namespace="rhaii-inference", patience=30.0, crash_limit=3)
    assert (problem.after is not None) is (row.right["verdict"] == "fatal"), problem
    for words in row.right["says"]:
        assert words in problem.message, problem
    for words in row.right["remedy"]:
        assert words in problem.remedy, problem
    if replica.trouble is not None and replica.trouble.reason in PULLING:
        assert problem.reason == "ImagePullBackOff", "attempts and pauses are one problem"
