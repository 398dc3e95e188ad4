# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""applyset over an API server in memory: what is judged, applied, refused, awaited, deleted and told."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import CAPABILITY, belongs_to, is_passing
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key, key_of
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result, execute
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FIELD_MANAGER

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.applyset.fake_objects import ENVIRONMENT, FakeObjects, manifest

NAMESPACE = manifest("Namespace", "ns", "")
GATEWAY = manifest("Gateway", "gate")
SERVICE = manifest("Service", "gate-istio")
TOKEN = "hf_abcdefgh"
LABEL = {"rhaii.gke/environment": ENVIRONMENT}


class World:
    def __init__(self) -> None:
        self.objects = FakeObjects()
        self.clock = FakeClock()
        self.said: list[str] = []

    def run(self, *objects: Json, check_mode: bool = False, **more: Any) -> Result:
        params = {
            "environment": ENVIRONMENT,
            "objects": list(objects),
            "state": "present",
            "definitions": [],
            "dependents": [],
            "wait_timeout": 60,
            "wait_interval": 5.0,
            **more,
        }
        return CAPABILITY.run(params, Ports(self.objects, self.clock), self.said.append, check_mode)

    def ended(self, *objects: Json, check_mode: bool = False, **more: Any) -> Result:
        """As an edge ends it, failures too."""
        stub = type("Stub", (), {"name": "applyset", "ports": None, "run": None})()
        stub.ports = lambda params: None
        stub.run = lambda params, ports, progress, check: self.run(*objects, check_mode=check, **more)
        return execute(stub, {}, self.said.append, check_mode=check_mode, diff_mode=True)


@pytest.fixture
def world() -> World:
    return World()


def actions(result: Result) -> dict[str, str]:
    return {each["name"]: each["action"] for each in result["objects"]}


def test_all_are_looked_at_before_the_first_is_changed_and_applied_in_order(world: World) -> None:
    result = world.run(GATEWAY, manifest(), NAMESPACE)
    verbs = [verb for verb, _key in world.objects.calls]
    assert verbs[:3] == ["read"] * 3
    assert world.objects.done("apply") == ["Namespace ns", "ConfigMap ns/one", "Gateway ns/gate"]
    assert actions(result) == {"ns": "created", "one": "created", "gate": "created"}
    assert result["changed"] is True
    assert (result["deleted"], result["left"]) == ([], [])
    assert world.said == ["Namespace ns: created", "ConfigMap ns/one: created", "Gateway ns/gate: created"]
    live = world.objects.live[key_of(manifest(), "")]
    assert live["metadata"]["labels"] == LABEL
    assert live["metadata"]["annotations"] == {"rhaii.gke/created": "true"}


def test_second_run_changes_nothing(world: World) -> None:
    world.run(manifest())
    world.said.clear()
    result = world.run(manifest())
    assert actions(result) == {"one": "unchanged"}
    assert result["changed"] is False
    assert result["diff"] == {"before": {}, "after": {}}
    assert world.said == []


def test_change_is_shown_as_it_is(world: World) -> None:
    world.run(manifest())
    result = world.run(manifest(data={"key": "other"}))
    assert actions(result) == {"one": "changed"}
    assert result["diff"]["before"]["ConfigMap ns/one"]["data"] == {"key": "value"}
    assert result["diff"]["after"]["ConfigMap ns/one"]["data"] == {"key": "other"}
    assert "resourceVersion" not in str(result["diff"])
    assert world.said[-1] == "ConfigMap ns/one: changed"


def test_refusal_names_each_thing_and_nothing_is_written(world: World) -> None:
    world.objects.put(manifest(name="theirs"), "kubectl-create")
    helm = manifest(name="helms")
    helm["metadata"]["annotations"] = {"meta.helm.sh/release-name": "shop"}
    world.objects.put(helm, "helm")
    result = world.ended(NAMESPACE, manifest(), manifest(name="theirs"), manifest(name="helms"))
    assert result["failed"] is True
    assert result["msg"] == (
        "Not of this environment, so left alone: ConfigMap ns/theirs seems to be made by kubectl-create (field "
        "manager); ConfigMap ns/helms seems to be of the Helm release shop. Nothing was changed. Give ours another "
        "name or another namespace, or remove what is there if it is yours to remove."
    )
    assert (result["changed"], result["objects"]) == (False, [])
    assert world.objects.done("apply", "force", "try") == []


