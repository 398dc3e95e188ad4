# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes as folders, their links under a container's root, and how they follow their sources."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.nodes import atomic_files
from sandbox.nodes.volumes import MountError, PodVolumes
from tests.unit.sandbox.nodes.fakes import FakeSources, pod


def volumes(folder: Path, sources: FakeSources, *specs: dict[str, Any]) -> PodVolumes:
    return PodVolumes(
        pod(volumes=list(specs)), folder, sources, host_ip="10.1.127.1", pod_ip="10.1.0.2", allocatable={"cpu": "2"}
    )


SECRET = {"name": "tls", "secret": {"secretName": "s", "defaultMode": 0o600}}


async def test_secret_becomes_files_with_their_mode(tmp_path: Path) -> None:
    mounted = volumes(tmp_path, FakeSources({("secret", "s"): {"tls.crt": "C", "tls.key": "K"}}), SECRET)
    assert await mounted.mount()
    file = mounted.path("tls") / "tls.key"
    assert file.read_text() == "K"
    assert file.stat().st_mode & 0o777 == 0o600
    assert not await mounted.mount()


async def test_changed_secret_replaces_all_files_at_once(tmp_path: Path) -> None:
    sources = FakeSources({("secret", "s"): {"a": "1", "b": "2"}})
    mounted = volumes(tmp_path, sources, SECRET)
    await mounted.mount()
    sources.objects["secret", "s"] = {"a": "3"}
    assert await mounted.mount()
    assert (mounted.path("tls") / "a").read_text() == "3"
    assert [path.name for path in mounted.path("tls").iterdir() if not path.name.startswith("..")] == ["a"]
    assert len(list(mounted.path("tls").glob("..2*"))) <= 1


async def test_items_select_and_rename_keys(tmp_path: Path) -> None:
    items = [{"key": "a", "path": "deep/er", "mode": 0o400}]
    source = {"name": "c", "configMap": {"name": "c", "items": items}}
    mounted = volumes(tmp_path, FakeSources({("configmap", "c"): {"a": "1", "b": "2"}}), source)
    await mounted.mount()
    assert set(atomic_files.current(mounted.path("c"))) == {"deep/er"}
    assert (mounted.path("c") / "deep" / "er").read_text() == "1"


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (SECRET, 'MountVolume.SetUp failed for volume "tls" : secret "s" not found'),
        ({"name": "v", "configMap": {"name": "c", "items": [{"key": "z", "path": "z"}]}}, "non-existent configmap key"),
        ({"name": "v", "hostPath": {"path": "/"}}, "offer no hostPath volumes"),
        ({"name": "v", "persistentVolumeClaim": {"claimName": "x"}}, "offer no persistentVolumeClaim volumes"),
        (
            {"name": "v", "projected": {"sources": [{"clusterTrustBundle": {}}]}},
            "no projected source clusterTrustBundle",
        ),
    ],
    ids=["no-secret", "no-key", "host-path", "claim", "projected"],
)
async def test_volume_that_cannot_be_set_up(tmp_path: Path, volume: dict[str, Any], message: str) -> None:
    mounted = volumes(tmp_path, FakeSources({("configmap", "c"): {"a": "1"}}), volume)
    with pytest.raises(MountError, match=message):
        await mounted.mount()


async def test_optional_source_gives_an_empty_folder(tmp_path: Path) -> None:
    mounted = volumes(tmp_path, FakeSources(), {"name": "v", "secret": {"secretName": "s", "optional": True}})
    await mounted.mount()
    assert mounted.path("v").is_dir()


PROJECTED = {
    "name": "account",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]
    },
}


async def test_service_account_folder(tmp_path: Path) -> None:
    sources = FakeSources({("configmap", "kube-root-ca.crt"): {"ca.crt": "CA"}})
    mounted = volumes(tmp_path, sources, PROJECTED)
    await mounted.mount()
    folder = mounted.path("account")
    found = {name: (folder / name).read_text() for name in ("token", "ca.crt", "namespace")}
    assert found == {"token": "token-1", "ca.crt": "CA", "namespace": "ns"}
    assert sources.tokens == [("", 3607)]
    assert mounted.wanted() == {("configmap", "kube-root-ca.crt")}


async def test_token_is_renewed_only_near_its_end(tmp_path: Path) -> None:
    sources = FakeSources({("configmap", "kube-root-ca.crt"): {"ca.crt": "CA"}})
    mounted = volumes(tmp_path, sources, PROJECTED)
    await mounted.mount()
    await mounted.mount()
    assert len(sources.tokens) == 1
    assert mounted.renew_at is not None
    left = mounted.renew_at - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(minutes=47) < left < datetime.timedelta(minutes=49)
    expiring = volumes(tmp_path / "other", sources, PROJECTED)
    sources.token_lifetime = datetime.timedelta(0)
    await expiring.mount()
    await expiring.mount()
    assert (expiring.path("account") / "token").read_text() == "token-3"


async def test_mounts_are_links_below_a_fresh_root(tmp_path: Path) -> None:
    sources = FakeSources({("configmap", "c"): {"a.yaml": "A"}})
    specs = [
        {"name": "data", "emptyDir": {}},
        {"name": "conf", "configMap": {"name": "c"}},
        {"name": "lora", "emptyDir": {}},
    ]
    mounted = volumes(tmp_path, sources, *specs)
    await mounted.mount()
    container = {
        "volumeMounts": [
            {"name": "lora", "mountPath": "/mnt/models/lora"},
            {"name": "data", "mountPath": "/mnt/models"},
            {"name": "conf", "mountPath": "/etc/tool.yaml", "subPath": "a.yaml"},
            {"name": "data", "mountPath": "/own", "subPathExpr": "of-$(NAME)"},
        ]
    }
    root = tmp_path / "root"
    (root / "left").mkdir(parents=True)
    mounted.link(container, root, {"NAME": "me"})
    (root / "mnt/models/f").write_text("model")
    (root / "mnt/models/lora/g").write_text("adapter")
    assert (mounted.path("data") / "f").read_text() == "model"
    assert (mounted.path("lora") / "g").read_text() == "adapter"
    assert (root / "etc/tool.yaml").read_text() == "A"
    assert (root / "own").resolve() == mounted.path("data") / "of-me"
    assert not (root / "left").exists()
    # a restarted container sees its volumes again
    mounted.link(container, root, {"NAME": "me"})
    assert (root / "mnt/models/lora/g").read_text() == "adapter"
