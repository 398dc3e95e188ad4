# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a container, their expansion, and what a missing source is called."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.nodes.environment import ConfigError, Environment, expand, expanded
from tests.unit.sandbox.nodes.fakes import FakeSources, pod

SOURCES = FakeSources({("secret", "s"): {"token": "abc", "x": "1"}, ("configmap", "c"): {"a": "one"}})


async def resolve(container: dict[str, Any]) -> dict[str, str]:
    whole = {"name": "main", **container}
    environment = Environment(
        pod(containers=[whole]),
        SOURCES,
        pod_ip="10.1.0.2",
        host_ip="10.1.127.1",
        allocatable={"cpu": "3920m", "memory": "1Gi"},
        basics={"BASE": "b"},
    )
    return await environment.of(whole)


def from_(name: str, **source: Any) -> dict[str, Any]:
    return {"env": [{"name": name, "valueFrom": source}]}


@pytest.mark.parametrize(
    ("text", "result"),
    [("$(A)-$(B)", "1-$(B)"), ("$$(A)", "$(A)"), ("100$", "100$"), ("$(A", "$(A"), ("$$$(A)", "$1")],
    ids=["unknown-stays", "escaped", "lone-dollar", "unclosed", "both"],
)
def test_references_are_expanded(text: str, result: str) -> None:
    assert expand(text, {"A": "1"}) == result


def test_arguments_are_expanded() -> None:
    assert expanded(["--a=$(A)"], {"A": "1"}) == ["--a=1"]
    assert expanded(None, {}) == []


async def test_later_variables_see_earlier_ones_and_the_basics() -> None:
    values = await resolve(
        {"env": [{"name": "A", "value": "$(BASE)1"}, {"name": "B", "value": "$(A)2"}, {"name": "E"}]}
    )
    assert (values["A"], values["B"], values["E"]) == ("b1", "b12", "")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status.podIP", "10.1.0.2"),
        ("status.hostIP", "10.1.127.1"),
        ("metadata.name", "p"),
        ("metadata.namespace", "ns"),
        ("metadata.uid", "u"),
        ("metadata.labels['app']", "x"),
        ("metadata.annotations['note']", "hello"),
        ("metadata.labels['none']", ""),
        ("spec.nodeName", "node-0"),
        ("spec.serviceAccountName", "account"),
    ],
)
async def test_fields_of_the_pod(path: str, value: str) -> None:
    assert (await resolve(from_("V", fieldRef={"fieldPath": path})))["V"] == value


async def test_resources_of_the_container_or_the_node() -> None:
    limits = {"resources": {"limits": {"memory": "64Mi"}}}
    memory = {"resource": "limits.memory", "divisor": "1Mi"}
    assert (await resolve({**limits, **from_("V", resourceFieldRef=memory)}))["V"] == "64"
    assert (await resolve(from_("V", resourceFieldRef={"resource": "limits.cpu"})))["V"] == "4"


async def test_keys_and_whole_sources() -> None:
    secret = await resolve(from_("V", secretKeyRef={"name": "s", "key": "token"}))
    assert secret["V"] == "abc"
    everything = await resolve(
        {"envFrom": [{"secretRef": {"name": "s"}}, {"prefix": "C_", "configMapRef": {"name": "c"}}]}
    )
    assert (everything["token"], everything["x"], everything["C_a"]) == ("abc", "1", "one")


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (from_("V", secretKeyRef={"name": "none", "key": "k"}), 'secret "none" not found'),
        (from_("V", secretKeyRef={"name": "s", "key": "k"}), "couldn't find key k in Secret ns/s"),
        (from_("V", configMapKeyRef={"name": "c", "key": "k"}), "couldn't find key k in ConfigMap ns/c"),
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        (from_("V", fieldRef={"fieldPath": "spec.hostname"}), "unsupported fieldPath: spec.hostname"),
        (from_("V", fileKeyRef={}), "know no environment source fileKeyRef"),
    ],
    ids=["no-secret", "no-key", "no-config-key", "no-config-map", "field", "unknown-source"],
)
async def test_missing_source_is_a_config_error(container: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        await resolve(container)


async def test_optional_sources_may_be_missing() -> None:
    values = await resolve(
        {
            "envFrom": [{"secretRef": {"name": "none", "optional": True}}],
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
            ],
        }
    )
    assert values == {"BASE": "b"}
