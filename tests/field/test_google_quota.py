# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quota that does not do, in each of Google's forms: known as quota, with what to ask for, and where."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._gke.operations import remedy_for
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import Problem, is_stockout
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError

from tests.field.rows import Row, rows


@rows("google_quota")
def test_quota_of_an_operation(row: Row) -> None:
    problem = Problem(row.given.get("code", "RESOURCE_EXHAUSTED"), row.given["message"])
    remedy = remedy_for(problem)
    assert remedy.startswith("Ask for ")
    assert remedy.endswith("or want fewer nodes.")
    assert all(part in remedy for part in row.right)
    assert not is_stockout(problem)


@rows("google_quota")
def test_quota_of_a_refusal_is_no_missing_permission(row: Row) -> None:
    if not row.given["message"]:
        return
    for status, code in (
        (403, "PERMISSION_DENIED"),
        (429, "RESOURCE_EXHAUSTED"),
        (403, ""),
        (400, "FAILED_PRECONDITION"),
    ):
        refusal = GoogleError("create the node pool", status, code, row.given["message"], older=["forbidden"])
        assert refusal.meaning == "quota"
        assert all(part in refusal.remedy for part in row.right)
        assert "permission" not in refusal.remedy
