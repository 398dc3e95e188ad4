# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CA injector's decisions."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.images.cert_manager.injecting import injected, source


def configuration(annotation: str = "", value: str = "", *bundles: str) -> dict[str, Any]:
    return {
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "w", "resourceVersion": "7", "annotations": {annotation: value} if annotation else {}},
        "webhooks": [{"name": str(place), "clientConfig": {"caBundle": item}} for place, item in enumerate(bundles)],
    }


@pytest.mark.parametrize(
    ("annotation", "value", "wanted"),
    [
        ("cert-manager.io/inject-ca-from", "opendatahub/kserve", ("certificate", "opendatahub", "kserve")),
        ("cert-manager.io/inject-ca-from-secret", "cert-manager/ca", ("secret", "cert-manager", "ca")),
        ("cert-manager.io/inject-ca-from", "no-namespace", None),
        ("other", "a/b", None),
        ("", "", None),
    ],
    ids=["certificate", "secret", "half", "other", "none"],
)
def test_source(annotation: str, value: str, wanted: tuple[str, str, str] | None) -> None:
    assert source(configuration(annotation, value)) == wanted


def test_every_webhook_gets_the_bundle_at_the_version_that_was_read() -> None:
    patch = injected(configuration("", "", "old", "new"), "new")
    assert patch is not None
    assert [item["clientConfig"]["caBundle"] for item in patch["webhooks"]] == ["new", "new"]
    assert patch["metadata"]["resourceVersion"] == "7"


def test_nothing_to_do_once_they_have_it() -> None:
    assert injected(configuration("", "", "new"), "new") is None
    assert injected({"kind": "APIService", "metadata": {}, "spec": {"caBundle": "new"}}, "new") is None


def test_api_service_gets_it_in_its_specification() -> None:
    found = injected({"kind": "APIService", "metadata": {}, "spec": {}}, "new")
    assert found == {"spec": {"caBundle": "new"}}
