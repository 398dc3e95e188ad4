# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the sandbox keeps its things, and how fast its time runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

# One address for what belongs to no cluster; sandbox/network/addresses.py has the others.
CLOUD_ADDRESS = "127.200.0.1"
CLOUD_PORT = 8085
CLOUD_TLS_PORT = 8443
CLOUD_PROXY_PORT = 3128

MARKER = "RHAII_SANDBOX"


@dataclass(frozen=True)
class Settings:
    """Paths below the sandbox's folder, and the speed of guide time."""

    root: Path
    speed: float = 60.0
    seed: str = ""
    """Which of Google's words the cloud uses; another one for each sandbox where it is empty."""

    @classmethod
    def load(cls) -> Settings:
        """Read SANDBOX_DIR (a folder), SANDBOX_SPEED (guide seconds a real second, more than 0) and SANDBOX_SEED."""
        root = Path(os.environ.get("SANDBOX_DIR") or CHECKOUT / ".sandbox").absolute()
        text = os.environ.get("SANDBOX_SPEED") or "60"
        try:
            speed = float(text)
        except ValueError:
            speed = 0.0
        if speed <= 0:
            raise SystemExit(f"SANDBOX_SPEED must be a number above 0 (guide seconds a real second); found {text!r}.")
        return cls(root=root, speed=speed, seed=os.environ.get("SANDBOX_SEED", ""))

    @property
    def bin(self) -> Path:
        return self.root / "assets" / "bin"

    @property
    def crds(self) -> Path:
        return self.root / "assets" / "crds"

    @property
    def charts(self) -> Path:
        return self.root / "assets" / "charts"

    @property
    def cloud_dir(self) -> Path:
        return self.root / "cloud"

    @property
    def clusters_dir(self) -> Path:
        return self.root / "clusters"

    @property
    def timeline(self) -> Path:
        return self.root / "timeline.jsonl"

    @property
    def processes(self) -> Path:
        return self.root / "processes.jsonl"
