# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of objects against a real API server: what is done, left and said; kubectl does what other people do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import PART_OF, ObjectSet
from ansible_collections.rhaii.gke.plugins.module_utils._capability import execute

from sandbox.control_plane.cluster import ControlPlane
from tests.integration.sandbox.charts import kubectl
from tests.integration.sandbox.conftest import cluster, settings  # noqa: F401
from tests.integration.test_applyset import config, namespace, thing

pytestmark = pytest.mark.cluster
CLUSTER_INDEX = 76

Json = dict[str, Any]
PLACE, FAR = "sets", "sets-far"
POLICY = {"podSelector": {}, "policyTypes": ["Ingress"]}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "of-the-set"}}
ROLE["rules"] = []  # type: ignore[assignment]
NOT_UP = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "not-up"},
    "webhooks": [
        {
            "name": "configs.not-up.example",
            "clientConfig": {"service": {"name": "nobody", "namespace": PLACE}},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
            ],
            "objectSelector": {"matchLabels": {"held": "yes"}},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 2,
        }
    ],
}


def policy(name: str, where: str = PLACE) -> Json:
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": POLICY}
    return {**body, "metadata": {"name": name, "namespace": where}}


def workload(name: str) -> Json:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": PLACE},
        "spec": spec,
    }


@pytest.fixture(scope="module")
def plane(cluster: ControlPlane) -> ControlPlane:  # noqa: F811
    for each in (PLACE, FAR):
        kubectl(cluster, "create", "namespace", each)
    return cluster


class Sets:
    """One set, and what was said at its last run."""

    def __init__(self, plane: ControlPlane, name: str) -> None:
        self.plane = plane
        self.set = ObjectSet(name, PLACE)
        self.said: list[str] = []

    def run(self, *objects: Json, check: bool = False, **more: Any) -> Json:
        self.said = []
        given: Json = {
            "environment": "prod",
            "kubeconfig": str(self.plane.kubeconfig),
            "objects": list(objects),
            "set": {"name": self.set.name, "namespace": self.set.namespace},
            "state": "present",
            "prune": True,
            "definitions": [],
            "dependents": [],
            "wait_timeout": 20,
            "wait_interval": 0.2,
            **more,
        }
        return execute(CAPABILITY, given, self.said.append, check_mode=check, diff_mode=True)

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        return kubectl(self.plane, *words, stdin=stdin)

    def there(self, kind: str, where: str = PLACE) -> list[str]:
        """As kubectl finds the members."""
        label = f"{PART_OF}={self.set.identity}"
        return self.kubectl("get", kind, "-n", where, "-l", label, "-o", "name").split()

    def parent(self) -> Json:
        found: Json = json.loads(self.kubectl("get", "configmap", self.set.name, "-n", PLACE, "-o", "json"))
        return found


@pytest.fixture
def sets(plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Sets]:
    of = Sets(plane, request.node.name.replace("_", "-")[:50])
    yield of
    of.run(state="absent")


def actions(result: Json) -> dict[str, str]:
    return {each["name"]: each["action"] for each in result["objects"]}


def test_first_run_second_run_and_the_end(sets: Sets) -> None:
    objects = (config("one", namespace=PLACE), policy("far", FAR), ROLE)
    checked = sets.run(*objects, check=True)
    assert set(actions(checked).values()) == {"created"}
    assert sets.there("configmap") == []
    assert actions(sets.run(*objects)) == actions(checked)
    again = sets.run(*objects)
    assert (again["changed"], set(actions(again).values())) == (False, {"unchanged"})
    assert sets.there("configmap,networkpolicy") == ["configmap/one"]
    assert sets.there("networkpolicy", FAR) == ["networkpolicy.networking.k8s.io/far"]
    annotations = sets.parent()["metadata"]["annotations"]
    assert annotations["applyset.kubernetes.io/additional-namespaces"] == FAR
    end = sets.run(state="absent")
    assert len(end["deleted"]) == 4
    assert end["deleted"][-1] == f"ConfigMap {PLACE}/{sets.set.name}"
    assert sets.there("configmap") == []


