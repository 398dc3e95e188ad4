# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM's prefix cache: blocks of KV cache found again by a chain of hashes.

Only full blocks are kept. A block's key covers everything before it, so that a hit is always a prefix. The last token
of a prompt is never taken from the cache, because its result is needed. Blocks that nobody uses stay until their room
is needed, the least recently used first, of one sequence the last block first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Block:
    """Room for one block of tokens."""

    users: int = 0
    key: int | None = None


@dataclass
class Allocation:
    """The blocks of one sequence; the first `hits` came out of the cache."""

    blocks: list[Block]
    hits: int
    keys: list[int] = field(default_factory=list)


class PrefixCache:
    """The KV cache of one engine."""

    def __init__(self, blocks: int, block_size: int, *, enabled: bool = True) -> None:
        self.block_size = block_size
        self.total = blocks
        self.enabled = enabled
        self._known: dict[int, Block] = {}
        # insertion order is the order of reuse
        self._free: OrderedDict[int, Block] = OrderedDict((id(block), block) for block in map(_empty, range(blocks)))

    @property
    def usage(self) -> float:
        """The share of blocks in use, 0 to 1."""
        return 1 - len(self._free) / self.total if self.total else 0.0

    def keys(self, tokens: Sequence[int], salt: str = "") -> list[int]:
        """The keys of the full blocks of a row of tokens."""
        found: list[int] = []
        key = hash(salt)
        for start in range(0, len(tokens) - self.block_size + 1, self.block_size):
            key = hash((key, tuple(tokens[start : start + self.block_size])))
            found.append(key)
        return found

    def hits(self, keys: Sequence[int], length: int) -> int:
        """How many blocks at the start of a prompt of `length` tokens are in the cache."""
        if not self.enabled:
            return 0
        limit = max(length - 1, 0) // self.block_size
        count = 0
        while count < min(limit, len(keys)) and keys[count] in self._known:
            count += 1
        return count

    def allocate(self, keys: Sequence[int], length: int, room: int) -> Allocation | None:
        """Blocks for a prompt of `length` tokens and `room` tokens in all; None while there are too few."""
        hits = self.hits(keys, length)
        found = [self._known[key] for key in keys[:hits]]
        needed = -(-room // self.block_size) - hits
        idle_hits = sum(1 for block in found if not block.users)
        if needed > len(self._free) - idle_hits:
            return None
        for block in found:
            self._take(block)
        fresh = [self._evict() for _ in range(max(needed, 0))]
        allocation = Allocation(found + fresh, hits)
        self.fill(allocation, keys)
        return allocation

    def fill(self, allocation: Allocation, keys: Iterable[int]) -> None:
        """Note the keys of the blocks that are full by now; others may find them from here on."""
        if not self.enabled:
            return
        for place, (block, key) in enumerate(zip(allocation.blocks, keys, strict=False)):
            if place < len(allocation.keys):
                continue
            allocation.keys.append(key)
            if block.key is None and key not in self._known:
                block.key = key
                self._known[key] = block

    def release(self, allocation: Allocation) -> None:
        """Give a sequence's blocks back; their content stays until the room is needed."""
        for block in reversed(allocation.blocks):
            block.users -= 1
            if block.users == 0:
                self._free[id(block)] = block
                if block.key is None:  # nothing to find in it: the first to be used again
                    self._free.move_to_end(id(block), last=False)
        allocation.blocks = []

    def reset(self) -> None:
        """Forget all content."""
        for block in self._known.values():
            block.key = None
        self._known.clear()

    def _take(self, block: Block) -> None:
        if block.users == 0:
            self._free.pop(id(block))
        block.users += 1

    def _evict(self) -> Block:
        _, block = self._free.popitem(last=False)
        if block.key is not None:
            del self._known[block.key]
            block.key = None
        block.users = 1
        return block


def _empty(_: int) -> Block:
    return Block()
