# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers as text and otherwise: one reading for every option, for preflight and for the models."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.filter.inputs import FilterModule
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import whole_number
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.inputs import amount
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given, typed

from tests.field.module_options import NOT_GIVEN, REFUSED, is_read_as_a_variable
from tests.field.rows import Row, rows

effective_models: Any = FilterModule().filters()["effective_models"]


def outcome(read: Any, value: Any) -> Any:
    try:
        return read(value)
    except RhaiiError as error:
        assert "Give " in str(error)
        return REFUSED


@rows("numbers")
def test_every_reader_reads_the_number_alike(row: Row) -> None:
    value, kind = row.given["value"], row.given["type"]
    if row.right == NOT_GIVEN:
        assert not is_given(value)
        (model,) = effective_models([], replicas=value)
        assert model["replicas"] == 3
        return
    found = outcome(lambda each: typed("cluster_tpu_nodes", each, {"type": kind}), value)
    assert found == row.right
    assert type(found) is type(row.right)
    if kind == "int":
        assert outcome(lambda each: whole_number(each, "cluster_tpu_nodes"), value) == row.right
    elif not isinstance(row.right, str):
        assert outcome(amount, value) == row.right


@rows("numbers")
def test_option_of_a_module_is_read_as_a_variable_of_a_role_is(row: Row) -> None:
    is_read_as_a_variable(row.given["value"], {"type": row.given["type"]}, row.right)


@rows("numbers")
def test_json_reads_the_same(row: Row) -> None:
    """What is right for text is not ours to say."""
    value = row.given["value"]
    if not row.reader.startswith("json") or not isinstance(value, str):
        pytest.skip("another reader decides")
    try:
        found = json.loads(value.strip().removeprefix("+"))
    except ValueError:
        found = None
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        found = REFUSED
    elif row.given["type"] == "int":
        found = int(found) if float(found).is_integer() else REFUSED
    assert found == row.right
