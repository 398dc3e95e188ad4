# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of what a run costs beside kubectl, of what each tag runs, and of what the tree has become."""

from __future__ import annotations

import io
import re
import resource
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median_low

import yaml

from sandbox.settings import CHECKOUT
from tests.prove.commands import PATIENCE, plain_environment, run
from tests.prove.proof import Figures, Origin, Step, StepError
from tests.prove.render.verbs import BLOCK

# The tree before the objects became sets, and a run cheap.
BEFORE = "c7abcd9e0568290df97d966e12380df6c360225c"
UNCOUNTED = ("changelogs/", "docs/results/", "tests/")
NEARLY_ALL = 0.84
RENDERED = "`python -m tests.prove.render`"
TEXT = (".py", ".yml", ".yaml", ".j2", ".md", ".sh")
ROOMS = ("playbooks", "roles", "plugins", "sandbox", "tests", "docs")
CONFIRM = ("-e", "rhaii_teardown_confirm=sandbox")
RECAP = re.compile(r"ok=(\d+) +changed=(\d+) .*failed=(\d+) +skipped=(\d+)")
RATIO = re.compile(r"by kubectl, helm and curl: ([\d.]+) CPU seconds; deploy\.yml: ([\d.]+)\nnoop/kubectl ([\d.]+)")
# In this order: what a tag of teardown takes is there no more for the next.
TEARDOWN_TAGS = ("services", "gateway", "cloud")


def steps() -> tuple[Step, ...]:
    """What measures the processor comes first."""
    return (
        Step("costs", "CPU seconds of each verb, and of kubectl, helm and curl (about 5 minutes)", costs),
        Step("before", f"the same verbs in the tree of {BEFORE} (about 6 minutes)", before),
        Step("tags", "each tag of each playbook on a deployed environment (about 8 minutes)", tags),
        Step("rooms", "lines by room, and the files that one more capability touches", rooms),
    )


