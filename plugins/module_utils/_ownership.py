# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Whose something is, in the cloud or in a cluster: ours, another environment's, or somebody else's.

Ours is what carries our labels for this environment and was made by us. Nothing else is ever labelled, resized,
repaired, drained, deleted or waited for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

Object = Mapping[str, Any]

# In the cloud.
MANAGED_BY = "managed-by"
MANAGER = "rhaii-gke"
ENVIRONMENT = "rhaii-environment"
# Of tools that mark what they make in Google Cloud: label, value (empty: any) and the tool. Terraform's is what its
# provider's add_terraform_attribution_label adds, the others are what such resources carry in public.
_CLOUD_TOOLS: tuple[tuple[str, str, str], ...] = (
    ("goog-terraform-provisioned", "true", "Terraform"),
    ("managed-by-cnrm", "true", "Config Connector"),
    ("goog-dm", "", "Deployment Manager"),
)
# Google's own labels, which tell nothing of an owner.
_OF_GOOGLE = "goog-"

# The way on of somebody who wants it deleted; never offered for what is another environment's.
FORCE = " To delete it all the same, do that yourself, or say force_unlabelled: true."

# The way on beside a cluster of our name that is not ours.
ANOTHER_CLUSTER = "Give another name (rhaii_cluster_name)."

# In a cluster. The label was written by version 0.1.0 too, over what it had not made; the annotation is younger.
OF_ENVIRONMENT = "rhaii.gke/environment"
CREATED = "rhaii.gke/created"
FIELD_MANAGER = "rhaii.gke"
# As which Ansible's client for Kubernetes is known when no name is given: version 0.1.0 made namespaces so.
_NAMELESS = "OpenAPI-Generator"
# Written by the API server when a namespace is made; its setter is who made it.
_OF_NAMESPACES = "f:kubernetes.io/metadata.name"
_COPIED = "carries our marks, but {0} put them there: it seems to be a copy"
_HALF = "carries our label, which version 0.1.0 also put on what it had not made, and {0} made parts of it"
_UNRECORDED = "carries our marks without a record of who put them there"
# What tools leave on the objects that they make: label or annotation, and what it says.
_CLUSTER_TOOLS: tuple[tuple[str, str], ...] = (
    ("meta.helm.sh/release-name", "seems to be of the Helm release {0}"),
    ("argocd.argoproj.io/tracking-id", "seems to be Argo CD's ({0})"),
    ("argocd.argoproj.io/instance", "seems to be Argo CD's ({0})"),
    ("kustomize.toolkit.fluxcd.io/name", "seems to be Flux's ({0})"),
    ("helm.toolkit.fluxcd.io/name", "seems to be Flux's ({0})"),
)
# cert-manager's word on a Secret for the Certificate that it is of
OF_CERTIFICATE = "cert-manager.io/certificate-name"
_MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
_BY_KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"

OURS, ANOTHERS, FOREIGN = "ours", "another environment's", "foreign"


@dataclass(frozen=True)
class Whose:
    """A verdict, and for people whose it seems to be, as the end of a sentence that begins with 'it'."""

    verdict: str
    seems: str = ""

    @property
    def is_ours(self) -> bool:
        return self.verdict == OURS


def refusal(whose: Whose, what: str, environment: str, way: str) -> RhaiiError:
    """Why something is left alone: what it is, whose it seems to be, and the way on."""
    return RhaiiError(
        f"{what} was not made for the environment {environment}: it {whose.seems}. It is left alone.", remedy=way
    )


def of_cloud(labels: Mapping[str, object], environment: str) -> Whose:
    """Judge a cluster or a node pool by its resource labels."""
    if labels.get(MANAGED_BY) != MANAGER:
        return Whose(FOREIGN, _maker(labels))
    owner = str(labels.get(ENVIRONMENT) or "")
    if owner and owner != environment:
        return Whose(ANOTHERS, f"belongs to the environment {owner}")
    tool = _tool(labels)
    if tool:
        # version 0.1.0 wrote its labels over pools that it had not made
        return Whose(FOREIGN, f"{tool}, whatever else it is labelled")
    if not owner:
        return Whose(FOREIGN, f"carries {MANAGED_BY}={MANAGER} and names no environment ({ENVIRONMENT})")
    return Whose(OURS)


