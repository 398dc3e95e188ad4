# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pull_access: a pull secret among those of service accounts, and nothing else of them changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._pull_access import (
    ADDED,
    CAPABILITY,
    KubernetesAccounts,
    Ports,
    added_by_us,
    cannot_pull,
    ports_of,
    with_secret,
    without_secret,
)

from tests.unit.fake_clock import FakeClock

Json = dict[str, Any]
SECRET = "pull"
BY_0_1_0 = {"manager": "rhaii.gke", "operation": "Apply", "fieldsV1": {"f:imagePullSecrets": {}}}


def account(*secrets: str, mark: str = "", records: Any = None, **metadata: Any) -> Json:
    found: Json = {"metadata": {"name": "default", "namespace": "ns", "resourceVersion": "7", **metadata}}
    if secrets:
        found["imagePullSecrets"] = [{"name": name} for name in secrets]
    if mark:
        found["metadata"]["annotations"] = {ADDED: mark}
    if records:
        found["metadata"]["managedFields"] = records
    return found


def patch(mark: str | None, *names: str) -> Json:
    return {
        "metadata": {"resourceVersion": "7", "annotations": {ADDED: mark}},
        "imagePullSecrets": [{"name": name} for name in names] or None,
    }


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        pytest.param(account(), patch(SECRET, SECRET), id="none yet"),
        pytest.param(account("own", "more"), patch(SECRET, "own", "more", SECRET), id="beside others"),
        pytest.param(account("own", SECRET), None, id="there, by a person"),
        pytest.param(account(SECRET, mark=SECRET), None, id="there, by us"),
    ],
)
def test_secret_is_added_beside_others(live: Json, wanted: Json | None) -> None:
    assert with_secret(live, SECRET) == wanted


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        pytest.param(account(SECRET, mark=SECRET), patch(None), id="the last one"),
        pytest.param(account("own", SECRET, "more", mark=SECRET), patch(None, "own", "more"), id="among others"),
        pytest.param(account("own", mark=SECRET), patch(None, "own"), id="taken out by a person, the mark goes"),
        pytest.param(account("own", SECRET), None, id="of a person"),
        pytest.param(account(), None, id="none"),
        pytest.param(account(SECRET, "other", mark="other", records=[BY_0_1_0]), None, id="we added another one"),
        pytest.param(account(SECRET, "own", records=[BY_0_1_0]), patch(None, "own"), id="of version 0.1.0"),
        pytest.param(account("own", records=[BY_0_1_0]), None, id="of version 0.1.0, and gone"),
        pytest.param(account(SECRET, records=[{**BY_0_1_0, "manager": "kubectl"}]), None, id="applied by another"),
        pytest.param(account(SECRET, records=[{**BY_0_1_0, "operation": "Update"}]), None, id="what we put back"),
        pytest.param(account(SECRET, records=[{**BY_0_1_0, "fieldsV1": {"f:secrets": {}}}]), None, id="other fields"),
        pytest.param(account(SECRET, records=[{**BY_0_1_0, "fieldsV1": None}]), None, id="an empty record"),
    ],
)
def test_exactly_what_was_added_is_taken_out(live: Json, wanted: Json | None) -> None:
    assert without_secret(live, SECRET) == wanted
    assert added_by_us(live, SECRET) is (wanted is not None)


