# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes: what one attempt finds, and what a row of attempts means for the container."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.guide_time import scaled
from sandbox.network.addresses import bind_port, loopback
from sandbox.nodes import commands, grpc_health

PERIOD_FLOOR = 0.25
SETTLED_PERIOD_FLOOR = 1.0
"""Real seconds between two probes of a container that is well: two dozen of them share two cores."""
TIMEOUT_FLOOR = 2.0
BODY_LIMIT = 1 << 14
USER_AGENT = "kube-probe/1.36"


@dataclass(frozen=True)
class Target:
    """The container that is probed, and from where."""

    pod_ip: str
    node_ip: str
    root: Path
    ports: Mapping[str, int]
    """Container ports by name."""

    def port(self, port: int | str) -> int:
        """The number of a port that may be a name."""
        if isinstance(port, int):
            return port
        if port.isdigit():
            return int(port)
        if port not in self.ports:
            raise ProbeError(f"couldn't find port: {port}")
        return self.ports[port]


class ProbeError(Exception):
    """The probe failed; the text is for the event."""


def trusting_context() -> ssl.SSLContext:
    """TLS that verifies nothing, as probes do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def dial(
    target: Target, port: int, context: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection from the node to the pod."""
    try:
        return await asyncio.open_connection(
            loopback(target.pod_ip),
            bind_port(port),
            local_addr=(loopback(target.node_ip), 0),
            ssl=context,
            limit=BODY_LIMIT,
        )
    except ConnectionRefusedError as error:
        raise ProbeError(f"dial tcp {target.pod_ip}:{port}: connect: connection refused") from error
    except ssl.SSLError as error:
        raise ProbeError(f"tls: {error.reason or error}") from error
    except OSError as error:
        raise ProbeError(f"dial tcp {target.pod_ip}:{port}: {error.strerror or error}") from error


