# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the picker negotiates with Envoy, where it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.images.container import Container
from sandbox.images.epp.command_line import parse
from sandbox.images.epp.config import DEFAULT
from sandbox.images.epp.service import ALPN_VARIABLE, Log, PickerService


@pytest.mark.parametrize(("told", "nothing"), [({}, False), ({ALPN_VARIABLE: "none"}, True)])
def test_protocol_is_h2_unless_the_picker_is_told_to_negotiate_none(
    tmp_path: Path, told: dict[str, str], nothing: bool
) -> None:
    container = Container(tmp_path, "10.1.0.2", "pod", "ns", 60.0, told)
    picker = PickerService(container, parse(["--pool-name=p"], "ns"), DEFAULT, Log(container))
    assert picker._negotiates_nothing() is nothing
