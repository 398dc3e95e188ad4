# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gcp_access_check: one finding a check, and what a refusal to look means."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._access.check import (
    APIS,
    CAPABILITY,
    PERMISSIONS,
    GoogleAccess,
    run,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import silent
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleError, GoogleSettings

PARAMS: dict[str, Any] = {"project": "my-project", "auth_kind": "application", "fail_on_problem": True}


@dataclass
class Scripted:
    """An account, and Google's refusals by question."""

    paid: bool = True
    lacking: Collection[str] = ()
    refusals: Mapping[str, RhaiiError] = field(default_factory=dict)

    def _asked(self, question: str) -> None:
        if question in self.refusals:
            raise self.refusals[question]

    def authenticate(self) -> None:
        self._asked("authenticate")

    def billing(self) -> bool:
        self._asked("billing")
        return self.paid

    def enabled(self, apis: Sequence[str]) -> Collection[str]:
        self._asked("enabled")
        return [api for api in apis if api not in self.lacking]

    def granted(self, permissions: Sequence[str]) -> Collection[str]:
        self._asked("granted")
        return [each for each in permissions if each not in self.lacking]


def findings(access: Scripted) -> dict[str, dict[str, str]]:
    result = run({**PARAMS, "fail_on_problem": False}, access, silent, False)
    assert result["changed"] is False
    return {finding["check"]: finding for finding in result["findings"]}


def test_project_that_is_ready() -> None:
    result = run(PARAMS, Scripted(), silent, False)
    assert [(each["check"], each["verdict"], each["found"], each["remedy"]) for each in result["findings"]] == [
        ("credentials", "ok", "application", ""),
        ("billing", "ok", "enabled", ""),
        ("APIs", "ok", f"{len(APIS)} enabled", ""),
        ("permissions", "ok", f"{len(PERMISSIONS)} granted", ""),
    ]


def test_unpaid_project_is_named_with_the_page_that_mends_it() -> None:
    assert findings(Scripted(paid=False))["billing"] == {
        "check": "billing",
        "verdict": "failed",
        "found": "no billing account pays for my-project",
        "remedy": "Link one at https://console.cloud.google.com/billing/linkedaccount?project=my-project",
    }


def test_missing_apis_are_named_with_the_command_that_enables_them() -> None:
    assert findings(Scripted(lacking=["container.googleapis.com", "compute.googleapis.com"]))["APIs"] == {
        "check": "APIs",
        "verdict": "failed",
        "found": "not enabled: compute.googleapis.com, container.googleapis.com",
        "remedy": "gcloud services enable compute.googleapis.com container.googleapis.com --project my-project",
    }


def test_missing_permissions_are_named() -> None:
    finding = findings(Scripted(lacking=["container.clusters.create", "compute.instances.delete"]))["permissions"]
    assert finding["verdict"] == "failed"
    assert finding["found"] == "missing on my-project: compute.instances.delete, container.clusters.create"
    assert finding["remedy"] == (
        "Grant them, or roles/container.admin, roles/compute.instanceAdmin.v1, roles/iam.serviceAccountUser, "
        "roles/servicemanagement.quotaViewer and roles/serviceusage.serviceUsageViewer."
    )


def test_nothing_is_asked_without_credentials() -> None:
    access = Scripted(refusals={"authenticate": RhaiiError("No token.", remedy="Log in.")})
    assert findings(access) == {
        "credentials": {"check": "credentials", "verdict": "failed", "found": "No token.", "remedy": "Log in."}
    }


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        pytest.param(401, "failed", id="credentials are wrong"),
        pytest.param(404, "failed", id="no such project"),
        pytest.param(403, "unknown", id="may not look"),
        pytest.param(503, "unknown", id="not available"),
    ],
)
@pytest.mark.parametrize(
    ("question", "check"), [("billing", "billing"), ("enabled", "APIs"), ("granted", "permissions")]
)
def test_refusal_to_show(question: str, check: str, status: int, verdict: str) -> None:
    refusal = GoogleError("look", status, "CODE", "because")
    found = findings(Scripted(refusals={question: refusal}))
    assert found[check] == {
        "check": check,
        "verdict": verdict,
        "found": f"Google refused to look: {status} CODE: because",
        "remedy": refusal.remedy,
    }
    assert {each["verdict"] for name, each in found.items() if name != check} == {"ok"}


