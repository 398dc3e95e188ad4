# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a run, and the report that a run keeps."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils import _report_file as report_file
from ansible_collections.rhaii.gke.plugins.module_utils import _run_folder as run_folder
from ansible_collections.rhaii.gke.plugins.module_utils._capability import execute, silent
from ansible_collections.rhaii.gke.plugins.module_utils._whole_files import write_whole


def folder(check: bool = False, **given: Any) -> dict[str, Any]:
    params = {"path": None, "parent": None, "files": {}, "state": "present", **given}
    return execute(run_folder.CAPABILITY, params, silent, check_mode=check, diff_mode=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_folder_and_files_are_their_owners_alone(tmp_path: Path, check: bool) -> None:
    result = folder(check, parent=str(tmp_path), files={"ca.pem": "certificate\n"})
    made = Path(result["path"])
    assert made.parent == tmp_path
    assert made.name.startswith("rhaii-")
    assert mode(made) == 0o700
    assert (made / "ca.pem").read_text() == "certificate\n"
    assert mode(made / "ca.pem") == 0o600
    assert result["changed"] is False


def test_folder_that_is_there_is_kept_and_one_that_went_is_made_anew(tmp_path: Path) -> None:
    first = folder(parent=str(tmp_path))["path"]
    assert folder(parent=str(tmp_path), path=first)["path"] == first
    Path(first).rmdir()
    second = folder(parent=str(tmp_path), path=first)["path"]
    assert second != first
    assert Path(second).is_dir()


def test_absent_folder_goes_with_what_is_in_it_once_and_again(tmp_path: Path) -> None:
    made = folder(parent=str(tmp_path), files={"token": "x"})["path"]
    assert folder(path=made, state="absent") == {"changed": False, "path": ""}
    assert not Path(made).exists()
    assert folder(path=made, state="absent") == {"changed": False, "path": ""}
    assert folder(state="absent") == {"changed": False, "path": ""}


def test_folder_of_others_is_not_removed(tmp_path: Path) -> None:
    other = tmp_path / "precious"
    other.mkdir()
    result = folder(path=str(other), state="absent")
    assert result["failed"]
    assert "precious is no folder that run_folder made" in result["msg"]
    assert other.is_dir()


@pytest.mark.parametrize("name", ["../ca.pem", "a/b", ".hidden"])
def test_file_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    result = folder(parent=str(tmp_path), files={name: "x"})
    assert result["failed"]
    assert f"{name} is no plain file name" in result["msg"]


def report(path: Path, content: Any, check: bool = False) -> dict[str, Any]:
    params = {"path": str(path), "publish": None, "report": content}
    return execute(report_file.CAPABILITY, params, silent, check_mode=check, diff_mode=True)


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
def test_report_is_written_with_its_folder_and_is_no_change(tmp_path: Path, check: bool) -> None:
    file = tmp_path / "a" / "b" / "prod.json"
    content = {"b": 1, "a": ["ü"]}
    assert report(file, content, check) == {"changed": False, "path": str(file), "report": content}
    assert json.loads(file.read_text(encoding="utf-8")) == {"a": ["ü"], "b": 1}
    assert mode(file) == 0o644


def test_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = report(tmp_path / "file" / "prod.json", {})
    assert result["failed"]
    assert f"Could not keep the report in {tmp_path}/file/prod.json" in result["msg"]


def test_file_that_says_the_same_is_left_alone_and_no_draft_stays(tmp_path: Path) -> None:
    file = tmp_path / "one"
    assert write_whole(file, "text", 0o600)
    before = file.stat().st_ino
    assert not write_whole(file, "text", 0o600)
    assert file.stat().st_ino == before
    assert write_whole(file, "other", 0o600)
    assert write_whole(file, "other", 0o644)
    assert mode(file) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_draft_that_cannot_be_put_in_place_is_removed(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "one", "text", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_report_is_published_among_the_runs_statistics(tmp_path: Path) -> None:
    params = {"path": None, "publish": "rhaii_prod", "report": {"ready": True}}
    assert execute(report_file.CAPABILITY, params, silent, check_mode=False, diff_mode=True) == {
        "changed": False,
        "path": "",
        "report": {"ready": True},
        "ansible_stats": {"data": {"rhaii_prod": {"ready": True}}, "per_host": False, "aggregate": True},
    }