class FakeAccounts:
    """Service accounts in memory, with resource versions and merge patches."""

    def __init__(self, **live: Json) -> None:
        self.live = live
        self.calls: list[tuple[str, str]] = []
        # called before a change or a creation
        self.meanwhile: Callable[[], None] = lambda: None
        self.errors: list[KubernetesError] = []
        self.running: list[Json] = []
        # called after a pod was deleted
        self.remade: Callable[[], None] = lambda: None

    def read(self, namespace: str, name: str) -> Json | None:
        return copy.deepcopy(self.live.get(name))

    def pods(self, namespace: str, name: str) -> list[Json]:
        return copy.deepcopy(self.running)

    def delete_pod(self, namespace: str, name: str, uid: str) -> None:
        self.calls.append(("delete pod", name))
        self.running = [each for each in self.running if each["metadata"]["uid"] != uid]
        self.remade()

    def create(self, namespace: str, body: Json) -> None:
        name = body["metadata"]["name"]
        self.calls.append(("create", name))
        self.meanwhile()
        if self.errors:
            raise self.errors.pop(0)
        if name in self.live:
            raise KubernetesError("make it", 409, "AlreadyExists", "it exists")
        self.live[name] = body

    def change(self, namespace: str, name: str, body: Json) -> None:
        self.calls.append(("change", name))
        self.meanwhile()
        if self.errors:
            raise self.errors.pop(0)
        live = self.live[name]
        if body["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]:
            raise KubernetesError("change it", 409, "Conflict", "it has changed")
        live["metadata"]["resourceVersion"] += "+"
        annotations = live["metadata"].setdefault("annotations", {})
        for key, value in body["metadata"]["annotations"].items():
            annotations.pop(key, None)
            if value is not None:
                annotations[key] = value
        if not annotations:
            del live["metadata"]["annotations"]
        live.pop("imagePullSecrets", None)
        if body["imagePullSecrets"] is not None:
            live["imagePullSecrets"] = body["imagePullSecrets"]


class World:
    def __init__(self, **live: Json) -> None:
        self.accounts = FakeAccounts(**live)
        self.clock = FakeClock()
        self.said: list[str] = []

    def run(
        self, *names: str, check_mode: bool = False, state: str = "present", renew_pods: bool = False, **more: Any
    ) -> Result:
        given = {"namespace": "ns", "create": False, "labels": {}, "annotations": {}, **more}
        params = {
            "environment": "prod",
            "secret": SECRET,
            "accounts": [{**given, "name": name} for name in names or ("default",)],
            "state": state,
            "renew_pods": renew_pods,
            "wait_timeout": 5,
            "wait_interval": 2.0,
        }
        return CAPABILITY.run(params, Ports(self.accounts, self.clock), self.said.append, check_mode)


def one(result: Result) -> tuple[str, list[str], list[str]]:
    (found,) = result["accounts"]
    return found["action"], found["before"], found["after"]


def pod(name: str, *secrets: str, state: str = "waiting", **metadata: Any) -> Json:
    owner = {"kind": "ReplicaSet", "name": "r", "controller": True}
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "ownerReferences": [owner], **metadata},
        "spec": {"imagePullSecrets": [{"name": each} for each in secrets]} if secrets else {},
        "status": {"containerStatuses": [{"state": {state: {}}, "restartCount": 0}]},
    }


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(pod("p"), True, id="made before the account had it"),
        pytest.param(pod("p", "other"), True, id="with another one"),
        pytest.param(pod("p", "other", SECRET), False, id="with it"),
        pytest.param(pod("p", state="running"), False, id="its image was there"),
        pytest.param({**pod("p"), "status": {}}, True, id="no container yet"),
        pytest.param(
            {**pod("p"), "status": {"containerStatuses": [{"state": {"waiting": {}}, "restartCount": 2}]}},
            False,
            id="it ran before",
        ),
        pytest.param(pod("p", ownerReferences=[]), False, id="nobody would make it anew"),
        pytest.param(pod("p", deletionTimestamp="now"), False, id="it goes already"),
    ],
)
def test_which_pods_cannot_pull(found: Json, wanted: bool) -> None:
    assert cannot_pull(found, SECRET) is wanted


def test_pods_that_cannot_pull_are_made_anew_until_none_is_left() -> None:
    world = World(default=account())
    world.accounts.running = [pod("stuck"), pod("mine", SECRET)]
    # the API server knew the account of before once more
    again = iter([pod("stuck-again"), pod("good", SECRET)])
    world.accounts.remade = lambda: world.accounts.running.append(next(again))
    result = world.run(renew_pods=True)
    assert result["pods"] == ["ns/stuck", "ns/stuck-again"]
    assert result["changed"] is True
    assert [name for what, name in world.accounts.calls if what == "delete pod"] == ["stuck", "stuck-again"]
    assert "Pod ns/stuck was made before ServiceAccount ns/default had pull: it is made anew" in world.said
    second = world.run(renew_pods=True)
    assert (second["changed"], second["pods"]) == (False, [])


def test_pods_are_left_without_the_option_and_in_check_mode() -> None:
    world = World(default=account())
    world.accounts.running = [pod("stuck")]
    assert world.run()["pods"] == []
    assert world.run(renew_pods=True, check_mode=True)["pods"] == ["ns/stuck"]
    assert [each["metadata"]["name"] for each in world.accounts.running] == ["stuck"]


def test_real_adapter_finds_pods_by_account_and_deletes_exactly_one() -> None:
    calls: list[Any] = []

    class Api:
        def items(self, *given: Any) -> list[Json]:
            calls.append(given[1:])
            return []

        def call(self, *given: Any, **more: Any) -> Json:
            calls.append((*given[1:], more))
            raise KubernetesError("delete", 404, "NotFound", "gone")

    accounts = KubernetesAccounts(Api())  # type: ignore[arg-type]
    assert list(accounts.pods("ns", "it")) == []
    accounts.delete_pod("ns", "p", "7")
    assert calls == [
        ("/api/v1/namespaces/ns/pods", {"fieldSelector": "spec.serviceAccountName=it"}),
        ("DELETE", "/api/v1/namespaces/ns/pods/p", {"body": {"preconditions": {"uid": "7"}}}),
    ]


