# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mixed worlds: things of others around, beside and in place of ours, drawn by a seed from a table of kinds.

A thing of the cloud is written into the cloud's memory; a thing of Kubernetes is made at the API server by one of the
makers that there are in the field, so that its managedFields are what they would be.
"""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import PART_OF, ObjectSet

from sandbox.cloud.errors import Json
from tests.integration.quick_cluster import Api, ApiFailure, Object, until
from tests.integration.quick_operators import conditions
from tests.integration.world_ground import ENVIRONMENT, KEY

EMPTY, BARE, DEPLOYED = "empty", "bare", "deployed"
"""An empty project; our cluster with nothing of ours in it yet; the whole environment."""
DEPLOY, SCALE = "deploy", "scale"
CLOUD, CLUSTER = "cloud", "cluster"

OURS, GATEWAYS, ISTIO = "rhaii-inference", "opendatahub", "istio-system"
CERTS, WORKERS, SHOP = "cert-manager", "openshift-lws-operator", "shop"
SERVING = "serving.kserve.io/v1alpha1"
NETWORK = "gateway.networking.k8s.io/v1"
CERT = "cert-manager.io/v1"
LABEL, CREATED = "rhaii.gke/environment", "rhaii.gke/created"
ANOTHER = "prod"

SHARE_WHOLE = 14
"""One world in so many holds nothing that collides, and goes through whole."""
MOST = 9


@dataclass(frozen=True, order=True)
class Thing:
    """Something foreign: a part of the cloud's memory, or an object."""

    layer: str
    kind: str
    name: str
    namespace: str = ""
    version: str = ""

    @property
    def title(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def is_default_account(self) -> bool:
        """Whose pull secrets a deployment may add to, for as long as the environment is there."""
        return (self.kind, self.name) == ("ServiceAccount", "default")


class Scene:
    """Where a world is made: the cloud's memory, to be written before the cloud begins, and the API server.

    `sample` is a cluster to make others after.
    """

    def __init__(self, cloud: Json, sample: Json, api: Api, chance: random.Random) -> None:
        self.cloud, self.sample, self.api, self.chance = cloud, sample, api, chance
        self.things: dict[Thing, tuple[str, ...]] = {}
        """With the verbs that each stops."""

    def add(self, thing: Thing, stops: Sequence[str] = ()) -> None:
        self.things[thing] = tuple(stops)

    def namespace(self, name: str) -> None:
        """A namespace that somebody made, with its account, unless there is one."""
        if self.api.find("v1", "Namespace", "", name):
            return
        meta = {"name": name, "labels": {"team": "others"}}
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, "kubectl-create")
        self.add(Thing(CLUSTER, "Namespace", name, "", "v1"))
        until(lambda: self.api.find("v1", "ServiceAccount", name, "default") is not None, f"the account of {name}")
        self.add(Thing(CLUSTER, "ServiceAccount", "default", name, "v1"))


Make = Callable[[Scene], None]


@dataclass(frozen=True)
class Kind:
    """A row of the table. Of one slot a world holds one kind at the most."""

    name: str
    slot: str
    layer: str
    bases: frozenset[str]
    stops: tuple[str, ...]
    make: Make


# Who makes things in a cluster, and what shows it.


def by_kubectl(api: Api, item: Object) -> None:
    """kubectl apply, as most people do it."""
    meta = item["metadata"]
    last = json.dumps(item, separators=(",", ":"))
    noted = {**meta.get("annotations", {}), "kubectl.kubernetes.io/last-applied-configuration": last + "\n"}
    api.create({**item, "metadata": {**meta, "annotations": noted}}, "kubectl-client-side-apply")


def by_kubectl_server_side(api: Api, item: Object) -> None:
    """kubectl apply --server-side."""
    api.apply(item, "kubectl")


def by_helm(api: Api, item: Object) -> None:
    """A chart."""
    namespace = item["metadata"].get("namespace", "default")
    notes = {"meta.helm.sh/release-name": "platform", "meta.helm.sh/release-namespace": namespace}
    api.create(marked(item, {"app.kubernetes.io/managed-by": "Helm"}, notes), "helm")


def by_argo(api: Api, item: Object) -> None:
    """Argo CD."""
    meta = item["metadata"]
    tracking = f"platform:{item['apiVersion'].split('/')[0]}/{item['kind']}:{meta.get('namespace', '')}/{meta['name']}"
    notes = {"argocd.argoproj.io/tracking-id": tracking}
    api.apply(marked(item, {"app.kubernetes.io/instance": "platform"}, notes), "argocd-controller")


