# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References, the catalogue, credentials, and what a pull gives."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from sandbox.nodes.image_store import ImageStore
from sandbox.nodes.images import Catalogue, NeverPullError, PullError, Reference, resolve
from sandbox.nodes.registry_credentials import Credential, credentials_of

OPEN = "references: [registry.test/team/open]\nmodule: m.open\ntags: ['1', '2']\nentrypoint: [run]\ncmd: [default]\n"
LOCKED = "references: [private.test/team/locked]\nmodule: m.locked\nprivate: true\npull_seconds: 30\n"


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    for name, text in (("open", OPEN), ("locked", LOCKED)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "image.yml").write_text(text)
    return Catalogue(tmp_path)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("registry.test/a/b:1", "registry.test/a/b:1"),
        ("registry.test:5000/a", "registry.test:5000/a:latest"),
        ("busybox", "docker.io/library/busybox:latest"),
        ("team/tool:2", "docker.io/team/tool:2"),
        ("registry.test/a@sha256:ab", "registry.test/a@sha256:ab"),
        ("localhost/a", "localhost/a:latest"),
    ],
    ids=["whole", "port", "docker-library", "docker", "digest", "localhost"],
)
def test_reference_is_completed(text: str, full: str) -> None:
    assert Reference.parse(text).full == full


def test_image_id_is_the_same_everywhere_and_a_digest_when_given() -> None:
    assert Reference.parse("a.test/b:1").image_id == Reference.parse("a.test/b:1").image_id
    assert Reference.parse("a.test/b@sha256:ab").image_id == "a.test/b@sha256:ab"


def test_known_image_resolves(catalogue: Catalogue) -> None:
    image = resolve(catalogue, Reference.parse("registry.test/team/open:2"), [])
    assert image.module == "m.open"
    assert image.arguments([], []) == ["run", "default"]
    assert image.arguments([], ["-v"]) == ["run", "-v"]
    assert image.arguments(["sh"], []) == ["sh"]
    assert image.arguments(["sh"], ["-c"]) == ["sh", "-c"]


def test_unknown_tag_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(PullError, match=r"registry.test/team/open:9: not found"):
        resolve(catalogue, Reference.parse("registry.test/team/open:9"), [])


def test_unknown_repository_is_denied(catalogue: Catalogue) -> None:
    with pytest.raises(PullError, match="pull access denied"):
        resolve(catalogue, Reference.parse("registry.test/team/other:1"), [])


def test_private_image_wants_a_credential_of_its_registry(catalogue: Catalogue) -> None:
    reference = Reference.parse("private.test/team/locked:1")
    with pytest.raises(PullError, match="401 Unauthorized"):
        resolve(catalogue, reference, [Credential("other.test")])
    assert resolve(catalogue, reference, [Credential("private.test")]).private


def test_new_image_is_found_without_a_restart(catalogue: Catalogue, tmp_path: Path) -> None:
    assert catalogue.find(Reference.parse("new.test/one")) is None
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "image.yml").write_text("- references: [new.test/one]\n  module: m\n")
    assert catalogue.find(Reference.parse("new.test/one:7")) is not None


def test_description_without_module_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "image.yml").write_text("references: [a.test/b]\n")
    with pytest.raises(ValueError, match="must have module"):
        Catalogue(tmp_path).find(Reference.parse("a.test/b"))


@pytest.mark.parametrize(
    ("registry", "repository", "matches"),
    [
        ("registry.test", "registry.test/a/b", True),
        ("https://registry.test/", "registry.test/a/b", True),
        ("registry.test/a", "registry.test/a/b", True),
        ("registry.test/c", "registry.test/a/b", False),
        ("*.test", "registry.test/a/b", True),
        ("*.test", "eu.registry.test/a", False),
        ("registry.test:5000", "registry.test/a", False),
        ("https://index.docker.io/v1/", "docker.io/library/busybox", True),
    ],
    ids=["host", "url", "path", "other-path", "wildcard", "one-label", "port", "docker"],
)
def test_credential_is_for_its_registry(registry: str, repository: str, matches: bool) -> None:
    assert Credential(registry).matches(repository) is matches


def secret(auths: object, kind: str = "kubernetes.io/dockerconfigjson") -> dict[str, object]:
    text = json.dumps({"auths": auths})
    return {"type": kind, "data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()}}


def test_pull_secret_gives_usable_entries_only() -> None:
    auth = base64.b64encode(b"user:pass").decode()
    found = credentials_of(
        secret({"a": {"auth": auth}, "b": {"auth": "!"}, "c": {}, "d": {"username": "u", "password": "p"}})
    )
    assert [each.registry for each in found] == ["a", "d"]


@pytest.mark.parametrize(
    "bad",
    [secret({}, kind="Opaque"), {"type": "kubernetes.io/dockerconfigjson", "data": {}}, secret(["a"])],
    ids=["opaque", "empty", "list"],
)
def test_malformed_pull_secret_gives_nothing(bad: dict[str, object]) -> None:
    assert credentials_of(bad) == []


class Pulls:
    """A store with a clock of its own."""

    def __init__(self, catalogue: Catalogue, book: Path) -> None:
        self.played: list[tuple[str, float]] = []
        self.events: list[str] = []
        self.store = ImageStore(catalogue, book, pull_seconds=lambda image: image.pull_seconds or 5.0, play=self.play)

    async def play(self, name: str, seconds: float) -> None:
        self.played.append((name, seconds))

    async def pull(self, text: str, policy: str = "IfNotPresent", node: str = "n") -> float | None:
        credentials = [Credential("private.test")]
        pulled = await self.store.ensure(
            node, Reference.parse(text), policy, credentials, on_pull=lambda: self.events.append(text)
        )
        return pulled.seconds


async def test_image_is_pulled_once_a_node_and_remembered(catalogue: Catalogue, tmp_path: Path) -> None:
    pulls = Pulls(catalogue, tmp_path / "book.json")
    assert await pulls.pull("private.test/team/locked:1") is not None
    assert await pulls.pull("private.test/team/locked:1") is None
    await pulls.pull("private.test/team/locked:1", node="other")
    assert pulls.played == [("private.test/team/locked:1 on n", 30.0), ("private.test/team/locked:1 on other", 30.0)]
    again = Pulls(catalogue, tmp_path / "book.json")
    assert await again.pull("private.test/team/locked:1") is None
    again.store.forget("n")
    assert await again.pull("private.test/team/locked:1") is not None


async def test_policy_always_asks_the_registry_but_fetches_no_layers_again(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    pulls = Pulls(catalogue, tmp_path / "book.json")
    await pulls.pull("registry.test/team/open:1", "Always")
    await pulls.pull("registry.test/team/open:1", "Always")
    assert (len(pulls.events), [seconds for _, seconds in pulls.played]) == (2, [5.0])


async def test_policy_never_does_not_pull(catalogue: Catalogue, tmp_path: Path) -> None:
    pulls = Pulls(catalogue, tmp_path / "book.json")
    with pytest.raises(NeverPullError, match="pull policy of Never"):
        await pulls.pull("registry.test/team/open:1", "Never")
    assert pulls.events == []