TOLD = (
    "ServiceAccount ns/default gets the pull secret pull beside what it has; it is not ours (carries none of our "
    "marks), and teardown puts it back."
)


def test_account_of_others_gets_the_secret_and_that_is_told() -> None:
    world = World(default=account("own"))
    tried = world.run(check_mode=True)
    assert world.accounts.calls == []
    world.said.clear()
    result = world.run()
    assert tried == result
    assert one(result) == ("changed", ["own"], ["own", SECRET])
    assert result["changed"] is True
    assert result["told"] == world.said == [TOLD]
    assert result["diff"] == {
        "before": {"ServiceAccount ns/default": ["own"]},
        "after": {"ServiceAccount ns/default": ["own", SECRET]},
    }
    again = world.run()
    assert one(again) == ("unchanged", ["own", SECRET], ["own", SECRET])
    assert (again["changed"], again["told"]) == (False, [])
    assert again["diff"] == {"before": {}, "after": {}}


def test_account_of_ours_gets_it_without_a_word() -> None:
    records = [
        {"manager": "rhaii.gke", "fieldsV1": {"f:metadata": {"f:annotations": {"f:rhaii.gke/created": {}}}}},
    ]
    marks = {"labels": {"rhaii.gke/environment": "prod"}, "annotations": {"rhaii.gke/created": "true"}}
    world = World(default=account(records=records, **marks))
    assert one(world.run()) == ("changed", [], [SECRET])
    assert world.said == []


@pytest.mark.parametrize("secrets", [(), ("own",)])
def test_account_is_put_back_exactly(secrets: tuple[str, ...]) -> None:
    world = World(default=account(*secrets))
    world.run()
    tried = world.run(state="absent", check_mode=True)
    result = world.run(state="absent")
    assert tried == result
    assert one(result) == ("changed", [*secrets, SECRET], list(secrets))
    assert result["told"] == ["ServiceAccount ns/default is put back: the pull secret pull is taken out again."]
    live = world.accounts.live["default"]
    assert {**live, "metadata": {**live["metadata"], "resourceVersion": "7"}} == account(*secrets)
    assert one(world.run(state="absent")) == ("unchanged", list(secrets), list(secrets))


def test_own_entry_of_a_person_stays() -> None:
    world = World(default=account(SECRET, "own"))
    assert one(world.run()) == ("unchanged", [SECRET, "own"], [SECRET, "own"])
    assert one(world.run(state="absent")) == ("unchanged", [SECRET, "own"], [SECRET, "own"])
    assert world.accounts.calls == []


def test_account_that_is_gone_is_no_error() -> None:
    assert one(World().run(state="absent")) == ("unchanged", [], [])


def test_change_by_somebody_else_is_read_and_kept() -> None:
    world = World(default=account("own"))

    def meanwhile() -> None:
        world.accounts.meanwhile = lambda: None
        world.accounts.live["default"] = account("own", "newer", resourceVersion="8")

    world.accounts.meanwhile = meanwhile
    # told as it was when it was changed
    assert one(world.run()) == ("changed", ["own", "newer"], ["own", "newer", SECRET])
    assert len(world.accounts.calls) == 2
    assert world.clock.slept == []


def test_somebody_else_who_added_it_meanwhile_is_told_as_unchanged() -> None:
    world = World(default=account())
    world.accounts.meanwhile = lambda: world.accounts.live.update(default=account(SECRET, resourceVersion="8"))
    assert one(world.run()) == ("unchanged", [SECRET], [SECRET])
    assert world.said == []


def test_five_conflicts_are_an_error_with_what_is_done_so_far() -> None:
    world = World(first=account(name="first"), default=account())

    def meanwhile() -> None:
        if world.accounts.calls[-1][1] == "default":
            world.accounts.live["default"]["metadata"]["resourceVersion"] += "x"

    world.accounts.meanwhile = meanwhile
    with pytest.raises(KubernetesError, match="409 Conflict") as failure:
        world.run("first", "default")
    assert world.accounts.calls.count(("change", "default")) == 5
    assert failure.value.result["changed"] is True
    assert [each["account"] for each in failure.value.result["accounts"]] == ["ServiceAccount ns/first"]


def test_other_errors_are_not_repeated() -> None:
    world = World(default=account())
    world.accounts.errors = [KubernetesError("change it", 403, "Forbidden", "no")]
    with pytest.raises(KubernetesError, match="403"):
        world.run()
    assert len(world.accounts.calls) == 1


