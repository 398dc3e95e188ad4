# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a replica does not come up: what is said, what is advised, and what can heal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.causes import (
    Evidence,
    ended_problem,
    last_lines,
    login_of,
    registry_of,
    replica_problem,
    replica_problems,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.ports import Json
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.problems import Problem, first
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import Replica, Trouble

from tests.unit.plugins.module_utils.llmisvc.fake_cluster import IMAGE, logins

SECRET = "rhaiis-pull-secret"
UNAUTHORIZED = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": failed to authorize: failed to '
    "fetch anonymous token: unexpected status from GET request to https://registry.redhat.io/v2/auth: 401 Unauthorized"
)


def judge(
    trouble: Trouble | None,
    evidence: Evidence | None = None,
    *,
    stage: str = "Failing",
    crash_limit: int = 3,
    **more: Any,
) -> Problem:
    replica = Replica("uid", "svc-kserve-1-aaaaa", stage, trouble=trouble, pull_secrets=(SECRET,), **more)
    return replica_problem(replica, evidence or Evidence(), namespace="ns", patience=30.0, crash_limit=crash_limit)


def test_every_problem_names_its_pod() -> None:
    problem = judge(Trouble("main", "InvalidImageName", "couldn't parse image name", "a b"))
    assert (problem.kind, problem.name, problem.reason) == ("pod", "svc-kserve-1-aaaaa", "InvalidImageName")
    assert problem.message == ("The replica svc-kserve-1-aaaaa cannot get its image a b: couldn't parse image name.")
    picker = judge(Trouble("main", "InvalidImageName", ""), workload=False)
    assert picker.message.startswith("The endpoint picker svc-kserve-1-aaaaa cannot")


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_cannot_be_meant_does_not_heal(reason: str) -> None:
    problem = judge(Trouble("main", reason, "no"))
    assert problem.after == 30.0
    assert "rhaii_image" in problem.remedy


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(UNAUTHORIZED, "registry.redhat.io refuses the login", id="401"),
        pytest.param("unexpected status: 403 Forbidden", "refuses the login", id="403"),
        pytest.param("unauthorized: incorrect username or password", "refuses the login", id="unauthorized"),
        pytest.param("pull access denied, repository does not exist", "refuses the login", id="access denied"),
        pytest.param("denied: requested access to the resource is denied", "refuses the login", id="denied"),
        pytest.param("no basic auth credentials", "refuses the login", id="no credentials"),
        pytest.param("authentication required", "refuses the login", id="authentication"),
        pytest.param("insufficient_scope: authorization failed", "refuses the login", id="scope"),
        pytest.param(f"{IMAGE}: not found", "registry.redhat.io does not have it", id="no such tag"),
        pytest.param("manifest unknown", "registry.redhat.io does not have it", id="no manifest"),
    ],
)
def test_an_image_that_the_registry_does_not_give_does_not_heal(reason: str, said: str, words: str) -> None:
    evidence = Evidence(fresh=True, secrets={SECRET: logins("registry.redhat.io")})
    problem = judge(Trouble("main", reason, said, IMAGE), evidence)
    assert words in problem.message
    assert f"cannot pull its image {IMAGE}: " in problem.message
    # whichever of the two the kubelet shows, it is one problem
    assert problem.reason == "ImagePullBackOff"
    assert problem.after == 30.0
    assert problem.remedy


@pytest.mark.parametrize(
    "said", ["dial tcp: i/o timeout", "500 Internal Server Error", "toomanyrequests: rate limit", "port 4010", ""]
)
def test_a_registry_that_is_not_reached_may_be_reached_later(said: str) -> None:
    problem = judge(Trouble("main", "ImagePullBackOff", said, IMAGE), Evidence(fresh=True))
    assert problem.after is None
    assert f"cannot pull its image {IMAGE} yet" in problem.message
    assert problem.reason == "ImagePullBackOff"


