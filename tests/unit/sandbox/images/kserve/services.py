# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services and presets that the tests of the KServe stand-in begin with."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from sandbox.images.kserve.combining import GlobalConfig, combine

Object = dict[str, Any]

CHART = Path(__file__).parents[5] / "sandbox" / "charts" / "kserve-rhaii-xks"
PRESETS: dict[str, Object] = {
    item["metadata"]["name"]: item["spec"]
    for item in yaml.safe_load_all((CHART / "files" / "presets.yaml").read_text(encoding="utf-8"))
}
STORAGE: Object = {
    "image": "registry.redhat.io/rhoai/odh-kserve-storage-initializer-rhel9:v3.4.0-ea.1",
    "memoryRequest": "100Mi",
    "memoryLimit": "24Gi",
    "cpuRequest": "100m",
    "cpuLimit": "1",
}
CONFIG = GlobalConfig(storage=STORAGE)
GUIDE_ARGUMENTS = "python3 -m vllm.entrypoints.openai.api_server --model=/mnt/models --tensor-parallel-size=4\n"


def service(**spec: Any) -> Object:
    """The guide's service with parts of its specification replaced; None takes a part out."""
    whole: Object = {
        "model": {"uri": "hf://Qwen/Qwen2.5-3B-Instruct", "name": "Qwen/Qwen2.5-3B-Instruct"},
        "replicas": 3,
        "router": {"route": {}, "gateway": {}, "scheduler": {}},
        "template": {
            "imagePullSecrets": [{"name": "rhaiis-pull-secret"}],
            "containers": [
                {
                    "name": "main",
                    "image": "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5",
                    "args": [GUIDE_ARGUMENTS],
                    "env": [{"name": "PJRT_DEVICE", "value": "TPU"}],
                    "readinessProbe": {"httpGet": {"path": "/v1/models", "port": 8000, "scheme": "HTTPS"}},
                }
            ],
        },
        **spec,
    }
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "LLMInferenceService",
        "metadata": {"name": "qwen", "namespace": "team", "uid": "u-1", "generation": 1},
        "spec": copy.deepcopy({key: value for key, value in whole.items() if value is not None}),
    }


def combined(found: Object, presets: dict[str, Object] | None = None) -> Object:
    """The specification that children are rendered from."""
    return combine(found, (presets or PRESETS).get, CONFIG)


def container(pod: Object, name: str = "main") -> Object:
    """A container of a pod specification."""
    return next(item for item in [*pod["containers"], *pod.get("initContainers", [])] if item["name"] == name)
