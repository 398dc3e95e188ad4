# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers to objects in a quick cluster, at once: nodes, Deployments, operators, cert-manager, Istio and KServe.

It follows etcd, and gives every object the status that it would have when all is well. What it was told to leave alone
it leaves alone, so that nobody but a run can change what is foreign.
"""

from __future__ import annotations

import hashlib
import http.client
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from sandbox.images.operators.istio_operands import webhooks
from sandbox.nodes.inventory import Machine
from sandbox.nodes.registration import labels as node_labels
from tests.integration.quick_cluster import MERGE, ApiFailure, Content, Object, QuickCluster, Seen, until

LOG = logging.getLogger(__name__)

RED_HAT = "registry.redhat.io"
TPU = "google.com/tpu"
POOL = "cloud.google.com/gke-nodepool"
GATEWAY = "gateway.networking.k8s.io"
SERVING = "serving.kserve.io/v1alpha1"
SINCE = "2026-11-24T12:00:00Z"
PEM = "-----BEGIN CERTIFICATE-----\nbm90IGEgcmVhbCBvbmU=\n-----END CERTIFICATE-----\n"
GOOD = (
    *("GatewaysReady", "HTTPRoutesReady", "InferencePoolReady", "MainWorkloadReady", "PresetsCombined", "Ready"),
    *("RouterReady", "SchedulerWorkloadReady", "WorkloadsReady"),
)


def conditions(*kinds: str, status: str = "True", reason: str = "AsExpected", message: str = "") -> list[Object]:
    """Conditions of one verdict."""
    return [
        {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": SINCE}
        for kind in kinds
    ]


FOREGROUND = "foregroundDeletion"
COLLECTED = {
    "networkpolicies": ("networking.k8s.io/v1", "NetworkPolicy"),
    "secrets": ("v1", "Secret"),
    "configmaps": ("v1", "ConfigMap"),
    "serviceaccounts": ("v1", "ServiceAccount"),
    "serving.kserve.io/llminferenceservices": (SERVING, "LLMInferenceService"),
    "gateway.networking.k8s.io/gateways": (f"{GATEWAY}/v1", "Gateway"),
    "gateway.networking.k8s.io/httproutes": (f"{GATEWAY}/v1", "HTTPRoute"),
    "networking.istio.io/envoyfilters": ("networking.istio.io/v1alpha3", "EnvoyFilter"),
    "cert-manager.io/clusterissuers": ("cert-manager.io/v1", "ClusterIssuer"),
    "cert-manager.io/certificates": ("cert-manager.io/v1", "Certificate"),
}
"""Where etcd keeps what may be in a set of ours."""


class Balancers:
    """The cloud's load balancers, by namespace and Service."""

    def __init__(self) -> None:
        self.request: Callable[[str, str], None] = lambda namespace, service: None
        self.release: Callable[[str, str], None] = lambda namespace, service: None


