# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The states that a kubelet, the scheduler and the controllers of nodes report, and what each means for a wait.

Read in Kubernetes' sources: pkg/kubelet/images/types.go and cri-api's errors.go (images), container/sync_result.go and
kuberuntime/kuberuntime_container.go (containers), lifecycle/predicate.go, cm/devicemanager, cm/topologymanager,
preemption and nodeshutdown, of 1.20 and later (pods that are not let in), eviction/helpers.go (pods that are ended),
and the reasons of DisruptionTarget in k8s.io/api. StartError is containerd's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._causes import Cause, CauseId

# ---- containers that wait -------------------------------------------------------------------------------------------

# Of a container that has only just been made.
BEGINNING = ("", "ContainerCreating", "PodInitializing")
# The one is an attempt that has just failed, the other the pause before the next.
PULL_ATTEMPT = "ErrImagePull"
PULL_PAUSE = "ImagePullBackOff"
# The runtime's own words for an attempt that failed (cri-api's errors.go, 1.27 on); older kubelets had the first, too.
PULL_ATTEMPTS = (PULL_ATTEMPT, "RegistryUnavailable", "SignatureValidationFailed")
PULLING = (*PULL_ATTEMPTS, PULL_PAUSE)
# The kubelet does not try these again with another outcome.
NO_IMAGE = ("InvalidImageName", "ErrImageNeverPull")
CRASHING = ("CrashLoopBackOff", "OOMKilled")

# ---- containers that ended ------------------------------------------------------------------------------------------

# The container never ran: StartError is containerd's word, ContainerCannotRun docker's.
NEVER_RAN = ("StartError", "ContainerCannotRun")
# The kubelet did not find it any more, as after a node was recreated.
LOST = "ContainerStatusUnknown"
ENDED = ("Error", "Completed", "DeadlineExceeded", LOST, *NEVER_RAN)

# Exit codes that say more than that it failed (POSIX shells, and 128 + signal).
_EXITS: Mapping[int, str] = {
    126: "its program may not be run",
    127: "its program does not exist",
    134: "it aborted (SIGABRT)",
    137: "it was killed (SIGKILL): at the end of its grace period, or by the kernel for lack of memory",
    139: "it crashed (SIGSEGV)",
    143: "it was told to end (SIGTERM)",
}


def of_exit(code: int | None) -> str:
    """What an exit code says by itself."""
    return _EXITS.get(-1 if code is None else code, "")


# ---- pods that a node does not let in, or ends ----------------------------------------------------------------------


@dataclass(frozen=True)
class PodEnd:
    """What it means that a pod ended with a reason of its own, whatever its containers did."""

    said: str
    remedy: str
    # A new pod elsewhere, or a little later, is all that it takes.
    heals: bool = False
    # It had run before, so that the next one runs for a while as well.
    ran: bool = False
    cause: CauseId = "node-refuses-pod"


