# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images on each node: pulled once, then present."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.nodes.images import Catalogue, Image, NeverPullError, PullError, Reference, resolve
from sandbox.nodes.registry_credentials import Credential


@dataclass(frozen=True)
class Pulled:
    """An image that a container may be made from."""

    image: Image
    reference: Reference
    seconds: float | None
    """Real seconds of the pull; None when the image was there already."""


class ImageStore:
    """What each node has pulled, kept in a file for the next nodes process."""

    def __init__(
        self,
        catalogue: Catalogue,
        book: Path,
        *,
        pull_seconds: Callable[[Image], float],
        play: Callable[[str, float], Awaitable[None]],
    ) -> None:
        self._catalogue = catalogue
        self._book = book
        self._pull_seconds = pull_seconds
        self._play = play
        self._present: dict[str, set[str]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        if book.exists():
            try:
                content = json.loads(book.read_text(encoding="utf-8"))
            except json.JSONDecodeError:  # killed while it was written: pulling again costs a second
                content = {}
            self._present = {node: set(names) for node, names in content.items()}

    def present(self, node: str, reference: Reference) -> bool:
        """Whether the node has the image."""
        return reference.full in self._present.get(node, ())

    def on_node(self, node: str) -> list[str]:
        """The references that the node has."""
        return sorted(self._present.get(node, ()))

    def forget(self, node: str) -> None:
        """The node has gone, and its disk with it."""
        if self._present.pop(node, None) is not None:
            self._save()

    def _save(self) -> None:
        new = self._book.with_suffix(".new")
        new.write_text(json.dumps({node: sorted(names) for node, names in self._present.items()}), encoding="utf-8")
        new.replace(self._book)

    async def ensure(
        self,
        node: str,
        reference: Reference,
        policy: str,
        credentials: Sequence[Credential],
        *,
        on_pull: Callable[[], None],
    ) -> Pulled:
        """Have the image on the node by its pull policy; `on_pull` is called when a pull begins."""
        async with self._locks.setdefault((node, reference.full), asyncio.Lock()):
            there = self.present(node, reference)
            if there and policy != "Always":
                image = self._catalogue.find(reference)
                if image is None:
                    raise PullError(f'image "{reference.full}" is on the node, but sandbox/images has it no more')
                return Pulled(image, reference, None)
            if policy == "Never":
                raise NeverPullError(f'Container image "{reference.text}" is not present with pull policy of Never')
            on_pull()
            begun = time.monotonic()
            image = resolve(self._catalogue, reference, credentials)
            if not there:
                # layers that the node has are not fetched again: Always then asks for the manifest only
                await self._play(f"{reference.full} on {node}", self._pull_seconds(image))
                self._present.setdefault(node, set()).add(reference.full)
                self._save()
            return Pulled(image, reference, time.monotonic() - begun)
