# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m sandbox``: start, end and look at the sandbox."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.cloud.faults import kinds
from sandbox.control_plane.cluster import ClusterSpec, ControlPlane
from sandbox.network.addresses import bind_port
from sandbox.settings import CHECKOUT, CLOUD_ADDRESS, CLOUD_PORT, CLOUD_PROXY_PORT, Settings
from sandbox.timeline import ReportError, Timeline, recap, stages_of, table

CLOUD_URL = f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}"
DEFAULT_CLUSTER = "rhaii-sandbox_europe-west4-a_rhaii-tpu-scaleout-cluster"
START_LIMIT = 60.0
SERVICES = {"hub": "sandbox.cloud.hub", "cloud": "sandbox.cloud"}


def say(text: str) -> None:
    """A line for people."""
    print(f"sandbox: {text}", flush=True)


def ask(path: str, *, method: str = "GET", body: Any = None, timeout: float = 5.0) -> Any:
    """One request to the emulated cloud; OSError when it does not answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(CLOUD_URL + path, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    # never by way of the caller's proxy
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout) as response:
        text = response.read()
    return json.loads(text) if text else None


def cloud_answers() -> bool:
    """Whether the emulated cloud serves."""
    try:
        ask("/sandbox/faults")
    except (OSError, json.JSONDecodeError):
        return False
    return True


def up(settings: Settings) -> int:
    """Start what does not run; what runs stays as it is."""
    missing = [name for name in ("kube-apiserver", "etcd", "envoy", "helm") if not (settings.bin / name).exists()]
    if missing:
        say(f"{', '.join(missing)} not found in {settings.bin}: run `make setup` first.")
        return 1
    running = {process.name for process in processes.recorded(settings)}
    if not running and not any(clusters(settings)):
        settings.timeline.unlink(missing_ok=True)
    if "cloud" not in running and cloud_answers():
        say(f"another sandbox serves at {CLOUD_URL}: end that one first (`python -m sandbox down` in its checkout).")
        return 1
    for name, module in SERVICES.items():
        if name not in running:
            processes.spawn(
                [sys.executable, "-m", module],
                log=settings.root / "logs" / f"{name}.log",
                name=name,
                settings=settings,
                cwd=CHECKOUT,
            )
    deadline = time.monotonic() + START_LIMIT
    while not cloud_answers():
        alive = {process.name for process in processes.recorded(settings)}
        dead = [name for name in SERVICES if name not in alive]
        if dead or time.monotonic() > deadline:
            name = dead[0] if dead else "cloud"
            log = settings.root / "logs" / f"{name}.log"
            say(f"{name} did not start. The end of {log}:\n{tail(log, 15)}")
            return 1
        time.sleep(0.1)
    # an inventory reads there at which port a gateway's port 80 is served
    (settings.cloud_dir / "gateway-port").write_text(f"{bind_port(80)}\n", encoding="ascii")
    (settings.root / "reports").mkdir(exist_ok=True)
    link = settings.root / "kubeconfig"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("clusters") / DEFAULT_CLUSTER / "kubeconfig")
    say(f"up at {CLOUD_URL}, {settings.speed:g} guide seconds a second. End it with: python -m sandbox down")
    return 0


def clusters(settings: Settings) -> Iterator[ControlPlane]:
    """The clusters that have a folder."""
    for file in sorted(settings.clusters_dir.glob("*/cluster.json")):
        try:
            entry = json.loads(file.read_text(encoding="utf-8"))
            spec = ClusterSpec(
                project=entry["project"],
                location=entry["location"],
                name=entry["name"],
                index=entry["index"],
                dataplane_v2=entry["dataplane_v2"],
                version=entry["version"],
            )
        except (KeyError, json.JSONDecodeError):  # killed while it was written: its processes carry the marker
            continue
        yield ControlPlane(settings, spec)


def down(settings: Settings) -> int:
    """End every process of this sandbox, also those that a crash left without a record."""
    for process in processes.recorded(settings):
        if process.name in SERVICES:
            processes.stop(process.pid, 5.0, process.start_time)
    for cluster in clusters(settings):
        asyncio.run(cluster.stop())
    for _ in range(3):
        # a process that was starting while the first round looked is found by the next
        for process in list(processes.marked(settings)):
            processes.stop(process.pid, 1.0, process.start_time)
    left = list(processes.marked(settings))
    for process in left:
        say(f"{process.name} (pid {process.pid}) could not be ended")
    if not left:
        settings.processes.unlink(missing_ok=True)
        say("down: no process is left")
    return 1 if left else 0


def status(settings: Settings) -> int:
    """What runs."""
    found = sorted(processes.marked(settings), key=lambda process: process.name)
    if not found:
        say("down. Start it with: python -m sandbox up")
        return 1
    say(f"cloud {'answers' if cloud_answers() else 'does not answer'} at {CLOUD_URL}")
    for cluster in clusters(settings):
        ready = asyncio.run(cluster.ready())
        say(f"cluster {cluster.spec.name}: {'ready' if ready else 'not ready'} at https://{cluster.endpoint}")
    for process in found:
        print(f"  {process.pid:>8}  {process.name}")
    return 0


def environment(settings: Settings) -> int:
    """What an unmodified Google client needs to talk to the emulator."""
    cloud = settings.cloud_dir
    values = {
        "HTTPS_PROXY": f"http://{CLOUD_ADDRESS}:{CLOUD_PROXY_PORT}",
        "NO_PROXY": "127.0.0.0/8",
        "REQUESTS_CA_BUNDLE": str(cloud / "ca.pem"),
        "SSL_CERT_FILE": str(cloud / "ca.pem"),
        "GOOGLE_APPLICATION_CREDENTIALS": str(cloud / "service-account.json"),
        "GCP_AUTH_KIND": "serviceaccount",
        "GCP_SERVICE_ACCOUNT_FILE": str(cloud / "service-account.json"),
        "GCP_PROJECT": "rhaii-sandbox",
        "KUBECONFIG": str(settings.root / "kubeconfig"),
        "PATH": f"{settings.bin}:$PATH",
    }
    for name, value in values.items():
        print(f'export {name}="{value}"')
    return 0


def fault(settings: Settings, action: str, specification: str) -> int:
    """List, set or clear what only a cloud can do to one."""
    del settings
    try:
        if action == "list":
            answer = ask("/sandbox/faults")
        elif action == "clear":
            answer = ask("/sandbox/faults", method="DELETE")
        else:
            answer = ask("/sandbox/faults", method="POST", body=json.loads(specification))
    except json.JSONDecodeError as error:
        example = '{"kind": "quota", "value": 8}'
        say(f"a fault is a JSON object, for example '{example}'; found {specification!r} ({error}).")
        return 2
    except urllib.error.HTTPError as error:
        say(f"the cloud refused the fault: {error.read().decode(errors='replace')}")
        return 1
    except OSError as error:
        say(f"the cloud does not answer at {CLOUD_URL} ({error}). Start it with: python -m sandbox up")
        return 1
    print(json.dumps(answer, indent=1))
    return 0


def logs(settings: Settings, name: str, lines: int) -> int:
    """Without a name the names; with one the end of that log."""
    files = {
        str(path.relative_to(settings.root)).removesuffix(".log").replace("logs/", ""): path
        for path in sorted(settings.root.glob("**/*.log"))
        if "etcd/" not in str(path)
    }
    if not name:
        print("\n".join(files))
        return 0
    matching = [path for known, path in files.items() if name in known]
    if not matching:
        say(f"no log is called {name!r}; `python -m sandbox logs` lists them.")
        return 1
    for path in matching:
        print(f"==> {path}\n{tail(path, lines)}")
    return 0


def show_recap(settings: Settings, report: Path) -> int:
    """How long each stage of a deployment took in guide minutes, and what of it was this machine's doing."""
    try:
        stages = stages_of(json.loads(report.read_text(encoding="utf-8")))
    except OSError as error:
        say(f"{report} cannot be read ({error.strerror}); a deployment in the sandbox leaves one in reports/.")
        return 1
    except json.JSONDecodeError as error:
        say(f"{report} is no JSON ({error}).")
        return 1
    except ReportError as error:
        say(f"{report}: {error}")
        return 1
    intervals = Timeline.of(settings).read()
    speed = intervals[-1].speed if intervals else settings.speed
    print("\n".join(table(recap(stages, intervals, speed))))
    return 0


