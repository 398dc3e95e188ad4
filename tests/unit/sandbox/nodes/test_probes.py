# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a row of probe attempts means, the commands that probes may run, and the gRPC health check."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.nodes import commands, grpc_health
from sandbox.nodes.containers import backoff, go_duration
from sandbox.nodes.grpc_health import DATA, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, HealthError, frame
from sandbox.nodes.probes import ProbeError, ProbeLoop, Target, url


class Row:
    """A loop over a given row of outcomes; it ends with the row."""

    def __init__(self, kind: str, outcomes: str, running_since: float = 0.0, **probe: int) -> None:
        self.told: list[bool | None] = []
        self.failures: list[str] = []
        self.slept: list[float] = []
        self._outcomes = iter(outcomes)
        self._running_since = running_since
        self.loop = ProbeLoop(
            probe=probe,
            kind=kind,
            attempt=self.attempt,
            on_result=self.told.append,
            on_failure=self.failures.append,
            running_since=lambda: self._running_since,
            sleep=self.sleep,
        )

    async def attempt(self, probe: Mapping[str, Any]) -> None:
        outcome = next(self._outcomes, "")
        if not outcome:
            raise asyncio.CancelledError
        if outcome == "-":
            raise ProbeError("no")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def run(self) -> list[bool | None]:
        try:
            await self.loop.run()
        except asyncio.CancelledError:
            # the loop would go on
            self.told.append(None)
        return self.told


@pytest.fixture(autouse=True)
def speed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SPEED", "10")


@pytest.mark.parametrize(
    ("kind", "outcomes", "probe", "told"),
    [
        ("Readiness", "--+", {}, [True, None]),
        ("Readiness", "+--+---", {}, [True, False, None]),
        ("Readiness", "+-+", {"failureThreshold": 1}, [True, False, True, None]),
        ("Readiness", "+-++", {"successThreshold": 2}, [True, None]),
        ("Liveness", "+--+---+", {}, [True, False]),
        ("Liveness", "---", {}, [False]),
        ("Startup", "--+", {}, [True]),
        ("Startup", "--", {"failureThreshold": 2}, [False]),
    ],
    ids=["ready", "unready-after-three", "threshold-one", "two-successes", "dead", "never-alive", "up", "never-up"],
)
async def test_row_of_attempts(kind: str, outcomes: str, probe: dict[str, int], told: list[bool | None]) -> None:
    assert await Row(kind, outcomes, **probe).run() == told


async def test_failures_are_told_with_their_kind() -> None:
    row = Row("Liveness", "-+")
    await row.run()
    assert row.failures == ["Liveness probe failed: no"]


async def test_delay_and_periods_are_guide_time_with_a_floor() -> None:
    row = Row("Readiness", "-++", initialDelaySeconds=240, periodSeconds=1)
    await row.run()
    assert row.slept == [24.0, 0.25, 1.0, 1.0]
    slow = Row("Readiness", "-+", periodSeconds=30)
    await slow.run()
    assert slow.slept == [3.0, 3.0]


async def test_delay_counts_from_the_start_of_the_container() -> None:
    row = Row("Readiness", "+", running_since=20.0, initialDelaySeconds=240)
    await row.run()
    assert row.slept[0] == 4.0
    late = Row("Readiness", "+", running_since=60.0, initialDelaySeconds=240)
    await late.run()
    assert late.slept == [1.0]


def test_probe_names_the_address_that_the_api_knows() -> None:
    target = Target("10.1.0.2", "10.1.127.1", Path("/"), {"https": 8000})
    assert url({"scheme": "HTTPS", "port": "https", "path": "/health"}, target) == "https://10.1.0.2:8000/health"
    assert url({"port": "none", "path": "x"}, target) == "http://10.1.0.2:none/x"
    with pytest.raises(ProbeError, match="couldn't find port: none"):
        target.port("none")


def test_back_off_doubles_to_five_guide_minutes() -> None:
    assert [backoff(attempts) for attempts in (0, 1, 2, 3, 6, 20)] == [0.0, 1.0, 2.0, 4.0, 30.0, 30.0]
    assert [go_duration(seconds) for seconds in (10, 80, 300)] == ["10s", "1m20s", "5m0s"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["true"], 0),
        (["/bin/false"], 1),
        (["cat", "/etc/there"], 0),
        (["cat", "/etc/absent"], 1),
        (["test", "-f", "/etc/there"], 0),
        (["sh", "-c", "test -d /etc/there"], 1),
        (["[", "!", "-e", "/etc/absent", "]"], 0),
        (["/bin/sh", "-c", "sleep 15"], 0),
        (["sleep", "soon"], 1),
        (["ls", "-l", "/etc"], 0),
        (["curl", "http://localhost"], 127),
        (["sh", "-c", "true && rm -rf /"], 127),
        ([], 127),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
async def test_command_in_a_container(tmp_path: Path, argv: list[str], code: int) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "there").write_text("x")
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    result = await commands.run(argv, tmp_path, sleep=sleep)
    assert result.code == code
    assert slept == ([15.0] if "sleep 15" in argv else [])
    if code == 127 and argv:
        assert "images are stand-ins without programs" in result.output


class Writer:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data


async def health(*frames: bytes, service: str = "") -> tuple[str, bytes]:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(frames))
    reader.feed_eof()
    writer: Any = Writer()
    found = await grpc_health.check(reader, writer, service, "10.1.0.2:9003")
    return found, writer.sent


async def test_health_is_read_between_other_frames() -> None:
    found, sent = await health(
        frame(SETTINGS, 0, 0, b""),
        frame(PING, 0, 0, b"12345678"),
        frame(HEADERS, 4, 1, b"\x88"),
        frame(DATA, 0, 1, b"\0\0\0\0\2"),
        frame(DATA, 0, 1, b"\x08\1"),
        service="liveness",
    )
    assert found == "SERVING"
    assert b"\x0a\x08liveness" in sent
    assert sent.endswith(frame(SETTINGS, 1, 0, b"") + frame(PING, 1, 0, b"12345678"))


async def test_service_that_does_not_serve() -> None:
    assert (await health(frame(DATA, END_STREAM, 1, b"\0\0\0\0\2\x08\2")))[0] == "NOT_SERVING"
    assert (await health(frame(DATA, END_STREAM, 1, b"\0\0\0\0\0")))[0] == "UNKNOWN"


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([frame(HEADERS, 5, 1, b"")], "has no health status for service 'x'"),
        ([frame(RST_STREAM, 0, 1, b"\0\0\0\0")], "refused the call"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "does not speak gRPC"),
        ([], "closed the connection"),
    ],
    ids=["unknown-service", "reset", "http1", "closed"],
)
async def test_no_health_status(frames: list[bytes], message: str) -> None:
    with pytest.raises(HealthError, match=message):
        await health(*frames, service="x")
