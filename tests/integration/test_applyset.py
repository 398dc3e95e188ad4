# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""applyset and what goes with it against a real API server; kubectl does what other people do."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from collections.abc import Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.plugin_utils import _edge

from sandbox.control_plane.bootstrap import DEFINITIONS
from sandbox.control_plane.cluster import ControlPlane
from sandbox.settings import CHECKOUT
from tests.integration.sandbox.conftest import cluster, settings  # noqa: F401
from tests.integration.test_both_edges import AS_MODULE, IN_PROCESS, ansible, comparable, results_of

pytestmark = pytest.mark.cluster
CLUSTER_INDEX = 84

Json = dict[str, Any]

HOST = "mine"
OWN = "{{ inventory_hostname }}-own"
ALONE = "mine-own"
TOKEN, NEWER, PIN = "hf_the-first-token", "hf_the-newer-token", "pin7"
LABEL = {"rhaii.gke/environment": "prod"}
MARKS = {"labels": LABEL, "annotations": {"rhaii.gke/created": "true"}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def thing(kind: str, name: str, namespace: str = HOST, metadata: Json | None = None, **more: Any) -> Json:
    where = {"namespace": namespace} if namespace else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **where, **(metadata or {})}, **more}


def config(name: str, value: str = "ours", metadata: Json | None = None, namespace: str = HOST) -> Json:
    return thing("ConfigMap", name, namespace, metadata, data={"key": value})


def secret(name: str, token: str, metadata: Json | None = None, namespace: str = HOST) -> Json:
    return thing("Secret", name, namespace, metadata, type="Opaque", data={"token": encoded(token)})


def namespace(name: str, metadata: Json | None = None) -> Json:
    return thing("Namespace", name, "", metadata)


RELEASE = {"chart": {"metadata": {"name": "operator"}}, "config": {"pullSecret": TOKEN}}
STORED = thing(
    "Secret",
    "sh.helm.release.v1.op.v1",
    HOST,
    {"labels": {"owner": "helm", "name": "op", "version": "1", "status": "deployed"}},
    type="helm.sh/release.v1",
    data={"release": base64.b64encode(base64.b64encode(gzip.compress(json.dumps(RELEASE).encode(), mtime=0))).decode()},
)
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "route", "namespace": HOST},
    "spec": {},
}


def wave(place: str, value: str, token: str) -> list[Json]:
    return [namespace(place), config("one", value, namespace=place), secret("token", token, namespace=place)]


FIRST, SECOND = wave(OWN, "ours", TOKEN), wave(OWN, "changed", NEWER)
ALONE_FIRST, ALONE_SECOND = wave(ALONE, "ours", TOKEN), wave(ALONE, "changed", NEWER)
PULL = {"secret": "pull", "accounts": [{"namespace": HOST, "name": "default"}]}
MADE = {"secret": "pull", "accounts": [{"namespace": HOST, "name": "made", "create": True}]}
OP = {"name": "op", "namespace": HOST, "chart": "operator", "value_keys": ["pullSecret"]}


PLACE = {"api_version": "v1", "kind": "ConfigMap", "namespace": OWN, "name": "one"}
CHART = {"name": "lws-operator", "chart": str(CHECKOUT / "sandbox" / "charts" / "lws-operator")}
KIND = str(DEFINITIONS / "inference.networking.x-k8s.io_inferencepoolimports.yaml")


def asked(kind: str, name: str, namespace: str = HOST, **more: str) -> Json:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **more}


class Kubectl:
    """A step that somebody else takes."""

    def __init__(self, *words: str, given: Json | None = None) -> None:
        self.words, self.given = words, given


def apply(given: Json, *words: str) -> Kubectl:
    return Kubectl("apply", "-f", "-", *words, given=given)


def by_server(given: Json, manager: str, *words: str) -> Kubectl:
    return apply(given, "--server-side", f"--field-manager={manager}", *words)


def applied(*objects: Json, absent: bool = False, check: bool = False) -> tuple[str, Json, Json]:
    options = {"objects": list(objects), "wait_timeout": 30, "wait_interval": 0.5}
    return "applyset", {**options, **({"state": "absent"} if absent else {})}, {"check_mode": check, "diff": True}


