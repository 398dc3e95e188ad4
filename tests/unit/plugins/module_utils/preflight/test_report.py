# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report of all that was asked: what each answer becomes, and that none is lost."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._findings import Finding
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.report import (
    cost_findings,
    enabling,
    placing,
    price_of,
    quota_findings,
    report,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import Info

from tests.unit.plugins.module_utils.quota.fake_google import (
    FAMILY,
    OTHER_REGION,
    OTHER_ZONE,
    ZONE,
    Google,
    family_row,
    play,
)

INPUT = {"check": "project", "verdict": "ok", "found": "p", "remedy": ""}
APIS = {"check": "APIs", "verdict": "failed", "found": "not enabled: iam", "remedy": "enable it"}
PRICE = {
    "location": "europe-west4-a",
    "provisioning": "on_demand",
    "hourly": 38.123,
    "suspended_hourly": 0.466,
    "currency": "USD",
    "source": "billing",
    "as_of": "2026-11-24",
    "unknown": [],
}


def reported(**asked: Any) -> list[tuple[str, str, str]]:
    findings = report({"inputs": {"findings": [INPUT]}, **asked})
    assert findings[0] == INPUT
    return [(each["check"], each["verdict"], each["found"]) for each in findings[1:]]


def test_parts_come_in_the_order_in_which_they_are_asked_for() -> None:
    check = {"check": "TPU quota", "verdict": "sufficient", "reason": "enough", "remedy": ""}
    said = reported(
        cost={"candidates": [PRICE]},
        quota={"candidates": [{"location": "z", "checks": [check]}]},
        place={"exists": True, "moved": True, "location": "z"},
        models={"findings": [{"check": "model a", "verdict": "unknown", "found": "silent", "remedy": ""}]},
        access={"findings": [{"check": "credentials", "verdict": "ok", "found": "me", "remedy": ""}]},
        enabled={"results": [{"item": "iam.googleapis.com", "changed": True}]},
    )
    assert [check for check, _, _ in said] == [
        "enabling APIs",
        "credentials",
        "model a",
        "place",
        "TPU quota",
        "cost",
    ]


def test_finding_that_lacks_a_part_is_empty_there() -> None:
    assert report({"inputs": {"findings": [{"check": "a", "verdict": "ok", "found": None}]}}) == [
        {"check": "a", "verdict": "ok", "found": "", "remedy": ""}
    ]


@pytest.mark.parametrize("nothing", [{}, None, {"skipped": True, "changed": False}])
@pytest.mark.parametrize("part", ["access", "enabled", "place", "quota", "models", "cost"])
def test_what_was_not_asked_is_not_reported(part: str, nothing: Any) -> None:
    assert reported(**{part: nothing}) == []


@pytest.mark.parametrize(
    ("part", "check", "verdict"),
    [
        ("access", "access", "failed"),
        ("quota", "quota", "failed"),
        ("models", "model access", "unknown"),
        ("place", "place", "unknown"),
        ("cost", "cost", "unknown"),
    ],
)
@pytest.mark.parametrize("failed", [True, False])  # a task may say failed_when: false
def test_module_that_broke_off_is_a_finding(part: str, check: str, verdict: str, failed: bool) -> None:
    answer = {"failed": failed, "changed": False, "msg": "the library is missing"}
    assert reported(**{part: answer}) == [(check, verdict, "the library is missing")]
    assert reported(**{part: {"failed": failed, "changed": False}}) == [(check, verdict, "no answer")]


def test_check_mode_foresees_that_apis_would_be_enabled() -> None:
    other = {"check": "billing", "verdict": "failed", "found": "none", "remedy": "link one"}
    asked = {"inputs": {"findings": []}, "access": {"findings": [APIS, other]}}
    assert report(asked) == [APIS, other]
    assert report({**asked, "would_enable": True}) == [
        {
            **APIS,
            "verdict": "unknown",
            "remedy": "They would be enabled now (rhaii_enable_apis); check mode does not.",
        },
        other,
    ]
    enabled = {**APIS, "verdict": "ok", "found": "8 enabled", "remedy": ""}
    assert report({**asked, "access": {"findings": [enabled]}, "would_enable": True}) == [enabled]


def test_apis_that_were_enabled_are_named() -> None:
    results = [{"item": "a", "changed": True}, {"item": "b", "changed": False}, {"item": "c", "changed": True}]
    assert enabling({"results": results}) == [Finding("enabling APIs", "ok", "enabled a, c")]
    assert enabling({"results": results[1:2]}) == []


def test_api_that_could_not_be_enabled_is_named_with_what_google_said() -> None:
    results = [{"item": "a", "changed": True}, {"item": "b", "failed": False, "msg": "GCP returned error: denied"}]
    other = {"item": "c", "failed": False, "msg": "busy"}
    assert enabling({"results": [*results, other]}) == [
        Finding(
            "enabling APIs",
            "failed",
            "b: GCP returned error: denied; c: busy",
            "Enable them by hand, or grant roles/serviceusage.serviceUsageAdmin.",
        )
    ]


def test_place_is_told_only_when_it_is_another_one() -> None:
    assert placing({"exists": True, "moved": True, "location": "us-east5-a"}) == [
        Finding(
            "place",
            "ok",
            "the environment works in us-east5-a, which is judged instead of the first location",
            "Write rhaii_location: us-east5-a into the inventory to stay there.",
        )
    ]
    assert placing({"exists": True, "moved": False, "location": "z"}) == []
    assert placing({"exists": False, "moved": True, "location": "z"}) == []


def costs(limit: Any = None, **changes: Any) -> Finding:
    (finding,) = cost_findings({"candidates": [{**PRICE, **changes}, {**PRICE, "hourly": 1}]}, limit)
    return finding


def test_price_is_that_of_the_first_candidate() -> None:
    assert costs() == Finding(
        "cost",
        "ok",
        "38.12 USD an hour (on_demand, europe-west4-a), from Cloud Billing of 2026-11-24, 0.47 suspended",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "table"}, "from the table of prices of 2026-11-24, 0.47 suspended"),
        ({"source": "oracle", "as_of": ""}, "from oracle, 0.47 suspended"),
        ({"suspended_hourly": None}, "of 2026-11-24"),
        ({"unknown": ["disks", "addresses"]}, "0.47 suspended, without disks, addresses"),
    ],
)
def test_price_says_where_it_is_from(changes: dict[str, Any], said: str) -> None:
    finding = costs(**changes)
    assert finding.verdict == "ok"
    assert finding.found.endswith(said)


