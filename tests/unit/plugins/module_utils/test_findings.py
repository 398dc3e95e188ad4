# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding, refuse


def test_refusal_names_what_failed_and_each_remedy_once() -> None:
    findings = [
        Finding("billing", FAILED, "none", "Pay."),
        Finding("APIs", UNKNOWN, "silence", "Wait."),
        Finding("quota", FAILED, "0", "Pay."),
        Finding("helm", FAILED, "missing", "Install it."),
        Finding("project", OK, "p"),
    ]
    with pytest.raises(RhaiiError) as caught:
        refuse("p is not ready", findings, {"account": "a"})
    assert caught.value.msg == "p is not ready: billing: none; quota: 0; helm: missing."
    assert caught.value.remedy == "Pay. Install it."
    assert caught.value.result == {"account": "a"}


@pytest.mark.parametrize("findings", [[], [Finding("a", OK, ""), Finding("b", UNKNOWN, "")]])
def test_nothing_is_refused_when_nothing_failed(findings: list[Finding]) -> None:
    refuse("p is not ready", findings, {})
