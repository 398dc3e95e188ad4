# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging presets with a service."""

from __future__ import annotations

import copy
import json

import pytest

from sandbox.images.kserve.combining import CombineError, GlobalConfig, combine, wanted_presets
from sandbox.images.kserve.merging import merge
from sandbox.images.kserve.typed import pruned, written_back
from tests.unit.sandbox.images.kserve.services import CONFIG, GUIDE_ARGUMENTS, PRESETS, combined, container, service


def test_merge_joins_maps_and_keyed_lists_and_replaces_the_rest() -> None:
    base = {
        "containers": [{"name": "main", "args": ["a", "b"], "env": [{"name": "A", "value": "1"}]}],
        "tolerations": [{"key": "x"}],
        "nodeSelector": {"one": "1"},
    }
    override = {
        "containers": [
            {"name": "side"},
            {"name": "main", "args": ["c"], "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]},
        ],
        "tolerations": [{"key": "y"}],
        "nodeSelector": {"two": "2"},
    }
    before = copy.deepcopy(base)
    merged = merge(base, override)
    assert base == before
    # the stronger side's come first
    assert merged["containers"][1] == {
        "name": "main",
        "args": ["c"],
        "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}],
    }
    assert merged["containers"][0] == {"name": "side"}
    assert merged["tolerations"] == [{"key": "y"}]
    assert merged["nodeSelector"] == {"one": "1", "two": "2"}


def test_merge_gives_a_volume_one_source_only() -> None:
    base = {"volumes": [{"name": "home", "emptyDir": {}}]}
    merged = merge(base, {"volumes": [{"name": "home", "configMap": {"name": "c"}}]})
    assert merged == {"volumes": [{"name": "home", "configMap": {"name": "c"}}]}


def test_merge_keeps_the_bases_order_among_what_it_had() -> None:
    base = {"env": [{"name": name} for name in ("A", "B", "C")]}
    merged = merge(base, {"env": [{"name": "X"}, {"name": "C", "value": "1"}]})
    assert [item["name"] for item in merged["env"]] == ["X", "A", "B", "C"]


def test_null_takes_the_bases_field_away() -> None:
    assert merge({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": None}, "e": {"f": None}}) == {
        "b": {"d": 3},
        "e": {},
    }


def test_zero_never_beats_a_preset() -> None:
    own = service()
    container(own["spec"]["template"])["livenessProbe"] = {"initialDelaySeconds": 0, "periodSeconds": 30}
    main = container(combined(own)["template"])
    assert (main["livenessProbe"]["initialDelaySeconds"], main["livenessProbe"]["periodSeconds"]) == (120, 30)


@pytest.mark.parametrize(("given", "kept"), [({}, False), ({"containers": []}, True)], ids=["absent", "empty"])
def test_scheduler_template_without_containers_takes_the_presets_away(given: dict[str, object], kept: bool) -> None:
    template = {"imagePullSecrets": [{"name": "p"}], **given}
    found = combined(service(router={"route": {}, "scheduler": {"template": template}}))
    assert ("containers" in found["router"]["scheduler"]["template"]) is kept


def test_write_through_types_drops_zeros_and_keeps_what_is_a_pointer() -> None:
    pod = {
        "containers": [
            {
                "name": "main",
                "readinessProbe": {"initialDelaySeconds": 0, "httpGet": {"path": "/", "port": 0}},
                "env": [{"name": "A", "value": ""}],
                "args": [],
            }
        ],
        "terminationGracePeriodSeconds": 0,
        "hostNetwork": False,
        "nodeSelector": {},
        "volumes": [{"name": "v", "emptyDir": {}}],
    }
    written = written_back({"replicas": 0, "router": {"gateway": {}, "scheduler": {"template": {}}}, "template": pod})
    assert written == {
        "replicas": 0,
        "router": {"gateway": {}, "scheduler": {"template": {"containers": None}}},
        "template": {
            "containers": [
                {
                    "name": "main",
                    "readinessProbe": {"httpGet": {"path": "/", "port": 0}},
                    "env": [{"name": "A"}],
                    "resources": {},
                }
            ],
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "v", "emptyDir": {}}],
        },
    }
    assert pruned(written)["router"]["scheduler"] == {"template": {}}


def test_guides_one_string_of_arguments_runs_in_the_presets_shell() -> None:
    main = container(combined(service())["template"])
    assert main["command"] == ["/bin/bash", "-c"]
    assert main["args"] == [GUIDE_ARGUMENTS]


def test_own_command_and_arguments_replace_the_presets() -> None:
    own = service()
    container(own["spec"]["template"]).update(command=["python3", "-m", "vllm"], args=["--model=/mnt/models"])
    main = container(combined(own)["template"])
    assert main["command"] == ["python3", "-m", "vllm"]
    assert main["args"] == ["--model=/mnt/models"]


def test_probes_merge_field_by_field() -> None:
    main = container(combined(service())["template"])
    assert main["readinessProbe"]["httpGet"] == {"path": "/v1/models", "port": 8000, "scheme": "HTTPS"}
    assert main["readinessProbe"]["failureThreshold"] == 60
    assert main["livenessProbe"]["httpGet"]["path"] == "/health"


