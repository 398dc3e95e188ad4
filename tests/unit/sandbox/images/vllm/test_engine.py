# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's loop, on a clock that only its own sleeps move."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.images.vllm.engine import Engine
from sandbox.images.vllm.latency import Hardware
from sandbox.images.vllm.metrics import Metrics
from sandbox.images.vllm.prefix_cache import PrefixCache
from sandbox.images.vllm.scheduler import Scheduler


class SleptTime:
    """A clock and its sleep; `late` is how much longer every sleep takes than asked."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 100.0
        self.late = late

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late
        await asyncio.sleep(0)


def engine(time: SleptTime, *, caching: bool = True) -> Engine:
    hardware = Hardware.load("tpu")
    cache = PrefixCache(100, hardware.block_size, enabled=caching)
    queue = Scheduler(cache, hardware, max_num_seqs=8, max_batched_tokens=8192)
    return Engine(queue, Metrics("m", {"block_size": "128"}), clock=time.clock, sleep=time.sleep)


async def counts(made: Engine, prompt: int = 300, answer: int = 4) -> list[int]:
    return [work.generated async for work in made.tokens(list(range(prompt)), list(range(answer)))]


async def test_tokens_come_one_after_another_and_are_counted() -> None:
    made = engine(SleptTime())
    loop = asyncio.create_task(made.run())
    assert await counts(made) == [1, 2, 3, 4]
    assert await counts(made) == [1, 2, 3, 4]
    loop.cancel()
    metrics = made.metrics
    assert (metrics.queries.value(), metrics.hits.value(), metrics.cached.value()) == (600, 256, 256)
    assert (metrics.prompt.value(), metrics.generation.value()) == (600, 8)
    assert metrics.success.value(finished_reason="stop") == 2
    assert (metrics.whole.count, metrics.first_token.count, metrics.between.count) == (2, 2, 6)
    assert metrics.usage.value() == 0.0
    assert made.idle


async def test_busy_machine_does_not_make_the_model_slower() -> None:
    exact, late = SleptTime(), SleptTime(late=0.004)
    for time in (exact, late):
        made = engine(time)
        loop = asyncio.create_task(made.run())
        await counts(made, answer=50)
        loop.cancel()
        assert made.metrics.whole.total == pytest.approx(made.scheduler.hardware.step_seconds(300, 0) + 49 * 0.03)
    assert late.now - exact.now == pytest.approx(late.late, abs=1e-6)


async def test_switched_off_cache_is_not_asked() -> None:
    made = engine(SleptTime(), caching=False)
    loop = asyncio.create_task(made.run())
    await counts(made)
    loop.cancel()
    assert made.metrics.queries.value() == 0


async def test_reader_that_goes_away_ends_its_sequence() -> None:
    made = engine(SleptTime())
    loop = asyncio.create_task(made.run())
    tokens = made.tokens(list(range(300)), list(range(10_000)))
    assert (await anext(tokens)).generated == 1
    assert len(made.scheduler.running) == 1
    await tokens.aclose()
    loop.cancel()
    assert made.idle
    assert made.metrics.success.value(finished_reason="abort") == 1


async def test_page_has_the_names_that_dashboards_and_the_picker_read() -> None:
    page = engine(SleptTime()).metrics.page()
    for line in (
        'vllm:num_requests_waiting{engine="0",model_name="m"} 0.0',
        'vllm:request_success_total{engine="0",model_name="m",finished_reason="length"} 0.0',
        'vllm:cache_config_info{block_size="128",engine="0"} 1.0',
        'vllm:time_to_first_token_seconds_bucket{engine="0",model_name="m",le="+Inf"} 0.0',
        "# TYPE vllm:e2e_request_latency_seconds histogram",
    ):
        assert line in page.splitlines()