def test_price_that_is_not_known_is_no_yes() -> None:
    assert costs(limit=1, hourly=None, unknown=["TPU v6e chip", "disks"]) == Finding(
        "cost",
        "unknown",
        "the price is not known (on_demand, europe-west4-a): TPU v6e chip, disks",
        "Look it up before you deploy.",
    )


@pytest.mark.parametrize(
    ("limit", "verdict"), [(None, "ok"), (38.13, "ok"), ("38.123", "ok"), ("38.12", "failed"), (0, "failed")]
)
def test_limit_is_what_it_may_cost_at_most(limit: Any, verdict: str) -> None:
    assert costs(limit=limit).verdict == verdict


def test_price_above_the_limit_says_both_and_the_way_out() -> None:
    assert costs(limit="30", suspended_hourly=0.466, unknown=["disks"]) == Finding(
        "cost",
        "failed",
        "38.12 USD an hour (on_demand, europe-west4-a), from Cloud Billing of 2026-11-24, 0.47 suspended, without "
        "disks: more than 30.00",
        "Take fewer replicas, another way to buy (rhaii_provisioning) or another zone (rhaii_location), or raise "
        "rhaii_cost_limit.",
    )


@pytest.mark.parametrize(
    ("candidate", "price"),
    [
        ({"hourly": 38.126, "currency": "EUR"}, "38.13 EUR"),
        ({"hourly": "2"}, "2.00 USD"),
        ({"hourly": 0, "currency": ""}, "0.00 USD"),
        ({"hourly": None, "currency": "USD"}, ""),
        ({}, ""),
    ],
)
def test_price_in_words(candidate: dict[str, Any], price: str) -> None:
    assert price_of(candidate) == price


