# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block-wise prefix cache."""

from __future__ import annotations

import random

import pytest

from sandbox.images.vllm.prefix_cache import Allocation, PrefixCache

SIZE = 4


def cache(blocks: int = 8, *, enabled: bool = True) -> PrefixCache:
    return PrefixCache(blocks, SIZE, enabled=enabled)


def take(held: PrefixCache, tokens: list[int], more: int = 0) -> Allocation:
    found = held.allocate(held.keys(tokens), len(tokens), len(tokens) + more)
    assert found is not None
    return found


def test_second_request_hits_full_blocks_only() -> None:
    held = cache()
    first = take(held, list(range(10)))
    assert first.hits == 0
    assert take(held, list(range(10))).hits == 2
    assert take(held, [*range(4), 99, 99, 99, 99]).hits == 1


def test_last_token_is_never_from_the_cache() -> None:
    held = cache()
    held.release(take(held, list(range(8))))
    assert held.hits(held.keys(list(range(8))), 8) == 1
    assert held.hits(held.keys(list(range(9))), 9) == 2


def test_prompt_shorter_than_a_block_has_no_keys() -> None:
    held = cache()
    assert held.keys([1, 2, 3]) == []
    assert held.hits([], 3) == 0


def test_a_block_counts_only_behind_the_same_beginning() -> None:
    held = cache()
    held.release(take(held, [1, 1, 1, 1, 2, 2, 2, 2]))
    assert held.hits(held.keys([9, 9, 9, 9, 2, 2, 2, 2, 0]), 9) == 0


def test_salt_keeps_prompts_apart() -> None:
    held = cache()
    assert held.keys([1, 2, 3, 4], "a") != held.keys([1, 2, 3, 4], "b")


def test_content_outlives_its_request_until_the_room_is_needed() -> None:
    held = cache(4)
    held.release(take(held, list(range(8))))
    assert held.hits(held.keys([*range(8), 0]), 9) == 2
    held.release(take(held, list(range(100, 112))))
    # three of four blocks were needed: the empty two, then the end of the older prompt
    assert held.hits(held.keys([*range(8), 0]), 9) == 1


def test_using_a_prefix_makes_it_young_again() -> None:
    held = cache(4)
    held.release(take(held, list(range(4))))
    held.release(take(held, list(range(50, 54))))
    held.release(take(held, list(range(5))))
    held.release(take(held, list(range(200, 212))))
    assert held.hits(held.keys(list(range(5))), 5) == 1
    assert held.hits(held.keys(list(range(50, 55))), 5) == 0


def test_no_room_means_none_and_nothing_taken() -> None:
    held = cache(4)
    first = take(held, list(range(8)))
    assert held.allocate(held.keys(list(range(20, 32))), 12, 12) is None
    assert held.usage == 0.5
    held.release(first)
    assert held.usage == 0.0


def test_hits_that_nobody_uses_do_not_count_as_room() -> None:
    held = cache(3)
    held.release(take(held, list(range(8))))
    assert held.allocate(held.keys(list(range(9))), 9, 13) is None
    assert take(held, list(range(9))).hits == 2


def test_running_request_shares_its_blocks() -> None:
    held = cache(4)
    first, second = take(held, list(range(9))), take(held, list(range(9)))
    assert held.usage == 1.0
    held.release(first)
    assert held.usage == pytest.approx(0.75)
    held.release(second)
    assert held.usage == 0.0


def test_answer_becomes_part_of_the_prefix() -> None:
    held = cache()
    found = take(held, [1, 2, 3], more=6)
    whole = [1, 2, 3, 10, 11, 12, 13, 14, 15]
    held.fill(found, held.keys(whole[:-1]))
    held.release(found)
    assert held.hits(held.keys([*whole, 4]), 10) == 2


def test_switched_off_cache_hits_nothing() -> None:
    held = cache(enabled=False)
    held.release(take(held, list(range(8))))
    assert take(held, list(range(8))).hits == 0


def test_reset_forgets_all() -> None:
    held = cache()
    held.release(take(held, list(range(8))))
    held.reset()
    assert held.hits(held.keys([*range(8), 0]), 9) == 0


def test_books_balance_over_many_random_requests() -> None:
    chance = random.Random(7)
    held = cache(16)
    running: list[Allocation] = []
    for _ in range(2000):
        if running and (len(running) > 3 or chance.random() < 0.4):
            held.release(running.pop(chance.randrange(len(running))))
            continue
        tokens = [chance.randrange(2) for _ in range(chance.randrange(1, 20))]
        found = held.allocate(held.keys(tokens), len(tokens), len(tokens) + chance.randrange(4))
        if found:
            assert found.hits * SIZE < len(tokens)
            running.append(found)
    for found in running:
        held.release(found)
    assert held.usage == 0.0