def test_templates_are_filled_from_the_service_and_the_configuration() -> None:
    spec = combined(service())
    assert spec["template"]["volumes"][-1]["secret"]["secretName"] == "qwen-kserve-self-signed-certs"
    route = spec["router"]["route"]["http"]["spec"]
    assert route["parentRefs"][0]["name"] == "inference-gateway"
    assert route["parentRefs"][0]["namespace"] == "opendatahub"
    assert spec["router"]["scheduler"]["template"]["serviceAccountName"] == "qwen-epp-sa"
    assert "{{" not in json.dumps(spec)


def test_model_name_defaults_to_the_services() -> None:
    spec = combined(service(model={"uri": "hf://a/b"}))
    assert spec["model"]["name"] == "qwen"


def test_without_scheduler_every_rule_leads_to_the_service() -> None:
    spec = combined(service(router={"route": {}, "gateway": {}}))
    backends = [rule["backendRefs"][0] for rule in spec["router"]["route"]["http"]["spec"]["rules"]]
    assert {backend["kind"] for backend in backends} == {"Service"}
    assert {backend["name"] for backend in backends} == {"qwen-kserve-workload-svc"}


def test_without_router_there_is_no_route() -> None:
    assert "router" not in combined(service(router=None))


def test_pool_reference_takes_the_place_of_the_managed_pool() -> None:
    router = {"route": {}, "scheduler": {"pool": {"ref": {"name": "theirs"}}}}
    spec = combined(service(router=router))
    rules = spec["router"]["route"]["http"]["spec"]["rules"]
    assert [rule["backendRefs"][0]["name"] for rule in rules] == ["theirs", "theirs", "qwen-kserve-workload-svc"]
    assert "template" not in spec["router"]["scheduler"]


def test_gateway_references_become_the_routes_parents() -> None:
    router = {"route": {}, "gateway": {"refs": [{"name": "own", "namespace": "edge"}]}}
    spec = combined(service(router=router))
    assert spec["router"]["route"]["http"]["spec"]["parentRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "edge", "name": "own"}
    ]


def test_override_of_the_pickers_image_keeps_the_rest() -> None:
    presets = copy.deepcopy(PRESETS)
    container(presets["kserve-config-llm-scheduler"]["router"]["scheduler"]["template"])["image"] = "own:1"
    main = container(combined(service(), presets)["router"]["scheduler"]["template"])
    assert main["image"] == "own:1"
    assert "--pool-name" in main["args"]


def test_own_scheduler_template_merges_by_container_name() -> None:
    template = {"imagePullSecrets": [{"name": "p"}], "containers": [{"name": "main", "image": "own:2"}]}
    spec = combined(service(router={"route": {}, "scheduler": {"template": template}}))
    found = spec["router"]["scheduler"]["template"]
    assert found["imagePullSecrets"] == [{"name": "p"}]
    assert container(found)["image"] == "own:2"
    assert container(found)["ports"]


def test_base_reference_lies_between_presets_and_service() -> None:
    presets = {**PRESETS, "base": {"replicas": 9, "template": {"priorityClassName": "high"}}}
    spec = combined(service(baseRefs=[{"name": "base"}]), presets)
    assert spec["replicas"] == 3
    assert spec["template"]["priorityClassName"] == "high"


@pytest.mark.parametrize("missing", ["kserve-config-llm-template", "kserve-config-llm-scheduler"])
def test_missing_preset_is_named(missing: str) -> None:
    presets = {name: spec for name, spec in PRESETS.items() if name != missing}
    with pytest.raises(CombineError, match=missing):
        combined(service(), presets)


def test_template_that_fails_is_a_combine_error() -> None:
    own = service()
    container(own["spec"]["template"])["args"] = ["{{ .Nothing }}"]
    with pytest.raises(CombineError, match="Nothing"):
        combined(own)


def test_wanted_presets_follow_the_shape() -> None:
    assert wanted_presets({"router": {"route": {}, "scheduler": {}}}) == [
        "config-llm-scheduler",
        "config-llm-router-route",
        "config-llm-template",
    ]
    assert wanted_presets({"router": {"route": {"http": {"refs": [{"name": "r"}]}}}}) == ["config-llm-template"]
    assert wanted_presets({"worker": {}}) == []


def test_global_config_reads_the_config_map() -> None:
    config = GlobalConfig.from_config_map(
        {"data": {"ingress": '{"kserveIngressGateway": "edge/gw", "urlScheme": "http"}'}}, "opendatahub"
    )
    assert (config.gateway_namespace, config.gateway_name, config.url_scheme) == ("edge", "gw", "http")
    assert GlobalConfig.from_config_map({"data": {"ingress": '{"kserveIngressGateway": "gw"}'}}, "s") == GlobalConfig(
        gateway_namespace="s", gateway_name="gw"
    )
    with pytest.raises(ValueError, match="storageInitializer"):
        GlobalConfig.from_config_map({"data": {"storageInitializer": "{"}}, "s")


def test_combine_leaves_the_service_as_it_was() -> None:
    own = service()
    before = copy.deepcopy(own)
    combine(own, PRESETS.get, CONFIG)
    assert own == before
