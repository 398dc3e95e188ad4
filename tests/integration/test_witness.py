# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The witness sees what it is there to see."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.integration.rehearsal import until
from tests.integration.witness import Seen, Witness, place

MARK = "RHAII_WITNESSED"
# 192.0.2.0/24 is nobody's; connecting a datagram socket sends nothing
TALKS = (
    "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('192.0.2.7', 53)); print(flush=True); input()"
)
LISTENS = "import socket; s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen(); print(flush=True); input()"
STAYS = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); print(flush=True); input()"


def watch(program: str, *arguments: str, mark: str = "yes", secrets: Sequence[bytes] = ()) -> Seen:
    """What is seen of a process while it waits for a line."""
    command = [sys.executable, "-c", program, *arguments]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, MARK: mark}
        ) as process,
        Witness([f"{MARK}=yes"], secrets) as witness,
    ):
        assert process.stdout
        assert process.stdout.readline() == b"\n", "it did not come so far"
        seen = witness.seen.samples
        until(lambda: witness.seen.samples > seen + 10, "the witness looks")
        process.communicate(b"\n", timeout=10)
    return witness.seen


def test_an_address_outside_is_found() -> None:
    (finding,) = watch(TALKS).findings
    assert "talks to 192.0.2.7 port 53 (udp)" in finding


def test_a_listener_for_everybody_is_found() -> None:
    (finding,) = watch(LISTENS).findings
    assert "listens at 0.0.0.0" in finding


def test_the_loopback_range_is_no_finding() -> None:
    assert watch(STAYS).findings == []


def test_processes_of_others_are_no_finding() -> None:
    assert watch(TALKS, "ya29." + "x" * 40, mark="no").findings == []


# pytest-xdist shows a test's name in its process' title
@pytest.mark.parametrize("secret", [b"a-password-of-somebody", b"ya29." + b"x" * 40], ids=["password", "token"])
def test_a_secret_in_a_command_line_is_found(secret: bytes) -> None:
    (finding,) = watch(
        "print(flush=True); input()", f"--token={secret.decode()}", secrets=[b"a-password-of-somebody"]
    ).findings
    assert "is in the command line of" in finding
    assert secret.decode() not in finding.partition(" is in the command line of ")[0]


def test_addresses_are_read_as_the_kernel_writes_them() -> None:
    assert place("0100C87F:1F95") == ("127.200.0.1", 8085)
    assert place("0000000000000000FFFF00000100007F:0035") == ("127.0.0.1", 53)
    assert place("00000000000000000000000001000000:0050") == ("::1", 80)
