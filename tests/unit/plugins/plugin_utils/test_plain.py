# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of Ansible as values of Python."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.module_utils._internal._datatag._tags import Deprecated
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain

TAG = Deprecated(msg="x")


def tagged(value: Any) -> Any:
    found = TAG.tag(value)
    assert type(found) is not type(value)
    return found


@pytest.mark.parametrize("value", ["text", 7, 0.5, b"bytes".decode(), {"a": 1}, [1, "b"]])
def test_tagged_value_becomes_plain(value: Any) -> None:
    result = plain(tagged(value))
    assert result == value
    assert type(result) is type(value)
    assert not AnsibleTagHelper.tags(result)


def test_what_is_inside_becomes_plain_too() -> None:
    result = plain({tagged("key"): [tagged("a"), (tagged("b"),), {"inner": tagged(1)}]})
    assert result == {"key": ["a", ["b"], {"inner": 1}]}
    (key,) = result
    assert {type(key), type(result["key"][0]), type(result["key"][1][0])} == {str}
    assert type(result["key"][2]["inner"]) is int


@pytest.mark.parametrize("value", [None, True, False])
def test_what_has_no_tags_stays_itself(value: Any) -> None:
    assert plain(value) is value


def test_other_shapes() -> None:
    assert plain(b"a\xff") == "a\udcff"
    assert sorted(plain({"b", "a"})) == ["a", "b"]
    assert plain(frozenset({1})) == [1]
    assert plain(range(2)) == "range(0, 2)"
