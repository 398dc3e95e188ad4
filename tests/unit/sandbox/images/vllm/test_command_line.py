# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM's command line."""

from __future__ import annotations

import pytest

from sandbox.images.vllm.command_line import CommandLineError, Options, human_readable_int, parse

SERVER = ("python3", "-m", "vllm.entrypoints.openai.api_server")
GUIDE = """python3 -m vllm.entrypoints.openai.api_server
  --model=/mnt/models --dtype=half --max-model-len=2048 --tensor-parallel-size=4 --enable-prefix-caching
  --max-num-seqs=128 --disable-log-requests --ssl-certfile=/var/run/kserve/tls/tls.crt
  --ssl-keyfile=/var/run/kserve/tls/tls.key
"""


def options(*arguments: str) -> Options:
    return parse([*SERVER, *arguments], {})


def test_guide_arguments_as_one_string() -> None:
    found = parse([GUIDE], {})
    assert (found.model, found.names, found.max_model_len) == ("/mnt/models", ("/mnt/models",), 2048)
    assert (found.tensor_parallel_size, found.max_num_seqs, found.prefix_caching) == (4, 128, True)
    assert found.ssl_certfile == "/var/run/kserve/tls/tls.crt"
    assert not found.log_requests


def test_serve_takes_the_model_first_and_several_names() -> None:
    found = parse(["vllm", "serve", "/mnt/models", "--served-model-name", "a", "b", "--port", "8080"], {})
    assert (found.model, found.names, found.port) == ("/mnt/models", ("a", "b"), 8080)


def test_defaults_leave_the_block_size_to_the_hardware_and_caching_on() -> None:
    found = options()
    assert (found.block_size, found.prefix_caching, found.prompt_tokens_details) == (None, True, False)
    assert not found.log_requests
    assert options("--enable-log-requests").log_requests


def test_underscores_count_as_dashes_and_no_switches_a_flag_off() -> None:
    found = options("--max_model_len=10", "--no-enable-prefix-caching", "--enable_prompt_tokens_details")
    assert (found.max_model_len, found.prefix_caching, found.prompt_tokens_details) == (10, False, True)


def test_inert_flags_are_taken() -> None:
    assert options("--trust-remote-code", "--seed", "1", "--hf-overrides", "{}").model == "Qwen/Qwen3-0.6B"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        pytest.param(["--max-model-length=5"], "unrecognized arguments: --max-model-length=5", id="unknown"),
        pytest.param(["--dtype=quarter"], "invalid choice", id="choice"),
        pytest.param(["--port", "x"], "invalid int value", id="number"),
        pytest.param(["--ssl-certfile=/c"], "belong together", id="certificate without key"),
    ],
)
def test_bad_options_end_with_code_2(arguments: list[str], part: str) -> None:
    with pytest.raises(CommandLineError, match=part) as caught:
        options(*arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(["curl", "localhost"], 127, id="no such program"),
        pytest.param([], 127, id="nothing"),
        pytest.param(["python3", "-m", "http.server"], 1, id="other module"),
        pytest.param(["vllm", "bench"], 2, id="other command"),
        pytest.param([*SERVER, "--tensor-parallel-size=0"], 1, id="no parallelism"),
        pytest.param(["bash", "-c", "vllm serve & wait"], 2, id="shell"),
    ],
)
def test_other_programs_do_not_start(argv: list[str], code: int) -> None:
    with pytest.raises(CommandLineError) as caught:
        parse(argv, {})
    assert caught.value.code == code


@pytest.mark.parametrize(("text", "value"), [("2048", 2048), ("2k", 2000), ("2K", 2048), ("1.5k", 1500)])
def test_lengths_are_read_with_units(text: str, value: int) -> None:
    assert human_readable_int(text) == value


@pytest.mark.parametrize("image", ["registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.3.0", "x:v3.4"])
def test_newer_image_refuses_what_vllm_has_removed(image: str) -> None:
    with pytest.raises(CommandLineError, match="unrecognized arguments: --disable-log-requests") as caught:
        parse([*SERVER, "--disable-log-requests"], {"SANDBOX_IMAGE": image})
    assert caught.value.code == 2


@pytest.mark.parametrize("image", ["registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5", ""])
def test_older_image_takes_it(image: str) -> None:
    assert not parse([*SERVER, "--disable-log-requests"], {"SANDBOX_IMAGE": image}).log_requests