def test_failed_checks_fail_the_task_with_all_remedies_and_the_result() -> None:
    with pytest.raises(RhaiiError) as failure:
        run(PARAMS, Scripted(paid=False, lacking=["iam.googleapis.com"]), silent, False)
    assert failure.value.msg == (
        "my-project is not ready: billing: no billing account pays for my-project; "
        "APIs: not enabled: iam.googleapis.com."
    )
    assert "linkedaccount?project=my-project gcloud services enable iam.googleapis.com" in failure.value.remedy
    assert [finding["verdict"] for finding in failure.value.result["findings"]] == ["ok", "failed", "failed", "ok"]


def test_unknown_checks_do_not_fail_the_task() -> None:
    access = Scripted(refusals={"billing": GoogleError("look", 403, "", "no")})
    assert run(PARAMS, access, silent, False)["findings"][1]["verdict"] == "unknown"


class Recorded:
    """Every API at once: writes calls down and gives one answer."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.settings = GoogleSettings(project="my-project")
        self.calls: list[tuple[Any, ...]] = []
        self._answer = answer
        self._api = ""

    def rest(self, api: str) -> Recorded:
        self._api = api
        return self

    def token(self) -> tuple[str, None]:
        self.calls.append(("token",))
        return "t", None

    def call(self, doing: str, method: str, path: str, *, query: Any = None, body: Any = None) -> Mapping[str, Any]:
        assert "my-project" in doing
        self.calls.append((self._api, method, path, query, body))
        return self._answer


def google(answer: Mapping[str, Any]) -> tuple[GoogleAccess, Recorded]:
    recorded = Recorded(answer)
    return GoogleAccess(cast(Connection, recorded)), recorded


def test_google_is_asked_for_a_token() -> None:
    access, recorded = google({})
    access.authenticate()
    assert recorded.calls == [("token",)]


@pytest.mark.parametrize(
    ("answer", "paid"), [({"billingEnabled": True}, True), ({"billingEnabled": False}, False), ({}, False)]
)
def test_google_is_asked_for_billing(answer: dict[str, Any], paid: bool) -> None:
    access, recorded = google(answer)
    assert access.billing() is paid
    assert recorded.calls == [("cloudbilling", "GET", "/v1/projects/my-project/billingInfo", None, None)]


def test_google_is_asked_for_apis() -> None:
    access, recorded = google(
        {
            "services": [
                {"name": "projects/1/services/a.googleapis.com", "state": "ENABLED"},
                {"name": "projects/1/services/b.googleapis.com", "state": "DISABLED"},
                {"name": "projects/1/services/c.googleapis.com"},
            ]
        }
    )
    assert access.enabled(["a.googleapis.com", "b.googleapis.com"]) == {"a.googleapis.com"}
    names = ["projects/my-project/services/a.googleapis.com", "projects/my-project/services/b.googleapis.com"]
    path = "/v1/projects/my-project/services:batchGet"
    assert recorded.calls == [("serviceusage", "GET", path, {"names": names}, None)]
    assert google({})[0].enabled(["a"]) == set()


def test_google_is_asked_for_permissions() -> None:
    access, recorded = google({"permissions": ["a.b.c"]})
    assert access.granted(("a.b.c", "d.e.f")) == {"a.b.c"}
    path = "/v3/projects/my-project:testIamPermissions"
    assert recorded.calls == [("cloudresourcemanager", "POST", path, None, {"permissions": ["a.b.c", "d.e.f"]})]
    assert google({})[0].granted(["a"]) == set()


def test_capability_fails_on_problems_unless_told_otherwise() -> None:
    assert CAPABILITY.name == "gcp_access_check"
    assert CAPABILITY.argument_spec["fail_on_problem"] == {"type": "bool", "default": True}
