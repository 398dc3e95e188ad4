# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of stand-ins against originals can fail."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.settings import CHECKOUT
from tests.prove.proof import StepError
from tests.prove.real import GOLDEN, ROUTING, counted


def row(component: str, different: int = 0) -> dict[str, Any]:
    return {"component": component, "compared": 3, "equal": 2, "listed": 1, "different": different}


def test_originals_that_are_missing_or_differ_are_said() -> None:
    whole = [row(name) for name in "abcd"]
    assert counted(whole) == whole
    with pytest.raises(StepError, match="wanted 4 originals without a difference; found a, b, c; different"):
        counted(whole[:3])
    with pytest.raises(StepError, match=r"different: \['d'\]"):
        counted([*whole[:3], row("d", 1)])


def test_the_tests_are_there() -> None:
    assert all((CHECKOUT / file).exists() for file in (*GOLDEN, ROUTING))
