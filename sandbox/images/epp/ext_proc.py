# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Envoy's external processing protocol.

How the request's body comes decides how the answer must look (the first message says it in `protocol_config`):
FULL_DUPLEX_STREAMED: Envoy waits for nothing; the whole body is collected, then come the headers' answer and the body
  back in chunks.
BUFFERED, BUFFERED_PARTIAL: the headers' answer comes first and decides nothing, the body's answer decides.
NONE, STREAMED: there is no whole body to read; the headers' answer decides, blind to the prompt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from sandbox.images.epp.messages import ProcessingMode, base, http_status, pb, struct
from sandbox.images.epp.metrics import Metrics
from sandbox.images.epp.replicas import Fleet
from sandbox.images.epp.request_body import BodyError, read
from sandbox.images.epp.scorers import Pick, Picker, Request

DESTINATION = "x-gateway-destination-endpoint"
NAMESPACE = "envoy.lb"
SEEN = "x-went-into-resp-headers"
CODES = {400: "BadRequest", 503: "ServiceUnavailable"}
# Envoy refuses larger chunks of a streamed body
CHUNK = 62_000
CONNECT_TIMEOUT = 10.0
"""Seconds, as Istio has its gateways wait for a connection."""

DUPLEX = ProcessingMode.FULL_DUPLEX_STREAMED
BUFFERED = (ProcessingMode.BUFFERED, ProcessingMode.BUFFERED_PARTIAL)

Allowed = Callable[[str], bool]
Log = Callable[..., None]
Message = Any
"""A message of the protocol; the generated classes have no types."""


class Refusal(Exception):
    """The request ends here, with an answer of our own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Processor:
    """Answers ext_proc streams: one stream is one HTTP request."""

    def __init__(
        self, picker: Picker, fleet: Fleet, metrics: Metrics, *, allowed: Allowed, log: Log, strict: bool = True
    ) -> None:
        self.picker = picker
        self.fleet = fleet
        self.metrics = metrics
        self.strict = strict
        self._allowed = allowed
        self._log = log

    async def Process(self, messages: AsyncIterator[Message], context: Any) -> AsyncIterator[Message]:
        """One request."""
        if not self._allowed(context.peer()):
            # packets that a network policy drops: to the gateway, a connection that does not come about
            await asyncio.sleep(CONNECT_TIMEOUT)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection timeout")
        stream = Stream(self)
        async for message in messages:
            try:
                for answer in stream.answers(message):
                    yield answer
            except Refusal as refusal:
                yield immediate(refusal)
                return

    def decide(self, request: Request) -> Pick:
        """Choose a replica."""
        began = time.perf_counter()
        pick = self.picker.pick(self.fleet.replicas, request)
        if pick is None:
            self.metrics.refused(request, "ServiceUnavailable")
            raise Refusal(503, "failed to find candidate pods for serving the request")
        self.metrics.picked(pick, request, time.perf_counter() - began, pick.block_characters)
        self._log(
            "Request handled",
            model=request.model,
            endpoint=pick.destination,
            pod=pick.replicas[0].name,
            blocks=pick.blocks,
            matched=pick.matched,
        )
        return pick


class Stream:
    """The state of one stream: what came of the body so far."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._mode: int | None = None
        self._response_mode: int | None = None
        self._body = bytearray()
        self._held = False

    def answers(self, message: Message) -> list[Message]:
        """The answers to a message, none while more of the body is to come."""
        if self._mode is None and message.HasField("protocol_config"):
            self._mode = message.protocol_config.request_body_mode
            self._response_mode = message.protocol_config.response_body_mode
        kind = message.WhichOneof("request")
        if kind == "request_headers":
            return self._request_headers(message.request_headers)
        if kind == "request_body":
            return self._request_body(message.request_body)
        if kind == "request_trailers":
            return [*self._release(trailers=True), pb.ProcessingResponse(request_trailers=pb.TrailersResponse())]
        if kind == "response_headers":
            return [pb.ProcessingResponse(response_headers=pb.HeadersResponse(response=seen()))]
        if kind == "response_body":
            return [self._response_body(message.response_body)]
        if kind == "response_trailers":
            return [pb.ProcessingResponse(response_trailers=pb.TrailersResponse())]
        return []

    def _request_headers(self, headers: Message) -> list[Message]:
        if not headers.end_of_stream:
            if self._mode == DUPLEX:
                self._held = True
                return []
            if self._mode in BUFFERED:
                return [pb.ProcessingResponse(request_headers=pb.HeadersResponse())]
        pick = self._processor.decide(Request())
        return [routed(pick, request_headers=pb.HeadersResponse(response=common(pick)))]

    def _request_body(self, body: Message) -> list[Message]:
        if self._held:
            self._body += body.body
            return self._release(trailers=False) if body.end_of_stream else []
        if self._mode in BUFFERED or self._mode is None:
            pick = self._processor.decide(request_of(body.body, strict=self._processor.strict))
            return [routed(pick, request_body=pb.BodyResponse(response=common(pick)))]
        return [pb.ProcessingResponse(request_body=pb.BodyResponse())]

    def _release(self, *, trailers: bool) -> list[Message]:
        """The answers that were held back until the whole body was here."""
        if not self._held:
            return []
        self._held = False
        pick = self._processor.decide(request_of(bytes(self._body), strict=self._processor.strict))
        made = [routed(pick, request_headers=pb.HeadersResponse(response=common(pick)))]
        starts = range(0, max(len(self._body), 1), CHUNK)
        for start in starts:
            last = start == starts[-1] and not trailers
            piece = pb.StreamedBodyResponse(body=bytes(self._body[start : start + CHUNK]), end_of_stream=last)
            made.append(pb.ProcessingResponse(request_body=streamed(piece)))
        return made

    def _response_body(self, body: Message) -> Message:
        if self._response_mode == DUPLEX:
            piece = pb.StreamedBodyResponse(body=body.body, end_of_stream=body.end_of_stream)
            return pb.ProcessingResponse(response_body=streamed(piece))
        return pb.ProcessingResponse(response_body=pb.BodyResponse())


