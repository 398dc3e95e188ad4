# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an apply makes of a Secret that somebody else set last."""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._ownership import FIELD_MANAGER

from tests.field.rows import Row, rows
from tests.unit.plugins.module_utils.applyset.fake_objects import manifest
from tests.unit.plugins.module_utils.applyset.test_apply import World


def secret(value: str) -> dict[str, Any]:
    return manifest("Secret", "token", data={"token": base64.b64encode(value.encode()).decode()})


@rows("secret_managers")
def test_a_secret_set_by_others_is_taken_back_or_named(row: Row) -> None:
    world, theirs, ours = World(), secret("their-value-1"), secret("our-value-22")
    if row.given["made_by"] == "us":
        key = world.objects.put_ours(secret("our-value-11"))
        world.objects.edit(key, ("data", "token"), theirs["data"]["token"], row.given["manager"])
    else:
        key = world.objects.put(theirs, row.given["manager"])
    result = world.ended(ours)
    if row.right["verdict"] == "goes on":
        assert not result.get("failed"), result
        assert world.objects.live[key]["data"] == ours["data"]
        assert world.objects.set_by[key][FIELD_MANAGER]
    else:
        assert result["failed"] is True
        assert "Secret ns/token" in result["msg"] and row.given["manager"] in result["msg"]
        assert row.given["made_by"] != "us" or ".data.token" in result["msg"]
        assert world.objects.live[key]["data"] == theirs["data"], "left as it is"
    for value in ("their-value-1", "our-value-22"):
        assert base64.b64encode(value.encode()).decode() not in str(result) + str(world.said)
