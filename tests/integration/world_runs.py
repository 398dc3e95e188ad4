# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every verb in a mixed world, and what became of each foreign thing: compared whole, before and after each run.

`python -m tests.integration.world_runs --help` plays worlds by hand, against any checkout.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.cloud.errors import Json
from sandbox.settings import CHECKOUT
from tests.integration.world_ground import KEY, Ground, Played
from tests.integration.worlds import CLOUD, CLUSTER, EMPTY, Scene, Thing, World, always, seen

Snapshot = dict[Thing, Json | None]

VERBS: tuple[tuple[str, bool], ...] = (
    *(("deploy", True), ("deploy", False), ("deploy", False), ("scale", True), ("scale", False)),
    *(("verify", False), ("teardown", True), ("teardown", False)),
)
"""Playbooks, and whether with --check."""
BRIEF: tuple[tuple[str, bool], ...] = (("deploy", False), ("scale", False), ("teardown", False))
SURVEYING = ("deploy", "scale", "verify")
"""Playbooks that refuse what is in their way; a teardown goes round it."""
RETRIES = 10
"""Looks in vain, one after the other, that only a wait for what does not come can explain."""
VAIN = re.compile(r"FAILED - RETRYING:")
GAVE_UP = re.compile(r"(?:within|after|for) \d+ s\b")
STAYS = "stays and bills, because others have something in it"


@dataclass
class Run:
    """A run in a world, and what it did to what is foreign."""

    title: str
    code: int
    seconds: float
    cpu_seconds: float
    refused: bool = False
    said: str = ""
    unnamed: list[str] = field(default_factory=list)
    """Things that collide and that a refusal does not name."""
    tracebacks: int = 0
    changed: dict[str, str] = field(default_factory=dict)
    """Foreign things that are not what they were, and how."""
    calls: list[str] = field(default_factory=list)
    """Calls that would have changed something foreign in the cloud, refused ones too."""
    waited: bool = False
    left: bool = False
    """The cluster was left to what others have in it, as it must be, and one of these things is named."""


