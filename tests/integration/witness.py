# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run must not do, watched from outside while it goes on: show a secret in a process list, talk to the world.

The kernel's tables are sampled; a sample takes milliseconds, so that a connection that lasts longer is seen.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

PROC = Path("/proc")
TABLES = ("tcp", "tcp6", "udp", "udp6")
LISTENING = "0A"
INTERVAL = 0.03
ACCESS_TOKEN = re.compile(rb"ya29\.[\w-]{20,}|eyJhbGciOi[\w-]{20,}")


@dataclass(frozen=True)
class Socket:
    """A line of the kernel's socket tables."""

    protocol: str
    local: str
    remote: str
    port: int
    listens: bool
    inode: str


def sockets(proc: Path = PROC) -> Iterator[Socket]:
    """Every TCP and UDP socket of this machine; `port` is the remote one, or of a listening socket its own."""
    for name in TABLES:
        try:
            lines = (proc / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            yield read(name, columns[1], columns[2], columns[3], columns[9])


# a sample sees nearly all of the last one again
@lru_cache(maxsize=16384)
def read(table: str, own: str, other: str, state: str, inode: str) -> Socket:
    """A socket by its columns."""
    listens = state == LISTENING and table.startswith("tcp")
    local, own_port = place(own)
    remote, port = place(other)
    return Socket(table, local, remote, own_port if listens else port, listens, inode)


def place(text: str) -> tuple[str, int]:
    """An address and a port as the kernel writes them: words of 32 bits, each in the machine's order."""
    words, port = text.split(":")
    raw = b"".join(bytes.fromhex(words[start : start + 8])[::-1] for start in range(0, len(words), 8))
    address = ipaddress.ip_address(raw)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address), int(port, 16)


@lru_cache(maxsize=4096)
def outside(address: str, *, unspecified: bool) -> bool:
    """Whether an address is not of the loopback range; `unspecified` says what 0.0.0.0 counts as."""
    parsed = ipaddress.ip_address(address)
    return unspecified if parsed.is_unspecified else not parsed.is_loopback


def known_secrets(cloud: Path) -> list[bytes]:
    """Every form of the sandbox's secrets that a slip could show."""
    manifest = yaml.safe_load((cloud / "pull-secret.yaml").read_text(encoding="utf-8"))
    encoded = manifest["data"][".dockerconfigjson"]
    found = [encoded]
    for entry in json.loads(base64.b64decode(encoded))["auths"].values():
        found += [entry["auth"], base64.b64decode(entry["auth"]).decode().partition(":")[2]]
    token = (cloud / "hf-token").read_text(encoding="utf-8").strip()
    found += [token, base64.b64encode(token.encode()).decode()]
    key = json.loads((cloud / "service-account.json").read_text(encoding="utf-8"))["private_key"]
    found.append(key.splitlines()[1])
    return [text.encode() for text in found]


def shown(text: bytes, secrets: Iterable[bytes]) -> str:
    """The beginning of the secret or the access token that a text shows; empty when it shows none."""
    for secret in secrets:
        if secret in text:
            return secret[:6].decode() + "..."
    return shown_token(text)


def shown_token(text: bytes) -> str:
    """The beginning of the access token that a text shows."""
    token = ACCESS_TOKEN.search(text)
    return token.group()[:8].decode() + "..." if token else ""


@dataclass
class Seen:
    """What was seen. `findings` is what must not be; the rest shows that somebody looked."""

    samples: int = 0
    commands: set[str] = field(default_factory=set)
    remotes: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)


class Witness:
    """Looks from enter to exit. `marks` are entries NAME=value of the environment of the processes that it judges."""

    def __init__(self, marks: Sequence[str], secrets: Sequence[bytes] = ()) -> None:
        self.seen = Seen()
        self._marks = {mark.encode() for mark in marks}
        self._secrets = list(secrets)
        self._judged: set[Socket] = set()
        self._clean: set[bytes] = set()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(timeout=30)
        if self._error and error is None:
            raise self._error

    def _look(self) -> None:
        try:
            while not self._ending.is_set():
                self._sample_commands()
                self._sample_sockets()
                self.seen.samples += 1
                time.sleep(INTERVAL)
        except BaseException as error:  # raised again at the exit
            self._error = error

    def _sample_commands(self) -> None:
        for folder in processes():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if line in self._clean:
                continue
            words = line.replace(b"\0", b" ").decode(errors="replace")
            secret = shown(line, self._secrets)
            # a token that nobody can tell from another run's is judged by who shows it
            if secret and (secret != shown_token(line) or self._is_ours(folder)):
                self._found(f"the secret {secret} is in the command line of {words[:60]}")
            if not secret:
                self._clean.add(line)
            self.seen.commands.add(words[:120])

    def _sample_sockets(self) -> None:
        for socket in sockets():
            if socket.listens:
                bad, says = outside(socket.local, unspecified=True), "listens at"
            else:
                bad, says = outside(socket.remote, unspecified=False), "talks to"
                self.seen.remotes.add(f"{socket.remote}:{socket.port}")
            if not bad or socket in self._judged:
                continue
            self._judged.add(socket)
            owner = self._owner(socket.inode)
            if owner:
                address = socket.local if socket.listens else socket.remote
                self._found(f"{owner} {says} {address} port {socket.port} ({socket.protocol})")

    def _owner(self, inode: str) -> str:
        """The command of the process that holds a socket, if it is one that we judge."""
        for folder in processes():
            try:
                if not self._is_ours(folder):
                    continue
                held = {str(link.readlink()) for link in (folder / "fd").iterdir()}
                if f"socket:[{inode}]" in held:
                    return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:80].strip()
            except OSError:
                continue
        return ""

    def _is_ours(self, folder: Path) -> bool:
        try:
            return bool(self._marks & set((folder / "environ").read_bytes().split(b"\0")))
        except OSError:
            return False

    def _found(self, what: str) -> None:
        if what not in self.seen.findings:
            self.seen.findings.append(what)


def processes() -> Iterator[Path]:
    """The folders of all processes."""
    return (folder for folder in PROC.iterdir() if folder.name.isdigit())
