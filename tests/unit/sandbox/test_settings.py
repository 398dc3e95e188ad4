# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings and guide time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import guide_time
from sandbox.settings import CHECKOUT, Settings


def test_defaults_are_the_checkout_and_a_minute_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBOX_DIR", raising=False)
    monkeypatch.delenv("SANDBOX_SPEED", raising=False)
    settings = Settings.load()
    assert (settings.root, settings.speed) == (CHECKOUT / ".sandbox", 60.0)


@pytest.mark.parametrize("text", ["0", "-3", "fast"])
def test_speed_that_is_no_positive_number_is_refused_with_its_value(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SPEED", text)
    with pytest.raises(SystemExit, match=f"above 0.*{text}"):
        Settings.load()


def test_control_plane_takes_the_guides_five_minutes_divided_by_the_speed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SANDBOX_DIR", str(tmp_path))
    monkeypatch.setenv("SANDBOX_SPEED", "30")
    assert guide_time.seconds("control_plane") == 10.0
    assert guide_time.scaled(90) == 3.0
