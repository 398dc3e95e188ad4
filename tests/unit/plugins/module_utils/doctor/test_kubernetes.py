# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor asks the API server, what it makes of a refusal, and that it only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._doctor import kubernetes as adapter
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.diagnose import promised_of
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.view import View
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import Json, KubernetesError

from tests.unit.plugins.module_utils.doctor.scene import Scene

ALL_BUT_CRITERIA = {
    "/apis/gateway.networking.k8s.io/v1/httproutes": "routes",
    "/apis/inference.networking.k8s.io/v1/inferencepools": "pools",
    "/apis/networking.k8s.io/v1/namespaces/rhaii-inference/networkpolicies": "policies",
    "/apis/networking.k8s.io/v1/namespaces/opendatahub/networkpolicies": "policies",
    "/api/v1/namespaces": "namespaces",
    "/api/v1/namespaces/opendatahub/configmaps": "config_maps",
    "/api/v1/namespaces/opendatahub/serviceaccounts": "accounts",
    "/api/v1/namespaces/rhaii-inference/secrets": "secrets",
    "/api/v1/namespaces/opendatahub/secrets": "secrets",
    "/apis/cert-manager.io/v1/certificates": "certificates",
    "/apis/sailoperator.io/v1/istios": "istios",
    "/apis/apps/v1/namespaces/kube-system/daemonsets": "daemon_sets",
    "/api/v1/secrets": "releases",
}


class Api:
    """Answers lists by path; a path that is told a status is refused, and what is not known is not there."""

    def __init__(self, **refused: int) -> None:
        self.refused = refused
        self.asked: list[str] = []

    def _answer(self, doing: str, path: str) -> list[Json]:
        self.asked.append(path)
        part = ALL_BUT_CRITERIA.get(path, "criteria")
        if part in self.refused:
            raise KubernetesError(doing, self.refused[part], "", "no")
        return [{"metadata": {"name": "one", "namespace": "ns", "labels": {"name": "one", "version": "1"}}}]

    def call(self, doing: str, method: str, path: str) -> Json:
        assert method == "GET"
        return self._answer(doing, path)[0]

    def items(self, doing: str, path: str) -> list[Json]:
        assert "secrets" not in path, "their content stays where it is"
        return self._answer(doing, path)

    def metadata(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> list[Json]:
        del query
        return self._answer(doing, path)

    def names(self, doing: str, path: str) -> list[str]:
        return [str(each["metadata"]["name"]) for each in self._answer(doing, path)]


def looked(monkeypatch: pytest.MonkeyPatch, **refused: int) -> tuple[View, Api]:
    api = Api(**refused)
    monkeypatch.setattr(adapter.KubernetesRest, "from_params", lambda params: api)
    params: dict[str, Any] = Scene().params
    return adapter.KubernetesView(params, promised_of(params)).look(), api


def test_everything_is_read_from_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    view, api = looked(monkeypatch)
    assert set(api.asked) >= set(ALL_BUT_CRITERIA)
    assert view.unknown == ()
    assert view.criteria is not None
    for part in ("routes", "pools", "namespaces", "config_maps", "accounts", "certificates", "istios"):
        assert [each["metadata"]["name"] for each in getattr(view, part)] == ["one"]
    # of both namespaces
    assert len(view.policies or ()) == len(view.secrets or ()) == 2
    assert set(view.releases or ()) == {("ns", "one")}


@pytest.mark.parametrize("part", ["criteria", *sorted(set(ALL_BUT_CRITERIA.values()))])
def test_what_is_refused_is_unknown_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    view, _ = looked(monkeypatch, **{part: 403})
    assert getattr(view, part) is None
    assert len(view.unknown) == 1
    assert "no" in view.unknown[0].why


def test_kinds_that_there_are_not_have_no_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    view, _ = looked(monkeypatch, istios=404, certificates=404)
    assert (view.istios, view.certificates, view.unknown) == ([], [], ())


def test_an_api_server_that_fails_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KubernetesError):
        looked(monkeypatch, routes=503)
