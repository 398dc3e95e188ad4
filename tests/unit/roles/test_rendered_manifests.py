# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What render.yml writes, held against schemas, the sandbox's policies, KServe's merging and Istio's routes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import pool_routes
from ansible_collections.rhaii.gke.plugins.module_utils._service_plan import OVERRIDE, override_of, plan
from jsonschema import Draft202012Validator

from sandbox.control_plane.kube import Object
from sandbox.images.istiod import envoyfilters, gateways
from sandbox.images.istiod.releases import RELEASES, Release
from sandbox.images.istiod.routes import route_configurations
from sandbox.images.kserve import routing, scheduler, workload
from sandbox.network.addresses import PUBLIC_NAMES, api_server_endpoint
from sandbox.network.policy import Pod, Rulebook
from sandbox.settings import CHECKOUT
from tests.unit.sandbox.images.istiod import objects
from tests.unit.sandbox.images.kserve.services import STORAGE, combined, container

MANIFESTS = Path("deployments/istio-kserve/caching-pattern/manifests")
ROLES = ("inference_service", "routing", "network_policies")
PLAYBOOK = CHECKOUT / "playbooks" / "render.yml"
GENUINE = CHECKOUT / ".sandbox" / "assets" / "crds"
KSERVE_CRD = CHECKOUT / "sandbox/charts/kserve-rhaii-xks/crds/serving.kserve.io_llminferenceservices.yaml"
POLICIES = ("allow-gateway-to-vllm", "allow-epp-scheduler", "allow-istio", "allow-vllm-egress")

TOKEN_IN_FILE, TOKEN_INLINE, PASSWORD = "hf_token-in-a-file", "hf_token-inline", "registry-password"
LOGIN = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
PULL_SECRET = json.dumps({"auths": {"registry.redhat.io": {"auth": LOGIN}}})
PICKER = "registry.example.com/pickers/epp:1"
NEWER = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.3.0"

# "on" is a truth value to YAML; the served name has what ends a plain scalar
FLEET = [
    {
        "name": "on",
        "uri": "hf://o/a",
        "replicas": 1,
        "headers": {"x-model": "never asked for"},
        "args": ["--max-model-len=4096", '--override-generation-config={"top_k": 5}', 7],
    },
    {
        "name": "second",
        "uri": "hf://o/b: #1",
        "served_name": "o/b: #1",
        "replicas": 2,
        "headers": {"x-model": "second", "x-tier": 1, "x-beta": True},
        "resources": {"memory": "64Gi"},
    },
    {"name": "third", "uri": "hf://o/c", "replicas": 1},
]
LIVE = [{"metadata": {"name": "second", "annotations": {OVERRIDE: '{"image": "' + NEWER + '"}'}}, "spec": {}}]

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "guide": {},
    # values from the command line are text
    "typed": {
        "rhaii_replicas": "5",
        "rhaii_image": NEWER,
        "rhaii_epp_image": PICKER,
        "rhaii_accelerator": "v5p",
        "inference_service_guide_label": "false",
        "inference_service_startup_seconds": "1801",
        "routing_guide_paths": "false",
        "routing_kserve_pool_rules": [],
    },
    "fleet": {
        "rhaii_environment": "fleet-1",
        "rhaii_namespace": "models",
        "rhaii_gateway_name": "edge",
        "rhaii_gateway_namespace": "gateways",
        "rhaii_machine_type": "ct6e-standard-8t",
        "inference_service_plan": plan(FLEET, LIVE, replicas=3).public(),
        "inference_service_vllm_args": ["--dtype=bfloat16"],
        "routing_kserve_pool_rules": [0],
        "network_policies_istio_namespace": "mesh",
        "network_policies_monitoring_namespace": "prometheus",
        "network_policies_private_ranges": ["10.0.0.0/8"],
    },
    # a gated model, and one that reads pictures, from the inventory
    "pair": {
        "rhaii_models": [
            {
                "name": "gated",
                "uri": "hf://google/gemma-3-4b-it",
                "served_name": "gemma",
                "replicas": 1,
                "headers": {"x-model": "gemma"},
            },
            {
                "name": "vision",
                "uri": "hf://Qwen/Qwen2.5-VL-3B-Instruct",
                "replicas": 2,
                "headers": {"x-model": "vision"},
                "args": ["--max-model-len=4096", '--limit-mm-per-prompt={"image": 2}'],
                "resources": {"memory": "64Gi", "cpu": 8},
            },
        ],
    },
    "plain": {"routing_body_forwarding": False},
    # pods of others live in the namespace
    "shared": {"network_policies_ours_alone": "true"},
}


