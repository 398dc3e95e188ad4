# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the field's inputs: a row is right when each test of it passed, and one that none tried is not."""

from __future__ import annotations

from tests.field.rows import Row
from tests.prove.field import counted, outcomes, tried_with

REPORT = """<testsuites><testsuite>
<testcase classname="tests.field.test_hub_tokens" name="test_a[bom]"/>
<testcase classname="tests.field.test_hub_tokens" name="test_b[bom]"><failure/></testcase>
<testcase classname="tests.field.test_hub_tokens" name="test_a[bom-utf-16]"/>
<testcase classname="tests.field.test_hub_tokens" name="test_a[crlf]"><skipped/></testcase>
<testcase classname="tests.field.test_hub_tokens" name="test_c[crlf-3]"/>
<testcase classname="tests.field.test_hub_tokens" name="test_a[tab]"><skipped/></testcase>
</testsuite></testsuites>"""


def row(name: str, origin: str = "generated") -> Row:
    return Row(name, origin, "source", "reader", {}, None)


def test_a_row_is_right_when_all_that_tried_it_say_so() -> None:
    found = outcomes(REPORT)["hub_tokens"]
    assert found == {"bom": False, "bom-utf-16": True, "crlf-3": True}
    rows = [row("bom", "report"), row("bom-utf-16"), row("crlf", "report"), row("tab")]
    assert counted("hub_tokens", rows, found) == {
        "kind": "hub tokens",
        "reports": 2,
        "reports_right": 1,
        "generated": 2,
        "generated_right": 1,
    }


def test_a_name_is_of_the_longest_row_that_it_holds() -> None:
    found = {"a-b-1": True, "2-c": False, "a-x": True, "n\\xe4he": True}
    assert tried_with(["a", "a-b", "c", "nähe"], found) == {"a-b": [True], "a": [True], "c": [False], "nähe": [True]}
