# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""operator_charts: folders with their checksums, fetched or given."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result
from ansible_collections.rhaii.gke.plugins.module_utils._charts import sources
from ansible_collections.rhaii.gke.plugins.module_utils._charts.charts import CAPABILITY, Wanted, judge
from ansible_collections.rhaii.gke.plugins.module_utils._charts.digest import digest, digest_of_folder
from ansible_collections.rhaii.gke.plugins.module_utils._charts.sources import RealSources, unpack
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import HELM

FILES = {"Chart.yaml": b"name: it\n", "templates/a.yaml": b"a: 1\n"}


def test_checksum_is_over_sorted_paths_and_contents() -> None:
    text = b"10 9\nChart.yamlname: it\n" + b"16 5\ntemplates/a.yamla: 1\n"
    assert digest(FILES.items()) == digest(reversed(FILES.items())) == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({**FILES, "Chart.yaml": b"name: at\n"}, id="a content"),
        pytest.param({"Chart.yml": FILES["Chart.yaml"], "templates/a.yaml": b"a: 1\n"}, id="a name"),
        pytest.param({**FILES, "more": b""}, id="an empty file more"),
        pytest.param({"Chart.yaml": b"name: it\n16 5\ntemplates/a.yamla: 1\n"}, id="two files in one"),
    ],
)
def test_checksum_tells_folders_apart(other: dict[str, bytes]) -> None:
    assert digest(other.items()) != digest(FILES.items())


def folder_of(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def test_checksum_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "it", FILES)
    (folder / "empty").mkdir()
    (folder / "Chart.yaml").chmod(0o700)
    assert digest_of_folder(folder) == digest(FILES.items())