def test_namespace_of_others_is_used_as_it_is(world: World) -> None:
    key = world.objects.put(NAMESPACE, "kubectl-create")
    result = world.run(NAMESPACE, manifest())
    assert actions(result) == {"ns": "left", "one": "created"}
    assert result["left"] == ["Namespace ns seems to be made by kubectl-create (field manager)"]
    assert "labels" not in world.objects.live[key]["metadata"]


def of_environment(body: Json, environment: str) -> Json:
    return {**body, "metadata": {**body["metadata"], "labels": {"rhaii.gke/environment": environment}}}


@pytest.mark.parametrize("body", [NAMESPACE, manifest()])
def test_what_is_of_another_environment_is_refused(body: Json, world: World) -> None:
    world.objects.put(of_environment(body, "dev"), FIELD_MANAGER)
    assert "belongs to the environment dev. Nothing was changed." in world.ended(body)["msg"]


def test_object_of_version_0_1_0_gets_our_mark(world: World) -> None:
    key = world.objects.put(of_environment(manifest(), ENVIRONMENT), FIELD_MANAGER)
    assert actions(world.run(manifest())) == {"one": "changed"}
    assert world.objects.live[key]["metadata"]["annotations"] == {"rhaii.gke/created": "true"}


def test_object_on_which_version_0_1_0_put_its_label_stays_whose_it_is(world: World) -> None:
    key = world.objects.put(manifest(), "kubectl-create")
    world.objects.edit(key, ("metadata", "labels", "rhaii.gke/environment"), ENVIRONMENT, FIELD_MANAGER)
    assert "kubectl-create made parts of it" in world.ended(manifest())["msg"]
    assert actions(world.run(manifest(), state="absent")) == {"one": "left"}
    assert key in world.objects.live


def test_copy_of_our_yaml_is_not_ours(world: World) -> None:
    copied = of_environment(manifest(), ENVIRONMENT)
    copied["metadata"]["annotations"] = {"rhaii.gke/created": "true"}
    key = world.objects.put(copied, "kubectl-client-side-apply")
    assert "kubectl-client-side-apply put them there: it seems to be a copy" in world.ended(manifest())["msg"]
    assert actions(world.run(manifest(), state="absent")) == {"one": "left"}
    assert key in world.objects.live


def test_what_a_person_set_on_ours_is_taken_back(world: World) -> None:
    key = world.objects.put_ours(manifest())
    world.objects.edit(key, ("data", "key"), "by hand")
    assert actions(world.run(manifest())) == {"one": "changed"}
    assert [verb for verb, _key in world.objects.calls] == ["read", "try", "try", "apply", "force"]
    assert world.objects.live[key]["data"] == {"key": "value"}


def test_what_a_person_added_to_ours_stays(world: World) -> None:
    key = world.objects.put_ours(manifest())
    world.objects.edit(key, ("data", "more"), "by hand")
    assert actions(world.run(manifest())) == {"one": "unchanged"}
    assert world.objects.live[key]["data"] == {"key": "value", "more": "by hand"}


def test_what_a_tool_sets_is_not_fought_over(world: World) -> None:
    world.run(manifest(name="before"))
    key = world.objects.put_ours(manifest())
    world.objects.edit(key, ("data", "key"), "argo's", "argocd-controller")
    result = world.ended(manifest(name="before", data={"key": "other"}), manifest())
    assert result["msg"].startswith(
        "ConfigMap ns/one is ours, and others set what we set: .data.key is set by argocd-controller. Have "
        "argocd-controller leave these fields alone"
    )
    assert world.objects.live[key]["data"] == {"key": "argo's"}
    # seen before the first is changed
    assert (result["changed"], actions(result)) == (False, {})


