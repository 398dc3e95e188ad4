# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m sandbox.network --cluster-dir DIR`: the network of one cluster."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path

import aiohttp

from sandbox.control_plane.kube import KubeClient
from sandbox.network.addresses import DNS_PORT, PROXY_PORT, dns_address, loopback, node_address, proxy_address
from sandbox.network.connect_proxy import ConnectProxy
from sandbox.network.dialing import ClusterFile, Dialer
from sandbox.network.dns import NameServer
from sandbox.network.forwarding import Forwarder
from sandbox.network.load_balancers import CloudAddressBook, LoadBalancers
from sandbox.network.table_keeper import TableKeeper

CLOUD_TIMEOUT = aiohttp.ClientTimeout(total=10)


async def serve(directory: Path) -> None:
    """Be the cluster's network until cancelled."""
    directory = directory.absolute()
    cluster = ClusterFile.load(directory)
    content = json.loads((directory / "cluster.json").read_text(encoding="utf-8"))
    node = node_address(cluster.index, 0)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(KubeClient.from_kubeconfig(directory / "system.kubeconfig"))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=CLOUD_TIMEOUT))
        keeper = TableKeeper(client, directory)

        def dialer(source: str) -> Dialer:
            pod = keeper.current.pods.get(source)
            return Dialer(
                lambda: keeper.current, cluster=cluster, source=source, namespace=pod.namespace if pod else ""
            )

        # the API server asks for these before it serves anything itself
        proxy = ConnectProxy(dialer, node)
        stack.callback(proxy.close)
        await proxy.listen_unix(directory / "run" / "egress.sock")
        await proxy.listen_tcp(proxy_address(cluster.index), PROXY_PORT)
        names = NameServer(lambda: keeper.current)
        stack.callback(names.close)
        await names.listen(loopback(dns_address(cluster.index)), DNS_PORT)

        forwarder = Forwarder(lambda: keeper.current, dialer(node))
        stack.callback(forwarder.close)
        book = CloudAddressBook(
            session,
            content["loadbalancer_url"],
            {"project": content["project"], "location": content["location"], "cluster": content["name"]},
        )
        balancers = LoadBalancers(client, keeper.services, book, forwarder, log=log)
        stack.push_async_callback(balancers.stop)
        log(f"network of cluster {content['name']}: proxy, names and load balancers are up")
        await keeper.run(on_first=balancers.start)


def log(message: str) -> None:
    """A line of the process's log, at once."""
    print(message, flush=True)


async def run(directory: Path) -> None:
    """Serve until SIGTERM."""
    task = asyncio.create_task(serve(directory))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.network", description=__doc__)
    parser.add_argument("--cluster-dir", type=Path, required=True, help="the folder of the cluster")
    # the API server's callers hang when this process dies of too many open files
    with contextlib.suppress(ValueError, OSError):
        raise_file_limit()
    asyncio.run(run(parser.parse_args().cluster_dir))


def raise_file_limit() -> None:
    """Take all the open files that the machine gives: two a connection."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    os.umask(0o077)
    main()
