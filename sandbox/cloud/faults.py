# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a cloud can do to one: a registry that the handlers ask."""

from __future__ import annotations

import re
import uuid
from typing import Any

from sandbox.cloud.answers import Answers, form_names
from sandbox.cloud.errors import GoogleError, Json
from sandbox.cloud.state import State

DEFAULT_QUOTA = "TPUS-PER-TPU-FAMILY-per-project-region"

# kind -> field -> (type, required)
KINDS: dict[str, dict[str, tuple[type, bool]]] = {
    "quota": {"region": (str, False), "value": (int, False), "absent": (bool, False), "quota": (str, False)},
    "stockout": {"zone": (str, True), "at": (str, False), "machine_type": (str, False), "left": (int, False)},
    "api_error": {
        "status": (int, True),
        "method": (str, False),
        "path": (str, False),
        "count": (int, False),
        "retry_after": (int, False),
        "message": (str, False),
        "form": (str, False),
    },
    "answer": {"of": (str, True), "form": (str, True)},
    "silent": {"zone": (str, True)},
    "delay": {"seconds": (float, True), "method": (str, False), "path": (str, False), "count": (int, False)},
    "operation_error": {"type": (str, True), "message": (str, False), "code": (int, False), "count": (int, False)},
    "node_preempt": {"node": (str, True)},
    "token_revoked": {},
    "token_lifetime": {"seconds": (int, True)},
    "pool_error": {"pool": (str, True), "message": (str, False), "count": (int, False)},
    "busy": {"cluster": (str, True), "guide_minutes": (float, True), "location": (str, False), "type": (str, False)},
}

MEANINGS = {
    "quota": "another limit, of TPU chips unless quota names another one",
    "stockout": "a zone without machines, noticed late (35 guide minutes) or immediate; left: how many it still has",
    "api_error": "calls that match are refused, in the words of a form of cloud/answers.yml",
    "answer": "Google uses this form of cloud/answers.yml (of: busy, stockout, quota, instances or a status)",
    "silent": "that zone does not answer Google: lists over all zones leave it out, and say so",
    "delay": "calls that match wait first",
    "operation_error": "operations of that type are done half way, with an error",
    "node_preempt": "a machine is gone at once and comes back after three guide minutes",
    "token_revoked": "at once: no access token that was given so far is good any more",
    "token_lifetime": "access tokens that are given from now on live so long",
    "pool_error": "the next creation or resize of that pool ends RUNNING_WITH_ERROR: one machine never becomes a node",
    "busy": "Google works on that cluster itself for so long, and refuses other changes meanwhile",
}

OWN_OPERATIONS = (
    "UPGRADE_MASTER",
    "UPGRADE_NODES",
    "REPAIR_CLUSTER",
    "AUTO_REPAIR_NODES",
    "AUTO_UPGRADE_NODES",
    "RESIZE_CLUSTER",
)
"""What Kubernetes Engine begins without being asked."""


class FaultError(ValueError):
    """A fault that cannot be; the sentence is for a person."""