def by_flux(api: Api, item: Object) -> None:
    """Flux."""
    labels = {"kustomize.toolkit.fluxcd.io/name": "platform", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    api.apply(marked(item, labels, {}), "kustomize-controller")


def by_terraform(api: Api, item: Object) -> None:
    """Terraform's provider for Kubernetes."""
    api.apply(item, "Terraform")


def by_python(api: Api, item: Object) -> None:
    """A script, or kubernetes.core without server-side apply."""
    api.create(item, "OpenAPI-Generator")


def by_kubectl_create(api: Api, item: Object) -> None:
    """kubectl create."""
    api.create(item, "kubectl-create")


def labelled_by_us(api: Api, item: Object) -> None:
    """Somebody's, over which version 0.1.0 put its labels."""
    by_kubectl(api, item)
    meta = {key: value for key, value in item["metadata"].items() if key in ("name", "namespace")}
    labels = {"app.kubernetes.io/managed-by": "rhaii.gke", LABEL: ENVIRONMENT}
    api.apply({**head(item), "metadata": {**meta, "labels": labels}}, "rhaii.gke")


def of_another_environment(api: Api, item: Object) -> None:
    """Made by us for another environment."""
    labels = {"app.kubernetes.io/managed-by": "rhaii.gke", LABEL: ANOTHER}
    api.apply(marked(item, labels, {CREATED: "true"}), "rhaii.gke")


def copied(api: Api, item: Object) -> None:
    """Made by somebody from a copy of ours, with all our marks."""
    labels = {"app.kubernetes.io/managed-by": "rhaii.gke", LABEL: ENVIRONMENT}
    by_kubectl(api, marked(item, labels, {CREATED: "true"}))


MAKERS: tuple[Callable[[Api, Object], None], ...] = (
    by_kubectl,
    by_kubectl_server_side,
    by_helm,
    by_argo,
    by_flux,
    by_terraform,
    by_python,
    by_kubectl_create,
    labelled_by_us,
    of_another_environment,
    copied,
)


def head(item: Object) -> Object:
    """What an object is."""
    return {"apiVersion": item["apiVersion"], "kind": item["kind"]}


def marked(item: Object, labels: Mapping[str, str], notes: Mapping[str, str]) -> Object:
    """An object with more labels and annotations."""
    meta = item["metadata"]
    more = {"labels": {**meta.get("labels", {}), **labels}, "annotations": {**meta.get("annotations", {}), **notes}}
    return {**item, "metadata": {**meta, **{key: value for key, value in more.items() if value}}}


def an_object(
    version: str,
    kind: str,
    place: str,
    body: Object,
    stops: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Make:
    """A thing of Kubernetes; `place` is namespace/name or a name."""
    namespace, _, name = place.rpartition("/")

    def make(scene: Scene) -> None:
        if namespace:
            scene.namespace(namespace)
        remove(scene, version, kind, namespace, name)
        meta = {"name": name, **({"namespace": namespace} if namespace else {})}
        item = {"apiVersion": version, "kind": kind, "metadata": meta, **copy.deepcopy(body)}
        item = marked(item, labels or {}, {})
        scene.chance.choice(MAKERS)(scene.api, item)
        if kind == "Deployment":
            counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
            working = {"observedGeneration": 1, **counts, "conditions": conditions("Available")}
            scene.api.status(item, working, "kube-controller-manager")
        scene.add(Thing(CLUSTER, kind, name, namespace, version), stops)

    return make


def remove(scene: Scene, version: str, kind: str, namespace: str, name: str) -> None:
    """Take ours away, with what belongs to it, so that another one can have its name."""
    api = scene.api
    if not api.delete(version, kind, namespace, name):
        return
    if kind == "Gateway":
        own = f"{name}-istio"
        api.delete("v1", "Service", namespace, own)
        api.delete("apps/v1", "Deployment", namespace, own)
        scene.cloud["load_balancers"] = {
            key: each
            for key, each in scene.cloud["load_balancers"].items()
            if (each["namespace"], each["service"]) != (namespace, own)
        }
    if kind == "LLMInferenceService":
        api.delete(NETWORK, "HTTPRoute", namespace, f"{name}-kserve-route")
        api.delete("inference.networking.k8s.io/v1", "InferencePool", namespace, f"{name}-inference-pool")
        for child in (f"{name}-epp-service", f"{name}-kserve-workload-svc"):
            api.delete("v1", "Service", namespace, child)
        api.delete("apps/v1", "Deployment", namespace, f"{name}-kserve")
        for each in api.list("v1", "Pod", namespace, f"app.kubernetes.io/name={name}"):
            api.delete("v1", "Pod", namespace, each["metadata"]["name"])


# What things of Kubernetes look like.


def gateway(port: int = 8080) -> Object:
    listener = {"name": "web", "port": port, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}}
    return {"spec": {"gatewayClassName": "istio", "listeners": [listener]}}


def deployment(name: str, **meta: Any) -> Object:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx:1.27"}]}}
    return {"spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}, **meta}


def service(kind: str = "ClusterIP") -> Object:
    return {"spec": {"type": kind, "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]}}


def route(parent: str, namespace: str, path: str = "/shop") -> Object:
    match = {"path": {"type": "PathPrefix", "value": path}}
    rule = {"matches": [match], "backendRefs": [{"name": "web", "port": 80}]}
    return {"spec": {"parentRefs": [{"name": parent, "namespace": namespace}], "rules": [rule]}}


def secret(**data: str) -> Object:
    return {"type": "Opaque", "stringData": data}


def pull_secret() -> Object:
    config = {"auths": {"quay.io": {"auth": base64.b64encode(b"team:word").decode()}}}
    return {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": json.dumps(config)}}


def policy(*types: str) -> Object:
    return {"spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": list(types) or ["Ingress"]}}


def model(name: str) -> Object:
    pod = {"containers": [{"name": "main", "image": "quay.io/team/vllm:2"}]}
    return {"spec": {"model": {"uri": f"hf://team/{name}", "name": name}, "replicas": 1, "template": pod}}


def envoy_filter() -> Object:
    patch = {"operation": "MERGE", "value": {"per_connection_buffer_limit_bytes": 32768}}
    return {"spec": {"configPatches": [{"applyTo": "LISTENER", "match": {"context": "GATEWAY"}, "patch": patch}]}}


def in_set(name: str) -> dict[str, str]:
    """The label of a set of ours whose parent is in our namespace."""
    return {PART_OF: ObjectSet(name, OURS).identity}


def cron() -> Object:
    pod_spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "quay.io/team/report:1"}]}
    return {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": pod_spec}}}}}


def certificate() -> Object:
    issuer = {"name": "team-issuer", "kind": "ClusterIssuer"}
    return {"spec": {"secretName": "team-ca", "commonName": "team-ca", "isCA": True, "issuerRef": issuer}}


def role_rules() -> Object:
    return {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}


def pod(node: str = "", chips: int = 0, owner: bool = False) -> Object:
    main: Object = {"name": "main", "image": "quay.io/team/train:1"}
    if chips:
        main["resources"] = {"limits": {"google.com/tpu": str(chips)}, "requests": {"google.com/tpu": str(chips)}}
    spec: Object = {"containers": [main], "tolerations": [{"operator": "Exists"}]}
    if node:
        spec["nodeName"] = node
    found: Object = {"spec": spec}
    if owner:
        kept = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "train", "controller": True}
        found["owner"] = {**kept, "uid": "0f0f0f0f-0000-4000-8000-000000000000"}
    return found


def owned(kind: str, version: str, place: str, body: Object, owner: Object) -> Make:
    """An object that an operator made for a resource of its own kind, which nobody here knows."""
    noted = {"uid": "0d0d0d0d-0000-4000-8000-000000000000", "controller": True, **owner}
    namespace, _, name = place.rpartition("/")

    def make(scene: Scene) -> None:
        scene.namespace(namespace)
        meta = {"name": name, "namespace": namespace, "ownerReferences": [noted]}
        scene.api.create({"apiVersion": version, "kind": kind, "metadata": meta, **copy.deepcopy(body)}, "manager")
        scene.add(Thing(CLUSTER, kind, name, namespace, version))

    return make


def on_our_node(name: str, chips: int = 0, *, owner: bool = False) -> Make:
    """A pod of somebody's on the last of our TPU nodes."""

    def make(scene: Scene) -> None:
        nodes = scene.api.list("v1", "Node", "", "cloud.google.com/gke-nodepool=tpu-pool")
        scene.namespace(SHOP)
        body = pod(sorted(each["metadata"]["name"] for each in nodes)[-1] if nodes else "", chips, owner)
        references = {"ownerReferences": [body.pop("owner")]} if owner else {}
        item = {**{"apiVersion": "v1", "kind": "Pod"}, "metadata": {"name": name, "namespace": SHOP, **references}}
        scene.chance.choice((by_kubectl_create, by_python))(scene.api, {**item, **body})
        running = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        scene.api.status({**item, **body}, running, "kubelet")
        scene.add(Thing(CLUSTER, "Pod", name, SHOP, "v1"))

    return make


def release(name: str, namespace: str, stops: Sequence[str]) -> Make:
    """Helm's record of a release, of somebody else's chart."""
    info = {"status": "deployed", "first_deployed": "2026-01-01T00:00:00Z", "last_deployed": "2026-01-01T00:00:00Z"}
    chart = {"metadata": {"name": f"our-{name}", "version": "9.9.9", "apiVersion": "v2"}, "templates": [], "values": {}}
    whole = {"name": name, "namespace": namespace, "version": 1, "info": info, "chart": chart, "manifest": ""}
    packed = base64.b64encode(gzip.compress(json.dumps(whole).encode(), mtime=0)).decode()

    def make(scene: Scene) -> None:
        scene.namespace(namespace)
        labels = {"name": name, "owner": "helm", "status": "deployed", "version": "1"}
        record = f"sh.helm.release.v1.{name}.v1"
        scene.api.delete("v1", "Secret", namespace, record)
        meta = {"name": record, "namespace": namespace, "labels": labels}
        body = {"type": "helm.sh/release.v1", "stringData": {"release": packed}}
        scene.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, **body}, "helm")
        scene.add(Thing(CLUSTER, "Secret", record, namespace, "v1"), stops)

    return make


