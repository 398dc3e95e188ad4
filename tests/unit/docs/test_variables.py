# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of collection-wide variables lists what there is, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils import _models
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import inputs as preflight
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import Tools
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES, PROVISIONING

from tests.prove.render.tree import COLLECTION_WIDE, EXPRESSION, NO_DEFAULT, ROOT, Reading, Tree
from tests.prove.render.variables import Variable, default_of, model_fields, variables

FILE = ROOT / "docs" / "variables.yml"
TREE = Tree()
LISTED = {row.name: row for row in variables(FILE)}


def test_every_name_in_the_tree_is_listed() -> None:
    missing = {name: sorted(files) for name, files in TREE.mentions.items() if name not in LISTED}
    assert not missing, f"docs/variables.yml does not list {missing}"


def test_every_listed_name_is_read() -> None:
    assert len(LISTED) == len(variables(FILE)), "a name is listed twice"
    for name, row in LISTED.items():
        assert name in (TREE.facts if row.fact else TREE.readings), f"nothing reads {name}"


def test_default_is_in_words_only_where_the_roles_have_an_expression() -> None:
    for name, row in LISTED.items():
        if not row.fact:
            expressions = [reading for reading in TREE.readings[name] if reading.default is EXPRESSION]
            assert bool(row.default) == bool(expressions), f"{name}: take `default` out of variables.yml, or put it in"


def test_variable_without_a_default_is_called_needed() -> None:
    for name, row in LISTED.items():
        given = [reading.default is not NO_DEFAULT for reading in TREE.readings.get(name, [])]
        assert row.needed or row.fact or any(given), f"{name} has no default and is not called needed"


def test_what_preflight_demands_is_called_needed() -> None:
    nothing = preflight.Inputs(
        project="",
        environment="prod",
        location="europe-west4-a",
        fallback_locations=[],
        accelerator="v6e",
        machine_type="",
        provisioning="on_demand",
        models=[],
        replicas=None,
        tpu_nodes=None,
        pull_secret=preflight.File("", None),
        registry="registry.redhat.io",
        token_file=preflight.File("", None),
        token="",
        tools=Tools(
            helm="helm", helm_version="v3.17.0", charts={"https://github.com": True}, packages={}, collections={}
        ),
    )
    failed = [finding for finding in preflight.judge(nothing).findings if finding.verdict == FAILED]
    demanded = {name for finding in failed for name in COLLECTION_WIDE.findall(f"{finding.found} {finding.remedy}")}
    assert len(demanded) >= 3
    assert demanded <= {name for name, row in LISTED.items() if row.needed}


def test_families_and_ways_to_buy_are_those_of_the_code() -> None:
    assert set(re.findall(r"`(v\d\w+)`", LISTED["rhaii_accelerator"].meaning)) == set(FAMILIES)
    assert set(re.findall(r"`(\w+)`", LISTED["rhaii_provisioning"].meaning)) == set(PROVISIONING)
    assert f"`{FAMILIES['v6e'].machine_type}`" in LISTED["rhaii_machine_type"].meaning


def test_fields_of_a_model_are_those_of_the_role() -> None:
    specs = yaml.safe_load((ROOT / "roles/inference_service/meta/argument_specs.yml").read_text(encoding="utf-8"))
    said = specs["argument_specs"]["main"]["options"]["inference_service_declared_models"]["description"]
    fields = {field.name: field for field in model_fields(FILE)}
    assert list(fields) and set(fields) == set(re.findall(r"C\((\w+)\)", str(said)))


def test_defaults_of_a_model_are_those_of_the_code() -> None:
    fields = {field.name: field for field in model_fields(FILE)}
    (model,) = _models.effective_models([{"name": "a", "uri": "hf://b/c"}])
    assert fields["replicas"].default == f"`{model['replicas']}`"
    assert fields["image"].default == f"`{model['image']}`"
    assert model["served_name"] == "b/c"
    assert not {"args", "resources", "headers"} & set(model)


@pytest.mark.parametrize(
    ("template", "readings"),
    [
        ("{{ rhaii_a }}", [Reading("r", NO_DEFAULT)]),
        ("{{ rhaii_a | default('x') }}", [Reading("r", "x")]),
        ("{{ rhaii_a | default(['x', 1]) | rhaii.gke.some(2) }}", [Reading("r", ["x", 1])]),
        ("{{ rhaii_a | default(inventory_hostname) }}", [Reading("r", EXPRESSION)]),
        ("{{ rhaii_a | rhaii.gke.given('x') }}", [Reading("r", "x")]),
        ("{{ rhaii_a | rhaii.gke.given(__r_b) }}", [Reading("r", EXPRESSION)]),
        ("{{ other | default(rhaii_a | default({})) }}", [Reading("r", {})]),
        ("{{ lookup('rhaii.gke.given', 'rhaii_a') }}", [Reading("r", NO_DEFAULT)]),
        ("{{ lookup('rhaii.gke.given', 'r_a') ~ lookup('ansible.builtin.env', 'rhaii_a') }}", None),
        ("{{ 'x' | rhaii.gke.some }} rhaii_a", None),
    ],
)
def test_reading_of_a_template(template: str, readings: list[Reading] | None, tmp_path: Path) -> None:
    defaults = tmp_path / "roles" / "r" / "defaults" / "main.yml"
    defaults.parent.mkdir(parents=True)
    defaults.write_text(yaml.safe_dump({"r_value": template}), encoding="utf-8")
    assert Tree(tmp_path).readings == ({"rhaii_a": readings} if readings else {})


def test_defaults_that_differ_are_told_apart(tmp_path: Path) -> None:
    for role, default in (("a", 1), ("b", 2), ("c", 1)):
        file = tmp_path / "roles" / role / "defaults" / "main.yml"
        file.parent.mkdir(parents=True)
        file.write_text(f'{role}_x: "{{{{ rhaii_x | default({default}) }}}}"\n', encoding="utf-8")
    variable = Variable("g", "rhaii_x", "", "", needed=False, fact=False)
    assert default_of(variable, Tree(tmp_path)) == "`1` (in a, c), `2` (in b)"