def test_what_appears_meanwhile_is_not_made_ours(world: World) -> None:
    world.objects.meanwhile = lambda key: None if world.objects.live else appear()

    def appear() -> None:
        world.objects.put(manifest(data={"key": "theirs"}), "kubectl-create")

    result = world.ended(manifest())
    assert result["msg"] == (
        "ConfigMap ns/one appeared while it was about to be made (.data.key is set by kubectl-create). "
        "Run the same again: it is judged then."
    )


def test_what_appears_while_a_webhook_is_waited_for_is_not_made_ours(world: World) -> None:
    world.objects.errors = [hook(), hook()]
    # nothing that we set is set by it: applying would merge
    world.clock.on_sleep = lambda passed: put()

    def put() -> None:
        world.objects.put(manifest(data={"other": "theirs"}), "kubectl-create")

    result = world.ended(manifest())
    assert "appeared while it was about to be made (it seems to be made by kubectl-create" in result["msg"]
    assert world.objects.done("force") == []
    assert len(world.objects.done("apply")) == 1
    assert "labels" not in world.objects.live[key_of(manifest(), "")]["metadata"]


def test_what_another_run_of_ours_made_meanwhile_is_ours(world: World) -> None:
    world.objects.errors = [hook()]
    world.clock.on_sleep = lambda passed: None if world.objects.live else put()

    def put() -> None:
        world.objects.put_ours(manifest())

    assert world.run(manifest())["changed"] is True


def test_another_one_of_the_same_name_is_not_taken_over(world: World) -> None:
    key = world.objects.put_ours(manifest())

    def replace(_key: Key) -> None:
        world.objects.put(manifest(data={"key": "theirs"}), "kubectl-create")

    world.objects.meanwhile = replace
    result = world.ended(manifest())
    assert result["msg"] == (
        "ConfigMap ns/one changed while it was applied: Could not apply ConfigMap ns/one: 409 Conflict: uid mismatch. "
        "Run the same again."
    )
    assert world.objects.live[key]["data"] == {"key": "theirs"}


def test_what_fails_after_all_was_well_is_told_with_what_was_done(world: World) -> None:
    world.objects.meanwhile = lambda key: fail() if ("apply", key_of(manifest(), "")) in world.objects.calls else None

    def fail() -> None:
        raise KubernetesError("apply it", 422, "Invalid", "no good any more")

    result = world.ended(manifest(name="before"), manifest())
    assert "no good any more" in result["msg"]
    assert (result["changed"], actions(result)) == (True, {"before": "created"})


def hook(status: int = 500, message: str = 'failed calling webhook "x": connection refused') -> KubernetesError:
    return KubernetesError("apply it", status, "InternalError", message)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (hook(), True),
        (hook(500, 'failed to call webhook: no "x"'), True),
        (hook(500, 'no endpoints available for service "x"'), True),
        (hook(500, "dial tcp: connection refused"), True),
        (hook(500, "the server is broken"), False),
        (hook(503, "busy"), True),
        (hook(429, "slow down"), True),
        (hook(400, "failed calling webhook"), False),
        (hook(0, "connection refused"), False),
    ],
)
def test_what_passes_by_itself(error: KubernetesError, passes: bool) -> None:
    assert is_passing(error) is passes


def test_webhook_that_is_not_up_yet_is_waited_for(world: World) -> None:
    # the first is what is tried, which waits for nothing
    world.objects.errors = [hook(), hook(), hook()]
    assert actions(world.run(manifest())) == {"one": "created"}
    assert world.clock.slept == [5.0, 5.0]
    assert world.said == [
        'ConfigMap ns/one: waiting for a webhook (failed calling webhook "x": connection refused)',
        "ConfigMap ns/one: created",
    ]


def test_webhook_that_does_not_come_ends_in_its_own_words(world: World) -> None:
    world.objects.errors = [hook()] * 99
    result = world.ended(manifest(), wait_timeout=12)
    assert "failed calling webhook" in result["msg"]
    assert world.clock.slept == [5.0, 5.0, 2.0]


