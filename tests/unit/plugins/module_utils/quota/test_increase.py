# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request for more quota: what it says, and that it is sent once, and only when asked for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import Info, RegionQuota, Row

from tests.unit.plugins.module_utils.quota.fake_google import (
    FAMILY,
    REGION,
    ROOMY,
    Google,
    family_row,
    play,
    pool,
)

DIMENSIONS = {"region": REGION, "tpu_family": "CT6E"}
ASKED = {"request_increase": True, "contact_email": "ops@example.com", "fail_on_insufficient": False}
NAME = "projects/1/locations/global/quotaPreferences/old"


def short(**changes: Any) -> Google:
    """A project with eight chips."""
    return Google(infos={FAMILY: Info((family_row(8),))}, **changes)


def preference(value: int, **changes: Any) -> dict[str, Any]:
    return {
        "name": NAME,
        "service": "compute.googleapis.com",
        "quotaId": FAMILY,
        "dimensions": DIMENSIONS,
        "quotaConfig": {"preferredValue": str(value)},
        **changes,
    }


def test_request_is_shown_in_the_form_of_the_api_and_not_sent() -> None:
    google = short(live_pools=(pool(nodes=1),))
    result = play(google, fail_on_insufficient=False)
    assert result["requests"] == [
        {
            "service": "compute.googleapis.com",
            "quotaId": FAMILY,
            "dimensions": DIMENSIONS,
            "quotaConfig": {"preferredValue": 16},
            "justification": "12 chips of TPU v6e (Trillium) on Google Kubernetes Engine, to serve language models.",
        }
    ]
    assert (google.sent, result["sent"], result["changed"]) == ([], [], False)


def test_request_is_sent_when_that_is_asked_for() -> None:
    google = short()
    result = play(google, **ASKED, justification="A launch.")
    ((how, body),) = google.sent
    assert how == "create"
    assert (body["contactEmail"], body["justification"]) == ("ops@example.com", "A launch.")
    assert body["quotaConfig"] == {"preferredValue": 12}
    assert result["changed"] is True
    assert result["sent"] == [
        {
            "quota_id": FAMILY,
            "dimensions": DIMENSIONS,
            "preferred_value": 12,
            "granted_value": None,
            "reconciling": True,
            "state_detail": "",
            "name": "projects/1/locations/global/quotaPreferences/new",
            "sent": True,
        }
    ]


def test_check_mode_sends_nothing_and_says_that_it_would() -> None:
    google = short()
    result = play(google, check_mode=True, **ASKED)
    assert google.sent == []
    assert (result["changed"], result["sent"][0]["sent"], result["sent"][0]["name"]) == (True, True, "")


@pytest.mark.parametrize("value", [12, 20])
def test_a_request_for_as_much_is_not_sent_again(value: int) -> None:
    google = short(preferences=[preference(value, reconciling=True)])
    result = play(google, **ASKED)
    assert google.sent == []
    assert result["changed"] is False
    (outcome,) = result["sent"]
    assert (outcome["sent"], outcome["reconciling"], outcome["preferred_value"]) == (False, True, value)


def test_a_request_without_a_value_is_one_for_none() -> None:
    google = Google(infos={FAMILY: Info((family_row(0),))}, preferences=[preference(0, quotaConfig={})])
    play(google, **ASKED, chips=1, machine_type="ct6e-standard-1t")
    assert [(how, body["quotaConfig"]) for how, body in google.sent] == [(f"update {NAME}", {"preferredValue": 1})]


def test_a_request_for_less_is_raised() -> None:
    google = short(preferences=[preference(10)])
    result = play(google, **ASKED)
    assert google.sent == [(f"update {NAME}", result["requests"][0])]
    assert (result["changed"], result["sent"][0]["granted_value"]) == (True, 12)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"dimensions": {**DIMENSIONS, "region": "us-east5"}}, id="another region"),
        pytest.param({"quotaId": "CPUS-per-project-region"}, id="another quota"),
        pytest.param({"service": "tpu.googleapis.com"}, id="another service"),
    ],
)
def test_a_request_for_something_else_does_not_count(changes: dict[str, Any]) -> None:
    google = short(preferences=[preference(64, **changes)])
    play(google, **ASKED)
    assert [how for how, _ in google.sent] == ["create"]