def balanced(name: str, namespace: str) -> Make:
    """A Service with a load balancer of its own in our cluster."""
    inner = an_object("v1", "Service", f"{namespace}/{name}", service("LoadBalancer"))

    def make(scene: Scene) -> None:
        inner(scene)
        uid = scene.cloud["clusters"][KEY]["uid"] if KEY in scene.cloud["clusters"] else "0" * 32
        balancer(scene, f"{namespace[:4]}{name[:8]}", "rhaii-tpu-scaleout-cluster", namespace, name, uid)

    return make


# Things of the cloud.


def balancer(scene: Scene, name: str, cluster: str, namespace: str, service_name: str, uid: str) -> None:
    digest = base64.b16encode(f"{name}{cluster}".encode()).decode().lower()[:31].ljust(31, "0")
    entry: Json = {
        **{"name": f"a{digest}", "location": "europe-west4-a", "cluster": cluster, "namespace": namespace},
        **{"service": service_name, "address": f"127.201.99.{len(scene.cloud['load_balancers']) + 100}"},
        **{"created_at": 1.0, "ready_at": 2.0, "cluster_uid": uid, "network": "default"},
    }
    scene.cloud["load_balancers"][entry["name"]] = entry
    scene.add(Thing(CLOUD, "load balancer", entry["name"]))


