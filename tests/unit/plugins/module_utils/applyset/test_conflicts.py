# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else set a field that we set, and whether it may be taken over."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.conflicts import (
    Conflict,
    conflicts_of,
    made_by_hand,
    made_by_people,
    may_take_over,
    refusal,
)
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Key
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError

KEY = Key("v1", "ConfigMap", "one", "ns")


@pytest.mark.parametrize(
    ("manager", "hand", "people"),
    [
        ("kubectl-edit", True, True),
        ("kubectl-client-side-apply", True, True),
        ("before-first-apply", True, True),
        ("k9s", True, True),
        ("OpenAPI-Generator", True, True),
        ("GoogleCloudConsole", True, True),
        ("helm", True, True),
        ("my-kubectl", False, False),
        ("argocd-controller", False, True),
        ("ArgoCD", False, True),
        ("kustomize-controller", False, True),
        ("Terraform", False, True),
        ("kube-controller-manager", False, False),
        ("istiod", False, False),
        ("rhaii.gke", False, False),
        ("", False, False),
    ],
)
def test_managers_are_people_tools_or_controllers(manager: str, hand: bool, people: bool) -> None:
    assert (made_by_hand(manager), made_by_people(manager)) == (hand, people)


def error(*causes: dict[str, Any]) -> KubernetesError:
    return KubernetesError("apply it", 409, "Conflict", "no", causes=causes)


def test_conflicts_are_read_from_the_causes() -> None:
    found = conflicts_of(
        error(
            {"reason": "FieldManagerConflict", "message": 'conflict with "a" using v1', "field": ".data.x"},
            {"reason": "FieldManagerConflict", "message": 'conflict with "b" with subresource "scale" using apps/v1'},
            {"reason": "FieldManagerConflict", "field": ".spec"},
            {"reason": "FieldValueInvalid", "message": 'conflict with "c"', "field": ".data"},
        )
    )
    assert found == [Conflict("a", ".data.x"), Conflict("b", "a field"), Conflict("somebody else", ".spec")]
    assert conflicts_of(error()) == []


@pytest.mark.parametrize(
    ("managers", "may"),
    [
        (["kubectl"], True),
        (["kubectl", "k9s"], True),
        (["argocd-controller"], False),
        (["kubectl", "argocd-controller"], False),
        # what another part of ours patched
        (["rhaii.gke"], True),
        (["rhaii.gke", "somebody else"], False),
    ],
)
def test_what_is_done_by_hand_may_be_taken_over(managers: list[str], may: bool) -> None:
    assert may_take_over([Conflict(manager, ".x") for manager in managers]) is may


def test_refusal_names_object_fields_and_managers() -> None:
    said = refusal(KEY, [Conflict("argocd", ".data.a"), Conflict("kubectl", ".data.b"), Conflict("fleet", ".data.c")])
    assert str(said) == (
        "ConfigMap ns/one is ours, and others set what we set: .data.a is set by argocd; .data.b is set by kubectl; "
        ".data.c is set by fleet. Have argocd and fleet leave these fields alone, or take the object out of this "
        "environment; it was left as it is."
    )
