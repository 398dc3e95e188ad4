# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Index, scores and choice."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from sandbox.images.epp.config import DEFAULT, Config
from sandbox.images.epp.generation import generations, of_image
from sandbox.images.epp.prefix_index import PrefixIndex, block_hashes
from sandbox.images.epp.scorers import (
    Picker,
    Replica,
    Request,
    load_scores,
    no_hit_scores,
    queue_scores,
    usage_scores,
)

LONG = "You translate from English to French, keeping names. " * 20


def replicas(*queued: float) -> list[Replica]:
    return [Replica(f"pod-{place}", f"10.1.{place}.2:8000", depth) for place, depth in enumerate(queued)]


def picker(config: Config = DEFAULT) -> Picker:
    return Picker(config, chance=random.Random(3))


def test_only_full_blocks_are_hashed_and_each_covers_all_before() -> None:
    assert block_hashes("m", "x" * 255, characters=256, limit=9) == []
    one, two = block_hashes("m", LONG[:512], characters=256, limit=9)
    assert block_hashes("m", LONG[:300], characters=256, limit=9) == [one]
    assert block_hashes("m", "y" * 256 + LONG[256:512], characters=256, limit=9)[1] != two
    assert len(block_hashes("m", "x" * 9999, characters=256, limit=4)) == 4


def test_model_and_salt_keep_prompts_apart() -> None:
    found = {
        tuple(block_hashes(model, LONG, characters=256, limit=9, salt=salt))
        for model, salt in (("a", ""), ("b", ""), ("a", "s"))
    }
    assert len(found) == 3


def test_index_forgets_the_oldest_blocks_and_the_pods_that_went() -> None:
    index = PrefixIndex(3)
    index.record("a", [1, 2])
    index.record("a", [3])
    assert index.matched("a", [1, 2, 9]) == 2
    index.record("a", [1])
    index.record("a", [4])
    assert index.matched("a", [1, 2]) == 1
    assert index.size == 3
    index.retain(["b"])
    assert (index.matched("a", [1]), index.size) == (0, 0)


def test_queue_and_usage_scores() -> None:
    assert queue_scores(replicas(0, 5, 10)) == {"pod-0": 1.0, "pod-1": 0.5, "pod-2": 0.0}
    assert queue_scores(replicas(4, 4)) == {"pod-0": 1.0, "pod-1": 1.0}
    assert usage_scores([replace(replicas(0)[0], usage=0.25)]) == {"pod-0": 0.75}


def test_no_hit_scorer_takes_the_pod_that_waited_longest() -> None:
    matched = {"pod-0": 0, "pod-1": 0, "pod-2": 0}
    scores = no_hit_scores(replicas(0, 0, 0), matched, {"pod-0": 2, "pod-1": 1})
    assert scores == {"pod-2": 1.0, "pod-1": 0.5, "pod-0": 0.0}
    assert set(no_hit_scores(replicas(0, 0), {"pod-0": 1, "pod-1": 0}, {}).values()) == {0.5}


def test_same_prefix_goes_where_it_went_before() -> None:
    chosen = picker()
    pods = replicas(0, 0, 0)
    for number in range(6):
        first = chosen.pick(pods, Request("m", f"prefix {number}: {LONG}"))
        assert first is not None and first.matched == 0
        for _ in range(5):
            again = chosen.pick(pods, Request("m", f"prefix {number}: {LONG} and a tail of its own"))
            assert again is not None and again.replicas == first.replicas
            assert again.matched == first.blocks


def test_prefix_outweighs_the_longest_queue_by_default() -> None:
    chosen = picker()
    pods = replicas(0, 0)
    first = chosen.pick(pods, Request("m", LONG))
    assert first is not None
    first.replicas[0].queued = 50
    again = chosen.pick(pods, Request("m", LONG))
    assert again is not None and again.replicas == first.replicas
    queue_first = picker(Config({"queue-scorer": 3.0, "prefix-cache-scorer": 2.0}))
    queue_first.index = chosen.index
    other = queue_first.pick(pods, Request("m", LONG))
    assert other is not None and other.replicas != first.replicas


@pytest.mark.parametrize("prompt", [pytest.param("", id="no body"), pytest.param("short", id="less than a block")])
def test_without_a_full_block_requests_spread(prompt: str) -> None:
    chosen = picker()
    pods = replicas(0, 0, 0)
    counts = Counter(pick.replicas[0].name for _ in range(300) if (pick := chosen.pick(pods, Request("m", prompt))))
    assert set(counts) == {"pod-0", "pod-1", "pod-2"}
    assert min(counts.values()) > 70


def test_fallbacks_are_listed_when_asked_for() -> None:
    pick = picker(replace(DEFAULT, endpoints=2)).pick(replicas(0, 9, 5), Request("m", "x"))
    assert pick is not None and pick.destination == "10.1.0.2:8000,10.1.2.2:8000"


def test_random_pickers_do_not_follow_the_score() -> None:
    for name in ("random-picker", "weighted-random-picker"):
        chosen = picker(replace(DEFAULT, weights={"queue-scorer": 2.0}, picker=name))
        counts = Counter(pick.replicas[0].name for _ in range(300) if (pick := chosen.pick(replicas(0, 9), Request())))
        assert counts["pod-0"] > (100 if name == "random-picker" else 250)
        assert counts["pod-1"] > 0 or name == "weighted-random-picker"


def test_no_replica_means_none() -> None:
    assert picker().pick([], Request("m", LONG)) is None


def test_load_counts_half_and_falls_to_nothing_at_the_threshold() -> None:
    found = load_scores(replicas(0, 64, 128, 500), 128)
    assert list(found.values()) == [0.5, 0.25, 0.0, 0.0]


@pytest.mark.parametrize(
    ("image", "extension"),
    [
        ("registry.redhat.io/rhoai/odh-llm-d-inference-scheduler-rhel9@sha256:905b", "1.2"),
        ("ghcr.io/llm-d/llm-d-inference-scheduler:v0.2.0", "1.0"),
        ("ghcr.io/llm-d/llm-d-inference-scheduler:v0.7.1", "1.4"),
        ("", "1.2"),
    ],
)
def test_image_tells_the_generation(image: str, extension: str) -> None:
    assert of_image(image).extension == extension


def test_block_is_tuned_from_the_model_servers_where_the_generation_does_so() -> None:
    known, unknown = Replica("a", "10.1.0.2:8000", block_tokens=128), Replica("b", "10.1.1.2:8000")
    made = {name: found.block_characters for name, found in generations().items()}
    assert [made[name]([unknown, known]) for name in ("1.0", "1.2", "1.4")] == [64, 512, 64]
    assert made["1.2"]([unknown]) == 256
    tuned = Picker(DEFAULT, block_characters=made["1.2"], chance=random.Random(1))
    pick = tuned.pick([known], Request("m", "x" * 1100))
    assert pick is not None
    assert (pick.blocks, pick.block_characters) == (2, 512)