class Rendered:
    """The files of one environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / MANIFESTS

    def documents(self, file: str) -> list[Object]:
        text = (self._folder / file).read_text(encoding="utf-8")
        found = list(yaml.load_all(text, Loader=Unambiguous))
        assert len(found) == sum(line == "---" for line in text.splitlines())
        return found

    @property
    def account(self) -> Object:
        return self.documents("llmisvc-tpu-caching.yaml")[0]

    @property
    def services(self) -> list[Object]:
        return self.documents("llmisvc-tpu-caching.yaml")[1:]

    @property
    def service(self) -> Object:
        return self.services[0]

    @property
    def main(self) -> Object:
        return container(self.service["spec"]["template"])

    @property
    def routes(self) -> list[Object]:
        return self.documents("envoyfilter-route-extproc-body.yaml")

    def route(self, kind: str) -> Object:
        return next(item for item in self.routes if item["kind"] == kind)

    @property
    def policies(self) -> list[Object]:
        return [self.documents(f"networkpolicies/{name}.yaml")[0] for name in POLICIES]

    @property
    def everything(self) -> list[Object]:
        return [self.account, *self.services, *self.routes, *self.policies]


class Unambiguous(yaml.SafeLoader):
    """Refuses a key that is there twice: what two documents without a line between them look like."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"twice in {node.start_mark}: {keys}"
        return super().construct_mapping(node, deep)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What render.yml writes for every environment, and what deploy.yml applies besides."""
    found = tmp_path_factory.mktemp("rendered")
    (found / "token").write_text(f"{TOKEN_IN_FILE}\n", encoding="utf-8")
    (found / "pull-secret.json").write_text(PULL_SECRET, encoding="utf-8")
    wanted: list[Object] = []
    for name in ENVIRONMENTS:
        variables = variables_of(name, found)
        wanted += [{"role": role, "variables": variables} for role in ROLES]
        wanted += [
            {
                "role": "inference_service",
                "template": f"{template}.yml.j2",
                "variables": variables,
                "dest": str(found / f"{template}-{name}"),
            }
            for template in ("secrets", "accounts")
        ]
    run([sys.executable, "-m", "tests.unit.roles.rendering"], cwd=CHECKOUT, text=json.dumps(wanted))
    return found


def variables_of(name: str, folder: Path) -> dict[str, Any]:
    return {
        "inventory_hostname": name,
        "rhaii_render_folder": str(folder / name),
        "rhaii_pull_secret_file": str(folder / "pull-secret.json"),
        "rhaii_hf_token": TOKEN_INLINE,
        **({"rhaii_hf_token_file": str(folder / "token")} if name == "guide" else {}),
        **ENVIRONMENTS[name],
    }


def run(command: list[str], *, cwd: Path, text: str = "", **environment: str) -> None:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), **environment},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.fixture(params=list(ENVIRONMENTS))
def each(request: pytest.FixtureRequest, folder: Path) -> Rendered:
    return Rendered(folder / request.param)


@pytest.fixture
def guide(folder: Path) -> Rendered:
    return Rendered(folder / "guide")


@pytest.fixture
def typed(folder: Path) -> Rendered:
    return Rendered(folder / "typed")


@pytest.fixture
def fleet(folder: Path) -> Rendered:
    return Rendered(folder / "fleet")


@pytest.fixture
def shared(folder: Path) -> Rendered:
    return Rendered(folder / "shared")


# The files


def test_playbook_writes_just_these(folder: Path, tmp_path: Path) -> None:
    variables = {**variables_of("guide", folder), "rhaii_render_folder": str(tmp_path / "guide")}
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": {"guide": host}}}), encoding="utf-8")
    run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.yml", str(PLAYBOOK)],
        cwd=tmp_path,
        ANSIBLE_HOME=str(tmp_path / "home"),
    )
    assert tree(tmp_path / "guide") == tree(folder / "guide")


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()
    }


def test_files_are_those_of_the_guide(folder: Path) -> None:
    for name in ENVIRONMENTS:
        assert set(tree(folder / name)) == {
            str(MANIFESTS / file)
            for file in (
                "llmisvc-tpu-caching.yaml",
                "envoyfilter-route-extproc-body.yaml",
                *(f"networkpolicies/{policy}.yaml" for policy in POLICIES),
            )
        }


def test_no_secret_is_in_any_file(folder: Path) -> None:
    secrets = [TOKEN_IN_FILE, TOKEN_INLINE, PASSWORD, LOGIN]
    secrets += [base64.b64encode(secret.encode()).decode() for secret in (*secrets, PULL_SECRET)]
    for name in ENVIRONMENTS:
        for text in tree(folder / name).values():
            assert [secret for secret in secrets if secret.rstrip("=") in text] == []
            assert "kind: Secret" not in text


def test_secrets_that_deploy_applies_hold_what_was_given(folder: Path) -> None:
    for name, token in (("guide", TOKEN_IN_FILE), ("fleet", TOKEN_INLINE)):
        text = (folder / f"secrets-{name}").read_text(encoding="utf-8")
        pull, hub = yaml.load_all(text, Loader=Unambiguous)
        assert (pull["metadata"]["name"], pull["type"]) == ("rhaiis-pull-secret", "kubernetes.io/dockerconfigjson")
        assert json.loads(base64.b64decode(pull["data"][".dockerconfigjson"])) == json.loads(PULL_SECRET)
        assert (hub["metadata"]["name"], hub["type"]) == ("huggingface-token", "Opaque")
        assert base64.b64decode(hub["data"]["token"]).decode() == token
        assert hub["data"]["HF_TOKEN"] == hub["data"]["token"]
        for secret in (pull, hub):
            assert secret["metadata"]["namespace"] == {"guide": "rhaii-inference", "fleet": "models"}[name]


def test_account_is_the_same_rendered_and_applied(folder: Path, guide: Rendered) -> None:
    assert yaml.safe_load((folder / "accounts-guide").read_text(encoding="utf-8")) == guide.account
    assert guide.account["imagePullSecrets"] == [{"name": "rhaiis-pull-secret"}]
    # where KServe looks for the hub's token
    assert guide.account["secrets"] == [{"name": "huggingface-token"}]
    assert (guide.account["kind"], guide.account["metadata"]["name"]) == ("ServiceAccount", "rhaii-models")
    assert guide.service["spec"]["template"]["serviceAccountName"] == "rhaii-models"


def test_all_say_whose_they_are(guide: Rendered, fleet: Rendered) -> None:
    for rendered, environment in ((guide, "guide"), (fleet, "fleet-1")):
        for item in rendered.everything:
            assert item["metadata"]["labels"] == {
                "app.kubernetes.io/managed-by": "rhaii.gke",
                "rhaii.gke/environment": environment,
            }


def test_namespaces_are_the_inventorys(guide: Rendered, fleet: Rendered) -> None:
    for rendered, own, gateway in ((guide, "rhaii-inference", "opendatahub"), (fleet, "models", "gateways")):
        assert {item["metadata"]["namespace"] for item in rendered.everything if item["kind"] != "EnvoyFilter"} == {own}
        assert rendered.route("EnvoyFilter")["metadata"]["namespace"] == gateway


# The schemas


def strict(schema: Any) -> Any:
    """A structural schema as the API server's strict validation takes it: unknown fields are refused."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    found = {key: strict(value) for key, value in schema.items() if key not in ("format", "default")}
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def problems(item: Object, crds: Path) -> list[str]:
    """What strict validation would say of an object; its metadata has the API server's own schema."""
    group, _, version = item["apiVersion"].rpartition("/")
    errors = validator(crds, group, version, item["kind"]).iter_errors({"spec": item["spec"]})
    return [f"{error.json_path}: {error.message}" for error in errors]


