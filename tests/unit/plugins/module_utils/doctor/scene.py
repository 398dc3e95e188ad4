# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A healthy environment as the running components show it, to be broken in one place.

Routes, pool and filter are those that were given to istiod, Deployments those that KServe made (tests/golden), network
policies those of our templates.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._capability import silent
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.diagnose import CAPABILITY, Ports, run
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.view import Unknown, View
from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import Stored
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import WaitPorts
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import Seen

from sandbox.settings import CHECKOUT
from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.llmisvc.fake_cluster import NAME, NAMESPACE, FakeCluster

Json = dict[str, Any]
GOLDEN = CHECKOUT / "tests" / "golden"
GATEWAYS = "opendatahub"
OURS = "envoyfilter-route-extproc-body"
SECRETS = ((NAMESPACE, "rhaiis-pull-secret"), (NAMESPACE, "huggingface-token"), (GATEWAYS, "redhat-pull-secret"))
ACCOUNTS = ("kserve-controller-manager", "inference-gateway-istio")
POLICIES = ("allow-epp-scheduler", "allow-gateway-to-vllm", "allow-istio", "allow-vllm-egress")


@cache
def _read(file: Path) -> tuple[Json, ...]:
    text = file.read_text(encoding="utf-8").replace("alpha", NAME)
    return tuple(each for each in yaml.safe_load_all(text) if each and "kind" in each)


def objects(file: Path) -> list[Json]:
    """The objects of a file, with our model's name."""
    return copy.deepcopy(list(_read(file)))


def routing(case: str) -> dict[str, list[Json]]:
    """What a case gave to istiod, by kind."""
    found: dict[str, list[Json]] = {}
    for each in objects(GOLDEN / "istiod" / case / "objects.yaml"):
        found.setdefault(each["kind"], []).append(each)
    return found


def policies() -> list[Json]:
    """Those of our templates."""
    return copy.deepcopy(list(_policies()))


@cache
def _policies() -> tuple[Json, ...]:
    folder = CHECKOUT / "roles" / "network_policies" / "templates"
    engine = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), autoescape=False)
    engine.filters["to_json"] = json.dumps
    given = {
        "namespace": NAMESPACE,
        "labels": {},
        "ours_alone": False,
        "gateway_namespace": GATEWAYS,
        "gateway_name": "inference-gateway",
        "istio_namespace": "istio-system",
        "monitoring_namespace": "monitoring",
        "private_ranges": ["10.0.0.0/8"],
    }
    variables = {f"__network_policies_{name}": value for name, value in given.items()}
    return tuple(yaml.safe_load(engine.get_template(f"{name}.yml.j2").render(variables)) for name in POLICIES)


def deployments() -> list[Json]:
    """What KServe makes for the model, all of it available, and two operators."""
    made = [
        each
        for each in objects(GOLDEN / "kserve" / "odh-v3.4-EA1" / "ready" / "observed.yaml")
        if each["kind"] == "Deployment"
    ]
    for place in ("istio-system/istiod", "opendatahub/kserve-controller-manager"):
        namespace, _, name = place.partition("/")
        made.append({"metadata": {"name": name, "namespace": namespace}, "spec": {"replicas": 1}})
    for each in made:
        count = each["spec"]["replicas"]
        each["metadata"]["generation"] = 1
        each["status"] = {"observedGeneration": 1, "updatedReplicas": count, "availableReplicas": count}
    return made


def node(name: str, **spec: Any) -> Json:
    return {
        "metadata": {"name": name, "labels": {"cloud.google.com/gke-nodepool": "tpu-pool"}},
        "spec": spec,
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "capacity": {"google.com/tpu": "4"},
            "allocatable": {"google.com/tpu": "4"},
        },
    }


def secret(namespace: str, name: str) -> Json:
    """Its metadata, as deploy.yml left it."""
    fields = {
        "f:metadata": {
            "f:labels": {"f:rhaii.gke/environment": {}},
            "f:annotations": {"f:rhaii.gke/created": {}},
        },
        "f:data": {},
    }
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"rhaii.gke/environment": "sandbox"},
            "annotations": {"rhaii.gke/created": "true"},
            "managedFields": [{"manager": "rhaii.gke", "operation": "Apply", "fieldsV1": fields}],
        }
    }


def certificate(end: str = "2027-02-01T00:00:00Z", renewal: str = "2027-01-01T00:00:00Z") -> Json:
    return {
        "metadata": {"name": "opendatahub-ca", "namespace": "cert-manager"},
        "status": {"notAfter": end, "renewalTime": renewal},
    }


