# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-in images run as a node would run them, without a node."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.control_plane.pki import Authority
from sandbox.settings import CHECKOUT, MARKER, Settings

CERTIFICATES = "/var/run/kserve/tls"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# Several prompts' worth of full blocks: 128 tokens for vLLM, 256 characters for the picker.
LONG_PROMPT = "Translate this English sentence into French and keep every name as it is, please. " * 12


def wait_until(true: object, what: str, seconds: float = 30.0) -> None:
    """Wait for a condition that only another process can bring about."""
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


def listening(address: str, port: int) -> bool:
    """Whether somebody accepts there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


@dataclass
class StandIn:
    """One container: its root folder, its address and, once started, its process."""

    folder: Path
    pod_ip: str
    settings: Settings
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def address(self) -> str:
        """Where it serves on this machine."""
        return f"127.{self.pod_ip.removeprefix('10.')}"

    @property
    def log(self) -> str:
        """What it has said so far."""
        file = self.folder / "log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def start(self, module: str, *argv: str, **environ: str) -> StandIn:
        """Start `module` with a container's command line."""
        self.root.mkdir(parents=True, exist_ok=True)
        given: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
            MARKER: str(self.settings.root),
            "SANDBOX_DIR": str(self.settings.root),
            "SANDBOX_SPEED": "2000",
            "SANDBOX_ROOT": str(self.root),
            "SANDBOX_POD_IP": self.pod_ip,
            "SANDBOX_POD_NAME": self.folder.name,
            "SANDBOX_POD_NAMESPACE": "models",
            **self.environ,
            **environ,
        }
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *argv], env=dict(given), stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def wait_for(self, text: str, seconds: float = 30.0) -> StandIn:
        """Wait for a line of the log."""
        wait_until(lambda: text in self.log or self.code is not None, f"{text!r} in the log", seconds)
        assert text in self.log, self.log
        return self

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.poll() if self.process else None

    def finish(self, seconds: float = 30.0) -> int:
        """Wait for the end; the exit code."""
        assert self.process
        return self.process.wait(seconds)

    def terminate(self) -> None:
        """SIGTERM, as a node sends it."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it, whatever it does."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def certify(self, authority: Authority, *names: str) -> None:
        """Mount a certificate for the container's addresses, replacing the one before."""
        hosts = [self.address, self.pod_ip, "localhost", *names]
        certificate, key = authority.sign("stand-in", hosts=hosts)
        folder = self.root / CERTIFICATES.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (("tls.crt", certificate), ("tls.key", key)):
            new = folder / f".{name}"
            new.write_bytes(content)
            new.replace(folder / name)


def model_server_arguments(*more: str) -> list[str]:
    """The guide's command line: everything in one string of several lines."""
    lines = [
        "python3 -m vllm.entrypoints.openai.api_server",
        "--model=/mnt/models --dtype=half --max-model-len=2048 --tensor-parallel-size=4",
        "--enable-prefix-caching --max-num-seqs=128 --disable-log-requests",
        f"--ssl-certfile={CERTIFICATES}/tls.crt --ssl-keyfile={CERTIFICATES}/tls.key",
        *more,
    ]
    return ["\n".join(lines)]
