# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which replica has probably seen which prefix: the picker's own belief, kept from what it has decided before.

It has no tokenizer: a block is a number of characters, taken for four a token.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence


def block_hashes(model: str, prompt: str, *, characters: int, limit: int, salt: str = "") -> list[int]:
    """A hash for each full block of a prompt, each covering all before it."""
    found: list[int] = []
    key = hash((model, salt))
    for start in range(0, len(prompt) - characters + 1, characters):
        if len(found) == limit:
            break
        key = hash((key, prompt[start : start + characters]))
        found.append(key)
    return found


class PrefixIndex:
    """The prefixes of each replica, the least recently used forgotten first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._blocks: dict[str, OrderedDict[int, None]] = defaultdict(OrderedDict)

    def matched(self, replica: str, hashes: Sequence[int]) -> int:
        """How many blocks from the start a replica is believed to hold."""
        held = self._blocks.get(replica)
        if not held:
            return 0
        count = 0
        for key in hashes:
            if key not in held:
                break
            count += 1
        return count

    def record(self, replica: str, hashes: Iterable[int]) -> None:
        """A replica gets a request with these blocks."""
        held = self._blocks[replica]
        for key in hashes:
            held[key] = None
            held.move_to_end(key)
        while len(held) > self.capacity:
            held.popitem(last=False)

    def retain(self, replicas: Iterable[str]) -> None:
        """Forget the replicas that are gone: a new pod begins with an empty cache."""
        for gone in self._blocks.keys() - set(replicas):
            del self._blocks[gone]

    @property
    def size(self) -> int:
        """Blocks in the index."""
        return sum(map(len, self._blocks.values()))
