# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stand-in image knows of the container that it runs in: the environment that the node gave it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.settings import Settings
from sandbox.timeline import Timeline

if TYPE_CHECKING:
    from sandbox.control_plane.kube import KubeClient

UP_VARIABLE = "SANDBOX_UP_FILE"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True)
class Container:
    """One container of a pod."""

    root_folder: Path
    pod_ip: str
    name: str
    namespace: str
    speed: float
    environ: Mapping[str, str]

    @classmethod
    def current(cls, environ: Mapping[str, str] | None = None) -> Container:
        """The container that this process is, by the environment that the node set."""
        environ = os.environ if environ is None else environ
        missing = [name for name in ("SANDBOX_ROOT", "SANDBOX_POD_IP") if not environ.get(name)]
        if missing:
            raise SystemExit(
                f"Stand-in images are started by a sandbox node, which sets {' and '.join(missing)}; found none. "
                "Create a pod with the image instead of running the module by hand."
            )
        return cls(
            root_folder=Path(environ["SANDBOX_ROOT"]),
            pod_ip=environ["SANDBOX_POD_IP"],
            name=environ.get("SANDBOX_POD_NAME", ""),
            namespace=environ.get("SANDBOX_POD_NAMESPACE", ""),
            speed=float(environ.get("SANDBOX_SPEED") or 60),
            environ=environ,
        )

    def root(self, path: str | Path = "/") -> Path:
        """Where an absolute path of the container lies on this machine: below the pod's root folder."""
        return self.root_folder / str(path).lstrip("/")

    def kube(self, *, timeout: float = 30.0) -> KubeClient:
        """A client for the API server with the pod's own service account, as an in-cluster client makes it."""
        # imported here: the stand-ins that never ask the API server should not pay for it
        from sandbox.control_plane.kube import KubeClient
        from sandbox.network import sockets

        folder = self.root(SERVICE_ACCOUNT)
        if not (folder / "token").exists():
            raise SystemExit(
                f"unable to load in-cluster configuration: {SERVICE_ACCOUNT}/token does not exist; "
                "the pod needs a service account token (automountServiceAccountToken)."
            )
        host = self.environ.get("KUBERNETES_SERVICE_HOST", "")
        port = self.environ.get("KUBERNETES_SERVICE_PORT") or "443"
        return KubeClient(
            f"https://{host}:{port}",
            ca_file=folder / "ca.crt",
            # read for each request: the node renews the file
            token=lambda: (folder / "token").read_text(encoding="ascii").strip(),
            connector=sockets.connector(),
            timeout=timeout,
        )

    @property
    def timeline(self) -> Timeline:
        """Where the container says what it plays."""
        return Timeline.of(Settings.load())

    def up(self) -> None:
        """Tell the node that the program is there: its start took this machine's time, probes go by the guide's."""
        path = self.environ.get(UP_VARIABLE)
        if path:
            Path(path).touch()

    def log(self, message: str) -> None:
        """A line of the container's log, at once."""
        print(message, flush=True)


async def run_until_terminated(main: Coroutine[Any, Any, int | None]) -> int:
    """Run `main` until it returns or the container is told to stop; the exit code.

    SIGTERM (and SIGINT) cancels `main`, which ends its work in `finally` or on CancelledError; the exit code is
    then 0. Further signals change nothing: the node kills when the grace period is over.
    """
    loop = asyncio.get_running_loop()
    task = loop.create_task(main, name="container main")
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        if not terminated:
            terminated = True
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, terminate)
    try:
        code = await task
    except asyncio.CancelledError:
        if not terminated:
            raise
        return 0
    return code or 0


def run(main: Coroutine[Any, Any, int | None]) -> None:
    """Run a stand-in's `main` to its end, then exit the process with its code."""
    code = asyncio.run(run_until_terminated(main))
    sys.stdout.flush()
    sys.exit(code)
