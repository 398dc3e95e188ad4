# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a model gets into a pod: an init container that downloads it, or a claim that holds it."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

INITIALIZER = "storage-initializer"
INITIALIZER_VOLUME = "kserve-provision-location"
CLAIM_VOLUME = "kserve-pvc-source"
MODEL_FOLDER = "/mnt/models"
DOWNLOADED = ("hf", "s3")
SECRET_ANNOTATION = "serving.kserve.io/storageSecretName"
"""On the service: the one secret whose credentials the download gets."""


class StorageError(Exception):
    """A model address that cannot be served."""


def attach_model(pod: Object, uri: str, config: Object, credentials: list[Object]) -> None:
    """Add to the pod specification what brings the model at `uri` to /mnt/models of container `main`.

    `config` is storageInitializer of the global configuration; `credentials` are further variables of the download.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        raise StorageError(f"invalid model URI: {uri}")
    if scheme == "pvc":
        claim, _, folder = rest.partition("/")
        _add(pod, "volumes", {"name": CLAIM_VOLUME, "persistentVolumeClaim": {"claimName": claim}})
        mount = {"name": CLAIM_VOLUME, "mountPath": MODEL_FOLDER, "readOnly": True}
        _mount_in_main(pod, {**mount, "subPath": folder} if folder else mount)
    elif scheme in DOWNLOADED:
        _add(pod, "volumes", {"name": INITIALIZER_VOLUME, "emptyDir": {}})
        _add_initializer(pod, uri, config, credentials)
        _mount_in_main(pod, {"name": INITIALIZER_VOLUME, "mountPath": MODEL_FOLDER, "readOnly": True})
    else:
        raise StorageError(f"unsupported schema in model URI: {uri}")


def _add_initializer(pod: Object, uri: str, config: Object, credentials: list[Object]) -> None:
    containers = pod.setdefault("initContainers", [])
    # one of the user's stays as it is, and lacks what it does not bring
    container = next((item for item in containers if item["name"] == INITIALIZER), None)
    if container is None:
        container = {
            "name": INITIALIZER,
            "image": config.get("image", ""),
            "args": [uri, MODEL_FOLDER],
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "env": [
                {"name": "HF_HOME", "value": "/tmp"},
                {"name": "HF_HUB_ENABLE_HF_TRANSFER", "value": "1"},
                {"name": "HF_XET_HIGH_PERFORMANCE", "value": "1"},
                {"name": "HF_XET_NUM_CONCURRENT_RANGE_GETS", "value": "8"},
            ],
            "volumeMounts": [{"name": INITIALIZER_VOLUME, "mountPath": MODEL_FOLDER}],
            "resources": {
                "requests": {"cpu": config.get("cpuRequest", "100m"), "memory": config.get("memoryRequest", "100Mi")},
                "limits": {"cpu": config.get("cpuLimit", "1"), "memory": config.get("memoryLimit", "1Gi")},
            },
        }
        containers.append(container)
    if credentials:
        given = {item["name"] for item in credentials}
        kept = [item for item in container.get("env") or [] if item["name"] not in given]
        container["env"] = [*kept, *credentials]


def _mount_in_main(pod: Object, mount: Object) -> None:
    for container in pod.get("containers") or []:
        if container["name"] == "main":
            mounts = container.setdefault("volumeMounts", [])
            if all(item["mountPath"] != mount["mountPath"] for item in mounts):
                mounts.append(mount)


def _add(pod: Object, field: str, item: Object) -> None:
    items = pod.setdefault(field, [])
    if all(known["name"] != item["name"] for known in items):
        items.append(item)


def token_variables(secret: Object) -> list[Object]:
    """The download's variables that a secret of the service account gives."""
    if "HF_TOKEN" not in (secret.get("data") or {}):
        return []
    reference = {"secretKeyRef": {"name": secret["metadata"]["name"], "key": "HF_TOKEN"}}
    return [{"name": "HF_TOKEN", "valueFrom": reference}]
