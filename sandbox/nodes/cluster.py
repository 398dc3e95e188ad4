# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cluster the nodes belong to, and what that makes of their addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

KUBELET_PORT = 10250


@dataclass(frozen=True)
class Cluster:
    """One cluster's folder and number."""

    directory: Path
    index: int

    @classmethod
    def load(cls, directory: Path) -> Cluster:
        """Read DIRECTORY/cluster.json."""
        directory = directory.absolute()
        content = json.loads((directory / "cluster.json").read_text(encoding="utf-8"))
        return cls(directory=directory, index=int(content["index"]))

    @property
    def api_service_host(self) -> str:
        """The service address of the API server, as pods know it."""
        return f"10.{self.index}.128.1"

    @property
    def pods(self) -> Path:
        """Where each pod has a folder named by its uid."""
        return self.directory / "pods"

    def node_address(self, number: int) -> str:
        """The internal address of node `number`."""
        return f"10.{self.index}.127.{number + 1}"

    def pod_cidr(self, number: int) -> str:
        """The range that node `number` gives its pods addresses from."""
        return f"10.{self.index}.{number}.0/24"

    def pod_addresses(self, number: int) -> Iterator[str]:
        """The addresses of that range; the first belongs to the node's bridge."""
        return (f"10.{self.index}.{number}.{last}" for last in range(2, 255))