@dataclass
class Record:
    """A world that was played."""

    seed: int
    number: int
    base: str
    whole: bool
    kinds: list[str]
    things: list[str]
    seconds: float = 0.0
    complete: bool = False
    """Every verb was played: what is not, is begun anew."""
    runs: list[Run] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What went wrong on our side of the test."""

    @property
    def changed(self) -> dict[str, str]:
        """Each foreign thing that any run changed, and what the first one did."""
        found: dict[str, str] = {}
        for run in self.runs:
            for thing, how in run.changed.items():
                found.setdefault(thing, f"{run.title}: {how}")
        return found

    def faults(self) -> list[str]:
        """Everything that must not be, as sentences."""
        found = [f"{thing} was changed by {how}" for thing, how in self.changed.items()]
        for run in self.runs:
            found += [f"{run.title} asked the cloud to change what is foreign: {call}" for call in run.calls]
            found += [f"{run.title} refused and does not name {thing}; it says: {run.said}" for thing in run.unnamed]
            if run.tracebacks:
                found.append(f"{run.title} shows {run.tracebacks} tracebacks: {run.said}")
            if run.waited:
                found.append(f"{run.title} waited {run.seconds:.0f} s for what does not come")
            if self.whole and run.code and not run.left:
                found.append(f"{run.title} failed in a world in which nothing collides: {run.said}")
        return found + self.problems


def play(
    ground: Ground,
    world: World,
    verbs: Sequence[tuple[str, bool]] = VERBS,
    keep: Callable[[Record], None] = lambda record: None,
) -> Record:
    """Make the world, run every verb in it, and compare; `keep` gets the record after each run."""
    began = time.monotonic()
    scene = make(ground, world)
    things = sorted([*scene.things, *([] if world.base == EMPTY else always())])
    names = [thing.title for thing in things]
    record = Record(world.seed, world.number, world.base, world.whole, [kind.name for kind in world.kinds], names)
    ground.operators.problems.clear()
    of_others = any(thing.kind == "cluster" for thing in things)
    first = look(ground, things, of_others)
    before, calls = first, len(ground.cloud.changes())
    for playbook, check in verbs:
        more: Json = {"rhaii_replicas": world.replicas} if playbook == "scale" else {}
        played = ground.run(playbook, check=check, **more)
        after = look(ground, things, of_others)
        if playbook == "teardown" and not check and not of_others and KEY not in ground.cloud.memory()["clusters"]:
            # what Google put into a cluster of ours goes with it
            after.update({thing: before[thing] for thing in always() if thing in before})
        run = judged(played, scene, things)
        run.changed = {thing.title: how for thing, how in compared(before, after).items()}
        made = ground.cloud.changes()
        run.calls = [said(call) for call in made[calls:] if touches(call, things)]
        record.runs.append(run)
        record.problems = list(ground.operators.problems)
        record.seconds = round(time.monotonic() - began, 1)
        before, calls = after, len(made)
        keep(record)
    if record.runs:
        # what was lent for a while is back as it was
        for thing, how in accounts(first, before).items():
            record.runs[-1].changed[thing.title] = how
    record.complete = True
    keep(record)
    return record


def make(ground: Ground, world: World) -> Scene:
    """Have the world, and nothing else."""
    ground.need(world.base)
    scene = world.scene(copy.deepcopy(ground.bases[world.base].cloud), ground.sample, ground.cluster.api)
    for kind in world.kinds:
        if kind.layer == CLOUD:
            kind.make(scene)
    ground.restore(world.base, scene.cloud)

    def objects() -> None:
        for kind in world.kinds:
            if kind.layer == CLUSTER:
                kind.make(scene)

    ground.operators.leave_alone(objects)
    if scene.cloud["load_balancers"] != ground.cloud.memory()["load_balancers"]:
        # a Service has brought one: the cloud is to know it from the beginning
        ground.cloud.restore(scene.cloud)
    ground.operators.settle()
    return scene


def look(ground: Ground, things: Iterable[Thing], of_others: bool) -> Snapshot:
    """Every foreign thing, whole; of a cluster of others all that it holds."""
    cloud = ground.cloud.memory()
    found: Snapshot = {thing: seen(thing, ground.cluster.api, cloud) for thing in things}
    if of_others:
        content, _ = ground.cluster.etcd.read()
        held = {key.decode(): value.hex() for key, value in content.items()}
        found[Thing(CLUSTER, "content", "of the cluster of others")] = held
    return found


def compared(before: Snapshot, after: Snapshot) -> dict[Thing, str]:
    """What is different; of an account that pull secrets may be lent to, all but these."""
    found = {}
    for thing, was in before.items():
        now = after[thing]
        if thing.is_default_account:
            was, now = without_loan(was), without_loan(now)
        if was != now:
            found[thing] = difference(was, now)
    return found


def without_loan(account: Json | None) -> Json | None:
    """An account without its pull secrets, and without what changes with them."""
    if account is None:
        return None
    meta = {key: value for key, value in account["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**account, "metadata": meta, "imagePullSecrets": None}


def accounts(first: Snapshot, last: Snapshot) -> dict[Thing, str]:
    """Accounts whose pull secrets are not what they were in the beginning."""
    found = {}
    for thing, was in first.items():
        now = last[thing]
        if thing.is_default_account and was is not None and now is not None:
            pair = [each.get("imagePullSecrets", []) for each in (was, now)]
            if pair[0] != pair[1]:
                found[thing] = f"pull secrets {pair[0]} are {pair[1]}"
    return found


def difference(was: Json | None, now: Json | None) -> str:
    """How something changed, for people."""
    if now is None:
        return "it is gone"
    old, new = (json.dumps(shown(each), indent=1, sort_keys=True).splitlines() for each in (was, now))
    changes = [
        line
        for line in difflib.unified_diff(old, new, lineterm="", n=0)
        if line[:1] in "+-" and not line.startswith(("+++", "---"))
    ]
    return "\n".join(changes[:40])


def shown(item: Json | None) -> Json | None:
    """An object without what nobody may read: of a Secret's data only whether it is the same."""
    if item is None or item.get("kind") != "Secret":
        return item
    sums = {
        key: hashlib.sha256(str(value).encode()).hexdigest()[:12] for key, value in (item.get("data") or {}).items()
    }
    return {**item, "data": sums}


