# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From istiod's configuration, in the cluster's terms, to files for the Envoy on this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.images.proxyv2.endpoint_filter import endpoint_filter
from sandbox.images.proxyv2.place import Place

ROUTER = "envoy.filters.http.router"
ISTIOS_OWN = "istio."
"""Begins the names of HTTP filters that only Istio's build of Envoy has."""

FILE_ACCESS_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
STREAM_LOGS = {
    "/dev/stdout": ("envoy.access_loggers.stdout", "StdoutAccessLog"),
    "/dev/stderr": ("envoy.access_loggers.stderr", "StderrAccessLog"),
}


@dataclass(frozen=True)
class Files:
    """Contents by path, in the order in which Envoy must see them, and the secrets that they name."""

    contents: Mapping[Path, str]
    secrets: frozenset[str]


def translate(configuration: Mapping[str, Any], place: Place) -> Files:
    """All discovery files but those of the secrets."""
    secrets: set[str] = set()
    contents: dict[Path, str] = {}
    for assignment in configuration["endpoints"]:
        contents[place.file("eds", assignment["cluster_name"])] = response([_translated(assignment, place, secrets)])
    contents[place.file("cds")] = response([_translated(item, place, secrets) for item in configuration["clusters"]])
    for routes in configuration["routes"]:
        contents[place.file("rds", routes["name"])] = response([_translated(routes, place, secrets)])
    contents[place.file("lds")] = response([_listener(item, place, secrets) for item in configuration["listeners"]])
    return Files(contents, frozenset(secrets))


def response(resources: list[Any]) -> str:
    """A discovery response as Envoy reads it from a file; its version changes only when it does."""
    digest = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()
    return json.dumps({"version_info": digest[:16], "resources": resources}, indent=1)


def _translated(value: Any, place: Place, secrets: set[str]) -> Any:
    if isinstance(value, list):
        return [_translated(item, place, secrets) for item in value]
    if not isinstance(value, dict):
        return value
    if "transport_socket_matches" in value:
        # no endpoint here has a sidecar, and the certificate that it would be shown is not made
        matches = [item for item in value["transport_socket_matches"] if not item["match"]]
        value = {**value, "transport_socket_matches": matches}
    result = {key: _translated(item, place, secrets) for key, item in value.items()}
    if "eds_config" in value:
        result["eds_config"] = _from_file(place.file("eds", value["service_name"]))
    if "route_config_name" in value:
        result["config_source"] = _from_file(place.file("rds", value["route_config_name"]))
    if "sds_config" in value:
        secrets.add(value["name"])
        result["sds_config"] = _from_file(place.file("sds", value["name"]))
    if "socket_address" in value:
        target = value["socket_address"]
        result["socket_address"] = {
            **target,
            "address": place.local_address(target["address"]),
            "port_value": place.local_port(target["port_value"]),
        }
    if str(value.get("filename", "")).startswith("/"):
        result["filename"] = str(place.local_path(value["filename"]))
    if (value.get("typed_config") or {}).get("@type") == FILE_ACCESS_LOG:
        return _access_log(value, place)
    return result


def _from_file(path: Path) -> dict[str, Any]:
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def _access_log(logger: Mapping[str, Any], place: Place) -> dict[str, Any]:
    config = logger["typed_config"]
    stream = STREAM_LOGS.get(config["path"])
    if stream is None:
        return {**logger, "typed_config": {**config, "path": str(place.local_path(config["path"]))}}
    # /dev/stdout opened a second time would write over what the first one wrote
    name, kind = stream
    kept = {key: item for key, item in config.items() if key not in ("@type", "path")}
    package = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3"
    return {"name": name, "typed_config": {"@type": f"{package}.{kind}", **kept}}


def _listener(listener: Mapping[str, Any], place: Place, secrets: set[str]) -> Any:
    result = _translated(listener, place, secrets)
    for chain in result["filter_chains"]:
        for network_filter in chain["filters"]:
            filters = network_filter["typed_config"].get("http_filters")
            if filters:
                filters[:] = [item for item in filters if not item["name"].startswith(ISTIOS_OWN)]
                place_of_router = next(index for index, item in enumerate(filters) if item["name"] == ROUTER)
                filters.insert(place_of_router, endpoint_filter(place))
    return result