_DEVICES = PodEnd(
    "its node did not let it in",
    "See the node's TPU device plugin and its chips (kubectl describe node, kubectl -n kube-system get pods -o wide); "
    "recreate the node where they stay unhealthy: gcloud compute instances delete, or cordon it.",
    cause="node-refuses-chips",
)
_NUMA = PodEnd(
    "its node did not let it in",
    "The node's kubelet wants chips and CPUs of one NUMA node (topologyManagerPolicy): ask for less, or set "
    "another policy in the pool's node system configuration.",
)
_FULL = PodEnd(
    "its node had no room for it",
    "See what else runs on the node (kubectl describe node), or lower what the pod asks for.",
    cause="nodes-full",
)
_UNKNOWN = PodEnd("it ended", "See what its node says of it: kubectl describe pod.")
_UNFIT = PodEnd(
    "its node does not fit it",
    "Let the pod's selectors, tolerations and its operating system fit the labels and taints of the node pool.",
)
_SHUTDOWN = PodEnd(
    "its node shut down",
    "Nodes on spot machines end at any time; another pod takes its place.",
    heals=True,
    cause="node-lost",
)
_POD_ENDS: Mapping[str, PodEnd] = {
    "UnexpectedAdmissionError": _DEVICES,
    "TopologyAffinityError": _NUMA,
    "Topology Affinity Error": _NUMA,  # until 1.17
    "SMTAlignmentError": PodEnd(
        "its node did not let it in", "Ask for whole cores (a multiple of the threads a core)."
    ),
    "InvalidNodeInfo": PodEnd("its node did not know itself yet", "Another pod takes its place.", heals=True),
    "NodeAffinity": _UNFIT,
    "NodeName": _UNFIT,
    "NodePorts": PodEnd("a port of its node was taken", "Do not use host ports, or give each pod another node."),
    "TaintToleration": _UNFIT,
    "PodOSSelectorNodeLabelDoesNotMatch": _UNFIT,
    "PodOSNotSupported": _UNFIT,
    "PodFeatureUnsupported": _UNFIT,
    "InitContainerRestartPolicyForbidden": PodEnd(
        "its node did not let it in", "The node's Kubernetes knows no sidecars yet (1.29): upgrade the pool."
    ),
    "SupplementalGroupsPolicyNotSupported": _UNFIT,
    "AppArmor": PodEnd("its node did not let it in", "Name an AppArmor profile that the node has."),
    "SysctlForbidden": PodEnd(
        "its node did not let it in", "Take the unsafe sysctl out of the pod's security context."
    ),
    "Blocked": _UNFIT,
    "VolumeAttachmentLimitExceeded": PodEnd(
        "its node takes no more volumes", "Use fewer volumes, or other nodes.", heals=True
    ),
    "Preempting": PodEnd(
        "a more important pod needed its room", "Another pod takes its place.", heals=True, cause="pod-evicted"
    ),
    "Preempted": PodEnd(
        "a more important pod needed its room", "Another pod takes its place.", heals=True, cause="pod-evicted"
    ),
    "Terminated": _SHUTDOWN,
    "NodeShutdown": _SHUTDOWN,
    "Shutdown": _SHUTDOWN,
    "NodeLost": PodEnd("its node was lost", "Another pod takes its place.", heals=True, cause="node-lost"),
    "DeadlineExceeded": PodEnd(
        "it may not run so long (activeDeadlineSeconds)",
        "Take activeDeadlineSeconds out of the pod template.",
        ran=True,
        cause="pod-evicted",
    ),
    "Evicted": PodEnd(
        "its node evicted it",
        "Give the nodes a larger boot disk or more memory, or let the pod say what it needs (requests of memory and "
        "ephemeral-storage).",
        ran=True,
        cause="pod-evicted",
    ),
}
_LIMIT = re.compile(r"exceeds? the (?:total )?limit|exceeds its local ephemeral storage limit|usage of EmptyDir", re.I)
_OVER_ITS_LIMIT = PodEnd(
    "its node evicted it",
    "It wrote more than it may: raise the limit of ephemeral-storage, or sizeLimit of the emptyDir that the message "
    "names.",
    ran=True,
    cause="pod-evicted",
)
_OUT_OF = "OutOf"


def pod_end(reason: str, message: str) -> PodEnd:
    """What an ended pod's own reason means."""
    if reason.startswith(_OUT_OF):  # OutOfcpu, OutOfpods, OutOfgoogle.com/tpu
        return _DEVICES if "google.com/tpu" in reason else _FULL
    if reason == "Evicted" and _LIMIT.search(message):
        return _OVER_ITS_LIMIT
    return _POD_ENDS.get(reason, _UNKNOWN)


_DISRUPTIONS: Mapping[str, str] = {
    "PreemptionByScheduler": "a more important pod takes its place",
    "DeletionByTaintManager": "its node got a taint that it does not tolerate",
    "EvictionByEvictionAPI": "it was evicted, as when a node is drained or upgraded",
    "DeletionByPodGC": "its node is gone",
    "TerminationByKubelet": "its node ended it",
}


def disruption(condition: Mapping[str, Any]) -> str:
    """Why a pod goes, by its condition DisruptionTarget; empty where it does not say."""
    if condition.get("status") != "True":
        return ""
    reason, message = str(condition.get("reason") or ""), str(condition.get("message") or "")
    return ": ".join(part for part in (_DISRUPTIONS.get(reason, reason), message) if part)


# ---- pods that wait for a node --------------------------------------------------------------------------------------