def foreign_balancer(scene: Scene) -> None:
    """One with our Service's name, for a cluster of others."""
    other_cluster("their-cluster")(scene)
    uid = scene.cloud["clusters"]["europe-west4-a/their-cluster"]["uid"]
    balancer(scene, "theirs", "their-cluster", GATEWAYS, "inference-gateway-istio", uid)


def relabel_pool(pool: str, labels: Mapping[str, str], stops: Sequence[str]) -> Make:
    """A pool of our name that is somebody else's."""

    def make(scene: Scene) -> None:
        entry = scene.cloud["clusters"][KEY]["pools"][pool]
        entry["body"]["config"]["resourceLabels"] = dict(labels)
        scene.add(Thing(CLOUD, "node pool", pool), stops)

    return make


def second_pool(name: str, like: str, labels: Mapping[str, str]) -> Make:
    """A pool of somebody's in our cluster."""

    def make(scene: Scene) -> None:
        pools = scene.cloud["clusters"][KEY]["pools"]
        entry = renamed(pools[like], like, name)
        entry["body"]["config"]["resourceLabels"] = dict(labels)
        for group in entry["groups"].values():
            for number, each in enumerate(group["instances"].values()):
                each["number"] = 40 + 10 * len(pools) + number
        pools[name] = entry
        scene.add(Thing(CLOUD, "node pool", name))

    return make


def renamed(entry: Json, old: str, new: str) -> Json:
    """The same under another name, in whatever is named after it."""
    found: Json = json.loads(json.dumps(entry).replace(old, new))
    return found


