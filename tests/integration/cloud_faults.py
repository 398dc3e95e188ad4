# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every fault of a cloud against each thing that is asked of it: what happened, what was seen, what was left.

A cell has a cloud of its own. The run meets the fault; then the fault is taken away, the next run has to make good,
and a teardown has to leave nothing that bills.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.cloud.errors import Json
from sandbox.cloud.state import DONE
from tests.integration.cloud_runs import (
    CLUSTER,
    CREATE,
    DELETE,
    PREFLIGHT,
    REGION,
    RESIZE,
    SPEED,
    TPU_POOL,
    ZONE,
    EmulatedCloud,
    Shown,
    counted,
    plain_words,
)

NODES = 3
ACTIONS = ("quota check", "create", "resize", "delete")
CHANGES = ACTIONS[1:]
PLAYBOOKS = dict(zip(ACTIONS, (PREFLIGHT, CREATE, RESIZE, DELETE), strict=True))
WANTED = {"create": NODES, "resize": NODES, "delete": 0}
MUTATING = r"(create|setSize|delete)$"
TOLD = re.compile(r"busy|in the way|joining|no .* left|has none of|is ERROR|anew|again")

Moment = Callable[[EmulatedCloud], bool]
"""Does its part, or says that it is too early for it."""


@dataclass(frozen=True)
class Fault:
    """A fault: how it is set before a run, or how and when in the middle of one, and what must come of it."""

    name: str
    about: str
    set: tuple[Json, ...] = ()
    meanwhile: Moment | None = None
    refused: tuple[str, ...] = ()
    """The actions that cannot succeed; the others must."""
    either: tuple[str, ...] = ()
    """The actions that may be refused, and may get over it: what was only asked for is asked for again in the end."""
    traced: tuple[str, ...] = ()
    """The actions that cannot pass it by without a trace in the cloud's books."""
    trace: str = ""
    """How that looks."""
    on_a_cluster: bool = False
    """Whether it makes sense only where a cluster is, for the quota check too."""
    broken_before: tuple[str, ...] = ()
    """The actions that find a pool which the fault has broken already."""
    spot: bool = False
    speed: float = SPEED


def revoke(cloud: EmulatedCloud) -> bool:
    """In the middle of a task: what it asked with before is good no more."""
    cloud.server.revoking = True
    return True


def preempt(cloud: EmulatedCloud) -> bool:
    """The first TPU machine, as soon as the run has asked for something and there is one."""
    nodes = cloud.nodes()
    if not nodes or not cloud.server.asked:
        return False
    cloud.fault(kind="node_preempt", node=nodes[0])
    return True


def occupy(cloud: EmulatedCloud) -> bool:
    """Once the run asks, and where the cluster is not there yet, as soon as it is."""
    if not cloud.server.asked:
        return False
    cloud.fault(kind="busy", cluster=CLUSTER, guide_minutes=60.0)
    return True


def refusals(status: int) -> tuple[Json, ...]:
    """Two answers of any kind, and one to the first call that would change something."""
    common = {"kind": "api_error", "status": status, "retry_after": 1}
    return {**common, "count": 2, "path": "/projects/"}, {**common, "count": 1, "method": MUTATING}


MEANWHILE: Mapping[Moment, str] = {
    revoke: "the token was taken back",
    preempt: "a machine was taken away",
    occupy: "Google began work of its own",
}
OF_THE_REGION = {"kind": "quota", "region": REGION}
FAULTS = (
    Fault("quota rows absent", "the quota has no row that speaks of the region", ({**OF_THE_REGION, "absent": True},)),
    Fault(
        "quota of 0",
        "the quota has an explicit 0 for the region",
        ({**OF_THE_REGION, "value": 0},),
        refused=("quota check", "create", "resize"),
        traced=("create", "resize"),
        trace="QUOTA_EXCEEDED",
    ),
    Fault("quota of -1", "the quota of the region is unlimited", ({**OF_THE_REGION, "value": -1},)),
    Fault(
        "stockout at once",
        "the zone has no such machines, and says so at once",
        ({"kind": "stockout", "zone": ZONE, "at": "immediate"},),
        refused=("create", "resize"),
        traced=("create", "resize"),
        trace="EXHAUSTED",
    ),
    Fault(
        "stockout late",
        "the zone has no such machines, and the operation admits it after 35 guide minutes",
        ({"kind": "stockout", "zone": ZONE, "at": "late"},),
        refused=("create", "resize"),
        traced=("create", "resize"),
        trace="EXHAUSTED",
        # slow enough for the time between what the groups show and what the operation admits
        speed=SPEED / 4,
    ),
    Fault(
        "operation error",
        "the first operation is DONE with an error",
        ({"kind": "operation_error", "type": ".", "count": 1},),
        refused=("create",),
        either=("resize", "delete"),
        traced=CHANGES,
        trace="DONE: Internal error",
    ),
    Fault(
        "busy",
        "Google works on the cluster itself, and other calls get a 400 for an incompatible operation",
        meanwhile=occupy,
        traced=CHANGES,
        trace="UPGRADE_MASTER",
        on_a_cluster=True,
    ),
    Fault("429", "too many requests, with Retry-After", refusals(429), traced=ACTIONS, trace="answers of 429"),
    Fault(
        "503", "the service is not available, with Retry-After", refusals(503), traced=ACTIONS, trace="answers of 503"
    ),
    Fault(
        "token revoked",
        "the access token ends in the middle of the run",
        meanwhile=revoke,
        traced=ACTIONS,
        trace="answers of 401",
    ),
    Fault("token short", "access tokens live for one second", ({"kind": "token_lifetime", "seconds": 1},)),
    Fault(
        "pool error",
        "a machine of the pool never becomes a node: RUNNING_WITH_ERROR",
        ({"kind": "pool_error", "pool": TPU_POOL},),
        either=("create", "resize"),
        traced=ACTIONS,
        trace="registered",
        on_a_cluster=True,
        broken_before=("quota check", "delete"),
    ),
    Fault(
        "spot preemption",
        "a spot machine is taken away in the middle of the run",
        meanwhile=preempt,
        traced=ACTIONS,
        trace="taken away",
        on_a_cluster=True,
        spot=True,
    ),
)
CELLS: tuple[tuple[Fault, str], ...] = tuple((fault, action) for fault in FAULTS for action in ACTIONS)


