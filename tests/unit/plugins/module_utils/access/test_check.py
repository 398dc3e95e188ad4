# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gcp_access_check: one finding a check, and what a refusal to look means."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._access.check import CAPABILITY, run
from ansible_collections.rhaii.gke.plugins.module_utils._access.google import AccessPorts, GoogleAccess
from ansible_collections.rhaii.gke.plugins.module_utils._access.permissions import (
    APIS,
    FEATURES,
    PERMISSIONS,
    permissions_for,
)
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result, silent
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    Connection,
    GoogleError,
    GoogleSettings,
    Identity,
    UnreachableError,
)

from tests.unit.fake_clock import FakeClock

DEPLOYER = "deployer@my-project.iam.gserviceaccount.com"
PARAMS: dict[str, Any] = {
    "project": "my-project",
    "auth_kind": "application",
    "features": [],
    "location": "europe-west4-a",
    "release_channel": "regular",
    "kubernetes_version": None,
    "accelerator": "v6e",
    "fail_on_problem": True,
}
CONFIG: dict[str, Any] = {
    "defaultClusterVersion": "1.33.5-gke.100",
    "validMasterVersions": ["1.35.1-gke.1", "1.33.5-gke.100", "1.30.9-gke.7"],
    "channels": [
        {
            "channel": "REGULAR",
            "defaultVersion": "1.33.5-gke.100",
            "validVersions": ["1.34.1-gke.2000", "1.34.1-gke.900", "1.33.5-gke.100", "1.30.9-gke.7"],
        },
        {"channel": "STABLE", "defaultVersion": "1.31.2-gke.1114999", "validVersions": ["1.31.2-gke.1114999"]},
        {"channel": "EXTENDED"},
    ],
}


@dataclass
class Scripted:
    """An account, and Google's refusals by question."""

    paid: bool = True
    lacking: Collection[str] = ()
    refusals: Mapping[str, RhaiiError] = field(default_factory=dict)
    identity: Identity = field(default_factory=lambda: Identity("service account file", DEPLOYER))
    config: Mapping[str, Any] = field(default_factory=lambda: CONFIG)

    def _asked(self, question: str) -> None:
        if question in self.refusals:
            raise self.refusals[question]

    def authenticate(self) -> Identity:
        self._asked("authenticate")
        return self.identity

    def billing(self) -> bool:
        self._asked("billing")
        return self.paid

    def enabled(self, apis: Sequence[str]) -> Collection[str]:
        self._asked("enabled")
        return [api for api in apis if api not in self.lacking]

    def granted(self, permissions: Sequence[str]) -> Collection[str]:
        self._asked("granted")
        return [each for each in permissions if each not in self.lacking]

    def server_config(self, location: str) -> Mapping[str, Any]:
        self._asked("server_config")
        return self.config


def asked(access: Any, **params: Any) -> Result:
    return run({**PARAMS, **params}, AccessPorts(access, FakeClock()), silent, False)


def findings(access: Scripted, **params: Any) -> dict[str, dict[str, str]]:
    result = asked(access, fail_on_problem=False, **params)
    assert result["changed"] is False
    return {finding["check"]: finding for finding in result["findings"]}


def test_project_that_is_ready() -> None:
    result = asked(Scripted())
    base = [each for each in PERMISSIONS if not each.feature]
    assert [(each["check"], each["verdict"], each["found"], each["remedy"]) for each in result["findings"]] == [
        ("credentials", "ok", f"service account file, {DEPLOYER}", ""),
        ("billing", "ok", "enabled", ""),
        ("APIs", "ok", f"{len(APIS)} enabled", ""),
        ("permissions", "ok", f"{len(base)} granted", ""),
        ("Kubernetes version", "ok", "1.33.5-gke.100 in the channel regular in europe-west4-a", ""),
    ]
    assert (result["account"], result["missing_apis"], result["calls"]) == (DEPLOYER, [], 4)
    assert result["kubernetes_version"] == "1.33.5-gke.100"


@pytest.mark.parametrize(
    ("identity", "found"),
    [
        pytest.param(Identity("application default credentials (user)"), "application default credentials (user)"),
        pytest.param(Identity("key, me@x", "a@x", is_acting=True), "key, me@x, acting as a@x"),
        pytest.param(
            Identity("access token", "a@x", is_acting=True),
            "access token, acting as a@x; a given token cannot be renewed",
        ),
        pytest.param(
            Identity("access token", "me@x", 2580),
            "access token, me@x, good for 43 min more; a given token cannot be renewed",
        ),
        pytest.param(Identity("access token"), "access token; a given token cannot be renewed"),
    ],
)
def test_credentials_say_which_kind_and_which_account(identity: Identity, found: str) -> None:
    finding = findings(Scripted(identity=identity))["credentials"]
    assert (finding["verdict"], finding["found"]) == ("ok", found)
    assert bool(finding["remedy"]) == found.endswith("renewed")


