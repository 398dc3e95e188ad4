# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pull secrets as people have them: taken with the very logins that kubectl and a kubelet read, or refused by name."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import read
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import docker_config

from sandbox.settings import CHECKOUT
from tests.field.rows import Row, rows

KUBECTL = shutil.which("kubectl", path=str(CHECKOUT / ".sandbox" / "assets" / "bin"))
SECRET = "s3cr3tPassw0rd"
KEYS = {".dockerconfigjson": lambda config: config["auths"], ".dockercfg": lambda config: config}


def content(row: Row) -> bytes:
    return str(row.given["text"]).encode(row.given.get("encoding", "utf-8"))


def pairs(auths: dict[str, Any]) -> dict[str, str]:
    """Each login as user:password, by Go's rule: auth wins."""
    return {
        key: base64.b64decode(entry["auth"] + "=" * (-len(entry["auth"]) % 4)).decode()
        if "auth" in entry
        else f"{entry['username']}:{entry['password']}"
        for key, entry in auths.items()
    }


@rows("pull_secrets")
def test_pull_secret_is_taken_or_refused_with_the_reason(row: Row, tmp_path: Path) -> None:
    file = tmp_path / "pull-secret"
    try:
        if "value" in row.given:
            found = docker_config(row.given["value"])
        else:
            file.write_bytes(content(row))
            found = docker_config(read(str(file), "pull secret", ""))
    except RhaiiError as error:
        assert row.right.get("refused", "nothing") in str(error)
        for hidden in (SECRET, base64.b64encode(SECRET.encode()).decode(), "MTIzNDU2N3xzdmM6"):
            assert hidden not in str(error)
    else:
        assert pairs(json.loads(found)["auths"]) == row.right.get("logins")


@pytest.mark.skipif(KUBECTL is None, reason="the sandbox's programs are not here")
@rows("pull_secrets")
def test_kubectl_reads_the_same(row: Row, tmp_path: Path) -> None:
    """What is right for a manifest is not ours to say."""
    if row.reader != "kubectl":
        return
    file = tmp_path / "pull-secret.yaml"
    file.write_bytes(content(row))
    done = subprocess.run(
        [str(KUBECTL), "annotate", "--local", "-f", str(file), "read=true", "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    found: dict[str, str] = {}
    for each in objects(done.stdout) if done.returncode == 0 else []:
        values = {key: base64.b64decode(value).decode() for key, value in (each.get("data") or {}).items()}
        values.update(each.get("stringData") or {})
        for key, auths_of in KEYS.items():
            found.update(pairs(auths_of(json.loads(values[key]))) if key in values else {})
    assert found == row.right.get("logins", {})


def objects(text: str) -> list[dict[str, Any]]:
    """kubectl writes one JSON document after the other."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found
