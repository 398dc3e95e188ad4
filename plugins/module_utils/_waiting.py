# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""objects_wait_ready: objects of any maker, until they are ready; what keeps them is told while it waits."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import KubernetesObjects
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import REFERENCE, Json, Key, key_of_reference
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options, wait_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, SystemClock, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import BEGINNING, disruption, of_exit
from ansible_collections.rhaii.gke.plugins.module_utils._readiness import is_available
from ansible_collections.rhaii.gke.plugins.module_utils._routing.gateway import gateway_faults

# What is ready when a condition says so; what is not named here is ready when it is there.
_CONDITIONS: Mapping[str, str] = {
    "Certificate": "Ready",
    "ClusterIssuer": "Ready",
    "CustomResourceDefinition": "Established",
    "Issuer": "Ready",
}
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


class Objects(Protocol):
    def read(self, key: Key) -> Json | None:
        """The object, None where there is none or nobody knows the kind."""

    def pods(self, namespace: str, labels: Mapping[str, str]) -> Sequence[Json]:
        """The pods with these labels."""


@dataclass(frozen=True)
class Ports:
    objects: Objects
    clock: Clock


@dataclass(frozen=True)
class Wanted:
    key: Key
    # of a Secret: where its certificate is looked for
    certificate_keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Json) -> Wanted:
        return cls(key_of_reference(given), tuple(given["certificate_keys"] or ()))

    @classmethod
    def of_deployment(cls, place: str) -> Wanted:
        namespace, slash, name = place.partition("/")
        if not (slash and namespace and name):
            raise RhaiiError(f"{place} names no Deployment.", remedy="Give namespace/name.")
        return cls(Key("apps/v1", "Deployment", name, namespace))


def lacking(wanted: Wanted, live: Json | None, pods: Callable[[Json], Sequence[Json]]) -> str:
    """What it still lacks, as the end of a sentence; empty when it is ready."""
    if live is None:
        return "is not there"
    kind = wanted.key.kind
    if kind == "Deployment":
        return "" if is_available(live) else _of_deployment(live, pods(live))
    if wanted.certificate_keys:
        return "" if certificate_of(live, wanted.certificate_keys) else "has no certificate"
    if kind == "Gateway":
        return _of_gateway(live)
    condition = _CONDITIONS.get(kind)
    return _of_condition(live, condition) if condition else ""


def _of_condition(live: Json, kind: str) -> str:
    found = next((each for each in (live.get("status") or {}).get("conditions") or [] if each["type"] == kind), None)
    if found is None:
        return f"does not say yet whether it is {kind}"
    if found["status"] != "True":
        return f"is not {kind}: {_said(found.get('reason'), found.get('message'))}"
    generation = int((live.get("metadata") or {}).get("generation") or 0)
    seen = int(found.get("observedGeneration") or generation)
    return f"says {kind} of its generation {seen}, and it is of {generation}" if seen < generation else ""


def _of_gateway(live: Json) -> str:
    """Its own condition first; listeners that do not serve follow from it, or are apart from it."""
    faults = gateway_faults(live)
    return _of_condition(live, "Programmed") or (f"does not serve: {'; '.join(faults)}" if faults else "")


def _of_deployment(live: Json, pods: Sequence[Json]) -> str:
    replicas = int(live["spec"].get("replicas", 1))
    status = live.get("status") or {}
    available = int(status.get("availableReplicas", 0))
    conditions = {str(each.get("type")): each for each in status.get("conditions") or []}
    failure: Json = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":  # its pods are not let in by the cluster
        return f"has {available} of {replicas} available; {_said(failure.get('reason'), failure.get('message'))}"
    ended = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
    reasons = [reason for reason in (_of_pod(pod) for pod in pods if pod not in ended) if reason]
    if ended and not reasons:  # nothing takes them away, so that older ones may be of long ago
        last = max(ended, key=lambda pod: str((pod.get("status") or {}).get("startTime") or ""))
        reasons = [_of_pod(last) + (f", and {len(ended) - 1} more before it" if len(ended) > 1 else "")]
    told = f"; {'; '.join(reasons)}" if reasons else ""
    return f"has {available} of {replicas} available{told}"


