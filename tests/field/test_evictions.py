# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API server says to an eviction: what goes by itself is waited for."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from ansible_collections.rhaii.gke.plugins.module_utils._gke.kubernetes import KubernetesNodes
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest

from tests.field.rows import Row, rows


@rows("evictions")
def test_eviction(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(_session: Any, _method: str, _url: str, **_given: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code = row.given["status"]
        answer._content = json.dumps(row.given["body"]).encode()
        return answer

    monkeypatch.setattr(requests.Session, "request", answered)
    nodes = KubernetesNodes(KubernetesRest("https://127.0.0.1:1"))
    if row.right == "error":
        with pytest.raises(KubernetesError):
            nodes.evict("ns", "p", None)
        return
    said = nodes.evict("ns", "p", None)
    assert said.startswith(row.right)
    assert bool(said) is bool(row.right)
