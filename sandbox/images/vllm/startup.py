# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the start of the container to the first request: what is looked for, logged and waited for."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sandbox.guide_time import durations, scaled
from sandbox.images.container import Container
from sandbox.images.vllm.command_line import Options
from sandbox.images.vllm.latency import Hardware
from sandbox.images.vllm.words import (
    cache_too_small,
    form_of,
    longer_than_the_model,
    no_chips,
    no_config,
    no_weights,
    too_few_chips,
)

Play = Callable[[str, float], Awaitable[None]]
"""Says what is played, and waits for so many real seconds."""

# What the device plugin of a node would show to the container.
DEVICES = {"tpu": ("SANDBOX_TPU_CHIPS", "google.com/tpu"), "cuda": ("SANDBOX_GPUS", "nvidia.com/gpu")}


SMALLEST_BLOCK, LARGEST_BLOCK = 16, 256
LONGEST_WITH_LARGE_BLOCKS = 8192


class StartupError(Exception):
    """The server does not come up; the container ends with code 1. The message is the error as Python prints it.

    ``of_engine``: it is the engine's process that ends, and the front says only that.
    """

    def __init__(self, message: str, *, of_engine: bool = False) -> None:
        super().__init__(message)
        self.of_engine = of_engine


@dataclass(frozen=True)
class Plan:
    """What the engine will be like."""

    folder: Path
    block_size: int
    blocks: int
    max_model_len: int
    max_num_seqs: int
    max_batched_tokens: int
    shards: int
    is_hybrid: bool = False


class Log(Protocol):
    """A line in vLLM's frame, of a process of its own where one is named."""

    def __call__(self, place: str, text: str, level: str = "INFO", process: str = "") -> None: ...


def logger(container: Container) -> Log:
    """Log lines in vLLM's frame."""

    def log(place: str, text: str, level: str = "INFO", process: str = "") -> None:
        whose = f"({process}) " if process else ""
        container.log(f"{whose}{level} {time.strftime('%m-%d %H:%M:%S')} [{place}] {text}")

    return log


def visible_devices(container: Container, kind: str) -> int:
    """How many accelerators the container was given.

    A node that does not say leaves the host's bounds, which the manifest sets itself, as the only hint.
    """
    variable, _ = DEVICES[kind]
    told = container.environ.get(variable)
    if told is not None:
        return int(told or 0)
    bounds = container.environ.get("TPU_CHIPS_PER_HOST_BOUNDS", "")
    if kind == "tpu" and bounds:
        return math.prod(int(part) for part in bounds.split(",") if part.strip().isdigit())
    return 0


def check_devices(found: int, options: Options, kind: str, environ: Mapping[str, str] | None = None) -> None:
    """The accelerators that the command line needs are there."""
    if found < 1:
        raise StartupError(no_chips(kind, form_of(options.model, environ or {})), of_engine=True)
    if options.tensor_parallel_size > found:
        raise StartupError(too_few_chips(kind, options.tensor_parallel_size, found), of_engine=True)


def read_config(folder: Path, name: str, form: str) -> dict[str, Any]:
    """The model's config.json."""
    file = folder / "config.json"
    if not file.exists():
        raise StartupError(no_config(name, form))
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StartupError(f"{name}/config.json is no JSON: {error}.") from error
    if not isinstance(config, dict):
        raise StartupError(f"{name}/config.json is no JSON object.")
    return config


def plan(folder: Path, options: Options, hardware: Hardware, environ: Mapping[str, str] | None = None) -> Plan:
    """Sizes of the engine; StartupError where vLLM would not start."""
    form = form_of(options.model, environ or {})
    config = read_config(folder, options.model, form)
    shards = len(list(folder.glob("*.safetensors")))
    if not shards:
        raise StartupError(no_weights(options.model), of_engine=True)
    longest = int(config.get("max_position_embeddings") or 32768)
    max_model_len = options.max_model_len or longest
    if max_model_len > longest:
        raise StartupError(longer_than_the_model(max_model_len, longest))
    by_itself = tpu_block_size(max_model_len) if hardware.block_by_length else hardware.block_size
    block_size = options.block_size or by_itself
    blocks = (
        options.blocks_override
        or int(hardware.kv_cache_tokens * options.memory_utilization / 0.9 // hardware.block_size * hardware.block_size)
        // block_size
    )
    if blocks * block_size < max_model_len:
        raise StartupError(cache_too_small(max_model_len, blocks * block_size, form), of_engine=True)
    return Plan(
        folder=folder,
        block_size=block_size,
        blocks=blocks,
        max_model_len=max_model_len,
        max_num_seqs=options.max_num_seqs or hardware.max_num_seqs,
        max_batched_tokens=options.max_num_batched_tokens or hardware.max_num_batched_tokens,
        shards=shards,
        is_hybrid=is_hybrid(config),
    )


def is_hybrid(config: Mapping[str, Any]) -> bool:
    """Whether some layers keep a state in place of keys and values; vLLM then takes nothing from its prefix cache."""
    # transformers: layer_types (Qwen3-Next, LFM2), hybrid_override_pattern (Nemotron-H), attn_layer_* (Jamba, Bamba)
    kinds = set(config.get("layer_types") or ())
    keys = ("hybrid_override_pattern", "attn_layer_period", "attn_layer_indices", "mamba_d_state", "mamba_d_ssm")
    return bool(kinds & {"linear_attention", "mamba", "mamba2", "conv"}) or any(key in config for key in keys)


def tpu_block_size(max_model_len: int) -> int:
    """What vLLM takes for a block on a TPU: the next power of two of a 16th of the longest sequence, from 16 to 256."""
    if max_model_len > LONGEST_WITH_LARGE_BLOCKS:
        return SMALLEST_BLOCK
    wanted = max(math.ceil(max_model_len / 16), 1)
    return min(max(1 << (wanted - 1).bit_length(), SMALLEST_BLOCK), LARGEST_BLOCK)


async def warm_up(sizes: Plan, log: Callable[[str, str], None], play: Play) -> None:
    """Load and compile, in guide time; the marked lines are those that people are told to look for."""
    loading, compiling = durations()["vllm_load_weights"], durations()["vllm_compile"]
    if sizes.is_hybrid:
        # vLLM 0.10 and 0.11, model_executor/models/config.py; whatever --enable-prefix-caching says
        log(
            "config.py", "Hybrid or mamba-based model detected: disabling prefix caching since it is not yet supported."
        )
    log("model_runner.py", f"Starting to load model {sizes.folder.name}...")
    for done in range(sizes.shards + 1):
        share = round(100 * done / sizes.shards)
        log("weight_utils.py", f"Loading safetensors checkpoint shards: {share}% Completed | {done}/{sizes.shards}")
        if done < sizes.shards:
            await play("load weights", scaled(loading) / sizes.shards)
    log("default_loader.py", f"Loading weights took {loading:.2f} seconds")
    log("kv_cache_utils.py", f"GPU KV cache size: {sizes.blocks * sizes.block_size:,} tokens")
    log("tpu_runner.py", "Compiling the model with different input shapes.")
    await play("compile", scaled(compiling))
    log("tpu_runner.py", f"Compiled the model with different input shapes in {compiling:.2f} [secs].")