def test_an_old_failure_must_stand_longer_than_the_longest_pause() -> None:
    """Somebody may have put it right before; the kubelet has not tried again yet."""
    trouble = Trouble("main", "ImagePullBackOff", UNAUTHORIZED, IMAGE)
    good = {SECRET: logins("registry.redhat.io")}
    assert judge(trouble, Evidence(secrets=good)).after == 330.0
    assert judge(trouble, Evidence(fresh=True, secrets=good)).after == 30.0
    assert judge(Trouble("main", "ImagePullBackOff", "x: not found", IMAGE)).after == 330.0


def test_a_secret_that_is_seen_to_be_wrong_needs_no_new_attempt() -> None:
    trouble = Trouble("main", "ImagePullBackOff", UNAUTHORIZED, IMAGE)
    problem = judge(trouble, Evidence(secrets={SECRET: None}))
    assert problem.after == 30.0
    assert f"the pull secret {SECRET} does not exist in ns" in problem.message
    assert "401 Unauthorized" in problem.message
    assert "registry.redhat.io" in problem.remedy and "rhaii_pull_secret_file" in problem.remedy


def test_older_kubelets_tell_the_registrys_answer_in_events_alone() -> None:
    trouble = Trouble("main", "ImagePullBackOff", f'Back-off pulling image "{IMAGE}"', IMAGE)
    events = ["Unhealthy: 401", f'Failed to pull image "{IMAGE}": 401 Unauthorized']
    assert judge(trouble, Evidence(warnings=events[1:], secrets={SECRET: None})).after == 30.0
    silent = judge(Trouble("main", "ImagePullBackOff", "", IMAGE), Evidence(warnings=events[1:]))
    assert f'(Failed to pull image "{IMAGE}": 401 Unauthorized)' in silent.message
    assert judge(trouble, Evidence(warnings=events[:1], secrets={SECRET: None})).after is None


@pytest.mark.parametrize(
    ("names", "secrets", "said", "certain"),
    [
        pytest.param(
            (), {}, "the pod names no pull secret, and registry.redhat.io wants a login", True, id="none named"
        ),
        pytest.param(("a",), {"a": None}, "the pull secret a does not exist in ns", True, id="missing"),
        pytest.param(
            ("a", "b"), {"a": None, "b": None}, "the pull secret a and b does not exist in ns", True, id="both"
        ),
        pytest.param(
            ("a",),
            {"a": logins("quay.io", "docker.io")},
            "the pull secret a has no login for registry.redhat.io; it has docker.io, quay.io",
            True,
            id="of others",
        ),
        pytest.param(
            ("a", "b"),
            {"a": None, "b": logins("quay.io")},
            "the pull secret b has no login for registry.redhat.io; it has quay.io",
            True,
            id="missing, and of others",
        ),
        pytest.param(
            ("a",),
            {"a": {"data": {"x": "y"}}},
            "the pull secret a has no login for registry.redhat.io",
            True,
            id="no logins",
        ),
        pytest.param(
            ("a",),
            {"a": {"data": {".dockerconfigjson": "!"}}},
            "the pull secret a has no login for",
            True,
            id="garbage",
        ),
        pytest.param(
            ("a",),
            {},
            "registry.redhat.io refuses the login, if there is one, of the pull secret a",
            False,
            id="unread",
        ),
        pytest.param(
            ("a", "b"),
            {"a": None},
            "registry.redhat.io refuses the login, if there is one",
            False,
            id="one missing, one unread",
        ),
        pytest.param(
            ("a",),
            {"a": logins("registry.redhat.io")},
            "registry.redhat.io refuses the login of the pull secret a",
            False,
            id="refused",
        ),
        pytest.param(
            ("a",),
            {"a": logins("registry.redhat.io", legacy=True)},
            "registry.redhat.io refuses the login of the pull secret a",
            False,
            id="refused, of the older kind",
        ),
        pytest.param(
            ("a", "b"),
            {"a": logins("quay.io"), "b": logins("registry.redhat.io")},
            "registry.redhat.io refuses the login of the pull secret a and b",
            False,
            id="one of two",
        ),
    ],
)
def test_what_a_pull_secret_has_to_do_with_it(
    names: tuple[str, ...], secrets: dict[str, Json | None], said: str, certain: bool
) -> None:
    login = login_of(names, secrets, IMAGE, "ns")
    assert login.said.startswith(said)
    assert login.certain is certain
    assert login.remedy.startswith("Give a pull secret with a login for registry.redhat.io (rhaii_pull_secret_file)")


