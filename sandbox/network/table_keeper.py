# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the tables as the API's objects are, for this process and, by the file, for all others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from sandbox.control_plane.kube import ENDPOINT_SLICE, NAMESPACE, NETWORK_POLICY, POD, SERVICE, Informer, KubeClient
from sandbox.network.table_builder import build
from sandbox.network.tables import Tables, TablesFile, tables_file, write_atomically

GATHER = 0.01
"""Seconds in which changes that come together become one."""
LEAST_INTERVAL = 0.04
"""Seconds between two writes: a rollout changes a pod many times a second."""


class TableKeeper:
    """Five watches and one file."""

    def __init__(self, client: KubeClient, cluster_directory: Path) -> None:
        self._directory = cluster_directory
        self._file = tables_file(cluster_directory)
        self.pods = Informer(client, POD)
        self.namespaces = Informer(client, NAMESPACE)
        self.services = Informer(client, SERVICE)
        self.slices = Informer(client, ENDPOINT_SLICE)
        self.policies = Informer(client, NETWORK_POLICY)
        # until the API server answers, what the last process knew is the best to be had
        self.current: Tables = TablesFile(self._file).current() or Tables()
        self._written = ""
        self._changed = asyncio.Event()

    @property
    def _informers(self) -> tuple[Informer, ...]:
        return (self.pods, self.namespaces, self.services, self.slices, self.policies)

    async def run(self, *, on_first: Callable[[], None] = lambda: None) -> None:
        """Follow the API until cancelled; `on_first` is called when the first tables are written."""
        for informer in self._informers:
            informer.on_change(lambda _kind, _obj: self._changed.set())
        try:
            for informer in self._informers:
                await informer.synced()
            self._update()
            on_first()
            while True:
                await self._changed.wait()
                await asyncio.sleep(GATHER)
                self._changed.clear()
                self._update()
                await asyncio.sleep(LEAST_INTERVAL - GATHER)
        finally:
            for informer in self._informers:
                await informer.stop()

    def _update(self) -> None:
        tables = build(
            pods=self.pods.items.values(),
            namespaces=self.namespaces.items.values(),
            services=self.services.items.values(),
            slices=self.slices.items.values(),
            policies=self.policies.items.values(),
            enforced=self._enforced(),
        )
        text = tables.dumps()
        if text != self._written:
            self.current = tables
            write_atomically(self._file, text)
            self._written = text

    def _enforced(self) -> bool:
        content = json.loads((self._directory / "cluster.json").read_text(encoding="utf-8"))
        return bool(content["dataplane_v2"])
