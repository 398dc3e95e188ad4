# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as AWX gets it: built, installed elsewhere. No make, no checkout's ansible.cfg."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.settings import CHECKOUT

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Installed:
    """A folder with nothing but the installed collection, and an inventory of somebody's own."""

    folder: Path

    @classmethod
    def build(cls, folder: Path) -> Installed:
        """Build the tarball from the checkout and install it."""
        here = cls(folder)
        here.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), str(CHECKOUT))
        (tarball,) = folder.glob("rhaii-gke-*.tar.gz")
        target = str(folder / "collections")
        here.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", target, str(tarball))
        here.inventory.symlink_to(here.collection / "inventories" / "example")
        return here

    @property
    def collection(self) -> Path:
        """Where the collection was installed."""
        return self.folder / "collections" / "ansible_collections" / "rhaii" / "gke"

    @property
    def inventory(self) -> Path:
        """The example of a production environment."""
        return self.folder / "inventory"

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """An environment in which the installed collection is the only one of its name."""
        kept = {name: value for name, value in base.items() if not name.startswith("ANSIBLE_")}
        return {
            **kept,
            "PATH": f"{BIN}{os.pathsep}{base['PATH']}",
            "PWD": str(self.folder),
            "ANSIBLE_COLLECTIONS_PATH": str(self.folder / "collections"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(self, *command: str) -> str:
        """What a command prints; an assertion when it fails."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-4000:]}"
        return done.stdout
