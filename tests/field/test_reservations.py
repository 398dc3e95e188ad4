# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reservations: specific and aggregate, shared, and by block, with what is free in them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, RestApi
from ansible_collections.rhaii.gke.plugins.module_utils._quota.google import GoogleReservations
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import Wanted, judge_reservation

from sandbox.cloud.discovery import Document, document
from tests.field.rows import Row, rows

ZONE = "us-east5-a"


class Answering(RestApi):
    """Answers by path, as the row says."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(None, "https://compute.example", 1.0)
        self._answers = answers

    def call(self, doing: str, method: str, path: str, **_given: Any) -> dict[str, Any]:
        answer = self._answers.get(path.removeprefix("/compute/v1/"), 404)
        if isinstance(answer, int):
            raise GoogleError(doing, answer, "", "no")
        return dict(answer)


@rows("reservations")
def test_what_a_reservation_has_free(row: Row) -> None:
    given = row.given
    lists = GoogleReservations(Answering(given["answers"]), "p")
    if row.right["verdict"] == "refused":
        with pytest.raises(RhaiiError, match=row.right["free"]):
            lists.reservation(ZONE, given["name"])
        return
    problem, found = "", None
    try:
        found = lists.reservation(ZONE, given["name"])
    except GoogleError as error:
        problem = error.message
    wanted = Wanted(given["name"], given["machine"], given["nodes"], own=0)
    check = judge_reservation(wanted, ZONE, found, problem)
    assert check.verdict == row.right["verdict"]
    assert row.right["free"] in check.reason


@rows("reservations")
def test_answers_of_the_rows_are_such_as_google_gives(row: Row) -> None:
    """Each is read by Google's own description of its API, so that no row tests a form that there is not."""
    described = document("compute.v1")
    for path, answer in row.given["answers"].items():
        if isinstance(answer, dict):
            fits(described, kind_of(path), answer)


def kind_of(path: str) -> str:
    if "/reservationSubBlocks/" in path:
        return "ReservationSubBlocksGetResponse"
    return "ReservationBlocksGetResponse" if "/reservationBlocks/" in path else "Reservation"


def fits(described: Document, kind: str, answer: dict[str, Any]) -> None:
    known = described.schemas[kind]["properties"]
    for name, value in answer.items():
        assert name in known, f"{kind} has no {name}"
        of = known[name]
        if isinstance(value, dict) and "$ref" in of:
            fits(described, of["$ref"], value)
        for each in value if isinstance(value, list) else ():
            fits(described, of["items"]["$ref"], each)
        if "enum" in of:
            assert value in of["enum"], f"{name} of {kind} is never {value}"