def tail(path: Path, lines: int) -> str:
    """The last lines of a file."""
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m sandbox", description="A rehearsal of the cloud on this machine.")
    verbs = top.add_subparsers(dest="verb", required=True)
    for name, function in (("up", up), ("down", down), ("status", status), ("env", environment)):
        verbs.add_parser(name, help=first_line(function)).set_defaults(run=function)
    faults = verbs.add_parser(
        "fault",
        help=first_line(fault),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Kinds, each with its members ([optional]):\n" + kinds(),
    )
    faults.add_argument("action", choices=["list", "set", "clear"])
    faults.add_argument("specification", nargs="?", default="{}", help="for set: the fault as JSON")
    faults.set_defaults(run=lambda settings, args: fault(settings, args.action, args.specification))
    recaps = verbs.add_parser("recap", help=first_line(show_recap))
    recaps.add_argument("report", type=Path, help="the report that the deployment wrote")
    recaps.set_defaults(run=lambda settings, args: show_recap(settings, args.report))
    log = verbs.add_parser("logs", help=first_line(logs))
    log.add_argument("name", nargs="?", default="")
    log.add_argument("--lines", type=int, default=40)
    log.set_defaults(run=lambda settings, args: logs(settings, args.name, args.lines))
    return top


def first_line(function: Callable[..., object]) -> str:
    """The first line of a docstring."""
    return (function.__doc__ or "").splitlines()[0]


def main() -> int:
    """Entry point."""
    arguments = parser().parse_args()
    settings = Settings.load()
    settings.root.mkdir(parents=True, exist_ok=True)
    try:
        if arguments.verb in ("fault", "logs", "recap"):
            return int(arguments.run(settings, arguments))
        return int(arguments.run(settings))
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
