# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an Envoy runs on this machine: its pod's address, the container's root, the folder of its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sandbox.network.addresses import PRIVILEGED_PORT_SHIFT, bind_port, least_port, loopback

ADMIN_PORT = 15000
ANY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True)
class Place:
    """A pod's address is served on its loopback counterpart; absolute paths lie below the root."""

    pod_ip: str
    root: Path
    folder: Path

    @property
    def address(self) -> str:
        """The pod's own address on this machine."""
        return loopback(self.pod_ip)

    @property
    def admin(self) -> tuple[str, int]:
        """Where Envoy's administration listens."""
        return self.address, self.local_port(ADMIN_PORT)

    def local_address(self, address: str) -> str:
        """Where an address of the cluster is served; every address of the pod is its own one."""
        return self.address if address == ANY_ADDRESS else loopback(address)

    def local_port(self, port: int) -> int:
        """Where a port is bound: low ports need a privilege that the machine may not give."""
        return bind_port(port)

    def local_path(self, path: str) -> Path:
        """Where an absolute path of the container lies."""
        return self.root / path.lstrip("/")

    def file(self, kind: str, name: str = "") -> Path:
        """The file of a discovery resource."""
        return self.folder / (f"{kind}-{quote(name, safe='')}.json" if name else f"{kind}.json")

    @property
    def shifted_ports(self) -> tuple[int, int]:
        """The first port that is bound as it is, and by how much lower ones are moved."""
        return least_port(), PRIVILEGED_PORT_SHIFT
