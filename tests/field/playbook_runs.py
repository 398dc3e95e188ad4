# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs of ansible-playbook on this machine, with nothing of the caller's own environment that could matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PLAIN = ("HOME", "LANG", "PATH", "PYTHONPYCACHEPREFIX", "TMPDIR", "VIRTUAL_ENV")


def play(folder: Path, plays: list[dict[str, Any]], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run plays; what YAML needs of JSON is all that they are made of."""
    file = folder / "play.yml"
    file.write_text(json.dumps(plays), encoding="utf-8")
    own = {name: os.environ[name] for name in PLAIN if name in os.environ}
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }
    program = str(Path(sys.executable).parent / "ansible-playbook")
    return subprocess.run(
        [program, str(file)],
        env={**own, **settings, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def local(**more: Any) -> dict[str, Any]:
    """A play on this machine."""
    return {"hosts": "localhost", "connection": "local", "gather_facts": False, **more}