GATED = "SchedulingGated"
_TPUS = "Nodes with free TPU chips are missing: see whether the node pool is still coming up, or is too small."
_WAITS: Sequence[tuple[str, CauseId, str]] = (
    (
        r'persistentvolumeclaim "([^"]+)" not found|unbound immediate PersistentVolumeClaims',
        "volume-claim-unbound",
        "Create the claim, and see why it is not bound: kubectl describe pvc.",
    ),
    (
        r"volume node affinity conflict|node\(s\) had no available volume zone",
        "volume-in-another-zone",
        "The volume lies in another zone than the nodes: use one of their zone.",
    ),
    (r"Insufficient google\.com/tpu", "no-free-chips", _TPUS),
    (
        r"untolerated taint \{node\.kubernetes\.io/(?:not-ready|unreachable|network-unavailable)"
        r"|node\.cloudprovider\.kubernetes\.io/uninitialized|node\.cilium\.io/agent-not-ready",
        "node-not-ready",
        "Nodes are still coming up, or are lost: kubectl get nodes.",
    ),
    (
        r"untolerated taint \{node\.kubernetes\.io/(?:disk|memory|pid)-pressure",
        "node-under-pressure",
        "Nodes lack disk or memory: see kubectl describe nodes, and give the pool a larger boot disk.",
    ),
    (
        r"were unschedulable|untolerated taint \{node\.kubernetes\.io/unschedulable",
        "node-cordoned",
        "Nodes are cordoned, as while they are upgraded: kubectl get nodes, kubectl uncordon.",
    ),
    (
        r"impending-node-termination|ToBeDeletedByClusterAutoscaler|DeletionCandidateOfClusterAutoscaler",
        "node-going",
        "Nodes are about to go: wait for new ones.",
    ),
    (
        r"untolerated taint",
        "taint-not-tolerated",
        "Let the pod tolerate the taint that the message names, or take it off the nodes.",
    ),
    (
        r"didn't match Pod's node affinity/selector|didn't match node selector|node\(s\) didn't match",
        "no-node-matches",
        "No node has the labels that the pod selects: compare its accelerator and topology with the node pool.",
    ),
    (r"too many pods", "nodes-full", "The nodes have as many pods as they may have: use more nodes."),
    (
        r"Insufficient (?:cpu|memory|ephemeral-storage)",
        "nodes-full",
        "Lower what the pod asks for, or take a larger machine type.",
    ),
    (
        r"no nodes available to schedule pods|0/0 nodes",
        "too-few-tpu-nodes",
        "The cluster has no node that takes pods yet.",
    ),
)
_UNSCHEDULED = tuple((re.compile(pattern, re.IGNORECASE), cause, remedy) for pattern, cause, remedy in _WAITS)


def waiting_for_a_node(reason: str, message: str, gates: Sequence[str]) -> tuple[CauseId, str]:
    """Why a pod has no node, and what to do about it."""
    if reason == GATED or gates:
        named = f" ({', '.join(gates)})" if gates else ""
        return (
            "pod-gated",
            f"Something holds the pod back{named}, such as a queue with its quota: see to whoever set the gate.",
        )
    known = ((cause, remedy) for pattern, cause, remedy in _UNSCHEDULED if pattern.search(message))
    return next(known, ("pod-unscheduled", ""))


_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')


def missing_claim(message: str) -> str:
    """The claim that a pod names and nobody has made."""
    found = _CLAIM.search(message)
    return found[1] if found else ""


# ---- nodes ----------------------------------------------------------------------------------------------------------

TPU = "google.com/tpu"
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
_GOING = ("ToBeDeletedByClusterAutoscaler", "cloud.google.com/impending-node-termination")


_SILENT, _LOST, _NOT_READY = "does not say yet whether it is ready", "is lost", "is not ready"
# Faults that say no more than a count of nodes does.
BARE_FAULTS = (_SILENT, _LOST, _NOT_READY)


FINE: tuple[Cause, str] = ("", "")


def node_fault(node: Mapping[str, Any]) -> tuple[Cause, str]:
    """Why a node cannot serve, in Kubernetes' own words; both empty where it can."""
    ready = _node_condition(node, "Ready")
    if not ready:
        return "node-not-ready", _SILENT
    if ready.get("status") != "True":
        said = ": ".join(str(ready[part]) for part in ("reason", "message") if ready.get(part))
        lost = _LOST if ready.get("status") == "Unknown" else _NOT_READY
        return "node-not-ready", f"{lost} ({said})" if said else lost
    for each in (node.get("spec") or {}).get("taints") or []:
        if each.get("key") in _GOING:
            return "node-going", f"is about to go (taint {each['key']})"
    status = node.get("status") or {}
    if "0" in (str((status.get(part) or {}).get(TPU)) for part in ("capacity", "allocatable")):
        return "node-without-chips", "has no healthy TPU chips: its device plugin reports none"
    return FINE


def node_pressure(node: Mapping[str, Any]) -> tuple[Cause, str]:
    """What a node that serves lacks, so that it evicts pods or takes none; both empty where it lacks nothing."""
    for kind in _PRESSURES:
        found = _node_condition(node, kind)
        if found.get("status") == "True":
            said = found.get("message") or found.get("reason") or ""
            return "node-under-pressure", f"has {kind}" + (f" ({said})" if said else "")
    return ("node-cordoned", "is cordoned") if (node.get("spec") or {}).get("unschedulable") else FINE


def _node_condition(node: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions: Sequence[Mapping[str, Any]] = (node.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})


__all__ = (
    "BARE_FAULTS",
    "BEGINNING",
    "CRASHING",
    "ENDED",
    "FINE",
    "GATED",
    "LOST",
    "NEVER_RAN",
    "NO_IMAGE",
    "PULLING",
    "PULL_ATTEMPT",
    "PULL_ATTEMPTS",
    "PULL_PAUSE",
    "TPU",
    "PodEnd",
    "disruption",
    "missing_claim",
    "node_fault",
    "node_pressure",
    "of_exit",
    "pod_end",
    "waiting_for_a_node",
)
