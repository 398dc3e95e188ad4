# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each row of the field's inputs says where it comes from and who decides; each data file has its test."""

from __future__ import annotations

import pytest

from tests.field.rows import FOLDER, ORIGINS, read

KINDS = sorted(file.stem for file in FOLDER.glob("*.yml"))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_have_a_source_a_reader_and_a_name_of_their_own(kind: str) -> None:
    found = read(kind)
    assert len({row.id for row in found}) == len(found)
    for row in found:
        assert row.origin in ORIGINS, row.id
        assert row.source and row.reader, row.id


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_run(kind: str) -> None:
    """A data file that no test reads would count rows that nobody looked at."""
    assert f'@rows("{kind}")' in (FOLDER / f"test_{kind}.py").read_text(encoding="utf-8")
