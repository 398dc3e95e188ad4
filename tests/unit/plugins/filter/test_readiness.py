# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters on what the cluster holds: plain values in, plain values out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils._internal._datatag._tags import Deprecated
from ansible_collections.rhaii.gke.plugins.filter import readiness
from ansible_collections.rhaii.gke.plugins.filter.readiness import FilterModule

FILTERS = FilterModule().filters()
FOLDER = Path(readiness.__file__).parent
BLIND = {"health": [{"check": "h", "path": "/p", "ok": True, "status": 200}], "verdict": "blind", "msg": "m"}


def tagged(text: str) -> str:
    """A string as ansible-core 2.19 hands it out: of a class of its own."""
    value: str = Deprecated(msg="x").tag(text)
    assert type(value) is not str
    return value


@pytest.mark.parametrize("name", FILTERS)
def test_filter_is_documented_under_its_name(name: str) -> None:
    documented = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert documented["DOCUMENTATION"]["name"] == name
    assert f"rhaii.gke.{name}" in documented["EXAMPLES"]


def test_deployments_that_keep_us_waiting_are_named_plainly() -> None:
    (name,) = FILTERS["unavailable_deployments"]([], [tagged("istio-system/istiod")])
    assert (name, type(name)) == ("istio-system/istiod", str)


@pytest.mark.parametrize(
    ("require_affinity", "verdict"),
    [
        (True, "failed"),
        (False, "unknown"),
        ("true", "failed"),
        # bool("false") is true
        ("false", "unknown"),
        (tagged("no"), "unknown"),
    ],
)
def test_affinity_is_required_or_not_also_as_text(require_affinity: Any, verdict: str) -> None:
    findings = {item["check"]: item["verdict"] for item in FILTERS["routing_findings"](BLIND, require_affinity)}
    assert findings == {"h /p": "ok", "cache routing": verdict}


def test_affinity_is_required_by_default() -> None:
    assert FILTERS["routing_findings"](BLIND)[-1]["verdict"] == "failed"


@pytest.mark.parametrize(("require_proof", "verdict"), [(True, "failed"), ("yes", "failed"), (tagged("no"), "unknown")])
def test_proof_is_required_or_not_also_as_text(require_proof: Any, verdict: str) -> None:
    open_question = {**BLIND, "verdict": "unknown"}
    assert FILTERS["routing_findings"](open_question, True, require_proof)[-1]["verdict"] == verdict
    assert FILTERS["routing_findings"](open_question)[-1]["verdict"] == "unknown"


def test_word_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(TypeError, match="flase"):
        FILTERS["routing_findings"](BLIND, "flase")


def test_recap_is_plain() -> None:
    model = {"name": tagged("a"), "served_name": "a", "replicas": 1}
    found = FILTERS["deploy_recap"]({"environment": tagged("e"), "url": "", "models": [model], "chips_per_node": 4})
    assert json.loads(json.dumps(found)) == found
    assert found["lines"][0] == "e: no gateway address yet"
    assert type(found["report"]["environment"]) is str
