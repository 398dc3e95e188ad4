# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What vLLM, its TPU plugin and XLA print when a server does not come up, several forms of each.

Of vLLM 0.8, 0.11 and 0.19 (v1/core/kv_cache_utils.py and its forerunners, config/model.py,
transformers_utils/config.py, v1/engine/core_client.py), tpu-inference 0.27 (runner/tpu_runner.py), and, of libtpu, from
reports (jax#13260, alphafold3#656). Which form a server speaks is drawn by its model; SANDBOX_VLLM_WORDS sets it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

FORMS = ("0.8", "0.11", "0.19")
GIBIBYTES_A_TOKEN = 9 / 2**18  # of a small model; only for the figures in the sentence


def form_of(model: str, environ: Mapping[str, str]) -> str:
    """The form in which a server says what is wrong."""
    drawn = FORMS[hashlib.sha256(model.encode()).digest()[0] % len(FORMS)]
    return environ.get("SANDBOX_VLLM_WORDS", drawn)


def cache_too_small(wanted: int, tokens: int, form: str) -> str:
    """The KV cache has no room for one sequence."""
    if form == "0.8":
        return (
            f"ValueError: The model's max seq len ({wanted}) is larger than the maximum number of tokens that can be "
            f"stored in KV cache ({tokens}). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` "
            "when initializing the engine."
        )
    whose, bracket = ("models's", "(") if form == "0.11" else ("model's", "")
    needed, there = wanted * GIBIBYTES_A_TOKEN, tokens * GIBIBYTES_A_TOKEN
    return (
        f"ValueError: To serve at least one request with the {whose} max seq len ({wanted}), {bracket}{needed:.2f} GiB "
        f"KV cache is needed, which is larger than the available KV cache memory ({there:.2f} GiB). Based on the "
        f"available memory, the estimated maximum model length is {tokens}. Try increasing `gpu_memory_utilization` "
        "or decreasing `max_model_len` when initializing the engine."
    )


def longer_than_the_model(wanted: int, longest: int) -> str:
    """Of the configuration, before there is an engine."""
    return (
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
        f"  Value error, User-specified max_model_len ({wanted}) is greater than the derived max_model_len "
        f"(max_position_embeddings={longest} or model_max_length=None in model's config.json). To allow overriding "
        "this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1."
    )


def no_config(name: str, form: str) -> str:
    """The folder holds no model."""
    if form == "0.8":
        return (
            f"OSError: {name} does not appear to have a file named config.json. Checkout "
            f"'https://huggingface.co/{name}/tree/main' for available files."
        )
    return (
        f"ValueError: Invalid repository ID or local directory specified: '{name}'.\n"
        "Please verify the following requirements:\n1. Provide a valid Hugging Face repository ID.\n2. Specify a local "
        "directory that contains a recognized configuration file.\n   - For Hugging Face models: ensure the presence "
        "of a 'config.json'."
    )


def no_weights(name: str) -> str:
    """There is a configuration and nothing else."""
    return f"RuntimeError: Cannot find any model weights with `{name}`"


def no_chips(kind: str, form: str) -> str:
    """The container was given none."""
    if kind != "tpu":
        return "RuntimeError: No CUDA GPUs are available: no CUDA-capable device is detected"
    reason = "NOT_FOUND: No ba16c7433 device found." if form == "0.8" else "UNAVAILABLE: No accelerators found."
    return (
        f"RuntimeError: Unable to initialize backend 'tpu': {reason} (set JAX_PLATFORMS='' to automatically choose an "
        "available backend)"
    )


def too_few_chips(kind: str, wanted: int, found: int) -> str:
    """--tensor-parallel-size is more than there are."""
    if kind == "tpu":
        return f"ValueError: Insufficient devices for 2D mesh: found {found}, expected {wanted}"
    return f"ValueError: World size ({wanted}) is larger than the number of available GPUs ({found}) in this node."


FRAMES = (
    ("v1/engine/core.py", "run_engine_core", "engine_core = EngineCoreProc(*args, **kwargs)"),
    ("v1/engine/core.py", "__init__", "super().__init__(vllm_config, executor_class, log_stats)"),
    ("v1/executor/abstract.py", "__init__", "self._init_executor()"),
)
FRONT_FRAMES = (
    ("entrypoints/openai/api_server.py", "run_server", "await run_server_worker(listen_address, sock, args)"),
    ("entrypoints/openai/api_server.py", "build_async_engine_client", "async with build_async_engine_client(args)"),
    ("v1/engine/async_llm.py", "__init__", "self.engine_core = EngineCoreClient.make_async_mp_client("),
    ("v1/engine/core_client.py", "__init__", "with launch_core_engines(vllm_config, executor_class, log_stats)"),
    ("v1/engine/utils.py", "wait_for_engine_startup", 'raise RuntimeError("Engine core initialization failed. "'),
)


def traceback(error: str, frames: tuple[tuple[str, str, str], ...]) -> Iterator[str]:
    """As Python prints it."""
    yield "Traceback (most recent call last):"
    for number, (file, function, code) in enumerate(frames):
        yield f'  File "/opt/app-root/lib64/python3.12/site-packages/vllm/{file}", line {100 + number}, in {function}'
        yield f"    {code}"
    yield from error.splitlines()


def of_the_engine(error: str) -> Iterator[tuple[str, str]]:
    """An engine that ended: process and line, the cause far above what the front says of it."""
    core = "EngineCore_DP0 pid=110"
    yield core, "EngineCore failed to start."
    for line in traceback(error, FRAMES):
        yield core, line
    yield "", f"({core}) Process EngineCore_DP0:"
    for line in traceback(error, FRAMES * 8):
        yield "", f"({core}) {line}"
    failed = (
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): "
        "{'EngineCore_DP0': 1}"
    )
    for line in traceback(failed, FRONT_FRAMES * 4):
        yield "", f"(APIServer pid=1) {line}"


def of_the_front(error: str) -> Iterator[str]:
    """What was wrong before there was an engine."""
    for line in traceback(error, FRONT_FRAMES[:2]):
        yield f"(APIServer pid=1) {line}"
