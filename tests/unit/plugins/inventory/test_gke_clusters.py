# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin against a stub of Google on this machine: hosts, groups, cache, calls, and errors."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from sandbox.settings import CHECKOUT
from tests.unit.questions import told

TOKEN = "ya29.s3cr3t-token"
PASSWORD = "s3cr3t-password"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
PROJECTS = [f"fleet-{number}" for number in range(5)]
PAGE = 40


def cluster(project: str, number: int) -> dict[str, Any]:
    labels: dict[str, str] = {"team": f"team-{number % 3}"}
    if number % 2 == 0:
        labels |= {"managed-by": "rhaii-gke", "rhaii-environment": f"env-{project}-{number}"}
    elif number % 5 == 0:
        labels |= {"goog-terraform-provisioned": "true"}
    return {
        "name": f"cluster-{number}",
        "location": "europe-west4-a" if number % 4 else "us-east5-a",
        "status": "RUNNING",
        "endpoint": f"34.1.2.{number}",
        "currentMasterVersion": "1.34.1-gke.1829001",
        "resourceLabels": labels,
        # as clusters of long ago answer
        "masterAuth": {
            "clusterCaCertificate": base64.b64encode(PEM.encode()).decode(),
            "username": "admin",
            "password": PASSWORD,
            "clientKey": base64.b64encode(PASSWORD.encode()).decode(),
        },
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"endpoint": f"gke-{number}.gke.goog", "allowExternalTraffic": number == 2}
        },
        "nodePools": [{"name": "tpu-pool", "config": {"metadata": {"password": PASSWORD}}}],
    }


