# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the stand-in charts leave to whoever installs them, as the real ones do."""

from __future__ import annotations

import yaml

from sandbox.settings import CHECKOUT

CHARTS = CHECKOUT / "sandbox" / "charts"


def test_account_of_kserves_controller_has_no_secret() -> None:
    text = (CHARTS / "kserve-rhaii-xks" / "templates" / "rbac.yaml").read_text(encoding="utf-8")
    (account,) = (each for each in yaml.safe_load_all(text) if each["kind"] == "ServiceAccount")
    assert account["metadata"]["name"] == "kserve-controller-manager"
    assert "imagePullSecrets" not in account


def test_no_chart_brings_kinds_of_the_gateway_api() -> None:
    found = {file.name for file in CHARTS.glob("*/crds/*.yaml")}
    assert "inference.networking.k8s.io_inferencepools.yaml" not in found
    sets = {name for file in CHARTS.glob("*/crds.txt") for name in file.read_text(encoding="utf-8").split()}
    assert "gateway-api" not in sets