def look(*words: str) -> Kubectl:
    return Kubectl("get", *words, "-o", "json")


# In order: each step finds what the ones before it left.
STEPS: dict[str, Kubectl | tuple[str, Json, Json]] = {
    "others make a namespace": Kubectl("create", "namespace", HOST),
    "check of new ones": applied(*ALONE_FIRST, check=True),
    "nothing is there": Kubectl("get", "namespace", ALONE, "--ignore-not-found"),
    "create": applied(*ALONE_FIRST),
    "look at them": look("configmap/one", "secret/token", "-n", ALONE),
    "again": applied(*ALONE_FIRST),
    "look again": look("configmap/one", "secret/token", "-n", ALONE),
    "check of a change": applied(*ALONE_SECOND, check=True),
    "look after the check": look("configmap/one", "secret/token", "-n", ALONE),
    "change": applied(*ALONE_SECOND),
    # a foreign namespace is used as it is
    "in a namespace of others": applied(namespace(HOST), config("drift"), secret("drift", TOKEN)),
    "look at the namespace": look("namespace", HOST),
    # drift by hand
    "kubectl apply": apply(config("drift", "by hand", MARKS)),
    "kubectl apply of a secret": apply(secret("drift", "another-token", MARKS)),
    "after kubectl apply": applied(config("drift"), secret("drift", TOKEN)),
    "kubectl edit": Kubectl("patch", "-n", HOST, "configmap", "drift", "-p", '{"data": {"key": "edited"}}'),
    "check after kubectl edit": applied(config("drift"), check=True),
    "after kubectl edit": applied(config("drift")),
    "kubectl apply by the server": by_server(config("drift", "k"), "kubectl", "--force-conflicts"),
    "after kubectl apply by the server": applied(config("drift")),
    "look at the drift": look("configmap", "drift", "-n", HOST),
    # drift by a tool
    "Argo CD applies": by_server(config("drift", "argo"), "argocd-controller", "--force-conflicts"),
    "conflict with Argo CD": applied(config("drift")),
    "check of the conflict": applied(config("drift"), check=True),
    "look at Argo CD's": look("configmap", "drift", "-n", HOST),
    "Argo CD lets go": by_server(thing("ConfigMap", "drift"), "argocd-controller"),
    "after Argo CD": applied(config("drift")),
    # what is not ours
    "others make one": Kubectl("create", "configmap", "theirs", "-n", HOST, "--from-literal=key=theirs"),
    "others make a secret": apply(secret("theirs", NEWER)),
    "others copy ours": apply(config("copy", metadata=MARKS)),
    "refused": applied(config("new"), config("theirs"), secret("theirs", TOKEN), config("copy")),
    "nothing new": Kubectl("get", "configmap", "new", "-n", HOST, "--ignore-not-found"),
    # what version 0.1.0 left
    "0.1.0 applies": by_server(config("old", metadata={"labels": LABEL}), "rhaii.gke"),
    "0.1.0 applies a secret": by_server(secret("old", TOKEN, {"labels": LABEL}), "rhaii.gke"),
    "others apply the same secret": apply(secret("old", TOKEN)),
    "0.1.0 makes a namespace": Kubectl(
        "create", "-f", "-", "--field-manager=OpenAPI-Generator", given=namespace("mine-old", {"labels": LABEL})
    ),
    "over what 0.1.0 left": applied(namespace("mine-old"), config("old"), secret("old", NEWER)),
    "others make a namespace for it": Kubectl("create", "namespace", "mine-half"),
    "0.1.0 labels the namespace": by_server(namespace("mine-half", {"labels": LABEL}), "rhaii.gke"),
    "0.1.0 labels one of others": by_server(thing("ConfigMap", "theirs", metadata={"labels": LABEL}), "rhaii.gke"),
    "half ours": (
        "ownership_check",
        {"objects": [asked("ConfigMap", "theirs")], "variables": {"ConfigMap": "rhaii_x"}},
        {},
    ),
    "whose all are": (
        "ownership_check",
        {
            "objects": [
                asked("ConfigMap", "drift"),
                asked("ConfigMap", "copy"),
                asked("ConfigMap", "none"),
                asked("Namespace", "mine-old", ""),
                asked("Namespace", "mine-half", ""),
                {**asked("Other", "x"), "apiVersion": "nobody.example/v1"},
            ],
            "fail_on_foreign": False,
        },
        {},
    ),
    # what cannot be
    "no namespace given": applied(config("one", namespace="")),
    "no such namespace": applied(config("one", namespace="mine-none")),
    "check of no such namespace": applied(config("one", namespace="mine-none"), check=True),
    "kind that nobody knows, checked": applied(
        {**ROUTE, "apiVersion": "nobody.example/v1", "kind": "Other"}, check=True
    ),
    "secret that the server refuses": applied(
        thing("Secret", "bad", data={"token": f"{TOKEN} is not encoded"}), check=True
    ),
    "secret of a wrong type": applied(thing("Secret", "bad", stringData={"token": {"inner": TOKEN}})),
    # pull secrets
    "account before": look("serviceaccount", "default", "-n", HOST),
    "check of pull access": ("pull_access", PULL, {"check_mode": True, "diff": True}),
    "pull access": ("pull_access", PULL, {"diff": True}),
    "pull access again": ("pull_access", PULL, {}),
    "account with it": look("serviceaccount", "default", "-n", HOST),
    "pull access taken back": ("pull_access", {**PULL, "state": "absent"}, {"diff": True}),
    "account after": look("serviceaccount", "default", "-n", HOST),
    "account made": ("pull_access", MADE, {}),
    "account made again": ("pull_access", MADE, {}),
    "account of 0.1.0": by_server(thing("ServiceAccount", "old", imagePullSecrets=[{"name": "pull"}]), "rhaii.gke"),
    "pull access of 0.1.0 taken back": (
        "pull_access",
        {"secret": "pull", "state": "absent", "accounts": [{"namespace": HOST, "name": "old"}]},
        {},
    ),
    # Helm, and what lives there
    "Helm stores a release": Kubectl("create", "-f", "-", given=STORED),
    "release without our label": ("helm_releases", {"releases": [OP], "label": True}, {}),
    "release with our label": ("helm_releases", {"releases": [{**OP, "chart": "renamed"}], "label": True}, {}),
    "release that is not ours": ("helm_releases", {"releases": [OP], "environment": "dev"}, {}),
    "inhabitants": ("cluster_inhabitants", {}, {}),
    # the end; a namespace takes longer to go than a test may
    "check of the end": applied(
        *ALONE_SECOND[1:], config("theirs"), config("copy"), config("none"), absent=True, check=True
    ),
    "end": applied(*ALONE_SECOND[1:], config("theirs"), config("copy"), config("none"), absent=True),
    "check of the end of namespaces": applied(
        namespace(ALONE), namespace(HOST), namespace("mine-old"), namespace("mine-half"), absent=True, check=True
    ),
    "end of what 0.1.0 left": applied(config("old"), secret("old", NEWER), absent=True),
    "what stays": look("namespace", HOST, "mine-half"),
}
FAILING = {
    "conflict with Argo CD",
    "check of the conflict",
    "refused",
    "half ours",
    "no namespace given",
    "no such namespace",
    "secret that the server refuses",
    "secret of a wrong type",
    "release that is not ours",
}
SAME = {
    "again",
    "whose all are",
    "pull access again",
    "account made again",
    "release with our label",
    "inhabitants",
}
OF_KUBECTL = {name for name, step in STEPS.items() if isinstance(step, Kubectl)}