class Prober:
    """Makes single attempts."""

    def __init__(self) -> None:
        self._context = trusting_context()

    async def attempt(self, probe: Mapping[str, Any], target: Target) -> None:
        """One attempt within the probe's time-out; ProbeError when it fails."""
        limit = max(scaled(probe.get("timeoutSeconds") or 1), TIMEOUT_FLOOR)
        try:
            async with asyncio.timeout(limit):
                await self._attempt(probe, target)
        except TimeoutError as error:
            late = {
                "httpGet": "context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                "exec": f"command timed out after {limit:g}s",
            }
            kind = next((name for name in late if name in probe), "")
            text = late.get(kind, "i/o timeout")
            if kind == "httpGet":
                text = f'Get "{url(probe["httpGet"], target)}": {text}'
            raise ProbeError(text) from error

    async def _attempt(self, probe: Mapping[str, Any], target: Target) -> None:
        if "httpGet" in probe:
            await self.http(probe["httpGet"], target)
        elif "tcpSocket" in probe:
            _, writer = await dial(target, target.port(probe["tcpSocket"]["port"]))
            writer.close()
        elif "grpc" in probe:
            await self._grpc(probe["grpc"], target)
        elif "exec" in probe:
            result = await commands.run(probe["exec"].get("command") or [], target.root, sleep=guide_sleep)
            if result.code:
                raise ProbeError(result.output or f"command exited with {result.code}")
        else:
            raise ProbeError(f"the sandbox's nodes know no probe of this kind: {', '.join(probe)}")

    async def http(self, action: Mapping[str, Any], target: Target) -> None:
        """An HTTP GET; any status from 200 to 399 is well."""
        address = url(action, target)
        secure = str(action.get("scheme") or "HTTP").upper() == "HTTPS"
        port = target.port(action["port"])
        try:
            reader, writer = await dial(target, port, self._context if secure else None)
        except ProbeError as error:
            raise ProbeError(f'Get "{address}": {error}') from error
        path = action.get("path") or "/"
        headers = {"Host": f"{target.pod_ip}:{port}", "User-Agent": USER_AGENT, "Accept": "*/*"}
        headers.update({each["name"]: each["value"] for each in action.get("httpHeaders") or []})
        lines = [f"GET {path if path.startswith('/') else '/' + path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in {**headers, "Connection": "close"}.items()]
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            first = await reader.readline()
            with contextlib.suppress(ValueError, OSError, asyncio.IncompleteReadError):
                # the rest is read so that the server can finish in peace
                await reader.read(BODY_LIMIT)
        except (OSError, ValueError) as error:
            raise ProbeError(f'Get "{address}": {error}') from error
        finally:
            writer.close()
        words = first.decode("latin-1").split()
        if len(words) < 2 or not words[1].isdigit():
            raise ProbeError(f'Get "{address}": EOF' if not first else f'Get "{address}": malformed HTTP response')
        if not 200 <= int(words[1]) < 400:
            raise ProbeError(f"HTTP probe failed with statuscode: {words[1]}")

    async def _grpc(self, action: Mapping[str, Any], target: Target) -> None:
        port = int(action["port"])
        service = action.get("service") or ""
        reader, writer = await dial(target, port)
        try:
            found = await grpc_health.check(reader, writer, service, f"{target.pod_ip}:{port}")
        except (grpc_health.HealthError, OSError) as error:
            raise ProbeError(f"error: health rpc probe failed: {error}") from error
        finally:
            writer.close()
        if found != "SERVING":
            raise ProbeError(f'service unhealthy (responded with "{found}")')


def url(action: Mapping[str, Any], target: Target) -> str:
    """What a probe asks, for messages: the address that the API knows."""
    scheme = str(action.get("scheme") or "HTTP").lower()
    path = action.get("path") or "/"
    try:
        port: int | str = target.port(action["port"])
    except ProbeError:
        port = action["port"]
    return f"{scheme}://{target.pod_ip}:{port}{path if path.startswith('/') else '/' + path}"


async def guide_sleep(guide_seconds: float) -> None:
    """Sleep for guide seconds."""
    await asyncio.sleep(scaled(guide_seconds))


@dataclass
class ProbeLoop:
    """Repeats one probe and tells what changes: `on_result(True or False)` when a threshold is reached."""

    probe: Mapping[str, Any]
    kind: str
    """Startup, Readiness or Liveness."""
    attempt: Callable[[Mapping[str, Any]], Awaitable[None]]
    on_result: Callable[[bool], None]
    on_failure: Callable[[str], None]
    """Called with the text of each failed attempt."""
    running_since: Callable[[], float]
    """Real seconds that the container runs."""
    result: bool | None = None
    """What the loop last told, or was told at an adoption."""
    on_delay: Callable[[float], None] = lambda _: None
    """Called with the real seconds that the first attempt is put off by."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Probe until a startup probe succeeds, a startup or liveness probe has failed for good, or for ever."""
        delay = scaled(self.probe.get("initialDelaySeconds") or 0) - self.running_since()
        if delay > 0:
            self.on_delay(delay)
            await self.sleep(delay)
        row = 0
        latest: bool | None = None
        while True:
            message = ""
            try:
                await self.attempt(self.probe)
            except ProbeError as error:
                message = str(error)
                self.on_failure(f"{self.kind} probe failed: {message}")
            outcome = not message
            row = row + 1 if outcome == latest else 1
            latest = outcome
            threshold = self.probe.get("successThreshold" if outcome else "failureThreshold") or (1 if outcome else 3)
            if row >= threshold and self.result != outcome:
                self.result = outcome
                self.on_result(outcome)
                if self.kind == "Startup" or (self.kind == "Liveness" and not outcome):
                    return
            await self.sleep(self.period(settled=self.result is True and outcome))

    def period(self, *, settled: bool) -> float:
        """Real seconds to the next attempt."""
        floor = SETTLED_PERIOD_FLOOR if settled else PERIOD_FLOOR
        return max(scaled(self.probe.get("periodSeconds") or 10), floor)
