# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools of the control host and their versions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import tools
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import NotKnownError, Tools, version_of


def having(**changes: Any) -> Tools:
    values: dict[str, Any] = {
        "helm": "/bin/helm",
        "helm_version": "v3.22.0",
        "charts": {},
        "packages": {},
        "collections": {"kubernetes.core": "6.2.0"},
    }
    return Tools(**{**values, **changes})


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.17.0", (3, 17, 0)),
        ("v4.0.0-rc.1+g1", (4, 0, 0)),
        ("Client Version: v1.36.3\nKustomize Version: v5.7.1", (1, 36, 3)),
        ("Google Cloud SDK 528.0.0\nbq 2.1", (528, 0, 0)),
        ("jq-1.6", (1, 6)),
        ("unknown", ()),
        ("", ()),
        ("7", ()),
    ],
)
def test_version_is_the_first_in_a_text(text: str, version: tuple[int, ...]) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize(
    ("version", "core", "said"),
    [
        ("v3.17.0", "6.2.0", "3.17.0 (/bin/helm)"),
        ("v3.17", "6.2.0", "3.17 (/bin/helm)"),
        ("v3.22.0", "", "3.22.0 (/bin/helm)"),
        ("v4.0.1", "6.4.0", "4.0.1 (/bin/helm)"),
        ("v4.0.1", "6.4", "4.0.1 (/bin/helm)"),
        ("v4.0.1", "7.0.0-dev0", "4.0.1 (/bin/helm)"),
        # that the collection is missing is a finding of its own
        ("v4.0.1", "", "4.0.1 (/bin/helm)"),
    ],
)
def test_helm_that_works(version: str, core: str, said: str) -> None:
    assert tools.helm(having(helm_version=version, collections={"kubernetes.core": core})) == said


INSTALL = "Install a newer one, or name it with rhaii_helm_binary."
WITH_4 = "Name a Helm 3 with rhaii_helm_binary, or install kubernetes.core 6.4 or newer."


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        (
            {"helm": "", "helm_version": ""},
            "helm is not on this host, and the operators are installed with it.",
            "Install Helm 3.17 or newer, or name it with rhaii_helm_binary.",
        ),
        ({"helm_version": "v3.16.9"}, "/bin/helm is Helm 3.16.9, and 3.17 or newer is needed.", INSTALL),
        ({"helm_version": "v2.17"}, "/bin/helm is Helm 2.17, and 3.17 or newer is needed.", INSTALL),
        (
            {"helm_version": "v4.0.1"},
            "/bin/helm is Helm 4.0.1, with which kubernetes.core 6.2.0 cannot work.",
            WITH_4,
        ),
        (
            {"helm_version": "v4.0.0", "collections": {"kubernetes.core": "6.3.9"}},
            "/bin/helm is Helm 4.0.0, with which kubernetes.core 6.3.9 cannot work.",
            WITH_4,
        ),
    ],
)
def test_helm_that_does_not(changes: dict[str, Any], said: str, remedy: str) -> None:
    with pytest.raises(RhaiiError) as refusal:
        tools.helm(having(**changes))
    assert (refusal.value.msg, refusal.value.remedy) == (said, remedy)
    assert not isinstance(refusal.value, NotKnownError)


@pytest.mark.parametrize("said", ["unknown", ""])
def test_helm_that_says_nothing_is_not_known(said: str) -> None:
    with pytest.raises(NotKnownError) as unknown:
        tools.helm(having(helm_version=said))
    assert unknown.value.msg == "/bin/helm does not say its version."
    assert unknown.value.remedy == "Helm 3.17 or newer is needed; see what `helm version` says there."


def test_charts_that_can_be_read_are_named() -> None:
    assert tools.charts(having(charts={"charts/a": True, "oci://r/b": True})) == "charts/a, oci://r/b"
    assert tools.charts(having(charts={})) == ""


def test_old_and_missing_packages_are_named_together() -> None:
    found = {"kubernetes": "24.1.9", "google-auth": "", "google-cloud-container": "2.57.0", "requests": "1.0"}
    with pytest.raises(RhaiiError) as refusal:
        tools.packages(having(packages=found))
    assert refusal.value.msg == (
        "For the Python that runs the tasks: missing: google-auth; kubernetes is 24.1.9, 24.2 or newer is needed."
    )
    assert refusal.value.remedy == "Install them: pip install google-auth 'kubernetes>=24.2'"


def test_package_of_any_version_and_one_that_is_not_listed_are_enough() -> None:
    found = {"kubernetes": "24.2", "google-auth": "0.1", "new": "0"}
    assert tools.packages(having(packages=found)) == "kubernetes 24.2, google-auth 0.1, new 0"


def test_package_that_is_not_listed_is_installed_in_any_version() -> None:
    with pytest.raises(RhaiiError) as refusal:
        tools.packages(having(packages={"new": "", "kubernetes": "24.1"}))
    assert refusal.value.remedy == "Install them: pip install new 'kubernetes>=24.2'"


def test_missing_collections_are_named() -> None:
    with pytest.raises(RhaiiError) as refusal:
        tools.collections(having(collections={"a.b": "", "kubernetes.core": "6.2.0", "google.cloud": ""}))
    assert refusal.value.msg == "Ansible does not find a.b, google.cloud."
    assert refusal.value.remedy == "Install them: ansible-galaxy collection install a.b google.cloud"


def test_programs_that_are_all_here() -> None:
    assert tools.programs(having(programs={"jq": "1.7"})) == "jq 1.7 (only for typing the guide's commands)"
