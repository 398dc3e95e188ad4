# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's words for what is in the way: those of answers.yml, chosen by the cloud's seed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sandbox.cloud.errors import STATUS_CODES, GoogleError, Json, error_info
from sandbox.cloud.state import Operation, State

FILE = Path(__file__).parent / "answers.yml"

DOING = {
    "UPGRADE_MASTER": "upgrading cluster {cluster}",
    "UPGRADE_NODES": "upgrading cluster {cluster}",
    "AUTO_UPGRADE_NODES": "upgrading cluster {cluster}",
    "REPAIR_CLUSTER": "repairing cluster {cluster}",
    "AUTO_REPAIR_NODES": "repairing cluster {cluster}",
    "CREATE_NODE_POOL": "creating a node pool for cluster {cluster}",
    "DELETE_NODE_POOL": "deleting a node pool for cluster {cluster}",
}
"""What a refusal says of an operation, by its type; of others it says that it operates on the cluster."""


@cache
def forms() -> Mapping[str, Sequence[Json]]:
    """All that is known, by kind."""
    found: dict[str, list[Json]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def form_names(kind: str) -> list[str]:
    """The forms of a kind."""
    return [str(each["form"]) for each in forms().get(kind, ())]


def new_seed() -> str:
    """Another one for each cloud that nobody gives one."""
    return secrets.token_hex(4)


class Answers:
    """Which form it is, is decided by the seed, the kind and what it is about, unless a fault asks for one."""

    def __init__(self, state: State) -> None:
        self._state = state

    def form(self, kind: str, about: str) -> Json:
        """The form that Google uses now."""
        known = forms()[kind]
        asked = [fault["form"] for fault in self._state.faults if fault["kind"] == "answer" and fault["of"] == kind]
        if asked:
            return next(each for each in known if each["form"] == asked[-1])
        known = [each for each in known if not each.get("only_asked")]
        digest = hashlib.sha256(f"{self._state.seed}/{kind}/{about}".encode()).digest()
        return known[int.from_bytes(digest[:4], "big") % len(known)]

    def busy(self, running: Operation) -> GoogleError:
        """What a change gets while this operation works on its cluster."""
        # the operation's name is another one in each run, its number is not
        number = list(self._state.operations).index(running.name)
        doing = DOING.get(running.type, "operating on cluster {cluster}").format(cluster=running.cluster)
        names = {"operation": running.name, "cluster": running.cluster, "doing": doing}
        return error_of(self.form("busy", str(number)), names)

    def refusal(self, status: int, number: int, project: Mapping[str, Any], form: str = "") -> GoogleError | None:
        """What a call gets that is turned away with this status; None when no such answer is known."""
        kind = str(status)
        if kind not in forms():
            return None
        chosen = next((each for each in forms()[kind] if each["form"] == form), None)
        return error_of(chosen or self.form(kind, str(number)), project, code=status)


def error_of(form: Json, names: Mapping[str, Any], code: int | None = None) -> GoogleError:
    """A form as an answer."""
    details: list[Json] = []
    if form.get("reason"):
        details.append(error_info(form["reason"], {}, form["domain"]))
    if "html" not in form:
        details.append({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "0xe7ae075979bd6d29"})
    return GoogleError(
        form["status"],
        str(form.get("message", "")).format_map(names),
        code=code or STATUS_CODES[form["status"]],
        details=details,
        older=str(form.get("older", "")),
        page=form.get("html"),
    )
