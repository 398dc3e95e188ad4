# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Names and labels by the rules of who would refuse them otherwise, after other things were made."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
# of what a Gateway's name begins: Istio's Service NAME-istio
_GATEWAYS_SUFFIX = "-istio"


@dataclass(frozen=True)
class Rule:
    """What a name has to be, for a program and for people."""

    fits: Callable[[str], bool]
    said: str


def _of(pattern: str, longest: int) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda name: len(name) <= longest and compiled.fullmatch(name) is not None


# container v1, Cluster.name and NodePool.name; the API refuses the rest with INVALID_ARGUMENT
GOOGLE = Rule(
    _of(r"[a-z]([-a-z0-9]*[a-z0-9])?", 40),
    "Google takes at most 40 lower-case letters, digits and '-', with a letter first and a letter or digit last",
)
# apimachinery's IsDNS1123Label
NAMESPACE = Rule(
    _of(_LABEL, 63),
    "Kubernetes takes at most 63 lower-case letters, digits and '-', with a letter or digit at both ends",
)
# apimachinery's IsDNS1035Label, of the Service that Istio makes of it
GATEWAY = Rule(
    _of(r"[a-z]([-a-z0-9]*[a-z0-9])?", 63 - len(_GATEWAYS_SUFFIX)),
    f"its Service takes at most {63 - len(_GATEWAYS_SUFFIX)} lower-case letters, digits and '-', with a letter first "
    "and a letter or digit last",
)
# cloud.google.com/resource-manager/docs/labels-overview: letters without case, and digits, of any alphabet
_GOOGLE_LABEL = "Google takes at most 63 lower-case letters, digits, '_' and '-'"
GOOGLE_KEY = Rule(lambda key: _is_google_label(key) and key[:1].isalpha(), f"{_GOOGLE_LABEL}, with a letter first")
GOOGLE_VALUE = Rule(lambda value: not value or _is_google_label(value), _GOOGLE_LABEL)
# apimachinery's IsQualifiedName and IsValidLabelValue
_QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"


def _is_qualified(key: str) -> bool:
    domain, slash, name = key.rpartition("/")
    fits = _of(_QUALIFIED, 63)(name)
    return fits and (not slash or _of(rf"{_LABEL}(\.{_LABEL})*", 253)(domain))


_KUBERNETES_LABEL = "Kubernetes takes at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends"
KUBERNETES_KEY = Rule(_is_qualified, f"{_KUBERNETES_LABEL}, perhaps after a domain and '/'")
KUBERNETES_VALUE = Rule(lambda value: not value or _of(_QUALIFIED, 63)(value), _KUBERNETES_LABEL)

NAMES: Mapping[str, Rule] = {
    "rhaii_cluster_name": GOOGLE,
    "cluster_tpu_pool_name": GOOGLE,
    "cluster_default_pool_name": GOOGLE,
    "rhaii_namespace": NAMESPACE,
    "rhaii_gateway_namespace": NAMESPACE,
    "rhaii_gateway_name": GATEWAY,
}
LABELS: Mapping[str, tuple[Rule, Rule]] = {
    "rhaii_labels": (GOOGLE_KEY, GOOGLE_VALUE),
    "cluster_tpu_node_labels": (KUBERNETES_KEY, KUBERNETES_VALUE),
}


def names(given: Mapping[str, Any]) -> str:
    """The names by variable."""
    wrong = [
        f"{variable} is {str(given[variable])!r}, and {rule.said}."
        for variable, rule in NAMES.items()
        if variable in given and not rule.fits(str(given[variable]))
    ]
    if wrong:
        raise RhaiiError(" ".join(wrong), remedy="Give names that fit.")
    return ", ".join(str(given[variable]) for variable in NAMES if variable in given)


def labels(given: Mapping[str, Any]) -> str:
    """The labels by variable."""
    wrong = [said for variable in LABELS if variable in given for said in _wrong_labels(variable, given[variable])]
    if wrong:
        raise RhaiiError(" ".join(wrong), remedy="Give labels that fit, or leave them out.")
    kept = sum(len(given.get(variable) or {}) for variable in LABELS)
    return f"{kept} beside ours"


def _wrong_labels(variable: str, found: Any) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield f"{variable} is {found!r}, which are no labels by name."
        return
    for_key, for_value = LABELS[variable]
    for key, value in found.items():
        if not for_key.fits(str(key)):
            yield f"{variable} has the label {str(key)!r}, and {for_key.said}."
        elif value is None or isinstance(value, (bool, Mapping, list, tuple)) or not for_value.fits(str(value)):
            yield f"{variable} has {key}: {value!r}, and {for_value.said} for a value."


def _is_google_label(text: str) -> bool:
    return 0 < len(text) <= 63 and all(
        char in "_-" or unicodedata.category(char) in ("Ll", "Lo") or unicodedata.category(char).startswith("N")
        for char in text
    )


__all__ = ("LABELS", "NAMES", "labels", "names")
