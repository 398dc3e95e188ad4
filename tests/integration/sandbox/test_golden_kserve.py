# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""KServe's stand-in held against the recorded observations of the original: what was applied there is applied here.

All cases share one API server and run beside each other, each in a namespace that takes the place of the guide's. `make
test` takes those that cover the most; `make prove` takes all.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import datetime
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.control_plane.cluster import ControlPlane
from sandbox.control_plane.kube import (
    CLUSTER_ROLE_BINDING,
    DEPLOYMENT,
    DESTINATION_RULE,
    HTTP_ROUTE,
    INFERENCE_MODEL,
    INFERENCE_POOL,
    LLM_INFERENCE_SERVICE,
    LLM_INFERENCE_SERVICE_CONFIG,
    OLD_INFERENCE_POOL,
    POD,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
    ApiError,
    Informer,
    KubeClient,
    Resource,
)
from sandbox.images import certificates
from sandbox.images.certificates import Request
from sandbox.images.kserve.controller import Controller
from sandbox.images.kserve.look import Environment
from tests.golden.comparing import Ledger, differences
from tests.golden.kserve_observation import as_observed, documents, name_of
from tests.golden.kserve_world import MODEL_PODS, Played, World, is_ready, make_gateway, program_gateway
from tests.integration.sandbox.charts import create_namespaces, install, kubectl, staged

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
CLUSTER_INDEX = 84

Object = dict[str, Any]
GOLDEN = Path(__file__).parents[2] / "golden" / "kserve"
VERSION = "odh-v3.4-EA1"
FOLDER = GOLDEN / VERSION
NAMESPACE = "rhaii-inference"
NAME = "qwen-3b-tpu-svc"
CASES = sorted(folder.name for folder in FOLDER.iterdir())
IN_EVERY_RUN = (
    "guide-label",
    "hand-patches",
    "image-change-fixed-pool",
    "lifecycle",
    "ready",
    "scheduler-template",
    "scheduler-template-without-containers",
    "second-apply",
    "suspended",
)
KINDS: tuple[tuple[str, str, Resource], ...] = (
    ("apps", "Deployment", DEPLOYMENT),
    ("", "Service", SERVICE),
    ("", "Secret", SECRET),
    ("", "ServiceAccount", SERVICE_ACCOUNT),
    ("rbac.authorization.k8s.io", "Role", ROLE),
    ("rbac.authorization.k8s.io", "RoleBinding", ROLE_BINDING),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", CLUSTER_ROLE_BINDING),
    ("gateway.networking.k8s.io", "HTTPRoute", HTTP_ROUTE),
    ("inference.networking.k8s.io", "InferencePool", INFERENCE_POOL),
    ("inference.networking.x-k8s.io", "InferencePool", OLD_INFERENCE_POOL),
    ("inference.networking.x-k8s.io", "InferenceModel", INFERENCE_MODEL),
    ("networking.istio.io", "DestinationRule", DESTINATION_RULE),
)
LEDGER = Ledger.read(GOLDEN / "differences.yml")
PATIENCE = 150.0
BESIDE = 4
"""More cases at once only wait for each other."""


@dataclass
class Case:
    """One case in its own namespace; `wanted` and `found` speak of the guide's."""

    name: str
    client: KubeClient
    world: World

    def __post_init__(self) -> None:
        self.namespace = f"golden-{self.name}"
        self.wanted = documents(FOLDER / self.name / "observed.yaml")

    def here(self, value: Any) -> Any:
        """With the case's namespace in place of the guide's."""
        return json.loads(json.dumps(value).replace(NAMESPACE, self.namespace))

    def there(self, value: Any) -> Any:
        """With the guide's namespace in place of the case's."""
        return json.loads(json.dumps(value).replace(self.namespace, NAMESPACE))

    @property
    def applied(self) -> list[Object]:
        return [self.here(item) for item in documents(FOLDER / self.name / "applied.yaml")]

    @property
    def service(self) -> Object:
        """The last service that the case applies."""
        return [item for item in self.applied if item["kind"] == "LLMInferenceService"][-1]

    async def apply(self, *objects: Object) -> None:
        for obj in objects:
            await self.client.apply(obj, manager="rhaii.gke")

    async def patch(self, ref: Resource, name: str, body: Object) -> None:
        await self.client.patch(ref, name, self.namespace, body)

    async def get(self, ref: Resource, name: str) -> Object:
        return await self.client.get(ref, name, self.namespace)

    async def status(self) -> Object:
        service = await self.get(LLM_INFERENCE_SERVICE, NAME)
        status = {key: value for key, value in (service.get("status") or {}).items() if key != "observedGeneration"}
        observed = (service.get("status") or {}).get("observedGeneration", 0)
        status["generationMinusObserved"] = service["metadata"]["generation"] - observed
        status["conditions"] = [
            {key: value for key, value in item.items() if key != "lastTransitionTime"}
            for item in status.get("conditions") or []
        ]
        return dict(self.there(status))

    async def objects(self) -> list[Object]:
        """The service's children, in the order in which observations have them."""
        found = []
        for _, kind, ref in KINDS:
            namespace = self.namespace if ref.namespaced else None
            items = await self.client.list(ref, namespace)
            for item in sorted(items, key=lambda each: str(each["metadata"]["name"])):
                if (ref.namespaced or item["metadata"]["name"].startswith(f"{self.namespace}-")) and item["metadata"][
                    "name"
                ] != "default":
                    found.append({"apiVersion": ref.api_version, "kind": kind, **item})
        return found

    async def children(self, *, groups: bool = False) -> list[str]:
        found = [self.there(name_of(obj)) for obj in await self.objects()]
        return found if groups else ["/".join(name.split("/")[-2:]) for name in found]

    async def model_pods(self) -> list[Object]:
        pods = await self.client.list(POD, self.namespace, labels=f"app.kubernetes.io/component={MODEL_PODS}")
        return sorted(
            ({"image": pod["spec"]["containers"][0]["image"], "ready": is_ready(pod)} for pod in pods),
            key=lambda item: (str(item["image"]), not item["ready"]),
        )


Find = Callable[[], Awaitable[Any]]


async def settled(wanted: Any, find: Find, patience: float = PATIENCE) -> Any:
    """What `find` finds once it is what is wanted, and still is a moment later; or what it found last."""
    deadline = time.monotonic() + patience
    while True:
        try:
            found = await find()
        except ApiError as error:
            found = f"{error.status}: {error.message}"
        if not any(differences(wanted, found)):
            await asyncio.sleep(1.5)
            again = await find()
            if again == found:
                return found
        if time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.3)


async def state(case: Case) -> list[Object]:
    """The status, and every object that the observation shows."""
    shown = [name_of(item) for item in case.wanted if "kind" in item]
    found: list[Object] = [{"status": await case.status()}]
    by_name = {case.there(name_of(obj)): obj for obj in await case.objects()}
    wanted = by_name if case.name == "ready" else [name for name in by_name if name in shown]
    found += [case.there(as_observed(copy.deepcopy(by_name[name]))) for name in wanted]
    order = [next(iter(item)) if "kind" not in item else name_of(item) for item in case.wanted]
    return sorted(found, key=lambda item: _place(order, "status" if "status" in item else name_of(item)))


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


async def applied(case: Case) -> Any:
    """Apply, and wait until everything is as observed."""
    await case.apply(*case.applied)
    return await settled(case.wanted, lambda: state(case))


async def namespace_config(case: Case) -> Any:
    """A configuration of the preset's name in the service's namespace first."""
    config, service = case.applied
    if isinstance(config["spec"], str):
        preset = await case.client.get(LLM_INFERENCE_SERVICE_CONFIG, config["metadata"]["name"], "opendatahub")
        copied: Object = copy.deepcopy(preset["spec"])
        config["spec"] = copied
        template = copied["router"]["scheduler"]["template"]
        template["imagePullSecrets"] = [{"name": "rhaiis-pull-secret"}]
        template["containers"][0]["image"] = "epp:other"
    await case.apply(config, service)
    return await settled(case.wanted, lambda: state(case))


async def refused(case: Case) -> Any:
    """Apply what the API server refuses."""
    try:
        await case.apply(*case.applied)
    except ApiError as error:
        assert error.status == 500
        return [{"refused": case.there(f"Error from server: {error.message}")}]
    return [{"refused": None}]


async def second_apply(case: Case) -> Any:
    """Three times the same."""
    found = []
    for stage in ("first apply", "second apply of the same", "third apply of the same"):
        await case.apply(case.service)
        after = f"after: {stage}"

        async def figures(stage: str = stage) -> Object:
            service = await case.get(LLM_INFERENCE_SERVICE, NAME)
            probe = service["spec"]["template"]["containers"][0]["livenessProbe"]
            return {
                "after": stage,
                "generation": service["metadata"]["generation"],
                "livenessInitialDelay": probe.get("initialDelaySeconds", "absent"),
            }

        wanted = next(item for item in case.wanted if f"after: {item['after']}" == after)
        found.append(await settled(wanted, figures))
    return found


async def lifecycle(case: Case) -> Any:
    """From no gateway to three ready pods; before any other case, as the gateway is shared."""
    played = Played(routes=False, pickers=False, model_pods=0)
    case.world.namespaces[case.namespace] = played
    found = []

    async def stage(wanted: Object) -> Object:
        return {
            "stage": wanted["stage"],
            "status": await case.status(),
            "children": await case.children(groups=True),
        }

    async def nothing() -> None:
        await case.apply(case.service)

    async def gateway() -> None:
        await make_gateway(case.client)

    async def programmed() -> None:
        await program_gateway(case.client)
        played.routes = True

    async def picker() -> None:
        played.pickers = True

    async def two() -> None:
        played.model_pods = 2

    async def three() -> None:
        played.model_pods = 3

    for step, wanted in zip((nothing, gateway, programmed, picker, two, three), case.wanted, strict=True):
        await step()
        found.append(await settled(wanted, lambda wanted=wanted: stage(wanted)))  # type: ignore[misc]
    return found


async def came_up(case: Case, service: Object | None = None) -> None:
    """The service of the case `ready`, ready."""
    await case.apply(service or case.here(documents(FOLDER / "ready" / "applied.yaml")[0]))
    wanted = documents(FOLDER / "ready" / "observed.yaml")[0]
    found = await settled(wanted, lambda: _status(case))
    assert found == wanted


async def _status(case: Case) -> Object:
    return {"status": await case.status()}


async def image_change(case: Case) -> Any:
    """New images over the case `ready`, in a pool with room for three pods."""
    await came_up(case)
    found = []
    services = [item for item in case.applied if item["kind"] == "LLMInferenceService"]
    for service, wanted in zip(services, case.wanted, strict=True):
        await case.apply(service)

        async def stage(wanted: Object = wanted) -> Object:
            deployment = as_observed(await _deployment(case, f"{NAME}-kserve"))["spec"]
            status = await case.status()
            ready = next(item["status"] for item in status["conditions"] if item["type"] == "Ready")
            image = deployment["template"]["spec"]["containers"][0]["image"]
            shown = {key: deployment[key] for key in ("replicas", "strategy")}
            return {
                "stage": wanted["stage"],
                "Ready": ready,
                "deployment": {"image": image, **shown},
                "modelPods": await case.model_pods(),
            }

        found.append(await settled(wanted, stage))
    return found


async def _deployment(case: Case, name: str) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", **await case.get(DEPLOYMENT, name)}


async def hand_patches(case: Case) -> Any:
    """What becomes of patches by hand."""
    await came_up(case, case.service)
    main, picker, account = f"{NAME}-kserve", f"{NAME}-kserve-router-scheduler", f"{NAME}-epp-sa"
    pull = [{"name": "rhaiis-pull-secret"}]
    mark = {"example.com/x": "1"}

    def template(**metadata: Any) -> Object:
        return {"spec": {"template": {"metadata": metadata}}}

    async def template_label() -> Any:
        return (await _at(case, DEPLOYMENT, main, "spec", "template", "metadata", "labels")).get("example.com/x")

    async def annotation() -> Any:
        return (await _at(case, DEPLOYMENT, main, "metadata", "annotations")).get("example.com/x")

    def field(ref: Resource, name: str, *path: str) -> Find:
        return lambda: _at(case, ref, name, *path)

    async def weight() -> Any:
        rules = await _at(case, HTTP_ROUTE, f"{NAME}-kserve-route", "spec", "rules")
        return rules[0]["backendRefs"][0]["weight"]

    route = copy.deepcopy(await _at(case, HTTP_ROUTE, f"{NAME}-kserve-route", "spec", "rules"))
    route[0]["backendRefs"][0]["weight"] = 7
    strategy = {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}}}
    deployment = (DEPLOYMENT, main)
    selector = {"spec": {"template": {"spec": {"nodeSelector": mark}}}}
    pull_in_pod = {"spec": {"template": {"spec": {"imagePullSecrets": pull}}}}
    pod = ("spec", "template", "spec")
    patches: list[tuple[Resource, str, Object, Find]] = [
        (*deployment, strategy, field(*deployment, "spec", "strategy")),
        (*deployment, {"spec": {"replicas": 2}}, field(*deployment, "spec", "replicas")),
        (*deployment, {"spec": {"minReadySeconds": 7}}, field(*deployment, "spec", "minReadySeconds")),
        (*deployment, {"spec": {"paused": True}}, field(*deployment, "spec", "paused")),
        (
            *deployment,
            {"spec": {"progressDeadlineSeconds": 1234}},
            field(*deployment, "spec", "progressDeadlineSeconds"),
        ),
        (*deployment, {"metadata": {"annotations": mark}}, annotation),
        (*deployment, template(annotations=mark), field(*deployment, "spec", "template", "metadata", "annotations")),
        (*deployment, template(labels=mark), template_label),
        (*deployment, selector, field(*deployment, *pod, "nodeSelector")),
        (SERVICE_ACCOUNT, account, {"imagePullSecrets": pull}, field(SERVICE_ACCOUNT, account, "imagePullSecrets")),
        (DEPLOYMENT, picker, pull_in_pod, field(DEPLOYMENT, picker, *pod, "imagePullSecrets")),
        (HTTP_ROUTE, f"{NAME}-kserve-route", {"spec": {"rules": route}}, weight),
    ]
    found: list[Object] = []
    for (ref, name, body, look), wanted in zip(patches, case.wanted, strict=False):
        before = await look()
        await case.patch(ref, name, body)
        after = await settled(wanted["sevenSecondsLater"], look, 10.0)
        found.append({"patch": wanted["patch"], "before": before, "sevenSecondsLater": after})
        if "before" not in wanted:
            del found[-1]["before"]
    found += await _after_patches(case, template_label, annotation)
    return found


async def _after_patches(case: Case, template_label: Find, annotation: Find) -> list[Object]:
    main, account = f"{NAME}-kserve", f"{NAME}-epp-sa"
    change = {"spec": {"template": {"terminationGracePeriodSeconds": 61}}}
    await case.patch(LLM_INFERENCE_SERVICE, NAME, change)

    async def left() -> Object:
        return {
            "then": "a change of spec.template",
            "deploymentAnnotationLeft": await annotation() is not None,
            "pickerAccountPullSecrets": await _at(case, SERVICE_ACCOUNT, account, "imagePullSecrets"),
            "podTemplateAnnotations": await _at(case, DEPLOYMENT, main, "spec", "template", "metadata", "annotations"),
            "podTemplateLabelLeft": await template_label() is not None,
        }

    changed = await settled(case.wanted[-2], left)
    await _stop(case, "true")
    await settled("404", lambda: _missing(case, SERVICE_ACCOUNT, account))
    await _stop(case, None)

    async def resumed() -> Object:
        secrets = await _at(case, SERVICE_ACCOUNT, account, "imagePullSecrets")
        return {"then": "stop and resume", "pickerAccountPullSecrets": secrets}

    return [changed, await settled(case.wanted[-1], resumed)]


async def _at(case: Case, ref: Resource, name: str, *path: str) -> Any:
    found: Any = await case.get(ref, name)
    for step in path:
        found = (found or {}).get(step)
    return found


async def _missing(case: Case, ref: Resource, name: str) -> str:
    return "there" if await case.client.find(ref, name, case.namespace) else "404"


async def _stop(case: Case, value: str | None) -> None:
    await case.patch(LLM_INFERENCE_SERVICE, NAME, {"metadata": {"annotations": {"serving.kserve.io/stop": value}}})


async def suspended(case: Case) -> Any:
    """The annotation that stops, on what runs; then without it."""
    await came_up(case)
    await _stop(case, "true")
    stopped, resumed = case.wanted

    async def after_stop() -> Object:
        return {"stage": stopped["stage"], "status": await case.status(), "left": await case.children()}

    async def after_resume() -> Object:
        return {"stage": resumed["stage"], "status": await case.status(), "children": await case.children()}

    first = await settled(stopped, after_stop)
    await _stop(case, None)
    return [first, await settled(resumed, after_resume)]


OUTLIVING = (DEPLOYMENT, SERVICE)


def _gone(case: Case, how: str, ref: Resource, obj: Object) -> dict[str, int]:
    """An object that went, and when, in the API server's count."""
    if how != "DELETED":
        return {}
    kind = next((kind for _, kind, known in KINDS if known == ref), ref.plural)
    name = case.there(f"{kind}/{obj['metadata']['name']}")
    return {name: int(obj["metadata"]["resourceVersion"])}


async def deletion(case: Case) -> Any:
    """The service deleted."""
    await came_up(case, case.service)
    before = await settled(case.wanted[0]["before"], case.children)
    gone: dict[str, int] = {}
    watched = [Informer(case.client, ref, namespace=case.namespace) for ref in (LLM_INFERENCE_SERVICE, *OUTLIVING)]
    for informer in watched:
        informer.on_change(lambda how, obj, ref=informer.ref: gone.update(_gone(case, how, ref, obj)))
        await informer.synced()
    await case.client.delete(LLM_INFERENCE_SERVICE, NAME, case.namespace)
    while await case.client.find(LLM_INFERENCE_SERVICE, NAME, case.namespace):
        await asyncio.sleep(0.02)
    later = await settled([], case.children)
    # who ends the pods, and when, is this test's own play
    pods = len(await case.client.list(POD, case.namespace))
    for informer in watched:
        await informer.stop()
    # by the API server's own order: a look comes late while garbage collection is at work
    outlives = case.wanted[1]["whenTheServiceIsGone"]["left"]
    end = gone[f"{LLM_INFERENCE_SERVICE.plural}/{NAME}"]
    left = {"left": [name for name in outlives if gone.get(name, 0) > end], "pods": pods}
    return [{"before": before}, {"whenTheServiceIsGone": left}, {"eightSecondsLater": later}]


STEPS: dict[str, Callable[[Case], Awaitable[Any]]] = {
    "deletion": deletion,
    "guide-label": refused,
    "hand-patches": hand_patches,
    "image-change-fixed-pool": image_change,
    "image-change-one-less": image_change,
    "lifecycle": lifecycle,
    "namespace-config-full": namespace_config,
    "namespace-config-partial": namespace_config,
    "second-apply": second_apply,
    "suspended": suspended,
}
"""What a case does beside applying; each takes the case and gives its documents."""


def prepare(cluster: ControlPlane, folder: Path, cases: list[str]) -> None:
    """The charts' schemas, presets and roles, an authority, and a namespace a case."""
    charts = staged(cluster, folder / "staged")
    create_namespaces(cluster, "cert-manager", *(f"golden-{name}" for name in cases))
    for name in ("cert-manager-operator", "sail-operator", "kserve-rhaii-xks"):
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
    kubectl(cluster, "apply", "-f", "-", stdin=json.dumps(authority))


@asynccontextmanager
async def at_work(cluster: ControlPlane) -> AsyncIterator[tuple[KubeClient, World]]:
    """The controller and the world around it."""
    async with KubeClient.from_kubeconfig(cluster.kubeconfig) as client:
        world = World(client)
        # in the guide's own time, so that no figure is scaled
        tasks = [
            asyncio.create_task(Controller(client, Environment(speed=1.0), lambda _: None).run()),
            asyncio.create_task(world.run()),
        ]
        try:
            yield client, world
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def play(cluster: ControlPlane, cases: list[str]) -> dict[str, Any]:
    """What each case found."""
    found: dict[str, Any] = {}
    beside = asyncio.Semaphore(BESIDE)
    async with at_work(cluster) as (client, world):

        async def one(name: str) -> None:
            case = Case(name, client, world)
            if name != "lifecycle":
                world.namespaces[case.namespace] = Played()
            try:
                async with beside:
                    found[name] = await STEPS.get(name, applied)(case)
                    await client.delete(LLM_INFERENCE_SERVICE, NAME, case.namespace)
            except (ApiError, AssertionError) as error:
                found[name] = f"{type(error).__name__}: {error}"
            world.namespaces.pop(case.namespace, None)

        # it begins without a gateway
        if "lifecycle" in cases:
            await one("lifecycle")
        else:
            await make_gateway(client)
            await program_gateway(client)
        await asyncio.gather(*(one(name) for name in cases if name != "lifecycle"))
    return found


@pytest.fixture(scope="module")
def played(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Any]:
    """All cases of this run, played beside each other."""
    items = [item for item in request.session.items if item.path == request.node.path and hasattr(item, "callspec")]
    cases = sorted(str(item.callspec.params["case"]) for item in items)
    prepare(cluster, tmp_path_factory.mktemp("charts"), cases)
    return asyncio.run(play(cluster, cases))


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=[] if name in IN_EVERY_RUN else pytest.mark.prove) for name in CASES]
)
def test_stand_in_does_what_the_original_did(played: dict[str, Any], case: str) -> None:
    wanted = documents(FOLDER / case / "observed.yaml")
    found = played[case]
    unknown = LEDGER.compare(case, VERSION, wanted, found)
    assert not unknown, "\n".join(str(each) for each in unknown[:20])


def test_every_observation_has_its_case() -> None:
    assert set(STEPS) <= set(CASES)
    assert set(IN_EVERY_RUN) <= set(CASES)


@pytest.mark.prove
def test_every_listed_difference_is_met(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{LEDGER.table([VERSION])}")
    LEDGER.keep("KServe's controller")
    assert LEDGER.unused() == []


def test_listed_differences_are_told() -> None:
    headings = (GOLDEN.parents[2] / "sandbox" / "README.md").read_text(encoding="utf-8")
    for entry in LEDGER.listed:
        assert entry.reason and f"### {entry.anchor}" in headings, f"sandbox/README.md has no heading {entry.anchor!r}"