class Place:
    """A checkout with a sandbox of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        binaries = (root / ".venv" / "bin", root / ".sandbox" / "assets" / "bin")
        path = ":".join([*map(str, binaries), plain_environment()["PATH"]])
        self.environment = {**plain_environment(), "PATH": path, "ANSIBLE_NOCOLOR": "1"}
        self.environment["PYTHONPYCACHEPREFIX"] = str(root / ".sandbox" / "pycache")
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment["KUBECONFIG"] = str(root / ".sandbox" / "kubeconfig")

    def done(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    def cpu(self, *command: str) -> float:
        """CPU seconds of a command and of all its processes."""
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = self.done(*command)
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise StepError(
                f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-500:]}"
            )
        return round(ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime, 1)

    def playbook(self, name: str, *arguments: str) -> tuple[str, ...]:
        return ("ansible-playbook", f"playbooks/{name}.yml", *arguments)

    @contextmanager
    def sandbox(self) -> Iterator[None]:
        """From nothing, and to nothing."""
        self.done("python", "-m", "sandbox", "down")
        try:
            self.cpu("python", "-m", "sandbox", "up")
            yield
        finally:
            self.done("python", "-m", "sandbox", "down")


def verbs(place: Place) -> Figures:
    """Each verb once, from an empty cloud on."""
    return {
        "first deploy": place.cpu(*place.playbook("deploy")),
        "deploy that changes nothing": place.cpu(*place.playbook("deploy")),
        "verify": place.cpu(*place.playbook("verify")),
        "scale to five": place.cpu(*place.playbook("scale", "-e", "rhaii_replicas=5")),
        "scale back": place.cpu(*place.playbook("scale", "-e", "rhaii_replicas=3")),
    }


def costs(_origin: Origin) -> Figures:
    """Of this tree; the comparison with kubectl in one run of the bench."""
    place = Place(CHECKOUT)
    with place.sandbox():
        found = verbs(place)
        bench = place.done("tests/bench/anchor.sh")
    match = RATIO.search(bench.stdout)
    if not match:
        raise StepError(
            f"tests/bench/anchor.sh ended with {bench.returncode}:\n{bench.stdout[-2000:]}{bench.stderr[-2000:]}"
        )
    anchor = {"by_hand": float(match[1]), "deploy": float(match[2]), "ratio": float(match[3])}
    commands = [line.removeprefix("anchor: ") for line in bench.stdout.splitlines() if line.startswith("anchor: ")]
    return {"cpu_seconds": found, "anchor": anchor, "commands": commands}


def before(_origin: Origin) -> Figures:
    """Of the tree that was, in a clone."""
    with tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        clone = Path(folder) / "clone"
        run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], cwd=CHECKOUT)
        run(["git", "checkout", "--quiet", BEFORE], cwd=clone)
        run(["make", "setup", "PYTHON=python3"], cwd=clone)
        place = Place(clone)
        with place.sandbox():
            return {"cpu_seconds": verbs(place)}


def tags(_origin: Origin) -> Figures:
    """What each tag ran, on an environment that is deployed; what it must not change it did not."""
    place = Place(CHECKOUT)
    rows: list[Figures] = []
    with place.sandbox(), tempfile.TemporaryDirectory(prefix="rhaii-prove-") as folder:
        place.cpu(*place.playbook("deploy"))
        more = ("-e", f"rhaii_render_folder={folder}/rendered", "-e", f"rhaii_kubeconfig={folder}/kubeconfig")
        for playbook in ("preflight", "deploy", "verify", "scale", "render"):
            for tag in tags_of(playbook):
                rows.append(tagged(place, playbook, tag, *more))
        for tag in TEARDOWN_TAGS:
            rows.append(tagged(place, "teardown", tag, *CONFIRM))
        unknown = place.done(*place.playbook("deploy", "--tags", "nonsense"))
    if unknown.returncode == 0 or "has no tag nonsense" not in unknown.stdout:
        raise StepError("a tag that no playbook has was not refused.")
    return {"runs": rows}


def tags_of(playbook: str) -> list[str]:
    """As the playbook names them itself."""
    plays = yaml.safe_load((CHECKOUT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    return [str(tag) for tag in plays[0]["vars"]["playbook_tags"]]


def tagged(place: Place, playbook: str, tag: str, *arguments: str) -> Figures:
    done = place.done(*place.playbook(playbook, "--tags", tag, *arguments))
    match = RECAP.search(done.stdout)
    if done.returncode or not match:
        raise StepError(f"{playbook}.yml --tags {tag} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    ok, changed, _failed, skipped = map(int, match.groups())
    return {"playbook": f"{playbook}.yml", "tag": tag, "tasks": ok + skipped, "changed": changed}


def rooms(_origin: Origin) -> Figures:
    """Lines of text, golden recordings left out; and how many files one more of a kind needs."""
    return {
        "lines": [{"room": room, "before": lines(BEFORE, room), "now": lines("HEAD", room)} for room in ROOMS],
        "files": [
            {"for one more": what, "before": touched(BEFORE, folder, form), "now": touched("HEAD", folder, form)}
            for what, folder, form in (
                ("capability", "plugins/modules", r"\b{0}\b"),
                ("verb", "playbooks", r"\b{0}\.yml\b"),
            )
        ],
    }


def touched(commit: str, folder: str, form: str) -> int:
    """Files that one more of a kind needs: those that are one's own, and those that list nearly all of the kind."""
    names = {Path(name).stem for name in texts(commit) if Path(name).parent == Path(folder)}
    written = {file: by_hand(file, text) for file, text in texts(commit).items() if not file.startswith(UNCOUNTED)}
    listing = sum(
        sum(bool(re.search(form.format(re.escape(name)), text)) for name in names) >= NEARLY_ALL * len(names)
        for text in written.values()
    )
    own = (sum(Path(file).stem == name or f'name="{name}"' in text for file, text in written.items()) for name in names)
    return listing + median_low(own)


def by_hand(file: str, text: str) -> str:
    """What of a page somebody writes: the rest is rendered from other files."""
    return "" if RENDERED in text and file.startswith("docs/") else BLOCK.sub("", text)


def lines(commit: str, room: str) -> int:
    """Of all text files below a folder."""
    return sum(text.count("\n") for name, text in texts(commit).items() if name.startswith(f"{room}/"))


@cache
def texts(commit: str) -> dict[str, str]:
    """The text files of a commit."""
    packed = subprocess.run(["git", "archive", commit], cwd=CHECKOUT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {
            member.name: file.read().decode(errors="replace")
            for member in archive
            if member.name.endswith(TEXT) and "/golden/" not in member.name and (file := archive.extractfile(member))
        }


__all__ = ("BEFORE", "steps", "tags_of")