def test_other_errors_are_not_waited_for(world: World) -> None:
    world.objects.errors = [KubernetesError("apply it", 422, "Invalid", "no good")]
    assert "422 Invalid: no good" in world.ended(manifest())["msg"]
    assert world.clock.slept == []


def test_kind_that_is_not_known_yet_is_waited_for(world: World) -> None:
    world.objects.unknown = {"Gateway"}
    world.clock.on_sleep = lambda passed: world.objects.unknown.clear() if passed >= 10 else None
    assert actions(world.run(GATEWAY)) == {"gate": "created"}
    assert world.clock.slept == [5.0, 5.0]
    assert world.said == ["Gateway ns/gate: waiting until the API server knows Gateway", "Gateway ns/gate: created"]


def test_kind_that_does_not_come_is_a_sentence(world: World) -> None:
    world.objects.unknown = {"Gateway"}
    result = world.ended(GATEWAY, manifest(), wait_timeout=8)
    assert result["msg"] == (
        "Gateway ns/gate cannot be applied: the API server does not know the kind Gateway (v1). "
        "Install its CRD first: the operator that brings it is missing or not up."
    )
    assert world.clock.slept == [5.0, 3.0]
    assert actions(result) == {"one": "created"}


def test_check_mode_says_what_the_run_then_does_and_changes_nothing(world: World) -> None:
    key = world.objects.put_ours(manifest())
    world.objects.edit(key, ("data", "key"), "by hand")
    world.objects.put_ours(manifest(name="same"))
    given = (manifest(), manifest(name="same"), manifest(name="new"))
    tried = world.run(*given, check_mode=True)
    assert world.said == []
    assert world.objects.done("apply", "force") == []
    assert world.objects.live[key]["data"] == {"key": "by hand"}
    assert len(world.objects.live) == 2
    done = world.run(*given)
    assert actions(tried) == actions(done) == {"one": "changed", "same": "unchanged", "new": "created"}
    assert tried == done


def test_check_mode_with_a_kind_that_is_not_known(world: World) -> None:
    world.objects.unknown = {"Gateway"}
    result = world.run(GATEWAY, check_mode=True)
    assert actions(result) == {"gate": "created"}
    assert result["objects"][0]["why"] == "not asked: the API server does not know the kind yet"
    assert result["diff"]["after"]["Gateway ns/gate"]["metadata"]["labels"] == LABEL
    assert world.clock.slept == []
    assert world.objects.done("try") == []


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(KubernetesError("try it", 404, "NotFound", 'namespaces "ns" not found'), id="missing"),
        pytest.param(
            KubernetesError("try it", 403, "Forbidden", "no", causes=[{"reason": "NamespaceTerminating"}]), id="ending"
        ),
    ],
)
def test_namespace_that_is_not_there(error: KubernetesError, world: World) -> None:
    world.objects.errors = [error]
    result = world.run(manifest(), check_mode=True)
    assert actions(result) == {"one": "created"}
    assert result["objects"][0]["why"] == "not asked: its namespace is not there yet"
    world.objects.errors = [error]
    assert world.ended(manifest())["failed"] is True


def test_check_mode_fails_as_the_run_would(world: World) -> None:
    world.objects.errors = [KubernetesError("try it", 422, "Invalid", "no good")]
    assert "no good" in world.ended(manifest(), check_mode=True)["msg"]


def test_what_is_being_deleted_is_made_anew_when_it_is_gone(world: World) -> None:
    key = world.objects.put_ours(manifest(), deletionTimestamp="2026-11-24T12:00:00Z")
    world.clock.on_sleep = lambda passed: world.objects.live.pop(key, None) and None if passed >= 10 else None
    assert actions(world.run(manifest())) == {"one": "created"}
    assert world.clock.slept == [5.0, 5.0]
    assert world.said == ["ConfigMap ns/one: waiting until it is gone, to make it anew", "ConfigMap ns/one: created"]