def judged(played: Played, scene: Scene, things: Sequence[Thing]) -> Run:
    """What a run said of what stood in its way."""
    shown = played.shown
    run = Run(played.title, shown.code, round(played.seconds, 1), round(played.cpu_seconds, 1))
    run.tracebacks = shown.tracebacks
    run.said = shown.errors if shown.code else ""
    # how long it took says nothing on a machine that has much else to do
    vain = len(VAIN.findall(shown.output)) >= RETRIES or GAVE_UP.search(run.said) is not None
    run.waited = played.playbook == "teardown" and vain
    inhabitants = [thing for thing in things if thing.layer == CLUSTER and thing not in always()]
    run.left = (
        played.playbook == "teardown" and STAYS in run.said and any(named(thing, run.said) for thing in inhabitants)
    )
    if not shown.code or played.playbook not in SURVEYING:
        return run
    colliding = [thing for thing in things if scene.things.get(thing)]
    asked = [thing for thing in colliding if played.playbook in scene.things[thing]]
    # a verb may look at more than it would change; then it names that too
    run.refused = bool(asked or any(named(thing, run.said) for thing in colliding))
    if run.refused:
        run.unnamed = [thing.title for thing in unnamed(asked or colliding, run.said)]
    return run


def unnamed(things: Sequence[Thing], text: str) -> list[Thing]:
    """Of what stands in the way what a refusal leaves out.

    Clusters, pools and objects are asked for one after the other, so that all of one of them is enough.
    """
    groups: dict[tuple[str, str], list[Thing]] = {}
    for thing in things:
        groups.setdefault((thing.layer, thing.kind if thing.layer == CLOUD else ""), []).append(thing)
    left = [[thing for thing in group if not named(thing, text)] for group in groups.values()]
    return min(left, key=len)


def named(thing: Thing, text: str) -> bool:
    """Whether a sentence says kind and name; a release of Helm's may be called by its own name."""
    name = thing.name
    if name.startswith("sh.helm.release.v1."):
        return name in text or name.split(".")[4] in text
    kind = {"node pool": "pool"}.get(thing.kind, thing.kind)
    return name in text and kind.lower() in text.lower()


def touches(call: Json, things: Sequence[Thing]) -> bool:
    """Whether a call that changes something names something foreign."""
    text = json.dumps(call)
    for thing in things:
        if thing.layer != CLOUD:
            continue
        if thing.kind == "node pool" and (f"nodePools/{thing.name}" in text or f'"nodePoolId": "{thing.name}"' in text):
            # a pool of the same name in a cluster of others has a thing of its own
            return True
        if thing.kind == "cluster" and f"clusters/{thing.name}" in text:
            return True
        if thing.kind in ("load balancer", "other cluster") and thing.name.rpartition("/")[2] in text:
            zone, _, name = thing.name.rpartition("/")
            if not zone or f"{zone}/clusters/{name}" in text:
                return True
    return False


def said(call: Json) -> str:
    """A call, for people."""
    return " ".join(str(call.get(key, "")) for key in ("method", "path", "status")).strip() or json.dumps(call)[:200]


# Many worlds.


class Book:
    """Worlds that were played, one a line; a file of another seed or commit is begun anew."""

    def __init__(self, path: Path, origin: Json) -> None:
        self._path, self._origin = path, origin
        self.records: dict[int, Json] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        if lines and json.loads(lines[0]) == origin:
            for line in lines[1:]:
                record = json.loads(line)
                self.records[record["number"]] = record
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(origin) + "\n", encoding="utf-8")

    def add(self, record: Record) -> None:
        """Keep a world, or as much of it as was played; of one world the last line counts."""
        entry = {**asdict(record), "changed": record.changed, "faults": record.faults()}
        self.records[record.number] = entry
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def summed(records: Iterable[Json]) -> Json:
    """Figures of many worlds."""
    worlds = sorted(records, key=lambda each: int(each["number"]))
    runs = [run for world in worlds for run in world["runs"]]
    refused = [run for run in runs if run["refused"]]
    things = sum(len(world["things"]) for world in worlds)
    kinds: Counter[str] = Counter(
        title.partition(" ")[0] if title[:1].isupper() else " ".join(title.split()[:2]).partition(" rhaii")[0]
        for world in worlds
        for title in world["changed"]
    )
    return {
        "worlds": len(worlds),
        "worlds_ended_early": sum(not world["complete"] for world in worlds),
        "whole_worlds": sum(bool(world["whole"]) for world in worlds),
        "kinds": len({kind for world in worlds for kind in world["kinds"]}),
        "runs": len(runs),
        "foreign_things": things,
        "compared": sum(len(world["things"]) * len(world["runs"]) for world in worlds),
        "changed": sum(len(world["changed"]) for world in worlds),
        "worlds_changed": sum(bool(world["changed"]) for world in worlds),
        "changed_by_kind": dict(sorted(kinds.items())),
        "changed_by_verb": dict(sorted(Counter(run["title"] for run in runs for _ in run["changed"]).items())),
        "foreign_calls": sum(len(run["calls"]) for run in runs),
        "refusals": len(refused),
        "refusals_that_name": sum(not run["unnamed"] for run in refused),
        "tracebacks": sum(run["tracebacks"] for run in runs),
        "waited": sum(bool(run["waited"]) for run in runs),
        "seconds": round(sum(world["seconds"] for world in worlds)),
        "cpu_seconds_a_run": round(sum(run["cpu_seconds"] for run in runs) / max(1, len(runs)), 1),
    }


