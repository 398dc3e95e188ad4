# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of the main job: `make deploy` from fresh clones, its tests in full, Molecule's scenario."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox.settings import CHECKOUT
from tests.prove.commands import run
from tests.prove.proof import Figures, Origin, Step, StepError

TESTS = ("test_witness.py", "test_installed.py", "test_bad_inputs.py", "test_main_job.py")
SCENARIO = CHECKOUT / "extensions"
WARM_LIMIT = 180.0
COLD_LIMIT = 900.0


def steps() -> tuple[Step, ...]:
    """What measures whole waits comes first, while the machine is quiet."""
    return (
        Step("fresh_clone", "make deploy in a fresh clone, binaries cached (about 3 minutes)", fresh_clone),
        Step("empty_caches", "make deploy in a fresh clone, nothing cached (about 15 minutes)", empty_caches),
        Step("tests", "the integration tests of the main job, in full (about 20 minutes)", tests, at_top=True),
        Step("molecule", "converge, idempotence, verify, cleanup (about 4 minutes)", molecule),
    )


def tests(origin: Origin) -> Figures:
    """Run them; they write down what they measure."""
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        file = Path(folder) / "figures.json"
        environment = {"RHAII_PROVE": "1", "RHAII_SEED": str(origin.seed), "RHAII_FIGURES": str(file)}
        files = [f"tests/integration/{name}" for name in TESTS]
        run([sys.executable, "-m", "pytest", "-x", "-v", *files], cwd=CHECKOUT, extra=environment)
        figures: Figures = json.loads(file.read_text(encoding="utf-8"))
    return figures


def molecule(origin: Origin) -> Figures:
    """The default scenario, on the checkout's own sandbox."""
    del origin
    run([sys.executable, "-m", "sandbox", "up"], cwd=CHECKOUT)
    try:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        seconds = run([sys.executable, "-m", "molecule", "test"], cwd=SCENARIO, extra={"PATH": path})
    finally:
        run([sys.executable, "-m", "sandbox", "down"], cwd=CHECKOUT)
    return {"seconds": round(seconds, 1)}


def fresh_clone(origin: Origin) -> Figures:
    """What somebody waits for who has built the binaries before."""
    return deploy_in_a_clone(origin, {}, WARM_LIMIT)


def empty_caches(origin: Origin) -> Figures:
    """What somebody waits for at the very first time."""
    with tempfile.TemporaryDirectory(prefix="rhaii-cache-") as cache:
        places = {"XDG_CACHE_HOME": "", "UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip"}
        return deploy_in_a_clone(origin, {name: str(Path(cache) / part) for name, part in places.items()}, COLD_LIMIT)


def deploy_in_a_clone(origin: Origin, extra: Mapping[str, str], limit: float) -> Figures:
    """Clone the commit, `make deploy`, look at its report, clean up."""
    with tempfile.TemporaryDirectory(prefix="rhaii-clone-") as folder:
        clone = Path(folder) / "rhaii.gke"
        run(["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(clone)], cwd=CHECKOUT)
        run(["git", "checkout", "--quiet", "--detach", origin.commit], cwd=clone)
        try:
            seconds = run(["make", "deploy"], cwd=clone, extra=extra)
            report = json.loads((clone / ".sandbox" / "reports" / "sandbox-deploy.json").read_text(encoding="utf-8"))
        finally:
            run(["make", "clean"], cwd=clone, extra=extra)
    if seconds > limit:
        raise StepError(f"make deploy took {seconds:.0f} s; at most {limit:.0f} s are promised.")
    return {"seconds": round(seconds, 1), "limit_seconds": limit, "nodes": report["nodes"], "chips": report["chips"]}


__all__ = ("steps",)