@dataclass
class Row:
    """A cell of the matrix. The counts are what must be 0."""

    fault: str
    action: str
    happened: str = ""
    seen: str = ""
    left: str = ""
    ended: str = ""
    tracebacks: int = 0
    unreported: list[str] = field(default_factory=list)
    false_ok: str = ""
    untraced: str = ""
    not_made_good: str = ""
    open_items: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """As it is written down."""
        return asdict(self)


class Bases:
    """States to begin with, each made by a real run when it is first wanted: an environment of one TPU node."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = threading.Lock()

    def state(self, spot: bool) -> Path:
        """The file, of machines that are bought so."""
        root = self._folder / ("base-spot" if spot else "base")
        with self._made:
            if not root.exists():
                with EmulatedCloud(root) as cloud:
                    shown = cloud.play(CREATE, **bought(spot), rhaii_replicas=1)
                    assert shown.code == 0, shown.output[-4000:]
                    assert not cloud.settled(1), cloud.missing(1)
        return root / "cloud" / "state.json"


def bought(spot: bool) -> Json:
    """How the TPU machines are bought."""
    return {"rhaii_provisioning": "spot"} if spot else {}


def meet(fault: Fault, action: str, bases: Bases, folder: Path) -> Row:
    """One cell."""
    row = Row(fault.name, action)
    deployed = action in ("resize", "delete") or (action == "quota check" and fault.on_a_cluster)
    state = bases.state(fault.spot) if deployed else None
    variables = {**bought(fault.spot), "rhaii_replicas": NODES}
    with EmulatedCloud(folder / f"{fault.name}-{action}".replace(" ", "-"), state=state, speed=fault.speed) as cloud:
        before = set(cloud.state.operations)
        for each in fault.set:
            cloud.fault(**each)
        if action in fault.broken_before:
            cloud.play(RESIZE, **variables)
        cloud.server.count_anew()
        did = Flag()
        shown = cloud.play(PLAYBOOKS[action], did.when(fault.meanwhile, cloud), **variables)
        judge(row, fault, cloud, shown, before, happened_meanwhile=did.done)
        cloud.clear()
        if action in CHANGES:
            again = cloud.play(PLAYBOOKS[action], **variables)
            row.tracebacks += again.tracebacks
            wrong = cloud.settled(WANTED[action])
            row.not_made_good = plain_words(again.errors or wrong, cloud) if again.code or wrong else ""
        if cloud.state.clusters:
            end = cloud.play(DELETE, **variables)
            row.tracebacks += end.tracebacks
        row.open_items = [f"{item['kind']} {item['name']}" for item in cloud.bills()]
    return row


class Flag:
    """Whether what was to be done in the middle of a run was done."""

    def __init__(self) -> None:
        self.done = False

    def when(self, moment: Moment | None, cloud: EmulatedCloud) -> Callable[[], bool] | None:
        """The moment, noted."""
        if moment is None:
            return None

        def noted() -> bool:
            self.done = moment(cloud)
            return self.done

        return noted


def judge(
    row: Row, fault: Fault, cloud: EmulatedCloud, shown: Shown, before: set[str], *, happened_meanwhile: bool
) -> None:
    """Hold what was seen against what is."""
    traces = traces_of(cloud, before)
    if happened_meanwhile and fault.meanwhile:
        traces.append(MEANWHILE[fault.meanwhile])
    if row.action in fault.traced and not re.search(fault.trace, " ".join(traces)):
        row.untraced = f"no {fault.trace} in: {'; '.join(traces)}"
    row.happened = "; ".join([fault.about, *traces])
    row.ended = "refused" if shown.code else "ok"
    row.seen = plain_words(seen(row.action, shown), cloud)
    row.left, row.unreported = left(cloud, shown)
    row.tracebacks = shown.tracebacks
    if not shown.code:
        row.false_ok = false_ok(row, fault, cloud, shown)


def traces_of(cloud: EmulatedCloud, before: set[str]) -> list[str]:
    """What the cloud did and refused since."""
    found = [f"{number} answers of {status}" for status, number in counted(cloud.server.asked).items()]
    state = cloud.state
    for operation in state.operations.values():
        if operation.name in before or not (operation.error or operation.type == "UPGRADE_MASTER"):
            continue
        said = f": {flat(operation.error['message'])}" if operation.error else ""
        found.append(f"{operation.type} {operation.status}{said}")
    kept = Counter(
        instance.error["code"]
        for cluster in state.clusters.values()
        for pool in cluster.pools.values()
        for group in pool.groups.values()
        for instance in group.instances.values()
        if instance.error
    )
    return [*found, *(f"{number} machines not created: {code}" for code, number in kept.items())]


def flat(text: str) -> str:
    """The beginning of a text, as one line."""
    line = " ".join(text.split())
    return line if len(line) <= 160 else f"{line[:159]}…"


def seen(action: str, shown: Shown) -> str:
    """What somebody reads who looks at the run."""
    if action == "quota check":
        return "; ".join(line for line in verdicts(shown) if "TPU quota" in line or line.startswith("failed")) or "?"
    if shown.code:
        return shown.errors or shown.output[-400:]
    told = list(dict.fromkeys(re.sub(r", \d+ s$", "", line) for line in shown.told if TOLD.search(line)))
    return "; ".join(["ok", *told])


def verdicts(shown: Shown) -> list[str]:
    """The lines of preflight's table, each with its verdict in front and its remedy behind."""
    found: list[str] = []
    for line in (" ".join(line.split()) for line in shown.output.splitlines()):
        if re.match(r"(ok|failed|unknown) (?!=)", line):
            found.append(line)
        elif line.startswith("-> ") and found:
            found[-1] += f" {line}"
    return list(dict.fromkeys(found))


