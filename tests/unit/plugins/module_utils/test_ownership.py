# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one rule of whose something is."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import our_labels
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    ANOTHERS,
    FOREIGN,
    OURS,
    Whose,
    of_cloud,
    refusal,
)

LABELS = {"managed-by": "rhaii-gke", "rhaii-environment": "prod"}
GOOGLES = {"goog-gke-node-pool-provisioning-model": "on-demand"}
TERRAFORM = {"goog-terraform-provisioned": "true"}


def test_what_we_make_is_ours() -> None:
    assert of_cloud(our_labels("prod", {"team": "ml"}), "prod") == Whose(OURS)
    # Google adds labels of its own to a pool
    assert of_cloud({**LABELS, **GOOGLES}, "prod").is_ours


@pytest.mark.parametrize(
    ("labels", "verdict", "seems"),
    [
        pytest.param({}, FOREIGN, "carries no label that names an owner", id="no label"),
        pytest.param(GOOGLES, FOREIGN, "carries no label that names an owner", id="Google's labels alone"),
        pytest.param({"team": "ml", **GOOGLES}, FOREIGN, "carries none of our labels (team=ml)", id="labels"),
        pytest.param(
            {"d": "", "c": 3, "a": "1", "b": "2"},
            FOREIGN,
            "carries none of our labels (a=1, b=2, c=3)",
            id="many labels",
        ),
        pytest.param({"managed-by": "ops"}, FOREIGN, "seems to be ops's (label managed-by=ops)", id="another manager"),
        pytest.param(
            {**LABELS, "managed-by": "RHAII-GKE"},
            FOREIGN,
            "seems to be RHAII-GKE's (label managed-by=RHAII-GKE)",
            id="nearly ours",
        ),
        pytest.param(
            {"rhaii-environment": "prod"}, FOREIGN, "carries none of our labels (rhaii-environment=prod)", id="half"
        ),
        pytest.param(
            TERRAFORM, FOREIGN, "seems to be made by Terraform (label goog-terraform-provisioned)", id="Terraform"
        ),
        pytest.param(
            {"managed-by-cnrm": "true"},
            FOREIGN,
            "seems to be made by Config Connector (label managed-by-cnrm)",
            id="Config Connector",
        ),
        pytest.param(
            {"goog-dm": "network-1"},
            FOREIGN,
            "seems to be made by Deployment Manager (label goog-dm)",
            id="Deployment Manager",
        ),
        pytest.param(
            {"goog-terraform-provisioned": "false"},
            FOREIGN,
            "carries no label that names an owner",
            id="not Terraform's",
        ),
        pytest.param(
            {**LABELS, **TERRAFORM},
            FOREIGN,
            "seems to be made by Terraform (label goog-terraform-provisioned), whatever else it is labelled",
            id="made by Terraform and labelled by us",
        ),
        pytest.param(
            {"managed-by": "rhaii-gke"},
            FOREIGN,
            "carries managed-by=rhaii-gke and names no environment (rhaii-environment)",
            id="no environment",
        ),
        pytest.param(
            {**LABELS, "rhaii-environment": ""},
            FOREIGN,
            "carries managed-by=rhaii-gke and names no environment (rhaii-environment)",
            id="an empty environment",
        ),
        pytest.param(
            {**LABELS, "rhaii-environment": "dev"}, ANOTHERS, "belongs to the environment dev", id="another environment"
        ),
        pytest.param(
            {**LABELS, "rhaii-environment": "production"},
            ANOTHERS,
            "belongs to the environment production",
            id="an environment that begins alike",
        ),
        pytest.param(
            {**LABELS, **TERRAFORM, "rhaii-environment": "dev"},
            ANOTHERS,
            "belongs to the environment dev",
            id="another environment's, by whatever tool",
        ),
    ],
)
def test_what_is_not_ours_and_whose_it_seems(labels: dict[str, object], verdict: str, seems: str) -> None:
    found = of_cloud(labels, "prod")
    assert found == Whose(verdict, seems)
    assert not found.is_ours


def test_refusal_says_what_it_is_whose_it_seems_and_the_way_on() -> None:
    error = refusal(Whose(FOREIGN, "seems to be ops's"), "The thing x", "prod", "Give another name.")
    assert str(error) == (
        "The thing x was not made for the environment prod: it seems to be ops's. It is left alone. Give another name."
    )
