# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed instance groups: machines are asked for, come up or cannot, and go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sandbox.cloud.answers import Answers
from sandbox.cloud.errors import Json
from sandbox.cloud.faults import Faults
from sandbox.cloud.gke import digest, free_numbers, instance_name
from sandbox.cloud.ledger import Ledger
from sandbox.cloud.limits import (
    CPU_QUOTA,
    FAMILY_QUOTA,
    Limits,
    chips_used,
    is_spot,
    machine_of,
    machines_in,
    region_usage,
    reservations_of,
)
from sandbox.cloud.project import Project
from sandbox.cloud.state import CREATING, DELETING, RUNNING, Cluster, Group, Instance, Pool, State

STOCKOUTS = ("ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS")
NO_CAPACITY = "CONDITION_NOT_MET"
"""A reservation that is used up."""


def instances(cluster: Cluster, pool: str = "") -> Iterator[tuple[Pool, Group, Instance]]:
    """The machines of a cluster, or of one of its pools."""
    for each in cluster.pools.values():
        if not pool or each.name == pool:
            for group in each.groups.values():
                for instance in list(group.instances.values()):
                    yield each, group, instance


class Groups:
    """The life of machines; time comes in as an argument."""

    def __init__(self, project: Project, state: State, limits: Limits, faults: Faults, ledger: Ledger) -> None:
        self._project = project
        self._state = state
        self._limits = limits
        self._faults = faults
        self._ledger = ledger
        self._answers = Answers(state)

    def failure(self, found: Iterable[tuple[Pool, Group, Instance]], waited: float) -> tuple[Json, list[Json]] | None:
        """The error and the conditions of an operation whose machines cannot be created; None when all can."""
        listed = list(found)
        zone = listed[0][1].zone if listed else ""
        return failure(listed, waited, self._answers.form("instances", zone)["message"])

    def resize(self, cluster: Cluster, pool: Pool, size: int, *, now: float, boots_at: float, gone_at: float) -> None:
        """Set the target of each group of a pool, and begin to make it true."""
        for group in pool.groups.values():
            group.target = size
            alive = [instance for instance in group.instances.values() if instance.status != DELETING]
            for _ in range(size - len(alive)):
                self._add(cluster, pool, group, now, boots_at)
            surplus = len(alive) - size
            if surplus > 0:
                # nobody may count on which machines a shrinking group gives up
                by_chance = sorted(alive, key=lambda instance: (instance.status == RUNNING, digest(instance.name)))
                self.remove(by_chance[:surplus], gone_at)

    def _add(self, cluster: Cluster, pool: Pool, group: Group, now: float, boots_at: float) -> None:
        group.serial += 1
        name = instance_name(cluster, pool, group, group.serial)
        number = next(free_numbers(cluster), -1)
        group.instances[name] = Instance(name, number, created_at=now, boots_at=boots_at)

    def remove(self, chosen: Iterable[Instance], gone_at: float) -> None:
        """Let machines go."""
        for instance in chosen:
            instance.status = DELETING
            instance.gone_at = gone_at

    def silence(self, cluster: Cluster, pool: Pool) -> None:
        """One machine of a pool, the youngest, does not become a node."""
        there = [each for _, _, each in instances(cluster, pool.name) if each.status != DELETING]
        if there:
            there[-1].registers = False

    def mend(self, cluster: Cluster, pool: Pool, now: float) -> bool:
        """Make machines anew that are no nodes; whether there are any."""
        silent = [each for _, _, each in instances(cluster, pool.name) if not each.registers]
        for instance in silent:
            instance.registers = True
            if instance.status == RUNNING:
                instance.recreate_at = now
        return bool(silent)

    def keep(self, cluster: Cluster, pool: str = "") -> None:
        """Take a removal back."""
        for _, _, instance in instances(cluster, pool):
            if instance.status == DELETING:
                instance.status, instance.gone_at = RUNNING, None

    def forget_missing(self, cluster: Cluster, pool: str = "") -> None:
        """Ask no longer for machines that are not there."""
        for _, group, instance in instances(cluster, pool):
            if instance.status == CREATING:
                del group.instances[instance.name]
                group.target -= 1

    def preempt(self, name: str, back_at: float) -> bool:
        """Take a machine away; its group creates it again under the same name. False when there is none."""
        for cluster in self._state.clusters.values():
            for pool, group, instance in instances(cluster):
                if instance.name == name and instance.status == RUNNING:
                    self._close(pool, group, instance)
                    instance.status, instance.boots_at, instance.registers = CREATING, back_at, True
                    return True
        return False

    def advance(self, cluster: Cluster, now: float, *, served: bool, retry: float, boot: float) -> bool:
        """Move machines on; `served` says whether the cluster takes nodes yet. True when something changed."""
        changed = False
        for pool in cluster.pools.values():
            changed = self._look_for_obstacles(pool, now, retry, boot) or changed
        for pool, group, instance in instances(cluster):
            if instance.status == DELETING and instance.gone_at is not None and now >= instance.gone_at:
                self._close(pool, group, instance)
                del group.instances[instance.name]
                changed = True
            elif instance.status == RUNNING and instance.recreate_at is not None and now >= instance.recreate_at:
                self._close(pool, group, instance)
                instance.status, instance.recreate_at, instance.boots_at = CREATING, None, now + boot
                changed = True
            elif instance.status == CREATING and not instance.error and now >= instance.boots_at and served:
                self._open(pool, group, instance)
                instance.status = RUNNING
                changed = True
        return changed

    def _look_for_obstacles(self, pool: Pool, now: float, retry: float, boot: float) -> bool:
        changed = False
        for group in pool.groups.values():
            missing = [each for each in group.instances.values() if each.status == CREATING]
            due = [each for each in missing if now >= each.checked_at]
            if not due:
                continue
            found = self.obstacle(pool, group, missing)
            spare = self._spare(pool, group) if found and found["code"] in STOCKOUTS else 0
            spare = self._reserved(pool, group) if found and found["code"] == NO_CAPACITY else spare
            for number, instance in enumerate(missing):
                obstacle = found if number >= spare else None
                instance.checked_at = now + retry
                changed = changed or instance.error != obstacle
                if instance.error and not obstacle:
                    instance.boots_at = max(instance.boots_at, now + boot)
                elif found and not obstacle:
                    # the operation will give up before its time, and these are there by then
                    instance.boots_at = min(instance.boots_at, now + boot)
                instance.error = obstacle
        return changed

    def _spare(self, pool: Pool, group: Group) -> int:
        """How many machines a zone still has that is short of them."""
        machine = machine_of(pool)
        there = sum(
            1
            for cluster in self._state.clusters.values()
            for other, where, instance in instances(cluster)
            if where.zone == group.zone and machine_of(other).name == machine.name and instance.status != CREATING
        )
        return max(0, self._faults.machines_left(group.zone, machine.name) - there)

    def _reserved(self, pool: Pool, group: Group) -> int:
        """How many machines a pool's reservations still have for it, those included that are on their way."""
        names = reservations_of(pool)
        count = sum(
            machines_in(each, name, self._project.id) or 0
            for each in self._project.reservations
            for name in names
            if each["zone"] == group.zone
        )
        there = sum(
            1
            for cluster in self._state.clusters.values()
            for other, where, instance in instances(cluster)
            if where.zone == group.zone and set(reservations_of(other)) & set(names) and instance.status != CREATING
        )
        return max(0, count - there)

    def obstacle(self, pool: Pool, group: Group, missing: list[Instance]) -> Json | None:
        """What keeps these machines from being created: code, message, and whether Google notices late."""
        machine = machine_of(pool)
        late = self._faults.stockout(group.zone, machine.name)
        if not late and machine.chips and group.zone in self._project.stockouts:
            late = "late"
        reserved = reservations_of(pool)
        if reserved and len(missing) > self._reserved(pool, group):
            names = ", ".join(f"'{each}'" for each in reserved)
            message = f"Specified reservation {names} does not have available resources for the request."
            return {"code": NO_CAPACITY, "message": message, "late": False}
        if late and not reserved:
            place = {"project": self._project.id, "zone": group.zone, "machine": machine.name}
            return self._told("stockout", group, place, late=late == "late")
        if any(instance.number < 0 for instance in missing):
            message = "Instance creation failed: IP space of the cluster is exhausted."
            return {"code": "IP_SPACE_EXHAUSTED", "message": message, "late": False}
        exceeded = {} if reserved else self._exceeded(pool, group, missing)
        return self._told("quota", group, exceeded) if exceeded else None

    def _told(self, kind: str, group: Group, names: Json, *, late: bool = False) -> Json:
        """An obstacle in the words that Google uses of this group."""
        # the name of a group is another one in each run, its zone is not
        form = self._answers.form(kind, group.zone)
        return {
            "code": form["code_word"],
            "message": form["message"].format_map(names),
            "late": late,
            "condition": form["condition"],
        }

    def _exceeded(self, pool: Pool, group: Group, missing: list[Instance]) -> Json:
        """The metric that there is too little of, and its limit; empty when there is enough."""
        machine = machine_of(pool)
        region = self._project.region(group.zone) or ""
        counted = sum(1 for instance in missing if not instance.error)
        if not machine.chips:
            used = region_usage(self._state, self._project, region)["CPUS"]
            needed = used + (len(missing) - counted) * machine.cpus
            return self._over("CPUS", needed, self._limits.limit(CPU_QUOTA, {"region": region}), region)
        for name, identity, preemptible in self._quotas(pool):
            used = chips_used(self._state, self._project, region, preemptible=preemptible, family=machine.tpu_family)
            needed = used + (len(missing) - counted) * machine.chips
            dimensions = {"region": region, "tpu_family": machine.tpu_family}
            over = self._over(name, needed, self._limits.limit(identity, dimensions), region)
            if not over:
                return {}
        return over

    def _quotas(self, pool: Pool) -> list[tuple[str, str, bool]]:
        """Metric name, quota id and whether it is the preemptible one; any one with room is enough."""
        machine = machine_of(pool)
        family = ("TPUS_PER_TPU_FAMILY", FAMILY_QUOTA, False)
        preemptible = (f"PREEMPTIBLE_TPU_{quota_family(machine.node_accelerator)}", machine.preemptible_quota, True)
        if is_spot(pool):
            return [preemptible]
        return [preemptible, family] if pool.body["config"].get("flexStart") else [family]

    @staticmethod
    def _over(name: str, needed: int, limit: int, region: str) -> Json:
        if limit < 0 or needed <= limit:
            return {}
        return {"metric": name, "limit": float(limit), "region": region}

    def _open(self, pool: Pool, group: Group, instance: Instance) -> None:
        config, machine = pool.body["config"], machine_of(pool)
        self._ledger.open(
            "node", instance.name, group.zone, machine_type=machine.name, chips=machine.chips, spot=is_spot(pool)
        )
        self._ledger.open("disk", instance.name, group.zone, type=config["diskType"], size_gb=config["diskSizeGb"])

    def _close(self, pool: Pool, group: Group, instance: Instance) -> None:
        del pool
        self._ledger.close("node", instance.name, group.zone)
        self._ledger.close("disk", instance.name, group.zone)


def quota_family(accelerator: str) -> str:
    """V6E from tpu-v6e-slice."""
    return accelerator.split("-")[1].upper() if accelerator else ""


def failure(listed: list[tuple[Pool, Group, Instance]], waited: float, words: str) -> tuple[Json, list[Json]] | None:
    """The same, in these words."""
    broken = [(group, instance) for _, group, instance in listed if instance.status == CREATING and instance.error]
    if not broken or broken[0][1].error is None:
        return None
    running = sum(1 for _, _, instance in listed if instance.status == RUNNING)
    group, first = broken[0]
    obstacle = first.error or {}
    code = obstacle.get("condition") or ""
    reason = f"[{code or obstacle['code']}]: Instance '{first.name}' creation failed: {obstacle['message']}"
    message = words.format(
        waited=f"{waited:.1f}",
        expected=len(listed),
        running=running,
        transitioning=len(broken),
        reason=reason,
        zone=group.zone,
    )
    # the code is deprecated in favour of the canonical one, so that Google may leave it out
    condition = {"code": code or "UNKNOWN", "message": reason, "canonicalCode": "RESOURCE_EXHAUSTED"}
    return {"code": 8, "message": message}, [condition]
