# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gRPC health check over a plain HTTP/2 connection.

The grpc package cannot bind its source address, and importing it costs more than this.
"""

from __future__ import annotations

import asyncio
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ACK, END_STREAM, END_HEADERS, PADDED = 1, 1, 4, 8
STREAM = 1
STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
FRAME_LIMIT = 1 << 20


class HealthError(Exception):
    """The server gave no health status."""


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: str, value: str) -> bytes:
    """A header field that is in no table and enters none."""
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))


def request(service: str, authority: str) -> bytes:
    """Everything that a client sends for one check."""
    headers = b"".join(
        literal(name, value)
        for name, value in (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", authority[:100]),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", "kube-probe"),
        )
    )
    name = service.encode()[:100]
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    body = b"\0" + struct.pack(">I", len(message)) + message
    return (
        PREFACE
        + frame(SETTINGS, 0, 0, b"")
        + frame(HEADERS, END_HEADERS, STREAM, headers)
        + frame(DATA, END_STREAM, STREAM, body)
    )


def status_of(body: bytes) -> str:
    """The status in a HealthCheckResponse with its gRPC prefix."""
    message = body[5:]
    value = message[1] if len(message) >= 2 and message[0] == 0x08 else 0
    return STATUSES.get(value, str(value))


async def check(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str, authority: str) -> str:
    """The health status that the server at the other end gives; HealthError when it gives none."""
    writer.write(request(service, authority))
    body = b""
    while True:
        try:
            head = await reader.readexactly(9)
            length = int.from_bytes(head[:3], "big")
            if length > FRAME_LIMIT:
                raise HealthError("the server does not speak gRPC on this port")
            payload = await reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise HealthError("the server closed the connection before it answered") from error
        kind, flags = head[3], head[4]
        stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
        if kind == SETTINGS and not flags & ACK:
            writer.write(frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            writer.write(frame(PING, ACK, 0, payload))
        elif kind in (RST_STREAM, GOAWAY):
            raise HealthError("the server refused the call")
        elif stream == STREAM and kind == DATA:
            body += payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
        elif stream == STREAM and kind == HEADERS and flags & END_STREAM and not body:
            raise HealthError(f"the server has no health status for service {service!r}")
        if len(body) >= 5 and len(body) >= 5 + int.from_bytes(body[1:5], "big"):
            return status_of(body)
