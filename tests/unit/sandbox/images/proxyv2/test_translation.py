# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agent makes of istiod's configuration for an Envoy that is not Istio's build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.images.istiod.configuration import configuration
from sandbox.images.proxyv2.agent import Identity
from sandbox.images.proxyv2.place import Place
from sandbox.images.proxyv2.translation import translate
from tests.unit.sandbox.images.istiod.objects import APP, GATEWAY_KEY, MESH, destination_rule, model_world

LABELS = 'a="b"\ngateway.networking.k8s.io/gateway-name="edge"\n'


def translated(tmp_path: Path, *more: Any) -> tuple[dict[str, Any], frozenset[str]]:
    place = Place("10.83.1.2", tmp_path, tmp_path)
    files = translate(configuration(model_world(*more), MESH, GATEWAY_KEY).to_json(), place)
    return {path.name: json.loads(text) for path, text in files.contents.items()}, files.secrets


def test_istios_own_filters_are_left_out_and_the_order_stays(tmp_path: Path) -> None:
    files, _ = translated(tmp_path)
    (chain,) = files["lds.json"]["resources"][0]["filter_chains"]
    assert [item["name"] for item in chain["filters"][0]["typed_config"]["http_filters"]] == [
        "envoy.filters.http.ext_proc",
        "envoy.filters.http.grpc_stats",
        "envoy.filters.http.fault",
        "envoy.filters.http.cors",
        "sandbox.destination_endpoint",
        "envoy.filters.http.router",
    ]


def test_no_certificate_for_sidecars_is_wanted(tmp_path: Path) -> None:
    files, secrets = translated(tmp_path)
    names = [
        match["name"] for item in files["cds.json"]["resources"] for match in item.get("transport_socket_matches", [])
    ]
    assert set(names) == {"tlsMode-disabled"}
    assert secrets == frozenset()


def test_certificate_that_a_rule_names_is_wanted(tmp_path: Path) -> None:
    host = f"qwen-kserve-workload-svc.{APP}.svc.cluster.local"
    _, secrets = translated(tmp_path, destination_rule(host, {"mode": "SIMPLE", "caCertificates": "/ca.crt"}))
    assert secrets == {"file-root:/ca.crt"}


def test_file_has_a_new_version_only_when_it_changes(tmp_path: Path) -> None:
    before, _ = translated(tmp_path)
    host = f"qwen-kserve-workload-svc.{APP}.svc.cluster.local"
    after, _ = translated(tmp_path, destination_rule(host, {"mode": "SIMPLE", "caCertificates": "/ca.crt"}))
    changed = {name for name in before if before[name]["version_info"] != after[name]["version_info"]}
    assert changed == {"cds.json"}


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        pytest.param(
            {"CA_ADDR": "istiod.mesh.svc:15012", "PROXY_CONFIG": '{"proxyMetadata":{}}\n'},
            "https://istiod.mesh.svc:15012/configuration/gateways/edge",
            id="as istiod sets it",
        ),
        pytest.param({}, "https://istiod.istio-system.svc:15012/configuration/gateways/edge", id="nothing set"),
        pytest.param(
            {"PROXY_CONFIG": '{"discoveryAddress": "istiod.mesh.svc:15010"}', "CA_ADDR": "other:15012"},
            "http://istiod.mesh.svc:15010/configuration/gateways/edge",
            id="plain text",
        ),
    ],
)
def test_agent_asks_where_its_pod_says(environ: dict[str, str], url: str) -> None:
    assert Identity.read(environ, LABELS, namespace="gateways", pod="p").url == url


def test_pod_without_its_gateways_name_is_refused() -> None:
    with pytest.raises(SystemExit, match="gateway-name is wanted in /etc/istio/pod/labels"):
        Identity.read({}, 'a="b"', namespace="gateways", pod="p")
