# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox's own integration tests share: a sandbox folder and a real control plane."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.control_plane.cluster import ClusterSpec, ControlPlane
from sandbox.settings import CHECKOUT, Settings

# read when gRPC is imported, which comes after this: a test starts Envoy while a picker runs, and gRPC's fork handlers
# end such a child at times
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A sandbox folder of the module's own, with the checkout's assets; whatever ran in it is ended."""
    assets = Settings.load().root / "assets"
    assert (assets / "bin" / "kube-apiserver").exists(), "run `make setup` first: the assets are missing"
    root = tmp_path_factory.mktemp("sandbox")
    (root / "assets").symlink_to(assets)
    before = {name: os.environ.get(name) for name in ("SANDBOX_DIR", "SANDBOX_SPEED")}
    os.environ.update(SANDBOX_DIR=str(root), SANDBOX_SPEED="60")
    settings = Settings.load()
    yield settings
    for process in list(processes.marked(settings)):
        processes.stop(process.pid, 0.5, process.start_time)
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture(scope="module")
def cluster(settings: Settings, request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A started control plane; the test module's CLUSTER_INDEX (70 to 99, unlike any other's) gives its addresses."""
    index = int(getattr(request.module, "CLUSTER_INDEX", 99))
    spec = ClusterSpec("test-project", "europe-west4-a", f"test-{index}", index, dataplane_v2=True)
    plane = ControlPlane(settings, spec)
    asyncio.run(plane.start())
    yield plane
    asyncio.run(plane.stop(destroy=True))


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The project's root."""
    return CHECKOUT
