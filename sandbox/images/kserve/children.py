# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing children to what they should be as KServe does it: whole objects, put over what is there."""

from __future__ import annotations

import copy
import json
from typing import Any

from sandbox.control_plane.kube import ApiError, Conflict, KubeClient, NotFound, Resource, key_of, resource_of
from sandbox.images.events import EventRecorder

Object = dict[str, Any]

CONTENT = ("spec", "data", "rules", "subjects", "roleRef", "type", "imagePullSecrets")


PLAIN_FIELDS: dict[str, Object] = {
    "Deployment": {"minReadySeconds": 0, "paused": False},
    "Service": {"publishNotReadyAddresses": False},
}
"""Fields that nobody asks for and that must have their zero: they are no pointers, so that absent is a wish as well."""


class ChildError(Exception):
    """A child that is not ours to touch."""


def derives(expected: Any, current: Any) -> bool:
    """Whether `current` has all that `expected` sets; what `expected` leaves open may be anything."""
    if expected is None or expected in ("", {}, []):
        return True
    if isinstance(expected, dict):
        return isinstance(current, dict) and all(derives(value, current.get(key)) for key, value in expected.items())
    if isinstance(expected, list):
        return (
            isinstance(current, list)
            and len(expected) == len(current)
            and all(derives(mine, theirs) for mine, theirs in zip(expected, current, strict=True))
        )
    return bool(expected == current)


def up_to_date(expected: Object, current: Object) -> bool:
    """Whether `current` needs no update; `expected` has the API server's defaults in it.

    A pod specification must be equal, so that what is taken out of it goes; elsewhere additions of others stay until
    the next update overwrites them (such as the annotation of `kubectl rollout restart`).
    """
    if expected["kind"] == "Deployment" and _pod(expected) != _pod(current):
        return False
    plain = PLAIN_FIELDS.get(expected["kind"], {})
    if any(_setting(expected, name, zero) != _setting(current, name, zero) for name, zero in plain.items()):
        return False
    if expected["kind"] == "DestinationRule" and expected["spec"] != current.get("spec"):
        return False
    return all(derives(expected.get(part), current.get(part)) for part in CONTENT) and all(
        derives(expected["metadata"].get(part), current["metadata"].get(part)) for part in ("labels", "annotations")
    )


def _setting(obj: Object, name: str, zero: Any) -> Any:
    return (obj.get("spec") or {}).get(name, zero)


def _pod(deployment: Object) -> Any:
    return deployment["spec"]["template"].get("spec")


def controlled_by(obj: Object, owner: Object) -> bool:
    """Whether `owner` is the controller of `obj`."""
    references = obj["metadata"].get("ownerReferences") or []
    return any(item.get("controller") and item["uid"] == owner["metadata"]["uid"] for item in references)


def described(obj: Object) -> str:
    """How events name an object: `v1.Deployment namespace/name`."""
    version = obj["apiVersion"].rpartition("/")[2]
    return f"{version}.{obj['kind']} {'/'.join(key_of(obj))}"


class Children:
    """Creates, updates and deletes children of services."""

    def __init__(self, client: KubeClient, events: EventRecorder) -> None:
        self._client = client
        self._events = events
        self._settled: dict[tuple[Resource, str, str], tuple[str, str]] = {}

    async def ensure(self, owner: Object, expected: Object) -> Object:
        """Make the child exist and be as expected; what is there afterwards."""
        namespace, name = key_of(expected)
        ref = resource_of(expected)
        current = await self._client.find(ref, name, namespace)
        if current is None:
            try:
                created = await self._client.create(expected)
            except Conflict:
                raise
            except ApiError as error:
                raise ChildError(f"failed to create {described(expected)}: {error.message}") from error
            await self._events.normal(owner, "Created", f"Created {described(expected)}")
            return created
        if namespace and not controlled_by(current, owner):
            raise ChildError(f"failed to update {described(expected)}: it is not controlled by {described(owner)}")
        key = (ref, namespace, name)
        state = (json.dumps(expected, sort_keys=True), _version(current))
        if self._settled.get(key) == state:
            return current
        current = await self._update(owner, expected, current)
        self._settled[key] = (state[0], _version(current))
        return current

    async def _update(self, owner: Object, expected: Object, current: Object) -> Object:
        namespace, name = key_of(expected)
        wanted = copy.deepcopy(expected)
        wanted["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"]
        path = resource_of(expected).path(namespace, name)
        try:
            # a dry run fills in the defaults, so that they do not look like differences
            defaulted = await self._client.request("PUT", path, params={"dryRun": "All"}, body=wanted)
            if up_to_date({**defaulted, "kind": expected["kind"]}, current):
                return current
            current = await self._client.replace(wanted)
        except Conflict:
            raise
        except ApiError as error:
            raise ChildError(f"failed to update {described(expected)}: {error.message}") from error
        await self._events.normal(owner, "Updated", f"Updated {described(expected)}")
        return current

    async def remove(self, owner: Object, ref: Resource, name: str, namespace: str) -> None:
        """Make the child not exist; ChildError when it is not the owner's."""
        try:
            current = await self._client.find(ref, name, namespace)
        except NotFound:  # its kind is not installed
            return
        if current is None or current["metadata"].get("deletionTimestamp"):
            return
        if namespace and not controlled_by(current, owner):
            gone = {
                "apiVersion": ref.api_version,
                "kind": current.get("kind") or ref.plural,
                "metadata": current["metadata"],
            }
            raise ChildError(f"cannot delete {described(gone)}: not owned by {described(owner)}")
        await self._client.delete(ref, name, namespace)
        await self._events.normal(owner, "Deleted", f"Deleted {ref.plural} {namespace}/{name}".replace(" /", " "))


def _version(obj: Object) -> str:
    # metadata changes do not raise the generation, so labels and annotations are part of what is compared
    meta = obj["metadata"]
    if "generation" in meta:
        return json.dumps([meta["generation"], meta.get("labels"), meta.get("annotations")], sort_keys=True)
    return str(meta["resourceVersion"])
