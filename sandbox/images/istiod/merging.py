# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Merging Envoy configuration the way protocol buffers merge: fields deeply, lists by appending."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

ONE_OF = tuple(
    frozenset(group.split())
    for group in (
        "route redirect direct_response filter_action non_forwarding_action",
        "prefix path safe_regex connect_matcher path_separated_prefix path_match_policy",
        "cluster cluster_header weighted_clusters cluster_specifier_plugin inline_cluster_specifier_plugin",
        "host_rewrite_literal auto_host_rewrite host_rewrite_header host_rewrite_path_regex",
        "disabled overrides",
        "envoy_grpc google_grpc",
        "type cluster_type",
        "validation_context validation_context_sds_secret_config combined_validation_context",
        "rds route_config scoped_routes",
        "filename inline_bytes inline_string environment_variable",
        "path path_config_source api_config_source ads self",
        "explicit_http_config use_downstream_protocol_config auto_config",
        "http_protocol_options http2_protocol_options http3_protocol_options",
    )
)
"""Fields of which a message has one at the most: setting one clears the others."""

FREE_KEYS = frozenset({"filter_metadata", "metadata", "labels"})
"""Fields whose keys are data."""

MAPS = frozenset(
    {"typed_per_filter_config", "typed_extension_protocol_options", "filter_metadata", "typed_filter_metadata"}
)
"""Fields that hold messages by a name."""

_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")


def snake_keys(value: Any) -> Any:
    """The same value with protocol buffer field names; EnvoyFilters may spell them in camel case."""
    if isinstance(value, dict):
        return {_snake(key): item if _snake(key) in FREE_KEYS else snake_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snake_keys(item) for item in value]
    return value


def _snake(key: str) -> str:
    if "." in key or "@" in key or not key[:1].islower():
        return key
    return _CAMEL.sub(lambda found: f"_{found.group(1).lower()}", key)


def merge(base: Any, patch: Any) -> Any:
    """`base` with `patch` merged in; neither is changed.

    A message of type Any is one value: the patch takes its place, and what only `base` had in it is gone.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        return patch if "@type" in patch else _merged(base, patch, merge)
    return _scalars(base, patch)


def merge_into_any(base: Any, patch: Any) -> Any:
    """The same for what Istio opens before it merges: messages of type Any, where both are of one type."""
    if isinstance(base, dict) and isinstance(patch, dict):
        if base.get("@type", patch.get("@type")) != patch.get("@type", base.get("@type")):
            return patch
        return _merged(base, patch, merge_into_any)
    return _scalars(base, patch)


def _merged(base: dict[str, Any], patch: dict[str, Any], deeper: Callable[[Any, Any], Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in patch.items():
        for group in ONE_OF:
            if key in group and key not in result:
                for other in group - {key}:
                    result.pop(other, None)
        if key in MAPS and isinstance(value, dict):
            # entries are replaced, whatever they hold
            result[key] = {**(result.get(key) or {}), **value}
        else:
            result[key] = deeper(result[key], value) if key in result else value
    return result


def _scalars(base: Any, patch: Any) -> Any:
    return [*base, *patch] if isinstance(base, list) and isinstance(patch, list) else patch
