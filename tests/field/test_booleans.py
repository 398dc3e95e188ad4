# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Truths as text and otherwise: one reading for options, filters, and what a role makes of another role's option."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.validation import check_type_bool
from ansible_collections.rhaii.gke.plugins.filter import inputs
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given, typed

from tests.field.module_options import NOT_GIVEN, REFUSED, is_read_as_a_variable
from tests.field.rows import Row, read, rows
from tests.unit.questions import of_roles

FILTER = "envoyfilter-route-extproc-body"
# roles that read an option of another one, with what they make of true and of false
READERS = (
    ("verification", "verification_envoyfilter_name", "routing_body_forwarding", (FILTER, "")),
    ("preflight", "preflight_guide_paths", "routing_guide_paths", (True, False)),
    ("routing", "routing_body_forwarding", "routing_body_forwarding", (True, False)),
    ("cluster", "cluster_keep", "rhaii_keep", (True, False)),
)


@pytest.fixture(scope="module")
def made() -> dict[tuple[str, str], dict[str, Any]]:
    """What the roles make of each row, by ansible-core's own engine."""
    asked = [(row.id, reader) for row in read("booleans") for reader in READERS]
    values = {row.id: row.given["value"] for row in read("booleans")}
    questions = [
        {"role": role, "names": [f"__{name}"], "variables": {variable: values[row]}}
        for row, (role, name, variable, _) in asked
    ]
    found = (next(iter(answer.values())) for answer in of_roles(questions))
    return {(row, reader[1]): answer for (row, reader), answer in zip(asked, found, strict=True)}


@rows("booleans")
def test_every_reader_reads_the_truth_alike(row: Row, made: dict[tuple[str, str], dict[str, Any]]) -> None:
    value = row.given["value"]
    for _, name, variable, (when_true, when_false) in READERS:
        found = made[row.id, name]
        if row.right == REFUSED:
            assert variable in found["error"] or name in found["error"]
        elif row.right == NOT_GIVEN:
            assert found == {"value": when_false if variable == "rhaii_keep" else when_true}
        else:
            assert found == {"value": when_true if row.right else when_false}
    if row.right == NOT_GIVEN:
        assert not is_given(value)
        assert inputs._truth({"guide_paths": value}, "guide_paths", otherwise=True)
    elif row.right == REFUSED:
        with pytest.raises(RhaiiError, match=r"which is not true or false\. Give true or false"):
            typed("x", value, {"type": "bool"})
        with pytest.raises(AnsibleFilterError, match=r"guide_paths is .*, which is not true or false"):
            inputs._truth({"guide_paths": value}, "guide_paths", otherwise=True)
    else:
        assert typed("x", value, {"type": "bool"}) is row.right
        assert inputs._truth({"guide_paths": value}, "guide_paths", otherwise=not row.right) is row.right


@rows("booleans")
def test_option_of_a_module_is_read_as_a_variable_of_a_role_is(row: Row) -> None:
    is_read_as_a_variable(row.given["value"], {"type": "bool"}, row.right)


@rows("booleans")
def test_ansible_reads_the_same(row: Row) -> None:
    """What is right is not ours to say."""
    if row.right == NOT_GIVEN:
        pytest.skip("blank is no truth for ansible-core")
    try:
        found: Any = check_type_bool(row.given["value"])
    except TypeError:
        found = REFUSED
    assert found == row.right
