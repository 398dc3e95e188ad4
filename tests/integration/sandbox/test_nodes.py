# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes against a real control plane, asked by kubectl: what a kubelet does, they do."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import processes
from sandbox.control_plane.cluster import ControlPlane

pytestmark = pytest.mark.cluster

Object = dict[str, Any]

IMAGES = Path(__file__).parent / "images"
SMALL = "registry.test/small:1"
CLUSTER_INDEX = 98
PATIENCE = 30.0
TPU = "google.com/tpu"


def machine(number: int, **changes: Any) -> Object:
    """An entry of nodes.json."""
    return {
        "name": f"gke-test-{number}",
        "number": number,
        "pool": "default-pool",
        "machine_type": "e2-standard-4",
        "zone": "europe-west4-a",
        "labels": {},
        "taints": [],
        "capacity": {"cpu": "4", "memory": "16Gi"},
        "version": "v1.36.3-gke.1",
        "provider_id": f"gce://p/europe-west4-a/gke-test-{number}",
        **changes,
    }


# what a pod selects, or GKE's warden refuses it
TPU_LABELS = {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice", "cloud.google.com/gke-tpu-topology": "2x2"}
TPU_MACHINE = machine(
    1,
    pool="tpu-pool",
    machine_type="ct6e-standard-4t",
    labels=TPU_LABELS,
    taints=[{"key": TPU, "value": "present", "effect": "NoSchedule"}],
    capacity={"cpu": "180", "memory": "720Gi", TPU: "4"},
)


class Cluster:
    """A control plane with nodes, and kubectl for it."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.settings = plane.settings
        self.directory = plane.directory
        (self.directory / "images").symlink_to(IMAGES)
        self.set_machines(machine(0), TPU_MACHINE)

    def set_machines(self, *machines: Object) -> None:
        """Let the cloud have given these machines."""
        new = self.directory / "nodes.json.new"
        new.write_text(json.dumps(machines))
        new.replace(self.directory / "nodes.json")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl, whatever it answers."""
        return subprocess.run(
            [str(self.settings.bin / "kubectl"), *arguments],
            env={"KUBECONFIG": str(self.plane.kubeconfig), "HOME": str(self.directory), "PATH": os.defpath},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def ask(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl, which must succeed."""
        done = self.kubectl(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *arguments: str) -> Object:
        """An object or a list."""
        return dict(json.loads(self.ask("get", *arguments, "-o", "json")))

    def create(self, *objects: Object) -> None:
        """Create objects."""
        body = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.ask("create", "-f", "-", stdin=json.dumps(body))

    def fetch(self, pod: str, path: str) -> str:
        """GET from a pod through the API server and the network's proxy."""
        return self.ask("get", "--raw", f"/api/v1/namespaces/default/pods/{pod}:8000/proxy{path}")

    def status(self, pod: str) -> Object:
        """A pod's status."""
        return dict(self.get("pod", pod)["status"])

    def main(self, pod: str) -> Object:
        """The status of a pod's first container; empty before there is one."""
        return dict((self.status(pod).get("containerStatuses") or [{}])[0])

    def waiting(self, pod: str) -> str:
        """Why a pod's first container waits."""
        return str(self.main(pod).get("state", {}).get("waiting", {}).get("reason", ""))

    def ready(self, pod: str) -> bool:
        """Whether a pod is ready."""
        conditions = self.status(pod).get("conditions") or []
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def reasons(self, pod: str) -> set[str]:
        """The reasons of a pod's events."""
        events = self.get("events", "--field-selector", f"involvedObject.name={pod}")
        return {event["reason"] for event in events["items"]}


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"after {PATIENCE:.0f} s: not {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def nodes(cluster: ControlPlane) -> Cluster:
    """One control plane with two nodes for all tests of this file."""
    found = Cluster(cluster)
    eventually(lambda: len(ready_nodes(found)) == 2, "two ready nodes")
    return found


def ready_nodes(cluster: Cluster) -> list[str]:
    """The names of nodes that are ready and free of the not-ready taint."""
    return [
        node["metadata"]["name"]
        for node in cluster.get("nodes")["items"]
        if {each["type"]: each["status"] for each in node["status"].get("conditions") or []}.get("Ready") == "True"
        and not any("not-ready" in taint["key"] for taint in node["spec"].get("taints", []))
    ]


def pod(name: str, *args: str, container: Object | None = None, **spec: Any) -> Object:
    """A pod of the small test image."""
    main = {"name": "main", "image": SMALL, **({"args": list(args)} if args else {}), **(container or {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 60, **spec, "containers": [main]},
    }


def test_nodes_are_registered(nodes: Cluster) -> None:
    tpu = nodes.get("node", "gke-test-1")
    assert tpu["status"]["allocatable"][TPU] == "4"
    assert tpu["spec"]["taints"] == TPU_MACHINE["taints"]
    selected = nodes.ask("get", "nodes", "-l", "cloud.google.com/gke-tpu-accelerator=tpu-v6e-slice", "-o", "name")
    assert selected.split() == ["node/gke-test-1"]
    assert nodes.get("lease", "-n", "kube-node-lease", "gke-test-0")["spec"]["holderIdentity"] == "gke-test-0"


def test_pod_runs_through_its_life(nodes: Cluster) -> None:
    mount = {"name": "models", "mountPath": "/mnt/models"}
    probe = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 10}
    init = {
        "name": "init",
        "image": SMALL,
        "args": ["--say", "fetched", "--write", "/mnt/models/weights=heavy"],
        "volumeMounts": [mount],
    }
    main = {
        "env": [
            {"name": "WORD", "value": "there"},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "odd.name", "value": "odd"},
        ],
        "ports": [{"name": "http", "containerPort": 8000}],
        "volumeMounts": [mount],
        "readinessProbe": {**probe, "initialDelaySeconds": 30},
        "livenessProbe": probe,
        "startupProbe": {**probe, "failureThreshold": 60},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    arguments = ("--say", "hello $(WORD)", "--say", "second", "--serve", "8000")
    nodes.create(
        pod("life", *arguments, container=main, initContainers=[init], volumes=[{"name": "models", "emptyDir": {}}])
    )
    eventually(lambda: nodes.ready("life"), "ready")
    status = nodes.status("life")
    assert status["podIP"].startswith(f"10.{CLUSTER_INDEX}.0.")
    assert status["hostIP"] == f"10.{CLUSTER_INDEX}.127.1"
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert status["containerStatuses"][0]["imageID"].startswith("registry.test/small@sha256:")
    assert nodes.ask("logs", "life") == "hello there\nsecond\n"
    assert nodes.ask("logs", "life", "--tail=1") == "second\n"
    assert nodes.ask("logs", "life", "-c", "init") == "fetched\n"
    assert nodes.ask("logs", "life", "--timestamps", "--tail=1").startswith("20")
    assert nodes.fetch("life", "/file/mnt/models/weights") == "heavy"
    assert nodes.fetch("life", "/env/IP") == status["podIP"]
    assert nodes.fetch("life", "/env/odd.name") == "odd"
    wanted = {"Scheduled", "Pulling", "Pulled", "Created", "Started"}
    eventually(lambda: wanted <= nodes.reasons("life"), f"events {wanted}")
    uid = nodes.get("pod", "life")["metadata"]["uid"]
    following = subprocess.Popen(
        [str(nodes.settings.bin / "kubectl"), "logs", "-f", "--tail=0", "life"],
        env={"KUBECONFIG": str(nodes.plane.kubeconfig), "HOME": str(nodes.directory)},
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.0)
    nodes.ask("delete", "pod", "life")
    assert following.communicate(timeout=10)[0] == "told to end\n"
    eventually(lambda: not (nodes.directory / "pods" / uid).exists(), "forgotten")
    assert "Killing" in nodes.reasons("life")


def test_grace_period_ends_with_a_kill(nodes: Cluster) -> None:
    arguments = ("--say", "here", "--linger", "600", "--wait", "600")
    nodes.create(pod("stubborn", *arguments, terminationGracePeriodSeconds=1))
    eventually(lambda: nodes.kubectl("logs", "stubborn").stdout == "here\n", "its first word")
    begun = time.monotonic()
    nodes.ask("delete", "pod", "stubborn")
    assert 2.0 <= time.monotonic() - begun < 15.0


def test_private_image_waits_for_its_pull_secret(nodes: Cluster) -> None:
    nodes.create(pod("locked", container={"image": "private.test/team/small:1"}, imagePullSecrets=[{"name": "pull"}]))
    eventually(lambda: nodes.waiting("locked") == "ImagePullBackOff", "ImagePullBackOff")
    assert "401 Unauthorized" in nodes.main("locked")["state"]["waiting"]["message"]
    assert {"Failed", "BackOff", "FailedToRetrieveImagePullSecret"} <= nodes.reasons("locked")
    # the first while it waits for the next attempt, the second right after one
    said = nodes.kubectl("logs", "locked").stderr
    assert "trying and failing to pull image" in said or "image can't be pulled" in said
    auth = base64.b64encode(b"user:password").decode()
    config = base64.b64encode(json.dumps({"auths": {"private.test": {"auth": auth}}}).encode()).decode()
    nodes.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "pull"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": config},
        }
    )
    eventually(lambda: nodes.ready("locked"), "ready")
    nodes.ask("delete", "pod", "locked", "--grace-period=1")


def test_unknown_tag_is_not_found(nodes: Cluster) -> None:
    nodes.create(pod("tag", container={"image": "registry.test/small:9"}))
    eventually(lambda: nodes.waiting("tag") in ("ErrImagePull", "ImagePullBackOff"), "failing to pull")
    assert "registry.test/small:9: not found" in nodes.main("tag")["state"]["waiting"]["message"]
    nodes.ask("delete", "pod", "tag")


def test_missing_key_is_a_config_error_until_it_is_there(nodes: Cluster) -> None:
    source = {"secretKeyRef": {"name": "hub", "key": "token"}}
    nodes.create(pod("keyless", container={"env": [{"name": "HF_TOKEN", "valueFrom": source}]}))
    eventually(lambda: nodes.waiting("keyless") == "CreateContainerConfigError", "CreateContainerConfigError")
    assert nodes.main("keyless")["state"]["waiting"]["message"] == 'secret "hub" not found'
    nodes.ask("create", "secret", "generic", "hub", "--from-literal=other=x")
    message = "couldn't find key token in Secret default/hub"
    eventually(lambda: nodes.main("keyless")["state"].get("waiting", {}).get("message") == message, message)
    nodes.ask("patch", "secret", "hub", "-p", '{"stringData": {"token": "t"}}')
    eventually(lambda: nodes.ready("keyless"), "ready")
    nodes.ask("delete", "pod", "keyless", "--grace-period=1")


def test_crashing_container_backs_off(nodes: Cluster) -> None:
    nodes.create(pod("crash", "--say", "about to fail", "--exit", "3"))
    eventually(lambda: nodes.waiting("crash") == "CrashLoopBackOff", "CrashLoopBackOff")
    eventually(lambda: nodes.main("crash")["restartCount"] >= 2, "restarted twice")
    assert nodes.main("crash")["lastState"]["terminated"]["exitCode"] == 3
    assert nodes.status("crash")["phase"] == "Running"
    assert nodes.ask("logs", "crash", "--previous") == "about to fail\n"
    assert "BackOff" in nodes.reasons("crash")
    nodes.ask("delete", "pod", "crash")


def test_job_completes_and_a_failed_one_is_retried_in_place(nodes: Cluster) -> None:
    def job(name: str, policy: str, *args: str) -> Object:
        template = pod(name, *args, restartPolicy=policy)
        spec = {"backoffLimit": 6, "template": {"spec": template["spec"]}}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}

    nodes.create(job("good", "Never", "--exit", "0"), job("bad", "OnFailure", "--exit", "1"))
    nodes.ask("wait", "job/good", "--for=condition=complete", "--timeout=30s")

    def restarted() -> bool:
        items = nodes.get("pods", "-l", "job-name=bad")["items"]
        return any(item["status"].get("containerStatuses", [{}])[0].get("restartCount", 0) >= 1 for item in items)

    eventually(restarted, "restarted in place")
    nodes.ask("delete", "job", "good", "bad")


