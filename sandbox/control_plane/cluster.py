# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster's control plane: etcd, API server, controller manager, scheduler, and the two
processes that stand in for its network and its nodes."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox import processes
from sandbox.control_plane.bootstrap import bootstrap_objects, definitions
from sandbox.control_plane.kube import ApiError, KubeClient
from sandbox.control_plane.pki import Authority, write_private
from sandbox.network.addresses import bind_port
from sandbox.settings import CHECKOUT, CLOUD_ADDRESS, CLOUD_PORT, Settings

API_SERVER_START_LIMIT = 180.0
"""Real seconds; a loaded laptop needs 15."""


@dataclass(frozen=True)
class ClusterSpec:
    """What a control plane is made from; `index` (1 to 99) gives it its addresses."""

    project: str
    location: str
    name: str
    index: int
    dataplane_v2: bool = False
    version: str = "1.36.3-gke.1"


class ControlPlane:
    """Starts, finds again and ends the processes of one cluster."""

    def __init__(
        self, settings: Settings, spec: ClusterSpec, *, progress: Callable[[str], None] = lambda _: None
    ) -> None:
        self.settings = settings
        self.spec = spec
        self.directory = settings.clusters_dir / f"{spec.project}_{spec.location}_{spec.name}"
        self.address = f"127.200.{spec.index}.1"
        self.port = bind_port(443)
        self._etcd = f"127.200.{spec.index}.2"
        self._progress = progress
        self._pki = self.directory / "pki"

    @property
    def endpoint(self) -> str:
        """What GKE calls the endpoint: the address, with a port only where 443 cannot be had."""
        return self.address if self.port == 443 else f"{self.address}:{self.port}"

    @property
    def ca_pem(self) -> str:
        """The cluster's certificate authority."""
        return self._authority().pem

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "kubeconfig"

    def _authority(self) -> Authority:
        return Authority(self._pki, f"{self.spec.name} authority")

    async def start(self) -> None:
        """Bring every process up that is not; returns when the API server serves and the basics exist."""
        self._write_files()
        for name in ("etcd", "kube-apiserver", "network"):
            self._ensure(name)
        await self._await_api_server()
        for name in ("kube-controller-manager", "kube-scheduler", "nodes"):
            self._ensure(name)
        async with KubeClient.from_kubeconfig(self.kubeconfig) as client:
            for obj in [*definitions(self.spec.version, self.settings.crds), *bootstrap_objects(self.spec.index)]:
                await client.apply(obj, manager="gke")

    async def ready(self) -> bool:
        """Whether the API server answers that it is ready."""
        if not self.kubeconfig.exists():
            return False
        async with KubeClient.from_kubeconfig(self.kubeconfig, timeout=5.0) as client:
            try:
                await client.request("GET", "/readyz")
            except ApiError:
                return False
        return True

    async def stop(self, *, destroy: bool = False) -> None:
        """End the cluster's processes, its pods' included; `destroy` removes its folder too."""
        await asyncio.to_thread(self._stop_processes, 0.0 if destroy else 5.0)
        if destroy:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _stop_processes(self, grace: float) -> None:
        # an API server whose etcd went first hangs for minutes and keeps its port
        order = ["kube-scheduler", "kube-controller-manager", "nodes", "network", "kube-apiserver", "etcd"]
        for name in order[:3]:
            self._stop(name, grace)
        for process in processes.marked(self.settings, cluster=self.directory):
            if process.name.rpartition("/")[2] not in order:
                processes.stop(process.pid, min(grace, 2.0), process.start_time)
        for name in order[3:]:
            self._stop(name, grace)

    def _record(self, name: str) -> Path:
        return self.directory / "run" / f"{name}.json"

    def _running(self, name: str) -> processes.Process | None:
        try:
            entry = json.loads(self._record(name).read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            return None
        found = processes.Process(entry["pid"], entry["start_time"], name)
        return found if processes.alive(found.pid, found.start_time) else None

    def _stop(self, name: str, grace: float) -> None:
        process = self._running(name)
        if process:
            processes.stop(process.pid, grace, process.start_time)
        self._record(name).unlink(missing_ok=True)

    def _ensure(self, name: str) -> None:
        if self._running(name):
            return
        self._progress(f"{self.spec.name}: starting {name}")
        pid = processes.spawn(
            self._command(name),
            log=self.directory / "logs" / f"{name}.log",
            name=f"{self.spec.name}/{name}",
            settings=self.settings,
            # nothing of the caller's (proxies, credentials) belongs in a cluster
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "HOME": str(self.directory),
                "LANG": "C.UTF-8",
                "PYTHONUNBUFFERED": "1",
                "PYTHONPATH": str(CHECKOUT),
                "SANDBOX_CLUSTER_DIR": str(self.directory),
            },
            # the path of a unix socket has 107 bytes at the most: the egress socket's is relative to this
            cwd=self.directory,
        )
        record = {"pid": pid, "start_time": processes.start_time(pid)}
        self._record(name).write_text(json.dumps(record), encoding="utf-8")

    async def _await_api_server(self) -> None:
        deadline = time.monotonic() + API_SERVER_START_LIMIT
        while not await self.ready():
            for name in ("etcd", "kube-apiserver"):
                if not self._running(name):
                    raise RuntimeError(
                        f"{name} of cluster {self.spec.name} ended while it started; "
                        f"its log is {self.directory / 'logs' / name}.log"
                    )
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"the API server of cluster {self.spec.name} was not ready after {API_SERVER_START_LIMIT:.0f} s; "
                    f"its log is {self.directory / 'logs' / 'kube-apiserver'}.log"
                )
            await asyncio.sleep(0.25)

    def _command(self, name: str) -> Sequence[str]:
        if name in ("network", "nodes"):
            return [sys.executable, "-m", f"sandbox.{name}", "--cluster-dir", str(self.directory)]
        arguments = {
            "etcd": self._etcd_arguments,
            "kube-apiserver": self._api_server_arguments,
            "kube-controller-manager": self._controller_manager_arguments,
            "kube-scheduler": self._scheduler_arguments,
        }[name]
        return [str(self.settings.bin / name), *arguments()]

    def _etcd_arguments(self) -> list[str]:
        client = f"https://{self._etcd}:2379"
        peer = f"http://{self._etcd}:2380"
        return [
            f"--name={self.spec.name}",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={self.spec.name}={peer}",
            f"--cert-file={self._pki / 'etcd.crt'}",
            f"--key-file={self._pki / 'etcd.key'}",
            "--client-cert-auth=true",
            f"--trusted-ca-file={self._pki / 'ca.crt'}",
            "--log-level=warn",
            # a rehearsal may lose its last second when the machine does
            "--unsafe-no-fsync=true",
        ]

    def _api_server_arguments(self) -> list[str]:
        index, pki = self.spec.index, self._pki
        return [
            f"--bind-address={self.address}",
            f"--secure-port={self.port}",
            # EndpointSlices take no loopback address; the network process leads this one to the real one
            f"--advertise-address=10.{index}.127.250",
            f"--etcd-servers=https://{self._etcd}:2379",
            f"--etcd-cafile={pki / 'ca.crt'}",
            f"--etcd-certfile={pki / 'etcd.crt'}",
            f"--etcd-keyfile={pki / 'etcd.key'}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'service-account.key'}",
            f"--service-account-signing-key-file={pki / 'service-account.key'}",
            f"--service-cluster-ip-range=10.{index}.128.0/17",
            "--authorization-mode=Node,RBAC",
            f"--authentication-token-webhook-config-file={self.directory / 'token-review.kubeconfig'}",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=10s",
            f"--egress-selector-config-file={self.directory / 'egress.yaml'}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--requestheader-client-ca-file={pki / 'ca.crt'}",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy.key'}",
            "--enable-aggregator-routing=true",
            "--allow-privileged=true",
            # it counts by way of progress notices, which this etcd does not give: a time-out and a log line each
            "--feature-gates=SizeBasedListCostEstimate=false",
            "--profiling=false",
        ]

    def _controller_manager_arguments(self) -> list[str]:
        pki = self._pki
        return [
            f"--kubeconfig={self.directory / 'controller-manager.kubeconfig'}",
            f"--authentication-kubeconfig={self.directory / 'controller-manager.kubeconfig'}",
            f"--authorization-kubeconfig={self.directory / 'controller-manager.kubeconfig'}",
            f"--bind-address={self.address}",
            "--secure-port=10257",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--root-ca-file={pki / 'ca.crt'}",
            f"--service-account-private-key-file={pki / 'service-account.key'}",
            f"--cluster-signing-cert-file={pki / 'ca.crt'}",
            f"--cluster-signing-key-file={pki / 'ca.key'}",
            "--profiling=false",
        ]

    def _scheduler_arguments(self) -> list[str]:
        return [
            f"--kubeconfig={self.directory / 'scheduler.kubeconfig'}",
            f"--authentication-kubeconfig={self.directory / 'scheduler.kubeconfig'}",
            f"--authorization-kubeconfig={self.directory / 'scheduler.kubeconfig'}",
            f"--bind-address={self.address}",
            "--secure-port=10259",
            "--leader-elect=false",
            "--profiling=false",
        ]

    def _write_files(self) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in ("run", "logs", "network", "pods"):
            (self.directory / folder).mkdir(exist_ok=True)
        authority = self._authority()
        spec = self.spec
        authority.issue("etcd", "etcd", hosts=[self._etcd])
        authority.issue(
            "apiserver",
            "kube-apiserver",
            hosts=[
                self.address,
                f"10.{spec.index}.128.1",
                f"10.{spec.index}.127.250",
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
            ],
        )
        authority.issue("front-proxy", "front-proxy")
        key_file = self._pki / "service-account.key"
        if not key_file.exists():
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            write_private(
                key_file,
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ),
            )
        context = f"gke_{spec.project}_{spec.location}_{spec.name}"
        self._write_kubeconfig("kubeconfig", context, "admin", "sandbox-admin", ["system:masters"])
        self._write_kubeconfig("system.kubeconfig", context, "system", "sandbox-system", ["system:masters"])
        for component in ("controller-manager", "scheduler"):
            self._write_kubeconfig(f"{component}.kubeconfig", context, component, f"system:kube-{component}", [])
        self._write_yaml("egress.yaml", self._egress_configuration())
        self._write_yaml("token-review.kubeconfig", self._token_review_configuration())
        self._write_cluster_json()

    def _write_cluster_json(self) -> None:
        spec = self.spec
        content = {
            "project": spec.project,
            "location": spec.location,
            "name": spec.name,
            "index": spec.index,
            "endpoint": self.endpoint,
            "api_server": f"https://{self.address}:{self.port}",
            "ca_file": str(self._pki / "ca.crt"),
            "pod_cidr": f"10.{spec.index}.0.0/17",
            "service_cidr": f"10.{spec.index}.128.0/17",
            "dns_ip": f"10.{spec.index}.128.10",
            "dataplane_v2": spec.dataplane_v2,
            "version": spec.version,
            "loadbalancer_url": f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}/sandbox/loadbalancers",
        }
        (self.directory / "cluster.json").write_text(json.dumps(content, indent=1), encoding="utf-8")

    def _egress_configuration(self) -> dict[str, object]:
        return {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [
                {
                    "name": "cluster",
                    "connection": {
                        "proxyProtocol": "HTTPConnect",
                        "transport": {"uds": {"udsName": "run/egress.sock"}},
                    },
                }
            ],
        }

    def _token_review_configuration(self) -> dict[str, object]:
        spec = self.spec
        path = f"sandbox/tokenreview/{spec.project}/{spec.location}/{spec.name}"
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "iam", "cluster": {"server": f"http://{CLOUD_ADDRESS}:{CLOUD_PORT}/{path}"}}],
            "users": [{"name": "apiserver", "user": {}}],
            "contexts": [{"name": "iam", "context": {"cluster": "iam", "user": "apiserver"}}],
            "current-context": "iam",
        }

    def _write_kubeconfig(
        self, file_name: str, context: str, certificate_name: str, user: str, groups: Sequence[str]
    ) -> None:
        if (self.directory / file_name).exists():
            return
        certificate, key = self._authority().issue(certificate_name, user, organizations=groups)
        self._write_yaml(
            file_name,
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": context,
                        "cluster": {
                            "server": f"https://{self.address}:{self.port}",
                            "certificate-authority": str(self._pki / "ca.crt"),
                        },
                    }
                ],
                "users": [{"name": context, "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
                "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
                "current-context": context,
            },
        )

    def _write_yaml(self, file_name: str, content: dict[str, object]) -> None:
        write_private(self.directory / file_name, yaml.safe_dump(content, sort_keys=False).encode())