def test_what_is_being_deleted_and_stays_is_a_sentence(world: World) -> None:
    world.objects.put(NAMESPACE, deletionTimestamp="2026-11-24T12:00:00Z")
    result = world.ended(NAMESPACE, wait_timeout=5)
    assert result["msg"].startswith("Namespace ns is being deleted, and still there after 5 s. See what holds it")
    assert world.objects.done("apply") == []


def test_check_mode_says_of_what_is_being_deleted_that_it_is_made(world: World) -> None:
    world.objects.put_ours(manifest(), deletionTimestamp="2026-11-24T12:00:00Z")
    assert actions(world.run(manifest(), check_mode=True)) == {"one": "created"}
    assert world.clock.slept == []


def test_foreign_one_that_is_being_deleted_is_not_waited_for(world: World) -> None:
    world.objects.put(manifest(), deletionTimestamp="2026-11-24T12:00:00Z")
    assert "Nothing was changed" in world.ended(manifest())["msg"]
    assert world.clock.slept == []


def secret(value: str) -> Json:
    return manifest("Secret", "token", data={"token": base64.b64encode(value.encode()).decode()})


def encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def test_data_of_a_secret_is_in_no_result_diff_or_progress(world: World) -> None:
    results = [
        world.ended(secret(TOKEN), check_mode=True),
        world.ended(secret(TOKEN)),
        world.ended(secret(f"{TOKEN}2"), check_mode=True),
        world.ended(secret(f"{TOKEN}2")),
        world.ended(secret(f"{TOKEN}2"), state="absent"),
    ]
    world.objects.unknown = {"Secret"}
    results.append(world.ended(secret(TOKEN), check_mode=True))
    text = str(results) + str(world.said)
    for value in (TOKEN, encoded(TOKEN), encoded(f"{TOKEN}2")):
        assert value not in text
    assert results[3]["diff"]["after"]["Secret ns/token"]["data"] == {"token": "(hidden, another value)"}


@pytest.mark.parametrize("status", [400, 422, 500])
def test_words_of_the_server_that_quote_a_secret_are_not_shown(status: int, world: World) -> None:
    world.objects.errors = [KubernetesError("apply it", status, "Invalid", 'expected string, got "pin7"')]
    result = world.ended(secret("pin7"))
    assert result["msg"] == (
        f"Secret ns/token is refused by the API server ({status} Invalid). What it said is not shown, for it quotes "
        "what was given. Check that each value of data is text in base64, and each of stringData plain text: numbers "
        "in quotes."
    )
    # of other kinds, and of other errors, they are
    world.objects.errors = [KubernetesError("apply it", status, "Invalid", "its words")]
    assert "its words" in world.ended(manifest())["msg"]
    world.objects.errors = [KubernetesError("apply it", 403, "Forbidden", "its words")]
    assert "its words" in world.ended(secret("pin7"))["msg"]


def test_secrets_are_named_to_the_edges(world: World) -> None:
    params = {"objects": [secret(TOKEN)], "environment": "prod"}
    assert {TOKEN, encoded(TOKEN)} <= set(CAPABILITY.secrets(params))
    assert TOKEN not in str(CAPABILITY.logged(params))
    assert CAPABILITY.logged(params)["environment"] == "prod"
    assert CAPABILITY.logged(params)["objects"][0]["data"] == {"token": "(hidden)"}
    assert CAPABILITY.secrets({}) == set()


