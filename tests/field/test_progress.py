# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress with real callbacks: for people, beside what a program reads, or nowhere."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.field.playbook_runs import local, play
from tests.field.rows import Row, rows

SAID = "[localhost] endpoint http://127.0.0.1:"


@rows("progress")
def test_progress_spoils_no_output(row: Row, tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: who asks is refused at once
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        task = {
            "name": "Ask nobody",
            "rhaii.gke.cache_routing_test": {"url": url},
            "ignore_errors": True,
            **({"no_log": True} if row.given.get("no_log") else {}),
        }
        settings = dict(row.given.get("settings", {}), ANSIBLE_STDOUT_CALLBACK=row.given["callback"])
        if "switch" in row.given:
            settings["RHAII_PROGRESS"] = row.given["switch"]
        run = play(tmp_path, [local(tasks=[task])], **settings)
    assert run.returncode == 0, run.stdout + run.stderr
    if row.right["output"] == "json":
        assert json.loads(run.stdout)["stats"]["localhost"]["ignored"] == 1
    if row.right["output"] == "jsonl":
        assert [json.loads(line)["_event"] for line in run.stdout.splitlines()][-1] == "v2_playbook_on_stats"
    where = {name for name in ("stdout", "stderr") if SAID in getattr(run, name)}
    assert where == {row.right["progress"]} - {"none"}