@pytest.mark.parametrize(
    ("entry", "image", "covered"),
    [
        pytest.param("registry.redhat.io", IMAGE, True, id="host"),
        pytest.param("https://registry.redhat.io/v1/", IMAGE, True, id="address of the older kind"),
        pytest.param("http://registry.redhat.io/v2/", IMAGE, True, id="plain address"),
        # keyring.go strips /v2/ alone: without the last slash it is a path
        pytest.param("http://registry.redhat.io/v2", IMAGE, False, id="plain address without its last slash"),
        pytest.param("registry.redhat.io/rhaiis", IMAGE, True, id="path"),
        pytest.param("registry.redhat.io/rhai", IMAGE, True, id="beginning of a path's part, as keyring.go has it"),
        pytest.param("registry.redhat.io/other", IMAGE, False, id="another path"),
        pytest.param("*.redhat.io", IMAGE, True, id="pattern"),
        pytest.param("redhat.io", IMAGE, False, id="parent"),
        pytest.param("https://index.docker.io/v1/", "library/python", True, id="the default registry"),
        pytest.param("docker.io", "python", True, id="the default registry by its name"),
    ],
)
def test_which_images_a_login_is_for(entry: str, image: str, covered: bool) -> None:
    login = login_of(("a",), {"a": logins(entry)}, image, "ns")
    assert login.certain is not covered


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("registry.redhat.io/a/b:1", "registry.redhat.io"),
        ("localhost/a", "localhost"),
        ("host:5000/a", "host:5000"),
        ("library/python", "docker.io"),
        ("python:3.11", "docker.io"),
        ("python.with.dots", "docker.io"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        pytest.param('secret "huggingface-token" not found', "Create the Secret huggingface-token in ns;", id="secret"),
        pytest.param('configmap "c" not found', "Create the ConfigMap c in ns;", id="config map"),
        pytest.param(
            "couldn't find key token in Secret ns/huggingface-token",
            "Add the key token to the Secret ns/huggingface-token;",
            id="key",
        ),
        pytest.param("container has runAsNonRoot", "Correct what the message names", id="other"),
    ],
)
def test_a_container_that_lacks_a_secret_does_not_heal(message: str, remedy: str) -> None:
    problem = judge(Trouble("main", "CreateContainerConfigError", message))
    assert (problem.reason, problem.after) == ("CreateContainerConfigError", 30.0)
    assert message in problem.message
    assert problem.remedy.startswith(remedy)


@pytest.mark.parametrize("container", ["main", "storage-initializer"])
def test_a_container_killed_for_its_memory_will_be_killed_again(container: str) -> None:
    trouble = Trouble(container, "OOMKilled", "it ended", crashes=1, exit_code=137)
    problem = judge(trouble, Evidence(fresh=True))
    assert (problem.reason, problem.after) == ("OOMKilled", 0.0)
    assert container in problem.message
    assert ("inferenceservice-config" in problem.remedy) is (container == "storage-initializer")
    assert "limit" in problem.remedy
    assert judge(trouble, Evidence(fresh=False)).after is None


