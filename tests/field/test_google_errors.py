# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals of Google, as people met them: what each means, whichever way it comes to us."""

from __future__ import annotations

import json
from typing import Any

import google.api_core.exceptions
import google.api_core.retry
import pytest
import requests
from ansible_collections.rhaii.gke.plugins.module_utils import _meaning
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import _refusal_of
from ansible_collections.rhaii.gke.plugins.module_utils._google import error_of
from google.api import error_reason_pb2
from google.rpc import code_pb2

from tests.field.rows import Row, read, rows


def response_of(given: dict[str, Any]) -> requests.Response:
    """An answer as requests has it."""
    answer = requests.Response()
    answer.status_code = given["status"]
    text = json.dumps(given["body"]) if "body" in given else given["text"]
    answer._content = text.encode()
    answer.headers.update(given.get("headers", {}))
    answer.request = requests.Request("GET", "https://container.googleapis.com/v1/x").prepare()
    return answer


@rows("google_errors")
def test_meaning_of_a_refusal(row: Row) -> None:
    refusal = error_of("do it", response_of(row.given))
    assert refusal.meaning == row.right
    if row.right not in ("precondition", "exists", "invalid"):
        assert refusal.remedy


@rows("google_errors")
def test_refusal_means_the_same_through_googles_client(row: Row) -> None:
    answer = response_of(row.given)
    if isinstance(row.given.get("body"), list):
        pytest.skip("the client itself fails on a list")
    error = google.api_core.exceptions.from_http_response(answer)
    assert _refusal_of("do it", error).meaning == row.right


@rows("google_errors")
def test_google_itself_would_repeat_no_more_than_we_do(row: Row) -> None:
    """What google.api_core calls transient is so for us, unless the answer names a cause that stays."""
    if isinstance(row.given.get("body"), list):
        pytest.skip("the client itself fails on a list")
    error = google.api_core.exceptions.from_http_response(response_of(row.given))
    stays = ("quota", "stockout", "reservation")
    if google.api_core.retry.if_transient_error(error) and row.right not in stays:
        assert row.right in ("passing", "rate")


def test_reasons_of_the_table_are_googles() -> None:
    """Those that no service has of its own stand in google.api.ErrorReason, and each row names one rightly."""
    # xds-protos brings an older form of this list, which has not the newest: whichever was installed last is there
    known = {*error_reason_pb2.ErrorReason.keys(), "IAM_PERMISSION_DENIED"}
    shared = {
        "SERVICE_DISABLED",
        "BILLING_DISABLED",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_QUOTA_EXCEEDED",
        "IAM_PERMISSION_DENIED",
        "USER_PROJECT_DENIED",
        "CONSUMER_INVALID",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "CREDENTIALS_MISSING",
    }
    in_table = {reason for rule in _meaning.RULES for reason in rule.reasons}
    assert shared <= known & in_table
    for row in read("google_errors"):
        for word in row.reader.split():
            assert not row.reader.startswith("google.api.ErrorReason ") or word in known | {"google.api.ErrorReason"}


@pytest.mark.parametrize("code", [name for name in dict(code_pb2.Code.items()) if name != "OK"])
def test_each_code_of_google_has_a_meaning(code: str) -> None:
    """An error of an operation may carry any of them, and no words."""
    expected = {
        "UNAVAILABLE": "passing",
        "INTERNAL": "passing",
        "DEADLINE_EXCEEDED": "passing",
        "UNAUTHENTICATED": "credentials",
        "PERMISSION_DENIED": "permission",
        "NOT_FOUND": "missing",
        "ALREADY_EXISTS": "exists",
        "FAILED_PRECONDITION": "precondition",
        "ABORTED": "precondition",
        "RESOURCE_EXHAUSTED": "exhausted",
        "INVALID_ARGUMENT": "invalid",
        "OUT_OF_RANGE": "invalid",
    }
    assert _meaning.meaning_of(0, code, "") == expected.get(code, "other")
