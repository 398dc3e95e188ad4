# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the binaries come from: the order of the ways, and what makes a build another one."""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.error
from pathlib import Path
from typing import NoReturn

import pytest

from sandbox.assets import binaries, crds
from sandbox.assets.toolchain import AssetError, Toolchain, toolchain


def no_go() -> NoReturn:
    raise AssertionError("the Go toolchain was asked for")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def ways(tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> binaries.Binaries:
    for variable in ("SANDBOX_ASSETS", "KUBEBUILDER_ASSETS", "SANDBOX_DOWNLOADS"):
        monkeypatch.delenv(variable, raising=False)
    return binaries.Binaries(tmp_path / "cache", no_go, told.append)


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_named_folder_comes_first(ways: binaries.Binaries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = executable(tmp_path / "own" / "helm")
    monkeypatch.setenv("SANDBOX_ASSETS", str(own.parent))
    executable(ways._kept("helm"))
    assert ways.obtain("helm") == own


def test_cache_spares_the_download(ways: binaries.Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "fetch", lambda *_: no_go())
    kept = executable(ways._kept("kubectl"))
    assert ways.obtain("kubectl") == kept


def archive(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"linux-{binaries.architecture()}/helm")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_download_with_the_published_checksum_is_unpacked_and_kept(
    ways: binaries.Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = archive(b"the real helm")
    checksum = f"{hashlib.sha256(packed).hexdigest()}  helm.tar.gz\n".encode()
    monkeypatch.setattr(binaries, "fetch", lambda url, _: checksum if url.endswith("sum") else packed)
    found = ways.obtain("helm")
    assert found.read_bytes() == b"the real helm"
    assert found.stat().st_mode & 0o111


def test_download_with_another_checksum_is_refused(ways: binaries.Binaries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "fetch", lambda url, _: b"00 x" if url.endswith(".sha256") else b"changed")
    with pytest.raises(AssetError, match="checksum"):
        ways.obtain("kubectl")


def test_one_failed_download_turns_all_the_others_to_building(
    ways: binaries.Binaries, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def unreachable(url: str, _: object) -> bytes:
        asked.append(url)
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(binaries, "fetch", unreachable)
    for name in ("kubectl", "helm"):
        with pytest.raises(AssertionError, match="Go toolchain"):
            ways.obtain(name)
    assert len(asked) == 1
    assert any("no download" in line for line in told)


def test_fingerprint_follows_flags_and_sources() -> None:
    entry = binaries.load("builds.yml")["kube"]
    same = binaries.fingerprint("kube", dict(entry))
    assert same == binaries.fingerprint("kube", entry)
    assert same != binaries.fingerprint("kube", {**entry, "ldflags": "-s"})
    assert same != binaries.fingerprint("helm", entry)


def test_link_replaces_what_was_there(tmp_path: Path) -> None:
    name = tmp_path / "bin" / "tool"
    binaries.link(executable(tmp_path / "old"), name)
    binaries.link(executable(tmp_path / "new"), name)
    assert name.resolve() == tmp_path / "new"


def test_missing_toolchain_is_one_sentence_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssetError, match="make setup"):
        toolchain(tmp_path / "wheels", tmp_path)


class Modules(Toolchain):
    """A toolchain that knows one module."""

    def run(self, arguments: object, cwd: Path) -> str:
        return f'{{"Sum": "h1:other", "Dir": "{cwd}"}}'


def test_module_with_another_sum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="wanted h1:pinned"):
        crds.module_folder(
            Modules(tmp_path, {}), {"module": "example.org/crds", "version": "v1.0.0", "sum": "h1:pinned"}
        )


def test_sets_are_complete_only_in_their_pinned_versions(tmp_path: Path) -> None:
    assert not crds.complete(tmp_path)
    for name, entry in binaries.load("crds.yml").items():
        (tmp_path / name).mkdir()
        (tmp_path / name / ".version").write_text(entry["version"], encoding="utf-8")
    assert crds.complete(tmp_path)
    (tmp_path / "istio" / ".version").write_text("v0", encoding="utf-8")
    assert not crds.complete(tmp_path)