def test_probes_take_a_sick_pod_out_and_restart_it(nodes: Cluster) -> None:
    probe = {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 5}
    main = {"readinessProbe": {**probe, "failureThreshold": 1}, "livenessProbe": {**probe, "failureThreshold": 4}}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "sick"},
        "spec": {"selector": {"app": "sick"}, "ports": [{"port": 8000}]},
    }
    nodes.create(service, pod("sick", "--serve", "8000", container=main))
    eventually(lambda: nodes.ready("sick"), "ready")

    def serving() -> list[bool]:
        slices = nodes.get("endpointslices", "-l", "kubernetes.io/service-name=sick")["items"]
        return [end["conditions"]["ready"] for each in slices for end in each.get("endpoints") or []]

    eventually(lambda: serving() == [True], "an endpoint")
    nodes.fetch("sick", "/sicken")
    eventually(lambda: serving() == [False], "no ready endpoint")
    eventually(lambda: nodes.main("sick")["restartCount"] == 1, "restarted")
    eventually(lambda: nodes.ready("sick"), "ready again")
    assert {"Unhealthy", "Killing"} <= nodes.reasons("sick")
    nodes.ask("delete", "service/sick", "pod/sick")


def test_mounted_files_follow_their_source(nodes: Cluster) -> None:
    nodes.ask("create", "configmap", "conf", "--from-literal=a=one")
    volume = {"name": "conf", "configMap": {"name": "conf"}}
    main = {"volumeMounts": [{"name": "conf", "mountPath": "/etc/conf"}]}
    nodes.create(pod("reader", "--serve", "8000", container=main, volumes=[volume]))
    eventually(lambda: nodes.kubectl("get", "--raw", proxy("reader", "/file/etc/conf/a")).stdout == "one", "one")
    token = "/file/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert nodes.fetch("reader", token).count(".") == 2
    nodes.ask("patch", "configmap", "conf", "-p", '{"data": {"a": "two"}}')
    eventually(lambda: nodes.fetch("reader", "/file/etc/conf/a") == "two", "two")
    nodes.ask("delete", "pod/reader", "configmap/conf")