def test_versions_are_left_alone_without_a_location() -> None:
    result = asked(Scripted(), location=None)
    assert [each["check"] for each in result["findings"]] == ["credentials", "billing", "APIs", "permissions"]
    assert (result["calls"], result["kubernetes_version"]) == (3, "")


@pytest.mark.parametrize(
    ("wish", "channel", "verdict", "found"),
    [
        pytest.param("1.34", "regular", "ok", "1.34.1-gke.2000 in the channel", id="the newest of a minor version"),
        pytest.param("1.34.1", "regular", "ok", "1.34.1-gke.2000 in the channel", id="the newest of a patch"),
        pytest.param("1.34.1-gke.900", "regular", "ok", "1.34.1-gke.900 in the channel", id="exactly that"),
        pytest.param("latest", "regular", "ok", "1.34.1-gke.2000 in the channel", id="the newest"),
        pytest.param("-", "regular", "ok", "1.33.5-gke.100 in the channel", id="the default by its sign"),
        pytest.param("1.35", "none", "ok", "1.35.1-gke.1 without a release channel in", id="without a channel"),
        pytest.param("", "none", "ok", "1.33.5-gke.100 without", id="the default without a channel"),
        pytest.param("1.3", "regular", "failed", "1.3 is not on offer", id="no beginning of another"),
        pytest.param(
            "1.35",
            "regular",
            "failed",
            "1.35 is not on offer in the channel regular in europe-west4-a; on offer: 1.34.1-gke.2000, "
            "1.34.1-gke.900, 1.33.5-gke.100, 1.30.9-gke.7",
            id="only in another channel",
        ),
        pytest.param("1.30", "regular", "failed", "1.30.9-gke.7 in the channel regular in", id="too old for the TPU"),
        pytest.param("", "stable", "failed", "needs 1.31.2-gke.1115000 or newer", id="a default that is too old"),
        pytest.param("", "extended", "unknown", "Google names no version in the channel extended", id="no versions"),
        pytest.param("", "rapid", "unknown", "Google names no version in the channel rapid", id="no such channel"),
    ],
)
def test_kubernetes_version(wish: str, channel: str, verdict: str, found: str) -> None:
    finding = findings(Scripted(), kubernetes_version=wish, release_channel=channel)["Kubernetes version"]
    assert (finding["verdict"], found in finding["found"]) == (verdict, True), finding
    assert bool(finding["remedy"]) == (verdict != "ok")


def test_older_families_need_no_version_of_their_own() -> None:
    assert findings(Scripted(), kubernetes_version="1.30", accelerator="v5e")["Kubernetes version"]["verdict"] == "ok"


def test_long_lists_of_versions_are_cut() -> None:
    offered = [f"1.33.{patch}-gke.1" for patch in range(20)]
    config = {"channels": [{"channel": "REGULAR", "defaultVersion": offered[0], "validVersions": offered}]}
    found = findings(Scripted(config=config), kubernetes_version="1.40")["Kubernetes version"]["found"]
    assert found.endswith("1.33.13-gke.1, 1.33.12-gke.1 and 12 older ones")


def test_questions_are_asked_at_the_same_time() -> None:
    """Each waits for the others: asked in turn, they would wait for ever."""

    class Together(Scripted):
        barrier = threading.Barrier(4, timeout=5)

        def _asked(self, question: str) -> None:
            if question != "authenticate":
                self.barrier.wait()

    result = run(PARAMS, AccessPorts(Together(), SystemClock()), silent, False)
    assert {each["verdict"] for each in result["findings"]} == {"ok"}
    assert result["elapsed_in_turn"] > 0
    assert result["elapsed"] > 0


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


def test_missing_apis_are_a_result_of_their_own() -> None:
    lacking = ["container.googleapis.com", "compute.googleapis.com"]
    assert asked(Scripted(lacking=lacking), fail_on_problem=False)["missing_apis"] == sorted(lacking)


def test_api_that_would_say_which_are_enabled_may_be_missing_itself() -> None:
    refusal = GoogleError("look", 403, "PERMISSION_DENIED", "Service Usage API has not been used in project 1")
    refusal.reason = "SERVICE_DISABLED"
    result = asked(Scripted(refusals={"enabled": refusal}), fail_on_problem=False)
    assert result["missing_apis"] == ["serviceusage.googleapis.com"]
    assert result["findings"][2]["verdict"] == "failed"


