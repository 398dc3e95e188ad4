# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""cache_routing_test: health, the proof that routing follows prefixes, throughput and latency."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._routing import asked, health, statistics
from ansible_collections.rhaii.gke.plugins.module_utils._routing.answers import Completion, completion_of
from ansible_collections.rhaii.gke.plugins.module_utils._routing.client import SelectorTransport, trust
from ansible_collections.rhaii.gke.plugins.module_utils._routing.judge import (
    BLIND,
    UNHEALTHY,
    UNKNOWN,
    Evidence,
    Judgement,
    judge,
    p_value,
)
from ansible_collections.rhaii.gke.plugins.module_utils._routing.kubernetes import KubernetesCluster
from ansible_collections.rhaii.gke.plugins.module_utils._routing.ports import Ask, Load, RoutingPorts, Transport
from ansible_collections.rhaii.gke.plugins.module_utils._routing.prompts import Prompts, completion
from ansible_collections.rhaii.gke.plugins.module_utils._routing.proof import COMPLETIONS, Proof, spread
from ansible_collections.rhaii.gke.plugins.module_utils._routing.replicas import ReplicaView

LIMITS = {
    "requests": (2, 1000),
    "prefixes": (1, 50),
    "prefix_tokens": (1, 100_000),
    "concurrent": (1, 256),
    "parallel_requests": (0, 20_000),
    "max_tokens": (1, 10_000),
    "request_timeout": (1, 3600),
    "replicas": (1, 1000),
    "interval": (0.0, 60.0),
    "min_hit_ratio": (0.0, 1.0),
}
PERCENTILES = (50, 95, 99)
SHOWN_ERRORS = 3
# Beyond these the client was part of what it measured.
LARGEST_LAG_SECONDS = 0.005
LARGEST_LAG_SHARE = 0.05
LARGEST_CPU_SHARE = 0.8


def check_limits(params: Params) -> None:
    """Refuse numbers that make no sense, or that would be an attack."""
    for name, (least, most) in LIMITS.items():
        value = params[name]
        if value is not None and not least <= value <= most:
            raise RhaiiError(f"{name} is {value:g}.", remedy=f"Give a number from {least:g} to {most:g}.")