def packed(path: Path, files: dict[str, bytes], top: str = "repo-1/") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(top + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


class FakeSources:
    """Serves archives and charts out of memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def download(self, url: str, folder: Path) -> Path:
        self.asked.append(url)
        return packed(folder / "it.tar.gz", {f"charts/it/{name}": content for name, content in self.files.items()})

    def unpack(self, archive: Path, inner: str, folder: Path) -> None:
        unpack(archive, inner, folder)

    def pull(self, reference: str, version: str, folder: Path) -> None:
        self.asked.append(f"{reference} {version}")
        folder_of(folder, self.files)


KNOWN = digest(FILES.items())
ARCHIVE = {"archive": "https://mirror/it.tar.gz", "folder": "charts/it"}


class World:
    def __init__(self, path: Path, files: dict[str, bytes] = FILES) -> None:
        self.path = path
        self.sources = FakeSources(files)
        self.said: list[str] = []

    def run(self, check_mode: bool = False, **chart: Any) -> Result:
        params = {"charts": [{"name": "it", **chart}], "destination": str(self.path / "kept")}
        return CAPABILITY.run(params, self.sources, self.said.append, check_mode)  # type: ignore[arg-type]


def test_chart_of_an_archive_is_fetched_once_and_verified(tmp_path: Path) -> None:
    world = World(tmp_path)
    result = world.run(**ARCHIVE, sha256=KNOWN)
    assert result["paths"] == {"it": str(tmp_path / "kept" / "it")}
    assert (result["changed"], result["unverified"], result["charts"][0]["verified"]) == (False, [], True)
    assert digest_of_folder(tmp_path / "kept" / "it") == KNOWN
    assert world.run(check_mode=True, **ARCHIVE, sha256=KNOWN) == result
    assert world.sources.asked == ["https://mirror/it.tar.gz"]
    # nothing but the chart is kept
    assert [each.name for each in (tmp_path / "kept").iterdir()] == ["it"]


def test_kept_one_that_was_touched_is_fetched_anew(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run(**ARCHIVE, sha256=KNOWN)
    (tmp_path / "kept" / "it" / "Chart.yaml").write_text("evil")
    assert world.run(**ARCHIVE, sha256=KNOWN)["unverified"] == []
    assert digest_of_folder(tmp_path / "kept" / "it") == KNOWN
    assert len(world.sources.asked) == 2


def test_fetched_one_with_another_checksum_is_refused_and_not_kept(tmp_path: Path) -> None:
    world = World(tmp_path, {**FILES, "templates/a.yaml": b"evil"})
    with pytest.raises(RhaiiError, match=f"its checksum is [0-9a-f]{{64}}, and {KNOWN} was wanted. Nothing was inst"):
        world.run(**ARCHIVE, sha256=KNOWN)
    assert not (tmp_path / "kept" / "it").exists()


def test_chart_of_a_registry_without_a_known_checksum_is_shown_as_not_verified(tmp_path: Path) -> None:
    world = World(tmp_path)
    result = world.run(chart="oci://r/it", version="1+2")
    assert result["unverified"] == ["it (oci://r/it 1+2): not verified: no checksum of it is known"]
    assert world.sources.asked == ["oci://r/it 1+2"]
    assert world.said == ["fetching it from oci://r/it 1+2"]
    # what cannot be compared is not trusted to be the same
    world.run(chart="oci://r/it", version="1+2")
    assert len(world.sources.asked) == 2


def test_own_folder_is_used_and_told_where_it_differs(tmp_path: Path) -> None:
    own = folder_of(tmp_path / "own", {**FILES, "more": b"1"})
    world = World(tmp_path)
    result = world.run(chart=str(own), sha256=KNOWN)
    assert result["paths"] == {"it": str(own)}
    assert result["unverified"] == [f"it ({own}): not verified: a folder of your own, which differs from the line's"]
    assert world.run(chart=str(folder_of(tmp_path / "same", FILES)), sha256=KNOWN)["unverified"] == []
    assert world.sources.asked == []


@pytest.mark.parametrize(
    ("chart", "words"),
    [
        pytest.param({"chart": "/nowhere/it"}, "There is no folder /nowhere/it, where it was wanted", id="no folder"),
        pytest.param({}, "Nothing says where it is to be had", id="nothing"),
        pytest.param({**ARCHIVE, "folder": "charts/other"}, "The archive has no folder charts/other", id="no part"),
    ],
)
def test_what_cannot_be_had_is_a_sentence(tmp_path: Path, chart: dict[str, str], words: str) -> None:
    with pytest.raises(RhaiiError, match=words):
        World(tmp_path).run(**chart)


def test_archive_writes_below_its_folder_alone(tmp_path: Path) -> None:
    files = {"charts/it/ok": b"1", "charts/it/../../../evil": b"2", "charts/item/no": b"3"}
    archive = packed(tmp_path / "a.tar.gz", files)
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as other, tarfile.open(archive) as first:
        for member in first:
            other.addfile(member, first.extractfile(member))
        link = tarfile.TarInfo("repo-1/charts/it/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        other.addfile(link)
    unpack(tmp_path / "b.tar.gz", "charts/it", tmp_path / "out")
    assert [each.name for each in (tmp_path / "out").rglob("*")] == ["ok"]
    (tmp_path / "c.tar.gz").write_text("<html>")
    with pytest.raises(RhaiiError, match="no archive"):
        unpack(tmp_path / "c.tar.gz", "charts/it", tmp_path / "out2")


def test_helm_fetches_and_its_last_words_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def helm(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        if "oci://r/none" in command:
            return subprocess.CompletedProcess(command, 1, "", "Error: not found")
        folder_of(Path(command[command.index("--untardir") + 1]) / "it", FILES)
        return subprocess.CompletedProcess(command, 0, "", "WARNING: something")

    monkeypatch.setattr(sources.subprocess, "run", helm)
    real = RealSources("helm", "/ca.pem")
    real.pull("oci://r/it", "1", tmp_path / "it")
    assert digest_of_folder(tmp_path / "it") == KNOWN
    assert asked[0][:3] == ["helm", "pull", "oci://r/it"]
    assert asked[0][-4:] == ["--version", "1", "--ca-file", "/ca.pem"]
    with pytest.raises(RhaiiError, match=r"Helm could not fetch oci://r/none 1 \(Error: not found\)"):
        real.pull("oci://r/none", "1", tmp_path / "none")


def test_verdict_of_a_reference_is_as_strict_as_of_an_archive() -> None:
    wanted = Wanted("it", "oci://r/it", "1", "", "", KNOWN)
    assert judge(wanted, KNOWN).verified
    with pytest.raises(RhaiiError, match="not the one that was meant"):
        judge(wanted, "0" * 64)


LINES = yaml.safe_load((Path(__file__).parents[5] / "roles/operators/vars/main/lines.yml").read_text("utf-8"))


def test_line_names_a_checksum_for_all_but_what_nobody_could_read() -> None:
    line = LINES["__operators_lines"]["ea1"]
    assert all(len(each["sha256"]) == 64 for each in line["sources"])
    assert {each["images"] for each in line["kserve"].values()} == {"registry.redhat.io", "ghcr.io"}
    assert line["needs"]["helm"] == ".".join(map(str, HELM))
    names = {each["name"] for each in line["sources"]} | {"kserve-rhaii-xks"}
    assert {each["name"] for each in line["definitions"]} <= names
