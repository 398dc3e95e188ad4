# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hand-written schemas of services and configurations."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.sandbox.images.kserve.services import CHART


def crd(plural: str) -> Any:
    return yaml.safe_load((CHART / "crds" / f"serving.kserve.io_{plural}.yaml").read_text(encoding="utf-8"))


def specification(plural: str, version: int) -> Any:
    return crd(plural)["spec"]["versions"][version]["schema"]["openAPIV3Schema"]["properties"]["spec"]


def test_configurations_have_the_specification_of_services() -> None:
    assert specification("llminferenceserviceconfigs", 0) == specification("llminferenceservices", 0)


@pytest.mark.parametrize("plural", ["llminferenceservices", "llminferenceserviceconfigs"])
def test_both_versions_are_served_and_alike(plural: str) -> None:
    versions = crd(plural)["spec"]["versions"]
    assert [(item["name"], item["served"], item["storage"]) for item in versions] == [
        ("v1alpha1", True, True),
        ("v1alpha2", True, False),
    ]
    assert versions[0]["schema"] == versions[1]["schema"]


def test_printed_columns_are_kserves() -> None:
    columns = crd("llminferenceservices")["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in columns] == ["URL", "Ready", "Reason", "Age"]
