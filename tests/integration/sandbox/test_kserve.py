# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KServe's stand-in against a real API server, Deployment controller and garbage collector; its schemas by kubectl."""

from __future__ import annotations

import asyncio
import base64
import copy
import datetime
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.control_plane.cluster import ControlPlane
from sandbox.control_plane.kube import (
    CLUSTER_ROLE_BINDING,
    DEPLOYMENT,
    DESTINATION_RULE,
    EVENT,
    GATEWAY,
    HTTP_ROUTE,
    INFERENCE_POOL,
    LLM_INFERENCE_SERVICE,
    LLM_INFERENCE_SERVICE_CONFIG,
    SECRET,
    SERVICE,
    ApiError,
    KubeClient,
    NotFound,
    Resource,
)
from sandbox.images import certificates
from sandbox.images.certificates import Request
from sandbox.images.kserve.controller import Controller
from sandbox.images.kserve.look import Environment
from tests.integration.sandbox.charts import create_namespaces, install, kubectl, staged

pytestmark = pytest.mark.cluster
CLUSTER_INDEX = 85

Object = dict[str, Any]
NAMESPACE = "rhaii-inference"
NAME = "qwen-3b-tpu-svc"
POOL = f"{NAME}-inference-pool"
FOLDER = Path(__file__).parent
GUIDE: Object = yaml.safe_load((FOLDER / "guide_service.yml").read_text(encoding="utf-8"))
OBJECTS: Object = yaml.safe_load((FOLDER / "objects.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def prepared(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> ControlPlane:
    """A cluster with the charts' schemas, presets and roles, an authority and a gateway; nothing runs in it."""
    charts = staged(cluster, tmp_path_factory.mktemp("charts") / "staged")
    create_namespaces(cluster, "cert-manager", NAMESPACE)
    for name in ("cert-manager-operator", "sail-operator", "lws-operator", "kserve-rhaii-xks"):
        install(cluster, charts, name, "--no-hooks")
    pair = certificates.issue(
        Request(common_name="opendatahub-ca", authority=True, lifetime=datetime.timedelta(days=3650)),
        certificates.new_key(),
    )
    authority = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "opendatahub-ca", "namespace": "cert-manager"},
        "data": {
            "tls.crt": base64.b64encode(pair.certificate).decode(),
            "tls.key": base64.b64encode(pair.key).decode(),
        },
    }
    gateway_class = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "istio"},
        "spec": {"controllerName": "istio.io/gateway-controller"},
    }
    for obj in (authority, gateway_class):
        kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(obj))
    return cluster


@asynccontextmanager
async def running(cluster: ControlPlane) -> AsyncIterator[KubeClient]:
    """The controller at work, and a client."""
    async with KubeClient.from_kubeconfig(cluster.kubeconfig) as client:
        controller = asyncio.create_task(Controller(client, Environment(), lambda _: None).run())
        try:
            yield client
        finally:
            controller.cancel()
            await asyncio.gather(controller, return_exceptions=True)


async def eventually(
    client: KubeClient, ref: Resource, name: str, holds: Callable[[Object], bool], namespace: str = NAMESPACE
) -> Object:
    """The object once `holds`."""
    found: Object | None = None
    try:
        async with asyncio.timeout(20):
            while True:
                found = await client.find(ref, name, namespace)
                if found is not None and holds(found):
                    return found
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{ref.plural} {name} never became so; last: {json.dumps(found)}") from None


async def gone(client: KubeClient, ref: Resource, name: str) -> None:
    """Returns once there is no such object."""
    async with asyncio.timeout(20):
        while await client.find(ref, name, NAMESPACE) is not None:
            await asyncio.sleep(0.1)


async def removed(client: KubeClient) -> None:
    """Takes the service away, its children too: the API server's collector comes to them after it is gone."""
    await client.delete(LLM_INFERENCE_SERVICE, NAME, NAMESPACE)
    await gone(client, LLM_INFERENCE_SERVICE, NAME)
    for ref, name in (
        (DEPLOYMENT, f"{NAME}-kserve"),
        (DEPLOYMENT, f"{NAME}-kserve-router-scheduler"),
        (HTTP_ROUTE, f"{NAME}-kserve-route"),
        (INFERENCE_POOL, POOL),
    ):
        await gone(client, ref, name)


