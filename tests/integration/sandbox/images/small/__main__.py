# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container that does what its arguments say, for the tests of the nodes."""

from __future__ import annotations

import argparse
import http.server
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

ROOT = Path(os.environ["SANDBOX_ROOT"])


def inside(path: str) -> Path:
    """A path of the container on this machine."""
    return ROOT / path.lstrip("/")


class Answer(http.server.BaseHTTPRequestHandler):
    """/env/NAME and /file/PATH give values; /health is well unless the file /tmp/sick exists."""

    def do_GET(self) -> None:
        """Answer."""
        status, text = 200, "ok"
        if self.path.startswith("/env/"):
            text = os.environ.get(self.path.removeprefix("/env/"), "")
        elif self.path.startswith("/file/"):
            path = inside(self.path.removeprefix("/file"))
            status, text = (200, path.read_text(encoding="utf-8")) if path.exists() else (404, "no such file")
        elif self.path == "/peer":
            text = self.client_address[0]
        elif self.path == "/health" and inside("/tmp/sick").exists():
            status, text = 500, "sick"
        elif self.path == "/sicken":
            inside("/tmp/sick").touch()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--say", action="append", default=[])
    parser.add_argument("--write", help="PATH=TEXT")
    parser.add_argument("--wait", type=float, default=0.0)
    parser.add_argument("--serve", type=int, default=0)
    parser.add_argument("--linger", type=float, default=0.0, help="seconds between SIGTERM and the end")
    parser.add_argument("--exit", type=int, default=0)
    arguments = parser.parse_args()

    def terminated(number: int, frame: FrameType | None) -> None:
        print("told to end", flush=True)
        time.sleep(arguments.linger)
        sys.exit(0)

    signal.signal(signal.SIGTERM, terminated)
    for line in arguments.say:
        print(line, flush=True)
    if arguments.write:
        path, _, text = arguments.write.partition("=")
        inside(path).write_text(text, encoding="utf-8")
    Path(os.environ["SANDBOX_UP_FILE"]).touch()
    time.sleep(arguments.wait)
    if arguments.serve:
        address = os.environ["SANDBOX_POD_IP"].replace("10.", "127.", 1)
        http.server.ThreadingHTTPServer((address, arguments.serve), Answer).serve_forever()
    sys.exit(arguments.exit)


if __name__ == "__main__":
    main()
