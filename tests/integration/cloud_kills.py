# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SIGKILL for ansible-playbook in the middle of the creation of cluster and pool, and the run that comes after it.

The moment is a request of the run, counted at the cloud: it is killed before that is answered, after it was answered
but before it can know, or alone, so that the worker which it had sent goes on with what it was about.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.integration.cloud_runs import CREATE, DELETE, PATIENCE, EmulatedCloud, plain_words

NODES = 3
SPEED = 600.0
MANNERS = ("before the answer", "after the answer", "without its worker")


@dataclass(frozen=True)
class Moment:
    """The part of the run that is through, and what dies how."""

    part: float
    manner: str


@dataclass
class Death:
    """What came of a run that was killed. `problem` is what must not be."""

    request: int
    manner: str
    doing: str = ""
    left: str = ""
    problem: str = ""

    def figures(self) -> dict[str, Any]:
        """As it is written down."""
        return asdict(self)


def moments(seed: int, count: int) -> list[Moment]:
    """Drawn by the seed, one of each equal part of the run, every manner as often as the others."""
    drawn = random.Random(seed)
    manners = [MANNERS[number % len(MANNERS)] for number in range(count)]
    drawn.shuffle(manners)
    return [Moment((number + drawn.random()) / count, manner) for number, manner in enumerate(manners)]


def length(folder: Path) -> int:
    """How many requests the run makes that nobody disturbs."""
    with EmulatedCloud(folder, speed=SPEED) as cloud:
        shown = cloud.play(CREATE, rhaii_replicas=NODES)
        assert shown.code == 0, shown.output[-4000:]
        return len(cloud.server.asked)


def die(folder: Path, moment: Moment, requests: int) -> Death:
    """Kill one run, let the next one make good, tear down."""
    death = Death(1 + int(moment.part * requests), moment.manner)
    with EmulatedCloud(folder, speed=SPEED) as cloud:
        while not kill(cloud, death):
            # the run took fewer requests than the one that was counted
            assert death.request > 1, "no run lived to its first request"
            cloud.play(DELETE)
            cloud.server.count_anew()
            death.request -= max(1, death.request // 10)
        clusters = cloud.state.clusters.values()
        death.left = ", ".join(f"{each.status} with {' and '.join(each.pools)}" for each in clusters) or "nothing"
        again = cloud.play(CREATE, rhaii_replicas=NODES)
        problems = [plain_words(again.errors, cloud) if again.code else "", cloud.settled(NODES)]
        problems.append("it showed a traceback" if again.tracebacks else "")
        end = cloud.play(DELETE)
        problems.append(plain_words(end.errors, cloud) if end.code else "")
        problems += [f"{item['kind']} {item['name']} bills" for item in cloud.bills()]
        death.problem = "; ".join(filter(None, problems))
    return death


def kill(cloud: EmulatedCloud, death: Death) -> bool:
    """Run until the moment; whether it came."""
    process, _ = cloud.begin(CREATE, rhaii_replicas=NODES)
    done = False

    def before(number: int, what: str) -> bool:
        nonlocal done
        if number != death.request or death.manner != MANNERS[0]:
            return True
        cloud.kill_all()
        death.doing = short(what)
        done = True
        return False

    def after(number: int, what: str) -> None:
        nonlocal done
        if number != death.request or death.manner == MANNERS[0]:
            return
        if death.manner == MANNERS[1]:
            cloud.kill_all()
        else:
            os.kill(process.pid, signal.SIGKILL)
        death.doing = short(what)
        done = True

    cloud.server.before, cloud.server.after = before, after
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        cloud.kill_all()
        process.wait()
    finally:
        cloud.server.before, cloud.server.after = lambda number, what: True, lambda number, what: None
    return done


def short(what: str) -> str:
    """A request without its project, and without the number of an operation."""
    verb, _, path = what.partition(" ")
    return re.sub(r"operation-\d+-[0-9a-f-]{36}", "…", f"{verb} {path.rpartition('/rhaii-sandbox/')[2] or path}")