def play_all(
    book: Book,
    seed: int,
    numbers: Sequence[int],
    *,
    index: int,
    checkout: Path,
    verbs: Sequence[tuple[str, bool]],
    say: Callable[[str], None],
    until: float | None = None,
    bases: Sequence[str] = (),
) -> None:
    """Play the worlds that are not in the book yet, as long as there is time."""
    left = [
        number
        for number in numbers
        if not book.records.get(number, {}).get("complete") and (not bases or World.drawn(seed, number).base in bases)
    ]
    if not left:
        return
    with (
        tempfile.TemporaryDirectory(prefix="worlds-") as folder,
        Ground(Path(folder) / "ground", index, checkout) as ground,
    ):
        for number in left:
            if until is not None and time.monotonic() > until:
                say("the time is over")
                return
            world = World.drawn(seed, number)
            say(world.title())
            record = play(ground, world, verbs, book.add)
            for run in record.runs:
                say(f"  {run.title}: {run.code}, {run.seconds:.0f} s, {run.cpu_seconds:.0f} s of CPU; {run.said[:300]}")
            for fault in record.faults():
                say(f"  ! {fault}")


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, with a mark when it has changes."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=True).stdout

    return git("rev-parse", "HEAD").strip() + ("-dirty" if git("status", "--porcelain").strip() else "")


def origin_of(commit: str, seed: int, verbs: Sequence[tuple[str, bool]] = VERBS) -> Json:
    """What worlds in a book belong to."""
    return {"commit": commit, "seed": seed, "verbs": [list(each) for each in verbs]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play worlds by hand, or for a proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=CHECKOUT, help="whose playbooks are run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="take every n-th world, so that two can share the work")
    parser.add_argument(
        "--index", type=int, default=61, help="of the cluster's addresses; another one for each process"
    )
    parser.add_argument("--brief", action="store_true", help="deploy, scale and teardown alone")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no world after so many")
    parser.add_argument("--bases", nargs="*", default=[], help="only worlds that begin there: empty, bare, deployed")
    parser.add_argument("--book", type=Path, required=True, help="where the worlds are written, one a line")
    parser.add_argument("--result", type=Path, help="where the figures of all worlds in the book are written")
    given = parser.parse_args(arguments)
    verbs = BRIEF if given.brief else VERBS
    commit = commit_of(given.checkout)
    book = Book(given.book, origin_of(commit, given.seed, verbs))
    play_all(
        book,
        given.seed,
        range(given.first, given.worlds, given.step),
        index=given.index,
        checkout=given.checkout.resolve(),
        verbs=verbs,
        say=lambda text: print(text, flush=True),
        bases=given.bases,
        until=time.monotonic() + 60 * given.minutes if given.minutes else None,
    )
    found = {"commit": commit, "seed": given.seed, **summed(book.records.values())}
    text = json.dumps(
        {**found, "bases": given.bases, "verbs": [f"{name} --check" if check else name for name, check in verbs]},
        indent=1,
    )
    print(text)
    if given.result:
        given.result.write_text(text + "\n", encoding="utf-8")
    return 0


__all__ = ("BRIEF", "VERBS", "Book", "Record", "Run", "commit_of", "origin_of", "play", "play_all", "summed")

if __name__ == "__main__":
    sys.exit(main())