@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda each: each.name)
def test_missing_permission_is_named_with_what_it_is_for(permission: Any) -> None:
    finding = findings(Scripted(lacking=[permission.name]), features=list(FEATURES))["permissions"]
    assert finding["verdict"] == "failed"
    assert finding["found"] == f"missing on my-project: {permission.name} ({permission.why})"
    assert finding["remedy"] == (
        f"Grant {permission.role}, or a role of your own with these permissions, to serviceAccount:{DEPLOYER}: gcloud "
        f"projects add-iam-policy-binding my-project --member serviceAccount:{DEPLOYER} --role ROLE"
    )


def test_several_permissions_of_one_role_name_it_once() -> None:
    lacking = ["container.clusters.create", "container.clusters.delete", "compute.instances.delete"]
    remedy = findings(Scripted(lacking=lacking))["permissions"]["remedy"]
    assert remedy.startswith("Grant roles/container.admin, roles/compute.instanceAdmin.v1, or")


@pytest.mark.parametrize(("account", "member"), [("me@x", "--member user:me@x "), ("", "--member KIND:EMAIL ")])
def test_who_is_to_be_granted(account: str, member: str) -> None:
    access = Scripted(lacking=["container.clusters.get"], identity=Identity("x", account))
    assert member in findings(access)["permissions"]["remedy"]


@pytest.mark.parametrize("feature", FEATURES)
def test_feature_asks_for_what_it_needs_and_only_then(feature: str) -> None:
    needed = [each.name for each in PERMISSIONS if each.feature == feature]
    assert needed
    assert findings(Scripted(lacking=needed))["permissions"]["verdict"] == "ok"
    assert findings(Scripted(lacking=needed), features=[feature])["permissions"]["verdict"] == "failed"


def test_permissions_fit_one_question_and_are_named_once() -> None:
    names = [each.name for each in permissions_for(FEATURES)]
    assert len(names) == len(set(names)) == len(PERMISSIONS) <= 100
    assert {each.feature for each in PERMISSIONS} == {"", *FEATURES}
    assert all(each.why and each.role.startswith("roles/") for each in PERMISSIONS)


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
    ("question", "check"),
    [
        ("billing", "billing"),
        ("enabled", "APIs"),
        ("granted", "permissions"),
        ("server_config", "Kubernetes version"),
    ],
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
        asked(Scripted(paid=False, lacking=["iam.googleapis.com"]))
    assert failure.value.msg == (
        "my-project is not ready: billing: no billing account pays for my-project; "
        "APIs: not enabled: iam.googleapis.com."
    )
    assert "linkedaccount?project=my-project gcloud services enable iam.googleapis.com" in failure.value.remedy
    assert [finding["verdict"] for finding in failure.value.result["findings"]] == [
        "ok",
        "failed",
        "failed",
        "ok",
        "ok",
    ]
    assert failure.value.result["missing_apis"] == ["iam.googleapis.com"]


def test_unknown_checks_do_not_fail_the_task() -> None:
    access = Scripted(refusals={"billing": GoogleError("look", 403, "", "no")})
    assert asked(access)["findings"][1]["verdict"] == "unknown"


def test_api_that_does_not_answer_leaves_its_question_open() -> None:
    away = UnreachableError("No answer from it.", remedy="See to the network.")
    assert findings(Scripted(refusals={"billing": away}))["billing"] == {
        "check": "billing",
        "verdict": "unknown",
        "found": "No answer from it.",
        "remedy": "See to the network.",
    }


def test_where_no_api_answers_there_is_nothing_to_deploy_to() -> None:
    away = UnreachableError("No answer from it.")
    questions = ("billing", "enabled", "granted", "server_config")
    found = findings(Scripted(refusals=dict.fromkeys(questions, away)))
    assert [each["verdict"] for each in found.values()] == ["ok", "failed", "failed", "failed", "failed"]


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

    def identity(self) -> Identity:
        self.calls.append(("identity",))
        return Identity("access token", "me@x")

    def call(self, doing: str, method: str, path: str, *, query: Any = None, body: Any = None) -> Mapping[str, Any]:
        assert "my-project" in doing
        self.calls.append((self._api, method, path, query, body))
        return self._answer


def google(answer: Mapping[str, Any]) -> tuple[GoogleAccess, Recorded]:
    recorded = Recorded(answer)
    return GoogleAccess(cast(Connection, recorded)), recorded


def test_google_is_asked_who_we_are() -> None:
    access, recorded = google({})
    assert access.authenticate() == Identity("access token", "me@x")
    assert recorded.calls == [("identity",)]


def test_google_is_asked_for_versions() -> None:
    access, recorded = google(CONFIG)
    assert access.server_config("europe-west4-a") == CONFIG
    path = "/v1/projects/my-project/locations/europe-west4-a/serverConfig"
    assert recorded.calls == [("container", "GET", path, None, None)]


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