def request_of(raw: bytes, *, strict: bool) -> Request:
    """What a body asks for; a body that the picker cannot use is answered here."""
    try:
        return read(raw, strict=strict)
    except BodyError as error:
        raise Refusal(400, str(error)) from error


def common(pick: Pick) -> Message:
    """The header that names the choice."""
    header = base.HeaderValue(key=DESTINATION, raw_value=pick.destination.encode())
    option = base.HeaderValueOption(header=header, append_action=base.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD)
    return pb.CommonResponse(header_mutation=pb.HeaderMutation(set_headers=[option]))


def seen() -> Message:
    """The header by which a client sees that its answer came by a picker."""
    header = base.HeaderValue(key=SEEN, raw_value=b"true")
    option = base.HeaderValueOption(header=header, append_action=base.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD)
    return pb.CommonResponse(header_mutation=pb.HeaderMutation(set_headers=[option]))


def routed(pick: Pick, **answer: Any) -> Message:
    """An answer with the choice in the dynamic metadata, where the gateway's load balancer looks for it."""
    metadata = struct.Struct()
    metadata.update({NAMESPACE: {DESTINATION: pick.destination}})
    return pb.ProcessingResponse(dynamic_metadata=metadata, **answer)


def streamed(piece: Message) -> Message:
    """A chunk of a body on its way back."""
    return pb.BodyResponse(response=pb.CommonResponse(body_mutation=pb.BodyMutation(streamed_response=piece)))


def immediate(refusal: Refusal) -> Message:
    """An answer to the client instead of a choice."""
    status = http_status.HttpStatus(code=refusal.status)
    body = f"inference gateway: {CODES[refusal.status]} - {refusal}".encode()
    return pb.ProcessingResponse(immediate_response=pb.ImmediateResponse(status=status, body=body))