def relabel_cluster(labels: Mapping[str, str], status: str = "RUNNING") -> Make:
    """A cluster of our name that is not ours, or not to be touched."""

    def make(scene: Scene) -> None:
        entry = scene.cloud["clusters"][KEY]
        entry["body"]["resourceLabels"] = dict(labels)
        entry["status"] = status
        if labels is not KEPT:
            # a pool that is ours would rightly go with a teardown, whosever the cluster is
            for pool in entry["pools"].values():
                pool["body"]["config"]["resourceLabels"] = dict(labels)
        if status == "ERROR":
            entry["status_message"] = "Something went wrong while the cluster was created."
        scene.add(Thing(CLOUD, "cluster", KEY.rpartition("/")[2]), (DEPLOY, SCALE))

    return make


def other_cluster(name: str, zone: str = "europe-west4-a", labels: Mapping[str, str] | None = None) -> Make:
    """A cluster beside ours, with a pool that is called like ours."""

    def make(scene: Scene) -> None:
        entry = renamed(scene.sample, "rhaii-tpu-scaleout-cluster", name)
        entry = json.loads(json.dumps(entry).replace("europe-west4-a", zone))
        entry.update(
            index=40 + len(scene.cloud["clusters"]), uid=f"{len(name):08x}" + "e" * 24, endpoint="127.200.98.1"
        )
        entry["body"]["resourceLabels"] = dict(labels or {})
        entry["pools"].pop("default-pool")
        for group in entry["pools"]["tpu-pool"]["groups"].values():
            # scaled to nothing: its chips would leave none of the quota for ours
            group.update(instances={}, target=0)
        scene.cloud["clusters"][f"{zone}/{name}"] = entry
        scene.add(Thing(CLOUD, "other cluster", f"{zone}/{name}"))

    return make


TERRAFORM = {"managed-by": "terraform", "goog-terraform-provisioned": "true"}
THEIRS_AND_OURS = {"managed-by": "rhaii-gke", "rhaii-environment": ENVIRONMENT, "goog-terraform-provisioned": "true"}
OF_PROD = {"managed-by": "rhaii-gke", "rhaii-environment": ANOTHER}
KEPT = {"managed-by": "rhaii-gke", "rhaii-environment": ENVIRONMENT, "rhaii-keep": "true"}

IN_CLUSTER = frozenset({BARE, DEPLOYED})
BOTH = (DEPLOY, SCALE)


def cloud_kind(name: str, slot: str, make: Make, stops: Sequence[str] = (), bases: frozenset[str] = IN_CLUSTER) -> Kind:
    return Kind(name, slot, CLOUD, bases, tuple(stops), make)


def row(
    kind: str, version: str, place: str, body: Object, stops: Sequence[str] = (), bases: frozenset[str] = IN_CLUSTER
) -> Kind:
    make = an_object(version, kind, place, body, stops)
    return Kind(f"{kind} {place}", f"{kind} {place}", CLUSTER, bases, tuple(stops), make)


def special(name: str, make: Make, stops: Sequence[str] = (), bases: frozenset[str] = IN_CLUSTER) -> Kind:
    return Kind(name, name, CLUSTER, bases, tuple(stops), make)


def pools() -> list[Kind]:
    found = []
    for pool, stops in (("tpu-pool", BOTH), ("default-pool", (DEPLOY,))):
        for whose, labels in (
            ("Terraform's", TERRAFORM),
            ("without labels", {}),
            ("of another environment", OF_PROD),
            ("Terraform's with our labels", THEIRS_AND_OURS),
        ):
            found.append(cloud_kind(f"{pool} {whose}", f"pool {pool}", relabel_pool(pool, labels, stops), stops))
    return found


def clusters() -> list[Kind]:
    anywhere = frozenset({EMPTY, BARE, DEPLOYED})
    return [
        *(
            cloud_kind(f"cluster {whose}", "cluster", relabel_cluster(labels, status), BOTH)
            for whose, labels, status in (
                ("without labels", {}, "RUNNING"),
                ("Terraform's", TERRAFORM, "RUNNING"),
                ("of another environment", OF_PROD, "RUNNING"),
                ("in ERROR and kept", KEPT, "ERROR"),
                ("in ERROR and not ours", {}, "ERROR"),
            )
        ),
        cloud_kind("second pool", "second pool", second_pool("batch-pool", "default-pool", {"team": "batch"})),
        cloud_kind("second TPU pool", "second TPU pool", second_pool("their-tpu", "tpu-pool", TERRAFORM)),
        cloud_kind("cluster beside", "beside", other_cluster("their-other"), (), anywhere),
        cloud_kind(
            "cluster of another environment beside",
            "beside another",
            other_cluster("prod-cluster", labels=OF_PROD),
            (),
            anywhere,
        ),
        cloud_kind(
            "cluster of our name elsewhere",
            "elsewhere",
            other_cluster("rhaii-tpu-scaleout-cluster", "us-east5-a"),
            (),
            anywhere,
        ),
        cloud_kind("load balancer of others", "their balancer", foreign_balancer, (), anywhere),
    ]