def of_object(live: Object, environment: str) -> Whose:
    """Judge an object of a cluster by its marks, and by the API server's record of who set what."""
    metadata = live.get("metadata") or {}
    labels = metadata.get("labels") or {}
    owner = str(labels.get(OF_ENVIRONMENT) or "")
    if not owner:
        return Whose(FOREIGN, made_by(live))
    if owner != environment:
        return Whose(ANOTHERS, f"belongs to the environment {owner}")
    if (metadata.get("annotations") or {}).get(CREATED) == "true":
        setters = sorted(_setters(live, "f:annotations", f"f:{CREATED}"))
        if FIELD_MANAGER in setters:
            return Whose(OURS)
        return Whose(FOREIGN, _COPIED.format(" and ".join(setters)) if setters else _UNRECORDED)
    return _of_label_alone(live)


def _of_label_alone(live: Object) -> Whose:
    """As version 0.1.0 left its objects: ours when it put the label there and nobody else made a part."""
    setters = _setters(live, "f:labels", f"f:{OF_ENVIRONMENT}")
    ours = setters & ({FIELD_MANAGER, _NAMELESS} if _setters(live, "f:labels", _OF_NAMESPACES) else {FIELD_MANAGER})
    if not ours:
        return Whose(FOREIGN, _COPIED.format(" and ".join(sorted(setters))) if setters else _UNRECORDED)
    makers = sorted(makers_of(live) - ours)
    return Whose(FOREIGN, _HALF.format(" and ".join(makers))) if makers else Whose(OURS)


def made_by(live: Object) -> str:
    """Whose an object seems to be that is not ours, as the end of a sentence."""
    metadata = live.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for key, says in _CLUSTER_TOOLS:
        value = labels.get(key) or annotations.get(key)
        if value:
            return says.format(value)
    for reference in metadata.get("ownerReferences") or []:
        if reference.get("controller"):
            return f"belongs to the {reference.get('kind')} {reference.get('name')}"
    if labels.get(_MANAGED_BY_LABEL):
        return f"seems to be {labels[_MANAGED_BY_LABEL]}'s (label {_MANAGED_BY_LABEL})"
    if _BY_KUBECTL in annotations:
        return "seems to be made with kubectl apply"
    makers = sorted(makers_of(live)) or sorted({manager for manager, _fields in records_of(live)})
    if makers:
        return f"seems to be made by {' and '.join(makers)} (field manager)"
    return "carries none of our marks"


def records_of(live: Object) -> Iterator[tuple[str, Object]]:
    """Who set which fields, status left out."""
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if not entry.get("subresource"):
            yield str(entry.get("manager") or ""), entry.get("fieldsV1") or {}


def makers_of(live: Object) -> set[str]:
    """Who set what the object is for: anything beside its metadata and its status. Of a namespace, who made it."""
    return _setters(live, "f:labels", _OF_NAMESPACES) | {
        manager for manager, fields in records_of(live) if set(fields) - {"f:metadata", "f:status"}
    }


def _setters(live: Object, part: str, key: str) -> set[str]:
    return {
        manager for manager, fields in records_of(live) if key in ((fields.get("f:metadata") or {}).get(part) or {})
    }


def _maker(labels: Mapping[str, object]) -> str:
    manager = labels.get(MANAGED_BY)
    if manager:
        return f"seems to be {manager}'s (label {MANAGED_BY}={manager})"
    tool = _tool(labels)
    if tool:
        return tool
    telling = [key for key in sorted(labels) if not key.startswith(_OF_GOOGLE)]
    if not telling:
        return "carries no label that names an owner"
    shown = ", ".join(f"{key}={labels[key]}" for key in telling[:3])
    return f"carries none of our labels ({shown})"


def _tool(labels: Mapping[str, object]) -> str:
    """Whose mark it carries, of the tools that leave one."""
    for label, value, tool in _CLOUD_TOOLS:
        if label in labels and (not value or labels[label] == value):
            return f"seems to be made by {tool} (label {label})"
    return ""


__all__ = (
    "ANOTHERS",
    "ANOTHER_CLUSTER",
    "CREATED",
    "ENVIRONMENT",
    "FIELD_MANAGER",
    "FORCE",
    "FOREIGN",
    "MANAGED_BY",
    "MANAGER",
    "OF_CERTIFICATE",
    "OF_ENVIRONMENT",
    "OURS",
    "Whose",
    "made_by",
    "makers_of",
    "of_cloud",
    "of_object",
    "records_of",
    "refusal",
)
