# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role that talks to a cluster, used alone: the playbook of its README, in a folder with nothing of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.settings import CHECKOUT
from tests.integration.cloud_runs import ENVIRONMENT
from tests.integration.quick_cluster import PROJECT
from tests.integration.world_ground import TIMEOUT, Ground

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CLUSTER_INDEX = 74
TALKING = ("inference_service", "network_policies", "routing", "verification")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A cluster with its pools, which the emulated cloud knows, and nothing in it."""
    with Ground(tmp_path_factory.mktemp("alone") / "ground", CLUSTER_INDEX) as made:
        made.make_bare()
        yield made


def example(role: str) -> Any:
    """The one of its README."""
    text = (CHECKOUT / "roles" / role / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    return yaml.safe_load(block)


def alone(ground: Ground, folder: Path, role: str, **changes: Any) -> subprocess.CompletedProcess[str]:
    """Play it as a stranger would: with a kubeconfig, and with what is of this place in the place of the example's."""
    (play,) = example(role)
    of_here = {
        "rhaii_environment": ENVIRONMENT,
        "rhaii_project": PROJECT,
        "rhaii_pull_secret_file": str(ground.cloud.root / "cloud" / "pull-secret.yaml"),
        "rhaii_hf_token_file": str(ground.cloud.root / "cloud" / "hf-token"),
        f"{role}_kubernetes": {"kubeconfig": str(ground.cluster.plane.kubeconfig)},
        **changes,
    }
    play["vars"] = {name: of_here.get(name, value) for name, value in play["vars"].items()}
    (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    assets = ground.cluster.plane.settings
    place = {
        "rhaii_gateway_port": ground.service.port,
        "rhaii_operators_timeout": TIMEOUT,
        "rhaii_ready_timeout": TIMEOUT,
        "rhaii_poll_interval": 1,
        "rhaii_state_folder": str(folder / "state"),
        "rhaii_operators_chart_folder": str(assets.charts),
        "rhaii_kserve_chart": str(assets.charts / "kserve-rhaii-xks"),
        "rhaii_helm_binary": str(assets.bin / "helm"),
        "verification_parallel_requests": 20,
        "rhaii_google_endpoints": ground.cloud.variables()["rhaii_google_endpoints"],
        "rhaii_auth_kind": "serviceaccount",
        "rhaii_service_account_file": str(ground.cloud.root / "cloud" / "service-account.json"),
    }
    (folder / "place.json").write_text(json.dumps(place), encoding="utf-8")
    return subprocess.run(
        ["ansible-playbook", "-i", os.devnull, "-e", "@place.json", "play.yml"],
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "K8S_", "KUBE"))},
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
            "TMPDIR": str(folder),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def recap(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    return done.stdout[done.stdout.rindex("PLAY RECAP") :]


def test_1_operators_into_a_cluster_with_nothing(ground: Ground, tmp_path: Path) -> None:
    assert "changed=0" not in recap(alone(ground, tmp_path, "operators"))
    assert ground.cluster.api.find("gateway.networking.k8s.io/v1", "Gateway", "opendatahub", "inference-gateway")
    assert ground.operators.problems == []


def test_2_a_deployment_changes_nothing_of_them(ground: Ground, tmp_path: Path) -> None:
    deployed = ground.run("deploy")
    assert deployed.shown.code == 0, deployed.shown.output[-4000:]
    assert "changed=0 " in recap(alone(ground, tmp_path, "operators"))


@pytest.mark.parametrize("role", TALKING)
def test_3_each_other_role_finds_what_it_keeps(ground: Ground, tmp_path: Path, role: str) -> None:
    assert "changed=0 " in recap(alone(ground, tmp_path, role))


def test_4_a_node_is_looked_for_in_cluster_and_pool(ground: Ground, tmp_path: Path) -> None:
    """One that has gone already."""
    assert "changed=0 " in recap(alone(ground, tmp_path, "cluster"))


@pytest.mark.parametrize("role", ("operators", *TALKING))
def test_5_without_a_cluster_it_says_what_to_give(ground: Ground, tmp_path: Path, role: str) -> None:
    done = alone(ground, tmp_path, role, **{f"{role}_kubernetes": {}})
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert f"{role}_kubernetes is not given, and no cluster was looked for." in said
    assert "kubeconfig (and context), or host, ca_cert and api_key" in said
