# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Why a replica does not come up, what to do, and whether it can heal: decided from what was seen of it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._credentials.registries import offers
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import (
    CREATING,
    FAILING,
    INITIALIZER,
    PENDING,
    PROBING,
    PULL_REASONS,
    READY,
    WAY,
    Replica,
    Trouble,
    doing,
)

# A kubelet tries an image again after 300 seconds at the latest; what still stands then has been tried in our time.
LONGEST_BACK_OFF = 330.0
LAST_LINES = 5

CRASH_REASONS = ("CrashLoopBackOff", "OOMKilled")
_BAD_IMAGES = ("InvalidImageName", "ErrImageNeverPull")

_LOGIN = re.compile(
    r"\b40[13]\b|unauthorized|authentication required|authorization failed|failed to authorize|access denied"
    r"|no basic auth credentials|insufficient_scope|\bdenied:",
    re.IGNORECASE,
)
_NO_IMAGE = re.compile(r": not found|manifest unknown|\b404\b", re.IGNORECASE)
_CONFIG_SOURCE = re.compile(r'(secret|configmap) "([^"]+)" not found', re.IGNORECASE)
_CONFIG_KEY = re.compile(r"find key (\S+) in (Secret|ConfigMap) (\S+)")

# What a storage-initializer's log can say, the surest first.
_DOWNLOAD_CAUSES: Sequence[tuple[re.Pattern[str], str, str]] = (
    (
        re.compile(r"repository ?not ?found|revision ?not ?found|entry ?not ?found", re.IGNORECASE),
        "the hub has no such model, or shows it to its own users alone",
        "Check spec.model.uri; a private model needs a token that may read it (rhaii_hf_token_file).",
    ),
    (
        re.compile(
            r"\b40[13]\b|unauthorized|forbidden|gated ?repo|access to model .* is restricted|invalid user token",
            re.IGNORECASE,
        ),
        "the hub refuses the token, or wants one",
        "Give a token that may read the model (rhaii_hf_token_file), accept the model's terms, and deploy again.",
    ),
    (
        re.compile(
            r"name or service not known|name resolution|nameresolutionerror|getaddrinfo|no such host|could not resolve",
            re.IGNORECASE,
        ),
        "the hub's name cannot be resolved",
        "Let the pods reach the cluster's DNS (UDP and TCP port 53) in the network policies, and check the DNS itself.",
    ),
    (
        re.compile(
            r"timed ?out|timeout ?error|connect ?timeout|read ?timeout|connection refused|network is unreachable"
            r"|no route to host|no answer from|max retries exceeded",
            re.IGNORECASE,
        ),
        "the hub cannot be reached from the pod",
        "Let the pods reach the hub on port 443: network policies (egress), firewall, Cloud NAT of private nodes.",
    ),
    (
        re.compile(r"no space left on device", re.IGNORECASE),
        "the volume is full",
        "Give the node, or the volume of the model, more room.",
    ),
)
_SERVER_CAUSES: Sequence[tuple[re.Pattern[str], str, str]] = (
    (
        re.compile(r"resource_exhausted|out of memory|\bhbm\b|more KV cache than", re.IGNORECASE),
        "the model does not fit into the memory of the chips",
        "Lower --max-model-len or --max-num-seqs, or serve the model on more chips.",
    ),
)
_PROBE = re.compile(r"^(Liveness|Startup) probe failed")
_MEMORY_REMEDY = "Give the container a higher memory limit."
_INITIALIZER_MEMORY_REMEDY = (
    "Raise memoryLimit of storageInitializer in the ConfigMap inferenceservice-config, or give the service's template "
    "an init container storage-initializer with a higher limit."
)


@dataclass(frozen=True)
class Evidence:
    """What was looked up about a trouble."""

    # Has it failed under our eyes, so that it is no leftover that has been put right already?
    fresh: bool = False
    log: str = ""
    # The messages of the pod's Warning events.
    warnings: Sequence[str] = ()
    # The pull secrets that could be read, by name; None for one that does not exist.
    secrets: Mapping[str, Json | None] | None = None


@dataclass(frozen=True)
class Login:
    """What is known of the login that a registry wants."""

    said: str
    remedy: str
    # Seen in the cluster as it is now, and not only from an attempt that may be old.
    certain: bool


def registry_of(image: str) -> str:
    """The host that an image comes from."""
    head, slash, _rest = image.partition("/")
    return head if slash and ("." in head or ":" in head or head == "localhost") else "docker.io"