def test_account_that_vanishes_meanwhile_is_an_error_of_the_server() -> None:
    world = World(default=account())
    conflict = KubernetesError("change it", 409, "Conflict", "no")
    world.accounts.errors = [conflict, KubernetesError("change it", 404, "NotFound", "gone")]
    world.accounts.meanwhile = world.accounts.live.clear
    with pytest.raises(KubernetesError, match="404"):
        world.run()


def test_account_that_kubernetes_makes_is_waited_for() -> None:
    world = World()
    world.clock.on_sleep = lambda passed: world.accounts.live.update(default=account()) if passed >= 4 else None
    assert one(world.run()) == ("changed", [], [SECRET])
    assert world.clock.slept == [2.0, 2.0]


def test_account_that_does_not_come_is_a_sentence() -> None:
    world = World()
    with pytest.raises(RhaiiError) as failure:
        world.run()
    assert str(failure.value) == (
        "There is no ServiceAccount ns/default, so it cannot get the pull secret pull. Check namespace and name; what "
        "makes the account is not up yet, or not there."
    )
    assert world.clock.slept == [2.0, 2.0, 1.0]
    assert failure.value.result["changed"] is False


def test_account_that_is_not_there_in_check_mode() -> None:
    world = World()
    assert one(world.run(check_mode=True)) == ("changed", [], [SECRET])
    assert one(world.run(check_mode=True, create=True)) == ("created", [], [SECRET])
    assert (world.accounts.live, world.clock.slept) == ({}, [])


def test_account_is_created_with_our_marks() -> None:
    world = World()
    result = world.run(create=True, labels={"a": "b"}, annotations={"c": "d"})
    assert one(result) == ("created", [], [SECRET])
    assert (result["changed"], result["told"], world.clock.slept) == (True, [], [])
    assert world.accounts.live["default"] == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "default",
            "namespace": "ns",
            "labels": {"a": "b", "rhaii.gke/environment": "prod"},
            "annotations": {"c": "d", "rhaii.gke/created": "true", ADDED: SECRET},
        },
        "imagePullSecrets": [{"name": SECRET}],
    }
    # what we put there can be taken out as anywhere
    assert added_by_us(world.accounts.live["default"], SECRET)


def test_account_that_is_there_is_not_created() -> None:
    world = World(default=account())
    assert one(world.run(create=True)) == ("changed", [], [SECRET])
    assert [verb for verb, _name in world.accounts.calls] == ["change"]


def test_account_that_somebody_else_makes_meanwhile_gets_the_secret() -> None:
    world = World()

    def meanwhile() -> None:
        world.accounts.live.setdefault("default", account("own"))

    world.accounts.meanwhile = meanwhile
    assert one(world.run(create=True)) == ("changed", ["own"], ["own", SECRET])
    assert world.said == [TOLD]


@pytest.mark.parametrize("status", [404, 409])
def test_account_that_cannot_be_made(status: int) -> None:
    world = World()
    world.accounts.errors = [KubernetesError("make it", status, "", "no")]
    with pytest.raises(KubernetesError, match=str(status)):
        world.run(create=True)


class Api:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def call(self, *given: Any, **more: Any) -> Any:
        self.calls.append((*given, more))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_real_adapter_asks_the_api_server() -> None:
    api = Api({"a": 1})
    accounts = KubernetesAccounts(api)  # type: ignore[arg-type]
    body = {"metadata": {"name": "one"}}
    assert accounts.read("ns", "one") == {"a": 1}
    accounts.create("ns", body)
    accounts.change("ns", "one", body)
    ours = {"fieldManager": "rhaii.gke"}
    base = "/api/v1/namespaces/ns/serviceaccounts"
    assert api.calls == [
        ("read the service account ns/one", "GET", f"{base}/one", {}),
        ("make the service account ns/one", "POST", base, {"query": ours, "body": body}),
        (
            "change the pull secrets of the service account ns/one",
            "PATCH",
            f"{base}/one",
            {"query": ours, "body": body},
        ),
    ]
    api.answer = KubernetesError("read it", 404, "NotFound", "no")
    assert accounts.read("ns", "one") is None
    with pytest.raises(KubernetesError):
        accounts.change("ns", "one", body)


def test_real_ports_and_options() -> None:
    ports = ports_of({"host": "http://127.0.0.1:9", "api_key": "t"})
    assert isinstance(ports.accounts, KubernetesAccounts)
    assert isinstance(ports.clock, SystemClock)
    spec = CAPABILITY.argument_spec
    assert "wait" not in spec
    assert (spec["wait_timeout"]["default"], spec["wait_interval"]["default"]) == (60, 2.0)
