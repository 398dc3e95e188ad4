# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One token a run: who may read it, when it is used again, and what never gets in its way."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils import _kept_token
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleSettings

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SETTINGS = GoogleSettings("", "serviceaccount", "key.json")


def cached_token(settings: GoogleSettings, run_dir: str | None, mint: Mint, now: datetime, refused: str = "") -> str:
    return _kept_token.cached_token(settings, run_dir, mint, now, refused)[0]


class Mint:
    """A new token each time."""

    def __init__(self, end: datetime | None = NOW + timedelta(hours=1)) -> None:
        self.end = end
        self.made = 0

    def __call__(self) -> _kept_token.Kept:
        self.made += 1
        return _kept_token.Kept(f"token-{self.made}", self.end)


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def test_token_is_made_once_and_kept_for_its_owner_alone(run_dir: Path) -> None:
    mint = Mint()
    for _ in range(2):
        assert cached_token(SETTINGS, str(run_dir), mint, NOW) == "token-1"
    (kept,) = run_dir.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(kept.read_text(encoding="utf-8")) == {"token": "token-1", "end": "2026-11-24T13:00:00+00:00"}


@pytest.mark.parametrize(
    ("later", "token"),
    [
        pytest.param(timedelta(minutes=49, seconds=59), "token-1", id="more than ten minutes are left"),
        pytest.param(timedelta(minutes=50), "token-2", id="ten minutes are left"),
        pytest.param(timedelta(hours=2), "token-2", id="it has ended"),
    ],
)
def test_token_is_renewed_ten_minutes_before_its_end(later: timedelta, token: str, run_dir: Path) -> None:
    mint = Mint()
    cached_token(SETTINGS, str(run_dir), mint, NOW)
    assert cached_token(SETTINGS, str(run_dir), mint, NOW + later) == token


def test_naive_end_is_utc(run_dir: Path) -> None:
    mint = Mint(datetime(2026, 11, 24, 13, 0))
    cached_token(SETTINGS, str(run_dir), mint, NOW)
    assert cached_token(SETTINGS, str(run_dir), mint, NOW + timedelta(minutes=49)) == "token-1"


@pytest.mark.parametrize(("minutes", "token"), [(4, "token-1"), (5, "token-2")])
def test_token_without_an_end_is_looked_at_again(minutes: int, token: str, run_dir: Path) -> None:
    mint = Mint(None)
    cached_token(SETTINGS, str(run_dir), mint, NOW)
    assert cached_token(SETTINGS, str(run_dir), mint, NOW + timedelta(minutes=minutes)) == token


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(SETTINGS, auth_kind="application"), id="another kind"),
        pytest.param(replace(SETTINGS, service_account_file="other.json"), id="another key"),
        pytest.param(replace(SETTINGS, access_token="x"), id="another token"),
        pytest.param(replace(SETTINGS, impersonate_service_account="a@x"), id="acting as another"),
    ],
)
def test_each_account_has_a_token_of_its_own(other: GoogleSettings, run_dir: Path) -> None:
    mint = Mint()
    cached_token(SETTINGS, str(run_dir), mint, NOW)
    assert cached_token(other, str(run_dir), mint, NOW) == "token-2"
    assert cached_token(SETTINGS, str(run_dir), mint, NOW) == "token-1"
    assert not any("key.json" in file.name or "other" in file.name for file in run_dir.iterdir())


@pytest.mark.parametrize("folder", ["", None, "missing"])
def test_without_a_folder_every_call_makes_one(folder: str | None, tmp_path: Path) -> None:
    mint = Mint()
    place = str(tmp_path / folder) if folder else folder
    assert [cached_token(SETTINGS, place, mint, NOW) for _ in range(2)] == ["token-1", "token-2"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o750, 0o707, 0o740, 0o701])
def test_folder_that_others_see_into_is_not_used(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(mode)
    mint = Mint()
    assert [cached_token(SETTINGS, str(tmp_path), mint, NOW) for _ in range(2)] == ["token-1", "token-2"]
    assert not list(tmp_path.iterdir())


def test_folder_of_somebody_else_is_not_used(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    cached_token(SETTINGS, str(run_dir), Mint(), NOW)
    assert not list(run_dir.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": "x"}', '{"token": "x", "end": "soon"}', '{"end": 1}'])
def test_spoilt_file_is_replaced(content: str, run_dir: Path) -> None:
    mint = Mint()
    cached_token(SETTINGS, str(run_dir), mint, NOW)
    (kept,) = run_dir.iterdir()
    kept.write_text(content, encoding="utf-8")
    assert cached_token(SETTINGS, str(run_dir), mint, NOW) == "token-2"
    assert cached_token(SETTINGS, str(run_dir), mint, NOW) == "token-2"


def test_token_that_cannot_be_kept_is_still_a_token(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    assert cached_token(SETTINGS, str(run_dir), Mint(), NOW) == "token-1"


def test_token_that_was_refused_is_replaced_for_all(run_dir: Path) -> None:
    mint = Mint()
    cached_token(SETTINGS, str(run_dir), mint, NOW)
    assert cached_token(SETTINGS, str(run_dir), mint, NOW, "token-1") == "token-2"
    assert cached_token(SETTINGS, str(run_dir), mint, NOW, "token-1") == "token-2"


def test_no_draft_is_left(run_dir: Path) -> None:
    cached_token(SETTINGS, str(run_dir), Mint(), NOW)
    assert [file.suffix for file in run_dir.iterdir()] == [".json"]
