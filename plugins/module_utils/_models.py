# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The list of models, completed. One model is a list of one; the first is the default model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._answers import whole
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

DEFAULT_NAME = "qwen-3b-tpu-svc"
DEFAULT_URI = "hf://Qwen/Qwen2.5-3B-Instruct"
DEFAULT_IMAGE = "registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5"
DEFAULT_REPLICAS = 3


def effective_models(models: Any, replicas: Any = None, image: str | None = None) -> list[dict[str, Any]]:
    """Fill in what a model leaves out; `replicas` and `image`, from the command line, stand for the default model."""
    if isinstance(models, (str, Mapping)):
        raise RhaiiError(
            f"rhaii_models is {'text' if isinstance(models, str) else 'one entry'}, not a list.",
            remedy="Begin every model with a dash, as in - name: qwen-3b-tpu-svc.",
        )
    complete: list[dict[str, Any]] = []
    for index, given in enumerate(models or [{"name": DEFAULT_NAME, "uri": DEFAULT_URI}]):
        if not isinstance(given, Mapping) or not given.get("name"):
            raise RhaiiError(
                f"Entry {index + 1} of rhaii_models has no name.",
                remedy="Give each model a name and a uri, as in name: qwen-3b-tpu-svc, uri: hf://Qwen/Qwen2.5-3B-Instruct.",
            )
        model = dict(given)
        model.setdefault("uri", DEFAULT_URI if model["name"] == DEFAULT_NAME else "")
        model.setdefault("replicas", DEFAULT_REPLICAS)
        model.setdefault("image", DEFAULT_IMAGE)
        model.setdefault("served_name", str(model["uri"]).split("://", 1)[-1])
        if index == 0:
            model["replicas"] = model["replicas"] if replicas is None else replicas
            model["image"] = image or model["image"]
        overridden = index == 0 and replicas is not None
        what = "rhaii_replicas" if overridden else f"replicas of the model {model['name']}"
        model["replicas"] = whole_number(model["replicas"], what)
        complete.append(model)
    return complete


def whole_number(value: Any, what: str) -> int:
    """A number of things. The command line gives text; a fraction or a truth value is a slip, never rounded."""
    try:
        return whole(value)
    except TypeError:
        raise RhaiiError(f"{what} is {value!r}, which is no whole number.", remedy="Give a number, as in 3.") from None


def duplicates(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names that more than one model has."""
    names = [str(model["name"]) for model in models]
    return sorted({name for name in names if names.count(name) > 1})


__all__ = (
    "DEFAULT_IMAGE",
    "DEFAULT_NAME",
    "DEFAULT_REPLICAS",
    "DEFAULT_URI",
    "duplicates",
    "effective_models",
    "whole_number",
)