def colliding() -> list[Kind]:
    """Objects that have the names of ours."""
    only = (DEPLOY,)
    return [
        row("Gateway", NETWORK, f"{GATEWAYS}/inference-gateway", gateway(), only),
        row("ConfigMap", "v1", f"{GATEWAYS}/inference-gateway-config", {"data": {"service": "spec: {}"}}, only),
        row("ConfigMap", "v1", f"{GATEWAYS}/odh-ca-bundle", {"data": {"ca.crt": "of others"}}, only),
        row("ClusterIssuer", CERT, "opendatahub-selfsigned-issuer", {"spec": {"selfSigned": {}}}, only),
        row("ClusterIssuer", CERT, "opendatahub-ca-issuer", {"spec": {"ca": {"secretName": "team-ca"}}}, only),
        row("Certificate", CERT, f"{CERTS}/opendatahub-ca", certificate(), only),
        row("HTTPRoute", NETWORK, f"{OURS}/guide-paths", route("team-gateway", SHOP), only),
        row(
            "EnvoyFilter",
            "networking.istio.io/v1alpha3",
            f"{GATEWAYS}/envoyfilter-route-extproc-body",
            envoy_filter(),
            only,
        ),
        *(
            row("NetworkPolicy", "networking.k8s.io/v1", f"{OURS}/{name}", policy("Ingress"), only)
            for name in ("allow-gateway-to-vllm", "allow-epp-scheduler", "allow-istio", "allow-vllm-egress")
        ),
        row("Secret", "v1", f"{OURS}/rhaiis-pull-secret", pull_secret(), only),
        row("Secret", "v1", f"{OURS}/huggingface-token", secret(token="hf_of_somebody_else"), only),
        row("Secret", "v1", f"{GATEWAYS}/redhat-pull-secret", pull_secret(), only),
        row("LLMInferenceService", SERVING, f"{OURS}/qwen-3b-tpu-svc", model("theirs"), BOTH),
        row("ConfigMap", "v1", f"{OURS}/rhaii-models", {"data": {"list": "theirs"}}, BOTH),
        *(
            row("ConfigMap", "v1", f"{namespace}/rhaii-{name}", {"data": {"list": "theirs"}}, only)
            for namespace, name in (
                (OURS, "models-access"),
                (OURS, "network-policies"),
                (OURS, "guide-paths"),
                (GATEWAYS, "body-forwarding"),
                (GATEWAYS, "pull-secret"),
                (GATEWAYS, "pki"),
                (GATEWAYS, "gateway"),
            )
        ),
        row("ServiceAccount", "v1", f"{ISTIO}/istiod", {"imagePullSecrets": [{"name": "team"}]}, only),
        row("ServiceAccount", "v1", f"{WORKERS}/lws-controller-manager", {}, only),
        row(
            "LeaderWorkerSetOperator",
            "operator.openshift.io/v1",
            "cluster",
            {"spec": {"managementState": "Unmanaged"}},
            only,
        ),
        *(
            special(f"Helm release {name}", release(name, namespace, only), only)
            for name, namespace in (
                ("cert-manager-operator", "cert-manager-operator"),
                ("sail-operator", ISTIO),
                ("lws-operator", WORKERS),
                ("kserve-rhaii-xks", GATEWAYS),
            )
        ),
    ]


def in_place_of_children() -> list[Kind]:
    """Objects that have the names of what controllers make for ours, and would write over."""
    only, bare = (DEPLOY,), frozenset({BARE})
    return [
        row("Service", "v1", f"{GATEWAYS}/inference-gateway-istio", service("LoadBalancer"), only, bare),
        row("Deployment", "apps/v1", f"{GATEWAYS}/inference-gateway-istio", deployment("edge"), only, bare),
        row("HTTPRoute", NETWORK, f"{OURS}/qwen-3b-tpu-svc-kserve-route", route("team-gateway", SHOP), only, bare),
        row("Service", "v1", f"{OURS}/qwen-3b-tpu-svc-kserve-workload-svc", service(), only, bare),
        row("Deployment", "apps/v1", f"{OURS}/qwen-3b-tpu-svc-kserve", deployment("qwen"), only, bare),
        row("Secret", "v1", f"{CERTS}/opendatahub-ca", secret(note="of others"), only, bare),
        row("Deployment", "apps/v1", f"{CERTS}/cert-manager", deployment("cert-manager"), only, bare),
        row("Deployment", "apps/v1", f"{ISTIO}/istiod", deployment("istiod"), only, bare),
    ]