def proxy(name: str, path: str) -> str:
    """The API path that leads to a pod."""
    return f"/api/v1/namespaces/default/pods/{name}:8000/proxy{path}"


def test_volume_that_nobody_offers_is_refused_by_an_event(nodes: Cluster) -> None:
    nodes.create(pod("host", volumes=[{"name": "h", "hostPath": {"path": "/"}}]))
    eventually(lambda: "FailedMount" in nodes.reasons("host"), "FailedMount")
    assert nodes.waiting("host") == "ContainerCreating"
    nodes.ask("delete", "pod", "host")


def test_node_refuses_chips_that_it_does_not_have(nodes: Cluster) -> None:
    chips = {"resources": {"limits": {TPU: "4"}}}
    there = {"nodeName": "gke-test-1", "nodeSelector": TPU_LABELS}
    nodes.create(pod("chips", container=chips, **there), pod("more", container=chips, **there))
    eventually(
        lambda: {nodes.status(name)["phase"] for name in ("chips", "more")} == {"Running", "Failed"},
        "one runs and one is refused",
    )
    refused = next(nodes.status(name) for name in ("chips", "more") if nodes.status(name)["phase"] == "Failed")
    assert refused["reason"] == f"OutOf{TPU}"
    nodes.ask("delete", "pod", "chips", "more", "--grace-period=1")