def release(status: str = "deployed") -> Stored:
    return Stored("sh.helm.release.v1.sail-operator.v2", {"status": status, "version": "2", "name": "sail-operator"})


class Scene:
    """Everything is as deploy.yml leaves it; a test changes a part and asks for a diagnosis."""

    def __init__(self, case: str = "f3-two-models-restated-filter") -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.cluster.serve()
        assert self.cluster.service is not None
        self.cluster.service["spec"]["router"] = {"route": {}, "gateway": {}, "scheduler": {}}
        found = routing(case)
        (self.gateway,) = found["Gateway"]
        self.gateway["status"] = {"addresses": [{"type": "IPAddress", "value": "203.0.113.10"}]}
        self.routes, self.pools = found["HTTPRoute"], found["InferencePool"]
        self.filters = found.get("EnvoyFilter", [])
        self.nodes = [node(f"gke-{number}") for number in range(3)]
        self.deployments = deployments()
        self.policies = policies()
        self.secrets = [secret(*place) for place in SECRETS]
        self.accounts = [
            {
                "metadata": {"name": name, "namespace": GATEWAYS},
                "imagePullSecrets": [{"name": "redhat-pull-secret"}],
            }
            for name in ACCOUNTS
        ]
        self.config_maps = [
            {
                "metadata": {"name": "odh-ca-bundle", "namespace": GATEWAYS},
                "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"},
            },
            {
                "metadata": {"name": "inference-gateway-config", "namespace": GATEWAYS},
                "data": {"deployment": "spec:\n  volumes: [{name: ca, configMap: {name: odh-ca-bundle}}]\n"},
            },
        ]
        self.certificates = [certificate()]
        self.releases = {("istio-system", "sail-operator"): release()}
        self.istio = "v1.27.3"
        self.daemon_sets = ["anetd", "gke-metadata-server", "tpu-device-plugin"]
        self.changes: Json = {}
        self.params: Json = {
            **{name: spec.get("default") for name, spec in CAPABILITY.argument_spec.items()},
            "services": {NAME: 3},
            "environment": "sandbox",
            "pull_secret": "rhaiis-pull-secret",
            "token_secret": "huggingface-token",
            "operator_pull_secret": "redhat-pull-secret",
            "pull_accounts": [f"{GATEWAYS}/{name}" for name in ACCOUNTS],
            "releases": ["sail-operator"],
            "deployments": ["istio-system/istiod", "opendatahub/kserve-controller-manager"],
            "envoyfilters": [OURS],
            "network_policies": list(POLICIES),
        }

    def pod(self, number: int) -> Json:
        """A pod of the model, on a node of its own."""
        found = copy.deepcopy(self.cluster.pods[number])
        found["metadata"]["namespace"] = NAMESPACE
        found["spec"]["nodeName"] = f"gke-{number}"
        return found

    def look(self) -> View:
        services = [] if self.cluster.service is None else [self.cluster.service]
        seen = Seen(
            nodes=self.nodes,
            deployments=self.deployments,
            services=services,
            pods=[self.pod(number) for number in range(len(self.cluster.pods))],
            gateway=self.gateway,
            envoyfilters=self.filters,
        )
        whole = {
            "criteria": seen,
            "routes": self.routes,
            "pools": self.pools,
            "policies": self.policies,
            "namespaces": [{"metadata": {"name": name, "labels": {}}} for name in (NAMESPACE, GATEWAYS)],
            "config_maps": self.config_maps,
            "accounts": self.accounts,
            "secrets": self.secrets,
            "certificates": self.certificates,
            "daemon_sets": [{"metadata": {"name": name}} for name in self.daemon_sets],
            "istios": [{"spec": {"version": self.istio}}],
            "releases": self.releases,
        }
        return View(**{**whole, **self.changes})

    def service(self, name: str) -> WaitPorts:
        assert name == NAME
        return WaitPorts(self.cluster, self.clock)

    def diagnose(self) -> Json:
        return run(self.params, Ports(self, self.clock), silent, check_mode=False)

    def named(self) -> list[str]:
        """Ids of what was found, in their order."""
        return [each["id"] for each in self.diagnose()["findings"]]

    def first(self) -> Json:
        found: Json = self.diagnose()["findings"][0]
        return found


__all__ = ("GATEWAYS", "OURS", "Scene", "Unknown", "certificate", "node", "policies", "release", "routing", "secret")