def test_absent_deletes_ours_in_the_opposite_order_and_leaves_all_else(world: World) -> None:
    world.objects.put_ours(NAMESPACE)
    world.objects.put_ours(GATEWAY)
    world.objects.put_ours(manifest())
    theirs = world.objects.put(manifest(name="theirs"))
    devs = world.objects.put(of_environment(manifest(name="devs"), "dev"), FIELD_MANAGER)
    given = (NAMESPACE, manifest(), manifest(name="theirs"), manifest(name="devs"), GATEWAY, manifest(name="none"))
    tried = world.run(*given, state="absent", check_mode=True)
    assert world.objects.done("delete") == []
    assert world.said == []
    result = world.run(*given, state="absent")
    assert world.objects.done("delete") == ["Gateway ns/gate", "ConfigMap ns/one", "Namespace ns"]
    assert result["deleted"] == ["Gateway ns/gate", "ConfigMap ns/one", "Namespace ns"] == tried["deleted"]
    assert result["left"] == [
        "ConfigMap ns/devs belongs to the environment dev",
        "ConfigMap ns/theirs seems to be made by kubectl-create (field manager)",
    ]
    assert actions(result)["none"] == "absent"
    assert set(world.objects.live) == {theirs, devs}
    assert result["diff"]["before"]["ConfigMap ns/one"]["data"] == {"key": "value"}
    assert result["diff"]["after"]["ConfigMap ns/one"] == {}
    assert world.clock.slept == []
    assert tried == result


def test_namespace_of_others_stays(world: World) -> None:
    world.objects.put(NAMESPACE)
    assert actions(world.run(NAMESPACE, state="absent")) == {"ns": "left"}


def owned_by(kind: str, name: str) -> Json:
    body = manifest("Service", "gate-istio")
    body["metadata"]["ownerReferences"] = [{"kind": kind, "name": name}]
    return body


def test_deleted_ones_and_what_goes_with_them_are_awaited(world: World) -> None:
    gateway, service = world.objects.put_ours(GATEWAY), world.objects.put(owned_by("Gateway", "gate"), "istiod")
    world.objects.holding = {gateway}

    def move(passed: float) -> None:
        if passed >= 10:
            world.objects.live.pop(gateway, None)
        if passed >= 15:
            world.objects.live.pop(service, None)

    world.clock.on_sleep = move
    world.run(GATEWAY, state="absent", dependents=[SERVICE])
    assert world.clock.slept == [5.0, 5.0, 5.0]
    assert world.said == [
        "Gateway ns/gate: deleting",
        "waiting until Gateway ns/gate, Service ns/gate-istio are gone",
        "waiting until Service ns/gate-istio is gone",
    ]


def test_dependents_of_what_is_gone_already_are_awaited(world: World) -> None:
    service = world.objects.put(owned_by("Gateway", "gate"), "istiod")
    world.clock.on_sleep = lambda passed: world.objects.live.pop(service) and None
    world.run(GATEWAY, state="absent", dependents=[SERVICE])
    assert world.clock.slept == [5.0]


@pytest.mark.parametrize(
    "body", [SERVICE, owned_by("Gateway", "other"), owned_by("Deployment", "gate")], ids=["none", "name", "kind"]
)
def test_what_belongs_to_somebody_else_is_not_awaited(body: Json, world: World) -> None:
    world.objects.put_ours(GATEWAY)
    world.objects.put(body, "istiod")
    world.run(GATEWAY, state="absent", dependents=[SERVICE])
    assert world.clock.slept == []


def test_dependents_of_what_is_left_are_not_awaited(world: World) -> None:
    world.objects.put(GATEWAY)
    world.objects.put(owned_by("Gateway", "gate"), "istiod")
    world.run(GATEWAY, state="absent", dependents=[SERVICE])
    assert world.clock.slept == []


@pytest.mark.parametrize(
    ("owner", "belongs"),
    [
        (Key("v1", "Gateway", "gate", "ns"), True),
        (Key("v1", "Gateway", "gate"), True),
        (Key("v1", "Gateway", "gate", "other"), False),
        (Key("v1", "Gateway", "more", "ns"), False),
    ],
)
def test_owner_is_of_the_same_namespace_or_of_none(owner: Key, belongs: bool) -> None:
    assert belongs_to(owned_by("Gateway", "gate"), {owner}) is belongs


def test_new_one_of_the_same_name_is_not_awaited(world: World) -> None:
    key = world.objects.put_ours(manifest())
    world.objects.holding = {key}
    world.clock.on_sleep = lambda passed: again()

    def again() -> None:
        world.objects.put(manifest())

    world.run(manifest(), state="absent")
    assert world.clock.slept == [5.0]


