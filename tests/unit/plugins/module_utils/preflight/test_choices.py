# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choices with their prices, and an inventory made of the best of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.choices import (
    NEEDED,
    OF_A_RUN,
    SECRET,
    Choice,
    choices,
    chosen,
    inventory,
    lines,
    public,
)

from tests.unit.plugins.module_utils.quota.fake_google import OTHER_ZONE, ZONE, Google, play

GIVEN: dict[str, Any] = {
    "rhaii_project": "my-project",
    "rhaii_pull_secret_file": "~/pull.yaml",
    "rhaii_hf_token_file": "~/token",
    "rhaii_location": "somewhere",
}


def price(location: str, provisioning: str, hourly: float | None) -> dict[str, Any]:
    return {"location": location, "provisioning": provisioning, "hourly": hourly, "currency": "USD"}


def real() -> list[Choice]:
    """What tpu_quota_check says of a project with quota in one region, and prices of three of four candidates."""
    quota = play(Google(), locations=[OTHER_ZONE, ZONE], provisioning=["on_demand", "spot"], fail_on_insufficient=False)
    prices = [price(ZONE, "on_demand", 36.2), price(ZONE, "spot", 12.456), price(OTHER_ZONE, "spot", None)]
    return choices(quota, {"candidates": prices})


def test_choices_are_ranked_and_priced() -> None:
    found = real()
    assert [(each.rank, each.location, each.provisioning, each.price) for each in found] == [
        (1, ZONE, "on_demand", "36.20 USD"),
        (2, OTHER_ZONE, "spot", ""),
        (3, ZONE, "spot", "12.46 USD"),
        (4, OTHER_ZONE, "on_demand", ""),
    ]
    first, last = found[0], found[-1]
    assert (first.offered, first.quota, first.verdict, first.machine_type) == (
        "yes",
        "12 of 12",
        "sufficient",
        "ct6e-standard-4t",
    )
    assert (last.quota, last.verdict) == ("0 of 0", "insufficient")


def candidate(**changes: Any) -> dict[str, Any]:
    return {
        "rank": 1,
        "location": "z",
        "provisioning": "spot",
        "offered": True,
        "limit": 24,
        "available": 12,
        "verdict": "unknown",
        "reason": "r",
        **changes,
    }


def test_choice_is_the_candidate_with_its_own_price() -> None:
    quota = {"machine_type": "ct6e-standard-4t", "candidates": [candidate(location="a")]}
    cost = {"candidates": [price("a", "on_demand", 3), price("b", "spot", 2), price("a", "spot", 1.256)]}
    assert choices(quota, cost) == [
        Choice(
            rank=1,
            location="a",
            provisioning="spot",
            machine_type="ct6e-standard-4t",
            offered="yes",
            quota="12 of 24",
            price="1.26 USD",
            verdict="unknown",
            reason="r",
        )
    ]


def test_rank_is_the_order_whatever_the_answers() -> None:
    quota = {"machine_type": "m", "candidates": [candidate(rank=rank, location=f"z-{rank}") for rank in (3, 1, 2)]}
    assert [each.location for each in choices(quota, {})] == ["z-1", "z-2", "z-3"]
    assert choices({"machine_type": "m"}, {"candidates": [price("z", "spot", 1)]}) == []


def test_choices_of_a_module_are_plain() -> None:
    (found,) = public([Choice(1, "z", "spot", "m", "yes", "1 of 2", "3.00 USD", "sufficient", "r")])
    assert found == {
        "rank": 1,
        "location": "z",
        "provisioning": "spot",
        "machine_type": "m",
        "offered": "yes",
        "quota": "1 of 2",
        "price": "3.00 USD",
        "verdict": "sufficient",
        "reason": "r",
    }


@pytest.mark.parametrize(
    ("changes", "offered", "quota"),
    [
        ({"limit": -1, "available": None}, "yes", "unlimited"),
        ({"limit": None, "available": None, "offered": None}, "?", "? of ?"),
        ({"limit": 24, "available": None, "offered": False}, "no", "? of 24"),
    ],
)
def test_what_is_not_known_is_a_question_mark(changes: dict[str, Any], offered: str, quota: str) -> None:
    (found,) = choices({"machine_type": "m", "candidates": [candidate(**changes)]}, {})
    assert (found.offered, found.quota, found.price) == (offered, quota, "")


def test_table_has_a_reason_beneath_each_row() -> None:
    best = Choice(1, "zone-a", "on_demand", "m-4t", "yes", "12 of 12", "36.20 USD", "sufficient", "quota of 12")
    none = replace(best, rank=2, location="z", quota="0 of 0", price="", verdict="insufficient", reason="quota of 0")
    assert lines([best, none]) == [
        "   zone    way to buy  machine type  offered  chips left  an hour    verdict",
        "1  zone-a  on_demand   m-4t          yes      12 of 12    36.20 USD  sufficient",
        "   quota of 12",
        "2  z       on_demand   m-4t          yes      0 of 0      ?          insufficient",
        "   quota of 0",
        "Best: zone-a as on_demand.",
    ]
    assert lines([none])[-1] == "None of them serves: ask for quota as the checks below say."
    assert lines([]) == ["There is nothing to choose from yet: the checks below say what is missing."]


