# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pickers of different ages do differently: each is built on a release of the Gateway API inference extension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox.images.epp.config import CHARACTERS_PER_TOKEN
from sandbox.images.epp.scorers import Replica


@dataclass(frozen=True)
class Generation:
    """One release of the extension, as far as the stand-in acts on it."""

    extension: str
    block_tokens: int
    """Of a prefix block, where the configuration names no size."""
    tuned: bool
    """Whether the model servers' own block size counts, as soon as one has told it."""
    refuses: bool
    """Whether a body without a model, or with a prompt that is no text, is answered with 400."""

    def block_characters(self, replicas: Sequence[Replica]) -> int:
        """How many characters of a prompt make a block."""
        told = next((replica.block_tokens for replica in replicas if replica.block_tokens), 0) if self.tuned else 0
        return (told or self.block_tokens) * CHARACTERS_PER_TOKEN


def generations() -> dict[str, Generation]:
    """All of generations.yml, by the release of the extension."""
    data = yaml.safe_load((Path(__file__).parent / "generations.yml").read_text(encoding="utf-8"))
    return {name: Generation(extension=name, **entry) for name, entry in data["extensions"].items()}


def of_image(image: str) -> Generation:
    """The generation of an image: by the tag of the schedulers that the community publishes, else EA1's."""
    data = yaml.safe_load((Path(__file__).parent / "generations.yml").read_text(encoding="utf-8"))
    tag = image.partition("@")[0].rpartition(":")[2]
    release = next((entry for prefix, entry in data["schedulers"].items() if tag.startswith(prefix)), data["ea1"])
    return generations()[release]
