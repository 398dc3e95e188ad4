# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The field's own inputs: one data file a kind, each row with its source and with who says what is right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parent
ORIGINS = ("report", "generated")
"""A *report* is what somebody met; a *generated* row varies a report by what its specification allows."""


@dataclass(frozen=True)
class Row:
    """One input of a kind, and what is right.

    ``source``: the report or the paragraph of the specification that the row comes from.
    ``reader``: who decided what is right: a program that read the same input (``kubectl``, ``google-auth``), or the
    rule's own text; never this project.
    """

    id: str
    origin: str
    source: str
    reader: str
    given: dict[str, Any]
    right: Any


def read(kind: str) -> list[Row]:
    """The rows of ``tests/field/<kind>.yml``, in their order."""
    found = yaml.safe_load((FOLDER / f"{kind}.yml").read_text(encoding="utf-8"))
    return [Row(**row) for row in found]


def rows(kind: str) -> pytest.MarkDecorator:
    """``@rows("tokens")``: the test is run once for each row of the kind, as ``row``."""
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in read(kind)])