@cache
def validator(crds: Path, group: str, version: str, kind: str) -> Draft202012Validator:
    (crd,) = (
        found
        for text in crds.read_text(encoding="utf-8").split("\n---\n")
        # the whole file takes seconds to read
        if f"\n    kind: {kind}\n" in text and (found := yaml.safe_load(text))["spec"]["group"] == group
    )
    (found,) = (one for one in crd["spec"]["versions"] if one["name"] == version and one["served"])
    specification = strict(found["schema"]["openAPIV3Schema"]["properties"]["spec"])
    return Draft202012Validator({"properties": {"spec": specification}, "required": ["spec"]})


def test_services_fit_kserves_schema(each: Rendered) -> None:
    assert each.services
    for service in each.services:
        assert problems(service, KSERVE_CRD) == []


def test_routes_fit_the_genuine_schemas(each: Rendered) -> None:
    schemas = {
        "HTTPRoute": GENUINE / "gateway-api" / "gateway.networking.k8s.io_httproutes.yaml",
        "EnvoyFilter": GENUINE / "istio" / "customresourcedefinitions.gen.yaml",
    }
    assert each.routes
    for item in each.routes:
        assert problems(item, schemas[item["kind"]]) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("replica",), 3, id="typo"),
        pytest.param(("replicas",), "3", id="text for a number"),
        pytest.param(("model", "criticality"), "Utmost", id="word that is none of them"),
        pytest.param(("template", "containers", 0, "livenessProbe", "httpGet", "portt"), 1, id="typo deep down"),
    ],
)
def test_schema_check_can_fail(guide: Rendered, path: tuple[Any, ...], value: Any) -> None:
    service = guide.service
    place: Any = service["spec"]
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert problems(service, KSERVE_CRD)


# The services