def condition(service: Object, kind: str) -> Object:
    """One condition of a service; empty when it has none."""
    conditions = (service.get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item["type"] == kind), {})


def reason_is(kind: str, reason: str) -> Callable[[Object], bool]:
    """Whether a condition has a reason, judged at the newest generation."""

    def holds(service: Object) -> bool:
        observed = (service.get("status") or {}).get("observedGeneration")
        return condition(service, kind).get("reason") == reason and observed == service["metadata"]["generation"]

    return holds


async def routed(client: KubeClient) -> Object:
    """The guide's service with a gateway that has accepted its route and its pool; no node runs its pods."""
    await client.apply(gateway(), manager="test")
    status = {"addresses": [{"type": "IPAddress", "value": "127.201.85.1"}]}
    await client.patch_status(GATEWAY, "inference-gateway", "opendatahub", status)
    await client.apply(GUIDE, manager="test")
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def conditions(*kinds: str) -> list[Object]:
        base = {"status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": now}
        return [{"type": kind, **base} for kind in kinds]

    parent = {"name": "inference-gateway", "namespace": "opendatahub"}
    await eventually(client, HTTP_ROUTE, f"{NAME}-kserve-route", bool)
    await client.patch_status(
        *(HTTP_ROUTE, f"{NAME}-kserve-route", NAMESPACE),
        {
            "parents": [
                {
                    "parentRef": parent,
                    "controllerName": "istio.io/gateway-controller",
                    "conditions": conditions("Accepted", "ResolvedRefs"),
                }
            ]
        },
    )
    # the pool may come after the route, and is not there at once
    await eventually(client, INFERENCE_POOL, POOL, bool)
    await client.patch_status(
        INFERENCE_POOL, POOL, NAMESPACE, {"parents": [{"parentRef": parent, "conditions": conditions("Accepted")}]}
    )
    return await client.get(LLM_INFERENCE_SERVICE, NAME, NAMESPACE)


def gateway() -> Object:
    """The gateway that the global configuration names."""
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "inference-gateway", "namespace": "opendatahub"},
        "spec": {"gatewayClassName": "istio", "listeners": [listener]},
    }


