# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""llmisvc_wait_ready: wait until a service is truly ready, say how it comes along, give up early when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options, wait_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import (
    Capability,
    Params,
    Progress,
    Result,
    silent,
)
from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Deadline, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.causes import (
    ended_problem,
    replica_problem,
    replica_problems,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.cluster import wait_ports
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import (
    MULTI_NODE,
    ROUTER_PARTS,
    Condition,
    blocking,
    condition_problem,
    conditions_of,
    generation_of,
    model_name,
    service_problem,
    urls_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.names import GROUP
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.passing import is_passing
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import LEAST_INTERVAL, Json, Snapshot, WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem, first
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import (
    MISSING,
    READY,
    Counts,
    Replica,
    counts_of,
    doing,
    older_hashes,
    refusal,
    replica_of,
    rollout_problem,
    settled,
    stage_of,
    workload_deployments,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.telling import Telling
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.witness import Witness

# A line at least this often while nothing changes, so that nobody wonders whether it still lives.
QUIET_SECONDS = 60.0
NOT_FOUND, NOT_SERVED, NO_ANSWER = "NotFound", "NotServed", "NoAnswer"


@dataclass(frozen=True)
class Standing:
    """A service at one look: what there is, and why it is not ready, causes before what follows from them."""

    snapshot: Snapshot
    replicas: tuple[Replica, ...]
    counts: Counts
    problems: tuple[Problem, ...]


class _Wait:
    """One run of the capability: the looks share the deadline, and what was seen before."""

    def __init__(self, params: Params, ports: WaitPorts, progress: Progress) -> None:
        self.name: str = params["name"]
        self.namespace: str = params["namespace"]
        self.expected: int | None = params["replicas"]
        self.require_all = bool(params["require_all_replicas"])
        self.require_url = bool(params["require_url"])
        self.fail_fast = bool(params["fail_fast"])
        self.patience: float = params["fail_fast_after"]
        self.crash_limit: int = params["crash_limit"]
        self.missing_timeout: int = params["missing_timeout"]
        self.interval: float = max(LEAST_INTERVAL, params["wait_interval"])
        self.ports = ports
        self.cluster = ports.cluster
        self.progress = progress
        self.deadline = Deadline(ports.clock, params["wait_timeout"])
        self.witness = Witness(ports, self.interval)
        self.telling = Telling()
        self.said_at = 0.0

        self.snapshot: Snapshot | None = None
        self.silence: KubernetesError | None = None
        self.replicas: list[Replica] = []
        self.conditions: tuple[Condition, ...] = ()
        self.blocked: list[Condition] = []
        self.counts = Counts(self.expected or 0, 0, 0)
        self.problems: list[Problem] = []
        # Names of all that belonged to the service at some time, for its events.
        self.names: set[str] = {self.name}
        self.standing: dict[tuple[str, str, str], float] = {}
        self.stages: dict[str, float] = {}
        self.stage = ""
        self.stage_since = 0.0

    def result(self, msg: str) -> Result:
        service = (self.snapshot.service if self.snapshot else None) or {"metadata": {"name": self.name}}
        url, addresses = urls_of(service)
        generation, observed = generation_of(service)
        return {
            "changed": False,
            "ready": self.snapshot is not None and not self.problems,
            "name": self.name,
            "namespace": self.namespace,
            "url": url,
            "addresses": list(addresses),
            "model_name": model_name(service),
            "generation": generation,
            "observed_generation": observed,
            "conditions": [each.public() for each in self.conditions],
            "first_problem": first(self.problems).public() if self.problems else None,
            "replicas": self.counts.public(),
            "pods": [each.public() for each in self.replicas if each.workload],
            "events": self.witness.events(self.names),
            "stages": {stage: round(seconds, 1) for stage, seconds in self.stages.items()},
            "elapsed": round(self.deadline.elapsed, 1),
            "msg": msg,
        }

    def stand(self) -> Standing:
        """How things stand, with nothing awaited."""
        self.look(self.cluster.read)
        self.assess()
        return Standing(self.snapshot or Snapshot(), tuple(self.replicas), self.counts, tuple(self.problems))

    def once(self) -> Result:
        self.stand()
        if not self.problems:
            return self.result(self.success())
        problem = first(self.problems)
        return self.result(f"{self.name} in {self.namespace} is not ready. {problem.sentence} {problem.remedy}".strip())

    def wait(self) -> Result:
        fresh = self.look(self.cluster.read)
        while True:
            self.assess()
            self.tell()
            if not self.problems and fresh:
                return self.result(self.success())
            self.give_up_early()
            if self.deadline.passed and (self.problems or self.silence is not None):
                raise self.timed_out()
            if self.problems:
                self.look(partial(self.cluster.changed, self.pause()))
                fresh = False
            else:
                # Kinds are watched apart, so that one may lag behind; a new reading does not.
                fresh = self.look(self.cluster.read)

    def look(self, how: Callable[[], Snapshot]) -> bool:
        """Take a new picture; False when the API server is away for the moment."""
        try:
            self.snapshot = how()
        except KubernetesError as error:
            if self.snapshot is None or not is_passing(error.message, status=error.status, reason=error.reason):
                raise
            if self.silence is None:
                self.say("the API server does not answer; looking again until it does")
            self.silence = error
            self.deadline.pause(self.interval)
            return False
        self.silence = None
        return True

    def pause(self) -> float:
        """Until the next look, if nothing changes: the next reading of logs, what may be final then, or the end."""
        now = self.deadline.elapsed
        ripe = [self.standing[each.key] + each.after - now for each in self.problems if each.after is not None]
        return max(0.0, min([self.interval, self.deadline.left, *(each for each in ripe if each > 0)]))

    # ---- judging --------------------------------------------------------------------------------------------

    def assess(self) -> None:
        snapshot = self.snapshot or Snapshot()
        now = self.ports.clock.now()
        older = older_hashes(snapshot.deployments, snapshot.replica_sets)
        self.replicas = self.witness.see(
            [replica_of(pod, older) for pod in snapshot.pods], further=self.silence is None
        )
        self.names.update(
            str(each["metadata"]["name"]) for each in (*snapshot.deployments, *snapshot.replica_sets, *snapshot.pods)
        )
        self.conditions = conditions_of(snapshot.service or {})
        workloads = workload_deployments(self.name, snapshot.deployments)
        self.counts = self.count(snapshot.service, workloads)
        self.problems = self.judge(snapshot, workloads)
        stage = READY
        if self.problems:
            stage = MISSING if snapshot.service is None else stage_of(self.replicas, self.counts.desired, now)
        elapsed = self.deadline.elapsed
        if self.stage:
            self.stages[self.stage] = self.stages.get(self.stage, 0.0) + elapsed - self.stage_since
        self.stage, self.stage_since = stage, elapsed
        self.stages.setdefault(stage, 0.0)
        self.standing = {
            each.key: self.standing.get(each.key, elapsed) for each in self.problems if each.after is not None
        }

    @property
    def multi_node(self) -> bool:
        return any(each.type == MULTI_NODE for each in self.conditions)

    def count(self, service: Json | None, workloads: list[Json]) -> Counts:
        if workloads:
            return counts_of(workloads)
        if service is None:
            return Counts(self.expected or 0, 0, 0)
        asked = (service.get("spec") or {}).get("replicas")
        primary = ((service.get("status") or {}).get("workloads") or {}).get("primary") or {}
        ready = int(primary.get("readyReplicas") or 0) if self.multi_node else 0
        return Counts(1 if asked is None else int(asked), ready, ready)

    def judge(self, snapshot: Snapshot, workloads: list[Json]) -> list[Problem]:
        """Why it is not ready, causes before what follows from them; empty when it is."""
        service = snapshot.service
        self.blocked = []
        if service is None:
            return [self.missing(snapshot)]
        problem = service_problem(service, self.expected, self.patience)
        if problem is not None:
            return [problem]
        self.blocked = blocking(self.conditions)
        rollout = None
        if self.require_all and (workloads or not self.multi_node):
            rollout = rollout_problem(self.name, workloads, self.replicas, self.ports.clock.now())
        if rollout is None and self.expected is not None and self.counts.desired != self.expected:
            rollout = Problem(
                "deployment",
                self.name,
                "OtherReplicas",
                f"The service {self.name} has {self.counts.desired} replicas, {self.expected} were expected.",
                remedy="Something scales it: set its bounds (spec.scaling), or expect what it has.",
                cause="replicas-set-elsewhere",
            )
        found = []
        if self.blocked or rollout is not None:
            found = self.causes(snapshot)
        if rollout is not None:
            found.append(rollout)
        if self.require_url and not urls_of(service)[0]:
            message = f"The service {self.name} has no URL: its status has neither url nor addresses."
            remedy = "See whether its gateway has an address."
            found.append(Problem("url", self.name, "NoUrl", message, remedy=remedy, cause="service-without-url"))
        return found

    def causes(self, snapshot: Snapshot) -> list[Problem]:
        known = settled(snapshot.deployments)
        current = [each for each in self.replicas if known and each.newest and each.counts and each.stage != READY]
        troubled, on_their_way = replica_problems([(each, self.explain(each)) for each in current])
        own = [each for each in self.blocked if not each.symptom and each.type not in ROUTER_PARTS]
        routes = [each for each in self.blocked if not each.symptom and each.type in ROUTER_PARTS]
        symptoms = [each for each in self.blocked if each.symptom]
        refused = refusal(snapshot.deployments, self.patience) if known else None
        return [
            *(condition_problem(each, self.patience) for each in own),
            *([refused] if refused is not None else []),
            *self.ended(current),
            *troubled,
            *(condition_problem(each, self.patience) for each in routes),
            *on_their_way,
            *(condition_problem(each, self.patience) for each in symptoms),
        ]

    def ended(self, current: list[Replica]) -> list[Problem]:
        """What ended pods say, while others in their place do not serve."""
        found = []
        for workload in (True, False):
            ended, fresh = self.witness.ended(workload=workload)
            ready = [each for each in self.replicas if each.stage == READY and each.newest]
            own = [each for each in (*current, *ready) if each.workload == workload]
            problem = ended_problem(
                ended,
                fresh,
                let_in=sum(1 for each in own if each.node and each.started),
                wanted=max(1, self.counts.desired) if workload else 1,
                patience=self.patience,
                crash_limit=self.crash_limit,
            )
            found += [problem] if problem is not None else []
        return found

    def explain(self, replica: Replica) -> Problem:
        return replica_problem(
            replica,
            self.witness.evidence(replica),
            namespace=self.namespace,
            patience=self.patience,
            crash_limit=self.crash_limit,
        )

    def missing(self, snapshot: Snapshot) -> Problem:
        cause: Cause = "service-missing" if snapshot.served else "kserve-missing"
        if snapshot.served:
            reason, remedy = NOT_FOUND, "Check name and namespace, or deploy it first."
            message = f"There is no LLMInferenceService {self.name} in the namespace {self.namespace}."
        else:
            reason, remedy = NOT_SERVED, "Install KServe first (the role operators), or check which cluster is meant."
            message = f"The cluster has no LLMInferenceService at all: nobody serves its API ({GROUP})."
        return Problem(
            "service",
            self.name,
            reason,
            message,
            remedy=remedy,
            after=float(self.missing_timeout),
            always=True,
            cause=cause,
        )

    # ---- saying ---------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        self.progress(f"{self.name} after {in_words(self.deadline.elapsed)}: {text}")
        self.said_at = self.deadline.elapsed

    def tell(self) -> None:
        notes = [each for each in self.problems if each.kind in ("service", "url") or each.reason == "FailedCreate"]
        lines = self.telling.news(notes, self.replicas, self.counts.desired, self.blocked, self.conditions)
        for line in lines:
            self.say(line)
        if not lines and self.deadline.elapsed - self.said_at >= QUIET_SECONDS:
            self.say(f"{self.counts.ready} of {self.counts.desired} replicas ready, {doing(self.stage)}")

    def success(self) -> str:
        url = urls_of((self.snapshot or Snapshot()).service or {})[0]
        where = f" at {url}" if url else ""
        return f"{self.name} in {self.namespace} is ready with {self.counts.ready} replicas{where}."

    # ---- giving up ------------------------------------------------------------------------------------------

    def give_up_early(self) -> None:
        """On what has stood long enough of what cannot heal; what is not seen now is not judged."""
        if self.silence is not None:
            return
        for each in self.problems:
            if each.after is None or not (self.fail_fast or each.always):
                continue
            if self.deadline.elapsed - self.standing[each.key] >= each.after:
                raise self.failed(each)

    def failed(self, problem: Problem) -> RhaiiError:
        self.problems = [problem]
        if problem.always:
            waited = f" (looked for {in_words(self.missing_timeout)})" if self.missing_timeout else ""
            msg = f"{problem.message.rstrip('.')}{waited}."
            others = self.others() if problem.reason == NOT_FOUND else []
            if others:
                msg += f" There are: {', '.join(others)}."
        else:
            msg = f"{self.name} in {self.namespace} cannot become ready. {problem.sentence}"
        self.witness.look(self.replicas)  # the newest events, for the result
        return RhaiiError(msg, remedy=problem.remedy)

    def others(self) -> list[str]:
        try:
            return list(self.cluster.services())
        except KubernetesError:
            return []

    def timed_out(self) -> RhaiiError:
        if self.silence is not None:
            self.problems = [unreadable(self.silence)]
        else:
            self.witness.look(self.replicas)
        problem = first(self.problems)
        return RhaiiError(
            f"{self.name} in {self.namespace} was not ready within {in_words(self.deadline.timeout)} "
            f"({self.counts.ready} of {self.counts.desired} replicas ready). {problem.sentence}",
            remedy=problem.remedy or "It may still get there: run the same again, or raise wait_timeout.",
        )


def unreadable(error: RhaiiError) -> Problem:
    """The cluster itself is the problem: what is known of the service may be old."""
    reason = error.reason if isinstance(error, KubernetesError) else ""
    said = f"{error.msg.rstrip('.')}."
    return Problem("api", "", reason or NO_ANSWER, said, remedy=error.remedy, cause="api-server-unreachable")


def run(params: Params, ports: WaitPorts, progress: Progress, check_mode: bool) -> Result:
    one = _Wait(params, ports, progress)
    try:
        return one.once() if check_mode or not params["wait"] else one.wait()
    except RhaiiError as error:
        if isinstance(error, KubernetesError) or one.snapshot is None:
            one.problems = [unreadable(error)]
        raise error.with_result(one.result(str(error))) from error


def standing(name: str, namespace: str, replicas: int, ports: WaitPorts) -> Standing:
    """One look at a service with the judgement of the wait; raises KubernetesError where that may not be had."""
    params = {
        **{option: spec.get("default") for option, spec in CAPABILITY.argument_spec.items()},
        **{"name": name, "namespace": namespace, "replicas": replicas, "fail_fast_after": 0.0, "missing_timeout": 0},
    }
    return _Wait(params, ports, silent).stand()


CAPABILITY = Capability(
    name="llmisvc_wait_ready",
    argument_spec=kubernetes_options(
        name={"type": "str", "required": True},
        namespace={"type": "str", "default": "rhaii-inference"},
        replicas={"type": "int"},
        require_all_replicas={"type": "bool", "default": True},
        require_url={"type": "bool", "default": True},
        fail_fast={"type": "bool", "default": True},
        fail_fast_after={"type": "float", "default": 30.0},
        crash_limit={"type": "int", "default": 3},
        missing_timeout={"type": "int", "default": 60},
        **wait_options(1800, 10.0),
    ),
    ports=wait_ports,
    run=run,
)

__all__ = ("CAPABILITY", "Standing", "run", "standing")
