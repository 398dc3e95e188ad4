# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a user runs it: started, deployed to, looked at."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.settings import CHECKOUT, CLOUD_ADDRESS, CLOUD_PORT, Settings

ENVIRONMENT = "sandbox"
CLUSTER = "rhaii-tpu-scaleout-cluster"


@dataclass(frozen=True)
class Run:
    """A finished command."""

    code: int
    output: str
    seconds: float

    def recap(self) -> dict[str, int]:
        """The numbers of the last line of PLAY RECAP."""
        found = re.findall(r"^\S+\s+: (ok=\d+.*)$", self.output, re.MULTILINE)
        assert found, f"no recap in:\n{self.output[-3000:]}"
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", found[-1])}


class Rehearsal:
    """Commands in the checkout, against its sandbox."""

    def __init__(self) -> None:
        self.settings = Settings.load()
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(self.settings.bin), os.environ["PATH"]]),
            "KUBECONFIG": str(self.settings.root / "kubeconfig"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(
        self, *command: str, cwd: Path = CHECKOUT, timeout: float = 900.0, env: Mapping[str, str] | None = None
    ) -> Run:
        """Run a command to its end, output and errors together."""
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**self.environment, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout, time.monotonic() - started)

    def playbook(self, name: str, *arguments: str, timeout: float = 900.0) -> Run:
        """Run a playbook of the collection with the default inventory."""
        return self.run("ansible-playbook", f"playbooks/{name}.yml", *arguments, timeout=timeout)

    def sandbox(self, *arguments: str) -> Run:
        """Run the sandbox's own command line."""
        return self.run(sys.executable, "-m", "sandbox", *arguments)

    def kubectl(self, *arguments: str) -> Any:
        """What kubectl answers, parsed from JSON."""
        done = self.run("kubectl", *arguments, "-o", "json")
        assert done.code == 0, done.output
        return json.loads(done.output)

    def cloud(self, path: str) -> Any:
        """The emulated cloud's own account of itself: /sandbox/ledger, /sandbox/audit, /sandbox/operations."""
        done = self.run("curl", "--silent", "--fail", "--noproxy", "*", f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}{path}")
        assert done.code == 0, f"{path}: {done.output}"
        return json.loads(done.output)

    def gateway(self) -> str:
        """The gateway's URL, from the Gateway's status."""
        gateway = self.kubectl("get", "gateway", "inference-gateway", "-n", "opendatahub")
        address = gateway["status"]["addresses"][0]["value"]
        return f"http://{address}" if os.geteuid() == 0 else f"http://{address}:8080"