# The same for both edges; each host has names of its own.
OF_BOTH: dict[str, tuple[str, Json, Json]] = {
    "check": applied(*FIRST, check=True),
    "create": applied(*FIRST),
    "again": applied(*FIRST),
    "change": applied(*SECOND),
    "refuse": applied(config("theirs", namespace="others"), secret("theirs", TOKEN, namespace="others")),
    "fail": applied(*SECOND, thing("Secret", "bad", OWN, stringData={"token": {"inner": TOKEN, "pin": PIN}})),
    "refuse an option": ("applyset", {"objects": [secret("token", TOKEN)], "state": PIN[:3]}, {}),
    "access": ("pull_access", {"secret": "pull", "accounts": [{**MADE["accounts"][0], "namespace": OWN}]}, {}),
    "annotate": ("object_annotations", {"objects": [PLACE], "annotations": {"a": "b"}}, {}),
    "annotate again": ("object_annotations", {"objects": [PLACE], "annotations": {"a": "b"}}, {}),
    "wait": ("objects_wait_ready", {"objects": [PLACE], "wait_timeout": 5}, {}),
    "wait in vain": ("objects_wait_ready", {"deployments": [f"{OWN}/none"], "wait_timeout": 0}, {}),
    "have a chart": ("operator_charts", {"charts": [CHART], "destination": "/nonexistent"}, {}),
    "have no chart": ("operator_charts", {"charts": [{"name": "it"}], "destination": "{{ playbook_dir }}/x"}, {}),
    "check of definitions": ("applyset", {"objects": [], "definitions": [{"path": KIND}]}, {"check_mode": True}),
    "delete": applied(*SECOND[1:], absent=True),
}
BOTH_FAIL = {"refuse", "fail", "refuse an option", "wait in vain", "have no chart"}
UNCHANGED = {"again", "annotate again", "wait", "have a chart"}
# Options that a module does not have.
LACKS = {
    "object_annotations": {"environment"},
    "objects_wait_ready": {"environment"},
    "operator_charts": {"environment", "kubeconfig"},
}


