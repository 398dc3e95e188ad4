# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every pod of a deployed environment: where its images are from, by which secret it pulls, what is seen without."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sandbox.images
from sandbox.nodes.images import Catalogue, PullError, Reference, resolve

Json = dict[str, Any]

RED_HAT = "registry.redhat.io"
DENIED = "ErrImagePull: 401 Unauthorized"
OPERATORS, MODELS = "redhat-pull-secret", "rhaiis-pull-secret"


@dataclass(frozen=True)
class Row:
    """A pod by its controller; what is seen is of a pod whose account, or whose spec, has no such secret."""

    pod: str
    registries: tuple[str, ...]
    secrets: tuple[str, ...]
    without: tuple[str, ...]


def _row(pod: str, secret: str) -> Row:
    return Row(pod, (RED_HAT,), (secret,), (DENIED,))


# The second half says how it comes to the pod.
EXPECTED: Mapping[str, tuple[Row, str]] = {
    row.pod: (row, how)
    for row, how in (
        (_row("cert-manager-operator/cert-manager-operator-controller-manager", OPERATORS), "account of the chart"),
        (_row("cert-manager/cert-manager", OPERATORS), "account of the chart"),
        (_row("cert-manager/cert-manager-cainjector", OPERATORS), "account of the chart"),
        (_row("cert-manager/cert-manager-webhook", OPERATORS), "account of the chart"),
        (_row("istio-system/servicemesh-operator3", OPERATORS), "account of the chart"),
        (_row("istio-system/istiod", OPERATORS), "account made before the operator makes it"),
        (_row("openshift-lws-operator/openshift-lws-operator", OPERATORS), "account of the chart"),
        (_row("openshift-lws-operator/lws-controller-manager", OPERATORS), "account made before the operator makes it"),
        (_row("opendatahub/kserve-controller-manager", OPERATORS), "account patched after Helm, pod made anew"),
        (_row("opendatahub/inference-gateway-istio", OPERATORS), "account patched after istiod, pod made anew"),
        (_row("rhaii-inference/qwen-3b-tpu-svc-kserve", MODELS), "template.imagePullSecrets"),
        (_row("rhaii-inference/qwen-3b-tpu-svc-kserve-router-scheduler", MODELS), "router.scheduler.template"),
        (Row("kube-system/metrics-server", ("gke.gcr.io",), (), ("",)), "GKE's own, for everybody"),
    )
}


def controller(pod: Json) -> str:
    """NAMESPACE/NAME of the Deployment that a pod is of."""
    metadata = pod["metadata"]
    (owner,) = (each["name"] for each in metadata["ownerReferences"] if each.get("controller"))
    return f"{metadata['namespace']}/{re.sub(r'-[a-z0-9]+$', '', owner)}"


def found(pods: Iterable[Json]) -> list[Row]:
    """The rows of pods as they are, each once."""
    catalogue = Catalogue(Path(sandbox.images.__file__).parent)
    rows = {}
    for pod in pods:
        spec = pod["spec"]
        images = [each["image"] for each in [*(spec.get("initContainers") or []), *spec["containers"]]]
        rows[controller(pod)] = Row(
            controller(pod),
            tuple(sorted({Reference.parse(image).host for image in images})),
            tuple(each["name"] for each in spec.get("imagePullSecrets") or []),
            tuple(sorted({without(catalogue, image) for image in images})),
        )
    return [rows[name] for name in sorted(rows)]


def without(catalogue: Catalogue, image: str) -> str:
    """What a node says of an image for which it has no credentials; nothing where it needs none."""
    try:
        resolve(catalogue, Reference.parse(image), [])
    except PullError as error:
        return f"{error.reason}: {str(error).rpartition(': ')[2]}"
    return ""


def table(rows: Sequence[Row]) -> str:
    """As people read it."""
    lines = ["| pod | registry | pulls by | which it has by | without it |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        how = EXPECTED[row.pod][1] if row.pod in EXPECTED else "?"
        parts = (row.pod, ", ".join(row.registries), ", ".join(row.secrets) or "none", how, ", ".join(row.without))
        lines.append(f"| {' | '.join(parts)} |")
    return "\n".join(lines)
