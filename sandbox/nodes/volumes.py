# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod's volumes as folders, and the links that put them under a container's root."""

from __future__ import annotations

import base64
import datetime
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox.nodes import atomic_files
from sandbox.nodes.environment import expand
from sandbox.nodes.records import parse_timestamp
from sandbox.nodes.sources import FieldError, Object, Sources, pod_field, resource_field

DEFAULT_MODE = 0o644
DEFAULT_TOKEN_SECONDS = 3600
KNOWN = ("emptyDir", "secret", "configMap", "projected", "downwardAPI")

Payload = dict[str, tuple[bytes, int]]
Wanted = set[tuple[str, str]]
"""Kind and name of the secrets and config maps that a pod mounts."""


class MountError(Exception):
    """A volume cannot be set up (now)."""

    def __init__(self, volume: str, why: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {why}')


class PodVolumes:
    """The volumes of one pod, below its folder."""

    def __init__(
        self,
        pod: Object,
        folder: Path,
        sources: Sources,
        *,
        host_ip: str,
        pod_ip: str,
        allocatable: Mapping[str, str],
    ) -> None:
        self.pod = pod
        self.renew_at: datetime.datetime | None = None
        """When a token wants renewing."""
        self._folder = folder
        self._sources = sources
        self._host_ip = host_ip
        self._pod_ip = pod_ip
        self._allocatable = allocatable
        self._tokens: dict[tuple[str, str], tuple[str, datetime.datetime]] = {}

    @property
    def _specs(self) -> list[Object]:
        return self.pod["spec"].get("volumes") or []

    def wanted(self) -> Wanted:
        """Which secrets and config maps these volumes show."""
        found: Wanted = set()
        for volume in self._specs:
            sources = (volume.get("projected") or {}).get("sources") or []
            for source in [volume, *sources]:
                for kind, member in (("secret", "secret"), ("configmap", "configMap")):
                    if member in source:
                        found.add((kind, source[member].get("secretName") or source[member].get("name", "")))
        return found

    def path(self, name: str) -> Path:
        """The folder of a volume."""
        return self._folder / "volumes" / name

    async def mount(self) -> bool:
        """Set every volume up, or bring it up to date; whether a file changed. MountError when one cannot be."""
        changed = False
        self.renew_at = None
        for volume in self._specs:
            kind = next((known for known in KNOWN if known in volume), "")
            if not kind:
                raise MountError(volume["name"], refusal(volume))
            if kind == "emptyDir":
                self.path(volume["name"]).mkdir(parents=True, exist_ok=True)
                continue
            payload = await self._payload(volume["name"], kind, volume[kind])
            changed |= atomic_files.write(self.path(volume["name"]), payload)
        return changed

    async def _payload(self, volume: str, kind: str, source: Mapping[str, Any]) -> Payload:
        mode = source.get("defaultMode", DEFAULT_MODE)
        if kind != "projected":
            return await self._source(volume, kind, source, mode)
        payload: Payload = {}
        for entry in source.get("sources") or []:
            for member, content in entry.items():
                payload.update(await self._source(volume, member, content, mode))
        return payload

    async def _source(self, volume: str, kind: str, source: Mapping[str, Any], mode: int) -> Payload:
        if kind in ("secret", "configMap"):
            return await self._keys(volume, kind, source, mode)
        if kind == "downwardAPI":
            return self._fields(volume, source, mode)
        if kind == "serviceAccountToken":
            token = await self._token(source)
            return {source["path"]: (token.encode(), mode)}
        raise MountError(volume, f"the sandbox's nodes know no projected source {kind}")

    async def _keys(self, volume: str, kind: str, source: Mapping[str, Any], mode: int) -> Payload:
        name = source.get("secretName") or source.get("name") or ""
        namespace = self.pod["metadata"]["namespace"]
        found = await self._sources.find(kind.lower(), namespace, name)
        if found is None:
            if source.get("optional"):
                return {}
            raise MountError(volume, f'{kind.lower()} "{name}" not found')
        values = binary(kind, found)
        items = source.get("items")
        if not items:
            return {key: (value, mode) for key, value in values.items()}
        payload: Payload = {}
        for item in items:
            if item["key"] not in values:
                if source.get("optional"):
                    continue
                raise MountError(
                    volume, f"references non-existent {kind.lower()} key: {item['key']} (of {namespace}/{name})"
                )
            payload[item["path"]] = (values[item["key"]], item.get("mode", mode))
        return payload

    def _fields(self, volume: str, source: Mapping[str, Any], mode: int) -> Payload:
        payload: Payload = {}
        for item in source.get("items") or []:
            try:
                if "fieldRef" in item:
                    path = item["fieldRef"]["fieldPath"]
                    text = pod_field(self.pod, path, pod_ip=self._pod_ip, host_ip=self._host_ip)
                else:
                    text = resource_field(self.pod, item["resourceFieldRef"], "", self._allocatable)
            except FieldError as error:
                raise MountError(volume, str(error)) from error
            payload[item["path"]] = (text.encode(), item.get("mode", mode))
        return payload

    async def _token(self, source: Mapping[str, Any]) -> str:
        audience = source.get("audience") or ""
        key = (audience, source["path"])
        token, renew = self._tokens.get(key, ("", None))
        now = datetime.datetime.now(datetime.UTC)
        if renew is None or renew <= now:
            seconds = int(source.get("expirationSeconds") or DEFAULT_TOKEN_SECONDS)
            token, expires = await self._sources.token(self.pod, audience, seconds)
            renew = now + (parse_timestamp(expires) - now) * 0.8
            self._tokens[key] = (token, renew)
        self.renew_at = renew if self.renew_at is None else min(renew, self.renew_at)
        return token

    def link(self, container: Mapping[str, Any], root: Path, values: Mapping[str, str]) -> None:
        """Make a fresh root folder for a container, with its mounts as links into the volumes."""
        if root.exists():
            shutil.rmtree(root)
        root.mkdir(parents=True)
        mounts = container.get("volumeMounts") or []
        # a mount inside another one lands in the outer one's volume, so the outer one comes first
        for mount in sorted(mounts, key=lambda mount: len(PurePosixPath(mount["mountPath"]).parts)):
            target = self.path(mount["name"])
            inside = mount.get("subPath") or expand(mount.get("subPathExpr") or "", values)
            if inside:
                target = target / inside
                if not target.exists():
                    target.mkdir(parents=True)
            place = root / mount["mountPath"].strip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_symlink():
                place.unlink()
            elif place.exists():
                # a mount hides what lies beneath it
                place.rename(place.with_name(f"..hidden-{place.name}"))
            place.symlink_to(target)
        for folder in ("tmp", "dev", "etc"):
            (root / folder).mkdir(exist_ok=True)


def binary(kind: str, found: Mapping[str, Any]) -> dict[str, bytes]:
    """The values of a secret or config map as files hold them."""
    data = found.get("data") or {}
    if kind == "secret":
        return {key: base64.b64decode(value) for key, value in data.items()}
    more = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return {**{key: str(value).encode() for key, value in data.items()}, **more}


def refusal(volume: Mapping[str, Any]) -> str:
    """Why a volume of another kind is not set up."""
    kind = next((name for name in volume if name != "name"), "without a kind")
    return (
        f"the sandbox's nodes offer no {kind} volumes, only {', '.join(KNOWN)}; "
        "use one of these, or try this pod on a real cluster"
    )
