# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of the model hub: names and refusals."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.logs import initializer_cause

from sandbox.images.hub_client import HubError, Repository, token_of
from sandbox.images.hub_words import BAD_TOKEN, DISABLED, GENERATIONS, generation_of, refused, unreachable
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


URL = "https://huggingface.co/api/models/a/b/revision/main"


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "part"),
    [
        pytest.param(401, "GatedRepo", "restricted", "GatedRepoError", "Cannot access gated repo", id="gated"),
        pytest.param(403, "GatedRepo", "restricted", "GatedRepoError", "restricted", id="not granted"),
        pytest.param(401, "RepoNotFound", "", "RepositoryNotFoundError", "private or gated", id="unknown, no token"),
        pytest.param(404, "RepoNotFound", "", "RepositoryNotFoundError", "Repository Not Found", id="unknown"),
        pytest.param(401, "", BAD_TOKEN, "HfHubHTTPError", "Unauthorized", id="bad token"),
        pytest.param(404, "RevisionNotFound", "", "RevisionNotFoundError", "Revision Not Found", id="revision"),
        pytest.param(404, "EntryNotFound", "", "EntryNotFoundError", "Entry Not Found", id="file"),
        pytest.param(403, "", DISABLED, "DisabledRepoError", "LocalEntryNotFoundError", id="switched off"),
        pytest.param(429, "", "", "HfHubHTTPError", "Too Many Requests", id="too many"),
        pytest.param(500, "", "", "HfHubHTTPError", "LocalEntryNotFoundError", id="anything else"),
    ],
)
def test_refusals_are_in_the_librarys_own_words(
    status: int, code: str, message: str, kind: str, part: str, generation: str
) -> None:
    said = refused(status, code, message, URL, generation)
    assert kind in said and part in said
    assert ("httpx" in said) is (generation == "2.4")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_the_stand_in_prints_is_understood(generation: str) -> None:
    """Its words are those of tests/field/hub_logs.yml, so that the wait for a service says the same of both."""
    away = initializer_cause(unreachable("[Errno 111] Connection refused", URL, generation))
    assert away is not None and "cannot be reached" in away.said
    gated = initializer_cause(refused(403, "GatedRepo", "", URL, generation))
    assert gated is not None and "gated" in gated.said


def test_the_generation_is_drawn_by_the_models_name() -> None:
    drawn = {generation_of(f"a/{number}", {}) for number in range(20)}
    assert drawn == set(GENERATIONS)
    assert generation_of("a/1", {"SANDBOX_HUB_CLIENT": "2.4"}) == "2.4"


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
