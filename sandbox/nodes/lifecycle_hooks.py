# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""postStart and preStop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sandbox.guide_time import scaled
from sandbox.nodes import commands
from sandbox.nodes.probes import ProbeError, Prober, Target, dial

SLEEP_FLOOR = 1.0
"""Real seconds. A hook that sleeps gives the rest of the cluster time to hear of the end, and hearing is not scaled."""


class HookError(Exception):
    """The hook failed; the text is for the event."""


async def hook_sleep(guide_seconds: float) -> None:
    """A hook's sleep: scaled, but long enough for a watch to deliver."""
    await asyncio.sleep(max(scaled(guide_seconds), min(guide_seconds, SLEEP_FLOOR)))


async def run_hook(hook: Mapping[str, Any], target: Target, prober: Prober) -> None:
    """Run one handler to its end; HookError when it fails."""
    if "sleep" in hook:
        await hook_sleep(float(hook["sleep"]["seconds"]))
    elif "exec" in hook:
        result = await commands.run(hook["exec"].get("command") or [], target.root, sleep=hook_sleep)
        if result.code:
            raise HookError(result.output or f"command exited with {result.code}")
    elif "httpGet" in hook:
        try:
            await prober.http(hook["httpGet"], target)
        except ProbeError as error:
            raise HookError(str(error)) from error
    elif "tcpSocket" in hook:
        try:
            _, writer = await dial(target, target.port(hook["tcpSocket"]["port"]))
        except ProbeError as error:
            raise HookError(str(error)) from error
        writer.close()