@pytest.mark.parametrize(
    ("crashes", "fresh", "after"),
    [
        pytest.param(2, True, None, id="too few"),
        pytest.param(3, True, 0.0, id="enough"),
        pytest.param(4, True, 0.0, id="more"),
        pytest.param(9, False, None, id="before our time"),
    ],
)
@pytest.mark.parametrize("container", ["main", "storage-initializer"])
def test_a_crash_loop_is_hopeless_after_some_rounds(
    container: str, crashes: int, fresh: bool, after: float | None
) -> None:
    trouble = Trouble(container, "CrashLoopBackOff", "back-off", crashes=crashes, exit_code=1)
    problem = judge(trouble, Evidence(fresh=fresh))
    assert (problem.reason, problem.after) == ("CrashLoopBackOff", after)
    assert f"{container} in vain: it ended {crashes} times, last with exit code 1." in problem.message


def test_the_crash_limit_is_an_option() -> None:
    trouble = Trouble("main", "CrashLoopBackOff", "", crashes=1)
    assert judge(trouble, Evidence(fresh=True), crash_limit=1).after == 0.0
    assert "exit code" not in judge(trouble).message


@pytest.mark.parametrize(
    ("log", "cause", "remedy"),
    [
        pytest.param(
            "401 Unauthorized: the hub knows no such token", "refuses the token", "rhaii_hf_token_file", id="401"
        ),
        pytest.param("403 GatedRepo: m is gated", "refuses the token", "accept the model's terms", id="gated"),
        pytest.param("GatedRepoError: x", "refuses the token", "terms", id="gated error"),
        pytest.param("Access to model a/b is restricted", "refuses the token", "terms", id="restricted"),
        pytest.param("Invalid user token.", "refuses the token", "terms", id="invalid"),
        pytest.param("HTTP Forbidden", "refuses the token", "terms", id="forbidden"),
        pytest.param(
            "401 Client Error. Repository Not Found for url: x",
            "has no such model",
            "spec.model.uri",
            id="not found or private",
        ),
        pytest.param("404 RepositoryNotFound: there is no", "has no such model", "spec.model.uri", id="no model"),
        pytest.param("404 RevisionNotFound: x", "has no such model", "spec.model.uri", id="no revision"),
        pytest.param("EntryNotFound", "has no such model", "spec.model.uri", id="no file"),
        pytest.param(
            "Cannot connect to host huggingface.co:443 [Name or service not known]",
            "cannot be resolved",
            "DNS",
            id="dns",
        ),
        pytest.param("Temporary failure in name resolution", "cannot be resolved", "DNS", id="dns for now"),
        pytest.param("getaddrinfo failed", "cannot be resolved", "DNS", id="getaddrinfo"),
        pytest.param("dial tcp: lookup x: no such host", "cannot be resolved", "DNS", id="no such host"),
        pytest.param("No answer from https://huggingface.co within 9 s", "cannot be reached", "egress", id="no answer"),
        pytest.param("ConnectTimeout", "cannot be reached", "egress", id="connect"),
        pytest.param("Read timed out.", "cannot be reached", "egress", id="read"),
        pytest.param("Connection refused", "cannot be reached", "egress", id="refused"),
        pytest.param("Network is unreachable", "cannot be reached", "egress", id="no network"),
        pytest.param("No route to host", "cannot be reached", "egress", id="no route"),
        pytest.param("Max retries exceeded with url", "cannot be reached", "egress", id="retries"),
        pytest.param("OSError: No space left on device", "volume is full", "more room", id="full"),
    ],
)
def test_the_log_of_a_download_is_taken_at_its_word(log: str, cause: str, remedy: str) -> None:
    problem = judge(Trouble("storage-initializer", "CrashLoopBackOff", "", crashes=3), Evidence(log=f"first\n{log}"))
    assert cause in problem.message
    assert remedy in problem.remedy
    assert "Its log ends: first | " in problem.message