def login_of(names: Sequence[str], secrets: Mapping[str, Json | None], image: str, namespace: str) -> Login:
    """Does a pull secret of the pod hold a login for the image's registry? Those that could not be read are absent."""
    registry = registry_of(image)
    remedy = (
        f"Give a pull secret with a login for {registry} (rhaii_pull_secret_file), and deploy again; the pods then "
        "come up by themselves."
    )
    if not names:
        return Login(f"the pod names no pull secret, and {registry} wants a login", remedy, True)
    missing = [name for name in names if name in secrets and secrets[name] is None]
    if len(missing) == len(names):
        return Login(f"the pull secret {_listed(missing)} does not exist in {namespace}", remedy, True)
    readable = [name for name in names if secrets.get(name) is not None]
    if len(readable) + len(missing) < len(names):
        return Login(
            f"{registry} refuses the login, if there is one, of the pull secret {_listed(names)}", remedy, False
        )
    hosts = {host for name in readable for host in _hosts(secrets[name] or {})}
    if not any(offers(host, image) for host in hosts):
        kept = f"; it has {', '.join(sorted(hosts))}" if hosts else ""
        return Login(f"the pull secret {_listed(readable)} has no login for {registry}{kept}", remedy, True)
    return Login(f"{registry} refuses the login of the pull secret {_listed(readable)}", remedy, False)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


def _hosts(secret: Mapping[str, Any]) -> list[str]:
    data = secret.get("data") or {}
    try:
        if ".dockerconfigjson" in data:
            return [str(host) for host in json.loads(base64.b64decode(data[".dockerconfigjson"]))["auths"]]
        return [str(host) for host in json.loads(base64.b64decode(data[".dockercfg"]))]
    except (binascii.Error, ValueError, KeyError, TypeError):
        return []


def last_lines(log: str, count: int = LAST_LINES) -> str:
    """The end of a log in one line."""
    lines = [" ".join(line.split())[:200] for line in log.splitlines() if line.strip()]
    return " | ".join(lines[-count:])


def replica_problem(
    replica: Replica, evidence: Evidence, *, namespace: str, patience: float, crash_limit: int
) -> Problem:
    """What keeps this replica, or endpoint picker, from being ready."""
    trouble = replica.trouble
    if trouble is None:
        return _on_its_way(replica, evidence)
    if trouble.reason in _BAD_IMAGES:
        return _problem(
            replica,
            trouble.reason,
            f"cannot get its image {trouble.image}: {_cut(trouble.message or trouble.reason)}",
            "Correct the name of the image (rhaii_image), or its imagePullPolicy.",
            patience,
        )
    if trouble.reason in PULL_REASONS:
        return _pull(replica, trouble, evidence, namespace, patience)
    if trouble.reason == "CreateContainerConfigError":
        return _configuration(replica, trouble, namespace, patience)
    if trouble.reason == "OOMKilled":
        return _killed(replica, trouble, evidence)
    if trouble.reason == "CrashLoopBackOff":
        return _crashes(replica, trouble, evidence, crash_limit)
    return _problem(replica, trouble.reason, f"is not coming up: {_cut(trouble.text)}")


def _who(replica: Replica) -> str:
    return f"The {'replica' if replica.workload else 'endpoint picker'} {replica.name}"


def _problem(replica: Replica, reason: str, message: str, remedy: str = "", after: float | None = None) -> Problem:
    return Problem("pod", replica.name, reason, f"{_who(replica)} {message.rstrip('.')}.", remedy=remedy, after=after)