def test_removed_renamed_and_switched_off(sets: Sets) -> None:
    sets.run(config("one", namespace=PLACE), config("two", namespace=PLACE), policy("p"))
    removed = sets.run(config("one", namespace=PLACE), policy("p"))
    assert removed["deleted"] == [f"ConfigMap {PLACE}/two"]
    checked = sets.run(config("renamed", namespace=PLACE), policy("p"), check=True)
    assert checked["deleted"] == [f"ConfigMap {PLACE}/one"]
    assert sets.there("configmap") == ["configmap/one"]
    sets.run(config("renamed", namespace=PLACE), policy("p"))
    assert sets.there("configmap") == ["configmap/renamed"]
    assert sets.said == [
        f"ConfigMap {PLACE}/renamed: created",
        f"ConfigMap {PLACE}/one: deleting, since the set {sets.set.name} has it no more",
        *[line for line in sets.said if line.startswith("waiting")],
    ]
    off = sets.run()
    assert f"NetworkPolicy {PLACE}/p" in off["deleted"]
    assert sets.run()["changed"] is False


def test_model_that_goes_is_awaited_with_its_pods(sets: Sets) -> None:
    sets.run(workload("model"))
    deadline = time.monotonic() + 30
    while len(sets.kubectl("get", "pods", "-n", PLACE, "-l", "app=model", "-o", "name").split()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert sets.run()["deleted"][0] == f"Deployment {PLACE}/model"
    assert sets.kubectl("get", "replicasets,pods", "-n", PLACE, "-l", "app=model", "-o", "name") == ""


def test_foreign_objects_stay(sets: Sets) -> None:
    sets.run(config("one", namespace=PLACE))
    sets.kubectl("create", "configmap", "theirs", "-n", PLACE, "--from-literal=key=theirs")
    refused = sets.run(config("two", namespace=PLACE), config("theirs", namespace=PLACE))
    assert "Not of this environment, so left alone: ConfigMap sets/theirs" in refused["msg"]
    # refused before anything went
    assert sets.there("configmap") == ["configmap/one"]
    sets.kubectl("label", "configmap", "theirs", "-n", PLACE, f"{PART_OF}={sets.set.identity}")
    result = sets.run(config("one", namespace=PLACE))
    assert result["changed"] is False
    assert result["left"][0].startswith(f"ConfigMap {PLACE}/theirs carries the label of the set")
    end = sets.run(state="absent")
    assert any(line.startswith(f"ConfigMap {PLACE}/theirs seems to be made") for line in end["left"])
    sets.kubectl("delete", "configmap", "theirs", "-n", PLACE)


def test_drift_by_hand(sets: Sets) -> None:
    sets.run(config("one", namespace=PLACE), policy("p"))
    # a member loses its label, and is nobody's until the next run
    sets.kubectl("label", "configmap", "one", "-n", PLACE, f"{PART_OF}-")
    assert actions(sets.run(config("one", namespace=PLACE), policy("p")))["one"] == "changed"
    # a member is edited, and another one deleted
    sets.kubectl("patch", "configmap", "one", "-n", PLACE, "-p", '{"data": {"key": "edited"}}')
    sets.kubectl("delete", "networkpolicy", "p", "-n", PLACE)
    result = actions(sets.run(config("one", namespace=PLACE), policy("p")))
    assert (result["one"], result["p"]) == ("changed", "created")
    # the parent is edited
    kinds = "applyset.kubernetes.io/contains-group-kinds"
    sets.kubectl("annotate", "configmap", sets.set.name, "-n", PLACE, "--overwrite", f"{kinds}=ConfigMap")
    sets.run(config("one", namespace=PLACE), policy("p"))
    assert sets.parent()["metadata"]["annotations"][kinds] == "ConfigMap,NetworkPolicy.networking.k8s.io"
    # the parent is deleted
    sets.kubectl("delete", "configmap", sets.set.name, "-n", PLACE)
    assert actions(sets.run(config("one", namespace=PLACE), policy("p")))[sets.set.name] == "created"
    assert sets.run()["deleted"][0] == f"NetworkPolicy {PLACE}/p"


def test_kubectl_leaves_our_set_and_we_leave_kubectls(sets: Sets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_APPLYSET", "true")
    sets.run(config("one", namespace=PLACE))
    theirs = json.dumps(thing("ConfigMap", "kubectls", PLACE, data={"key": "theirs"}))

    def apply(name: str) -> subprocess.CompletedProcess[str]:
        words = ("apply", "-n", PLACE, "--prune", f"--applyset=configmaps/{name}", "-f", "-")
        command = [str(sets.plane.settings.bin / "kubectl"), "--kubeconfig", str(sets.plane.kubeconfig), *words]
        return subprocess.run(command, input=theirs, capture_output=True, text=True, timeout=60, check=False)

    refused = apply(sets.set.name)
    assert 'managed by tooling "rhaii.gke"' in refused.stderr
    assert apply("of-kubectl").returncode == 0
    # the identity is the specification's
    label = "{.metadata.labels['applyset\\.kubernetes\\.io/id']}"
    found = sets.kubectl("get", "configmap", "of-kubectl", "-n", PLACE, "-o", f"jsonpath={label}")
    assert found == ObjectSet("of-kubectl", PLACE).identity
    other = Sets(sets.plane, "of-kubectl")
    assert "Not of this environment, so left alone" in other.run(config("two", namespace=PLACE))["msg"]
    assert sets.kubectl("get", "configmap", "kubectls", "-n", PLACE, "-o", "name") == "configmap/kubectls\n"
    sets.kubectl("delete", "configmap", "kubectls", "of-kubectl", "-n", PLACE)


def test_conflict_with_kubectl_names_field_and_manager(sets: Sets) -> None:
    sets.run(config("one", namespace=PLACE), config("two", namespace=PLACE))
    drift = json.dumps(config("one", "argo", namespace=PLACE))
    options = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    sets.kubectl("apply", *options, "-f", "-", stdin=drift)
    refused = sets.run(config("one", namespace=PLACE))
    assert "argocd-controller" in refused["msg"]
    assert ".data.key" in refused["msg"]
    # nothing went before everything was tried
    assert sets.there("configmap") == ["configmap/one", "configmap/two"]


def test_run_that_is_killed_while_a_webhook_is_not_up(sets: Sets, tmp_path: Path) -> None:
    sets.kubectl("apply", "-f", "-", stdin=json.dumps(NOT_UP))
    held = config("held", namespace=PLACE, metadata={"labels": {"held": "yes"}})
    script = tmp_path / "run.py"
    script.write_text(
        "import json, sys\n"
        "from tests.integration.test_sets import Sets\n"
        "from types import SimpleNamespace\n"
        "plane, name, objects = json.loads(sys.argv[1])\n"
        "Sets(SimpleNamespace(kubeconfig=plane), name).run(*objects, wait_timeout=60)\n",
        encoding="utf-8",
    )
    given = json.dumps([str(sets.plane.kubeconfig), sets.set.name, [config("one", namespace=PLACE), held]])
    process = subprocess.Popen(
        [sys.executable, str(script), given], env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )
    try:
        deadline = time.monotonic() + 60
        while sets.there("configmap") != ["configmap/one"]:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    # the parent knew of it before it was there
    failed = sets.run(held, wait_timeout=1)
    assert "webhook" in failed["msg"]
    assert sets.there("configmap") == ["configmap/one"]
    sets.kubectl("delete", "validatingwebhookconfiguration", "not-up")
    assert sets.run(held)["deleted"] == [f"ConfigMap {PLACE}/one"]
    assert sets.there("configmap") == ["configmap/held"]


def test_namespace_stays_when_its_set_goes(sets: Sets) -> None:
    of = Sets(sets.plane, "own")
    of.set = ObjectSet("own", "sets-own")
    objects = (namespace("sets-own"), config("one", namespace="sets-own"))
    assert set(actions(of.run(*objects, check=True)).values()) == {"created"}
    assert set(actions(of.run(*objects)).values()) == {"created"}
    assert of.run(*objects)["changed"] is False
    assert of.run(state="absent")["deleted"] == ["ConfigMap sets-own/one", "ConfigMap sets-own/own"]
    assert sets.kubectl("get", "namespace", "sets-own", "-o", "name") == "namespace/sets-own\n"
