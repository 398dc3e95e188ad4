# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The devices that a container is shown, and which releases are played."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.nodes.equipment import devices, played


@pytest.mark.parametrize(
    ("spec", "chips", "gpus"),
    [
        pytest.param({}, "0", "0", id="nothing asked for"),
        pytest.param({"resources": {"limits": {"google.com/tpu": "4"}}}, "4", "0", id="chips"),
        pytest.param({"resources": {"limits": {"nvidia.com/gpu": 1}}}, "0", "1", id="a GPU"),
        pytest.param({"resources": {"requests": {"google.com/tpu": "4"}}}, "0", "0", id="a request is no limit"),
    ],
)
def test_devices_follow_the_limits(spec: dict[str, Any], chips: str, gpus: str) -> None:
    assert devices(spec) == {"SANDBOX_TPU_CHIPS": chips, "SANDBOX_GPUS": gpus}


def test_release_that_was_asked_for_reaches_every_container() -> None:
    assert played({"SANDBOX_ISTIO": "1.28.5", "HOME": "/root"}) == {"SANDBOX_ISTIO": "1.28.5"}
    assert played({"SANDBOX_ISTIO": ""}) == {}
