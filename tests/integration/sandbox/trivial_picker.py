# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint picker that counts, and chooses by what a test tells it; it answers every kind of message."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as ext_proc_grpc

Server = grpc.aio.Server
Servicer = ext_proc_grpc.ExternalProcessorServicer
Choose = Callable[[bytes], str]


@dataclass
class Exchange:
    """One request, as the picker saw it."""

    kinds: list[str] = field(default_factory=list)
    request: bytes = b""
    response: bytes = b""


class TrivialPicker(ext_proc_grpc.ExternalProcessorServicer):  # type: ignore[misc]  # the generated base is untyped
    """`choose` gets the request's body, empty where none is sent."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.exchanges: list[Exchange] = []

    @property
    def bodies(self) -> list[bytes]:
        """Of the requests that came with one."""
        return [exchange.request for exchange in self.exchanges if exchange.request]

    async def Process(
        self, requests: AsyncIterator[ext_proc.ProcessingRequest], context: object
    ) -> AsyncIterator[ext_proc.ProcessingResponse]:
        exchange = Exchange()
        self.exchanges.append(exchange)
        duplex = False
        async for message in requests:
            kind = message.WhichOneof("request")
            exchange.kinds.append(kind)
            if kind == "request_headers":
                mode = message.protocol_config.request_body_mode
                duplex = mode == ProcessingMode.FULL_DUPLEX_STREAMED and not message.request_headers.end_of_stream
                if not duplex:
                    yield self._chosen(b"")
            elif kind == "request_body":
                exchange.request += message.request_body.body
                if message.request_body.end_of_stream:
                    yield self._chosen(exchange.request)
                    yield _streamed("request_body", exchange.request, end=True)
            elif kind == "response_body":
                exchange.response += message.response_body.body
                yield _streamed(kind, message.response_body.body, end=message.response_body.end_of_stream)
            else:
                response = ext_proc.ProcessingResponse()
                getattr(response, kind).SetInParent()
                yield response

    def _chosen(self, body: bytes) -> ext_proc.ProcessingResponse:
        response = ext_proc.ProcessingResponse()
        response.request_headers.response.SetInParent()
        metadata = response.dynamic_metadata.fields["envoy.lb"].struct_value
        metadata.fields["x-gateway-destination-endpoint"].string_value = self.choose(body)
        return response


def _streamed(kind: str, body: bytes, *, end: bool) -> ext_proc.ProcessingResponse:
    response = ext_proc.ProcessingResponse()
    mutation = getattr(response, kind).response.body_mutation.streamed_response
    mutation.body, mutation.end_of_stream = body, end
    return response


async def serve(
    stack: AsyncExitStack, picker: Servicer, address: str, certificate: tuple[Path, Path] | None = None
) -> grpc.aio.Server:
    """Serve a picker until the stack ends, with TLS when there is a certificate."""
    server = grpc.aio.server()
    ext_proc_grpc.add_ExternalProcessorServicer_to_server(picker, server)
    if certificate:
        chain, key = (file.read_bytes() for file in certificate)
        server.add_secure_port(address, grpc.ssl_server_credentials([(key, chain)]))
    else:
        server.add_insecure_port(address)
    await server.start()
    stack.push_async_callback(server.stop, 0)
    return server
