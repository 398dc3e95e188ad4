# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to ansible-core's own engine: many to one program of the tests, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.settings import CHECKOUT

Question = dict[str, Any]


def told(
    program: str, questions: Sequence[Question], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """All that a module such as tests.unit.roles.evaluating writes, which must end well."""
    done = subprocess.run(
        [sys.executable, "-m", program],
        cwd=CHECKOUT,
        env=dict(environment),
        input=json.dumps(list(questions)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done


def answers(program: str, questions: Sequence[Question], environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """One to each question."""
    found: list[dict[str, Any]] = json.loads(told(program, questions, environment).stdout)
    return found


def of_roles(questions: Sequence[Question], **environment: str) -> list[dict[str, Any]]:
    """What roles make of variables: for each {role, names, variables} an object of {value} or {error} by name."""
    config = {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
    return answers("tests.unit.roles.evaluating", questions, {**os.environ, **config, **environment})


__all__ = ("Question", "answers", "of_roles", "told")