def asked_of(google: Google, location: str = ZONE) -> list[Finding]:
    return quota_findings(play(google, locations=[location, OTHER_ZONE], fail_on_insufficient=False))


def test_quota_of_eight_for_twelve_chips_is_one_finding_that_failed() -> None:
    quota, machine = asked_of(Google(infos={FAMILY: Info((family_row(8), family_row(12, OTHER_REGION)))}))
    assert quota == Finding(
        "TPU quota",
        "failed",
        "europe-west4-a: quota of 8 for 12 chips in europe-west4 (as it is set)",
        f"Ask for 12 of {FAMILY} (region=europe-west4, tpu_family=CT6E) at "
        "https://console.cloud.google.com/iam-admin/quotas?project=p&service=compute.googleapis.com, "
        "choose another zone (rhaii_location) or way to buy (rhaii_provisioning), or fewer replicas. "
        "These have enough: us-east5-a (rhaii_location).",
    )
    assert (machine.check, machine.verdict, machine.remedy) == ("machine type offered", "ok", "")


def test_zone_without_the_machine_type_is_one_finding_that_failed() -> None:
    quota, machine = asked_of(Google(), "europe-west4-c")
    assert (quota.check, quota.verdict) == ("TPU quota", "ok")
    assert machine == Finding(
        "machine type offered",
        "failed",
        "europe-west4-c: the machine type ct6e-standard-4t is not offered in europe-west4-c",
        "It is offered in: europe-west4-a, us-east5-a. Choose a zone that has it (rhaii_location).",
    )


@pytest.mark.parametrize(
    ("verdict", "becomes"), [("sufficient", "ok"), ("insufficient", "failed"), ("unknown", "unknown")]
)
def test_only_the_first_candidate_is_the_environments(verdict: str, becomes: str) -> None:
    check = {"check": "TPU quota", "verdict": verdict, "reason": "because", "remedy": "do"}
    first = {"location": "z", "checks": [check]}
    other = {"location": "y", "checks": [{**check, "reason": "not looked at"}]}
    assert quota_findings({"candidates": [first, other]}) == [Finding("TPU quota", becomes, "z: because", "do")]


@pytest.mark.parametrize(
    ("granted", "reconciling", "detail", "verdict", "said"),
    [
        pytest.param(16, False, "", "ok", "Google granted 16 of Q", id="granted"),
        pytest.param(20, True, "", "ok", "Google granted 20 of Q", id="more than was asked for"),
        pytest.param(8, True, "", "unknown", "Google was asked for 16 of Q: being decided", id="being decided"),
        pytest.param(None, True, "", "unknown", "Google was asked for 16 of Q: being decided", id="nothing yet"),
        pytest.param(8, False, "denied", "unknown", "Google was asked for 16 of Q: denied", id="denied"),
        pytest.param(8, False, "", "unknown", "Google was asked for 16 of Q: not granted", id="without a word"),
    ],
)
def test_what_was_asked_of_google_is_a_finding(
    granted: int | None, reconciling: bool, detail: str, verdict: str, said: str
) -> None:
    sent = {"quota_id": "Q", "preferred_value": 16, "granted_value": granted, "reconciling": reconciling}
    result = {"candidates": [{"location": "z", "checks": []}], "sent": [{**sent, "state_detail": detail}]}
    later = "Run preflight again when Google has decided, which takes minutes or days."
    assert quota_findings(result) == [Finding("quota request", verdict, said, "" if verdict == "ok" else later)]
