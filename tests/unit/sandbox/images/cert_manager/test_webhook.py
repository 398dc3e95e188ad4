# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cert-manager's webhook: its checks, its authority and its certificate."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest

from sandbox.images import certificates
from sandbox.images.cert_manager import issuing, webhook
from sandbox.images.cert_manager.__main__ import program

NOW = datetime.datetime.now(datetime.UTC)


def test_checks_follow_the_kind() -> None:
    assert webhook.problems({"kind": {"kind": "ClusterIssuer"}, "object": {"spec": {}}})
    assert webhook.problems({"kind": {"kind": "Certificate"}, "object": {"spec": {}}})
    assert not webhook.problems({"kind": {"kind": "Issuer"}, "object": {"spec": {"selfSigned": {}}}})
    assert not webhook.problems({"kind": {"kind": "Other"}, "object": {"spec": {}}})


def test_serving_certificate_is_the_authoritys_and_names_the_service(tmp_path: Path) -> None:
    authority = webhook.new_authority(NOW)
    kept = issuing.ca_pair(webhook.authority_secret(authority, "cert-manager"), "s")
    pair = webhook.serving_pair(kept, "cert-manager", NOW)
    certificate = certificates.load_certificate(pair.certificate)
    assert certificates.issued_by(certificate, certificates.load_certificate(authority.certificate))
    assert certificates.covers(certificate, ["cert-manager-webhook.cert-manager.svc"], [])
    assert isinstance(webhook.context(pair, tmp_path / "tmp"), ssl.SSLContext)
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize("name", ["controller", "cainjector", "webhook"])
def test_command_names_the_program(name: str) -> None:
    assert program([f"/app/cmd/{name}/{name}", "--v=2"]) == name


@pytest.mark.parametrize("argv", [[], ["/bin/sh"]])
def test_other_commands_are_refused(argv: list[str]) -> None:
    with pytest.raises(SystemExit, match="controller"):
        program(argv)
