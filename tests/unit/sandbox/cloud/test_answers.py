# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's words: each with its source, chosen by the seed, and understood by us whichever it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ansible_collections.rhaii.gke.plugins.module_utils import _meaning

from sandbox.cloud.answers import Answers, error_of, form_names, forms
from sandbox.cloud.dispatch import refusal
from sandbox.cloud.errors import GoogleError
from sandbox.cloud.faults import FaultError
from sandbox.cloud.state import State
from tests.unit.sandbox.cloud.fakes import Rig, container
from tests.unit.sandbox.cloud.test_gke import deployed, tpu_pool

NAMES = {
    "operation": "operation-1800000005000-1",
    "cluster": "c",
    "doing": "upgrading cluster c",
    "project": "p",
    "number": 1,
    "zone": "europe-west4-a",
    "region": "europe-west4",
    "machine": "ct6e-standard-4t",
    "metric": "TPUS_PER_TPU_FAMILY",
    "limit": 8.0,
}
MEANS = {"busy": "busy", "stockout": "stockout", "quota": "quota", "403": "permission", "429": "rate"}


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.mark.parametrize("kind", forms())
def test_each_form_has_a_name_and_a_source_and_there_are_several_where_it_matters(kind: str) -> None:
    known = forms()[kind]
    assert len({each["form"] for each in known}) == len(known)
    assert all(each["source"] for each in known)
    if kind in ("busy", "stockout", "quota", "403", "429", "503"):
        assert len(known) > 1


@pytest.mark.parametrize(("kind", "form"), [(kind, each["form"]) for kind in forms() for each in forms()[kind]])
def test_each_form_means_to_us_what_it_is(kind: str, form: str) -> None:
    each = next(one for one in forms()[kind] if one["form"] == form)
    if kind == "instances":
        said = each["message"].format(**NAMES, waited="1.0", expected=3, running=1, transitioning=2, reason="[X]: y")
        assert "Not all instances running in IGM" in said
        return
    if "code_word" in each:
        message = each["message"].format(**NAMES)
        # as the group shows it, and as the operation tells it
        assert _meaning.meaning_of(0, each["code_word"], message) == MEANS[kind]
        told = f"[{each['condition'] or each['code_word']}]: Instance 'i' creation failed: {message}"
        assert _meaning.meaning_of(0, "RESOURCE_EXHAUSTED", told) == MEANS[kind]
        return
    error = error_of(each, NAMES, code=int(kind) if kind.isdigit() else None)
    reasons = [detail["reason"] for detail in error.details if "reason" in detail]
    found = _meaning.meaning_of(error.code, error.status, error.page or error.message, reasons)
    assert found == ("quota" if form.startswith("quota") else MEANS.get(kind, "passing"))


def chosen(seed: str, kind: str) -> list[str]:
    answers = Answers(State(seed=seed))
    return [str(answers.form(kind, str(about))["form"]) for about in range(8)]


def test_a_seed_chooses_the_same_again_and_another_one_others() -> None:
    assert chosen("a", "busy") == chosen("a", "busy")
    assert len({tuple(chosen(str(seed), "busy")) for seed in range(10)}) > 5


@pytest.mark.parametrize("kind", ["busy", "stockout", "quota", "429", "503"])
def test_every_form_comes_up(kind: str) -> None:
    assert {form for seed in range(20) for form in chosen(str(seed), kind)} == set(form_names(kind))


def test_a_cloud_keeps_its_seed_and_each_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_SEED", raising=False)
    one = Rig(tmp_path / "a")
    one.cloud.store.save()
    assert one.again().cloud.state.seed == one.cloud.state.seed
    assert Rig(tmp_path / "b").cloud.state.seed != one.cloud.state.seed
    assert Rig(tmp_path / "c", seed="x").cloud.state.seed == "x"


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        pytest.param({"kind": "answer", "of": "busy", "form": "polite"}, "forms of busy are: incompatible", id="form"),
        pytest.param({"kind": "answer", "of": "tired", "form": "x"}, "forms of tired are: none", id="kind"),
        pytest.param({"kind": "api_error", "status": 503, "form": "x"}, "forms of 503 are: unavailable", id="error"),
    ],
)
def test_form_that_is_not_known_is_refused(rig: Rig, fault: dict[str, Any], problem: str) -> None:
    with pytest.raises(FaultError, match=problem):
        rig.cloud.faults.add(fault)


def test_error_of_a_call_has_the_form_that_was_asked_for(rig: Rig) -> None:
    rig.cloud.faults.add({"kind": "api_error", "status": 403, "form": "quota-regional-page", "count": 1})
    answer = rig.cloud.faults.api_error("container.x", "/v1/x", NAMES)
    assert isinstance(answer, GoogleError)
    body = answer.body()["error"]
    assert (body["code"], body["status"], body["errors"][0]["reason"]) == (403, "PERMISSION_DENIED", "forbidden")
    assert body["message"].endswith("https://console.cloud.google.com/iam-admin/quotas?usage=USED&project=p.")
    assert rig.cloud.faults.api_error("container.x", "/v1/x", NAMES) is None


def test_front_end_gives_a_page() -> None:
    class Request:
        method, path = "GET", "/v1/x"

    answer = refusal(Request(), error_of(forms()["502"][0], NAMES, code=502), None)  # type: ignore[arg-type]
    assert isinstance(answer, web.Response)
    assert (answer.status, answer.content_type) == (502, "text/html")
    assert "Error 502" in str(answer.text)


async def test_zone_that_is_silent_is_left_out_and_said(rig: Rig) -> None:
    await deployed(rig)
    rig.cloud.faults.add({"kind": "silent", "zone": "europe-west4-a"})
    everywhere = rig.call(container("clusters.list"), location="-")
    assert everywhere == {"missingZones": ["europe-west4-a"]}
    rig.cloud.faults.clear()
    assert [each["name"] for each in rig.call(container("clusters.list"), location="-")["clusters"]] == ["demo"]


async def test_flex_start_machines_are_upgraded_in_googles_own_way(rig: Rig) -> None:
    await deployed(rig)
    body = tpu_pool(nodes=0)
    body["config"]["flexStart"] = True
    body["upgradeSettings"] = {"maxSurge": 0, "maxUnavailable": 1}
    body["autoscaling"] = {"enabled": True, "totalMaxNodeCount": 3, "locationPolicy": "ANY"}
    rig.call(container("clusters.nodePools.create"), {"nodePool": body}, cluster="demo")
    shown = rig.call(container("clusters.nodePools.get"), cluster="demo", nodePool="tpu-pool")
    assert shown["upgradeSettings"] == {"strategy": "SHORT_LIVED"}
