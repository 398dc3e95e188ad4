# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluates variables of roles by ansible-core's own engine, many in one process.

A program of its own, as rendering.py is one and for its reason. Reads from its standard input a list of questions,
{role, names, variables}, and writes for each an object of {value} or {error} by name.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import init_plugin_loader

from sandbox.settings import CHECKOUT
from tests.unit.roles.rendering import evaluate, load, trusted, variables_of


@cache
def of_role(role: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return load(role, "defaults/main.yml"), variables_of(role)


def answer(question: dict[str, Any]) -> dict[str, Any]:
    defaults, own = of_role(question["role"])
    variables = {"inventory_hostname": "prod", **defaults, **trusted(question["variables"]), **own}
    return {name: outcome(name, variables) for name in question["names"]}


def outcome(name: str, variables: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": json.loads(evaluate(f"{{{{ {name} | to_json }}}}", variables))}
    except AnsibleError as error:
        return {"error": str(error)}


def main() -> None:
    init_plugin_loader([str(CHECKOUT / ".ansible" / "collections")])
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