@pytest.mark.parametrize("container", ["main", "storage-initializer"])
@pytest.mark.parametrize("log", ["", "HF_TOKEN is set\nTraceback\nValueError: 4010 files"])
def test_nothing_is_guessed_that_no_log_says(container: str, log: str) -> None:
    problem = judge(Trouble(container, "CrashLoopBackOff", "", crashes=3, exit_code=1), Evidence(log=log))
    assert "last with exit code 1." in problem.message
    assert problem.remedy == f"See its log: kubectl logs svc-kserve-1-aaaaa -c {container} --previous."
    assert ("Its log ends" in problem.message) is bool(log)


@pytest.mark.parametrize(
    "log", ["RESOURCE_EXHAUSTED: Ran out of memory", "Used 33G of 31G hbm", "needs more KV cache than there is"]
)
def test_a_server_that_does_not_fit_says_so(log: str) -> None:
    problem = judge(Trouble("main", "CrashLoopBackOff", "", crashes=3), Evidence(log=log))
    assert "memory of the chips" in problem.message
    assert "--max-model-len" in problem.remedy
    of_download = judge(Trouble("storage-initializer", "CrashLoopBackOff", "", crashes=3), Evidence(log=log))
    assert "memory of the chips" not in of_download.message


@pytest.mark.parametrize("kind", ["Liveness", "Startup"])
def test_a_probe_that_ends_a_server_is_named(kind: str) -> None:
    said = f"{kind} probe failed: connection refused"
    trouble = Trouble("main", "CrashLoopBackOff", "", crashes=3, exit_code=137)
    problem = judge(trouble, Evidence(warnings=["Readiness probe failed: no", said]))
    assert f"its probe ended it ({said})" in problem.message
    assert "initialDelaySeconds" in problem.remedy
    assert "probe" not in judge(trouble, Evidence(warnings=["Readiness probe failed: no"])).message
    download = Trouble("storage-initializer", "CrashLoopBackOff", "", crashes=3)
    assert "probe" not in judge(download, Evidence(warnings=[said])).message
    both = judge(trouble, Evidence(warnings=[said], log="out of memory"))
    assert "memory of the chips" in both.message and "probe" not in both.message


@pytest.mark.parametrize("reason", ["Error", "Completed", "CreateContainerError", "RunContainerError", "ErrRegistry"])
def test_what_is_not_known_to_last_may_heal(reason: str) -> None:
    problem = judge(Trouble("main", reason, "why"))
    assert (problem.reason, problem.after) == (reason, None)
    assert f"is not coming up: main: {reason}: why." in problem.message


@pytest.mark.parametrize(
    ("stage", "message", "words"),
    [
        ("Pending", "0/2 nodes are available: 2 Insufficient cpu.", "is waiting for a node (0/2 nodes are available"),
        ("Downloading", "", "is downloading the model."),
        ("Compiling", "Compiling the model", "is compiling the model (Compiling the model)."),
    ],
)
def test_a_replica_on_its_way_heals(stage: str, message: str, words: str) -> None:
    problem = judge(None, stage=stage, message=message)
    assert (problem.reason, problem.after) == (stage, None)
    assert bool(problem.remedy) is (stage == "Pending")
    assert words in problem.message


def test_missing_chips_are_no_failure_and_point_to_the_pool() -> None:
    problem = judge(None, stage="Pending", message="0/2 nodes are available: 2 Insufficient google.com/tpu.")
    assert problem.after is None
    assert "node pool" in problem.remedy
    assert judge(None, stage="Creating", message="Insufficient google.com/tpu").remedy == ""


@pytest.mark.parametrize(
    ("stage", "shown"), [("Creating", True), ("AwaitingProbe", True), ("Downloading", False), ("Pending", False)]
)
def test_a_warning_tells_why_a_replica_is_held_up(stage: str, shown: bool) -> None:
    said = ["FailedMount: old", "FailedMount: older", 'MountVolume.SetUp failed: secret "x" not found']
    assert (said[-1] in judge(None, Evidence(warnings=said), stage=stage).message) is shown


