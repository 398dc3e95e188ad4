# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Envoy process and its administration interface."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

from sandbox.settings import Settings

BINARY_VARIABLE = "SANDBOX_ENVOY"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def binary() -> Path:
    """The real Envoy: among the sandbox's assets, or where SANDBOX_ENVOY says."""
    path = Path(os.environ.get(BINARY_VARIABLE) or Settings.load().bin / "envoy")
    if not path.exists():
        raise SystemExit(f"Envoy is wanted at {path} and is not there; run `make setup`.")
    return path


def _end_with_the_agent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Envoy:
    """One Envoy; its log and access log go where the agent's output goes."""

    def __init__(self, folder: Path, admin: tuple[str, int], *, log_level: str = "warning") -> None:
        self._folder = folder
        self._admin = admin
        self._log_level = log_level
        self._process: asyncio.subprocess.Process | None = None

    @property
    def started(self) -> bool:
        """Whether it was started."""
        return self._process is not None

    async def start(self, bootstrap: dict[str, Any]) -> None:
        """Start it with a bootstrap configuration."""
        path = self._folder / "bootstrap.json"
        path.write_text(json.dumps(bootstrap, indent=1), encoding="utf-8")
        self._process = await asyncio.create_subprocess_exec(
            str(binary()),
            *("--config-path", str(path)),
            *("--concurrency", "1"),
            "--disable-hot-restart",
            *("--drain-time-s", "45"),
            *("--log-level", self._log_level),
            *("--component-log-level", "misc:error"),
            # a gateway that was killed must not leave its ports taken
            preexec_fn=_end_with_the_agent,
        )

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        assert self._process
        return await self._process.wait()

    async def ask(self, path: str, *, method: str = "GET") -> tuple[int, str]:
        """A request to its administration interface; status 0 when it does not answer."""
        address, port = self._admin
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2.0)) as session,
                session.request(method, f"http://{address}:{port}{path}") as response,
            ):
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, ""

    async def live(self) -> bool:
        """Whether it serves with all of its first configuration."""
        return self.started and (await self.ask("/ready"))[0] == 200

    async def active_requests(self) -> int:
        """Requests that are under way."""
        _, text = await self.ask("/stats?format=json&filter=^http\\..*downstream_rq_active$")
        try:
            stats = json.loads(text)["stats"]
        except (ValueError, KeyError):
            return 0
        return sum(item.get("value", 0) for item in stats if not item.get("name", "").startswith("http.admin."))

    async def stop(self, grace: float) -> None:
        """Ask it to end, and make it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(grace):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
