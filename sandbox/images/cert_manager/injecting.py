# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which authority an object's annotations ask for, and the object's webhooks with it filled in."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.images.cert_manager.names import INJECT_FROM_CERTIFICATE, INJECT_FROM_SECRET

Object = dict[str, Any]


def source(obj: Object) -> tuple[str, str, str] | None:
    """ "certificate" or "secret" with its namespace and name; None when nothing is asked for."""
    annotations = obj["metadata"].get("annotations") or {}
    for kind, annotation in (("certificate", INJECT_FROM_CERTIFICATE), ("secret", INJECT_FROM_SECRET)):
        namespace, separator, name = annotations.get(annotation, "").partition("/")
        if separator:
            return kind, namespace, name
    return None


def injected(obj: Object, bundle: str) -> Object | None:
    """A merge patch that gives every webhook (or the APIService) the bundle; None when they have it."""
    if obj["kind"] == "APIService":
        return None if obj["spec"].get("caBundle") == bundle else {"spec": {"caBundle": bundle}}
    webhooks = obj.get("webhooks") or []
    if all((item.get("clientConfig") or {}).get("caBundle") == bundle for item in webhooks):
        return None
    changed = copy.deepcopy(webhooks)
    for item in changed:
        item.setdefault("clientConfig", {})["caBundle"] = bundle
    return {"webhooks": changed, "metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}}
