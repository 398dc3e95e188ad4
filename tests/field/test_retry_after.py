# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retry-After in each of its forms."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import urllib3
from ansible_collections.rhaii.gke.plugins.module_utils._google import retry_after

from tests.field.rows import Row, rows

NOW = datetime(2026, 11, 30, 12, 0, 0, tzinfo=UTC)


@rows("retry_after")
def test_retry_after(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    said = row.given["said"]
    found = retry_after({} if said is None else {"Retry-After": said}, NOW)
    assert found == row.right
    if row.reader == "urllib3" and said is not None:
        monkeypatch.setattr(time, "time", NOW.timestamp)
        assert found == urllib3.Retry().parse_retry_after(said)
