# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a storage initializer's log says of why it ended."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.causes import Evidence, replica_problem
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import Replica, Trouble

from tests.field.rows import Row, rows

TROUBLE = Trouble("storage-initializer", "CrashLoopBackOff", "back-off", crashes=3, exit_code=1)


@rows("hub_logs")
def test_the_cause_is_the_clients_own_error(row: Row) -> None:
    replica = Replica("u", "qwen-kserve-1-aaaaa", "Failing", trouble=TROUBLE)
    seen = Evidence(fresh=True, log=row.given["log"])
    problem = replica_problem(replica, seen, namespace="ns", patience=30.0, crash_limit=3)
    if row.right["says"] is None:
        assert "exit code 1. Its log ends" in problem.message
    else:
        assert row.right["says"] in problem.message
    assert row.right["remedy"] in problem.remedy
    assert "hf_abcdefgh12345" not in problem.message, "a token never leaves the log"
