# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a teardown says of what it could not end, and whom it refuses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.api_core.client_options import ClientOptions
from google.cloud import container_v1
from google.oauth2 import service_account

from tests.integration.cloud_runs import CLUSTER, CREATE, DELETE, REGION, ZONE, EmulatedCloud

PARENT = f"projects/rhaii-sandbox/locations/{ZONE}"
OTHER = "us-east5-a"
WHOLE = {
    "project": "rhaii-sandbox",
    "location": ZONE,
    "cluster": CLUSTER,
    "namespace": "opendatahub",
    "service": "inference-gateway-istio",
}
# a second for what will not come by itself
TEARDOWN = {"cluster_leftovers_timeout": 1}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[EmulatedCloud]:
    with EmulatedCloud(tmp_path / "cloud") as made:
        yield made


def by_hand(cloud: EmulatedCloud) -> container_v1.ClusterManagerClient:
    """The client of somebody who needs no playbook."""
    key = cloud.root / "cloud" / "service-account.json"
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    credentials = service_account.Credentials.from_service_account_file(str(key), scopes=scopes)
    options = ClientOptions(api_endpoint=cloud.server.url)
    return container_v1.ClusterManagerClient(transport="rest", client_options=options, credentials=credentials)


def serve(cloud: EmulatedCloud) -> None:
    """A Service of type LoadBalancer, as the gateway brings one."""
    deadline = time.monotonic() + 20
    while "address" not in cloud.ask("/sandbox/loadbalancers", "POST", WHOLE):
        assert time.monotonic() < deadline, "no load balancer came"
        time.sleep(0.05)


def test_cluster_that_was_deleted_by_hand_leaves_what_the_teardown_names(cloud: EmulatedCloud) -> None:
    assert cloud.play(CREATE).code == 0
    serve(cloud)
    client = by_hand(cloud)
    client.delete_cluster(name=f"{PARENT}/clusters/{CLUSTER}")
    deadline = time.monotonic() + 20
    while client.list_clusters(parent=PARENT).clusters:
        assert time.monotonic() < deadline, "the cluster does not go"
        time.sleep(0.05)
    (name,) = cloud.state.load_balancers
    shown = cloud.play(DELETE, **TEARDOWN)
    assert (shown.code, shown.tracebacks, len(shown.failures)) == (2, 0, 1)
    for command in (
        f"gcloud compute forwarding-rules delete {name} --region {REGION} --project rhaii-sandbox",
        f"gcloud compute addresses delete {name} --region {REGION} --project rhaii-sandbox",
        f"gcloud compute firewall-rules delete k8s-fw-{name} --project rhaii-sandbox",
    ):
        assert command in shown.errors
    assert "\\n" not in shown.errors
    assert "billed by the hour, used or not" in shown.errors
    # nothing was forgotten, and nothing was touched
    assert sorted(each["kind"] for each in cloud.bills()) == ["address", "forwarding_rule"]
    assert list(cloud.state.load_balancers) == [name]
    # when it has gone, so has the complaint
    released = "&".join(f"{key}={value}" for key, value in WHOLE.items())
    cloud.ask(f"/sandbox/loadbalancers?{released}", "DELETE")
    assert cloud.play(DELETE, **TEARDOWN).code == 0
    assert cloud.bills() == []


@pytest.mark.prove
def test_what_can_be_deleted_is_deleted_before_the_rest_is_named(cloud: EmulatedCloud) -> None:
    assert cloud.play(CREATE).code == 0
    serve(cloud)
    fault = {"type": "DELETE_NODE_POOL", "message": "The pool is in use.", "count": 1}
    cloud.fault(kind="operation_error", **fault)
    shown = cloud.play(DELETE, **TEARDOWN)
    assert (shown.code, shown.tracebacks) == (2, 0)
    # a cluster takes its pools along, and what was said of them
    assert cloud.state.clusters == {}
    assert "The pool is in use." not in shown.errors
    assert "gcloud compute forwarding-rules delete" in shown.errors
    assert sorted(each["kind"] for each in cloud.bills()) == ["address", "forwarding_rule"]


def test_lists_that_may_not_be_read_prove_nothing(cloud: EmulatedCloud) -> None:
    cloud.denied.add("compute.forwardingRules.list")
    shown = cloud.play(DELETE, **TEARDOWN)
    assert (shown.code, shown.tracebacks) == (2, 0)
    assert "Not known whether something is left" in shown.errors
    assert "compute.forwardingRules.list" in shown.errors