def test_what_stays_is_a_sentence_with_what_is_done_so_far(world: World) -> None:
    world.objects.holding = {world.objects.put_ours(manifest())}
    result = world.ended(manifest(), state="absent", wait_timeout=7)
    assert result["msg"] == (
        "Still there after 7 s: ConfigMap ns/one. See what holds it (its finalizers and events: kubectl describe), "
        "and run the same again."
    )
    assert world.clock.slept == [5.0, 2.0]
    assert (result["changed"], result["deleted"]) == (True, ["ConfigMap ns/one"])
    assert len(world.said) == 2


def test_options() -> None:
    spec = CAPABILITY.argument_spec
    assert "wait" not in spec
    assert (spec["wait_timeout"]["default"], spec["wait_interval"]["default"]) == (60, 5.0)


# What is tried before anything is changed

TEXT = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: ns}
data:
  key: value
  more: other
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: two
  namespace: ns
data:
  key: value
spec:
  labels: {a: b}
"""


def test_all_are_tried_before_the_first_is_changed(world: World) -> None:
    world.run(NAMESPACE, manifest(), manifest(name="two"))
    verbs = [verb for verb, _key in world.objects.calls]
    assert verbs == ["read"] * 3 + ["try"] * 3 + ["read", "apply"] * 3


def test_apply_that_changes_nothing_is_its_own_check(world: World) -> None:
    world.run(manifest())
    world.objects.calls.clear()
    assert actions(world.run(manifest())) == {"one": "unchanged"}
    assert [verb for verb, _key in world.objects.calls] == ["read", "try"]


def test_field_that_we_no_longer_set_is_given_up_also_where_its_value_stays(world: World) -> None:
    key = world.objects.put_ours(manifest(data={"key": "value", "more": "shared"}))
    world.objects.set_by[key]["kubectl-edit"] = {("data", "more")}
    assert actions(world.run(manifest())) == {"one": "unchanged"}
    assert ("apply", key) in world.objects.calls
    assert ("data", "more") not in world.objects.set_by[key][FIELD_MANAGER]


def test_fields_that_the_server_does_not_know_are_named_all_at_once_with_their_lines(world: World) -> None:
    world.objects.undeclared = {".data.more", ".spec.labels"}
    result = world.ended(manifests=TEXT)
    assert result["msg"] == (
        "Not as the API server takes it: ConfigMap ns/one: .data.more is not known (line 7: more: other); "
        "ConfigMap ns/two: .spec.labels is not known (line 17: labels: {a: b}). Nothing was changed. Mend these "
        "fields, or leave them out. If the API server does not know a field that it should, its CRD is of another "
        "release than the chart."
    )
    assert (result["changed"], world.objects.live) == (False, {})
    assert world.objects.done("apply", "force") == []


def test_fields_of_one_object_that_are_named_one_at_a_time_are_named_together(world: World) -> None:
    world.objects.undeclared = {".data.more", ".data.third", ".spec"}
    given = manifest(data={"key": "v", "more": "v", "third": "v"}, spec={"labels": {"a": "b"}})
    said = world.ended(given)["msg"]
    assert ".data.more is not known, .data.third is not known, .spec is not known. Nothing was changed" in said
    # the line is not known of what is no text
    assert "(line" not in said


def test_refusals_of_several_kinds_are_said_together(world: World) -> None:
    key = world.objects.put_ours(manifest())
    world.objects.edit(key, ("data", "key"), "argo's", "argocd-controller")
    world.objects.undeclared = {".spec"}
    said = world.ended(manifest(), manifest(name="two", spec={"a": 1}))["msg"]
    assert "ConfigMap ns/one is ours, and others set what we set: .data.key is set by argocd-controller. " in said
    assert "Not as the API server takes it: ConfigMap ns/two: .spec is not known. Nothing was changed." in said
    assert "Have argocd-controller leave these fields alone" in said


def test_server_that_does_not_answer_is_said_once(world: World) -> None:
    world.objects.errors = [KubernetesError("try it", 0, "", "no answer")] * 2
    assert world.ended(manifest(), manifest(name="two"))["msg"].count("no answer") == 1


def test_check_mode_refuses_in_the_same_words(world: World) -> None:
    world.objects.undeclared = {".spec"}
    given = manifest(spec={"a": 1})
    assert world.ended(given, check_mode=True)["msg"] == world.ended(given)["msg"]


def test_namespace_that_the_set_brings_is_not_missed(world: World) -> None:
    missing = KubernetesError("try it", 404, "NotFound", 'namespaces "ns" not found')
    world.objects.meanwhile = lambda key: absent() if key.kind == "ConfigMap" else None

    def absent() -> None:
        if key_of(NAMESPACE, "") not in world.objects.live:
            raise missing

    assert actions(world.run(NAMESPACE, manifest())) == {"ns": "created", "one": "created"}
    # another one is
    world.objects.errors = [missing]
    assert 'namespaces "ns" not found' in world.ended(manifest(name="two"))["msg"]


def test_webhook_that_cannot_be_tried_is_no_refusal(world: World) -> None:
    world.objects.errors = [
        KubernetesError("try it", 400, "BadRequest", 'admission webhook "x" does not support dry run')
    ]
    assert actions(world.run(manifest())) == {"one": "created"}


def test_refusal_that_comes_only_with_the_change_has_its_fields_too(world: World) -> None:
    world.objects.unknown = {"Gateway"}
    world.objects.undeclared = {".spec.labels"}
    world.clock.on_sleep = lambda passed: world.objects.unknown.clear()
    said = world.ended(manifest("Gateway", "gate", spec={"labels": {"a": "b"}}))["msg"]
    assert said.startswith("Not as the API server takes it: Gateway ns/gate: .spec.labels is not known. Mend")


def test_zero_that_kserve_would_take_away_is_refused(world: World) -> None:
    probe = {"initialDelaySeconds": 0, "periodSeconds": 10}
    spec = {"template": {"containers": [{"name": "main", "stdin": False, "livenessProbe": probe}]}, "replicas": 0}
    said = world.ended(manifest("LLMInferenceService", "qwen", spec=spec))["msg"]
    assert said.startswith(
        "Not as the API server takes it: LLMInferenceService ns/qwen: .spec.template.containers[0].stdin is false, "
        "which KServe takes away: it would be a change in every run, .spec.template.containers[0].livenessProbe."
        "initialDelaySeconds is 0, which KServe takes away: it would be a change in every run. Nothing was changed."
    )
    assert world.objects.calls == [("read", key_of(manifest("LLMInferenceService", "qwen"), ""))]
    # others keep theirs
    assert world.run(manifest("Gateway", "gate", spec=spec))["changed"] is True


def test_text_is_taken_in_place_of_objects(world: World) -> None:
    assert actions(world.run(manifests=TEXT)) == {"one": "created", "two": "created"}
    assert world.ended(manifests="a: [1")["msg"].startswith("What is given as manifests is no YAML (")
    assert "Entry 1 of manifests has no kind" in world.ended(manifests="apiVersion: v1\nmetadata: {name: a}")["msg"]


def test_text_with_a_secret_is_in_no_log(world: World) -> None:
    held = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: t, namespace: ns}}\ndata: {{token: {encoded(TOKEN)}}}\n"
    params = {"environment": "prod", "manifests": held}
    assert CAPABILITY.logged(params)["manifests"] == "(hidden)"
    assert {TOKEN, encoded(TOKEN)} <= set(CAPABILITY.secrets(params))
    assert CAPABILITY.logged({**params, "manifests": TEXT, "objects": None}) == {
        "environment": "prod",
        "manifests": TEXT,
        "objects": None,
    }
    assert CAPABILITY.logged({**params, "manifests": "a: [1"})["manifests"] == "(hidden)"
    assert CAPABILITY.secrets({**params, "manifests": "a: [1"}) == set()
