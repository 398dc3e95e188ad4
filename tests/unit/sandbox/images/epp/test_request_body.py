# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the picker reads of a body, its health answers and its metrics page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.images.epp.health import service_name, status_message
from sandbox.images.epp.metrics import Metrics
from sandbox.images.epp.replicas import Fleet
from sandbox.images.epp.request_body import BodyError, read
from sandbox.images.epp.scorers import Pick, Replica, Request
from sandbox.images.epp.service import block_tokens


def prompt(**body: Any) -> str:
    return read(json.dumps(body).encode(), strict=False).prompt


def test_prompt_of_each_form_is_read() -> None:
    assert read(b'{"model": "m", "prompt": "p", "cache_salt": "s"}') == Request("m", "p", "s")
    assert prompt(prompt=["a", "b"]) == "a\nb"
    assert prompt(prompt=[1, 2]) == "1,2]"
    assert prompt(messages=[{"role": "user", "content": "hi"}]) == "<user>hi</>"
    assert prompt(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}, "odd"]).startswith("<user>[")


def test_equal_beginnings_stay_equal_in_chat() -> None:
    system = {"role": "system", "content": "Be brief. " * 50}
    one, two = (prompt(messages=[system, {"role": "user", "content": text}]) for text in ("a", "b"))
    assert one[:500] == two[:500]


def test_no_prompt_is_an_empty_one() -> None:
    assert read(b" ") == Request()
    assert prompt(model="m") == ""


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b'{"prompt": "p"}', "model not found in request body"),
        (b'{"model": 7, "prompt": "p"}', "model not found in request body"),
        (b'{"model": "m", "prompt": ["a", "b"]}', "at least one message"),
        (b'{"model": "m", "prompt": [1, 2]}', "at least one message"),
        (b'{"model": "m"}', "at least one message"),
        (b'{"model": "m", "messages": []}', "at least one message"),
    ],
)
def test_bodies_that_the_picker_cannot_use_are_refused(raw: bytes, part: str) -> None:
    with pytest.raises(BodyError, match=part):
        read(raw)
    assert read(raw, strict=False)


@pytest.mark.parametrize("raw", [b"{", b"[]", b"1"])
def test_bodies_that_are_no_object_are_refused(raw: bytes) -> None:
    with pytest.raises(BodyError):
        read(raw)


def test_health_messages_are_the_protocols() -> None:
    assert [service_name(raw) for raw in (b"", b"\x0a\x08liveness", b"\x0a\x09short", b"\x12\x01x")] == [
        *("", "liveness", "?", "?")
    ]
    assert status_message(1) == b"\x08\x01"


def test_page_has_ratio_and_picks() -> None:
    metrics = Metrics("pool")
    pick = Pick((Replica("pod-0", "10.1.0.2:8000"),), blocks=4, matched=3)
    metrics.picked(pick, Request("m", "p"), 0.001, 256)
    metrics.refused(Request("m"), "ServiceUnavailable")
    lines = metrics.page(Fleet(), 12).splitlines()
    for line in (
        "inference_extension_prefix_indexer_hit_ratio_sum 0.75",
        "inference_extension_prefix_indexer_hit_bytes_sum 768.0",
        "inference_extension_prefix_indexer_size 12.0",
        'inference_pool_ready_pods{name="pool"} 0.0',
        'stand_in_picks_total{model_server_pod="pod-0"} 1.0',
        'inference_objective_request_total{model_name="m",target_model_name="m"} 1.0',
    ):
        assert line in lines


def test_block_size_is_read_from_the_model_servers_metrics() -> None:
    page = 'vllm:cache_config_info{block_size="128",engine="0",num_gpu_blocks="9"} 1.0\nother{block_size="1"} 1\n'
    assert block_tokens(page, "vllm:cache_config_info") == 128
    assert block_tokens(page, "vllm:else") == 0
