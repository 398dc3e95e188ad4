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
        ("v3.14.0", (3, 14, 0)),
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
        ("v3.14.0", "6.2.0", "3.14.0 (/bin/helm)"),
        ("v3.22.0", "", "3.22.0 (/bin/helm)"),
        ("v4.0.1", "6.4.0", "4.0.1 (/bin/helm)"),
        ("v4.0.1", "7.0.0-dev0", "4.0.1 (/bin/helm)"),
        # that the collection is missing is a finding of its own
        ("v4.0.1", "", "4.0.1 (/bin/helm)"),
    ],
)
def test_helm_that_works(version: str, core: str, said: str) -> None:
    assert tools.helm(having(helm_version=version, collections={"kubernetes.core": core})) == said


@pytest.mark.parametrize(
    ("changes", "said", "remedy"),
    [
        ({"helm": "", "helm_version": ""}, "helm is not on this host", "Install Helm 3.14 or newer"),
        ({"helm_version": "v3.13.9"}, "/bin/helm is Helm 3.13.9, and 3.14 or newer is needed.", "rhaii_helm_binary"),
        (
            {"helm_version": "v4.0.1"},
            "/bin/helm is Helm 4.0.1, with which kubernetes.core 6.2.0 cannot work.",
            "Name a Helm 3 with rhaii_helm_binary, or install kubernetes.core 6.4 or newer.",
        ),
        ({"helm_version": "v4.0.0", "collections": {"kubernetes.core": "6.3.9"}}, "cannot work", "6.4"),
    ],
)
def test_helm_that_does_not(changes: dict[str, Any], said: str, remedy: str) -> None:
    with pytest.raises(RhaiiError) as refusal:
        tools.helm(having(**changes))
    assert said in refusal.value.msg
    assert remedy in refusal.value.remedy
    assert not isinstance(refusal.value, NotKnownError)


@pytest.mark.parametrize("said", ["unknown", ""])
def test_helm_that_says_nothing_is_not_known(said: str) -> None:
    with pytest.raises(NotKnownError, match="/bin/helm does not say its version"):
        tools.helm(having(helm_version=said))


def test_old_and_missing_packages_are_named_together() -> None:
    found = {"kubernetes": "24.1.9", "google-auth": "", "google-cloud-container": "2.57.0", "requests": "1.0"}
    with pytest.raises(RhaiiError) as refusal:
        tools.packages(having(packages=found))
    assert refusal.value.msg == (
        "For the Python that runs the tasks: missing: google-auth; kubernetes is 24.1.9, 24.2 or newer is needed."
    )
    assert refusal.value.remedy == "Install them: pip install google-auth 'kubernetes>=24.2'"


def test_missing_collection_is_named() -> None:
    with pytest.raises(RhaiiError) as refusal:
        tools.collections(having(collections={"kubernetes.core": "6.2.0", "google.cloud": ""}))
    assert refusal.value.msg == "Ansible does not find google.cloud."
    assert refusal.value.remedy == "Install them: ansible-galaxy collection install google.cloud"
