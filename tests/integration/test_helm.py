# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""helm_releases against a real API server and releases of the real Helm, some of which was killed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import CAPABILITY

from sandbox.control_plane.cluster import ControlPlane
from tests.integration.sandbox.conftest import cluster, settings  # noqa: F401

CLUSTER_INDEX = 75
IN_PROGRESS = "another operation (install/upgrade/rollback) is in progress"
SELECTED = {"matchLabels": {"app": "x"}}
POD = {"nodeSelector": {"none": "such"}, "containers": [{"name": "c", "image": "nothing/at-all"}]}


def template(value: int) -> str:
    """A ConfigMap, and a Deployment that is never up: a Helm that waits can be killed then."""
    settled = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settled"}, "data": {"value": str(value)}}
    labelled = {"metadata": {"labels": SELECTED["matchLabels"]}, "spec": POD}
    spec = {"selector": SELECTED, "template": labelled}
    never = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "never"}, "spec": spec}
    return yaml.safe_dump_all([settled, never])


class Helm:
    """The real Helm on one chart, in a namespace of the test's own."""

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        self.plane = plane
        self.chart = folder / "chart"
        self.namespace = namespace
        (self.chart / "templates").mkdir(parents=True)
        (self.chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "op", "version": "1.0.0"}))
        self.change(1)

    def change(self, value: int) -> None:
        """The chart's folder; its version stays."""
        (self.chart / "templates" / "all.yaml").write_text(template(value), encoding="utf-8")

    def run(self, *words: str, killed_after: float | None = None) -> str:
        """What Helm says; with `killed_after` it waits, and is killed."""
        command = [str(self.plane.settings.bin / "helm"), *words, "--namespace", self.namespace]
        command += ["--kubeconfig", str(self.plane.kubeconfig), *(["--wait"] if killed_after else [])]
        try:
            # ends it by SIGKILL
            done = subprocess.run(command, capture_output=True, text=True, timeout=killed_after or 60, check=False)
        except subprocess.TimeoutExpired:
            return "killed"
        return done.stdout + done.stderr

    def upgrade(self, killed_after: float | None = None) -> str:
        return self.run("upgrade", "--install", "op", str(self.chart), "--create-namespace", killed_after=killed_after)

    def status(self) -> str:
        found: str = json.loads(self.run("status", "op", "--output", "json"))["info"]["status"]
        return found

    def value(self) -> str:
        command = [str(self.plane.settings.bin / "kubectl"), "--kubeconfig", str(self.plane.kubeconfig)]
        command += ["get", "configmap", "settled", "-n", self.namespace, "-o", "jsonpath={.data.value}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout

    def look(self, **more: Any) -> dict[str, Any]:
        release = {"name": "op", "namespace": self.namespace, "chart": "op", "value_keys": [], "deployments": []}
        params: Params = {
            **{"environment": "prod", "releases": [release], "folders": {"op": str(self.chart)}, "values": {}},
            **{"lines": {}, "label": False, "repair": False, "pending_timeout": 0, "fail_on_foreign": True},
            **{"kubeconfig": str(self.plane.kubeconfig), **more},
        }
        return CAPABILITY.run(params, CAPABILITY.ports(params), lambda line: None, False)


@pytest.fixture
def helm(cluster: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Helm]:  # noqa: F811
    yield Helm(cluster, tmp_path, f"helm-{abs(hash(request.node.name)) % 10**8}")


def test_first_install_that_was_killed_is_done_anew(helm: Helm) -> None:
    assert helm.upgrade(killed_after=3) == "killed"
    assert helm.status() == "pending-install"
    assert IN_PROGRESS in helm.upgrade()
    assert helm.look()["pending"] == ["op"]
    assert helm.look(repair=True)["changed"] is True
    helm.change(2)
    assert "STATUS: deployed" in helm.upgrade()
    assert helm.value() == "2"
    assert helm.look()["pending"] == []


def test_upgrade_and_rollback_that_were_killed_go_on_from_what_stood(helm: Helm) -> None:
    helm.upgrade()
    helm.look(label=True)
    helm.change(2)
    assert helm.upgrade(killed_after=3) == "killed"
    assert helm.status() == "pending-upgrade"
    assert IN_PROGRESS in helm.upgrade()
    assert helm.run("rollback", "op", "1", killed_after=3) == "killed"
    assert helm.status() == "pending-rollback"
    assert helm.look()["pending"] == ["op"]
    helm.look(repair=True)
    assert helm.status() == "deployed"
    helm.change(3)
    assert "STATUS: deployed" in helm.upgrade()
    assert (helm.value(), helm.status()) == ("3", "deployed")
    assert helm.look()["releases"][0]["whose"] == "ours"


def test_pending_release_of_another_environment_is_named_and_left(helm: Helm) -> None:
    helm.upgrade()
    helm.look(label=True, environment="dev")
    helm.change(2)
    assert helm.upgrade(killed_after=3) == "killed"
    said = r"belongs to the environment dev, and something is under way with it \(pending-upgrade\)"
    with pytest.raises(RhaiiError, match=said):
        helm.look(repair=True)
    assert helm.status() == "pending-upgrade"


def test_changed_folder_of_the_same_version_is_seen(helm: Helm) -> None:
    helm.upgrade()
    assert helm.look()["current"] == ["op"]
    helm.change(2)
    assert helm.look()["current"] == []
    helm.upgrade()
    assert helm.look()["current"] == ["op"]
