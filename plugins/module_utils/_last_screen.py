# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The last screen of a run that failed, and the first one after a run that was killed, as lines for people.

Each has four facts: the stage and why, what is up and bills how many dollars an hour, what the same run does next time,
and the command that ends it all.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils import _recap
from ansible_collections.rhaii.gke.plugins.module_utils._runs.stage import KILLED, NONE, RUNNING

CONSOLE = "https://console.cloud.google.com/kubernetes/list/overview"
# Where an installed collection has its playbooks.
INSTALLED = "/ansible_collections/rhaii/gke/playbooks"


@dataclass(frozen=True)
class Stage:
    """What people call it, and what the same run does when it is begun again, as the end of 'it ...'."""

    title: str
    again: str
    # nothing that bills was asked for or deleted before it ends
    is_harmless: bool = False


_GUIDE = {name: title for name, title, *_rest in _recap.STAGES}
_GOES_ON = "and goes on from there"
_CHECKS = Stage(_GUIDE["preflight"], "checks again, and goes on when all is well", is_harmless=True)
_POOL = "awaits the machines that are asked for, asks again for those that did not come, " + _GOES_ON

# By verb and by the mark that a playbook sets when the stage begins, in their order.
STAGES: Mapping[str, Mapping[str, Stage]] = {
    "deploy": {
        "preflight": _CHECKS,
        "control_plane": Stage(
            _GUIDE["control_plane"],
            f"takes the cluster as it is, awaits what Google makes, makes an empty failed one anew, {_GOES_ON}",
        ),
        "tpu_pool": Stage(
            _GUIDE["tpu_pool"],
            f"keeps the cluster, asks for the TPU pool or for the machines that it lacks, {_GOES_ON}",
        ),
        "namespace": Stage(_GUIDE["namespace"], f"keeps cluster and TPU pool, {_GOES_ON}"),
        "operators": Stage(_GUIDE["operators"], f"keeps what is there, installs what is missing, {_GOES_ON}"),
        "inference_service": Stage(
            _GUIDE["inference_service"], f"keeps what is there, asks for the models, {_GOES_ON}"
        ),
        "pool_wait": Stage(f"waiting for the {_GUIDE['tpu_pool']}", _POOL),
        "routing": Stage(_GUIDE["routing"], f"keeps what is there, sets the routes, {_GOES_ON}"),
        "routed": Stage(
            f"{_GUIDE['inference_service']}, waiting for the replicas",
            f"keeps what is there, awaits the replicas, {_GOES_ON}",
        ),
        "verification": Stage(_GUIDE["verification"], "changes nothing that is right, and tests again"),
        "end": Stage(
            "cost, recap and what a move left behind", "changes nothing that is right, and deletes what is left"
        ),
    },
    "scale": {
        "preflight": _CHECKS,
        "tpu_pool": Stage("the nodes", f"asks for the nodes that are missing, {_GOES_ON}"),
        "inference_service": Stage(
            "the replicas", f"keeps the nodes that are there, asks for the replicas, {_GOES_ON}"
        ),
        "pool_wait": Stage("waiting for the nodes", _POOL),
        "pool_ready": Stage("waiting for the replicas", "awaits the replicas, and gives back the nodes that are free"),
        "end": Stage("recap", "changes nothing that is right"),
    },
    "teardown": {
        "checks": Stage("checks", "checks again, and deletes when all is well", is_harmless=True),
        "services": Stage("services", f"deletes the services that are left, {_GOES_ON}"),
        "gateway": Stage("gateway and load balancer", f"deletes gateway and load balancer, {_GOES_ON}"),
        "cloud": Stage(
            "TPU pool and cluster",
            "awaits what is being deleted, deletes what is left, and looks into the cloud's own lists",
        ),
    },
}

# What a run does with what another one left.
TAKES_OVER: Mapping[str, str] = {
    "deploy": "This deploy keeps what is there and makes what is missing.",
    "scale": "This scale changes the number of replicas and nodes, and nothing else.",
    "teardown": "This teardown deletes it.",
}


def last_screen(story: Mapping[str, Any], here: str) -> list[str]:
    """For a run that failed. `here` is the folder in which somebody would give the command."""
    verb, environment = str(story["verb"]), str(story["environment"])
    stage = stage_of(verb, str(story.get("stage") or ""))
    harmless = ", before it changed anything" if stage.is_harmless else ""
    if story.get("check_mode"):
        harmless = " in check mode, which changes nothing"
    return [
        f"{verb} of {environment} failed at the stage '{stage.title}'{harmless}.",
        f"Why:    {story.get('why') or 'It is not known why.'}",
        f"Up now: {up_now(story)}",
        f"Again:  Run {verb} again, and it {stage.again}.",
        *_ends(story, here),
    ]


