# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose an object of a cluster is, by its marks and by the API server's record of who set what."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import ANOTHERS, FOREIGN, OURS, made_by, of_object

Json = dict[str, Any]
LABEL = {"rhaii.gke/environment": "prod"}
MARK = {"rhaii.gke/created": "true"}
OF_LABEL = {"f:metadata": {"f:labels": {"f:rhaii.gke/environment": {}}}}
OF_MARK = {"f:metadata": {"f:annotations": {"f:rhaii.gke/created": {}}}}
OF_NAMESPACE = {"f:metadata": {"f:labels": {"f:kubernetes.io/metadata.name": {}}}}
OF_ALL_LABELS = {"f:metadata": {"f:labels": {"f:kubernetes.io/metadata.name": {}, "f:rhaii.gke/environment": {}}}}
OF_SPEC = {"f:spec": {"f:replicas": {}}}
OF_STATUS = {"f:status": {"f:phase": {}}}


def record(manager: str | None, fields: Json | None, **more: Any) -> Json:
    return {"manager": manager, "operation": "Apply", "fieldsV1": fields, **more}


def live(labels: Json | None = None, annotations: Json | None = None, *records: Json, **metadata: Any) -> Json:
    return {"metadata": {"labels": labels, "annotations": annotations, "managedFields": list(records), **metadata}}


OURSELVES = "rhaii.gke"
COPY = "carries our marks, but {0} put them there: it seems to be a copy"
HALF = "carries our label, which version 0.1.0 also put on what it had not made, and {0} made parts of it"
UNRECORDED = "carries our marks without a record of who put them there"


@pytest.mark.parametrize(
    ("given", "verdict", "seems"),
    [
        pytest.param({}, FOREIGN, "carries none of our marks", id="nothing"),
        pytest.param(live(LABEL, MARK, record(OURSELVES, OF_MARK)), OURS, "", id="marks that we put there"),
        pytest.param(
            live(LABEL, MARK, record(OURSELVES, OF_MARK), record("kubectl", OF_SPEC)), OURS, "", id="edited by a person"
        ),
        pytest.param(
            live(LABEL, MARK, record(OURSELVES, OF_MARK), record("kubectl", OF_MARK)), OURS, "", id="marked by both"
        ),
        pytest.param(
            live(LABEL, MARK, record("kubectl", OF_MARK)), FOREIGN, COPY.format("kubectl"), id="a copy of our YAML"
        ),
        pytest.param(
            live(LABEL, MARK, record("b", OF_MARK), record("a", OF_MARK), record(OURSELVES, OF_LABEL)),
            FOREIGN,
            COPY.format("a and b"),
            id="a copy by two",
        ),
        pytest.param(live(LABEL, MARK), FOREIGN, UNRECORDED, id="marks without a record"),
        pytest.param(live(LABEL, MARK, record(OURSELVES, None)), FOREIGN, UNRECORDED, id="an empty record"),
        pytest.param(
            live({"rhaii.gke/environment": "dev"}, MARK, record(OURSELVES, OF_MARK)),
            ANOTHERS,
            "belongs to the environment dev",
            id="of another environment",
        ),
        pytest.param(live(None, MARK, record(OURSELVES, OF_MARK)), FOREIGN, None, id="the mark without the label"),
        pytest.param(
            live({"rhaii.gke/environment": ""}, MARK, record(OURSELVES, OF_MARK)), FOREIGN, None, id="an empty label"
        ),
        # of version 0.1.0: the label alone
        pytest.param(live(LABEL, None, record(OURSELVES, {**OF_LABEL, **OF_SPEC})), OURS, "", id="0.1.0's"),
        pytest.param(
            live(LABEL, {"rhaii.gke/created": "false"}, record(OURSELVES, {**OF_LABEL, **OF_SPEC})),
            OURS,
            "",
            id="0.1.0's, with a mark that says no",
        ),
        pytest.param(
            live(LABEL, None, record(OURSELVES, {**OF_LABEL, **OF_SPEC}), record("kubelet", OF_STATUS)),
            OURS,
            "",
            id="0.1.0's, with a status",
        ),
        pytest.param(
            live(
                LABEL,
                None,
                record(OURSELVES, {**OF_LABEL, **OF_SPEC}),
                record("autoscaler", OF_SPEC, subresource="scale"),
            ),
            OURS,
            "",
            id="0.1.0's, scaled",
        ),
        pytest.param(
            live(LABEL, None, record(OURSELVES, {**OF_LABEL, **OF_SPEC}), record("kubectl-label", {"f:metadata": {}})),
            OURS,
            "",
            id="0.1.0's, labelled by a person",
        ),
        pytest.param(
            live(LABEL, None, record(OURSELVES, OF_LABEL), record("kubectl", OF_SPEC), record("helm", OF_SPEC)),
            FOREIGN,
            HALF.format("helm and kubectl"),
            id="labelled by 0.1.0, made by others",
        ),
        pytest.param(
            live(LABEL, None, record("kubectl", {**OF_LABEL, **OF_SPEC})),
            FOREIGN,
            COPY.format("kubectl"),
            id="a copy of 0.1.0's YAML",
        ),
        pytest.param(
            live(LABEL, None, record("kubectl-label", OF_LABEL), record(OURSELVES, OF_SPEC)),
            FOREIGN,
            COPY.format("kubectl-label"),
            id="labelled by a person",
        ),
        pytest.param(live(LABEL, None), FOREIGN, UNRECORDED, id="a label without a record"),
        # its namespaces, which it made without a name of its own
        pytest.param(live(LABEL, None, record("OpenAPI-Generator", OF_ALL_LABELS)), OURS, "", id="0.1.0's namespace"),
        pytest.param(live(LABEL, None, record(OURSELVES, OF_ALL_LABELS)), OURS, "", id="our namespace, half marked"),
        pytest.param(
            live(LABEL, None, record("kubectl-create", OF_NAMESPACE), record(OURSELVES, OF_LABEL)),
            FOREIGN,
            HALF.format("kubectl-create"),
            id="a namespace of others that got the label",
        ),
        pytest.param(
            live(LABEL, None, record("kubectl-create", OF_NAMESPACE), record("OpenAPI-Generator", OF_LABEL)),
            FOREIGN,
            HALF.format("kubectl-create"),
            id="a namespace of others that got the label namelessly",
        ),
        pytest.param(
            live(LABEL, None, record("kubectl-client-side-apply", OF_ALL_LABELS)),
            FOREIGN,
            COPY.format("kubectl-client-side-apply"),
            id="a copy of our namespace",
        ),
        pytest.param(
            live(LABEL, None, record("OpenAPI-Generator", {**OF_LABEL, **OF_SPEC})),
            FOREIGN,
            COPY.format("OpenAPI-Generator"),
            id="no namespace, and made namelessly",
        ),
    ],
)
def test_whose_an_object_is(given: Json, verdict: str, seems: str | None) -> None:
    whose = of_object(given, "prod")
    assert whose.verdict == verdict
    assert whose.is_ours is (verdict == OURS)
    assert seems is None or whose.seems == seems


APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": ""}
OWNED = [{"kind": "Node", "name": "n"}, {"kind": "ReplicaSet", "name": "r", "controller": True}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({}, "carries none of our marks", id="nothing"),
        pytest.param(
            live(None, {"meta.helm.sh/release-name": "shop"}), "seems to be of the Helm release shop", id="Helm"
        ),
        pytest.param(
            live(None, {"argocd.argoproj.io/tracking-id": "shop:x"}), "seems to be Argo CD's (shop:x)", id="Argo CD"
        ),
        pytest.param(
            live({"argocd.argoproj.io/instance": "shop"}), "seems to be Argo CD's (shop)", id="Argo CD by its label"
        ),
        pytest.param(live({"kustomize.toolkit.fluxcd.io/name": "apps"}), "seems to be Flux's (apps)", id="Flux"),
        pytest.param(live({"helm.toolkit.fluxcd.io/name": "apps"}), "seems to be Flux's (apps)", id="Flux with Helm"),
        pytest.param(
            live({"argocd.argoproj.io/instance": "a"}, {"meta.helm.sh/release-name": "h"}, ownerReferences=OWNED),
            "seems to be of the Helm release h",
            id="a tool's mark says most",
        ),
        pytest.param(
            live({"app.kubernetes.io/managed-by": "x"}, ownerReferences=OWNED),
            "belongs to the ReplicaSet r",
            id="owner",
        ),
        pytest.param(live(ownerReferences=OWNED[:1]), "carries none of our marks", id="an owner that is no controller"),
        pytest.param(
            live({"app.kubernetes.io/managed-by": "Helm"}, APPLIED),
            "seems to be Helm's (label app.kubernetes.io/managed-by)",
            id="label",
        ),
        pytest.param(live(None, APPLIED, record("x", OF_SPEC)), "seems to be made with kubectl apply", id="kubectl"),
        pytest.param(
            live(None, None, record("b", OF_SPEC), record("a", OF_SPEC), record("c", {"f:metadata": {}})),
            "seems to be made by a and b (field manager)",
            id="who set a part",
        ),
        pytest.param(
            live(None, None, record("c", {"f:metadata": {}})), "seems to be made by c (field manager)", id="metadata"
        ),
        pytest.param(
            live(None, None, record("s", OF_SPEC, subresource="status")), "carries none of our marks", id="a status"
        ),
    ],
)
def test_whose_an_object_seems_to_be(given: Json, said: str) -> None:
    assert made_by(given) == said