def test_streaming_is_refused_with_a_sentence(nodes: Cluster) -> None:
    nodes.create(pod("plain"))
    eventually(lambda: nodes.ready("plain"), "ready")
    assert "offer no exec" in nodes.kubectl("exec", "plain", "--", "ls").stderr
    nodes.ask("delete", "pod", "plain", "--grace-period=1")


def test_metrics_of_nodes_and_pods(nodes: Cluster) -> None:
    nodes.create(pod("busy"))
    eventually(lambda: nodes.ready("busy"), "ready")
    eventually(lambda: "gke-test-0" in nodes.kubectl("top", "nodes").stdout, "kubectl top nodes")
    eventually(lambda: "busy" in nodes.kubectl("top", "pods", "-l", "app=busy").stdout, "kubectl top pods")
    assert nodes.kubectl("top", "pods", "-l", "app=none").stdout == ""
    nodes.ask("delete", "pod", "busy", "--grace-period=1")


def test_restarted_nodes_take_up_their_containers(nodes: Cluster) -> None:
    def job(name: str, code: str) -> Object:
        return pod(name, "--wait", "3", "--exit", code, restartPolicy="Never")

    nodes.create(pod("stays", "--serve", "8000"), job("ends-well", "0"), job("ends-ill", "7"))
    eventually(lambda: all(nodes.main(name).get("started") for name in ("stays", "ends-well", "ends-ill")), "started")
    before = nodes.main("stays")
    record = json.loads((nodes.directory / "run" / "nodes.json").read_text())
    os.kill(record["pid"], signal.SIGKILL)
    processes.reap(record["pid"])
    time.sleep(4.0)
    asyncio.run(nodes.plane.start())
    eventually(lambda: nodes.status("ends-well")["phase"] == "Succeeded", "Succeeded")
    eventually(lambda: nodes.status("ends-ill")["phase"] == "Failed", "Failed")
    assert nodes.main("ends-ill")["state"]["terminated"]["exitCode"] == 7
    after = nodes.main("stays")
    assert (after["containerID"], after["restartCount"], after["ready"]) == (before["containerID"], 0, True)
    nodes.ask("delete", "pod", "stays", "ends-well", "ends-ill", "--grace-period=1")


def test_node_that_the_cloud_takes_loses_its_pods(nodes: Cluster) -> None:
    nodes.create(pod("doomed", nodeName="gke-test-1"))
    eventually(lambda: nodes.ready("doomed"), "ready")
    uid = nodes.get("pod", "doomed")["metadata"]["uid"]
    nodes.set_machines(machine(0))
    eventually(lambda: ready_nodes(nodes) == ["gke-test-0"], "one node")
    eventually(lambda: nodes.kubectl("get", "pod", "doomed").returncode == 1, "deleted")
    eventually(lambda: not (nodes.directory / "pods" / uid).exists(), "forgotten")
    nodes.set_machines(machine(0), TPU_MACHINE)
    eventually(lambda: len(ready_nodes(nodes)) == 2, "two nodes again")
