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

from ansible_collections.rhaii.gke.plugins.module_utils._causes import CauseId
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.registries import offers
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import (
    CRASHING,
    ENDED,
    LOST,
    NEVER_RAN,
    NO_IMAGE,
    PULL_PAUSE,
    PULLING,
    missing_claim,
    of_exit,
    pod_end,
    waiting_for_a_node,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.logs import (
    Cause,
    initializer_cause,
    server_cause,
    shown,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import (
    CREATING,
    FAILING,
    INITIALIZER,
    PENDING,
    PROBING,
    READY,
    WAY,
    Replica,
    Trouble,
    doing,
)

# A kubelet tries an image again after 300 seconds at the latest; what still stands then has been tried in our time.
LONGEST_BACK_OFF = 330.0
LAST_LINES = 5

# Of these the log of the last run may tell why.
CRASH_REASONS = (*CRASHING, *ENDED, "RunContainerError", "PostStartHookError")

_LOGIN = re.compile(
    r"\b40[13]\b|unauthorized|authentication required|authorization failed|failed to authorize|access denied"
    r"|no basic auth credentials|insufficient_scope|\bdenied:",
    re.IGNORECASE,
)
_NO_IMAGE = re.compile(
    r": not found|manifest unknown|\b404\b|name unknown|repository .{1,120} not found", re.IGNORECASE
)
_PLATFORM = re.compile(
    r"no match for platform in manifest|no matching manifest for|image operating system .* cannot be", re.I
)
_UNSIGNED = re.compile(r"signature validation failed|SignatureValidationFailed|source image rejected", re.IGNORECASE)
# Registries that a node asks as its own service account.
_OF_GOOGLE = re.compile(r"(?:^|\.)(?:gcr\.io|pkg\.dev)$")
_ARTIFACT_REMEDY = (
    "Give the service account of the nodes roles/artifactregistry.reader on the repository (or the pod a pull secret "
    "for it), and see that the image is there."
)
# What a registry, or the way to it, gets over; some of it says 403 or 404 on its way.
_PASSING_PULLS: Sequence[tuple[re.Pattern[str], CauseId, str, str]] = (
    (
        re.compile(r"toomanyrequests|too many requests|\b429\b|rate limit", re.IGNORECASE),
        "registry-rate-limit",
        "{0} answers fewer requests than were made",
        "It is tried again by itself; a pull secret with a login has a limit of its own.",
    ),
    (
        re.compile(r"x509: |certificate signed by unknown authority|tls: failed to verify", re.IGNORECASE),
        "registry-certificate-untrusted",
        "the node does not trust the certificate of {0}",
        "Let the registry pass uninspected, or give the nodes its CA (containerd's hosts configuration of the pool).",
    ),
    (
        re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE),
        "node-disk-full",
        "the node's disk is full",
        "Give the nodes a larger boot disk.",
    ),
    (
        re.compile(r"no such host|server misbehaving|name resolution", re.IGNORECASE),
        "registry-name-unresolved",
        "the name of {0} cannot be resolved from the node",
        "See the nodes' DNS, and Cloud NAT or Private Google Access of private nodes.",
    ),
    (
        re.compile(
            r"i/o timeout|deadline exceeded|connection (?:refused|reset)|network is unreachable|no route to host"
            r"|handshake timeout|\bEOF\b|client connection lost",
            re.IGNORECASE,
        ),
        "registry-unreachable",
        "{0} does not answer the node",
        "Let the nodes reach the registry on port 443: firewall, Cloud NAT of private nodes.",
    ),
)
_CONFIG_SOURCE = re.compile(r'(secret|configmap) "([^"]+)" not found', re.IGNORECASE)
_CONFIG_KEY = re.compile(r"find key (\S+) in (Secret|ConfigMap) (\S+)")

# What the runtime or the kubelet could not do for a container, and what to look at. It is tried again.
_REFUSED: Mapping[str, CauseId] = {
    "CreatePodSandboxError": "pod-network-not-made",
    "ConfigPodSandboxError": "pod-network-not-made",
    LOST: "node-lost",
}
_REFUSALS: Mapping[str, str] = {
    "ImageInspectError": "See the node's container runtime and its disk; recreate the node if it stays so.",
    "CreateContainerError": "Correct what the message names: its command, its mounts, its devices.",
    "RunContainerError": "Correct what the message names: its command and arguments, its mounts, its user.",
    "PreCreateHookError": "See the node's kubelet: the CPUs, memory or devices that it set aside do not fit.",
    "PreStartHookError": "See the node's kubelet: the CPUs, memory or devices that it set aside do not fit.",
    "PostStartHookError": "Correct the container's postStart hook.",
    "KillContainerError": "See the node's container runtime; recreate the node if it stays so.",
    "CreatePodSandboxError": "See the node's network (its CNI), and whether its subnet has addresses left.",
    "ConfigPodSandboxError": "Correct the pod's DNS, sysctls or security context, as the message says.",
    LOST: "Its node was lost, or recreated: another pod takes its place.",
}
# Runtimes' words for what another attempt does not mend (runc, containerd, the kubelet).
_LASTING = re.compile(
    r"executable file not found|no such file or directory|no command specified|permission denied|exec format error"
    r"|is not a directory|not a directory|unable to find user|no matching entries in passwd|runAsNonRoot"
    r"|invalid (?:capability|mount|argument)|duplicate mount",
    re.IGNORECASE,
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
    cause: CauseId


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
        return Login(f"the pod names no pull secret, and {registry} wants a login", remedy, True, "pull-secret-missing")
    missing = [name for name in names if name in secrets and secrets[name] is None]
    if len(missing) == len(names):
        return Login(
            f"the pull secret {_listed(missing)} does not exist in {namespace}", remedy, True, "pull-secret-missing"
        )
    readable = [name for name in names if secrets.get(name) is not None]
    if len(readable) + len(missing) < len(names):
        return Login(
            f"{registry} refuses the login, if there is one, of the pull secret {_listed(names)}",
            remedy,
            False,
            "pull-secret-refused",
        )
    hosts = {host for name in readable for host in _hosts(secrets[name] or {})}
    if not any(offers(host, image) for host in hosts):
        kept = f"; it has {', '.join(sorted(hosts))}" if hosts else ""
        said = f"the pull secret {_listed(readable)} has no login for {registry}{kept}"
        return Login(said, remedy, True, "pull-secret-without-login")
    said = f"{registry} refuses the login of the pull secret {_listed(readable)}"
    return Login(said, remedy, False, "pull-secret-refused")


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
    lines = [shown(line)[:200] for line in log.splitlines()[-4 * count :] if line.strip()]
    return " | ".join(lines[-count:])


def replica_problem(
    replica: Replica, evidence: Evidence, *, namespace: str, patience: float, crash_limit: int
) -> Problem:
    """What keeps this replica, or endpoint picker, from being ready."""
    trouble = replica.trouble
    if trouble is None:
        return _on_its_way(replica, evidence, namespace, patience)
    if trouble.reason in NO_IMAGE:
        return _problem(
            replica,
            trouble.reason,
            "image-name-invalid",
            f"cannot get its image {trouble.image}: {_cut(trouble.message or trouble.reason)}",
            "Correct the name of the image (rhaii_image), or its imagePullPolicy.",
            patience,
        )
    if trouble.reason in PULLING:
        return _pull(replica, trouble, evidence, namespace, patience)
    if trouble.reason == "CreateContainerConfigError":
        return _configuration(replica, trouble, namespace, patience)
    if trouble.reason == "OOMKilled":
        return _killed(replica, trouble, evidence)
    if trouble.reason == "CrashLoopBackOff" or trouble.ended in NEVER_RAN:
        return _crashes(replica, trouble, evidence, crash_limit)
    if trouble.reason in ENDED:
        return _ends(replica, trouble, evidence, crash_limit)
    said = _REFUSALS.get(trouble.reason)
    if said is None:
        return _problem(replica, trouble.reason, "container-cannot-run", f"is not coming up: {_cut(trouble.text)}")
    final = _LASTING.search(trouble.message)
    return _problem(
        replica,
        trouble.reason,
        _REFUSED.get(trouble.reason, "container-cannot-run"),
        f"is not coming up: {_cut(trouble.text)}",
        said,
        patience if final else None,
    )


def _who(replica: Replica) -> str:
    return f"The {'replica' if replica.workload else 'endpoint picker'} {replica.name}"


def _problem(
    replica: Replica, reason: str, cause: CauseId, message: str, remedy: str = "", after: float | None = None
) -> Problem:
    said = f"{_who(replica)} {message.rstrip('.')}."
    return Problem("pod", replica.name, reason, said, remedy=remedy, after=after, cause=cause)


def _cut(text: str, limit: int = 300) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _end(text: str, limit: int = 200) -> str:
    """A registry's answer stands at the end of what its client says."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else "…" + flat[1 - limit :]


def _on_its_way(replica: Replica, evidence: Evidence, namespace: str, patience: float) -> Problem:
    detail = replica.message
    if not detail and replica.stage in (CREATING, PROBING) and evidence.warnings:
        detail = evidence.warnings[-1]  # a volume that cannot be mounted, a probe that fails
    remedy = ""
    cause: CauseId = "replica-starting"
    if replica.stage == PENDING:
        cause, remedy = waiting_for_a_node(replica.schedule_reason, detail, replica.gates)
        claim = missing_claim(detail)
        if claim:
            message = f"names the claim {claim}, which {namespace} does not have ({_cut(detail)})"
            return _problem(replica, "NoClaim", "volume-claim-unbound", message, f"Create the claim {claim}.", patience)
    lacks = _CONFIG_SOURCE.search(detail) if replica.stage == CREATING else None
    if lacks:
        kind = "Secret" if lacks[1].lower() == "secret" else "ConfigMap"
        # the kubelet mounts again after two minutes at the latest; what still stands then is still missing
        return _problem(
            replica,
            "FailedMount",
            "configuration-missing",
            f"is {doing(replica.stage)} ({_cut(detail)})",
            f"Create the {kind} {lacks[2]} in {namespace}; the pod then goes on by itself.",
            max(patience, LONGEST_BACK_OFF),
        )
    message = f"is {doing(replica.stage)}" + (f" ({_cut(detail)})" if detail else "")
    return _problem(replica, replica.stage, cause, message, remedy)


def _pull(replica: Replica, trouble: Trouble, evidence: Evidence, namespace: str, patience: float) -> Problem:
    """Older kubelets tell the registry's answer in events alone."""
    said = " ".join((trouble.message, *(each for each in evidence.warnings if "pull" in each.lower())))
    # The reasons take turns while the kubelet tries again; it is one trouble.
    answer = _end(trouble.message or said)
    registry = registry_of(trouble.image)
    proven = patience if evidence.fresh else max(patience, LONGEST_BACK_OFF)

    def problem(cause: CauseId, why: str, remedy: str = "", after: float | None = None) -> Problem:
        return _problem(replica, PULL_PAUSE, cause, f"cannot pull its image {trouble.image}{why}", remedy, after)

    if trouble.reason == "SignatureValidationFailed" or _UNSIGNED.search(said):
        remedy = "Sign the image, or let the nodes' signature policy take it."
        return problem("image-unsigned", f": its signature is refused ({answer})", remedy, proven)
    for pattern, cause, why, remedy in _PASSING_PULLS:
        if pattern.search(said):
            return problem(cause, f" yet: {why.format(registry)} ({answer})", remedy)
    if _LOGIN.search(said):
        if _OF_GOOGLE.search(registry):
            why = f": {registry} does not let the node read it ({answer})"
            return problem("node-may-not-read-registry", why, _ARTIFACT_REMEDY, proven)
        login = login_of(replica.pull_secrets, evidence.secrets or {}, trouble.image, namespace)
        after = patience if login.certain else proven
        return problem(login.cause, f": {login.said} ({answer})", login.remedy, after)
    if _PLATFORM.search(said):
        return problem(
            "image-of-another-platform",
            f": {registry} does not have it for the node's architecture ({answer})",
            "Give an image for linux/amd64 (rhaii_image), or nodes of the image's architecture.",
            proven,
        )
    if _NO_IMAGE.search(said):
        return problem(
            "image-missing",
            f": {registry} does not have it ({answer})",
            "Correct the image or its tag (rhaii_image), and deploy again.",
            proven,
        )
    return problem("image-not-pulled", f" yet: {answer or trouble.reason}")


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
        "configuration-missing",
        f"cannot make its container {trouble.container}: {_cut(trouble.message)}",
        remedy,
        patience,
    )


def _killed(replica: Replica, trouble: Trouble, evidence: Evidence) -> Problem:
    remedy = _INITIALIZER_MEMORY_REMEDY if trouble.container == INITIALIZER else _MEMORY_REMEDY
    return _problem(
        replica,
        "OOMKilled",
        "container-out-of-memory",
        f"lost its container {trouble.container}: it used more memory than its limit and was killed (OOMKilled)",
        remedy,
        0.0 if evidence.fresh else None,
    )


def _cause(trouble: Trouble, evidence: Evidence) -> Cause | None:
    """By the log of its last run; where that cannot be had, by what the container left as its last words."""
    of = initializer_cause if trouble.container == INITIALIZER else server_cause
    return of(evidence.log) or of(trouble.last_words)


def _why(replica: Replica, trouble: Trouble, evidence: Evidence) -> tuple[CauseId, str, str]:
    """What a container's end comes from: its cause, words to follow those that it ended, and what to do."""
    cause = _cause(trouble, evidence)
    if cause is not None:
        return cause.id, f"; {cause.said}", cause.remedy
    if trouble.ended in NEVER_RAN:
        said = f"; it never ran ({_cut(trouble.last_words, 200)})"
        return "container-cannot-run", said, _REFUSALS["RunContainerError"]
    probes = [each for each in evidence.warnings if _PROBE.match(each)]
    if probes and trouble.container != INITIALIZER:
        remedy = "Give it longer: a startupProbe, or a higher initialDelaySeconds or failureThreshold."
        return "probe-too-short", f"; its probe ended it ({_cut(probes[-1], 120)})", remedy
    if trouble.ended == LOST:
        return "node-lost", "", _REFUSALS[LOST]
    exits = of_exit(trouble.exit_code)
    see = f"See its log: kubectl logs {replica.name} -c {trouble.container} --previous."
    return "container-crashes", f"; {exits}" if exits else "", see


def _told(trouble: Trouble, evidence: Evidence) -> str:
    """The line that names the cause, and how the log ends."""
    last, cause = last_lines(evidence.log), _cause(trouble, evidence)
    line = cause.line if cause is not None and cause.line and cause.line not in f"{last}{cause.said}" else ""
    said = f" It says: {line.rstrip('.')}." if line else ""
    return said + (f" Its log ends: {last}" if last else "")


def _crashes(replica: Replica, trouble: Trouble, evidence: Evidence, crash_limit: int) -> Problem:
    cause, why, remedy = _why(replica, trouble, evidence)
    code = "" if trouble.exit_code is None else f", last with exit code {trouble.exit_code}"
    return _problem(
        replica,
        "CrashLoopBackOff",
        cause,
        f"starts its container {trouble.container} in vain: it ended {trouble.crashes} times{code}{why}."
        + _told(trouble, evidence),
        remedy,
        0.0 if evidence.fresh and trouble.crashes >= crash_limit else None,
    )


def _ends(replica: Replica, trouble: Trouble, evidence: Evidence, crash_limit: int) -> Problem:
    """Between its end and the kubelet's pause before the next start."""
    cause, why, remedy = _why(replica, trouble, evidence)
    told = _told(trouble, evidence)
    return _problem(
        replica,
        trouble.reason,
        cause,
        f"is not coming up: {_cut(trouble.text)}{why}" + (f".{told}" if told else ""),
        remedy if evidence.log or why or trouble.ended == LOST else "",
        0.0 if evidence.fresh and trouble.crashes >= crash_limit and trouble.ended != LOST else None,
    )


def ended_problem(
    ended: Sequence[Replica], fresh: bool, *, let_in: int, wanted: int, patience: float, crash_limit: int
) -> Problem | None:
    """Pods that their nodes refuse or end one after the other, while their controller makes new ones.

    Of those that are refused none is left that was let in. Those that are ended had run, and so does the next for a
    while: they are counted, as crashes are.
    """
    if not ended:
        return None
    last = ended[-1]
    means = pod_end(last.end_reason, last.end_message)
    alike = [each for each in ended if each.end_reason == last.end_reason]
    if let_in >= wanted and not means.ran:
        return None
    nodes = ", ".join(sorted({each.node for each in alike if each.node})) or "a node"
    said = ": ".join(part for part in (last.end_reason, _cut(last.end_message)) if part) or "nobody says why"
    many = f" {len(alike)} pods have ended so, on {nodes}." if len(alike) > 1 else f" It was on {nodes}."
    hopeless = fresh and not means.heals and len(alike) >= crash_limit * (wanted if means.ran else 1)
    return Problem(
        "pod",
        last.name.rpartition("-")[0] or last.name,  # their ReplicaSet, so that it stays one problem
        last.end_reason or "Failed",
        f"{_who(last)} ended before it served: {means.said} ({said.rstrip('.')}).{many}",
        remedy=means.remedy,
        # devices that a pod before has not given back yet are refused some times as well, for seconds
        after=(0.0 if means.ran else patience) if hopeless else None,
        cause=means.cause,
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
    "ended_problem",
    "last_lines",
    "login_of",
    "registry_of",
    "replica_problem",
    "replica_problems",
)