def test_long_texts_are_cut() -> None:
    head = "main: CreateContainerError: "
    whole = judge(Trouble("main", "CreateContainerError", "x" * (300 - len(head))))
    assert whole.message.endswith(f": {head}{'x' * (300 - len(head))}.")
    cut = judge(Trouble("main", "CreateContainerError", "x" * (301 - len(head))))
    assert cut.message.endswith(f": {head}{'x' * (299 - len(head))}….")


def test_of_a_registrys_answer_the_end_is_kept() -> None:
    problem = judge(Trouble("main", "ImagePullBackOff", "x" * 300 + "y" * 199, IMAGE))
    assert problem.message.endswith(f"yet: …{'y' * 199}.")
    problem = judge(Trouble("main", "ImagePullBackOff", "y" * 200, IMAGE))
    assert problem.message.endswith(f"yet: {'y' * 200}.")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", ""),
        ("one\n\n  two   words \n", "one | two words"),
        ("\n".join("abcdefg"), "c | d | e | f | g"),
        ("y" * 300, "y" * 200),
    ],
)
def test_the_end_of_a_log_fits_a_sentence(log: str, said: str) -> None:
    assert last_lines(log) == said


def test_trouble_is_told_before_progress_and_the_least_advanced_first() -> None:
    stages = {"a": "Compiling", "b": "Ready", "c": "Pending", "d": "Downloading", "e": "Failing", "f": "Downloading"}
    found = [(Replica(name, name, stage), Problem("pod", name, stage, "")) for name, stage in stages.items()]
    troubled, on_their_way = replica_problems(list(reversed(found)))
    assert [each.name for each in troubled] == ["e", "c"]
    assert [each.name for each in on_their_way] == ["d", "f", "a"]


def test_what_does_not_heal_is_told_first() -> None:
    heals, lasts = Problem("pod", "a", "x", ""), Problem("pod", "b", "x", "", after=0.0)
    assert first([heals, lasts]) is lasts
    assert first([heals]) is heals
    assert heals.public()["terminal"] is False
    assert lasts.public()["terminal"] is True


def finished(name: str, reason: str) -> Replica:
    return Replica(name, f"svc-kserve-1-{name}", "Finished", node="gke-1", end_reason=reason, end_message="why")


@pytest.mark.parametrize(
    ("reason", "count", "fresh", "let_in", "after"),
    [
        pytest.param("UnexpectedAdmissionError", 3, True, 0, 30.0, id="refused"),
        pytest.param("UnexpectedAdmissionError", 2, True, 0, None, id="too few"),
        pytest.param("UnexpectedAdmissionError", 9, False, 0, None, id="before our time"),
        pytest.param("NodeShutdown", 9, True, 0, None, id="passes by itself"),
        pytest.param("Evicted", 3, True, 2, None, id="each of three evicted at once, while nodes are upgraded"),
        pytest.param("Evicted", 9, True, 2, 0.0, id="evicted as often as crashes would count"),
    ],
)
def test_pods_that_end_one_after_the_other(
    reason: str, count: int, fresh: bool, let_in: int, after: float | None
) -> None:
    pods = [finished(f"a{number}", reason) for number in range(count)]
    problem = ended_problem(pods, fresh, let_in=let_in, wanted=3, patience=30.0, crash_limit=3)
    assert problem is not None
    assert (problem.kind, problem.name, problem.reason, problem.after) == ("pod", "svc-kserve-1", reason, after)
    assert f"{reason}: why" in problem.message and "gke-1" in problem.message and problem.remedy


def test_refused_pods_are_over_once_others_were_let_in() -> None:
    pods = [finished("a", "OutOfcpu"), finished("b", "OutOfcpu")]
    assert ended_problem(pods, True, let_in=3, wanted=3, patience=30.0, crash_limit=1) is None
    assert ended_problem([], True, let_in=0, wanted=3, patience=30.0, crash_limit=1) is None
