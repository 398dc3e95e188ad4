# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Genuine CRDs out of their projects' Go modules, and the stand-in charts staged with them."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sandbox.assets.binaries import load
from sandbox.assets.toolchain import AssetError, Toolchain
from sandbox.control_plane.bootstrap import DEFINITIONS
from sandbox.settings import CHECKOUT


def fetch_sets(go: Toolchain, target: Path) -> None:
    """Write the files of every set of crds.yml to `target`/<set>/."""
    for name, entry in load("crds.yml").items():
        files = sorted(Path(module_folder(go, entry)).glob(entry["files"]))
        if not files:
            raise AssetError(f"{entry['module']} {entry['version']} has no file {entry['files']}.")
        folder = target / name
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
        # last, so that a set that was cut short is fetched again
        (folder / ".version").write_text(entry["version"], encoding="utf-8")


def complete(target: Path) -> bool:
    """Whether every set is there, in its pinned version."""
    return all(
        (target / name / ".version").is_file()
        and (target / name / ".version").read_text(encoding="utf-8") == entry["version"]
        for name, entry in load("crds.yml").items()
    )


def module_folder(go: Toolchain, entry: dict[str, Any]) -> str:
    """The unpacked module, once its sum is the pinned one."""
    # outside of any module: the versions of one set must not raise those of another
    with tempfile.TemporaryDirectory() as nowhere:
        answer = json.loads(
            go.run(["mod", "download", "-json", f"{entry['module']}@{entry['version']}"], Path(nowhere))
        )
    if answer["Sum"] != entry["sum"]:
        raise AssetError(f"{entry['module']} {entry['version']} has the sum {answer['Sum']}, wanted {entry['sum']}.")
    return str(answer["Dir"])


def stage_charts(crds: Path, target: Path) -> None:
    """Copy the stand-in charts to `target`, each with the genuine CRDs that its crds.txt lists."""
    for chart in sorted((CHECKOUT / "sandbox" / "charts").iterdir()):
        if not (chart / "Chart.yaml").exists():
            continue
        staged = target / chart.name
        fresh = target / f".{chart.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(chart, fresh)
        wanted = fresh / "crds.txt"
        for name in wanted.read_text(encoding="utf-8").split() if wanted.exists() else []:
            (fresh / "crds").mkdir(exist_ok=True)
            for file in sorted((crds / name).glob("*.yaml")):
                shutil.copyfile(file, fresh / "crds" / f"{name}-{file.name}")
        shutil.rmtree(staged, ignore_errors=True)
        fresh.rename(staged)
    # beside the charts, as folders of definitions alone: for clusters whose GKE does not bring them
    shutil.copytree(crds / "gateway-api", target / "gateway-api", dirs_exist_ok=True)
    shutil.copytree(DEFINITIONS, target / "gateway-api-inference-extension", dirs_exist_ok=True)