def first_screen(story: Mapping[str, Any], here: str) -> list[str]:
    """For a run that comes after one that did not end, or that finds something up of which no record tells."""
    verb, environment = str(story["verb"]), str(story["environment"])
    before: Mapping[str, Any] = story.get("before") or {}
    fate = str(before.get("fate") or NONE)
    standing: Mapping[str, Any] = story.get("standing") or {}
    if fate not in (KILLED, RUNNING):
        if fate != NONE or not standing.get("up"):
            return []
        return [f"{environment} is up already, by a run of which there is no record here: {standing['msg']}."]
    last = str(before.get("verb") or "")
    stage = stage_of(last, str(before.get("stage") or ""))
    who = f"{last} of {environment}, begun {_moment(before.get('began'))} on {before.get('host')}"
    if fate == RUNNING:
        process = before.get("process")
        told = f"Another run still works on this: {who} (process {process}), is at the stage '{stage.title}'."
    else:
        told = f"The last run did not end: {who}, was killed or interrupted at the stage '{stage.title}'."
    same = last == verb and fate == KILLED
    # a run that is killed between two marks may have got further
    does = f"This {verb} {stage.again}." if same else TAKES_OVER.get(verb, f"This run is {verb}.")
    return [told, f"Up now: {up_now(story)}", f"Now:    {does}", *_ends(story, here)]


def stage_of(verb: str, mark: str) -> Stage:
    """What is not known is said by its own name."""
    stages = STAGES.get(verb) or {}
    if mark in stages:
        return stages[mark]
    if not mark and stages:
        return next(iter(stages.values()))
    return Stage(mark or "begin", "begins anew")


def _moment(began: Any) -> str:
    try:
        return f"{datetime.fromtimestamp(float(began), UTC):%Y-%m-%d %H:%M} UTC"
    except (TypeError, ValueError, OverflowError, OSError):
        return "at an unknown time"


def up_now(story: Mapping[str, Any]) -> str:
    """What is up and bills, or why that is not known and where to see it."""
    standing: Mapping[str, Any] = story.get("standing") or {}
    if standing.get("known"):
        said = str(standing["msg"])
        return f"{said[:1].upper()}{said[1:]}."
    project = str(story.get("project") or "")
    reason = str(standing.get("reason") or standing.get("msg") or "nobody was asked").rstrip(".")
    if not project:
        reason = "no project is given"
    where = f"{CONSOLE}?project={project}" if project else CONSOLE
    return f"Not known: {reason}. What is up bills on; look at {where}"


def _ends(story: Mapping[str, Any], here: str) -> Iterator[str]:
    """The commands, the one of the usual place first; a place of its own for what is elsewhere."""
    standing: Mapping[str, Any] = story.get("standing") or {}
    clusters: Sequence[Mapping[str, Any]] = standing.get("clusters") or []
    places = list(dict.fromkeys(str(cluster["location"]) for cluster in clusters)) or [str(story.get("location") or "")]
    kept = {str(cluster["location"]) for cluster in clusters if cluster.get("protected")}
    for number, place in enumerate(places):
        protected = bool(story.get("keep")) or place in kept
        command = ending(story, here, place, protected=protected, is_alone=len(places) == 1)
        yield f"{'End it: ' if not number else '        '}{command}"


def ending(story: Mapping[str, Any], here: str, place: str, *, protected: bool, is_alone: bool) -> str:
    """The teardown of this environment in one place."""
    words = ["ansible-playbook"]
    for source in story.get("inventories") or []:
        words += ["-i", str(source) if "," in str(source) else nearest(str(source), here)]
    if story.get("limit"):
        words += ["-l", str(story["limit"])]
    words.append(playbook(str(story.get("playbooks") or ""), here))
    moves = bool(story.get("moves"))
    # one that moves is found wherever it is, with what it left behind, unless it is in two places
    if place and not (moves and is_alone):
        words += ["-e", f"rhaii_location={place}", *(["-e", "rhaii_on_stockout=fail"] if moves else [])]
    words += ["-e", f"rhaii_teardown_confirm={story['environment']}"]
    if protected:
        words += ["-e", "rhaii_keep=false"]
    return shlex.join(words)


def playbook(folder: str, here: str) -> str:
    """Of a clone the file, of an installed collection its full name."""
    if not folder or folder.rstrip("/").endswith(INSTALLED):
        return "rhaii.gke.teardown"
    return nearest(f"{folder.rstrip('/')}/teardown.yml", here)


def nearest(path: str, here: str) -> str:
    """From here where it is below, as people would type it."""
    try:
        return str(PurePosixPath(path).relative_to(here))
    except ValueError:
        return path


__all__ = ("STAGES", "Stage", "ending", "first_screen", "last_screen", "nearest", "playbook", "stage_of", "up_now")
