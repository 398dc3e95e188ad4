# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the server looks for before it starts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.logs import server_cause

from sandbox.images.container import Container
from sandbox.images.vllm.command_line import Options, parse
from sandbox.images.vllm.latency import Hardware
from sandbox.images.vllm.service import build
from sandbox.images.vllm.startup import (
    Plan,
    StartupError,
    check_devices,
    is_hybrid,
    plan,
    tpu_block_size,
    visible_devices,
    warm_up,
)
from sandbox.images.vllm.words import (
    FORMS,
    cache_too_small,
    form_of,
    longer_than_the_model,
    no_chips,
    no_config,
    no_weights,
    of_the_engine,
    too_few_chips,
)

TPU = Hardware.load("tpu")


def options(*arguments: str) -> Options:
    return parse(["vllm", "serve", "/mnt/models", *arguments], {})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 4096}), encoding="utf-8")
    (tmp_path / "model-00001-of-00001.safetensors").touch()
    return tmp_path


def container(tmp_path: Path, **environ: str) -> Container:
    return Container(tmp_path, "10.1.0.2", "pod", "ns", 60.0, environ)


@pytest.mark.parametrize(
    ("environ", "count"),
    [
        pytest.param({"SANDBOX_TPU_CHIPS": "4"}, 4, id="the node says"),
        pytest.param({"SANDBOX_TPU_CHIPS": "0", "TPU_CHIPS_PER_HOST_BOUNDS": "2,2,1"}, 0, id="the node says none"),
        pytest.param({"TPU_CHIPS_PER_HOST_BOUNDS": "2,2,1"}, 4, id="the manifest hints"),
        pytest.param({}, 0, id="nothing"),
    ],
)
def test_chips_are_found(tmp_path: Path, environ: dict[str, str], count: int) -> None:
    assert visible_devices(container(tmp_path, **environ), "tpu") == count


def test_missing_or_too_few_chips_stop_the_start() -> None:
    check_devices(4, options("-tp", "4"), "tpu")
    with pytest.raises(StartupError, match="Unable to initialize backend 'tpu'"):
        check_devices(0, options(), "tpu")
    with pytest.raises(StartupError, match="found 4, expected 8"):
        check_devices(4, options("-tp", "8"), "tpu")
    with pytest.raises(StartupError, match="CUDA"):
        check_devices(0, options(), "cuda")
    with pytest.raises(StartupError, match=r"World size \(8\)"):
        check_devices(4, options("-tp", "8"), "cuda")


def test_sizes_come_from_hardware_model_and_options(model: Path) -> None:
    found = plan(model, options(), TPU)
    assert (found.block_size, found.max_model_len, found.blocks) == (256, 4096, 5840)
    chosen = plan(model, options("--max-model-len=2048", "--block-size=16", "--max-num-seqs=5"), TPU)
    assert (chosen.block_size, chosen.max_model_len, chosen.max_num_seqs) == (16, 2048, 5)
    assert chosen.blocks == 11680 * 8
    assert plan(model, options("--num-gpu-blocks-override=40"), TPU).blocks == 40