class QuickOperators:
    """A thread that answers; it sees what happens from the moment of the last `replaced`."""

    def __init__(self, cluster: QuickCluster, balancers: Balancers, port: int) -> None:
        self._api, self._etcd = cluster.api, cluster.etcd
        self._index = cluster.plane.spec.index
        self._balancers = balancers
        self._port = port
        self._alone: frozenset[str] = frozenset()
        self._lock = threading.RLock()
        self._since = 0
        self._seen = 0
        self.problems: list[str] = []
        self._machines: dict[str, Machine] = {}
        self._reactions: dict[str, Callable[[str, str, bytes | None], None]] = {
            "deployments": self._deployment,
            "serviceaccounts": self._account,
            "operator.openshift.io/certmanagers": self._cert_manager,
            "operator.openshift.io/leaderworkersetoperators": self._worker_sets,
            "sailoperator.io/istios": self._istio,
            "cert-manager.io/clusterissuers": self._ready("cert-manager.io/v1", "ClusterIssuer"),
            "cert-manager.io/issuers": self._ready("cert-manager.io/v1", "Issuer"),
            "cert-manager.io/certificates": self._certificate,
            "gateway.networking.k8s.io/gateways": self._gateway,
            "gateway.networking.k8s.io/httproutes": self._route,
            "serving.kserve.io/llminferenceservices": self._service,
            "minions": self._node,
            "pods": self._pod,
        }
        self._since = self._etcd.revision()
        threading.Thread(target=self._follow, args=(self._since,), daemon=True).start()

    # What it follows.

    def _follow(self, since: int) -> None:
        try:
            for seen in self._etcd.changes(since):
                with self._lock:
                    if seen.revision > self._since:
                        self._react(seen)
                    self._seen = max(self._seen, seen.revision)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return  # the cluster has ended

    def _react(self, seen: Seen) -> None:
        if seen.key in self._alone:
            return
        path = seen.key.removeprefix("/registry/")
        if seen.value is not None and FOREGROUND.encode() in seen.value:
            self._collect(path)
            return
        for prefix, reaction in self._reactions.items():
            if path.startswith(f"{prefix}/"):
                namespace, _, name = path.removeprefix(f"{prefix}/").rpartition("/")
                try:
                    reaction(namespace, name, seen.value)
                except ApiFailure as error:
                    # somebody was quicker: that change comes by here too
                    if error.status not in (404, 409):
                        self.problems.append(f"{seen.key}: {error}")
                except Exception as error:  # a thread that dies would look like a cluster that hangs
                    self.problems.append(f"{seen.key}: {error!r}")

    def _collect(self, path: str) -> None:
        """The garbage collector: what waits for what it owns goes after it."""
        prefix = next((each for each in COLLECTED if path.startswith(f"{each}/")), None)
        if prefix is None:
            self.problems.append(f"{path}: nobody here collects what it owns")
            return
        namespace, _, name = path.removeprefix(f"{prefix}/").rpartition("/")
        version, kind = COLLECTED[prefix]
        found = self._api.find(version, kind, namespace, name)
        if found is None or not found["metadata"].get("deletionTimestamp"):
            return
        if prefix in self._reactions and kind in ("LLMInferenceService", "Gateway"):
            self._reactions[prefix](namespace, name, None)
        left = [each for each in found["metadata"].get("finalizers", []) if each != FOREGROUND]
        body = {"metadata": {"finalizers": left or None}}
        with suppress(ApiFailure):  # gone meanwhile
            where = self._api.path(version, kind, namespace, name)
            self._api.call("PATCH", where, body, content=MERGE)

    @contextmanager
    def replaced(self) -> Iterator[None]:
        """Whatever is written meanwhile is nobody's doing, and is answered by nobody."""
        with self._lock:
            yield
            self._since = self._etcd.revision()

    def restore(self, content: Content) -> None:
        """Put the whole cluster back."""
        with self.replaced():
            self._etcd.restore(content)
            self._alone = frozenset()

    def leave_alone(self, make: Callable[[], None]) -> None:
        """Make things that nobody here answers to, then or later."""
        with self.replaced():
            before, _ = self._etcd.read()
            make()
            after, _ = self._etcd.read()
            self._alone |= {key.decode() for key in after if before.get(key) != after[key]}

    def settle(self) -> None:
        """Return when everything that happened was answered."""
        quiet = 0
        while quiet < 2:
            revision = self._etcd.revision()
            until(lambda last=revision: self._caught_up(last), "answers", 30)  # type: ignore[misc]
            quiet = quiet + 1 if self._etcd.revision() == revision else 0
            time.sleep(0.02)

    def _caught_up(self, revision: int) -> bool:
        with self._lock:
            return max(self._seen, self._since) >= revision

    # Nodes.

    def write_nodes(self, records: Sequence[Object]) -> None:
        """Have exactly these machines as nodes."""
        with self._lock:
            self._machines = {each["name"]: Machine.from_mapping(each) for each in records}
            present = {each["metadata"]["name"]: each for each in self._api.list("v1", "Node")}
            for name in present.keys() - self._machines.keys():
                self._api.delete("v1", "Node", "", name)
                for pod in self._api.list("v1", "Pod"):
                    if pod["spec"].get("nodeName") == name:
                        self._api.delete("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
            for name in sorted(self._machines.keys() - present.keys()):
                self._register(self._machines[name])

    def _register(self, machine: Machine) -> None:
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": machine.name, "labels": node_labels(machine)},
            "spec": {"taints": [dict(each) for each in machine.taints]},
        }
        self._api.create(node, "kubelet")
        ready = {"conditions": conditions("Ready", reason="KubeletReady")}
        size = {"capacity": dict(machine.capacity), "allocatable": machine.allocatable}
        self._api.status(node, {**ready, **size}, "kubelet")

    def _node(self, namespace: str, name: str, value: bytes | None) -> None:
        del namespace, name, value
        try:
            services = self._api.list(SERVING, "LLMInferenceService")
        except (ApiFailure, KeyError):
            return
        for each in services:
            self._service(each["metadata"]["namespace"], each["metadata"]["name"], b"")

    def _pod(self, namespace: str, name: str, value: bytes | None) -> None:
        """What was told to go has gone; whose pod it was makes another one."""
        pod = self._api.find("v1", "Pod", namespace, name) if value is not None else None
        if pod and pod["metadata"].get("deletionTimestamp"):
            self._api.delete("v1", "Pod", namespace, name)
        elif value is None:
            self._node("", "", None)

    # Deployments and operators.

    def _deployment(self, namespace: str, name: str, value: bytes | None) -> None:
        found = self._api.find("apps/v1", "Deployment", namespace, name) if value is not None else None
        if found is None or found["metadata"].get("labels", {}).get("kserve.io/component") == "workload":
            return
        self._available(found, found["spec"]["replicas"] if self._can_pull(found) else 0)

    def _can_pull(self, deployment: Object) -> bool:
        """Whether its pods would have a secret for Red Hat's registry: by themselves, or by their account."""
        namespace, pod = deployment["metadata"]["namespace"], deployment["spec"]["template"]["spec"]
        if pod.get("imagePullSecrets") or not any(each["image"].startswith(RED_HAT) for each in pod["containers"]):
            return True
        account = self._api.find("v1", "ServiceAccount", namespace, pod.get("serviceAccountName") or "default")
        return bool(account and account.get("imagePullSecrets"))

    def _account(self, namespace: str, name: str, value: bytes | None) -> None:
        """An account that may pull by now: those who wait for it go on."""
        if value is None:
            return
        for each in self._api.list("apps/v1", "Deployment", namespace):
            if each["spec"]["template"]["spec"].get("serviceAccountName") == name:
                self._deployment(namespace, each["metadata"]["name"], b"")

    def _available(self, found: Object, ready: int) -> None:
        generation, status = found["metadata"]["generation"], found.get("status", {})
        wanted = found["spec"]["replicas"]
        if (status.get("observedGeneration"), status.get("readyReplicas", 0), status.get("replicas")) == (
            *(generation, ready, wanted),
        ):
            return
        verdict = "True" if ready >= wanted else "False"
        counts = {"replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready}
        status = {"observedGeneration": generation, **counts, "conditions": conditions("Available", status=verdict)}
        self._api.status(found, status, "kube-controller-manager")

    def _program(
        self, name: str, namespace: str, manager: str, owner: Object | None = None, *, red_hats: bool = True
    ) -> None:
        labels = {"app.kubernetes.io/name": name}
        meta: Object = {"name": name, "namespace": namespace, "labels": labels}
        if owner:
            meta["ownerReferences"] = [reference(owner)]
        image = f"{RED_HAT}/{name}:1" if red_hats else f"{name}:1"
        containers = [{"name": "main", "image": image}]
        pod = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": name, "containers": containers}}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
        self._api.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}, manager)

    def _namespace(self, name: str, manager: str) -> None:
        if self._api.find("v1", "Namespace", "", name) is None:
            self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager)

    def _cert_manager(self, namespace: str, name: str, value: bytes | None) -> None:
        del namespace
        if value is None or self._said(("operator.openshift.io/v1alpha1", "CertManager", "", name), "Available"):
            return
        self._namespace("cert-manager", "cert-manager-operator")
        for program in ("cert-manager", "cert-manager-cainjector", "cert-manager-webhook"):
            if self._api.find("apps/v1", "Deployment", "cert-manager", program) is None:
                self._program(program, "cert-manager", "cert-manager-operator")

    def _istio(self, namespace: str, name: str, value: bytes | None) -> None:
        del namespace
        found = self._api.find("sailoperator.io/v1", "Istio", "", name) if value is not None else None
        if found and self._api.find("apps/v1", "Deployment", found["spec"]["namespace"], "istiod") is None:
            for webhook in webhooks(found["spec"]["namespace"]):
                self._api.apply(webhook, "sail-operator")
            self._program("istiod", found["spec"]["namespace"], "sail-operator")

    def _worker_sets(self, namespace: str, name: str, value: bytes | None) -> None:
        del namespace, name
        place = ("openshift-lws-operator", "lws-controller-manager")
        if value is not None and self._api.find("apps/v1", "Deployment", *place) is None:
            self._program(place[1], place[0], "openshift-lws-operator")

    def _said(self, where: tuple[str, str, str, str], kind: str) -> bool:
        """Note a condition on an object; whether it was there, or the object is not."""
        found = self._api.find(*where)
        if found is None or any(each["type"] == kind for each in found.get("status", {}).get("conditions", [])):
            return True
        self._api.status(found, {"conditions": conditions(kind)}, "controller")
        return False

    # cert-manager.

    def _ready(self, version: str, kind: str) -> Callable[[str, str, bytes | None], None]:
        def reaction(namespace: str, name: str, value: bytes | None) -> None:
            if value is not None:
                self._said((version, kind, namespace, name), "Ready")

        return reaction

    def _certificate(self, namespace: str, name: str, value: bytes | None) -> None:
        if value is None or self._said(("cert-manager.io/v1", "Certificate", namespace, name), "Ready"):
            return
        found = self._api.find("cert-manager.io/v1", "Certificate", namespace, name)
        if found is None or self._api.find("v1", "Secret", namespace, found["spec"]["secretName"]):
            return
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": found["spec"]["secretName"],
                "namespace": namespace,
                "annotations": {"cert-manager.io/certificate-name": name},
            },
            "type": "kubernetes.io/tls",
            "stringData": {"ca.crt": PEM, "tls.crt": PEM, "tls.key": "none"},
        }
        self._api.apply(secret, "cert-manager-certificates-issuing")

    # Istio.

    def _gateway(self, namespace: str, name: str, value: bytes | None) -> None:
        own = f"{name}-istio"
        if value is None:
            self._api.delete("v1", "Service", namespace, own)
            self._api.delete("apps/v1", "Deployment", namespace, own)
            self._api.delete("v1", "ServiceAccount", namespace, own)
            self._balancers.release(namespace, own)
            return
        found = self._api.find(f"{GATEWAY}/v1", "Gateway", namespace, name)
        if found is None or found.get("status", {}).get("addresses"):
            return
        account = {"name": own, "namespace": namespace, "ownerReferences": [reference(found)]}
        self._api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}, "pilot-discovery")
        self._program(own, namespace, "pilot-discovery", found)
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": own,
                "namespace": namespace,
                "labels": {f"{GATEWAY}/gateway-name": name},
                "ownerReferences": [reference(found)],
            },
            "spec": {
                "type": "LoadBalancer",
                "selector": {f"{GATEWAY}/gateway-name": name},
                "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}],
            },
        }
        self._api.apply(service, "pilot-discovery")
        self._balancers.request(namespace, own)
        balanced = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}
        self._api.status(service, balanced, "cloud-controller-manager")
        judged = [
            {**each, "observedGeneration": found["metadata"]["generation"]}
            for each in conditions("Accepted", "Programmed")
        ]
        addresses = [{"type": "IPAddress", "value": "127.0.0.1"}]
        self._api.status(found, {"addresses": addresses, "conditions": judged}, "pilot-discovery")

    def _route(self, namespace: str, name: str, value: bytes | None) -> None:
        found = self._api.find(f"{GATEWAY}/v1", "HTTPRoute", namespace, name) if value is not None else None
        if found is None or found.get("status", {}).get("parents"):
            return
        parents = [
            {
                "parentRef": each,
                "controllerName": "istio.io/gateway-controller",
                "conditions": conditions("Accepted", "ResolvedRefs"),
            }
            for each in found["spec"].get("parentRefs", [])
        ]
        self._api.status(found, {"parents": parents}, "pilot-discovery")

    # KServe.

    def _service(self, namespace: str, name: str, value: bytes | None) -> None:
        if value is None:
            self._forget_service(namespace, name)
            return
        found = self._api.find(SERVING, "LLMInferenceService", namespace, name)
        if found is None or f"/registry/serving.kserve.io/llminferenceservices/{namespace}/{name}" in self._alone:
            return
        found = {"apiVersion": SERVING, "kind": "LLMInferenceService", **found}
        self._children(found)
        ready = self._replicas(found)
        workload = self._api.find("apps/v1", "Deployment", namespace, f"{name}-kserve")
        if workload:
            self._available(workload, ready)
        wanted, generation = found["spec"].get("replicas", 1), found["metadata"]["generation"]
        url = f"http://127.0.0.1:{self._port}/{namespace}/{name}"
        few = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        late = ("MainWorkloadReady", "WorkloadsReady", "Ready")
        verdicts = conditions(*GOOD)
        if ready < wanted:
            verdicts = [each for each in verdicts if each["type"] not in late]
            verdicts += conditions(*late, status="False", reason=few[0], message=few[1])
        status = {
            "observedGeneration": generation,
            "url": url,
            "addresses": [{"url": url}],
            "conditions": sorted(verdicts, key=lambda each: str(each["type"])),
        }
        if any(found.get("status", {}).get(key) != said for key, said in status.items()):
            self._api.status(found, status, "manager")

    def _children(self, owner: Object) -> None:
        namespace, name = owner["metadata"]["namespace"], owner["metadata"]["name"]
        replicas = owner["spec"].get("replicas", 1)
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "llminferenceservice"}
        workload = {**labels, "kserve.io/component": "workload"}
        template = owner["spec"].get("template") or {}
        image = next((each.get("image") for each in template.get("containers", [])), None) or "vllm:1"
        pod = {"metadata": {"labels": workload}, "spec": {"containers": [{"name": "main", "image": image}]}}
        picker = {**labels, "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}
        picking = {"metadata": {"labels": picker}, "spec": {"containers": [{"name": "main", "image": "epp:1"}]}}
        backend = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": f"{name}-inference-pool"}
        gateway = {"group": GATEWAY, "kind": "Gateway", "name": "inference-gateway", "namespace": "opendatahub"}
        revision = {"deployment.kubernetes.io/revision": "1"}
        wanted: list[tuple[str, str, str, Object, Object]] = [
            (
                *("apps/v1", "Deployment", f"{name}-kserve"),
                {"labels": workload, "annotations": revision},
                {"spec": {"replicas": replicas, "selector": {"matchLabels": workload}, "template": pod}},
            ),
            (
                *("v1", "Service", f"{name}-kserve-workload-svc"),
                {"labels": workload},
                {"spec": {"selector": workload, "ports": [{"name": "https", "port": 8000, "protocol": "TCP"}]}},
            ),
            (
                *("apps/v1", "Deployment", f"{name}-kserve-router-scheduler"),
                {"labels": picker, "annotations": revision},
                {"spec": {"replicas": 1, "selector": {"matchLabels": picker}, "template": picking}},
            ),
            (
                *("v1", "Service", f"{name}-epp-service"),
                {"labels": picker},
                {"spec": {"selector": picker, "ports": [{"name": "grpc", "port": 9002, "protocol": "TCP"}]}},
            ),
            (
                *("inference.networking.k8s.io/v1", "InferencePool", f"{name}-inference-pool"),
                {"labels": picker},
                {
                    "spec": {
                        "selector": {"matchLabels": workload},
                        "targetPorts": [{"number": 8000}],
                        "endpointPickerRef": {"name": f"{name}-epp-service", "port": {"number": 9002}},
                    }
                },
            ),
            (
                *(f"{GATEWAY}/v1", "HTTPRoute", f"{name}-kserve-route"),
                {"labels": {**labels, "app.kubernetes.io/component": "llminferenceservice-router"}},
                {"spec": {"parentRefs": [gateway], "rules": [{"backendRefs": [{**backend, "port": 8000}]}]}},
            ),
        ]
        for version, kind, child, meta, rest in wanted:
            present = self._api.find(version, kind, namespace, child)
            if present and (kind != "Deployment" or present["spec"]["replicas"] == rest["spec"]["replicas"]):
                continue
            metadata = {"name": child, "namespace": namespace, "ownerReferences": [reference(owner)], **meta}
            self._api.apply({"apiVersion": version, "kind": kind, "metadata": metadata, **rest}, "manager")

    def _replicas(self, owner: Object) -> int:
        """Have so many pods, each on a TPU node of its own, as far as there are nodes; how many there are."""
        namespace, name = owner["metadata"]["namespace"], owner["metadata"]["name"]
        wanted: int = owner["spec"].get("replicas", 1)
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "llminferenceservice"}
        labels["kserve.io/component"] = "workload"
        everywhere = self._api.list("v1", "Pod")
        mine = [
            pod
            for pod in everywhere
            if pod["metadata"]["namespace"] == namespace
            and labels.items() <= pod["metadata"].get("labels", {}).items()
            and not pod["metadata"].get("deletionTimestamp")
        ]
        for pod in sorted(mine, key=lambda each: str(each["metadata"]["name"]))[wanted:]:
            self._api.delete("v1", "Pod", namespace, pod["metadata"]["name"])
        taken = {pod["spec"].get("nodeName") for pod in everywhere if holds_tpu(pod)}
        nodes = [
            (node["metadata"]["name"], node["status"]["allocatable"][TPU])
            for node in self._api.list("v1", "Node")
            if node["metadata"].get("labels", {}).get(POOL) == "tpu-pool"
            and TPU in node.get("status", {}).get("allocatable", {})
            and not node["spec"].get("unschedulable")
        ]
        free = [each for each in sorted(nodes) if each[0] not in taken]
        for node, chips in free[: max(0, wanted - len(mine))]:
            self._start(owner, labels, node, chips)
        return min(wanted, len(mine) + len(free))

    def _start(self, owner: Object, labels: Object, node: str, chips: str) -> None:
        namespace, name = owner["metadata"]["namespace"], owner["metadata"]["name"]
        digest = hashlib.sha256(node.encode()).hexdigest()
        needs = {"limits": {TPU: chips}, "requests": {TPU: chips}}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{name}-kserve-7d9c5b8f6-{digest[:5]}",
                "namespace": namespace,
                "labels": {**labels, "pod-template-hash": "7d9c5b8f6"},
                "ownerReferences": [
                    {
                        **{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"{name}-kserve-7d9c5b8f6"},
                        **{"uid": owner["metadata"]["uid"], "controller": True},
                    }
                ],
            },
            "spec": {
                "nodeName": node,
                "imagePullSecrets": [{"name": "rhaiis-pull-secret"}],
                "containers": [{"name": "main", "image": "vllm:1", "resources": needs}],
                "tolerations": [{"operator": "Exists"}],
            },
        }
        self._api.create(pod, "kube-controller-manager")
        running = {"name": "main", "image": "vllm:1", "imageID": "", "ready": True, "restartCount": 0, "started": True}
        status = {
            "phase": "Running",
            "startTime": SINCE,
            "podIP": f"10.{self._index}.1.{1 + int(digest[:4], 16) % 250}",
            "conditions": conditions("PodScheduled", "Initialized", "ContainersReady", "Ready"),
            "containerStatuses": [{**running, "state": {"running": {"startedAt": SINCE}}}],
        }
        self._api.status(pod, status, "kubelet")

    def _forget_service(self, namespace: str, name: str) -> None:
        for version, kind, child in (
            (f"{GATEWAY}/v1", "HTTPRoute", f"{name}-kserve-route"),
            ("inference.networking.k8s.io/v1", "InferencePool", f"{name}-inference-pool"),
            ("v1", "Service", f"{name}-epp-service"),
            ("v1", "Service", f"{name}-kserve-workload-svc"),
            ("apps/v1", "Deployment", f"{name}-kserve-router-scheduler"),
            ("apps/v1", "Deployment", f"{name}-kserve"),
        ):
            self._api.delete(version, kind, namespace, child)
        selector = f"app.kubernetes.io/name={name},kserve.io/component=workload"
        for pod in self._api.list("v1", "Pod", namespace, selector):
            self._api.delete("v1", "Pod", namespace, pod["metadata"]["name"])


def reference(owner: Object) -> Object:
    """How a child names who made it."""
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }


def holds_tpu(pod: Object) -> bool:
    """Whether a pod has chips of its node."""
    return any(TPU in each.get("resources", {}).get("limits", {}) for each in pod["spec"]["containers"])


__all__ = ("Balancers", "QuickOperators", "conditions")
