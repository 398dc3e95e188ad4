# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tests.prove TOPIC``: the full proof of a topic, and its figures in docs/results/TOPIC.json."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable

from sandbox.settings import CHECKOUT, Settings
from tests.prove import cloud, field, harm, main_job, mends, one_door, real, verdicts
from tests.prove.proof import Origin, Proof, Step

TOPICS: dict[str, Callable[[], tuple[Step, ...]]] = {
    "cloud": cloud.steps,
    "field": field.steps,
    "harm": harm.steps,
    "main-job": main_job.steps,
    "mends": mends.steps,
    "one-door": one_door.steps,
    "real": real.steps,
    "verdicts": verdicts.steps,
}


def git(*arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.strip()


def say(text: str) -> None:
    """A line for people."""
    print(f"prove: {text}", flush=True)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description="The full proof of a topic.")
    parser.add_argument("topic", choices=sorted(TOPICS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--step", action="append", default=[], help="run only this step, and write no result")
    parser.add_argument("--dirty", action="store_true", help="measure a tree with changes; the result says so")
    arguments = parser.parse_args()
    dirty = bool(git("status", "--porcelain", "--", ".", ":!docs/results"))
    if dirty and not arguments.dirty:
        say("the tree has changes, and figures belong to a commit: commit them first, or give --dirty to try.")
        return 2
    steps = TOPICS[arguments.topic]()
    wrong = set(arguments.step) - {step.name for step in steps}
    if wrong:
        known = ", ".join(step.name for step in steps)
        say(f"{arguments.topic} has no step {', '.join(sorted(wrong))}; it has {known}.")
        return 2
    chosen = tuple(step for step in steps if step.name in arguments.step or not arguments.step)
    whole = len(chosen) == len(steps)
    kept = Settings.load().root / "prove" / arguments.topic
    proof = Proof(
        origin=Origin(arguments.topic, git("rev-parse", "HEAD"), arguments.seed, dirty),
        steps=chosen,
        kept=kept,
        result=(CHECKOUT / "docs" / "results" if whole else kept) / f"{arguments.topic}.json",
        say=say,
    )
    return 0 if proof.run() else 1


if __name__ == "__main__":
    sys.exit(main())