def left(cloud: EmulatedCloud, shown: Shown) -> tuple[str, list[str]]:
    """What is there after the run, and what of it bills and shows nowhere in a run that was refused."""
    state = cloud.state
    words, unreported = [], []
    for cluster in state.clusters.values():
        sizes = {
            pool.name: sum(len(group.instances) for group in pool.groups.values()) for pool in cluster.pools.values()
        }
        pools = ", ".join(f"{name} ({size} machines, {cluster.pools[name].status})" for name, size in sizes.items())
        words.append(f"cluster {cluster.status} with {pools or 'no pool'}")
    running = [operation for operation in state.operations.values() if operation.status != DONE]
    words += [f"{operation.type} still running" for operation in running]
    if shown.code:
        # Ansible shows the whole result of a task that failed
        said = str(shown.failures)
        owners = {
            instance.name: (cluster.name, pool.name)
            for cluster in state.clusters.values()
            for pool in cluster.pools.values()
            for group in pool.groups.values()
            for instance in group.instances.values()
        }
        for item in cloud.bills():
            names = {item["name"], *owners.get(item["name"], ())}
            if not any(name in said for name in names):
                unreported.append(f"{item['kind']} {item['name']}")
        unreported += [
            f"operation {operation.type}"
            for operation in running
            if operation.type.startswith("CREATE") and operation.name not in said
        ]
    return "; ".join(words) or "nothing", unreported


def false_ok(row: Row, fault: Fault, cloud: EmulatedCloud, shown: Shown) -> str:
    """Why a run that said ok should not have; empty when it was right."""
    if row.action in WANTED:
        return cloud.settled(WANTED[row.action])
    told = " ".join(line for line in verdicts(shown) if "TPU quota" in line)
    if row.action in fault.refused:
        return f"there is no quota, and preflight said: {told}"
    if fault.name == "quota rows absent" and "unknown" not in told:
        return f"nobody can know the quota, and preflight said: {told}"
    return "" if told else "preflight says nothing of the TPU quota"


def problems(row: Row, fault: Fault) -> Mapping[str, object]:
    """What of a cell must not be."""
    expected = "refused" if row.action in fault.refused else "ok"
    found = {
        "tracebacks": row.tracebacks,
        "unreported": row.unreported,
        "false_ok": row.false_ok,
        "untraced": row.untraced,
        "not_made_good": row.not_made_good,
        "open_items": row.open_items,
        "ended": "" if row.ended == expected or row.action in fault.either else f"{row.ended}, wanted {expected}",
    }
    return {name: value for name, value in found.items() if value}
