# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the model hub: names and refusals."""

from __future__ import annotations

import pytest

from sandbox.images.hub_client import HubError, Repository, refusal, token_of
from sandbox.images.storage_initializer.__main__ import pairs


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("hf://Qwen/Qwen2.5-3B-Instruct", Repository("Qwen/Qwen2.5-3B-Instruct", "main")),
        ("hf://a/b:v2", Repository("a/b", "v2")),
        ("a/b", Repository("a/b", "main")),
    ],
)
def test_uris_are_read(uri: str, expected: Repository) -> None:
    assert Repository.parse(uri) == expected


@pytest.mark.parametrize("uri", ["hf://Qwen", "hf://a/b/c", "hf:///b", "hf://a/"])
def test_uris_without_owner_and_name_are_refused(uri: str) -> None:
    with pytest.raises(HubError, match="OWNER/MODEL"):
        Repository.parse(uri)


@pytest.mark.parametrize(
    ("status", "code", "has_token", "part"),
    [
        pytest.param(401, "GatedRepo", False, "HF_TOKEN is not set", id="gated, no token"),
        pytest.param(403, "GatedRepo", True, "no access", id="gated, not granted"),
        pytest.param(401, "RepoNotFound", False, "private one needs HF_TOKEN", id="unknown, no token"),
        pytest.param(404, "RepoNotFound", True, "check its spelling", id="unknown"),
        pytest.param(401, "", True, "knows no such token", id="bad token"),
        pytest.param(404, "RevisionNotFound", True, "the revision does not", id="revision"),
        pytest.param(500, "", True, "500 error", id="anything else"),
    ],
)
def test_refusals_name_cause_and_remedy(status: int, code: str, has_token: bool, part: str) -> None:
    assert part in refusal("a/b", status, code, has_token=has_token)


def test_token_is_read_from_both_names() -> None:
    assert token_of({"HF_TOKEN": " x \n"}) == "x"
    assert token_of({"HUGGING_FACE_HUB_TOKEN": "y"}) == "y"
    assert token_of({}) == ""


def test_command_line_is_pairs() -> None:
    assert pairs(["/storage-initializer/scripts/initializer-entrypoint", "hf://a/b", "/mnt/models"]) == [
        ("hf://a/b", "/mnt/models")
    ]
    for argv in ([], ["hf://a/b"]):
        with pytest.raises(HubError, match="SOURCE DESTINATION"):
            pairs(argv)
