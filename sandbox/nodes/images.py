# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stand-in an image reference names, and what pulling it takes."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.nodes.registry_credentials import Credential

DEFAULT_REGISTRY = "docker.io"


@dataclass(frozen=True)
class Reference:
    """An image reference in its parts."""

    text: str
    repository: str
    """With its registry host."""
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference; without a tag it is `latest`, without a host it is Docker's."""
        rest, _, digest = text.partition("@")
        head, separator, tail = rest.rpartition(":")
        if separator and "/" not in tail:
            repository, tag = head, tail
        else:
            repository, tag = rest, "" if digest else "latest"
        first = repository.partition("/")[0]
        if "/" not in repository:
            repository = f"{DEFAULT_REGISTRY}/library/{repository}"
        elif "." not in first and ":" not in first and first != "localhost":
            repository = f"{DEFAULT_REGISTRY}/{repository}"
        return cls(text=text, repository=repository, tag=tag, digest=digest)

    @property
    def host(self) -> str:
        """The registry."""
        return self.repository.partition("/")[0]

    @property
    def full(self) -> str:
        """The reference with everything that was left out."""
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def image_id(self) -> str:
        """What the node reports as the image's identity; the same for the same reference on every node."""
        digest = self.digest or f"sha256:{hashlib.sha256(self.full.encode()).hexdigest()}"
        return f"{self.repository}@{digest}"


@dataclass(frozen=True)
class Image:
    """A stand-in image, as its image.yml describes it."""

    references: tuple[str, ...]
    tags: tuple[str, ...]
    module: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    private: bool
    pull_seconds: float | None
    """Guide seconds; None for the common figure."""

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any], source: Path) -> Image:
        """Read one description; ValueError names what it lacks."""
        missing = [name for name in ("references", "module") if not entry.get(name)]
        if missing:
            raise ValueError(f"{source} must have {' and '.join(missing)}")
        pull = entry.get("pull_seconds")
        return cls(
            references=tuple(entry["references"]),
            tags=tuple(str(tag) for tag in entry.get("tags") or ()),
            module=str(entry["module"]),
            entrypoint=tuple(str(word) for word in entry.get("entrypoint") or ()),
            cmd=tuple(str(word) for word in entry.get("cmd") or ()),
            private=bool(entry.get("private", False)),
            pull_seconds=None if pull is None else float(pull),
        )

    def arguments(self, command: Sequence[str], args: Sequence[str]) -> list[str]:
        """What the container runs: its own command and args before the image's."""
        if command:
            return [*command, *args]
        return [*self.entrypoint, *(args or self.cmd)]


class Catalogue:
    """All stand-in images; read again when an image is asked for that it does not know."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._images: list[Image] = []
        self._read_at: dict[Path, int] = {}

    def _read(self) -> None:
        found = [path for folder in self._folders for path in sorted(folder.glob("*/image.yml"))]
        files = {path: path.stat().st_mtime_ns for path in found}
        if files == self._read_at:
            return
        images = []
        for path in files:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            entries = content if isinstance(content, list) else [content]
            images += [Image.from_mapping(entry or {}, path) for entry in entries]
        self._images, self._read_at = images, files

    def find(self, reference: Reference) -> Image | None:
        """The stand-in for a reference's repository, whatever its tag; None when there is none."""
        found = self._named(reference)
        if found is None:
            self._read()
            found = self._named(reference)
        return found

    def _named(self, reference: Reference) -> Image | None:
        for image in self._images:
            for name in image.references:
                if fnmatch.fnmatchcase(reference.repository, Reference.parse(name).repository):
                    return image
        return None


class PullError(Exception):
    """The registry did not give the image; `reason` is the waiting reason that a kubelet shows."""

    reason = "ErrImagePull"


class NeverPullError(PullError):
    """The image is not on the node, and the policy forbids to pull it."""

    reason = "ErrImageNeverPull"


class InvalidNameError(PullError):
    """No image reference at all."""

    reason = "InvalidImageName"


def resolve(catalogue: Catalogue, reference: Reference, credentials: Sequence[Credential]) -> Image:
    """What the registry would answer: the image, or PullError with the sort of message a kubelet has."""
    image = catalogue.find(reference)
    head = f'failed to pull and unpack image "{reference.full}": failed to resolve reference "{reference.full}"'
    if image is None:
        raise PullError(
            f"{head}: pull access denied, repository does not exist or may require authorization: "
            "server message: insufficient_scope: authorization failed"
            " (no stand-in of sandbox/images has this reference)"
        )
    if image.private and not any(each.matches(reference.repository) for each in credentials):
        raise PullError(
            f"{head}: failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
            f"https://{reference.host}/v2/auth: 401 Unauthorized"
        )
    if image.tags and reference.tag and reference.tag not in image.tags:
        raise PullError(f"{head}: {reference.full}: not found")
    return image
