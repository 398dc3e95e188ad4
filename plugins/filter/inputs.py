# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on the inputs that several roles read."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.rhaii.gke.plugins.module_utils import _models, _preflight, _secrets
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import family_of
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain

T = TypeVar("T")


def _said(call: Callable[[], T]) -> T:
    try:
        return call()
    except RhaiiError as error:
        raise AnsibleFilterError(str(error)) from error


def effective_models(models: Any, replicas: Any = None, image: Any = None) -> list[dict[str, Any]]:
    given = plain(models or [])
    count = None if replicas in (None, "") else plain(replicas)
    return _said(lambda: _models.effective_models(given, count, plain(image or "") or None))


def docker_config(content: str, registry: str = _secrets.REGISTRY) -> str:
    return _said(lambda: _secrets.docker_config(str(content), registry))


def hf_token(content: str) -> str:
    return _said(lambda: _secrets.hub_token(str(content)))


def tpu_machine(accelerator: str, machine_type: str = "") -> dict[str, Any]:
    family = _said(lambda: family_of(str(accelerator)))
    name = plain(machine_type) or family.machine_type
    chips = family.chips(name)
    topology = family.topologies.get(chips, "")
    return {
        "accelerator": family.name,
        "title": family.title,
        "machine_type": name,
        "chips": chips,
        "topology": topology,
        "node_selector": {
            "cloud.google.com/gke-tpu-accelerator": family.node_accelerator,
            "cloud.google.com/gke-tpu-topology": topology,
        },
    }


def preflight_findings(inputs: Any) -> dict[str, Any]:
    given = plain(inputs)
    text = {name: str(given.get(name) or "") for name in _TEXTS}
    return _preflight.judge(
        _preflight.Inputs(
            **text,
            fallback_locations=given.get("fallback_locations") or [],
            models=given.get("models") or [],
            replicas=_number(given.get("replicas")),
            tpu_nodes=_number(given.get("tpu_nodes")),
            pull_secret=_file(given, "pull_secret"),
            token_file=_file(given, "token_file"),
            tools=_tools(given),
        )
    ).public()


_TEXTS = (
    "project",
    "environment",
    "location",
    "accelerator",
    "machine_type",
    "provisioning",
    "registry",
    "token",
)


def _tools(given: dict[str, Any]) -> _preflight.Tools:
    helm = str(given.get("helm") or "")
    return _preflight.Tools(
        helm=shutil.which(helm or "helm") or "",
        charts={str(chart): _is_chart(str(chart)) for chart in given.get("charts") or []},
        missing_packages=[package for package, module in _PACKAGES.items() if not _is_installed(module)],
    )


# What kubernetes.core and the cloud modules import, by the name under which pip knows it.
_PACKAGES = {
    "kubernetes": "kubernetes",
    "google-auth": "google.auth",
    "google-cloud-container": "google.cloud.container_v1",
    "requests": "requests",
}


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a parent package
        return False


def _is_chart(chart: str) -> bool:
    if "://" in chart or chart.endswith(".tgz"):
        return "://" in chart or Path(chart).expanduser().is_file()
    return (Path(chart).expanduser() / "Chart.yaml").is_file()


def _number(value: Any) -> Any:
    return None if value in (None, "") else value


def _file(given: dict[str, Any], name: str) -> _preflight.File:
    path = str(given.get(name) or "")
    content = None
    if path:
        try:
            content = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            content = None
    return _preflight.File(path, content)


def quota_findings(result: Any) -> list[dict[str, Any]]:
    return [asdict(finding) for finding in _preflight.quota_findings(plain(result))]


def preflight_table(findings: Any) -> list[str]:
    return _preflight.table(plain(findings))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "docker_config": docker_config,
            "effective_models": effective_models,
            "hf_token": hf_token,
            "preflight_findings": preflight_findings,
            "preflight_table": preflight_table,
            "quota_findings": quota_findings,
            "tpu_machine": tpu_machine,
        }
