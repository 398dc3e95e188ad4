# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/cloud-faults.md: what happens when the cloud fails, from docs/results/cloud.json and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.prove.render.figures import BlockError, fill

COUNTS = "cells, refused, tracebacks, unreported, false_ok, not_made_good, open_items"
ROW = ("action", "happened", "ended", "seen", "left")


TOP = """\
# When the cloud fails

<!-- written by `python -m tests.prove.render`: edit tests/prove/render/cloud_faults.py -->

`make prove TOPIC=cloud` plays every fault of a cloud against the quota check, the creation of cluster and TPU pool, a
resize and a deletion, each in an emulated cloud of its own, with real runs of `ansible-playbook`. Then it takes the
fault away, runs the same again, which has to make good, and tears down. Three things must not be: a traceback, a thing
that bills and that a refused run does not name, and an ok that is none.

"""
KILLED = """\
## Runs that are killed

`ansible-playbook` gets SIGKILL at moments that the seed draws over the creation of cluster and pool: with all its
processes before or after an answer, or alone, so that its worker goes on. The next run has to end with one cluster and
one pool of the wanted size, and the teardown with nothing that bills.

"""
PERMISSIONS = """\
## Permissions that are missing

Each permission that the collection needs is taken away in turn; preflight has to name it before anything is made.

"""
CONCURRENCY = """\
## Questions that are asked at once

Preflight asks a cloud that holds every answer back; the ratio is the time that it waited to what the same questions
would take in turn.

"""
GOOGLE_CLOUD = """\
## The modules of google.cloud

Unmodified, with the environment that `python -m sandbox env` prints.

"""


def page(results: Path) -> str:
    """The page; without results it says so."""
    parts = [
        TOP,
        block(f"faults ({COUNTS})"),
        *_faults(results / "cloud.json"),
        KILLED,
        block("killed (runs, made_good, requests_of_an_undisturbed_run)"),
        block("killed.rows (request, manner, doing, left)"),
        PERMISSIONS,
        block("permissions (removed, named, made)"),
        CONCURRENCY,
        block("concurrency"),
        GOOGLE_CLOUD,
        block("google_cloud"),
    ]
    return fill("".join(parts).rstrip() + "\n", results)


def _faults(file: Path) -> Iterator[str]:
    if not file.exists():
        return
    faults = json.loads(file.read_text(encoding="utf-8")).get("faults", {}).get("faults")
    if not isinstance(faults, list):
        raise BlockError(f"{file.name} has no list faults.faults: run the proof again (make prove TOPIC=cloud).")
    for name in faults:
        yield f"## {name[:1].upper()}{name[1:]}\n\n"
        yield block(f"faults.by_fault.{slug(name)} ({', '.join(ROW)})")


def block(place: str) -> str:
    """A block of figures, to be filled."""
    return f"<!-- figures: cloud.{place} -->\n<!-- end -->\n\n"


def slug(name: str) -> str:
    """A fault's name as a place in the results."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name).split())


__all__ = ("page", "slug")