async def test_service_without_a_gateway_says_so_and_still_gets_its_workload(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await client.apply(GUIDE, manager="test")
        service = await eventually(client, LLM_INFERENCE_SERVICE, NAME, reason_is("HTTPRoutesReady", "RefsInvalid"))
        assert "opendatahub/inference-gateway" in condition(service, "HTTPRoutesReady")["message"]
        assert condition(service, "PresetsCombined")["status"] == "True"
        assert await client.get(DEPLOYMENT, f"{NAME}-kserve", NAMESPACE)
        assert service["metadata"]["finalizers"] == ["serving.kserve.io/llmisvc-finalizer"]
        events = await client.list(EVENT, NAMESPACE, fields=f"involvedObject.name={NAME}")
        assert any(item["type"] == "Warning" and item["message"].startswith("Reconciliation failed") for item in events)


async def test_children_have_kserves_names(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        service = await routed(client)
        for ref, name in (
            (DEPLOYMENT, f"{NAME}-kserve"),
            (DEPLOYMENT, f"{NAME}-kserve-router-scheduler"),
            (SERVICE, f"{NAME}-kserve-workload-svc"),
            (SERVICE, f"{NAME}-epp-service"),
            (SECRET, f"{NAME}-kserve-self-signed-certs"),
            (HTTP_ROUTE, f"{NAME}-kserve-route"),
            (INFERENCE_POOL, POOL),
            (DESTINATION_RULE, f"{NAME}-kserve-scheduler"),
            (DESTINATION_RULE, f"{NAME}-kserve-workload-svc"),
        ):
            child = await eventually(client, ref, name, bool)
            assert child["metadata"]["ownerReferences"][0]["uid"] == service["metadata"]["uid"]
        deployment = await client.get(DEPLOYMENT, f"{NAME}-kserve", NAMESPACE)
        rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
        assert deployment["spec"]["strategy"] == rolling
        pods = deployment["spec"]["template"]["spec"]
        assert [item["name"] for item in pods["initContainers"]] == ["storage-initializer"]
        assert await client.get(CLUSTER_ROLE_BINDING, f"{NAMESPACE}-{NAME}-epp-auth-rb")


async def test_status_follows_gateway_route_and_pool(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        service = await eventually(
            client,
            LLM_INFERENCE_SERVICE,
            NAME,
            lambda found: condition(found, "RouterReady").get("reason") == "MinimumReplicasUnavailable",
        )
        url = f"http://127.201.85.1/{NAMESPACE}/{NAME}"
        assert service["status"]["url"] == url
        assert service["status"]["addresses"] == [{"name": "gateway-external", "url": url}]
        assert condition(service, "HTTPRoutesReady")["status"] == "True"
        # no node, so no pods
        assert condition(service, "Ready")["reason"] == "MinimumReplicasUnavailable"
        columns = kubectl(prepared, "get", "llmisvc", "-n", NAMESPACE).splitlines()
        assert columns[0].split() == ["NAME", "URL", "READY", "REASON", "AGE"]
        assert "URLS" in kubectl(prepared, "get", "llmisvc", "-n", NAMESPACE, "-o", "wide").splitlines()[0].split()
        assert columns[1].split()[:4] == [NAME, url, "False", "MinimumReplicasUnavailable"]


async def test_shadow_service_gets_its_tls_rule(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        shadow = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": f"{POOL}-ip-1234",
                "namespace": NAMESPACE,
                "labels": {"istio.io/inferencepool-name": POOL},
            },
            "spec": {"clusterIP": "None", "ports": [{"port": 54321}]},
        }
        await client.apply(shadow, manager="test")
        rule = await eventually(client, DESTINATION_RULE, f"{NAME}-kserve-workload", bool)
        assert rule["spec"]["host"] == f"{POOL}-ip-1234.{NAMESPACE}.svc.cluster.local"


async def test_replicas_change_the_deployment_and_nothing_else(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        before = await client.get(DEPLOYMENT, f"{NAME}-kserve", NAMESPACE)
        await client.patch(LLM_INFERENCE_SERVICE, NAME, NAMESPACE, {"spec": {"replicas": 5}})
        after = await eventually(
            client, DEPLOYMENT, f"{NAME}-kserve", lambda found: bool(found["spec"]["replicas"] == 5)
        )
        assert after["spec"]["template"] == before["spec"]["template"]
        await client.patch(LLM_INFERENCE_SERVICE, NAME, NAMESPACE, {"spec": {"replicas": 3}})
        await eventually(client, DEPLOYMENT, f"{NAME}-kserve", lambda found: bool(found["spec"]["replicas"] == 3))


async def test_new_image_rolls_the_deployment_and_foreign_changes_are_taken_back(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        name = f"{NAME}-kserve"
        body = copy.deepcopy(GUIDE)
        image = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.3.0"
        body["spec"]["template"]["containers"][0]["image"] = image
        await client.apply(body, manager="test")

        def rolled(found: Object) -> bool:
            return bool(found["spec"]["template"]["spec"]["containers"][0]["image"] == image)

        await eventually(client, DEPLOYMENT, name, rolled)
        strategy = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}}
        await client.patch(DEPLOYMENT, name, NAMESPACE, strategy)
        await eventually(
            *(client, DEPLOYMENT, name),
            lambda found: bool(found["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == "25%"),
        )
        kubectl(prepared, "rollout", "restart", f"deployment/{name}", "-n", NAMESPACE)
        await asyncio.sleep(1.0)
        kept = await client.get(DEPLOYMENT, name, NAMESPACE)
        assert "kubectl.kubernetes.io/restartedAt" in kept["spec"]["template"]["metadata"]["annotations"]


@pytest.mark.parametrize(
    "refs", [[], [{"name": "inference-gateway", "namespace": "opendatahub"}]], ids=["global", "own"]
)
async def test_settled_service_is_left_alone(prepared: ControlPlane, refs: list[Object]) -> None:
    children = (
        (LLM_INFERENCE_SERVICE, NAME),
        (HTTP_ROUTE, f"{NAME}-kserve-route"),
        (SERVICE, f"{NAME}-epp-service"),
    )
    async with running(prepared) as client:

        async def versions() -> list[str]:
            return [(await client.get(ref, name, NAMESPACE))["metadata"]["resourceVersion"] for ref, name in children]

        await routed(client)
        await client.patch(LLM_INFERENCE_SERVICE, NAME, NAMESPACE, {"spec": {"router": {"gateway": {"refs": refs}}}})
        # one that is never left alone does not rest once in all of these, on however slow a machine
        for _ in range(12):
            before = await versions()
            await asyncio.sleep(2.5)
            if await versions() == before:
                break
        else:
            raise AssertionError("the controller goes on writing")
        service = await client.get(LLM_INFERENCE_SERVICE, NAME, NAMESPACE)
        assert condition(service, "GatewaysReady").get("reason") == ("GatewaysNotReady" if refs else None)


async def test_override_in_the_services_namespace_wins(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        preset = await client.get(LLM_INFERENCE_SERVICE_CONFIG, "kserve-config-llm-scheduler", "opendatahub")
        spec = copy.deepcopy(preset["spec"])
        spec["router"]["scheduler"]["template"]["containers"][0]["image"] = "example.com/own-picker:1"
        override = {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "LLMInferenceServiceConfig",
            "metadata": {"name": "kserve-config-llm-scheduler", "namespace": NAMESPACE},
            "spec": spec,
        }
        await client.apply(override, manager="test")
        await eventually(
            *(client, DEPLOYMENT, f"{NAME}-kserve-router-scheduler"),
            lambda found: bool(
                found["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/own-picker:1"
            ),
        )
        await client.delete(LLM_INFERENCE_SERVICE_CONFIG, "kserve-config-llm-scheduler", NAMESPACE)


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ({"spec": {"baseRefs": [{"name": "not-there"}]}}, "PresetsCombined", "CombineBaseError"),
        ({"spec": {"model": {"uri": "hf://a/{{ .Nothing }}"}}}, "PresetsCombined", "CombineBaseError"),
        # nothing judges the whole: the API server refuses the child
        (
            {"spec": {"router": {"route": {"http": {"spec": {"rules": [{"backendRefs": [{"name": '{{ "" }}'}]}]}}}}}},
            "HTTPRoutesReady",
            "HTTPRouteReconcileError",
        ),
    ],
    ids=["missing-config", "template", "invalid-result"],
)
async def test_configuration_that_does_not_combine_is_told_and_changes_nothing(
    prepared: ControlPlane, change: Object, kind: str, reason: str
) -> None:
    async with running(prepared) as client:
        await routed(client)
        try:
            before = await client.get(DEPLOYMENT, f"{NAME}-kserve", NAMESPACE)
            await client.patch(LLM_INFERENCE_SERVICE, NAME, NAMESPACE, change)
            service = await eventually(client, LLM_INFERENCE_SERVICE, NAME, reason_is(kind, reason))
            ready = {key: value for key, value in condition(service, "Ready").items() if key != "lastTransitionTime"}
            if kind == "PresetsCombined":
                # which Ready does not depend on: it says that it knows nothing of this generation
                message = "unsuccessfully observed a new generation"
                assert ready == {
                    "type": "Ready",
                    "status": "Unknown",
                    "reason": "NewObservedGenFailure",
                    "message": message,
                }
            else:
                assert (ready["status"], ready["reason"]) == ("False", reason)
            after = await client.get(DEPLOYMENT, f"{NAME}-kserve", NAMESPACE)
            assert after["metadata"]["generation"] == before["metadata"]["generation"]
        finally:
            # else the next test would find this one's service, or what is left of it
            await removed(client)


async def test_stopped_service_loses_its_children_and_gets_them_back(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        stop = {"metadata": {"annotations": {"serving.kserve.io/stop": "true"}}}
        await client.patch(LLM_INFERENCE_SERVICE, NAME, NAMESPACE, stop)
        await gone(client, DEPLOYMENT, f"{NAME}-kserve")
        for ref, name in ((HTTP_ROUTE, f"{NAME}-kserve-route"), (INFERENCE_POOL, POOL)):
            await gone(client, ref, name)
        service = await eventually(client, LLM_INFERENCE_SERVICE, NAME, reason_is("Ready", "Stopped"))
        # as it was
        assert service["status"]["url"] == f"http://127.201.85.1/{NAMESPACE}/{NAME}"
        assert "addresses" not in service["status"]
        stop["metadata"]["annotations"]["serving.kserve.io/stop"] = "false"
        await client.patch(LLM_INFERENCE_SERVICE, NAME, NAMESPACE, stop)
        await eventually(client, DEPLOYMENT, f"{NAME}-kserve", bool)


async def test_deletion_takes_everything_along(prepared: ControlPlane) -> None:
    async with running(prepared) as client:
        await routed(client)
        await eventually(client, DEPLOYMENT, f"{NAME}-kserve-router-scheduler", bool)
        await client.delete(LLM_INFERENCE_SERVICE, NAME, NAMESPACE)
        await gone(client, LLM_INFERENCE_SERVICE, NAME)
        for ref, name in ((DEPLOYMENT, f"{NAME}-kserve"), (SECRET, f"{NAME}-kserve-self-signed-certs")):
            await gone(client, ref, name)
        with pytest.raises(NotFound):
            await client.get(CLUSTER_ROLE_BINDING, f"{NAMESPACE}-{NAME}-epp-auth-rb")


def create(cluster: ControlPlane, name: str, obj: Object) -> str:
    """A server-side dry run of a creation."""
    obj = {"metadata": {"name": name, "namespace": "default"}, **obj}
    options = ("--dry-run=server", "--validate=strict", "-f", "-")
    return kubectl(cluster, "create", *options, stdin=json.dumps(obj))


@pytest.mark.parametrize("name", sorted(OBJECTS["accepted"]))
def test_valid_object_is_accepted(prepared: ControlPlane, name: str) -> None:
    assert "created" in create(prepared, name, OBJECTS["accepted"][name])


async def test_field_that_the_line_does_not_know_is_refused_by_the_schema(prepared: ControlPlane) -> None:
    body = copy.deepcopy(GUIDE)
    body["spec"]["labels"] = {"serving.kserve.io/inferenceservice": NAME}
    async with KubeClient.from_kubeconfig(prepared.kubeconfig) as client:
        with pytest.raises(ApiError) as caught:
            await client.apply(body, manager="test")
    assert caught.value.status == 500
    assert caught.value.message.endswith(".spec.labels: field not declared in schema")


async def test_tpu_pod_without_selectors_is_refused_by_gkes_warden(prepared: ControlPlane) -> None:
    container = {"name": "main", "image": "x", "resources": {"limits": {"google.com/tpu": "4"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}
    with pytest.raises(AssertionError, match="GKE Warden rejected the request"):
        create(prepared, "tpu", pod)
    selector = {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice", "cloud.google.com/gke-tpu-topology": "2x2"}
    pod["spec"]["nodeSelector"] = selector  # type: ignore[index]
    assert "created" in create(prepared, "tpu", pod)


def test_newer_version_is_not_served(prepared: ControlPlane) -> None:
    body = {**GUIDE, "apiVersion": "serving.kserve.io/v1alpha2"}
    with pytest.raises(AssertionError, match="no matches for kind"):
        create(prepared, "guide", body)


def test_guides_service_is_accepted(prepared: ControlPlane) -> None:
    assert "created" in create(prepared, "guide", {**GUIDE, "metadata": {"name": "guide", "namespace": "default"}})


@pytest.mark.parametrize("name", sorted(OBJECTS["refused"]))
def test_invalid_object_is_refused(prepared: ControlPlane, name: str) -> None:
    obj = dict(OBJECTS["refused"][name])
    with pytest.raises(AssertionError, match=re.escape(obj.pop("problem"))):
        create(prepared, name, obj)
