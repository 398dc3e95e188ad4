# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m sandbox.nodes --cluster-dir DIR`: the nodes of one cluster."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from functools import partial
from pathlib import Path

from sandbox.control_plane.kube import KubeClient
from sandbox.control_plane.pki import Authority
from sandbox.guide_time import scaled, seconds
from sandbox.nodes.cluster import Cluster
from sandbox.nodes.equipment import Equipment
from sandbox.nodes.events import Events
from sandbox.nodes.fleet import Fleet
from sandbox.nodes.image_store import ImageStore
from sandbox.nodes.images import Catalogue, Image
from sandbox.nodes.inventory import Inventory
from sandbox.nodes.kubelet_server import KubeletServer
from sandbox.nodes.logs import GrowthRecorder
from sandbox.nodes.pod import PodWorker
from sandbox.nodes.probes import Prober
from sandbox.nodes.registration import Registrar
from sandbox.nodes.sources import ApiSources
from sandbox.settings import Settings
from sandbox.timeline import Timeline

IMAGES = Path(__file__).resolve().parent.parent / "images"


def pull_seconds(image: Image) -> float:
    """Real seconds that the pull of an image takes."""
    return seconds("image_pull") if image.pull_seconds is None else scaled(image.pull_seconds)


async def serve(directory: Path) -> None:
    """Be the cluster's nodes until SIGTERM."""
    settings = Settings.load()
    cluster = Cluster.load(directory)
    timeline = Timeline.of(settings)
    async with KubeClient.from_kubeconfig(cluster.directory / "system.kubeconfig") as client:
        equipment = Equipment(
            cluster=cluster,
            settings=settings,
            sources=ApiSources(client),
            images=ImageStore(
                # a cluster may have images of its own: tests do
                Catalogue(IMAGES, cluster.directory / "images"),
                cluster.directory / "run" / "images.json",
                pull_seconds=pull_seconds,
                play=partial(timeline.play, "image pull"),
            ),
            events=Events(client),
            growth=GrowthRecorder(),
            prober=Prober(),
            timeline=timeline,
        )

        def pods_of(node: str) -> list[PodWorker]:
            return fleet.workers_on(node)

        fleet = Fleet(
            equipment,
            client,
            Inventory(cluster.directory / "nodes.json"),
            Registrar(cluster, client),
            KubeletServer(Authority(cluster.directory / "pki", "cluster"), pods_of),
        )
        task = asyncio.create_task(fleet.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.nodes", description=__doc__)
    parser.add_argument("--cluster-dir", type=Path, required=True, help="the folder of the cluster")
    asyncio.run(serve(parser.parse_args().cluster_dir))


if __name__ == "__main__":
    main()
