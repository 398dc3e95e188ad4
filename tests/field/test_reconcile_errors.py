# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what KServe could not do passes by itself."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.conditions import Condition, is_terminal

from tests.field.rows import Row, rows


@rows("reconcile_errors")
def test_an_error_is_fatal_only_where_another_try_does_not_mend_it(row: Row) -> None:
    condition = Condition("MainWorkloadReady", "False", row.given["reason"], row.given["message"])
    assert is_terminal(condition) is (row.right == "fatal")