def test_empty_folder_is_no_model(tmp_path: Path, model: Path) -> None:
    with pytest.raises(StartupError, match=r"config\.json"):
        plan(tmp_path / "nothing", options(), TPU)
    (model / "model-00001-of-00001.safetensors").unlink()
    with pytest.raises(StartupError, match="model weights"):
        plan(model, options(), TPU)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(["--max-model-len=8192"], "max_position_embeddings=4096", id="longer than the model"),
        pytest.param(["--num-gpu-blocks-override=3"], "KV cache", id="cache too small"),
    ],
)
def test_sizes_that_do_not_fit_stop_the_start(model: Path, arguments: list[str], part: str) -> None:
    with pytest.raises(StartupError, match=part):
        plan(model, options(*arguments), TPU)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("said", "understood"),
    [
        pytest.param(lambda form: cache_too_small(8192, 4096, form), "KV cache|one sequence", id="cache"),
        pytest.param(lambda form: no_chips("tpu", form), "finds no chips", id="no chips"),
        pytest.param(lambda form: too_few_chips("tpu", 8, 4), "sees 4 chips and was told to use 8", id="too few"),
        pytest.param(lambda form: no_config("/mnt/models", form), r"config\.json is missing", id="no config"),
        pytest.param(lambda form: no_weights("/mnt/models"), "weights are missing", id="no weights"),
        pytest.param(lambda form: longer_than_the_model(8192, 4096), "8192", id="longer than the model"),
    ],
)
def test_what_the_stand_in_prints_is_understood(said: Callable[[str], str], understood: str, form: str) -> None:
    """All of it, with the tracebacks of every process beneath the cause."""
    log = "\n".join(
        f"({who}) ERROR 11-24 12:00:00 [x.py:1] {line}" if who else line for who, line in of_the_engine(said(form))
    )
    found = server_cause(log)
    assert found is not None and re.search(understood, found.said)
    assert len(log.splitlines()) > 80, "the cause stands far above the end"


def test_forms_are_drawn_by_the_models_name() -> None:
    assert {form_of(f"m{number}", {}) for number in range(30)} == set(FORMS)
    assert form_of("m", {"SANDBOX_VLLM_WORDS": "0.8"}) == "0.8"


async def test_markers_come_in_order_and_take_the_guides_time(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SPEED", "30")
    lines: list[str] = []
    played: dict[str, float] = {}

    async def play(kind: str, seconds: float) -> None:
        played[kind] = played.get(kind, 0.0) + seconds

    sizes = replace(plan(model, options(), TPU), shards=2)
    assert isinstance(sizes, Plan)
    await warm_up(sizes, lambda _, text: lines.append(text), play)
    markers = [
        "Loading safetensors checkpoint shards: 100%",
        "Loading weights took 60.00 seconds",
        "GPU KV cache size: 1,495,040 tokens",
        "Compiling the model with different input shapes",
        "Compiled the model with different input shapes",
    ]
    places = [next(place for place, line in enumerate(lines) if marker in line) for marker in markers]
    assert places == sorted(places)
    assert played == {"load weights": pytest.approx(60 / 30), "compile": pytest.approx(150 / 30)}


@pytest.mark.parametrize(
    ("longest", "block"), [(2048, 128), (4096, 256), (1024, 64), (8192, 256), (8193, 16), (100, 16), (1500, 128)]
)
def test_block_on_a_tpu_follows_the_longest_sequence(longest: int, block: int) -> None:
    assert tpu_block_size(longest) == block


@pytest.mark.parametrize(
    ("config", "hybrid"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"layer_types": ["full_attention", "sliding_attention"]}, False, id="Gemma 3"),
        pytest.param({"layer_types": ["linear_attention", "full_attention"]}, True, id="Qwen3-Next"),
        pytest.param({"hybrid_override_pattern": "M-M*"}, True, id="Nemotron-H"),
        pytest.param({"attn_layer_period": 8}, True, id="Jamba"),
    ],
)
async def test_hybrid_model_takes_nothing_from_its_prefix_cache(
    model: Path, config: dict[str, object], hybrid: bool
) -> None:
    assert is_hybrid(config) is hybrid
    written = json.dumps({"max_position_embeddings": 4096, **config})
    (model / "config.json").write_text(written, encoding="utf-8")
    # asked for or not
    given = options("--enable-prefix-caching")
    sizes = plan(model, given, TPU)
    engine, _api = build(given, TPU, sizes, container(model))
    cache = engine.scheduler.cache
    prompt = list(range(3 * sizes.block_size + 1))
    first = cache.allocate(cache.keys(prompt), len(prompt), len(prompt))
    assert first is not None
    assert cache.hits(cache.keys(prompt), len(prompt)) == (0 if hybrid else 3)
    lines: list[str] = []

    async def play(kind: str, seconds: float) -> None:
        """Nothing waits."""

    await warm_up(sizes, lambda _, text: lines.append(text), play)
    assert any("disabling prefix caching" in line for line in lines) is hybrid
