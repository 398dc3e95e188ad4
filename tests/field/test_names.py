# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and labels that Google or Kubernetes would refuse late: preflight says it first, with the rule."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.filter.inputs import FilterModule
from ansible_collections.rhaii.gke.plugins.plugin_utils import _tools

from tests.field.rows import Row, rows

preflight_findings: Any = FilterModule().filters()["preflight_findings"]
LABELS = ("rhaii_labels", "cluster_tpu_node_labels")


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tools, "PROGRAMS", {})


@rows("names")
def test_preflight_refuses_what_would_be_refused_late(row: Row) -> None:
    ((variable, value),) = row.given.items()
    kind = "labels" if variable in LABELS else "names"
    found = preflight_findings({kind: {variable: value}, "helm": sys.executable})
    (finding,) = (each for each in found["findings"] if each["check"] == kind)
    assert (finding["verdict"] == "ok") is row.right
    if not row.right:
        assert variable in finding["found"]
        assert re.search(r"(Google|Kubernetes|Service) takes at most \d+ ", finding["found"])
        assert finding["remedy"].startswith("Give ")