def _cut(text: str, limit: int = 300) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _end(text: str, limit: int = 200) -> str:
    """A registry's answer stands at the end of what its client says."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else "…" + flat[1 - limit :]


def _on_its_way(replica: Replica, evidence: Evidence) -> Problem:
    detail = replica.message
    if not detail and replica.stage in (CREATING, PROBING) and evidence.warnings:
        detail = evidence.warnings[-1]  # a volume that cannot be mounted, a probe that fails
    remedy = ""
    if replica.stage == PENDING and "Insufficient google.com/tpu" in detail:
        remedy = "Nodes with free TPU chips are missing: see whether the node pool is still coming up, or is too small."
    message = f"is {doing(replica.stage)}" + (f" ({_cut(detail)})" if detail else "")
    return _problem(replica, replica.stage, message, remedy)


def _pull(replica: Replica, trouble: Trouble, evidence: Evidence, namespace: str, patience: float) -> Problem:
    """Older kubelets tell the registry's answer in events alone."""
    said = " ".join((trouble.message, *(each for each in evidence.warnings if "pull" in each.lower())))
    # The reasons take turns while the kubelet tries again; it is one trouble.
    reason, answer = "ImagePullBackOff", _end(trouble.message or said)
    proven = patience if evidence.fresh else max(patience, LONGEST_BACK_OFF)
    if _LOGIN.search(said):
        login = login_of(replica.pull_secrets, evidence.secrets or {}, trouble.image, namespace)
        return _problem(
            replica,
            reason,
            f"cannot pull its image {trouble.image}: {login.said} ({answer})",
            login.remedy,
            patience if login.certain else proven,
        )
    if _NO_IMAGE.search(said):
        return _problem(
            replica,
            reason,
            f"cannot pull its image {trouble.image}: {registry_of(trouble.image)} does not have it ({answer})",
            "Correct the image or its tag (rhaii_image), and deploy again.",
            proven,
        )
    return _problem(replica, reason, f"cannot pull its image {trouble.image} yet: {answer}")


def _configuration(replica: Replica, trouble: Trouble, namespace: str, patience: float) -> Problem:
    source, key = _CONFIG_SOURCE.search(trouble.message), _CONFIG_KEY.search(trouble.message)
    remedy = "Correct what the message names, and deploy again."
    if key:
        remedy = f"Add the key {key[1]} to the {key[2]} {key[3]}; the container then starts by itself."
    elif source:
        kind = "Secret" if source[1].lower() == "secret" else "ConfigMap"
        remedy = f"Create the {kind} {source[2]} in {namespace}; the container then starts by itself."
    return _problem(
        replica,
        trouble.reason,
        f"cannot make its container {trouble.container}: {_cut(trouble.message)}",
        remedy,
        patience,
    )


def _killed(replica: Replica, trouble: Trouble, evidence: Evidence) -> Problem:
    remedy = _INITIALIZER_MEMORY_REMEDY if trouble.container == INITIALIZER else _MEMORY_REMEDY
    return _problem(
        replica,
        "OOMKilled",
        f"lost its container {trouble.container}: it used more memory than its limit and was killed (OOMKilled)",
        remedy,
        0.0 if evidence.fresh else None,
    )


def _crashes(replica: Replica, trouble: Trouble, evidence: Evidence, crash_limit: int) -> Problem:
    log = evidence.log
    causes = _DOWNLOAD_CAUSES if trouble.container == INITIALIZER else _SERVER_CAUSES
    guess, remedy = next(
        ((f"; {cause}", advice) for pattern, cause, advice in causes if pattern.search(log)),
        ("", f"See its log: kubectl logs {replica.name} -c {trouble.container} --previous."),
    )
    probes = [each for each in evidence.warnings if _PROBE.match(each)]
    if not guess and probes and trouble.container != INITIALIZER:
        guess = f"; its probe ended it ({_cut(probes[-1], 120)})"
        remedy = "Give it longer: a startupProbe, or a higher initialDelaySeconds or failureThreshold."
    code = "" if trouble.exit_code is None else f", last with exit code {trouble.exit_code}"
    last = last_lines(log)
    return _problem(
        replica,
        "CrashLoopBackOff",
        f"starts its container {trouble.container} in vain: it ended {trouble.crashes} times{code}{guess}."
        + (f" Its log ends: {last}" if last else ""),
        remedy,
        0.0 if evidence.fresh and trouble.crashes >= crash_limit else None,
    )


def replica_problems(found: Sequence[tuple[Replica, Problem]]) -> tuple[list[Problem], list[Problem]]:
    """Of replicas that are not ready: those in trouble, and those on their way, the least advanced first."""
    ordered = sorted(found, key=lambda pair: (WAY.index(pair[0].stage), pair[0].name))
    waiting = [(each, problem) for each, problem in ordered if each.stage != READY]
    troubled = [problem for each, problem in waiting if each.stage in (FAILING, PENDING)]
    return troubled, [problem for each, problem in waiting if each.stage not in (FAILING, PENDING)]


__all__ = (
    "CRASH_REASONS",
    "LAST_LINES",
    "LONGEST_BACK_OFF",
    "Evidence",
    "Login",
    "last_lines",
    "login_of",
    "registry_of",
    "replica_problem",
    "replica_problems",
)
