# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and labels, against what KServe gives."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.names import child_name, is_workload, selector


@pytest.mark.parametrize(
    ("parent", "suffix", "child"),
    [
        pytest.param("qwen", "-kserve", "qwen-kserve", id="short"),
        pytest.param("a" * 56, "-kserve", "a" * 56 + "-kserve", id="just fits"),
        # md5 of 57 a, as `printf` and `md5sum` give it
        pytest.param("a" * 57, "-kserve", "a" * 24 + "652b906d60af96844ebd21b674f35e93", id="too long by one"),
    ],
)
def test_child_name(parent: str, suffix: str, child: str) -> None:
    found = child_name(parent, suffix)
    assert found.removesuffix(suffix) == child.removesuffix(suffix)
    assert found.endswith(suffix)
    assert len(found) <= 63


def test_a_shortened_name_is_as_long_as_can_be() -> None:
    assert len(child_name("a" * 63, "-kserve-self-signed-certs")) == 63


def test_the_selector_takes_replicas_and_endpoint_picker() -> None:
    assert selector("qwen") == "app.kubernetes.io/name=qwen,app.kubernetes.io/part-of=llminferenceservice"


def test_only_replicas_are_workload() -> None:
    assert is_workload({"kserve.io/component": "workload"})
    assert not is_workload({"app.kubernetes.io/component": "llminferenceservice-router-scheduler"})
