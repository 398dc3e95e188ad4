# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The models: names, fields and numbers that cannot work, told apart before anything is made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import duplicates, whole_number

Model = Mapping[str, Any]

TPU = "google.com/tpu"
# What an HTTPRoute holds, and what the route of the guide's paths makes of a model.
RULES = 16
RULES_OF_A_MODEL = 4
ROUTED = RULES // RULES_OF_A_MODEL

# A model's name begins the names of KServe's objects for it; the longest suffix, -kserve-self-signed-certs, must fit.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,36}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_PARALLEL = re.compile(r"(?:--tensor-parallel-size|-tp)(?:=(.*))?")


def names(models: Sequence[Model]) -> str:
    twice = duplicates(models)
    if twice:
        raise RhaiiError(
            f"More than one model of rhaii_models is named {', '.join(twice)}.",
            remedy="Give every model a name of its own.",
        )
    wrong = [str(model["name"]) for model in models if not _NAME.fullmatch(str(model["name"]))]
    if wrong:
        raise RhaiiError(
            f"{', '.join(wrong)} cannot be the name of a model.",
            remedy="Use at most 38 lower-case letters, digits and '-', starting with a letter.",
        )
    return "unique" if len(models) > 1 else "fit"


def uris(models: Sequence[Model]) -> str:
    wrong = [f"{model['name']} has {model['uri']!r}" for model in models if "://" not in str(model["uri"])]
    if wrong:
        raise RhaiiError(
            f"A model needs a uri: {', '.join(wrong)}.", remedy="Give one as in hf://Qwen/Qwen2.5-3B-Instruct."
        )
    return ", ".join(str(model["uri"]) for model in models)


def replicas(models: Sequence[Model]) -> str:
    wrong = [f"{model['name']} has {model['replicas']}" for model in models if int(model["replicas"]) < 1]
    if wrong:
        raise RhaiiError(
            f"The number of replicas is not possible: {', '.join(wrong)}.",
            remedy="Give 1 or more (replicas in rhaii_models, or -e rhaii_replicas).",
        )
    return ", ".join(str(model["replicas"]) for model in models)


def fields(models: Sequence[Model]) -> str:
    """The fields that are no plain text."""
    wrong = [f"{model['name']} has {said}" for model in models for said in _wrong(model)]
    if wrong:
        raise RhaiiError(
            f"A field of rhaii_models is not of its kind: {'; '.join(wrong)}.",
            remedy="Give args as a list, as in [--max-model-len=4096], resources as amounts by name, as in {cpu: 8}, "
            "and headers as text by name, as in {x-model: gemma}, or leave them out.",
        )
    given = [field for field in ("args", "resources", "headers") if any(field in model for model in models)]
    return ", ".join(given) or "none beyond the usual"


def _wrong(model: Model) -> Iterator[str]:
    args = model.get("args", [])
    if not isinstance(args, (list, tuple)):
        yield f"args {args!r}, which is no list"
    else:
        for each in args:
            if isinstance(each, bool) or not isinstance(each, (str, int, float)):
                yield f"the argument {each!r}, which is no text"
    resources = model.get("resources", {})
    if not isinstance(resources, Mapping):
        yield f"resources {resources!r}, which are no amounts by name"
    else:
        for name, amount in resources.items():
            if isinstance(amount, bool) or not isinstance(amount, (str, int, float)) or amount == "":
                yield f"the resource {name}: {amount!r}, which is no amount"
    headers = model.get("headers") or {}
    if not isinstance(headers, Mapping):
        yield f"headers {headers!r}, which are no text by name"
    else:
        for name, value in headers.items():
            if not _HEADER.fullmatch(str(name)):
                yield f"the header {name!r}, which HTTP does not allow"
            elif not isinstance(value, (str, int, float)) or value == "":
                yield f"the header {name}: {value!r}, which is no text"


def chips(models: Sequence[Model], machine_type: str, each: int) -> str:
    """A replica is one machine. What asks for more than its chips would span several, and never be scheduled."""
    wrong = [f"{model['name']} has {said}" for model in models for said in _more(model, each)]
    if wrong:
        raise RhaiiError(
            f"A replica has one machine, {machine_type} with {each} chips: {', '.join(wrong)}.",
            remedy=f"Leave that out: a replica gets the {each} chips of its machine. A model that needs more takes a "
            "larger machine (rhaii_machine_type); replicas of several machines are not supported.",
        )
    return f"{each} a replica"


def _more(model: Model, each: int) -> Iterator[str]:
    wanted = model.get("resources", {}).get(TPU, each)
    if _number(wanted) != each:
        yield f"{TPU}: {wanted}"
    args = [str(argument) for argument in model.get("args", [])]
    for argument, following in zip_longest(args, args[1:], fillvalue=""):
        match = _PARALLEL.fullmatch(argument)
        if match:
            size = following if match.group(1) is None else match.group(1)
            if not 1 <= _number(size) <= each:
                yield f"--tensor-parallel-size={size}"


def _number(value: Any) -> int:
    try:
        return whole_number(value, "")
    except RhaiiError:
        return 0


def routes(models: Sequence[Model]) -> str:
    """At the guide's paths the first model is the default, and others are selected by their headers."""
    selected = [str(model["name"]) for model in models[1:] if model.get("headers")]
    if len(selected) >= ROUTED:
        raise RhaiiError(
            f"{len(selected)} models beside the default one have headers that select them ({', '.join(selected)}), and "
            f"there is room for {ROUTED - 1}: an HTTPRoute holds {RULES} rules, and a model takes {RULES_OF_A_MODEL}.",
            remedy=f"Leave headers out of {len(selected) - ROUTED + 1} of them, which are still reached at their own "
            "paths (/<namespace>/<name>/v1/...), or set routing_guide_paths: false.",
        )
    return f"default {models[0]['name']}" + (f", by headers {', '.join(selected)}" if selected else "")


def told_apart(models: Sequence[Model], rule_names: Sequence[str]) -> str:
    """Istio tells the rules of a gateway apart by their names: alike in two models, one model's picker serves both."""
    if len(models) > 1:
        raise RhaiiError(
            f"{len(models)} models ({', '.join(str(model['name']) for model in models)}) would share one gateway, and "
            f"this KServe names the rules of each model's route alike ({', '.join(rule_names)}). Istio tells rules "
            "apart by their names alone, so requests for one model would be routed for another.",
            remedy="Give each model an environment with a gateway of its own (rhaii_gateway_name), or keep one model.",
        )
    return "one model, whose rules nothing else is named like"


__all__ = (
    "ROUTED",
    "RULES",
    "RULES_OF_A_MODEL",
    "chips",
    "fields",
    "names",
    "replicas",
    "routes",
    "told_apart",
    "uris",
)
