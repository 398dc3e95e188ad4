# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM's command line: what a container's argv asks the server to do."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from sandbox.images.shell import ShellError, command_of

API_SERVER = "vllm.entrypoints.openai.api_server"
PYTHONS = ("python3", "python", "/usr/bin/python3", "/opt/app-root/bin/python3")
DTYPES = ("auto", "bfloat16", "float", "float16", "float32", "half")
KINDS: Mapping[str, type] = {"integer": int, "number": float, "text": str}


class CommandLineError(Exception):
    """The process would end before it did anything; `code` is its exit code."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Options:
    """What the stand-in acts on."""

    model: str
    served_model_names: tuple[str, ...]
    port: int
    max_model_len: int | None
    tensor_parallel_size: int
    prefix_caching: bool
    block_size: int | None
    max_num_seqs: int | None
    max_num_batched_tokens: int | None
    blocks_override: int | None
    memory_utilization: float
    ssl_certfile: str
    ssl_keyfile: str
    ssl_refresh: bool
    log_requests: bool
    access_log: bool
    prompt_tokens_details: bool
    force_include_usage: bool
    api_keys: tuple[str, ...]
    shutdown_timeout: float | None
    words: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The model ids that requests may ask for."""
        return self.served_model_names or (self.model,)


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise CommandLineError(f"{self.format_usage()}{self.prog}: error: {message}")


def parser(prog: str, *, positional_model: bool, version: str = "") -> Parser:
    """The options of vLLM: those with an effect here, and the inert ones of flags.yml."""
    made = Parser(prog=prog, usage=f"{prog} [options]", allow_abbrev=False, add_help=False)
    if positional_model:
        made.add_argument("model_tag", nargs="?", default=None)
    made.add_argument("--model", default=None)
    made.add_argument("--served-model-name", nargs="+", default=[])
    made.add_argument("--host", default=None)
    made.add_argument("--port", type=int, default=8000)
    made.add_argument("--max-model-len", type=human_readable_int, default=None)
    made.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    made.add_argument("--block-size", type=int, choices=(1, 8, 16, 32, 64, 128, 256), default=None)
    made.add_argument("--max-num-seqs", type=int, default=None)
    made.add_argument("--max-num-batched-tokens", type=human_readable_int, default=None)
    made.add_argument("--num-gpu-blocks-override", type=int, default=None)
    made.add_argument("--gpu-memory-utilization", type=float, default=0.9)
    made.add_argument("--dtype", choices=DTYPES, default="auto")
    made.add_argument("--ssl-certfile", default="")
    made.add_argument("--ssl-keyfile", default="")
    made.add_argument("--api-key", nargs="+", default=[])
    made.add_argument("--shutdown-timeout", type=float, default=None)
    if not gone_in(version):
        made.add_argument("--disable-log-requests", action="store_true")
    for name, default in (
        ("--enable-prefix-caching", True),
        ("--enable-ssl-refresh", False),
        ("--enable-log-requests", None),
        ("--disable-uvicorn-access-log", False),
        ("--enable-prompt-tokens-details", False),
        ("--enable-force-include-usage", False),
    ):
        made.add_argument(name, action=argparse.BooleanOptionalAction, default=default)
    inert = yaml.safe_load((Path(__file__).parent / "flags.yml").read_text(encoding="utf-8"))
    for name in inert["switch"]:
        made.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None)
    for group, kind in KINDS.items():
        for name in inert[group]:
            made.add_argument(f"--{name}", type=kind, default=None)
    return made


def gone_in(version: str) -> bool:
    """Whether an image of that tag is of a vLLM that no longer knows --disable-log-requests (0.12, RHAIIS 3.3)."""
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= (3, 3)


def human_readable_int(text: str) -> int:
    """`2048`, `2k` (thousands) or `2K` (times 1024), as vLLM reads lengths."""
    factors = {"k": 10**3, "m": 10**6, "K": 2**10, "M": 2**20}
    factor = factors.get(text[-1:], 1)
    return int(float(text[:-1]) * factor) if factor > 1 else int(text)


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Options:
    """The options of a container's argv; CommandLineError for what the image would refuse."""
    try:
        words, _ = command_of(argv, environ)
    except ShellError as error:
        raise CommandLineError(str(error), error.code) from error
    prog, positional, arguments = program_of(words)
    version = environ.get("SANDBOX_IMAGE", "").rpartition(":")[2]
    found = parser(prog, positional_model=positional, version=version).parse_args(normalised(arguments))
    model = getattr(found, "model_tag", None) or found.model
    if bool(found.ssl_certfile) != bool(found.ssl_keyfile):
        raise CommandLineError(f"{prog}: error: --ssl-certfile and --ssl-keyfile belong together; found one.")
    for name, value in (("tensor-parallel-size", found.tensor_parallel_size), ("max-num-seqs", found.max_num_seqs)):
        if value is not None and value < 1:
            raise CommandLineError(f"{prog}: error: --{name} must be at least 1; found {value}.", 1)
    return Options(
        model=model or "Qwen/Qwen3-0.6B",
        served_model_names=tuple(found.served_model_name),
        port=found.port,
        max_model_len=found.max_model_len,
        tensor_parallel_size=found.tensor_parallel_size,
        prefix_caching=found.enable_prefix_caching,
        block_size=found.block_size,
        max_num_seqs=found.max_num_seqs,
        max_num_batched_tokens=found.max_num_batched_tokens,
        blocks_override=found.num_gpu_blocks_override,
        memory_utilization=found.gpu_memory_utilization,
        ssl_certfile=found.ssl_certfile,
        ssl_keyfile=found.ssl_keyfile,
        ssl_refresh=found.enable_ssl_refresh,
        log_requests=bool(found.enable_log_requests) and not getattr(found, "disable_log_requests", False),
        access_log=not found.disable_uvicorn_access_log,
        prompt_tokens_details=found.enable_prompt_tokens_details,
        force_include_usage=found.enable_force_include_usage,
        api_keys=tuple(found.api_key),
        shutdown_timeout=found.shutdown_timeout,
        words=tuple(words),
    )


def program_of(words: Sequence[str]) -> tuple[str, bool, list[str]]:
    """Name, whether the model is positional, and arguments of the program that `words` start."""
    if words and words[0] in PYTHONS:
        rest = [word for word in words[1:] if word not in ("-u", "-O")]
        if rest[:2] == ["-m", API_SERVER]:
            return "api_server.py", False, rest[2:]
        module = rest[1] if rest[:1] == ["-m"] and len(rest) > 1 else ""
        raise CommandLineError(f"{words[0]}: No module named {module}" if module else "python3: no program given", 1)
    if list(words[:2]) == ["vllm", "serve"]:
        return "vllm serve", True, list(words[2:])
    if words and words[0] == "vllm":
        raise CommandLineError(f"vllm: error: the stand-in only knows `vllm serve`; found {' '.join(words[:2])!r}.")
    program = words[0] if words else ""
    raise CommandLineError(f'exec: "{program}": executable file not found in $PATH', 127)


def normalised(arguments: Sequence[str]) -> list[str]:
    """Underscores in option names count as dashes."""
    found = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        found.append(name.replace("_", "-") + equals + value if argument.startswith("--") else argument)
    return found
