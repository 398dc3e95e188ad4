# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EndpointPickerConfig: which scorers with which weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

GROUPS = ("inference.networking.x-k8s.io/v1alpha1", "llm-d.ai/v1alpha1")
PREFIX_SCORERS = ("prefix-cache-scorer", "precise-prefix-cache-scorer")
SCORERS = (*PREFIX_SCORERS, "load-aware-scorer", "queue-scorer", "kv-cache-utilization-scorer", "no-hit-lru-scorer")
PICKERS = ("max-score-picker", "random-picker", "weighted-random-picker")
OTHERS = ("single-profile-handler",)

CHARACTERS_PER_TOKEN = 4


class ConfigError(Exception):
    """The configuration is refused."""


@dataclass(frozen=True)
class Config:
    """What the stand-in acts on."""

    weights: Mapping[str, float]
    """By the scorer's type."""
    picker: str = "max-score-picker"
    endpoints: int = 1
    block_characters: int = 0
    """0: what the picker's generation takes."""
    max_blocks: int = 256
    lru_blocks: int = 31250
    load_threshold: int = 128
    """Waiting requests at which a replica counts as loaded."""


DEFAULT = Config({"prefix-cache-scorer": 2.0, "load-aware-scorer": 1.0})
"""Of KServe in EA1."""


@dataclass
class _Plugin:
    """One entry of `plugins`."""

    kind: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def load(text: str) -> Config:
    """Read a configuration; an empty text is the default."""
    if not text.strip():
        return DEFAULT
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"the configuration is no YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise ConfigError(f"the configuration must be an EndpointPickerConfig; found {type(data).__name__}")
    if data.get("kind") != "EndpointPickerConfig" or data.get("apiVersion") not in GROUPS:
        raise ConfigError(
            f"wanted kind EndpointPickerConfig of {' or '.join(GROUPS)}; "
            f"found {data.get('kind')} of {data.get('apiVersion')}"
        )
    plugins = {str(entry.get("name") or entry["type"]): _plugin(entry) for entry in data.get("plugins") or []}
    profiles = data.get("schedulingProfiles") or []
    if len(profiles) > 1:
        raise ConfigError(f"the stand-in knows one scheduling profile; found {len(profiles)}")
    references = profiles[0].get("plugins") or [] if profiles else [{"pluginRef": name} for name in plugins]
    return _config(plugins, references)


def _plugin(entry: Mapping[str, Any]) -> _Plugin:
    kind = str(entry.get("type"))
    if kind not in (*SCORERS, *PICKERS, *OTHERS):
        raise ConfigError(f"plugin type {kind!r} is not found; known are {', '.join((*SCORERS, *PICKERS, *OTHERS))}")
    return _Plugin(kind, entry.get("parameters") or {})


def _config(plugins: Mapping[str, _Plugin], references: list[Mapping[str, Any]]) -> Config:
    weights: dict[str, float] = {}
    picker, picker_parameters, prefix_parameters = "max-score-picker", {}, {}
    load_threshold = DEFAULT.load_threshold
    for reference in references:
        name = str(reference.get("pluginRef"))
        plugin = plugins.get(name)
        if plugin is None:
            raise ConfigError(f"pluginRef {name!r} names no plugin; there are {', '.join(plugins) or 'none'}")
        if plugin.kind in SCORERS:
            weight = reference.get("weight")
            weights[plugin.kind] = 1.0 if weight is None else float(weight)
        if plugin.kind in PICKERS:
            picker, picker_parameters = plugin.kind, dict(plugin.parameters)
        if plugin.kind in PREFIX_SCORERS:
            prefix_parameters = dict(plugin.parameters)
        if plugin.kind == "load-aware-scorer":
            load_threshold = int(plugin.parameters.get("threshold") or load_threshold)
    return Config(
        weights=weights,
        picker=picker,
        endpoints=int(picker_parameters.get("maxNumOfEndpoints") or 1),
        block_characters=_block_tokens(prefix_parameters) * CHARACTERS_PER_TOKEN,
        max_blocks=int(prefix_parameters.get("maxPrefixBlocksToMatch") or DEFAULT.max_blocks),
        lru_blocks=int(prefix_parameters.get("lruCapacityPerServer") or DEFAULT.lru_blocks),
        load_threshold=load_threshold,
    )


def _block_tokens(parameters: Mapping[str, Any]) -> int:
    """The block size, by the names that it has had."""
    precise = parameters.get("tokenProcessorConfig") or {}
    for holder, name in (
        (parameters, "blockSizeTokens"),
        (parameters, "blockSize"),
        (parameters, "hashBlockSize"),
        (precise, "blockSize"),
    ):
        if holder.get(name):
            return int(holder[name])
    return 0