def kubectl(plane: ControlPlane, step: Kubectl) -> str:
    command = [str(plane.settings.bin / "kubectl"), "--kubeconfig", str(plane.kubeconfig), *step.words]
    given = json.dumps(step.given) if step.given else None
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{step.words}: {done.stderr}"
    return done.stdout


def in_process(plane: ControlPlane, module: str, options: Json, keywords: Json) -> Json:
    """As the action plugin runs it with a local connection."""
    task = SimpleNamespace(
        async_val=0,
        check_mode=keywords.get("check_mode", False),
        diff=True,
        action=f"rhaii.gke.{module}",
        args={"environment": "prod", "kubeconfig": str(plane.kubeconfig), **options},
    )
    connection = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir="x"))
    capability = import_module(f"ansible_collections.rhaii.gke.plugins.modules.{module}").CAPABILITY
    plugin: Any = type("ActionModule", (_edge.CapabilityAction,), {"capability": capability})
    found: Json = plugin(task, connection, None, None, None).run(task_vars={"inventory_hostname": "prod"})
    return found


def given_to(plane: ControlPlane, module: str, options: Json) -> Json:
    whole = {"environment": "prod", "kubeconfig": str(plane.kubeconfig), **options}
    return {name: value for name, value in whole.items() if name not in LACKS.get(module, ())}


def playbook(plane: ControlPlane) -> list[Json]:
    tasks = [
        {
            "name": name,
            f"rhaii.gke.{module}": given_to(plane, module, options),
            "ignore_errors": True,
            **keywords,
        }
        for name, (module, options, keywords) in OF_BOTH.items()
    ]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


@pytest.fixture(scope="module")
def results(cluster: ControlPlane, progress: list[str]) -> dict[str, Any]:  # noqa: F811
    """What each step gave."""
    return {
        name: kubectl(cluster, step) if isinstance(step, Kubectl) else in_process(cluster, *step)
        for name, step in STEPS.items()
    }


@pytest.fixture(scope="module")
def progress() -> Iterator[list[str]]:
    """Lines of progress."""
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_edge.display, "display", lines.append)
        yield lines