class Faults:
    """The faults that are set. A count that is used up removes its fault."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answers = Answers(state)

    def all(self) -> list[Json]:
        """All faults that are set."""
        return self._state.faults

    def add(self, body: Any) -> Json:
        """Set a fault; FaultError says what is wrong with it."""
        fault = {"id": uuid.uuid4().hex[:8], **checked(body)}
        if fault["kind"] == "pool_error":
            fault.setdefault("count", 1)
        self._state.faults.append(fault)
        return fault

    def clear(self, identity: str = "") -> int:
        """Remove one fault, or all; returns how many went."""
        kept = [fault for fault in self._state.faults if identity and fault["id"] != identity]
        gone = len(self._state.faults) - len(kept)
        self._state.faults[:] = kept
        return gone

    def quotas(self, quota: str) -> list[Json]:
        """The faults of a quota, in the order in which they were set."""
        return [fault for fault in self._of("quota") if fault.get("quota", DEFAULT_QUOTA) == quota]

    def stockout(self, zone: str, machine_type: str) -> str | None:
        """`immediate` or `late` when the zone has none of these machines."""
        for fault in self._of("stockout"):
            if fault["zone"] == zone and re.search(fault.get("machine_type", "^ct"), machine_type):
                return str(fault.get("at", "late"))
        return None

    def machines_left(self, zone: str, machine_type: str) -> int:
        """How many such machines a zone with a stockout has all the same."""
        for fault in self._of("stockout"):
            if fault["zone"] == zone and re.search(fault.get("machine_type", "^ct"), machine_type):
                return int(fault.get("left", 0))
        return 0

    def api_error(self, method: str, path: str, names: Json) -> GoogleError | None:
        """The error that a call gets, if it gets one."""
        fault = self._take("api_error", method, path)
        if not fault:
            return None
        self._state.refused += 1
        status = fault["status"]
        answer = self._answers.refusal(status, self._state.refused, names, fault.get("form", ""))
        if answer is None or "message" in fault:
            word = answer.status if answer else "UNKNOWN"
            answer = GoogleError(word, fault.get("message", "An error occurred."), code=status)
        if "retry_after" in fault:
            answer.headers["Retry-After"] = str(fault["retry_after"])
        return answer

    def silent_zones(self) -> list[str]:
        """The zones that do not answer Google."""
        return sorted({str(fault["zone"]) for fault in self._of("silent")})

    def delay(self, method: str, path: str) -> float:
        """Real seconds that a call waits first."""
        fault = self._take("delay", method, path)
        return float(fault["seconds"]) if fault else 0.0

    def operation_error(self, kind: str) -> Json | None:
        """The error that an operation of this type ends with, if it does."""
        for fault in self._of("operation_error"):
            if re.search(fault["type"], kind):
                self._use(fault)
                return {"code": fault.get("code", 13), "message": fault.get("message", "Internal error.")}
        return None

    def token_lifetime(self) -> int | None:
        """Real seconds that access tokens live, where that is another time than Google's."""
        return next((int(fault["seconds"]) for fault in reversed(self._of("token_lifetime"))), None)

    def pool_error(self, pool: str) -> str | None:
        """Google's word on a pool that comes up in part; "" leaves the word to Google."""
        for fault in self._of("pool_error"):
            if fault["pool"] == pool:
                self._use(fault)
                return str(fault.get("message", ""))
        return None

    def waiting_to_be_busy(self) -> list[Json]:
        """What Google is about to do on clusters that are not there or not free yet."""
        return self._of("busy")

    def _of(self, kind: str) -> list[Json]:
        return [fault for fault in self._state.faults if fault["kind"] == kind]

    def _take(self, kind: str, method: str, path: str) -> Json | None:
        for fault in self._of(kind):
            if re.search(fault.get("method", ""), method) and re.search(fault.get("path", ""), path):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: Json) -> None:
        if "count" in fault:
            fault["count"] -= 1
            if fault["count"] <= 0:
                self.clear(fault["id"])


def checked(body: Any) -> Json:
    """A fault as it is kept, or FaultError."""
    if not isinstance(body, dict) or body.get("kind") not in KINDS:
        found = body.get("kind") if isinstance(body, dict) else body
        raise FaultError(f"a fault is an object whose kind is one of {', '.join(KINDS)}; found {found!r}.")
    wanted = KINDS[body["kind"]]
    for name, value in body.items():
        if name == "kind":
            continue
        if name not in wanted:
            raise FaultError(f"a {body['kind']} fault has no {name!r}; it has {', '.join(wanted)}.")
        kind = wanted[name][0]
        if isinstance(value, bool) is not (kind is bool) or not isinstance(
            value, (int, float) if kind is float else kind
        ):
            raise FaultError(f"{name} of a {body['kind']} fault is of type {kind.__name__}; found {value!r}.")
    missing = [name for name, (kind, required) in wanted.items() if required and name not in body]
    if missing:
        raise FaultError(f"a {body['kind']} fault needs {', '.join(missing)}.")
    check_values(body)
    return dict(body)


def check_values(body: Json) -> None:
    """What types alone do not say."""
    if body["kind"] == "quota" and ("value" in body) is bool(body.get("absent")):
        raise FaultError("a quota fault has either a value (-1 is unlimited) or absent: true.")
    if body["kind"] == "stockout" and body.get("at", "late") not in ("immediate", "late"):
        raise FaultError(f"at of a stockout fault is immediate or late; found {body['at']!r}.")
    if body["kind"] == "busy" and body.get("type", OWN_OPERATIONS[0]) not in OWN_OPERATIONS:
        raise FaultError(f"type of a busy fault is one of {', '.join(OWN_OPERATIONS)}; found {body['type']!r}.")
    if "form" in body:
        kind = str(body.get("of", body.get("status")))
        if body["form"] not in form_names(kind):
            known = ", ".join(form_names(kind)) or "none"
            raise FaultError(f"forms of {kind} are: {known}; found {body['form']!r}.")
    for name in ("seconds", "guide_minutes", "count"):
        if body.get(name, 1) <= 0:
            raise FaultError(f"{name} of a {body['kind']} fault is greater than 0; found {body[name]!r}.")
    for name in ("method", "path", "type", "machine_type"):
        try:
            re.compile(body.get(name, ""))
        except re.error as error:
            raise FaultError(f"{name} of a fault is a regular expression; {body[name]!r} is none ({error}).") from None


def kinds() -> str:
    """The kinds with their members, as the command line shows them."""
    lines = []
    for kind, members in KINDS.items():
        shown = [name if required else f"[{name}]" for name, (_type, required) in members.items()]
        lines.append(f"  {kind}: {MEANINGS[kind]}\n      {' '.join(shown) or '(no members)'}")
    return "\n".join(lines)
