# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a user runs it: started, deployed to, looked at, ended. It has a folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.settings import CHECKOUT, CLOUD_ADDRESS, CLOUD_PORT, Settings

ENVIRONMENT = "sandbox"
CLUSTER = "rhaii-tpu-scaleout-cluster"
NAMESPACE = "rhaii-inference"
SERVICE = "qwen-3b-tpu-svc"
TPU_NODES = "cloud.google.com/gke-tpu-accelerator=tpu-v6e-slice"
MODEL_PODS = f"app.kubernetes.io/name={SERVICE},kserve.io/component=workload"
MARKER = "RHAII_REHEARSAL"
LAST_SCREEN = re.compile(r"^TASK \[[^\]\n]*: failed \| Show the last screen\]", re.MULTILINE)


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

    def changed(self) -> list[str]:
        """The tasks that changed something, as Ansible titles them."""
        titles = re.findall(r"^TASK \[(.*?)\] \**\n((?:(?!^TASK |^PLAY ).*\n?)*)", self.output, re.MULTILINE)
        return [title for title, said in titles if re.search(r"^changed: ", said, re.MULTILINE)]

    def refusal(self) -> str:
        """What the one task that failed says, before the last screen; an assertion when the run did not fail so."""
        assert self.code != 0, f"it was meant to fail:\n{self.output[-3000:]}"
        assert "Traceback" not in self.output, self.output
        failed = re.findall(
            r"^fatal: \[[^\]]+\]: FAILED! =>[^\n]*\n((?: .*\n?|\n)*)", LAST_SCREEN.split(self.output)[0], re.MULTILINE
        )
        assert len(failed) == 1, f"wanted one error, found {len(failed)}:\n{self.output}"
        return " ".join(failed[0].split())

    def succeeded(self) -> Run:
        """Itself; an assertion with its end when it failed."""
        assert self.code == 0, f"exit {self.code} after {self.seconds:.0f} s:\n{self.output[-8000:]}"
        assert "Traceback" not in self.output, self.output
        return self


class Begun:
    """A command that runs; its output goes to a file."""

    def __init__(self, command: tuple[str, ...], cwd: Path, env: Mapping[str, str], log: Path) -> None:
        self._log = log
        self._started = time.monotonic()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, timeout: float = 900.0) -> Run:
        """Wait for its end; what is left of it after the time-out is killed."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"did not end within {timeout:.0f} s:\n{self.output()[-5000:]}") from None
        return Run(code, self.output(), time.monotonic() - self._started)

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")


class Rehearsal:
    """Commands in the checkout, against a sandbox below `root`."""

    def __init__(self, root: Path) -> None:
        default = Settings.load()
        assert (default.bin / "kube-apiserver").exists(), "run `make setup` first: the sandbox's binaries are missing"
        root.mkdir(parents=True, exist_ok=True)
        (root / "assets").symlink_to(default.root / "assets")
        self.settings = Settings(root, speed=default.speed)
        self._logs = root / "runs"
        self._logs.mkdir()
        self._runs = 0
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(self.settings.bin), os.environ["PATH"]]),
            "SANDBOX_DIR": str(root),
            "SANDBOX_SPEED": f"{self.settings.speed:g}",
            "KUBECONFIG": str(root / "kubeconfig"),
            # kubectl keeps what a server offers by address, and the addresses come again
            "KUBECACHEDIR": str(root / "kube-cache"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_NOCOLOR": "1",
            MARKER: str(root),
        }

    def begin(self, *command: str, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None) -> Begun:
        """Start a command."""
        self._runs += 1
        log = self._logs / f"{self._runs:03d}-{Path(command[0]).name}.log"
        return Begun(command, cwd, {**self.environment, **(env or {})}, log)

    def run(
        self, *command: str, cwd: Path = CHECKOUT, timeout: float = 900.0, env: Mapping[str, str] | None = None
    ) -> Run:
        """Run a command to its end, output and errors together."""
        return self.begin(*command, cwd=cwd, env=env).finish(timeout)

    def playbook(self, name: str, *arguments: str, timeout: float = 900.0, env: Mapping[str, str] | None = None) -> Run:
        """Run a playbook of the collection with the default inventory."""
        return self.run("ansible-playbook", f"playbooks/{name}.yml", *arguments, timeout=timeout, env=env)

    def sandbox(self, *arguments: str) -> Run:
        """Run the sandbox's own command line."""
        return self.run(sys.executable, "-m", "sandbox", *arguments)

    def kubectl(self, *arguments: str) -> Any:
        """What kubectl answers, parsed from JSON."""
        done = self.run("kubectl", *arguments, "-o", "json")
        assert done.code == 0, done.output
        return json.loads(done.output)

    def nodes(self) -> set[str]:
        """The names of the TPU nodes."""
        return {node["metadata"]["name"] for node in self.kubectl("get", "nodes", "-l", TPU_NODES)["items"]}

    def pods(self) -> list[dict[str, Any]]:
        """The model's pods that are not on their way out."""
        found = self.kubectl("get", "pods", "-n", NAMESPACE, "-l", MODEL_PODS)["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def cloud(self, path: str) -> Any:
        """The emulated cloud's own account of itself: /sandbox/ledger, /sandbox/audit, /sandbox/operations."""
        done = self.run("curl", "--silent", "--fail", "--noproxy", "*", f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}{path}")
        assert done.code == 0, f"{path}: {done.output}"
        return json.loads(done.output)

    def left(self) -> dict[str, list[str]]:
        """What exists in the cloud, by kind."""
        found: dict[str, list[str]] = self.cloud("/sandbox/audit")["left"]
        return found

    def calls(self, method: str = "") -> list[dict[str, Any]]:
        """The calls that would change something in the cloud, refused ones too."""
        return [call for call in self.cloud("/sandbox/audit")["calls"] if call["method"].endswith(method)]

    def gateway_port(self) -> int:
        """80 where this machine lets the sandbox have it, else 8080."""
        return int((self.settings.cloud_dir / "gateway-port").read_text(encoding="ascii"))

    def gateway(self) -> str:
        """The gateway's URL, from the Gateway's status."""
        gateway = self.kubectl("get", "gateway", "inference-gateway", "-n", "opendatahub")
        address, port = gateway["status"]["addresses"][0]["value"], self.gateway_port()
        return f"http://{address}" if port == 80 else f"http://{address}:{port}"

    def processes(self) -> list[processes.Process]:
        """What runs of the sandbox."""
        return list(processes.marked(self.settings))

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the sandbox's process of that name."""
        found = [process for process in processes.recorded(self.settings) if process.name == name]
        assert len(found) == 1, f"wanted one process {name}, found {found}"
        os.kill(found[0].pid, number)

    def kill(self, pid: int) -> None:
        """SIGKILL; it may have gone with another one."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """End whatever a failed test left."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
        self.sandbox("down")


def until(wanted: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
    """Ask again until it is so."""
    deadline = time.monotonic() + timeout
    while not wanted():
        assert time.monotonic() < deadline, f"{what}: not within {timeout:.0f} s"
        time.sleep(0.1)