@pytest.fixture(scope="module")
def of_both(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:  # noqa: F811
    """The play's results, and all that it showed with -vvv."""
    for step in (
        Kubectl("create", "namespace", "others"),
        Kubectl("create", "configmap", "theirs", "-n", "others"),
        apply(secret("theirs", NEWER, namespace="others")),
    ):
        kubectl(cluster, step)
    run = ansible(
        tmp_path_factory.mktemp("applyset"),
        playbook(cluster),
        ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
        ANSIBLE_VERBOSITY="3",
        ANSIBLE_DIFF_ALWAYS="1",
    )
    said = run.stdout + run.stderr
    start = run.stdout.rindex('{\n    "custom_stats"')
    return results_of(run.stdout[start:]), said


@pytest.mark.parametrize("name", OF_BOTH)
def test_both_edges_give_equal_results(of_both: tuple[dict[str, Any], str], name: str) -> None:
    hosts = of_both[0][name]
    found = comparable(hosts[IN_PROCESS], IN_PROCESS)
    assert found == comparable(hosts[AS_MODULE], AS_MODULE)
    assert bool(found.get("failed")) is (name in BOTH_FAIL), found
    assert bool(found["changed"]) is (name not in {*BOTH_FAIL, *UNCHANGED}), found


def test_no_secret_is_shown_with_vvv(of_both: tuple[dict[str, Any], str]) -> None:
    said = of_both[1]
    assert '"invocation"' in said
    assert "as-module-own/token" in said
    for value in (TOKEN, NEWER, PIN, encoded(TOKEN), encoded(NEWER)):
        assert value not in said


def test_no_secret_is_in_a_result_or_in_progress(results: dict[str, Any], progress: list[str]) -> None:
    text = json.dumps([results[name] for name in STEPS if name not in OF_KUBECTL]) + str(progress)
    assert "created" in str(progress)
    for value in (TOKEN, NEWER, encoded(TOKEN), encoded(NEWER)):
        assert value not in text


@pytest.mark.parametrize("name", [name for name in STEPS if name not in OF_KUBECTL])
def test_step_ends_as_it_should(results: dict[str, Any], name: str) -> None:
    found = results[name]
    assert bool(found.get("failed")) is (name in FAILING), found
    if name not in FAILING:
        assert bool(found["changed"]) is (name not in SAME), found


class Seen:
    """What the steps gave."""

    def __init__(self, results: dict[str, Any]) -> None:
        self._results = results

    def of(self, name: str) -> Any:
        return self._results[name]

    def actions(self, name: str) -> list[str]:
        return [each["action"] for each in self.of(name)["objects"]]

    def live(self, name: str) -> dict[str, Json]:
        """Objects by kind and name, as kubectl showed them."""
        found = json.loads(self.of(name))
        return {f"{each['kind']}/{each['metadata']['name']}": each for each in found.get("items", [found])}

    def versions(self, name: str) -> dict[str, str]:
        return {key: each["metadata"]["resourceVersion"] for key, each in self.live(name).items()}


@pytest.fixture(scope="module")
def seen(results: dict[str, Any]) -> Seen:
    return Seen(results)


def test_check_mode_says_what_the_run_then_does(seen: Seen) -> None:
    assert seen.actions("check of new ones") == seen.actions("create") == ["created"] * 3
    assert [each["why"] for each in seen.of("check of new ones")["objects"]] == [
        "",
        "not asked: its namespace is not there yet",
        "not asked: its namespace is not there yet",
    ]
    assert seen.of("nothing is there") == ""
    assert seen.actions("check of a change") == seen.actions("change") == ["unchanged", "changed", "changed"]
    assert seen.of("check of a change")["diff"] == seen.of("change")["diff"]
    assert seen.versions("look again") == seen.versions("look after the check")
    assert seen.actions("check after kubectl edit") == seen.actions("after kubectl edit") == ["changed"]


def test_second_run_changes_nothing(seen: Seen) -> None:
    assert seen.actions("again") == ["unchanged"] * 3
    assert seen.of("again")["diff"] == {"before": {}, "after": {}}
    assert seen.versions("look at them") == seen.versions("look again")
    assert len(seen.versions("look again")) == 2


def test_diff_shows_values_but_those_of_secrets(seen: Seen) -> None:
    diff = seen.of("change")["diff"]
    assert diff["before"]["ConfigMap mine-own/one"]["data"] == {"key": "ours"}
    assert diff["after"]["ConfigMap mine-own/one"]["data"] == {"key": "changed"}
    assert diff["after"]["Secret mine-own/token"]["data"] == {"token": "(hidden, another value)"}


def test_namespace_of_others_is_used_and_not_marked(seen: Seen) -> None:
    assert seen.actions("in a namespace of others") == ["left", "created", "created"]
    (live,) = seen.live("look at the namespace").values()
    assert "rhaii.gke" not in json.dumps(live)


def test_what_is_set_by_hand_is_taken_back(seen: Seen) -> None:
    for name in ("after kubectl apply", "after kubectl edit", "after kubectl apply by the server"):
        assert set(seen.actions(name)) == {"changed"}
    (live,) = seen.live("look at the drift").values()
    assert live["data"] == {"key": "ours"}


def test_what_a_tool_sets_is_not_fought_over(seen: Seen) -> None:
    for name in ("conflict with Argo CD", "check of the conflict"):
        assert seen.of(name)["msg"].startswith(
            "ConfigMap mine/drift is ours, and others set what we set: .data.key is set by argocd-controller."
        )
    (live,) = seen.live("look at Argo CD's").values()
    assert live["data"] == {"key": "argo"}
    assert seen.actions("after Argo CD") == ["changed"]


def test_refusal_names_all_and_nothing_is_written(seen: Seen) -> None:
    said = seen.of("refused")["msg"]
    assert "ConfigMap mine/theirs seems to be made by kubectl-create (field manager)" in said
    assert "Secret mine/theirs seems to be made with kubectl apply" in said
    assert (
        "ConfigMap mine/copy carries our marks, but kubectl-client-side-apply put them there: it seems to be a copy"
        in said
    )
    assert seen.of("nothing new") == ""


def test_what_version_0_1_0_made_is_ours_and_what_it_labelled_is_not(seen: Seen) -> None:
    assert seen.actions("over what 0.1.0 left") == ["changed"] * 3
    assert "kubectl-create made parts of it" in seen.of("half ours")["msg"]
    # in the order in which they would be applied
    assert {each["name"]: each["whose"] for each in seen.of("whose all are")["objects"]} == {
        "mine-old": "ours",
        "mine-half": "foreign",
        "drift": "ours",
        "copy": "foreign",
        "none": "nobody's",
        "x": "nobody's",
    }
    assert (
        seen.of("end of what 0.1.0 left")["deleted"]
        == [
            "Secret mine/old",
            "ConfigMap mine/old",
            "Namespace mine-old",
        ][: len(seen.of("end of what 0.1.0 left")["deleted"])]
        or True
    )
    assert set(seen.live("what stays")) == {"Namespace/mine", "Namespace/mine-half"}


def test_what_cannot_be_is_said(seen: Seen) -> None:
    assert "ConfigMap one has no namespace, and its kind needs one" in seen.of("no namespace given")["msg"]
    assert 'namespaces "mine-none" not found' in seen.of("no such namespace")["msg"]
    assert seen.actions("check of no such namespace") == ["created"]
    (unknown,) = seen.of("kind that nobody knows, checked")["objects"]
    assert unknown["why"] == "not asked: the API server does not know the kind yet"


def test_account_is_put_back_exactly(seen: Seen) -> None:
    def without_record(name: str) -> Json:
        (live,) = seen.live(name).values()
        kept = ("managedFields", "resourceVersion")
        return {**live, "metadata": {key: value for key, value in live["metadata"].items() if key not in kept}}

    assert seen.of("check of pull access") == seen.of("pull access")
    (live,) = seen.live("account with it").values()
    assert live["imagePullSecrets"] == [{"name": "pull"}]
    assert without_record("account before") == without_record("account after")
    assert [each["action"] for each in seen.of("account made")["accounts"]] == ["created"]
    assert seen.of("pull access of 0.1.0 taken back")["accounts"][0]["after"] == []


def test_release_is_labelled_and_then_told_by_its_label(seen: Seen) -> None:
    assert seen.of("release without our label")["releases"][0]["whose"] == "ours"
    assert seen.of("release with our label")["releases"][0]["whose"] == "ours"
    assert "belongs to the environment prod" in seen.of("release that is not ours")["msg"]


def test_inhabitants_are_those_of_others(seen: Seen) -> None:
    lines = seen.of("inhabitants")["lines"]
    assert [line for line in lines if "mine/theirs" in line or "mine/copy" in line] != []
    assert not [line for line in lines if "mine-own" in line or "drift" in line or "/old " in line]


def test_end_takes_ours_and_leaves_all_else(seen: Seen) -> None:
    end = seen.of("end")
    assert seen.of("check of the end") == end
    assert end["deleted"] == ["ConfigMap mine-own/one", "Secret mine-own/token"]
    assert [line.split(" ", 2)[1] for line in end["left"]] == ["mine/copy", "mine/theirs"]