def test_one_that_may_serve_is_chosen_before_none() -> None:
    none = Choice(2, "z", "spot", "m", "yes", "", "", "insufficient", "")
    maybe = replace(none, location="y", verdict="unknown")
    assert chosen([none, maybe]) == maybe
    assert chosen([none]) is None


def written(found: list[Choice], **given: Any) -> dict[str, Any]:
    (host,) = (document := yaml.safe_load(inventory("prod", found, {**GIVEN, **given})))["all"]["hosts"]
    assert host == "prod"
    assert set(document["all"]) == {"hosts", "vars"}
    found_variables: dict[str, Any] = document["all"]["vars"]
    return found_variables


def test_inventory_is_of_the_best_choice() -> None:
    variables = written(real())
    assert variables == {
        **GIVEN,
        "rhaii_location": ZONE,
        "rhaii_provisioning": "on_demand",
        "rhaii_fallback_locations": [],
        "rhaii_models": [{"name": "qwen-3b-tpu-svc", "uri": "hf://Qwen/Qwen2.5-3B-Instruct", "replicas": 3}],
    }
    assert list(variables)[:2] == ["rhaii_project", "rhaii_location"]


FILE = """---
# The environment prod, as preflight found it. To deploy: ansible-playbook -i FILE rhaii.gke.deploy
all:
  hosts:
    prod:
      ansible_connection: local
      ansible_python_interpreter: '{{ ansible_playbook_python }}'
  vars:
    rhaii_project: my-project
    rhaii_location: europe-west4-a
    rhaii_fallback_locations: []
    rhaii_provisioning: on_demand
    rhaii_cluster_name: c
    rhaii_models:
    - name: a
      uri: hf://o/a
      replicas: 3
    rhaii_alias: größer
    rhaii_zone_of_nothing: ''
    # Still to be given:
    # rhaii_pull_secret_file: the file with the registry credentials
    # rhaii_hf_token_file: the file with the Hugging Face token
"""


def test_file_as_people_read_it() -> None:
    given = {
        "rhaii_zone_of_nothing": "",
        "rhaii_models": [{"name": "a", "uri": "hf://o/a"}],
        "rhaii_cluster_name": "c",
        "rhaii_notice": None,
        "rhaii_alias": "größer",
        "rhaii_pull_secret_file": "",
        "rhaii_project": "my-project",
    }
    assert inventory("prod", real(), given) == FILE


def test_others_with_the_same_way_to_buy_are_the_way_out() -> None:
    first, spot, other, _ = real()
    found = [spot, other, first, replace(other, location="none", verdict="insufficient")]
    assert written(found)["rhaii_location"] == OTHER_ZONE
    assert written(found)["rhaii_provisioning"] == "spot"
    assert written(found)["rhaii_fallback_locations"] == [ZONE]


def test_without_a_choice_what_was_given_stays() -> None:
    variables = written([], rhaii_provisioning="spot")
    assert (variables["rhaii_location"], variables["rhaii_provisioning"]) == ("somewhere", "spot")


@pytest.mark.parametrize("name", [*SECRET, *OF_A_RUN])
def test_secrets_and_what_belongs_to_a_run_are_not_written(name: str) -> None:
    text = inventory("prod", real(), {**GIVEN, name: "5" if name == "rhaii_replicas" else "canary"})
    assert f"{name}:" not in text
    assert name == "rhaii_image" or "canary" not in text


def test_what_the_command_line_says_of_the_default_model_is_written_into_it() -> None:
    models = [{"name": "a", "uri": "hf://o/a", "headers": {"x": "y"}}, {"name": "b", "uri": "hf://o/b", "replicas": 2}]
    variables = written(real(), rhaii_models=models, rhaii_replicas="5", rhaii_image="registry/image:1")
    assert variables["rhaii_models"] == [
        {"name": "a", "uri": "hf://o/a", "headers": {"x": "y"}, "replicas": 5, "image": "registry/image:1"},
        {"name": "b", "uri": "hf://o/b", "replicas": 2},
    ]
    assert "rhaii_replicas" not in variables


def test_models_that_cannot_be_read_are_written_as_they_are() -> None:
    assert written(real(), rhaii_models="qwen")["rhaii_models"] == "qwen"


def test_what_is_missing_is_named_in_the_file() -> None:
    text = inventory("prod", real(), {"rhaii_project": "", "rhaii_hf_token_file": "~/t"})
    assert set(yaml.safe_load(text)["all"]["vars"]) >= {"rhaii_location", "rhaii_hf_token_file"}
    commented = [line.strip() for line in text.splitlines() if line.strip().startswith("# rhaii_")]
    assert commented == [f"# {name}: {what}" for name, what in NEEDED.items() if name != "rhaii_hf_token_file"]
    assert "Still to be given" not in inventory("prod", real(), GIVEN)


def test_an_empty_value_that_means_something_stays() -> None:
    assert written(real(), rhaii_kserve_chart_version="")["rhaii_kserve_chart_version"] == ""
    assert "rhaii_notice" not in written(real(), rhaii_notice=None)


def test_file_stays_the_same_when_prices_move() -> None:
    found = real()
    dearer = [replace(each, price="99.00 USD", quota="13 of 13", reason="other") for each in found]
    assert inventory("prod", found, GIVEN) == inventory("prod", dearer, GIVEN)