def test_guides_service(guide: Rendered) -> None:
    service = guide.service
    assert service["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert service["metadata"]["name"] == "qwen-3b-tpu-svc"
    assert service["metadata"]["annotations"] == {"rhaii.gke/created": "true"}
    assert service["spec"]["model"] == {
        "uri": "hf://Qwen/Qwen2.5-3B-Instruct",
        "name": "Qwen/Qwen2.5-3B-Instruct",
    }
    assert service["spec"]["replicas"] == 3
    assert "labels" not in service["spec"]
    picker = {"imagePullSecrets": [{"name": "rhaiis-pull-secret"}], "containers": [{"name": "main"}]}
    assert service["spec"]["router"] == {"route": {}, "gateway": {}, "scheduler": {"template": picker}}
    template = service["spec"]["template"]
    assert template["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
        "cloud.google.com/gke-tpu-topology": "2x2",
    }
    assert template["tolerations"] == [
        {"key": "google.com/tpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"}
    ]
    assert template["imagePullSecrets"] == [{"name": "rhaiis-pull-secret"}]
    main = guide.main
    assert main["image"] == "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5"
    assert main["resources"] == {"limits": {"google.com/tpu": "4"}, "requests": {"google.com/tpu": "4"}}
    assert {item["name"]: item.get("value") for item in main["env"]} == {
        "TPU_CHIPS_PER_HOST_BOUNDS": "2,2,1",
        "TPU_HOST_BOUNDS": "1,1,1",
        "PJRT_DEVICE": "TPU",
        "HF_TOKEN": None,
    }
    assert main["env"][-1]["valueFrom"]["secretKeyRef"] == {"name": "huggingface-token", "key": "token"}


def test_arguments_come_in_the_order_in_which_the_later_wins(guide: Rendered, fleet: Rendered) -> None:
    ours = [
        "--model=/mnt/models",
        "--served-model-name=Qwen/Qwen2.5-3B-Instruct",
        "--port=8000",
        "--tensor-parallel-size=4",
        "--ssl-certfile=/var/run/kserve/tls/tls.crt",
        "--ssl-keyfile=/var/run/kserve/tls/tls.key",
        "--enable-ssl-refresh",
    ]
    assert guide.main["command"] == ["python3", "-m", "vllm.entrypoints.openai.api_server"]
    assert guide.main["args"] == [
        *ours,
        "--dtype=half",
        "--max-model-len=2048",
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        "--max-num-seqs=128",
    ]
    first, second, _ = (container(item["spec"]["template"])["args"] for item in fleet.services)
    assert first[:2] == ["--model=/mnt/models", "--served-model-name=o/a"]
    assert first[7:] == ["--dtype=bfloat16", "--max-model-len=4096", '--override-generation-config={"top_k": 5}', "7"]
    assert second[1] == "--served-model-name=o/b: #1"
    assert second[7:] == ["--dtype=bfloat16"]


def test_each_model_is_a_service_of_its_own(fleet: Rendered) -> None:
    assert [(item["metadata"]["name"], item["spec"]["model"], item["spec"]["replicas"]) for item in fleet.services] == [
        ("on", {"uri": "hf://o/a", "name": "o/a"}, 3),
        ("second", {"uri": "hf://o/b: #1", "name": "o/b: #1"}, 2),
        ("third", {"uri": "hf://o/c", "name": "o/c"}, 1),
    ]


def test_nothing_asks_for_a_zero_that_kserve_would_drop(each: Rendered) -> None:
    for service in each.services:
        main = container(service["spec"]["template"])
        probes = [main[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
        assert all(value != 0 for probe in probes for value in probe.values())


def test_override_is_recorded_so_that_it_can_be_read_again(fleet: Rendered) -> None:
    assert [override_of(item) for item in fleet.services] == [{"replicas": 3}, {"image": NEWER}, {}]
    assert fleet.services[2]["metadata"]["annotations"] == {"rhaii.gke/created": "true"}
    again = plan(FLEET, fleet.services)
    assert [model["override"] for model in again.models] == [{"replicas": 3}, {"image": NEWER}, {}]


def test_command_line_is_taken_as_the_text_that_it_is(typed: Rendered) -> None:
    assert (typed.service["spec"]["replicas"], typed.main["image"]) == (5, NEWER)
    assert override_of(typed.service) == {"replicas": 5, "image": NEWER}
    assert typed.main["startupProbe"]["failureThreshold"] == 181


def test_machine_decides_selector_chips_and_bounds(typed: Rendered, fleet: Rendered) -> None:
    for rendered, accelerator, topology, chips, bounds in (
        (typed, "tpu-v5p-slice", "2x2x1", "4", "2,2,1"),
        (fleet, "tpu-v6e-slice", "2x4", "8", "2,4,1"),
    ):
        assert rendered.service["spec"]["template"]["nodeSelector"] == {
            "cloud.google.com/gke-tpu-accelerator": accelerator,
            "cloud.google.com/gke-tpu-topology": topology,
        }
        assert f"--tensor-parallel-size={chips}" in rendered.main["args"]
        assert rendered.main["env"][0] == {"name": "TPU_CHIPS_PER_HOST_BOUNDS", "value": bounds}
        assert rendered.main["resources"]["limits"]["google.com/tpu"] == chips


def test_models_resources_are_beside_its_chips(fleet: Rendered) -> None:
    wanted = {"google.com/tpu": "8", "memory": "64Gi"}
    assert container(fleet.services[1]["spec"]["template"])["resources"] == {"limits": wanted, "requests": wanted}


def test_pod_that_must_go_is_drained_within_its_grace(guide: Rendered) -> None:
    drain = guide.main["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert (drain, guide.service["spec"]["template"]["terminationGracePeriodSeconds"]) == (15, 60)


def test_probes_ask_over_tls_and_only_the_startup_probe_waits(guide: Rendered) -> None:
    probes = {name: guide.main[f"{name}Probe"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["httpGet"] for name, probe in probes.items()} == {
        "startup": {"path": "/health", "port": 8000, "scheme": "HTTPS"},
        "liveness": {"path": "/health", "port": 8000, "scheme": "HTTPS"},
        "readiness": {"path": "/v1/models", "port": 8000, "scheme": "HTTPS"},
    }
    assert probes["startup"]["failureThreshold"] * probes["startup"]["periodSeconds"] == 1800
    # KServe would drop a zero, and its preset has the delay anyway
    assert all("initialDelaySeconds" not in probe for probe in probes.values())


def live(service: Object) -> Object:
    """As the API server holds it."""
    return {**service, "metadata": {**service["metadata"], "uid": "u", "generation": 1}}


def model_pods(service: Object) -> Object:
    """The pod template that the KServe stand-in makes of a service."""
    found: Object = workload.deployment(live(service), combined(live(service)), STORAGE, [], 1.0)["spec"]["template"]
    return found


def test_kserves_presets_leave_what_we_set(each: Rendered) -> None:
    for service in each.services:
        pod = model_pods(service)
        own, merged = (container(item) for item in (service["spec"]["template"], pod["spec"]))
        for part in ("command", "args", "image", "resources", "lifecycle"):
            assert merged[part] == own[part]
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert {**merged[name], **own[name]} == merged[name]
        assert pod["spec"]["terminationGracePeriodSeconds"] == 60


# The routes


def paths(route: Object) -> list[tuple[str, dict[str, str], str]]:
    found = []
    for rule in route["spec"]["rules"]:
        (match,), (backend,) = rule["matches"], rule["backendRefs"]
        assert match["path"]["type"] == "PathPrefix"
        headers = {item["name"]: item["value"] for item in match.get("headers", [])}
        found.append((match["path"]["value"], headers, backend["name"]))
    return found


def test_guides_paths_lead_to_the_default_model(guide: Rendered) -> None:
    route = guide.route("HTTPRoute")
    assert paths(route) == [
        ("/v1/completions", {}, "qwen-3b-tpu-svc-inference-pool"),
        ("/v1/chat/completions", {}, "qwen-3b-tpu-svc-inference-pool"),
        ("/v1/models", {}, "qwen-3b-tpu-svc-kserve-workload-svc"),
        ("/v1/health", {}, "qwen-3b-tpu-svc-kserve-workload-svc"),
    ]
    assert route["spec"]["parentRefs"] == [
        {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "name": "inference-gateway",
            "namespace": "opendatahub",
        }
    ]
    rules = route["spec"]["rules"]
    assert [rule.get("timeouts") for rule in rules] == [{"request": "0s", "backendRequest": "0s"}] * 2 + [None] * 2
    assert [
        rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"] for rule in rules if rule.get("filters")
    ] == ["/v1/models", "/health"]


def test_other_models_are_reached_by_their_headers(fleet: Rendered) -> None:
    headers = {"x-model": "second", "x-tier": "1", "x-beta": "true"}
    assert paths(fleet.route("HTTPRoute")) == [
        ("/v1/completions", {}, "on-inference-pool"),
        ("/v1/chat/completions", {}, "on-inference-pool"),
        ("/v1/models", {}, "on-kserve-workload-svc"),
        ("/v1/health", {}, "on-kserve-workload-svc"),
        ("/v1/completions", headers, "second-inference-pool"),
        ("/v1/chat/completions", headers, "second-inference-pool"),
        ("/v1/models", headers, "second-kserve-workload-svc"),
        ("/v1/health", headers, "second-kserve-workload-svc"),
    ]
    assert fleet.route("HTTPRoute")["spec"]["parentRefs"][0]["name"] == "edge"
    assert fleet.route("HTTPRoute")["spec"]["parentRefs"][0]["namespace"] == "gateways"


def patched(envoy_filter: Object) -> list[str]:
    return [
        item["match"]["routeConfiguration"]["vhost"]["route"]["name"] for item in envoy_filter["spec"]["configPatches"]
    ]


def test_envoyfilter_names_the_rules_that_lead_to_a_pool(guide: Rendered, fleet: Rendered) -> None:
    assert patched(guide.route("EnvoyFilter")) == [
        "rhaii-inference.guide-paths.0",
        "rhaii-inference.guide-paths.1",
        "rhaii-inference.qwen-3b-tpu-svc-kserve-route.0",
        "rhaii-inference.qwen-3b-tpu-svc-kserve-route.1",
    ]
    assert patched(fleet.route("EnvoyFilter")) == [
        "models.guide-paths.0",
        "models.guide-paths.1",
        "models.guide-paths.4",
        "models.guide-paths.5",
        "models.on-kserve-route.0",
        "models.second-kserve-route.0",
        "models.third-kserve-route.0",
    ]
    for rendered, gateway in ((guide, "inference-gateway"), (fleet, "edge")):
        assert rendered.route("EnvoyFilter")["spec"]["workloadSelector"]["labels"] == {
            "gateway.networking.k8s.io/gateway-name": gateway
        }


def test_what_is_turned_off_is_not_there(folder: Path, typed: Rendered) -> None:
    assert [item["kind"] for item in Rendered(folder / "plain").routes] == ["HTTPRoute"]
    assert [item["kind"] for item in typed.routes] == ["EnvoyFilter"]
    # and a filter without a route to patch is still valid
    assert typed.route("EnvoyFilter")["spec"]["configPatches"] == []


def behind(service: Object) -> list[Object]:
    """What the KServe stand-in makes of a service for the gateway."""
    spec = combined(live(service))
    found = spec["router"]["scheduler"]
    return [
        # a gateway has answered that it does not know the older pool
        routing.route(live(service), spec, {"metadata": {"annotations": {routing.MIGRATED: "v1"}}}),
        scheduler.inference_pool(live(service), found),
        scheduler.epp_service(live(service), found),
        workload.workload_service(live(service)),
    ]


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_every_route_to_a_pool_asks_its_picker(guide: Rendered, release: Release) -> None:
    world = objects.world(objects.gateway_class(), objects.gateway(), *behind(guide.service), guide.route("HTTPRoute"))
    live_pools = list(world.pools.values())
    found = pool_routes(list(world.routes.values()), live_pools, *reversed(objects.GATEWAY_KEY))
    assert [item["name"] for item in found] == patched(guide.route("EnvoyFilter"))

    mesh = replace(objects.MESH, release=release)
    before = route_configurations(world, mesh, objects.GATEWAY_KEY, [80])
    pod_labels = gateways.pod_labels(objects.gateway())
    with_filter = objects.world(objects.gateway_class(), objects.gateway(), guide.route("EnvoyFilter"))
    filters = envoyfilters.applicable(with_filter, mesh, objects.GATEWAY_KEY, pod_labels)
    after = envoyfilters.apply(envoyfilters.Resources([], before, [], []), filters, mesh).routes
    own = "/rhaii-inference/qwen-3b-tpu-svc"
    picker = "outbound|9002||qwen-3b-tpu-svc-epp-service.rhaii-inference.svc.cluster.local"
    assert {entry["match"].get("path_separated_prefix"): asked(entry) for entry in entries(after)} == {
        "/v1/completions": picker,
        "/v1/chat/completions": picker,
        "/v1/models": None,
        "/v1/health": None,
        f"{own}/v1/completions": picker,
        f"{own}/v1/chat/completions": picker,
        own: None,
    }
    assert all("route" in entry for entry in entries(after))
    # of two routes of one age the first by name keeps its picker, so that the other's paths lose theirs
    lost = sum(asked(old) != asked(new) for old, new in zip(entries(before), entries(after), strict=True))
    assert lost == (0 if release.every_route_keeps_its_pickers else 2)


def entries(configurations: list[Object]) -> Iterator[Object]:
    for configuration in configurations:
        for host in configuration["virtual_hosts"]:
            yield from host["routes"]


def asked(entry: Object) -> str | None:
    """Whom Envoy asks for an endpoint, with the whole of both bodies and every failure mode as the pool has it."""
    per_filter = entry.get("typed_per_filter_config", {}).get("envoy.filters.http.ext_proc")
    if per_filter is None:
        return None
    found = per_filter["overrides"]
    assert found["failure_mode_allow"] is True
    assert {found["processing_mode"][f"{side}_body_mode"] for side in ("request", "response")} == {
        "FULL_DUPLEX_STREAMED"
    }
    return str(found["grpc_service"]["envoy_grpc"]["cluster_name"])


# The network policies

HUB = PUBLIC_NAMES["huggingface.co"]
API_SERVER = api_server_endpoint(1)
ADDRESSES = {
    "gateway": "10.1.0.2",
    "model": "10.1.0.3",
    "other model": "10.1.0.4",
    "picker": "10.1.0.5",
    "stranger": "10.1.0.6",
    "stranger elsewhere": "10.1.0.7",
    "stranger beside the gateway": "10.1.0.8",
    "another gateway": "10.1.0.9",
    "gateway's label elsewhere": "10.1.0.10",
    "picker's label elsewhere": "10.1.0.11",
    "konnectivity": "10.1.0.12",
    "konnectivity's label elsewhere": "10.1.0.13",
    "system pod": "10.1.0.14",
    "dns": "10.1.0.15",
    "dns's label elsewhere": "10.1.0.16",
    "prometheus": "10.1.0.17",
    "istiod": "10.1.0.18",
    "another service's model": "10.1.0.19",
    # not of the cluster
    "hub": HUB,
    "api server": API_SERVER,
    "private 10": "10.200.0.5",
    "private 172": "172.16.0.1",
    "private 172, last": "172.31.255.254",
    "public 172": "172.32.0.1",
    "private 192": "192.168.1.1",
    "metadata server": "169.254.169.254",
    "node's dns": "169.254.20.10",
    "node": "10.1.127.2",
}


def rulebook(
    rendered: Rendered, istio: str = "istio-system", monitoring: str = "monitoring", only: str = ""
) -> Rulebook:
    policies = [policy for policy in rendered.policies if only in ("", policy["metadata"]["name"])]
    service = rendered.service
    own, gateway = service["metadata"]["namespace"], rendered.route("EnvoyFilter")["metadata"]["namespace"]
    label = rendered.route("EnvoyFilter")["spec"]["workloadSelector"]["labels"]
    model = model_pods(service)["metadata"]["labels"]
    picker = scheduler.deployment(live(service), combined(live(service))["router"]["scheduler"])
    picker_labels = picker["spec"]["template"]["metadata"]["labels"]
    labels: dict[str, tuple[str, dict[str, str]]] = {
        "gateway": (gateway, {**gateways.pod_labels(objects.gateway()), **label}),
        "model": (own, model),
        "other model": (own, model),
        "picker": (own, picker_labels),
        "stranger": (own, {"app": "x"}),
        "another service's model": (own, {**model, "app.kubernetes.io/name": "another"}),
        "stranger elsewhere": ("default", {"app": "x"}),
        "stranger beside the gateway": (gateway, {"app": "x"}),
        "another gateway": (gateway, dict.fromkeys(label, "another")),
        "gateway's label elsewhere": ("default", label),
        "picker's label elsewhere": ("default", picker_labels),
        "konnectivity": ("kube-system", {"k8s-app": "konnectivity-agent"}),
        "konnectivity's label elsewhere": ("default", {"k8s-app": "konnectivity-agent"}),
        "system pod": ("kube-system", {"k8s-app": "x"}),
        "dns": ("kube-system", {"k8s-app": "kube-dns"}),
        "dns's label elsewhere": ("default", {"k8s-app": "kube-dns"}),
        "prometheus": (monitoring, {"app": "prometheus"}),
        "istiod": (istio, {"app": "istiod"}),
    }
    pods = {ADDRESSES[name]: Pod(namespace, name, values) for name, (namespace, values) in labels.items()}
    return Rulebook(pods, {namespace: {} for namespace, _ in labels.values()}, policies)


CONNECTIONS: dict[tuple[str, str, int], bool] = {
    # requests
    ("gateway", "model", 8000): True,
    ("gateway", "model", 8001): False,
    ("stranger", "model", 8000): False,
    ("stranger elsewhere", "model", 8000): False,
    ("stranger beside the gateway", "model", 8000): False,
    ("another gateway", "model", 8000): False,
    ("gateway's label elsewhere", "model", 8000): False,
    ("other model", "model", 8000): False,
    ("hub", "model", 8000): False,
    ("node", "model", 8000): True,
    # what the endpoint picker and Prometheus read from the replicas
    ("picker", "model", 8000): True,
    ("picker", "model", 8001): False,
    ("picker's label elsewhere", "model", 8000): False,
    ("prometheus", "model", 8000): True,
    ("prometheus", "model", 9090): False,
    # the API server's way to pods
    ("konnectivity", "model", 8000): True,
    ("konnectivity", "model", 22): False,
    ("konnectivity's label elsewhere", "model", 8000): False,
    ("system pod", "model", 8000): False,
    # the endpoint picker
    ("gateway", "picker", 9002): True,
    ("gateway", "picker", 9003): True,
    ("gateway", "picker", 9001): False,
    ("gateway", "picker", 9004): False,
    ("gateway", "picker", 9090): False,
    ("stranger", "picker", 9002): False,
    ("model", "picker", 9002): False,
    ("another gateway", "picker", 9002): False,
    ("gateway's label elsewhere", "picker", 9002): False,
    ("prometheus", "picker", 9090): True,
    ("prometheus", "picker", 9002): False,
    ("stranger", "picker", 9090): False,
    ("picker", "api server", 443): True,
    ("picker", "api server", 6443): True,
    ("picker", "api server", 80): False,
    ("picker", "stranger elsewhere", 8000): False,
    # what a replica may reach
    ("model", "hub", 443): True,
    ("model", "hub", 80): False,
    ("model", "public 172", 443): True,
    ("model", "private 10", 443): False,
    ("model", "private 172", 443): False,
    ("model", "private 172, last", 443): False,
    ("model", "private 192", 443): False,
    ("model", "metadata server", 443): False,
    ("model", "metadata server", 80): False,
    ("model", "api server", 443): False,
    ("model", "stranger elsewhere", 443): False,
    ("model", "node's dns", 443): False,
    # Istio, and what has no policy of its own
    ("model", "istiod", 15012): True,
    ("picker", "istiod", 15012): True,
    ("stranger", "istiod", 15017): True,
    ("stranger", "istiod", 15010): False,
    ("stranger", "hub", 15012): False,
    ("stranger", "gateway", 15012): False,
    ("istiod", "stranger", 15012): True,
    ("istiod", "stranger", 15017): True,
    ("istiod", "stranger", 80): False,
    ("istiod", "model", 8000): False,
    ("stranger elsewhere", "stranger", 15012): False,
    ("stranger", "hub", 443): False,
    ("stranger elsewhere", "stranger", 80): False,
}


@pytest.mark.parametrize(
    ("connection", "allowed"),
    CONNECTIONS.items(),
    ids=[f"{source} to {target} {port}" for source, target, port in CONNECTIONS],
)
def test_connection(guide: Rendered, connection: tuple[str, str, int], allowed: bool) -> None:
    source, target, port = connection
    assert rulebook(guide).allowed(ADDRESSES[source], ADDRESSES[target], port) is allowed


# What one policy says where the others are not: together they hide each other.
ALONE: dict[tuple[str, str, str, int], bool] = {
    ("allow-gateway-to-vllm", "gateway", "model", 8000): True,
    ("allow-gateway-to-vllm", "picker", "model", 8000): True,
    ("allow-gateway-to-vllm", "stranger", "model", 8000): False,
    ("allow-gateway-to-vllm", "other model", "model", 8000): False,
    ("allow-gateway-to-vllm", "gateway", "stranger", 80): True,
    ("allow-gateway-to-vllm", "model", "hub", 80): True,
    ("allow-epp-scheduler", "stranger", "picker", 9002): False,
    ("allow-epp-scheduler", "model", "picker", 9002): False,
    ("allow-epp-scheduler", "picker", "model", 8000): True,
    ("allow-epp-scheduler", "picker", "model", 8001): False,
    ("allow-epp-scheduler", "picker", "stranger", 8000): False,
    ("allow-epp-scheduler", "stranger", "model", 8000): True,
    ("allow-vllm-egress", "model", "stranger", 8000): False,
    ("allow-vllm-egress", "stranger", "model", 8000): True,
    ("allow-vllm-egress", "stranger", "hub", 80): True,
    ("allow-istio", "gateway", "model", 8000): False,
    ("allow-istio", "model", "hub", 443): False,
    ("allow-istio", "stranger elsewhere", "hub", 443): True,
}


@pytest.mark.parametrize(
    ("connection", "allowed"),
    ALONE.items(),
    ids=[f"{policy}: {source} to {target} {port}" for policy, source, target, port in ALONE],
)
def test_connection_under_one_policy(guide: Rendered, connection: tuple[str, str, str, int], allowed: bool) -> None:
    policy, source, target, port = connection
    assert rulebook(guide, only=policy).allowed(ADDRESSES[source], ADDRESSES[target], port) is allowed


# Of policies that select our models alone: the same for these, and nothing for their neighbours.
BESIDE_OTHERS: dict[tuple[str, str, int], bool] = {
    ("gateway", "model", 8000): True,
    ("picker", "model", 8000): True,
    ("stranger", "model", 8000): False,
    ("gateway", "picker", 9002): True,
    ("stranger", "picker", 9002): False,
    ("model", "hub", 443): True,
    ("model", "private 10", 443): False,
    ("model", "stranger", 8000): False,
    ("stranger", "hub", 80): True,
    ("stranger", "private 10", 443): True,
    ("stranger elsewhere", "stranger", 80): True,
    ("another service's model", "stranger", 80): True,
    ("stranger", "another service's model", 8000): True,
}


@pytest.mark.parametrize(("connection", "allowed"), BESIDE_OTHERS.items(), ids=str)
def test_neighbours_are_not_cut_off(shared: Rendered, connection: tuple[str, str, int], allowed: bool) -> None:
    source, target, port = connection
    assert rulebook(shared).allowed(ADDRESSES[source], ADDRESSES[target], port) is allowed


def test_every_pod_of_a_namespace_of_ours_is_denied_by_default(guide: Rendered) -> None:
    book = rulebook(guide)
    assert not book.allowed(ADDRESSES["stranger"], ADDRESSES["hub"], 80)
    assert not book.allowed(ADDRESSES["another service's model"], ADDRESSES["stranger"], 80)


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
@pytest.mark.parametrize(
    ("source", "server", "allowed"),
    [
        ("model", "dns", True),
        ("picker", "dns", True),
        ("model", "node's dns", True),
        ("picker", "node's dns", True),
        ("stranger", "dns", False),
        ("model", "system pod", False),
        ("picker", "system pod", False),
        ("model", "dns's label elsewhere", False),
        ("picker", "dns's label elsewhere", False),
        ("model", "metadata server", False),
        ("picker", "metadata server", False),
    ],
)
def test_dns(guide: Rendered, source: str, server: str, allowed: bool, protocol: str) -> None:
    book = rulebook(guide)
    assert book.allowed(ADDRESSES[source], ADDRESSES[server], 53, protocol) is allowed
    assert not book.allowed(ADDRESSES[source], ADDRESSES[server], 54, protocol)


def test_sandboxs_dns_answers_replicas_and_picker(guide: Rendered) -> None:
    book = rulebook(guide)
    asked = {name: book.dns_allowed(ADDRESSES[name]) for name in ("model", "picker", "stranger", "stranger elsewhere")}
    assert asked == {"model": True, "picker": True, "stranger": False, "stranger elsewhere": True}


def test_policies_follow_the_inventorys_names(fleet: Rendered) -> None:
    book = rulebook(fleet, istio="mesh", monitoring="prometheus")
    for source, target, port, allowed in (
        ("gateway", "model", 8000, True),
        ("stranger", "model", 8000, False),
        ("gateway", "picker", 9002, True),
        ("prometheus", "picker", 9090, True),
        ("prometheus", "model", 8000, True),
        ("model", "istiod", 15012, True),
        ("model", "private 10", 443, False),
        ("model", "private 192", 443, True),
    ):
        assert book.allowed(ADDRESSES[source], ADDRESSES[target], port) is allowed, (source, target)
    usual = rulebook(fleet)
    assert not usual.allowed(ADDRESSES["prometheus"], ADDRESSES["model"], 8000)
    assert not usual.allowed(ADDRESSES["model"], ADDRESSES["istiod"], 15012)


@pytest.mark.parametrize(("environment", "image"), [("guide", None), ("typed", PICKER)])
def test_picker_is_the_charts_own_unless_another_image_is_given(
    folder: Path, environment: str, image: str | None
) -> None:
    service = Rendered(folder / environment).service
    (given,) = service["spec"]["router"]["scheduler"]["template"]["containers"]
    assert given == {"name": "main", **({"image": image} if image else {})}
    merged = scheduler.deployment(live(service), combined(live(service))["router"]["scheduler"])
    (main,) = merged["spec"]["template"]["spec"]["containers"]
    assert (main["image"] == PICKER) is bool(image)
    assert "--secure-serving" in main["args"]
