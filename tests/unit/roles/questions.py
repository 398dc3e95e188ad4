# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role makes of variables, asked of evaluating.py: many questions, one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from sandbox.settings import CHECKOUT

Question = dict[str, Any]
"""{role, names, variables}."""


def ask(questions: Sequence[Question], **environment: str) -> list[dict[str, Any]]:
    """For each question an object of {value} or {error} by name."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.roles.evaluating"],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), **environment},
        input=json.dumps(list(questions)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
