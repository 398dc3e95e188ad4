# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs the stand-in charts with the real Helm, in the order and with the preparations that the collection makes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.assets.crds import stage_charts
from sandbox.control_plane.cluster import ControlPlane

Object = dict[str, Any]

CHARTS = {
    "cert-manager-operator": "cert-manager-operator",
    "sail-operator": "istio-system",
    "lws-operator": "openshift-lws-operator",
    "kserve-rhaii-xks": "opendatahub",
}
PULL_SECRET = json.dumps({"auths": {"registry.redhat.io": {"auth": "dXNlcjpwYXNz"}}})


def staged(cluster: ControlPlane, folder: Path) -> Path:
    """The charts with their genuine CRDs, as the set-up stages them."""
    stage_charts(cluster.settings.crds, folder)
    return folder


def kubectl(cluster: ControlPlane, *arguments: str, stdin: str | None = None) -> str:
    """The output of the real kubectl; AssertionError with what it said when it fails."""
    return _run([str(cluster.settings.bin / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), *arguments], stdin)


def helm(cluster: ControlPlane, *arguments: str) -> str:
    """The output of the real helm."""
    return _run([str(cluster.settings.bin / "helm"), "--kubeconfig", str(cluster.kubeconfig), *arguments])


def install(cluster: ControlPlane, charts: Path, name: str, *options: str) -> str:
    """Install one chart as a release of its name."""
    values = charts.parent / "values.json"
    values.write_text(json.dumps({"pullSecret": {"dockerConfigJson": PULL_SECRET}}), encoding="utf-8")
    return helm(
        cluster,
        *("upgrade", "--install", name, str(charts / name), "--namespace", CHARTS[name], "--create-namespace"),
        *("--values", str(values), *options),
    )


def create_namespaces(cluster: ControlPlane, *names: str) -> None:
    """Namespaces that must exist before a chart is installed."""
    for name in names:
        kubectl(cluster, "create", "namespace", name)


def _run(command: list[str], stdin: str | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, input=stdin)
    assert done.returncode == 0, f"{' '.join(command[:1] + command[3:])}: {done.stderr.strip()}"
    return done.stdout


def until(action: Callable[[], str], seconds: float = 60.0) -> str:
    """The result of `action`, which may fail for a while."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