def test_nothing_is_asked_when_there_is_enough() -> None:
    google = Google()
    result = play(google, **ASKED)
    assert (result["requests"], result["sent"], result["changed"]) == ([], [], False)
    assert not [what for port, what in google.asked if port in ("all", "create")]


def test_cpus_are_asked_for_too() -> None:
    google = short(region_quotas={REGION: {**ROOMY, "CPUS": RegionQuota(10, 6)}})
    standard = {"machine_type": "e2-standard-4", "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100}
    result = play(google, **ASKED, standard_pool=standard)
    assert [(each["quotaId"], each["quotaConfig"]["preferredValue"]) for each in result["requests"]] == [
        (FAMILY, 12),
        ("CPUS-per-project-region", 14),
    ]
    assert [body["dimensions"] for _, body in google.sent] == [DIMENSIONS, {"region": REGION}]


def test_a_quota_without_a_row_can_be_asked_for() -> None:
    google = Google(infos={FAMILY: Info((family_row(64, "us-east5"),))})
    result = play(google, **ASKED)
    assert result["verdict"] == "unknown"
    assert google.sent[0][1]["quotaConfig"] == {"preferredValue": 12}


@pytest.mark.parametrize(
    "google",
    [
        pytest.param(Google(errors={"info": GoogleError("x", 403, "", "no")}), id="it could not be read"),
        pytest.param(Google(infos={}), id="there is no such quota"),
        pytest.param(
            Google(
                infos={FAMILY: Info((family_row(64),))},
                errors={"live": GoogleError("x", 403, "", "no"), "readings": GoogleError("x", 403, "", "no")},
            ),
            id="it is high enough, only its use is not known",
        ),
    ],
)
def test_what_may_be_more_already_is_not_asked_for(google: Google) -> None:
    result = play(google, **ASKED)
    assert result["verdict"] == "unknown"
    assert (result["requests"], google.sent) == ([], [])


def test_a_refused_request_is_an_error_that_keeps_what_was_found() -> None:
    google = short(
        errors={"create": GoogleError("ask for more", 403, "PERMISSION_DENIED", "cloudquotas.quotas.update")}
    )
    with pytest.raises(RhaiiError, match=r"cloudquotas\.quotas\.update") as caught:
        play(google, **ASKED)
    assert caught.value.result["candidates"][0]["verdict"] == "insufficient"
    assert caught.value.result["requests"]


@pytest.mark.parametrize(
    ("preferences", "state", "changed"),
    [
        pytest.param([], "being decided", True, id="sent now"),
        pytest.param([preference(12, reconciling=True)], "being decided", False, id="there already"),
        pytest.param([preference(12)], "decided", False, id="decided"),
        pytest.param(
            [
                preference(
                    12,
                    reconciling=True,
                    quotaConfig={"preferredValue": "12", "grantedValue": "8", "stateDetail": "Denied: no usage yet"},
                )
            ],
            "Denied: no usage yet",
            False,
            id="with Google's words",
        ),
    ],
)
def test_failure_says_what_was_asked_of_google(preferences: list[dict[str, Any]], state: str, changed: bool) -> None:
    with pytest.raises(RhaiiError) as caught:
        play(short(preferences=preferences), **{**ASKED, "fail_on_insufficient": True})
    assert caught.value.remedy.startswith(f"Google was asked for 12 of {FAMILY}: {state}. Ask for 12")
    assert caught.value.result["changed"] is changed


def test_where_google_takes_no_request_the_remedy_says_why() -> None:
    google = Google(
        infos={FAMILY: Info((Row({}, 0),), page="https://example.com/q", closed="NOT_ENOUGH_USAGE_HISTORY")}
    )
    result = play(google, fail_on_insufficient=False)
    assert result["quota_page"] == "https://example.com/q"
    assert result["remedy"].startswith(
        "Google takes no request for it (NOT_ENOUGH_USAGE_HISTORY) at https://example.com/q, choose another zone"
    )
