# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as the observations of KServe's controller show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

LEFT_OUT_OF_SERVICES = ("internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", "sessionAffinity")
EXPIRATION = "certificates.kserve.io/expiration-v2"


def documents(path: Path) -> list[Object]:
    """The documents of a file."""
    return [item for item in yaml.safe_load_all(path.read_text(encoding="utf-8")) if item]


def name_of(obj: Object) -> str:
    """How a document of an object is called."""
    group = obj["apiVersion"].rpartition("/")[0]
    return f"{group}/{obj['kind']}/{obj['metadata']['name']}".lstrip("/")


def as_observed(obj: Object) -> Object:
    """An object without what observations leave out: identities, versions, times, addresses, contents."""
    meta = obj["metadata"]
    shown: Object = {name: meta[name] for name in ("name", "namespace", "labels") if meta.get(name)}
    annotations = {
        key: "<time>" if key == EXPIRATION else value
        for key, value in (meta.get("annotations") or {}).items()
        if not key.startswith("deployment.kubernetes.io/")
    }
    if annotations:
        shown["annotations"] = annotations
    if meta.get("ownerReferences"):
        shown["ownerReferences"] = [
            {key: value for key, value in item.items() if key != "uid"} for item in meta["ownerReferences"]
        ]
    body = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    if obj["kind"] == "Secret":
        body["data"] = dict.fromkeys(obj["data"], "<set>")
    if obj["kind"] == "Service":
        body["spec"] = _service(obj["spec"])
    if obj["kind"] == "Deployment":
        body["spec"] = _without_nulls(_deployment(obj["spec"]))
    return {**body, "metadata": shown}


def _service(spec: Object) -> Object:
    kept = {key: value for key, value in spec.items() if key not in LEFT_OUT_OF_SERVICES}
    if spec.get("clusterIP") != "None":
        kept = {key: value for key, value in kept.items() if key not in ("clusterIP", "clusterIPs")}
    return kept


def _deployment(spec: Object) -> Object:
    pod = spec["template"]["spec"]
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        container["image"] = without_host(container["image"])
        args = container.get("args") or []
        if "--config-text" in args:
            place = args.index("--config-text") + 1
            args[place] = summed_up(args[place])
    return spec


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items() if entry is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def without_host(image: str) -> str:
    """An image's name without its registry."""
    host, slash, rest = image.partition("/")
    return rest if slash and "." in host else image


def summed_up(text: str) -> str:
    """A picker's configuration as observations show it."""
    config = yaml.safe_load(text)
    plugins = ", ".join(plugin["type"] for plugin in config["plugins"])
    profiles = "; ".join(
        f"{profile['name']} ("
        + ", ".join(f"{item['pluginRef']} {item.get('weight', '')}".strip() for item in profile["plugins"])
        + ")"
        for profile in config["schedulingProfiles"]
    )
    return f"<{config['kind']}: plugins {plugins}; profiles {profiles}>"
