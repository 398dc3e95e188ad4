# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Google ``answers`` where it does not know whose quota a user's calls use: our sentence says what to do."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._google import error_of

from tests.field.rows import Row, rows


class Answer:
    """An error of Google."""

    def __init__(self, said: Any) -> None:
        self.status_code = said["code"]
        self.text = json.dumps({"error": said})

    def json(self) -> Any:
        return json.loads(self.text)


@rows("quota_projects_refused")
def test_missing_quota_project_is_said_with_the_remedy(row: Row) -> None:
    refusal = str(error_of("read quotas", Answer(row.given["answers"])))
    for words in row.right["refused"]:
        assert words in refusal
