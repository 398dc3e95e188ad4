# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters on services: plain values in, plain values out, and errors that Ansible shows as sentences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils._internal._datatag._tags import Deprecated
from ansible_collections.rhaii.gke.plugins.filter import service
from ansible_collections.rhaii.gke.plugins.filter.service import FilterModule

FILTERS = FilterModule().filters()
FOLDER = Path(service.__file__).parent
DECLARED = [{"name": "a", "uri": "hf://o/a", "replicas": 3}]


def tagged(text: str) -> str:
    """A string as ansible-core 2.19 hands it out: of a class of its own."""
    value: str = Deprecated(msg="x").tag(text)
    assert type(value) is not str
    return value


def live(image: str = "i:1", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a", **metadata}, "spec": {"replicas": 3, "template": {"image": image}}}


@pytest.mark.parametrize("name", FILTERS)
def test_filter_is_documented_under_its_name(name: str) -> None:
    documented = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert documented["DOCUMENTATION"]["name"] == name
    assert f"rhaii.gke.{name}" in documented["EXAMPLES"]


def test_plan_takes_what_the_command_line_gives() -> None:
    found = FILTERS["service_plan"]([{tagged("name"): tagged("a")}], [live()], tagged("5"), tagged("i:2"))
    (model,) = found["models"]
    assert model["override"] == {"replicas": 5, "image": "i:2"}
    assert type(model["replicas"]) is int
    assert type(model["image"]) is str
    assert found["live_replicas"] == 3
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("nothing", [None, ""])
def test_plan_without_the_command_line_is_the_inventory(nothing: Any) -> None:
    assert FILTERS["service_plan"](DECLARED, [], nothing, nothing)["models"][0]["override"] == {}
    assert FILTERS["service_plan"](nothing, [])["models"][0]["name"] == "qwen-3b-tpu-svc"


def test_plan_tells_zero_from_none_given() -> None:
    assert FILTERS["service_plan"](DECLARED, [], 0)["models"][0]["override"] == {"replicas": 0}


@pytest.mark.parametrize("replicas", ["many", "2.5", "1_0", "0x3", True, [3]])
def test_plan_refuses_what_is_no_number_with_a_sentence(replicas: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^rhaii_replicas is .*, which is no whole number\. Give a number"):
        FILTERS["service_plan"](DECLARED, [], replicas)


def test_plan_refuses_models_that_cannot_be_with_a_sentence() -> None:
    with pytest.raises(AnsibleFilterError, match="Entry 1 of rhaii_models has no name"):
        FILTERS["service_plan"]([{}], [])


def test_replaced_services_reads_what_a_dry_run_returns() -> None:
    changed = live("i:2")
    several = [{"result": changed, "changed": True}, {"result": {"metadata": {"name": "new"}, "spec": {}}}]
    assert FILTERS["replaced_services"](several, [live()], "0") == ["a"]
    assert FILTERS["replaced_services"]([changed], [live()], 0) == ["a"]
    assert FILTERS["replaced_services"]([changed], [live()], tagged("1")) == []
    assert FILTERS["replaced_services"]([{}], [live()], 0) == []


def test_vacated_nodes_takes_a_number_as_text() -> None:
    nodes = [{"metadata": {"name": tagged("n1")}}, {"metadata": {"name": "n2"}}]
    assert FILTERS["vacated_nodes"](nodes, [], "1") == ["n2"]
    pod = {"metadata": {"namespace": tagged("ours")}, "spec": {"nodeName": "n2", "containers": []}}
    assert FILTERS["vacated_nodes"](nodes, [pod], tagged("0"), [tagged("ours")]) == ["n2", "n1"]
    assert FILTERS["vacated_nodes"](nodes, [pod], tagged("0")) == ["n1"]


def test_counts_and_truths_that_are_none_are_refused_with_a_sentence() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^wanted is '1_0', which is no whole number\. Give a number"):
        FILTERS["vacated_nodes"]([], [], "1_0")
    with pytest.raises(AnsibleFilterError, match=r"^spare_nodes is True, which is no whole number\."):
        FILTERS["replaced_services"]([], [], True)
    with pytest.raises(
        AnsibleFilterError, match=r"^keep_removed is 'maybe', which is not true or false\. Give true or"
    ):
        FILTERS["service_plan"](DECLARED, [], keep_removed=tagged("maybe"))


@pytest.mark.parametrize(("given", "kept"), [("false", 0), (tagged("no"), 0), ("yes", 1), (True, 1)])
def test_models_that_left_are_kept_where_that_is_true(given: Any, kept: int) -> None:
    fields = {"f:metadata": {"f:annotations": {"f:rhaii.gke/created": {}}}}
    ours = {
        "labels": {"rhaii.gke/environment": "prod"},
        "annotations": {"rhaii.gke/created": "true"},
        "managedFields": [{"manager": "rhaii.gke", "fieldsV1": fields}],
    }
    gone = live("i:2", **ours)
    gone["metadata"]["name"] = "gone"
    plan = FILTERS["service_plan"](DECLARED, [gone], environment="prod", keep_removed=given)
    assert plan["kept_replicas"] == 3 * kept


def test_pool_routes_names_are_plain() -> None:
    pool = {"group": tagged("inference.networking.k8s.io"), "kind": tagged("InferencePool"), "name": "p"}
    route = {
        "metadata": {"name": tagged("r"), "namespace": tagged("team")},
        "spec": {"parentRefs": [{"name": "g", "namespace": "o"}], "rules": [{"backendRefs": [pool]}]},
    }
    ref = {"name": tagged("p-epp"), "failureMode": tagged("FailOpen")}
    pools = [{"metadata": {"name": tagged("p"), "namespace": tagged("team")}, "spec": {"endpointPickerRef": ref}}]
    (found,) = FILTERS["pool_routes"]([route], pools, tagged("g"), tagged("o"))
    assert found == {"name": "team.r.0", "cluster": "outbound|9002||p-epp.team.svc.cluster.local", "fail_open": True}
    assert (type(found["name"]), type(found["cluster"])) == (str, str)
    assert FILTERS["pool_routes"]([route], pools, "o", "g") == []


def test_shared_rule_name_is_a_filters_error() -> None:
    pool = {"group": "inference.networking.k8s.io", "kind": "InferencePool", "name": "p"}
    rules = [{"name": "chat", "backendRefs": [pool]}, {"name": "chat"}]
    route = {
        "metadata": {"name": "r", "namespace": "team"},
        "spec": {"parentRefs": [{"name": "g", "namespace": "o"}], "rules": rules},
    }
    pools = [{"metadata": {"name": "p", "namespace": "team"}, "spec": {"endpointPickerRef": {"name": "e"}}}]
    with pytest.raises(AnsibleFilterError, match="chat stands in HTTPRoute team/r"):
        FILTERS["pool_routes"]([route], pools, "g", "o")


def test_places_of_kserves_rules_may_be_text() -> None:
    made = FILTERS["kserve_objects"]([{"name": tagged("m")}], tagged("team"), ["1"], "g", "o")
    assert [item["name"] for item in FILTERS["pool_routes"](made["routes"], made["pools"], "g", "o")] == [
        "team.m-kserve-route.1"
    ]
