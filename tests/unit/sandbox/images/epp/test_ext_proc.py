# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol, message by message, for each way in which a body may come."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sandbox.images.epp.config import DEFAULT
from sandbox.images.epp.ext_proc import CHUNK, DESTINATION, Processor, Refusal, Stream, immediate
from sandbox.images.epp.messages import ProcessingMode, pb
from sandbox.images.epp.metrics import Metrics
from sandbox.images.epp.replicas import Fleet, Pool
from sandbox.images.epp.scorers import Picker

BODY = json.dumps({"model": "m", "prompt": "Translate this. " * 60}).encode()


def fleet(count: int = 3) -> Fleet:
    made = Fleet()
    pods = [
        {
            "metadata": {"name": f"pod-{number}", "labels": {"a": "b"}},
            "status": {"podIP": f"10.1.{number}.2", "conditions": [{"type": "Ready", "status": "True"}]},
        }
        for number in range(count)
    ]
    made.update(Pool({"a": "b"}, 8000), pods)
    return made


def processor(count: int = 3) -> Processor:
    picker = Picker(DEFAULT, chance=random.Random(1))
    return Processor(picker, fleet(count), Metrics("pool"), allowed=lambda _: True, log=lambda *_, **__: None)


def headers(mode: int | None, *, end: bool = False, response: int = 0) -> Any:
    message = pb.ProcessingRequest(request_headers=pb.HttpHeaders(end_of_stream=end))
    if mode is not None:
        message.protocol_config.request_body_mode = mode
        message.protocol_config.response_body_mode = response
    return message


def body(content: bytes, *, end: bool = True) -> Any:
    return pb.ProcessingRequest(request_body=pb.HttpBody(body=content, end_of_stream=end))


def destination(message: Any) -> str:
    """The choice in a message: header and metadata must agree."""
    answer = getattr(message, message.WhichOneof("response")).response
    found = {option.header.key: option.header.raw_value.decode() for option in answer.header_mutation.set_headers}
    assert message.dynamic_metadata["envoy.lb"][DESTINATION] == found[DESTINATION]
    return str(found[DESTINATION])


def test_duplex_answers_once_the_body_is_whole() -> None:
    stream = Stream(processor())
    assert stream.answers(headers(ProcessingMode.FULL_DUPLEX_STREAMED)) == []
    assert stream.answers(body(BODY[:100], end=False)) == []
    first, *chunks = stream.answers(body(BODY[100:]))
    assert destination(first).endswith(":8000")
    pieces = [chunk.request_body.response.body_mutation.streamed_response for chunk in chunks]
    assert b"".join(piece.body for piece in pieces) == BODY
    assert [piece.end_of_stream for piece in pieces] == [True]


def test_large_body_goes_back_in_chunks() -> None:
    stream = Stream(processor())
    large = json.dumps({"model": "m", "prompt": "x" * (2 * CHUNK)}).encode()
    stream.answers(headers(ProcessingMode.FULL_DUPLEX_STREAMED))
    _, *chunks = stream.answers(body(large))
    pieces = [chunk.request_body.response.body_mutation.streamed_response for chunk in chunks]
    assert b"".join(piece.body for piece in pieces) == large
    assert max(len(piece.body) for piece in pieces) <= CHUNK
    assert [piece.end_of_stream for piece in pieces] == [False, False, True]


def test_trailers_end_a_body_too() -> None:
    stream = Stream(processor())
    stream.answers(headers(ProcessingMode.FULL_DUPLEX_STREAMED))
    stream.answers(body(BODY, end=False))
    first, chunk, trailers = stream.answers(pb.ProcessingRequest(request_trailers=pb.HttpTrailers()))
    assert destination(first)
    assert not chunk.request_body.response.body_mutation.streamed_response.end_of_stream
    assert trailers.WhichOneof("response") == "request_trailers"


@pytest.mark.parametrize("mode", [ProcessingMode.BUFFERED, ProcessingMode.BUFFERED_PARTIAL])
def test_buffered_decides_on_the_body(mode: int) -> None:
    stream = Stream(processor())
    (first,) = stream.answers(headers(mode))
    assert not first.HasField("dynamic_metadata")
    (second,) = stream.answers(body(BODY))
    assert second.WhichOneof("response") == "request_body"
    assert destination(second)


@pytest.mark.parametrize("mode", [ProcessingMode.NONE, ProcessingMode.STREAMED])
def test_without_a_whole_body_the_headers_decide_blindly(mode: int) -> None:
    chosen = processor()
    seen = set()
    for _ in range(40):
        (answer,) = Stream(chosen).answers(headers(mode))
        seen.add(destination(answer))
    assert len(seen) == 3
    assert chosen.picker.index.size == 0


def test_unknown_mode_decides_on_headers_and_again_on_the_body() -> None:
    stream = Stream(processor())
    (first,) = stream.answers(headers(None))
    (second,) = stream.answers(body(BODY))
    assert destination(first) and destination(second)


def test_request_without_body_is_decided_by_its_headers() -> None:
    (answer,) = Stream(processor()).answers(headers(ProcessingMode.FULL_DUPLEX_STREAMED, end=True))
    assert destination(answer)


def test_same_prompt_goes_to_one_replica_in_every_mode_that_shows_it() -> None:
    chosen = processor()
    seen = set()
    for mode in (ProcessingMode.FULL_DUPLEX_STREAMED, ProcessingMode.BUFFERED) * 5:
        stream = Stream(chosen)
        answers = [*stream.answers(headers(mode)), *stream.answers(body(BODY))]
        seen |= {destination(answer) for answer in answers if answer.HasField("dynamic_metadata")}
    assert len(seen) == 1
    assert chosen.metrics.ratio.count == 10
    assert chosen.metrics.picks.value(model_server_pod="pod-0") in (0.0, 10.0)


def test_response_passes_unchanged() -> None:
    plain, duplex = Stream(processor()), Stream(processor())
    plain.answers(headers(ProcessingMode.NONE))
    duplex.answers(headers(ProcessingMode.NONE, response=ProcessingMode.FULL_DUPLEX_STREAMED))
    chunk = pb.ProcessingRequest(response_body=pb.HttpBody(body=b"data", end_of_stream=True))
    assert not plain.answers(chunk)[0].response_body.response.HasField("body_mutation")
    piece = duplex.answers(chunk)[0].response_body.response.body_mutation.streamed_response
    assert (piece.body, piece.end_of_stream) == (b"data", True)
    for name in ("response_headers", "response_trailers"):
        (answer,) = plain.answers(pb.ProcessingRequest(**{name: {}}))
        assert answer.WhichOneof("response") == name


def test_no_replica_is_503_and_bad_json_is_400() -> None:
    empty = processor(0)
    with pytest.raises(Refusal) as caught:
        Stream(empty).answers(headers(ProcessingMode.NONE))
    assert caught.value.status == 503
    assert immediate(caught.value).immediate_response.status.code == 503
    stream = Stream(processor())
    stream.answers(headers(ProcessingMode.BUFFERED))
    with pytest.raises(Refusal) as caught:
        stream.answers(body(b"{no json"))
    assert caught.value.status == 400