def beside() -> list[Kind]:
    """Objects that are nobody's business of ours."""
    return [
        row("Gateway", NETWORK, f"{SHOP}/team-gateway", gateway()),
        row("Gateway", NETWORK, f"{SHOP}/inference-gateway", gateway(8081)),
        row("Gateway", NETWORK, f"{GATEWAYS}/team-gateway", gateway(8082)),
        row("Service", "v1", f"{SHOP}/inference-gateway", service()),
        special("balanced Service", balanced("web", SHOP)),
        special("balanced Service named like ours", balanced("inference-gateway-istio", SHOP)),
        special("balanced Service in our namespace", balanced("web", OURS)),
        row("Pod", "v1", f"{OURS}/notebook", pod()),
        row("Deployment", "apps/v1", f"{OURS}/dashboard", deployment("dashboard")),
        row("Deployment", "apps/v1", f"{SHOP}/web", deployment("web")),
        row("Deployment", "apps/v1", f"{GATEWAYS}/odh-dashboard", deployment("odh-dashboard")),
        row("Deployment", "apps/v1", f"{CERTS}/trust-manager", deployment("trust-manager")),
        special("Pod on our TPU node", on_our_node("train", owner=True), (), frozenset({DEPLOYED})),
        special("bare Pod on our TPU node", on_our_node("debug"), (), frozenset({DEPLOYED})),
        special("Pod with chips of ours", on_our_node("train-tpu", 4), (), frozenset({BARE})),
        row("LLMInferenceService", SERVING, f"{SHOP}/qwen-3b-tpu-svc", model("theirs")),
        row("LLMInferenceService", SERVING, f"{OURS}/mistral", model("mistral")),
        *(
            special(f"{kind} with the label of our set", an_object(version, kind, f"{OURS}/stray", body, (), label), ())
            for version, kind, body, label in (
                (SERVING, "LLMInferenceService", model("stray"), in_set("rhaii-models")),
                ("networking.k8s.io/v1", "NetworkPolicy", policy(), in_set("rhaii-network-policies")),
                (NETWORK, "HTTPRoute", route("team-gateway", SHOP), in_set("rhaii-guide-paths")),
                ("v1", "Secret", secret(token="theirs"), in_set("rhaii-models-access")),
            )
        ),
        row("Secret", "v1", f"{OURS}/database", secret(password="theirs")),
        row("Secret", "v1", f"{SHOP}/rhaiis-pull-secret", pull_secret()),
        row("Secret", "v1", f"{GATEWAYS}/team-pull-secret", pull_secret()),
        row("ConfigMap", "v1", f"{OURS}/settings", {"data": {"mode": "theirs"}}),
        row("ConfigMap", "v1", f"{ISTIO}/team-mesh", {"data": {"mesh": "theirs"}}),
        row("NetworkPolicy", "networking.k8s.io/v1", f"{OURS}/default-deny", policy("Ingress", "Egress")),
        row("HTTPRoute", NETWORK, f"{SHOP}/web", route("inference-gateway", GATEWAYS)),
        row("HTTPRoute", NETWORK, f"{OURS}/admin", route("inference-gateway", GATEWAYS, "/admin")),
        row("EnvoyFilter", "networking.istio.io/v1alpha3", f"{GATEWAYS}/team-limits", envoy_filter()),
        row("ClusterIssuer", CERT, "team-issuer", {"spec": {"selfSigned": {}}}),
        row("Certificate", CERT, f"{SHOP}/web", certificate()),
        row("ServiceAccount", "v1", f"{OURS}/notebook", {}),
        row("ClusterRole", "rbac.authorization.k8s.io/v1", "team-reader", role_rules()),
        row("StorageClass", "storage.k8s.io/v1", "team-ssd", {"provisioner": "pd.csi.storage.gke.io"}),
        special("Helm release podinfo", release("podinfo", SHOP, ())),
        special(
            "StatefulSet of an operator",
            owned(
                "StatefulSet",
                "apps/v1",
                f"{SHOP}/orders",
                {"spec": {**deployment("orders")["spec"], "serviceName": "orders"}},
                {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "orders"},
            ),
        ),
        special(
            "Pod of a ReplicaSet",
            owned(
                "Pod",
                "v1",
                f"{SHOP}/canary-1",
                pod(),
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "canary"},
            ),
        ),
        row(
            "StatefulSet", "apps/v1", f"{SHOP}/cache", {"spec": {**deployment("cache")["spec"], "serviceName": "cache"}}
        ),
        row(
            "PersistentVolumeClaim",
            "v1",
            f"{SHOP}/data",
            {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        ),
        row("CronJob", "batch/v1", f"{SHOP}/nightly", cron()),
        special("Namespace of others", lambda scene: scene.namespace("team-a")),
    ]