class Google:
    """The list of clusters, in pages for one project, and with a silent zone for another where it is asked for."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.unauthorized = 0
        self.silent: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path, self.headers.get("Authorization", ""))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, url: str, authorization: str) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(url)
        project = parts.path.split("/")[3]
        assert parts.path == f"/v1/projects/{project}/locations/-/clusters"
        self.calls[project] += 1
        self.unauthorized += authorization != f"Bearer {TOKEN}"
        if project not in PROJECTS:
            message = f"Permission denied on resource project {project}."
            return 403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": message}}
        clusters = [cluster(project, number) for number in range(100)]
        if project in self.silent:
            left = [each for each in clusters if each["location"] != "us-east5-a"]
            return 200, {"clusters": left, "missingZones": ["us-east5-a"]}
        if project == PROJECTS[3]:
            start = int(parse_qs(parts.query).get("pageToken", ["0"])[0])
            more = {"nextPageToken": str(start + PAGE)} if start + PAGE < len(clusters) else {}
            return 200, {"clusters": clusters[start : start + PAGE], **more}
        return 200, {"clusters": clusters}


@pytest.fixture
def google() -> Iterator[Google]:
    made = Google()
    yield made
    made.server.shutdown()
    made.server.server_close()


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GCP_", "GCE_", "ANSIBLE_"))}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible/collections"),
        "ANSIBLE_HOME": str(folder / "home"),
        "GCP_ACCESS_TOKEN": TOKEN,
        "GCP_AUTH_KIND": "accesstoken",
    }


def written(folder: Path, google: Google, name: str = "a", **options: Any) -> str:
    file = folder / f"{name}.gke_clusters.yml"
    config = {
        "plugin": "rhaii.gke.gke_clusters",
        "projects": PROJECTS,
        "endpoints": {"container": google.url},
        **options,
    }
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(file)


def listed(folder: Path, *questions: dict[str, Any]) -> list[dict[str, Any]]:
    done = told("tests.unit.plugins.inventory.listing", questions, environment(folder))
    assert TOKEN not in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def caching(folder: Path) -> dict[str, Any]:
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder / "cache")}


def cached(folder: Path) -> str:
    files = [file for file in (folder / "cache").rglob("*") if file.is_file()]
    return "".join(file.read_text(encoding="utf-8") for file in files)


def test_five_hundred_clusters_of_five_projects_and_no_call_when_they_are_kept(tmp_path: Path, google: Google) -> None:
    file = written(tmp_path, google, **caching(tmp_path))
    first, again = listed(tmp_path, {"file": file}, {"file": file})
    # a call a project, and three pages of the one that has pages
    assert google.calls == Counter({project: 3 if project == PROJECTS[3] else 1 for project in PROJECTS})
    assert google.unauthorized == 0
    assert len(first["hosts"]) == 500
    assert again == first
    (fresh,) = listed(tmp_path, {"file": file})
    assert fresh == first
    assert google.calls.total() == 7
    (refreshed,) = listed(tmp_path, {"file": file, "refresh": True})
    assert refreshed == first
    assert google.calls.total() == 14


def test_what_is_kept_holds_no_token_and_no_password(tmp_path: Path, google: Google) -> None:
    listed(tmp_path, {"file": written(tmp_path, google, **caching(tmp_path))})
    text = cached(tmp_path)
    assert "cluster-99" in text
    for secret in (TOKEN, PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), "masterAuth"):
        assert secret not in text


def test_host_has_its_place_and_whose_it_is(tmp_path: Path, google: Google) -> None:
    (found,) = listed(tmp_path, {"file": written(tmp_path, google)})
    ours = found["hosts"]["cluster-2.europe-west4-a.fleet-1"]
    wanted = {
        "rhaii_project": "fleet-1",
        "rhaii_location": "europe-west4-a",
        "rhaii_cluster_name": "cluster-2",
        "rhaii_environment": "env-fleet-1-2",
        "gke_endpoint": "34.1.2.2",
        "gke_dns_endpoint": "gke-2.gke.goog",
        "gke_ca_certificate": PEM,
        "gke_status": "RUNNING",
        "gke_version": "1.34.1-gke.1829001",
        "gke_is_ours": True,
        "gke_whose": "is ours",
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    assert {name: ours.get(name) for name in wanted} == wanted
    terraforms = found["hosts"]["cluster-5.europe-west4-a.fleet-1"]
    assert (terraforms["gke_is_ours"], terraforms["gke_dns_endpoint"]) == (False, "")
    assert "Terraform" in terraforms["gke_whose"]
    assert "rhaii_environment" not in terraforms
    assert len(found["groups"]["gke_ours"]) == 250
    assert len(found["groups"]["label_team_team_0"]) == 5 * 34


def test_clusters_by_label_and_name_in_groups_of_ones_own(tmp_path: Path, google: Google) -> None:
    groups = {
        "keyed_groups": [{"key": "rhaii_location", "prefix": "zone"}],
        "groups": {"up": "gke_status == 'RUNNING'"},
    }
    few = written(tmp_path, google, "few", labels={"team": "team-0"}, names=["cluster-1*"], **groups)
    ours = written(
        tmp_path, google, "ours", only_ours=True, hostname="rhaii_environment", projects=["fleet-0"], label_groups=False
    )
    by_label, by_owner = listed(tmp_path, {"file": few}, {"file": ours})
    names = {"cluster-12", "cluster-15", "cluster-18"}
    assert {name.partition(".")[0] for name in by_label["hosts"]} == names
    assert len(by_label["groups"]["zone_us_east5_a"]) == 5
    assert len(by_label["groups"]["up"]) == 15
    assert sorted(by_owner["hosts"]) == sorted(f"env-fleet-0-{number}" for number in range(0, 100, 2))
    assert not [name for name in by_owner["groups"] if name.startswith("label_")]


def test_a_zone_that_does_not_answer_is_told_and_never_kept(tmp_path: Path, google: Google) -> None:
    google.silent = {"fleet-4"}
    file = written(tmp_path, google, **caching(tmp_path))
    strict = written(tmp_path, google, "strict", missing_zones="fail")
    found, refused = listed(tmp_path, {"file": file}, {"file": strict})
    assert len(found["hosts"]) == 475
    (warning,) = found["warnings"]
    assert warning.startswith("Google gets no answer from us-east5-a, so that clusters of the project fleet-4 there")
    assert "Run again later, or go on without them: missing_zones: warn." in refused["error"]
    google.silent = set()
    google.calls.clear()
    (again,) = listed(tmp_path, {"file": file})
    assert len(again["hosts"]) == 500
    # that project alone
    assert google.calls == Counter({"fleet-4": 1})


WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"projects": ["fleet-0", "another"]},
        "Google refused to list the clusters of the project another: 403 PERMISSION_DENIED",
    ),
    ({"projects": []}, "No project is given whose clusters to list. Give projects"),
    ({"hostname": "rhaii_cluster_name"}, "Two clusters would be the host cluster-0: cluster-0.us-east5-a.fleet-0"),
    ({"hostname": "rhaii_environment"}, "The option hostname cannot be worked out for the cluster cluster-1."),
    ({"endpoints": {"container": "http://127.0.0.1:9"}, "request_timeout": 1}, "no answer from http://127.0.0.1:9"),
    ({"auth_kind": "serviceaccount"}, "auth_kind is serviceaccount, but no service_account_file is given."),
]


def test_what_is_wrong_is_a_sentence(tmp_path: Path, google: Google) -> None:
    files = [written(tmp_path, google, str(number), **options) for number, (options, _words) in enumerate(WRONG)]
    for found, (_options, words) in zip(listed(tmp_path, *({"file": file} for file in files)), WRONG, strict=True):
        assert words in found.get("error", ""), found


def test_another_file_is_declined(tmp_path: Path) -> None:
    file = tmp_path / "hosts.yml"
    file.write_text("plugin: rhaii.gke.gke_clusters\n", encoding="utf-8")
    assert listed(tmp_path, {"file": str(file)}) == [{"error": "declined"}]


def test_ansible_inventory_takes_the_file_without_a_setting(tmp_path: Path, google: Google) -> None:
    file = written(tmp_path, google, projects=["fleet-0"], names=["cluster-2"])
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    done = subprocess.run(
        [program, "-i", file, "--list"], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert list(json.loads(done.stdout)["_meta"]["hostvars"]) == ["cluster-2.europe-west4-a.fleet-0"]
    assert TOKEN not in done.stdout + done.stderr
