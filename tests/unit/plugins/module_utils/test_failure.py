# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a task failed, from the results that modules leave: ours, kubernetes.core's, ansible-core's by its versions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._failure import (
    LONGEST,
    failure_sentence,
    sentence,
    title,
)

TASK = {"name": "rhaii.gke.operators : charts | Install cert-manager", "no_log": False}
DENIED = (
    "Failed to apply object: "
    'b\'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"admission '
    'webhook \\"llmisvc.kserve.io\\" denied the request: spec.replicas: Invalid value: '
    '-1","reason":"Forbidden","code":403}'
    "\\n'"
)
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/tmp/ansible_kubernetes.core.k8s_payload/__main__.py", line 12, in <module>\n'
    "    import kubernetes\n"
    "ModuleNotFoundError: No module named 'kubernetes'\n"
)
# name: result, and the sentence. Those with '2.19' were recorded with ansible-core 2.19 and kubernetes.core 6.2
# and cut;
# the others follow the sources of both.
RESULTS: dict[str, tuple[dict[str, Any], str]] = {
    "our module, with its remedy": (
        {
            "changed": False,
            "msg": "Google refused to create the node pool tpu-pool: 503 UNAVAILABLE: The service is currently "
            "unavailable. Google's service is not available for the moment; run again.",
        },
        "Google refused to create the node pool tpu-pool: 503 UNAVAILABLE: The service is currently unavailable.",
    ),
    "our module, with the request in what Google's client says": (
        {
            "msg": "Google refused to create the cluster c: 500 INTERNAL: POST "
            "http://127.0.0.1:1/v1/x?%24alt=json: Internal."
        },
        "Google refused to create the cluster c: 500 INTERNAL: Internal.",
    ),
    "an assertion": (
        {
            "assertion": "cluster_teardown_confirm == cluster_environment",
            "evaluated_to": False,
            "msg": "This would delete the cluster c in europe-west4-a (project p) with all that runs in it. To "
            "confirm, "
            "give the name of the environment: -e rhaii_teardown_confirm=prod",
        },
        "This would delete the cluster c in europe-west4-a (project p) with all that runs in it.",
    ),
    "an assertion without words": ({"assertion": "x", "msg": "Assertion failed"}, "Assertion failed."),
    "a heading and its lines": (
        {"msg": "The teardown of prod is not complete.\n\nGoogle refused to delete the cluster c: 403: no. Ask.\n"},
        "The teardown of prod is not complete: Google refused to delete the cluster c: 403: no.",
    ),
    "a table of checks": (
        {"msg": "ok      project      p\nfailed  permissions  missing: a. Give it.\nfailed  quota        0 of 12"},
        "2 checks failed, the first is permissions missing: a.",
    ),
    "a table with one that failed": ({"msg": "ok  project  p\nfailed  quota  0 of 12"}, "quota 0 of 12."),
    "lines as a list": ({"msg": ["Not ready:", "1 check failed"]}, "Not ready: 1 check failed."),
    "k8s that a webhook denied": (
        {"msg": DENIED, "reason": "Forbidden", "status": 403, "error": 403},
        'Failed to apply object: admission webhook "llmisvc.kserve.io" denied the request: spec.replicas: Invalid '
        "value: -1.",
    ),
    "k8s whose answer says nothing": (
        {"msg": 'Failed to create object: {"kind": "Status", "code": 500}'},
        "Failed to create object.",
    ),
    "k8s that nobody answered, of 2.19": (
        {
            "exception": "(traceback unavailable)",
            "msg": "Task failed: Module failed: HTTPSConnectionPool(host='127.0.0.1', port=9): Max retries "
            "exceeded with "
            "url: /version (Caused by NewConnectionError(\"HTTPSConnection(host='127.0.0.1', port=9): Failed to "
            "establish "
            'a new connection: [Errno 111] Connection refused")): HTTPSConnection(host=...)',
        },
        "nobody answers at 127.0.0.1:9 (Connection refused).",
    ),
    "k8s that took too long": (
        {"msg": "HTTPSConnectionPool(host='10.0.0.1', port=443): Max retries exceeded with url: /api"},
        "nobody answers at 10.0.0.1:443.",
    ),
    "helm that nobody answered, of 2.19": (
        {
            "stdout": "",
            "stderr": 'Error: Kubernetes cluster unreachable: Get "https://127.0.0.1:9/version": dial tcp 127.0.0.1:9: '
            "connect: connection refused\n",
            "msg": "Failure when executing Helm command. Exited 1.\nstdout: \nstderr: Error: Kubernetes cluster ...",
        },
        'Kubernetes cluster unreachable: Get "https://127.0.0.1:9/version": dial tcp 127.0.0.1:9: connect: connection '
        "refused.",
    ),
    "helm that is not there, of 2.19": (
        {"rc": 2, "cmd": "/nowhere/helm list --filter a", "msg": "Error executing command.", "stderr": ""},
        "/nowhere/helm cannot be run.",
    ),
    "a condition of 2.19": (
        {"msg": "Task failed: Error while evaluating conditional: object of type 'dict' has no attribute 'resources'"},
        "object of type 'dict' has no attribute 'resources'.",
    ),
    "a filter of 2.19": (
        {
            "msg": "Task failed: Finalization of task args for 'ansible.builtin.set_fact' failed: Error while "
            "resolving "
            "value for 'x': The filter plugin 'rhaii.gke.docker_config' failed: The file is no pull secret. Get one."
        },
        "The file is no pull secret.",
    ),
    "until of 2.19": (
        {"rc": 0, "cmd": ["true"], "msg": "", "attempts": 2, "exception": "(traceback unavailable)"},
        "What the task 'Install cert-manager' waits for did not come true in 2 looks.",
    ),
    "k8s_info with until": (
        {"attempts": 60, "changed": False, "resources": [{"kind": "Deployment"}], "api_found": True},
        "What the task 'Install cert-manager' waits for did not come true in 60 looks.",
    ),
    "helm": (
        {
            "command": "/usr/bin/helm upgrade -i cert-manager ...",
            "msg": "Failure when executing Helm command. Exited 1.\nstdout: \nstderr: WARNING: Kubernetes "
            "configuration "
            "file is group-readable.\nError: INSTALLATION FAILED: cannot re-use a name that is still in use\n",
            "stderr": "WARNING: Kubernetes configuration file is group-readable.\n"
            "Error: INSTALLATION FAILED: cannot re-use a name that is still in use\n",
        },
        "INSTALLATION FAILED: cannot re-use a name that is still in use.",
    ),
    "a module without its library": (
        {"msg": "MODULE FAILURE\nSee stdout/stderr for the exact error", "rc": 1, "module_stderr": TRACEBACK},
        "ModuleNotFoundError: No module named 'kubernetes'.",
    ),
    "the same of 2.19": (
        {"msg": "Task failed: Module failed: No module named 'kubernetes'", "exception": TRACEBACK},
        "No module named 'kubernetes'.",
    ),
    "a traceback alone": ({"exception": TRACEBACK}, "ModuleNotFoundError: No module named 'kubernetes'."),
    "a template of 2.17": (
        {
            "msg": "The task includes an option with an undefined variable.. The error was: 'x' is undefined. 'x' is "
            "undefined\n\nThe error appears to be in '/opt/roles/a.yml': line 3, column 3, but may\nbe elsewhere"
        },
        "'x' is undefined.",
    ),
    "our pool without machines": (
        {
            "msg": "Google ended resizing the node pool (operation-1-a) with an error: GCE_STOCKOUT: Not all. Wait.",
            "stockout": True,
            "location": "europe-west4-a",
            "name": "tpu-pool",
        },
        "europe-west4-a has no such machines at the moment (a stockout), so that tpu-pool lacks some.",
    ),
    "our pool in trouble": (
        {
            "msg": "Google ended resizing the node pool (operation-1-a) with an error: INTERNAL: x. Wait.",
            "stockout": False,
            "location": "europe-west4-a",
        },
        "Google ended resizing the node pool with an error: INTERNAL: x.",
    ),
    "a stockout": (
        {"msg": "[GCE_STOCKOUT]: The zone 'a' does not have enough resources. '(resource type:compute)'. Wait."},
        "[GCE_STOCKOUT]: The zone 'a' does not have enough resources.",
    ),
    "a template of 2.19": (
        {
            "msg": "Task failed: Finalization of task args for 'ansible.builtin.debug' failed: Error while "
            "resolving value "
            "for 'msg': 'x' is undefined\nOrigin: /opt/roles/a.yml:3:3\n\n1 - name\n"
        },
        "'x' is undefined.",
    ),
    "the first failed item of a loop": (
        {
            "msg": "One or more items failed",
            "results": [
                {"item": "a", "failed": False, "msg": "fine"},
                {"item": "b", "failed": True, "msg": "b is missing. Add it."},
                {"item": "c", "failed": True, "msg": "c is missing"},
            ],
        },
        "b is missing.",
    ),
    "an item that is secret": (
        {"msg": "One or more items failed", "results": [{"failed": True, "_ansible_no_log": True, "msg": "hf_secret"}]},
        "What an item of the task says is secret.",
    ),
    "no word at all": ({"rc": 3}, "The task 'Install cert-manager' failed and did not say why."),
    "a command": ({"rc": 1, "msg": "no such user", "stderr": ""}, "no such user."),
    "a command that fails": (
        {"rc": 1, "msg": "non-zero return code", "stderr": "sed: no such file\nmore"},
        "sed: no such file: more.",
    ),
}