KINDS: tuple[Kind, ...] = (*pools(), *clusters(), *colliding(), *in_place_of_children(), *beside())


@dataclass(frozen=True)
class World:
    """What there is beside ours, before the first run."""

    seed: int
    number: int
    base: str
    kinds: tuple[Kind, ...]
    replicas: int
    whole: bool
    """Nothing collides: every run goes through."""

    @classmethod
    def drawn(cls, seed: int, number: int) -> World:
        """The same for the same seed and number."""
        chance = random.Random(f"{seed}/{number}")
        whole = number % SHARE_WHOLE == SHARE_WHOLE // 2
        base = (EMPTY, DEPLOYED)[number // SHARE_WHOLE % 2] if whole else chance.choice((BARE, DEPLOYED))
        fitting = [kind for kind in KINDS if base in kind.bases]
        quiet = [kind for kind in fitting if not kind.stops]
        loud = [kind for kind in fitting if kind.stops]
        chosen: list[Kind] = []
        if not whole:
            # a cluster or pool of others stops a run before it looks at objects: these are half of the worlds at most
            layer = CLOUD if chance.random() < 0.3 else CLUSTER
            chosen.append(chance.choice([kind for kind in loud if kind.layer == layer]))
        wanted = chance.randint(1, MOST)
        others = quiet if whole else [kind for kind in fitting if kind.layer == CLUSTER or not kind.stops]
        for kind in chance.sample(others, len(others)):
            if len(chosen) > wanted:
                break
            if kind.slot not in {each.slot for each in chosen} and harmless(kind, whole):
                chosen.append(kind)
        return cls(seed, number, base, tuple(chosen), chance.choice((2, 5)), whole)

    def scene(self, cloud: Json, sample: Json, api: Api) -> Scene:
        """Where it is to be made; makers are chosen by the same seed."""
        return Scene(cloud, sample, api, random.Random(f"{self.seed}/{self.number}/makers"))

    def title(self) -> str:
        """For people."""
        names = "; ".join(kind.name for kind in self.kinds)
        return f"world {self.number} of seed {self.seed} ({self.base}): {names}"


def harmless(kind: Kind, whole: bool) -> bool:
    """A whole world has nothing that would rightly keep a replica from its node, or a request from its way."""
    return not whole or not any(
        word in kind.name for word in ("default-deny", "TPU node", "chips", "mistral", "HTTPRoute", "EnvoyFilter")
    )


def always() -> list[Thing]:
    """What Google put into every cluster."""
    return [
        Thing(CLUSTER, "Namespace", "kube-system", "", "v1"),
        Thing(CLUSTER, "StorageClass", "standard-rwo", "", "storage.k8s.io/v1"),
        Thing(CLUSTER, "ClusterRoleBinding", "gke-container-admin", "", "rbac.authorization.k8s.io/v1"),
        Thing(CLUSTER, "ServiceAccount", "default", "kube-system", "v1"),
    ]


def seen(thing: Thing, api: Api, cloud: Json) -> Json | None:
    """A thing as it is now, whole."""
    if thing.layer == CLUSTER:
        try:
            return api.find(thing.version, thing.kind, thing.namespace, thing.name)
        except ApiFailure as error:
            return {"unreadable": str(error)}
    if thing.kind == "load balancer":
        found: Json | None = cloud["load_balancers"].get(thing.name)
        return found
    if thing.kind == "other cluster":
        other: Json | None = cloud["clusters"].get(thing.name)
        return other
    ours = cloud["clusters"].get(KEY)
    if thing.kind == "node pool":
        return None if ours is None else ours["pools"].get(thing.name)
    # of a cluster of our name that is not ours everything is foreign
    return None if ours is None else dict(ours)


__all__ = ("CLOUD", "CLUSTER", "DEPLOY", "KINDS", "SCALE", "Kind", "Scene", "Thing", "World", "always", "seen")
