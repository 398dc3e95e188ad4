# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment, command and arguments of a container."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.nodes.sources import FieldError, Object, Sources, pod_field, resource_field

REFERENCE = re.compile(r"\$(\$|\(([^()]*)\))")


class ConfigError(Exception):
    """The container cannot be made from what the API holds: CreateContainerConfigError."""


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace $(NAME) by its value; an unknown name stays as it is, and $$ is a dollar."""

    def replacement(match: re.Match[str]) -> str:
        if match.group(1) == "$":
            return "$"
        return values.get(match.group(2), match.group(0))

    return REFERENCE.sub(replacement, text)


class Environment:
    """Resolves the variables of one pod's containers."""

    def __init__(
        self,
        pod: Object,
        sources: Sources,
        *,
        pod_ip: str,
        host_ip: str,
        allocatable: Mapping[str, str],
        basics: Mapping[str, str],
    ) -> None:
        self._pod = pod
        self._sources = sources
        self._pod_ip = pod_ip
        self._host_ip = host_ip
        self._allocatable = allocatable
        self._basics = basics
        self._fetched: dict[tuple[str, str], Object | None] = {}

    async def of(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a container; ConfigError names the secret, config map or key that is missing."""
        self._fetched.clear()
        values: dict[str, str] = dict(self._basics)
        for source in container.get("envFrom") or []:
            values.update(await self._everything(source))
        for variable in container.get("env") or []:
            name = variable["name"]
            if "valueFrom" in variable:
                value = await self._value_from(variable["valueFrom"], container["name"])
                if value is not None:
                    values[name] = value
            else:
                values[name] = expand(variable.get("value") or "", values)
        return values

    async def _object(self, kind: str, name: str) -> Object | None:
        if (kind, name) not in self._fetched:
            namespace = self._pod["metadata"]["namespace"]
            self._fetched[kind, name] = await self._sources.find(kind, namespace, name)
        return self._fetched[kind, name]

    async def _everything(self, source: Mapping[str, Any]) -> dict[str, str]:
        prefix = source.get("prefix") or ""
        for kind, member in (("secret", "secretRef"), ("configmap", "configMapRef")):
            reference = source.get(member)
            if not reference:
                continue
            found = await self._object(kind, reference["name"])
            if found is None:
                if reference.get("optional"):
                    return {}
                raise ConfigError(f'{kind} "{reference["name"]}" not found')
            return {prefix + key: text for key, text in texts(kind, found).items()}
        return {}

    async def _value_from(self, source: Mapping[str, Any], container: str) -> str | None:
        try:
            if "fieldRef" in source:
                path = source["fieldRef"]["fieldPath"]
                return pod_field(self._pod, path, pod_ip=self._pod_ip, host_ip=self._host_ip)
            if "resourceFieldRef" in source:
                return resource_field(self._pod, source["resourceFieldRef"], container, self._allocatable)
        except FieldError as error:
            raise ConfigError(str(error)) from error
        for kind, title, member in (
            ("secret", "Secret", "secretKeyRef"),
            ("configmap", "ConfigMap", "configMapKeyRef"),
        ):
            reference = source.get(member)
            if reference:
                return await self._key(kind, title, reference)
        raise ConfigError(f"the sandbox's nodes know no environment source {' or '.join(source) or 'without a kind'}")

    async def _key(self, kind: str, title: str, reference: Mapping[str, Any]) -> str | None:
        name, key = reference["name"], reference["key"]
        found = await self._object(kind, name)
        if found is None:
            if reference.get("optional"):
                return None
            raise ConfigError(f'{kind} "{name}" not found')
        values = texts(kind, found)
        if key not in values:
            if reference.get("optional"):
                return None
            namespace = self._pod["metadata"]["namespace"]
            raise ConfigError(f"couldn't find key {key} in {title} {namespace}/{name}")
        return values[key]


def texts(kind: str, found: Mapping[str, Any]) -> dict[str, str]:
    """The values of a secret or config map as text."""
    data = found.get("data") or {}
    if kind == "secret":
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()}
    return {key: str(value) for key, value in data.items()}


def expanded(words: Sequence[str] | None, values: Mapping[str, str]) -> list[str]:
    """Command or args with their variables filled in."""
    return [expand(word, values) for word in words or []]
