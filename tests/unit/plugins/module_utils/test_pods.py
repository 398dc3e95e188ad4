# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods go with a node, and which keep it because they are somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._pods import Pod, pod_of


def pod(controller: str = "ReplicaSet", phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    owners = [{"kind": controller, "controller": True}] if controller else []
    named = {"name": "a", "namespace": "ns", "ownerReferences": owners, **metadata}
    return {"metadata": named, "status": {"phase": phase}}


MIRROR = {"kubernetes.io/config.mirror": "x"}


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        pytest.param(pod(), False, id="of a replica set"),
        pytest.param(pod("DaemonSet"), True, id="of a daemon set"),
        pytest.param(pod("", annotations=MIRROR), True, id="static"),
        pytest.param(pod(phase="Succeeded"), True, id="ended well"),
        pytest.param(pod(phase="Failed"), True, id="ended badly"),
        pytest.param(pod(""), False, id="of nobody"),
        pytest.param(pod(phase="Pending"), False, id="on its way"),
    ],
)
def test_which_pods_stay(body: dict[str, Any], stays: bool) -> None:
    assert pod_of(body).stays is stays


@pytest.mark.parametrize(
    ("body", "foreign"),
    [
        pytest.param(pod(), False, id="of a namespace that is given"),
        pytest.param(pod(namespace="team"), True, id="of another namespace"),
        pytest.param(pod("", namespace="team"), True, id="of nobody, in another namespace"),
        pytest.param(pod(namespace="team", deletionTimestamp="now"), True, id="on its way out"),
        pytest.param(pod(namespace="team", phase="Pending"), True, id="on its way in"),
        pytest.param(pod(namespace="kube-system"), False, id="of the system"),
        pytest.param(pod(namespace="kube-system-two"), True, id="of a namespace that begins alike"),
        pytest.param(pod("DaemonSet", namespace="team"), False, id="of a daemon set"),
        pytest.param(pod("", namespace="team", annotations=MIRROR), False, id="static"),
        pytest.param(pod(namespace="team", phase="Failed"), False, id="ended"),
    ],
)
def test_whose_pods_keep_their_node(body: dict[str, Any], foreign: bool) -> None:
    assert pod_of(body).is_foreign(["ns"]) is foreign


def test_pod_of_which_kubernetes_says_little() -> None:
    assert pod_of({}) == Pod("", "", "", mirror=False, finished=False, leaving=False)
    owners = [{"kind": "Other"}, {"controller": True}]
    assert pod_of({"metadata": {"ownerReferences": owners, "deletionTimestamp": "now"}}) == Pod(
        "", "", "", mirror=False, finished=False, leaving=True
    )