@pytest.mark.parametrize("result, wanted", RESULTS.values(), ids=RESULTS)
def test_sentence_of_each_result(result: dict[str, Any], wanted: str) -> None:
    assert failure_sentence({"failed": True, **result}, TASK) == wanted


@pytest.mark.parametrize(
    "result, task",
    [
        ({"censored": "the output has been hidden", "msg": "s3cret"}, TASK),
        ({"_ansible_no_log": True, "msg": "s3cret"}, TASK),
        ({"msg": "s3cret"}, {**TASK, "no_log": True}),
    ],
)
def test_what_is_secret_stays_so(result: dict[str, Any], task: dict[str, Any]) -> None:
    assert failure_sentence(result, task) == "The task 'Install cert-manager' failed, and what it says is secret."


def test_secret_task_without_a_name() -> None:
    assert failure_sentence({"msg": "s3cret"}, {"no_log": True}) == "What the task says is secret."


def test_nobody_said_how_it_is_called() -> None:
    assert failure_sentence({"attempts": 3}, {}) == "What the task waits for did not come true in 3 looks."


def test_nothing_at_all() -> None:
    assert failure_sentence({}, {}) == "The task failed and did not say why."


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("login with hf_AbCdEfGhIjKl was refused", "login with (not shown) was refused"),
        ("header Authorization: Bearer abc.def-1 was refused", "header Authorization: Bearer (not shown) was refused"),
        ("got ya29.a0Af_x-Y from it", "got (not shown) from it"),
        ("oci://me:pw@registry/x is away", "oci://(not shown)@registry/x is away"),
        ("password=abc def", "password=(not shown) def"),
        ("a -----BEGIN PRIVATE KEY----- b", "a (not shown)"),
        ("eyJhbGciOiJ.eyJpc3MiOi.x-y was no token", "(not shown) was no token"),
    ],
)
def test_secrets_of_others_are_cut_out(text: str, wanted: str) -> None:
    assert sentence(text) == wanted


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("One. Two.", "One"),
        ("It is v1.2 or more. Two", "It is v1.2 or more"),
        ("See e.g. This one. Two", "See e.g. This one"),
        ('He said "No. Never. Ever" and left. Two', 'He said "No. Never. Ever" and left'),
        ("Too many (of A. B) here. Two", "Too many (of A. B) here"),
        ("Really? Yes", "Really?"),
        ("ends in an item:", "ends in an item"),
        ("  \n ", ""),
    ],
)
def test_one_sentence(text: str, wanted: str) -> None:
    assert sentence(text) == wanted


def test_a_long_one_is_cut() -> None:
    assert len(sentence("x" * 1000)) == LONGEST
    assert failure_sentence({"msg": "x" * 1000}, TASK).endswith("…")


@pytest.mark.parametrize("name", ["role : file | Do it", "file | Do it", "role : Do it", "Do it"])
def test_title(name: str) -> None:
    assert title(name) == "Do it"


@pytest.mark.parametrize("result, wanted", RESULTS.values(), ids=RESULTS)
def test_no_dump_and_no_traceback(result: dict[str, Any], wanted: str) -> None:
    said = failure_sentence(result, TASK)
    assert "\n" not in said
    assert not any(word in said for word in ("Traceback", "MODULE FAILURE", '"kind"', 'File "', "Origin:"))