def test_protected_environment_stays_until_somebody_says_otherwise(cloud: EmulatedCloud) -> None:
    assert cloud.play(CREATE, rhaii_keep=True).code == 0
    (cluster,) = cloud.state.clusters.values()
    assert cluster.body["resourceLabels"]["rhaii-keep"] == "true"
    shown = cloud.play(DELETE, rhaii_keep=True)
    assert (shown.code, "its inventory says rhaii_keep: true" in shown.errors) == (2, True)
    # an inventory that does not say so any more is not enough
    shown = cloud.play(DELETE)
    assert (shown.code, "nobody has taken that back" in shown.errors) == (2, True)
    assert "-e rhaii_keep=false beside -e rhaii_teardown_confirm=sandbox" in shown.errors
    assert cloud.missing(3) == ""
    assert cloud.play(DELETE, rhaii_keep=False).code == 0
    assert (cloud.state.clusters, cloud.bills()) == ({}, [])


def test_pool_of_somebody_else_keeps_the_cluster_until_that_is_said(cloud: EmulatedCloud) -> None:
    assert cloud.play(CREATE).code == 0
    name = f"{PARENT}/clusters/{CLUSTER}"
    theirs = {"name": "batch", "initial_node_count": 1, "config": {"resource_labels": {"managed-by": "ops"}}}
    by_hand(cloud).create_node_pool(parent=name, node_pool=theirs)
    # YAML doubles the apostrophe that comes next
    said = "Node pool batch seems to be ops"
    cloud.options = ("--check",)
    shown = cloud.play(DELETE, **TEARDOWN)
    assert (shown.code, said in " ".join(shown.output.split())) == (0, True)
    (cluster,) = cloud.state.clusters.values()
    assert sorted(cluster.pools) == ["batch", "default-pool", "tpu-pool"]
    cloud.options = ()
    shown = cloud.play(DELETE, **TEARDOWN)
    assert (shown.code, shown.tracebacks, said in " ".join(shown.output.split())) == (2, 0, True)
    assert "-e rhaii_delete_foreign=true" in shown.errors
    # what is ours has gone, and the rest is as it was
    (cluster,) = cloud.state.clusters.values()
    assert sorted(cluster.pools) == ["batch", "default-pool"]
    assert cloud.nodes("batch")
    # what works in it is not awaited
    assert not [line for line in shown.told if "waiting until" in line]
    assert cloud.play(DELETE, rhaii_delete_foreign=True).code == 0
    assert (cloud.state.clusters, cloud.bills()) == ({}, [])


def test_protected_environment_does_not_move(cloud: EmulatedCloud) -> None:
    cloud.fault(kind="stockout", zone=ZONE, at="immediate")
    shown = cloud.play(CREATE, rhaii_on_stockout="move", rhaii_keep=True)
    assert (shown.code, shown.tracebacks) == (2, 0)
    assert (
        "The environment sandbox does not move, because it is protected (its inventory says rhaii_keep: true), and a "
        "move deletes what it leaves behind. Wait for machines with rhaii_on_stockout: wait, or lift the protection "
        "with -e rhaii_keep=false."
    ) in shown.errors
    assert list(cloud.state.clusters) == [f"{ZONE}/{CLUSTER}"]
    # an inventory that does not say so any more is not enough
    shown = cloud.play(CREATE, rhaii_on_stockout="move")
    assert (shown.code, list(cloud.state.clusters)) == (2, [f"{ZONE}/{CLUSTER}"])
    assert "is protected" in shown.errors


@pytest.mark.prove
def test_protected_cluster_that_a_move_left_behind_stays(cloud: EmulatedCloud) -> None:
    cloud.fault(kind="quota", region=OTHER[:-2], value=4)
    assert cloud.play(CREATE, rhaii_keep=True, rhaii_replicas=1).code == 0
    assert cloud.play(CREATE, rhaii_location=OTHER, rhaii_replicas=1).code == 0
    client, name = by_hand(cloud), f"{PARENT.replace(ZONE, OTHER)}/clusters/{CLUSTER}"
    found = client.get_cluster(name=name)
    labels = {**found.resource_labels, f"rhaii-debt-{ZONE}": "operation-1"}
    client.set_labels(request={"name": name, "resource_labels": labels, "label_fingerprint": found.label_fingerprint})
    shown = cloud.play(CREATE, rhaii_on_stockout="move", rhaii_replicas=1)
    assert (shown.code, shown.tracebacks) == (2, 0)
    assert (
        f"The cluster {CLUSTER} in {ZONE} is protected by its label rhaii-keep=true, so that it stays, and may bill."
    ) in shown.errors
    assert "What it may cost: " in shown.errors
    assert (
        f"To end it: ansible-playbook playbooks/teardown.yml -e rhaii_location={ZONE} -e rhaii_on_stockout=fail "
        "-e rhaii_teardown_confirm=sandbox -e rhaii_keep=false"
    ) in shown.errors
    assert sorted(cloud.state.clusters) == [f"{ZONE}/{CLUSTER}", f"{OTHER}/{CLUSTER}"]
    shown = cloud.play(CREATE, rhaii_on_stockout="move", rhaii_keep=False, rhaii_replicas=1)
    assert (shown.code, list(cloud.state.clusters)) == (0, [f"{OTHER}/{CLUSTER}"])