@dataclass(frozen=True)
class Outcome:
    """One request of a throughput figure."""

    seconds: float
    error: str


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def figures(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Throughput and latency of requests that took `seconds` in all; only those that succeeded have a latency."""
    good = [each.seconds for each in outcomes if not each.error]
    errors = [each.error for each in outcomes if each.error]
    found: dict[str, Any] = {
        "requests": len(outcomes),
        "errors": len(errors),
        "error_texts": list(dict.fromkeys(errors))[:SHOWN_ERRORS],
        "requests_per_second": round(len(good) / seconds, 2) if good and seconds > 0 else None,
    }
    confidence = {}
    for percent in PERCENTILES:
        one = statistics.percentile(good, percent)
        low, high = (one.interval if one else None) or (None, None)
        found[f"p{percent}_ms"] = _milliseconds(one.value) if one else None
        confidence[f"p{percent}"] = {
            "supported": low is not None,
            "low_ms": _milliseconds(low),
            "high_ms": _milliseconds(high),
        }
    return {**found, "confidence": confidence}


def comparison(pairs: Sequence[tuple[float, float]], seed: int) -> dict[str, Any]:
    """Cold against warm latency, as corroboration: nothing is decided by it."""
    cold, warm = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ratio = statistics.ratio(pairs, seed)
    low, high = (ratio.interval if ratio else None) or (None, None)
    middle = statistics.percentile(cold, 50), statistics.percentile(warm, 50)
    p = statistics.faster(warm, cold)
    return {
        "prefixes": len(pairs),
        "cold_ms": _milliseconds(middle[0].value) if middle[0] else None,
        "warm_ms": _milliseconds(middle[1].value) if middle[1] else None,
        "ratio": round(ratio.median, 3) if ratio else None,
        "ratio_low": None if low is None else round(low, 3),
        "ratio_high": None if high is None else round(high, 3),
        "supported": low is not None,
        "p_value": None if p is None else float(f"{p:.3g}"),
    }


def self_check(load: Load | None, p50_ms: float | None) -> dict[str, Any]:
    """Whether the client kept up, so that its figures are the endpoint's."""
    if load is None or load.seconds <= 0:
        return {"loop_lag_ms": None, "cpu_share": None, "void": False}
    cpu = load.cpu_seconds / load.seconds
    allowed = max(LARGEST_LAG_SECONDS, LARGEST_LAG_SHARE * (p50_ms or 0.0) / 1000)
    return {
        "loop_lag_ms": round(load.lag_seconds * 1000, 2),
        "cpu_share": round(cpu, 3),
        "void": load.lag_seconds > allowed or cpu > LARGEST_CPU_SHARE,
    }


def hit_ratio(completions: Sequence[Completion]) -> float | None:
    """The share of prompt tokens that were cached. Where zeros are left out, as by older vLLM, what is missing is 0."""
    told = {one.cached_tokens for one in completions} - {None}
    known = [
        one
        for one in completions
        if one.prompt_tokens is not None and (one.cached_tokens is not None or (told and 0 not in told))
    ]
    asked = sum(one.prompt_tokens or 0 for one in known)
    return sum(one.cached_tokens or 0 for one in known) / asked if asked else None


class _Test:
    def __init__(self, params: Params, ports: RoutingPorts, progress: Progress) -> None:
        self.params = params
        self.ports = ports
        self.progress = progress
        self.started = ports.clock.monotonic()
        self.url = str(params["url"] or "")
        self.source = "option" if self.url else ""
        self.model = str(params["model"] or "")
        self.salt = ports.salt() if params["salted"] else ""
        self.prompts = Prompts(params["seed"], self.salt, params["prefix_tokens"], params["prompt"] or "")
        self.view = ReplicaView(ports.clock, progress)
        self.checks: list[health.Check] = []
        self.proof: Proof | None = None
        self.load: Load | None = None
        self.outcomes: list[Outcome] = []
        self.parallel_replicas: dict[str, int] = {}
        self.parallel_hit_ratio: float | None = None
        self.asked: list[asked.Found] = []
        self.judgement = Judgement(UNKNOWN, "The test did not come to an end.")

    # The phases

    def run(self, check_mode: bool) -> Result:
        check_limits(self.params)
        transport = self.locate()
        problems = self.health(transport)
        if check_mode or problems:
            self.judgement = (
                judge(Evidence(problems=problems))
                if problems
                else Judgement(UNKNOWN, "The endpoint is healthy; in check mode no more is asked.")
            )
            return self.conclude()
        if self.ports.cluster is not None:
            self.view.open(self.ports.cluster)
            if self.view.on:
                self.progress(f"{len(self.view.pods)} replicas, told apart by their counters")
        else:
            self.progress(f"no view of the replicas: {self.view.reason}")
        proof = self.prove(transport)
        if proof.problem:
            problems.append(proof.problem)
        elif self.params["parallel_requests"]:
            problems += self.throughput(transport, proof.labels)
        if self.params["served_names"]:
            self.pickers()
        self.judgement = judge(proof.evidence(problems))
        return self.conclude()

    def locate(self) -> Transport:
        if not self.url:
            if self.ports.cluster is None:
                raise RhaiiError("Neither url nor access to Kubernetes is given.", remedy="Give one of them.")
            found = health.find(self.ports.cluster(), self.model, str(self.params["name"]), self.ports.transport)
            self.url, self.source = found.url, found.source
        self.progress(f"endpoint {self.url} (by {self.source})")
        return self.ports.transport(self.url)

    def health(self, transport: Transport) -> list[str]:
        first = health.health(transport)
        self.checks.append(first)
        if not first.ok and first.status is None:
            self.checks += [
                health.not_asked("models", health.MODELS),
                health.not_asked("completion", COMPLETIONS),
            ]
            self.progress(f"health: {first.said}")
            return [first.said]
        second, self.model = health.models(transport, self.model)
        third, sample = health.completion_check(transport, self.model, self.prompts.sample(), self.params["max_tokens"])
        self.prompts.calibrate(sample.prompt_tokens)
        self.checks += [second, third]
        told = [each.said for each in self.checks]
        self.progress(f"health: {', '.join(told)}; model {self.model or 'unknown'}")
        return [each.said for each in self.checks if not each.ok]

    def prove(self, transport: Transport) -> Proof:
        requests, prefixes = self.params["requests"], self.params["prefixes"]
        self.proof = Proof(
            transport,
            self.view,
            self.prompts,
            model=self.model,
            max_tokens=self.params["max_tokens"],
            replicas=self.params["replicas"],
            interval=self.params["interval"],
            clock=self.ports.clock,
            progress=self.progress,
        )
        self.progress(
            f"proof: {requests} requests one after the other, over {len(spread(requests, prefixes))} new prefixes"
        )
        self.proof.run(requests, prefixes)
        return self.proof

    def throughput(self, transport: Transport, labels: Sequence[str]) -> list[str]:
        count, concurrent = self.params["parallel_requests"], self.params["concurrent"]
        # The known prefixes in turn, each time with a question of its own: what a cache-aware route is made for.
        asks = [
            Ask(
                "POST",
                COMPLETIONS,
                completion(
                    self.model,
                    self.prompts.prompt(labels[number % len(labels)], 1000 + number),
                    self.params["max_tokens"],
                    stream=False,
                ),
            )
            for number in range(count)
        ]
        self.progress(f"parallel: {count} requests, {concurrent} at a time")
        began = self.ports.clock.monotonic()
        marks = {count * quarter // 4 for quarter in (1, 2, 3)}

        def done(so_far: int) -> None:
            if so_far in marks and count >= 20:
                rate = so_far / max(self.ports.clock.monotonic() - began, 1e-9)
                self.progress(f"parallel: {so_far} of {count}, {rate:.1f} requests a second")

        self.load = transport.load(asks, concurrent, done)
        read = [completion_of(answer) for answer in self.load.answers]
        self.outcomes = [
            Outcome(answer.seconds, one.error) for answer, one in zip(self.load.answers, read, strict=True)
        ]
        good = [one for one in read if not one.error]
        self.parallel_replicas = self.view.requests(len(good))
        self.parallel_hit_ratio = hit_ratio(good)
        if not good:
            return [f"all parallel requests failed ({read[0].error})"]
        return []

    def pickers(self) -> None:
        """Whether each path of each model asks its own picker; at the gateway's root, wherever `url` leads."""
        services = {str(name): str(model) for name, model in self.params["served_names"].items()}
        if self.ports.cluster is None:
            unseen = "no Kubernetes access is given"
            self.asked = [asked.Found(name, "", {}, "", asked.UNKNOWN, reason=unseen) for name in services]
            return
        parts = urlsplit(self.url)
        self.asked = asked.look(
            self.ports.transport(f"{parts.scheme}://{parts.netloc}"),
            self.ports.cluster(),
            services,
            str(self.params["gateway_name"]),
            str(self.params["gateway_namespace"]),
        )
        right = sum(each.verdict == asked.ASKED for each in self.asked)
        self.progress(f"endpoint pickers: asked on {right} of {len(self.asked)} paths")

    # The result

    def result(self) -> Result:
        proof = self.proof
        evidence = proof.evidence() if proof else Evidence()
        affinity, by_chance = proof.modal() if proof else (None, None)
        cached, asked = proof.tokens() if proof else (None, None)
        serial = [Outcome(each.seconds, each.error) for each in proof.serial()] if proof else []
        parallel = figures(self.outcomes, self.load.seconds if self.load else 0.0)
        p = p_value(evidence)
        timings = {
            name: [(each.cold, each.warm) for each in proof.timings(first_byte=first)] if proof else []
            for name, first in (("first_token", True), ("whole", False))
        }
        return {
            "changed": False,
            "url": self.url,
            "url_source": self.source,
            "model": self.model,
            "health": [each.result() for each in self.checks],
            "verdict": self.judgement.verdict,
            "remedy": self.judgement.remedy,
            "cause": self.cause(),
            "affinity": _share(affinity),
            "affinity_by_chance": _share(by_chance),
            "hit_ratio": _share(cached / asked) if cached is not None and asked else None,
            "cached_tokens": cached,
            "prompt_tokens": asked,
            "p_value": None if p is None else float(f"{p:.4g}"),
            "second_requests": {
                "judged": len(evidence.trials),
                "same_replica": sum(evidence.trials),
                "hits": sum(1 for each in evidence.seconds if each.hit),
            },
            "replica_count": proof.replicas if proof else None,
            "replicas": proof.served() if proof else {},
            "replica_view": {
                "source": proof.source if proof else "none",
                "reason": self.view.reason,
                "foreign_requests": self.view.foreign,
            },
            "prefixes": proof.prefixes() if proof else [],
            "control": proof.control() if proof else {"requests": 0, "cached_tokens": None, "cold": None},
            "latency": {name: comparison(pairs, self.params["seed"]) for name, pairs in timings.items()},
            "serial": figures(serial, sum(each.seconds for each in serial)),
            "parallel": {
                **parallel,
                "concurrent": self.params["concurrent"],
                "hit_ratio": _share(self.parallel_hit_ratio),
                "replicas": self.parallel_replicas,
            },
            "asked": [asdict(each) for each in self.asked],
            "client": self_check(self.load, parallel["p50_ms"]),
            "seed": self.params["seed"],
            "salt": self.salt,
            "elapsed": round(self.ports.clock.monotonic() - self.started, 1),
        }

    def cause(self) -> Cause:
        """Of the verdict; else of a path on which the picker is not asked, or that does not serve."""
        if self.judgement.cause:
            return self.judgement.cause
        verdicts = {each.verdict for each in self.asked}
        if asked.NOT_ASKED in verdicts:
            return "picker-not-asked"
        return "path-not-served" if asked.FAILED in verdicts else ""

    def conclude(self) -> Result:
        result = self.result()
        judgement = self.judgement
        paragraph = " ".join([judgement.sentence, *_words(result)])
        least = self.params["min_hit_ratio"]
        wrong = judgement.verdict == UNHEALTHY or (judgement.verdict == BLIND and self.params["require_affinity"])
        wrong = wrong or (judgement.verdict == UNKNOWN and self.proof is not None and self.params["require_proof"])
        remedy = judgement.remedy
        unasked = [f"{each.path} of {each.service}" for each in self.asked if each.verdict == asked.NOT_ASKED]
        if not wrong and unasked and self.params["require_affinity"]:
            paragraph = f"The endpoint picker is not asked on {', '.join(unasked)}. {paragraph}"
            remedy = remedy or "Apply the EnvoyFilter that names these routes' pickers anew: run deploy.yml."
            wrong = True
        if not wrong and self.proof and least and (result["hit_ratio"] or 0.0) < least:
            ratio = "not known" if result["hit_ratio"] is None else f"{result['hit_ratio']:.2f}"
            paragraph = f"The hit ratio is {ratio}, wanted at least {least:g}. {paragraph}"
            remedy = remedy or "Raise prefix_tokens, or see which replicas miss: prefixes and replicas in the result."
            wrong = True
        self.progress(judgement.sentence)
        if wrong:
            raise RhaiiError(paragraph, remedy=remedy, result=result)
        return {**result, "msg": f"{paragraph} {remedy}".strip()}


def _words(result: Result) -> list[str]:
    """The figures as sentences."""
    said = []
    for name, how in (("serial", "One after the other"), ("parallel", f"{result['parallel']['concurrent']} at a time")):
        one = result[name]
        if one["requests_per_second"] is not None:
            failed = f", {one['errors']} of {one['requests']} failed" if one["errors"] else ""
            said.append(
                f"{how}: {one['requests_per_second']:.1f} requests a second, P50 {one['p50_ms']:.0f} ms{failed}."
            )
    first = result["latency"]["first_token"]
    if first["ratio"] is not None:
        said.append(f"Median time to the first token: {first['cold_ms']:.0f} ms cold, {first['warm_ms']:.0f} ms warm.")
    if result["client"]["void"]:
        said.append("This machine was too busy to measure: take the figures for void.")
    return said


def run(params: Params, ports: RoutingPorts, progress: Progress, check_mode: bool) -> Result:
    one = _Test(params, ports, progress)
    try:
        return one.run(check_mode)
    except RhaiiError as error:
        raise error.with_result(one.result()) from error


def routing_ports(params: Params) -> RoutingPorts:
    headers = {str(name): str(value) for name, value in (params["headers"] or {}).items()}
    if params["bearer_token"]:
        headers["Authorization"] = f"Bearer {params['bearer_token']}"

    def transport(url: str) -> Transport:
        return SelectorTransport(
            url,
            headers=headers,
            tls=lambda: trust(params["endpoint_ca_file"], params["validate_endpoint"]),
            timeout=float(params["request_timeout"]),
        )

    def cluster() -> KubernetesCluster:
        return KubernetesCluster(
            KubernetesRest.from_params(params),
            namespace=str(params["namespace"]),
            name=str(params["name"]),
            gateway_namespace=str(params["gateway_namespace"]),
            gateway_name=str(params["gateway_name"]),
        )

    asked = not params["url"] or any(params[name] for name in ("host", "kubeconfig", "context"))
    return RoutingPorts(
        transport=transport,
        cluster=cluster if asked else None,
        clock=SystemClock(),
        salt=lambda: secrets.token_hex(8),
    )


CAPABILITY = Capability(
    name="cache_routing_test",
    argument_spec=kubernetes_options(
        url={"type": "str"},
        name={"type": "str", "default": "qwen-3b-tpu-svc"},
        namespace={"type": "str", "default": "rhaii-inference"},
        gateway_name={"type": "str", "default": "inference-gateway"},
        gateway_namespace={"type": "str", "default": "opendatahub"},
        model={"type": "str"},
        served_names={"type": "dict", "default": {}},
        prompt={"type": "str"},
        requests={"type": "int", "default": 10},
        prefixes={"type": "int", "default": 5},
        prefix_tokens={"type": "int", "default": 400, "no_log": False},
        interval={"type": "float", "default": 0.1},
        concurrent={"type": "int", "default": 5, "aliases": ["concurrency"]},
        parallel_requests={"type": "int", "default": 100},
        max_tokens={"type": "int", "default": 10, "no_log": False},
        replicas={"type": "int"},
        require_affinity={"type": "bool", "default": True},
        require_proof={"type": "bool", "default": False},
        min_hit_ratio={"type": "float", "default": 0.0},
        seed={"type": "int", "default": 0},
        salted={"type": "bool", "default": True},
        headers={"type": "dict"},
        bearer_token={"type": "str", "no_log": True},
        endpoint_ca_file={"type": "path"},
        validate_endpoint={"type": "bool", "default": True},
        request_timeout={"type": "int", "default": 60},
    ),
    ports=routing_ports,
    run=run,
)

__all__ = ("CAPABILITY", "Outcome", "check_limits", "comparison", "figures", "hit_ratio", "run", "self_check")