def _of_pod(pod: Json) -> str:
    """Why a pod does not serve, in Kubernetes' own words; empty where it does, or has only just begun."""
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    if status.get("phase") == "Failed":  # refused or ended by its node
        return f"pod {name}: {_said(status.get('reason') or 'Failed', status.get('message'))}"
    conditions = {str(each["type"]): each for each in status.get("conditions") or []}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"pod {name}: {_said(scheduled.get('reason'), scheduled.get('message'))}"
    goes = disruption(conditions.get("DisruptionTarget", {}))
    if goes:
        return f"pod {name}: {_said(None, goes)}"
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if str(waiting.get("reason") or "") not in BEGINNING:
            last = ((container.get("lastState") or {}).get("terminated") or {}).get("message")
            return f"pod {name}: {_said(waiting.get('reason'), waiting.get('message') or last)}"
        ended = (container.get("state") or {}).get("terminated") or {}
        if int(ended.get("exitCode") or 0) != 0:
            code = of_exit(ended.get("exitCode")) or f"exit code {ended.get('exitCode')}"
            return f"pod {name}: {_said(ended.get('reason'), ended.get('message') or code)}"
    return ""


def _said(reason: Any, message: Any) -> str:
    return flat(": ".join(str(part) for part in (reason, message) if part), 240) or "nobody says why"


def certificate_of(secret: Json, keys: Sequence[str]) -> str:
    """The first certificate under one of the keys, and nothing but certificates: they are public."""
    for key in keys:
        try:
            text = base64.b64decode((secret.get("data") or {}).get(key) or "").decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            continue
        found = _PEM.findall(text)
        if found:
            return "\n".join(found) + "\n"
    return ""


class _Wait:
    def __init__(self, params: Params, ports: Ports, progress: Progress) -> None:
        self.wanted = [Wanted.of_deployment(each) for each in params["deployments"]]
        self.wanted += [Wanted.of(each) for each in params["objects"]]
        self.objects = ports.objects
        self.progress = progress
        self.deadline = Deadline(ports.clock, params["wait_timeout"])
        self.interval = float(params["wait_interval"])
        self.certificates: dict[str, str] = {}
        self.waiting: dict[Key, str] = {}

    def look(self) -> None:
        """What is ready is not asked again."""
        left = list(self.waiting) if self.waiting else [each.key for each in self.wanted]
        self.waiting = {}
        for wanted in self.wanted:
            if wanted.key not in left:
                continue
            live = self.objects.read(wanted.key)
            lacks = lacking(wanted, live, self.pods)
            if lacks:
                self.waiting[wanted.key] = lacks
            elif live is not None and wanted.certificate_keys:
                self.certificates[wanted.key.name] = certificate_of(live, wanted.certificate_keys)

    def pods(self, deployment: Json) -> Sequence[Json]:
        labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
        try:
            return self.objects.pods(deployment["metadata"]["namespace"], labels)
        except KubernetesError:
            return []  # only the reason is missing then

    def result(self) -> Result:
        return {
            "changed": False,
            "ready": not self.waiting,
            "waiting": [f"{key} {lacks}" for key, lacks in self.waiting.items()],
            "certificates": self.certificates,
        }

    def until_ready(self) -> None:
        said: dict[Key, str] = {}
        while True:
            self.look()
            if not self.waiting:
                return
            if self.deadline.passed:
                named = "; ".join(f"{key} {lacks}" for key, lacks in self.waiting.items())
                raise RhaiiError(
                    f"Still not ready after {in_words(self.deadline.timeout)}: {named}.",
                    remedy="Mend what it names, and run the same again; kubectl describe shows more.",
                    result=self.result(),
                )
            for key, lacks in self.waiting.items():
                if said.get(key) != lacks:
                    self.progress(f"waiting: {key} {lacks}")
            said = dict(self.waiting)
            self.deadline.pause(self.interval)


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    one = _Wait(params, ports, progress)
    if check_mode:
        one.look()
    else:
        one.until_ready()
    return one.result()


class KubernetesWaited(KubernetesObjects):
    """The real adapter."""

    def pods(self, namespace: str, labels: Mapping[str, str]) -> Sequence[Json]:
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
        return self._api.items("list pods", f"/api/v1/namespaces/{quote(namespace)}/pods", query)


def ports_of(params: Params) -> Ports:
    return Ports(KubernetesWaited(KubernetesRest.from_params(params)), SystemClock())


_OBJECT: dict[str, Any] = {
    **REFERENCE,
    "certificate_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
}

CAPABILITY = Capability(
    name="objects_wait_ready",
    argument_spec=kubernetes_options(
        deployments={"type": "list", "elements": "str", "default": []},
        objects={"type": "list", "elements": "dict", "default": [], "options": _OBJECT},
        **{name: spec for name, spec in wait_options(600, 5.0).items() if name != "wait"},
    ),
    ports=ports_of,
    run=run,
)

__all__ = ("CAPABILITY", "Objects", "Ports", "Wanted", "certificate_of", "lacking", "run")
