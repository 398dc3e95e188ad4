# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ownership_check: whose everything is that an environment would make or change."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ownership_check import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Result, silent
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

from tests.unit.fake_clock import FakeClock
from tests.unit.plugins.module_utils.applyset.fake_objects import ENVIRONMENT, FakeObjects, manifest


@pytest.fixture
def objects() -> FakeObjects:
    found = FakeObjects()
    found.put_ours(manifest(name="ours"))
    found.put(manifest(name="theirs"))
    devs = manifest(name="devs")
    devs["metadata"]["labels"] = {"rhaii.gke/environment": "dev"}
    found.put(devs, "rhaii.gke")
    found.put(manifest("Namespace", "shared", ""))
    found.calls.clear()
    return found


def asked(name: str, kind: str = "ConfigMap", namespace: str = "ns") -> Json:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def check(objects: FakeObjects, *given: Json, fail: bool = False, products: Any = (), **variables: str) -> Result:
    params = {
        "environment": ENVIRONMENT,
        "objects": list(given),
        "products": list(products),
        "sets": [],
        "variables": {name.replace("_", " "): variable for name, variable in variables.items()},
        "fail_on_foreign": fail,
    }
    return CAPABILITY.run(params, Ports(objects, FakeClock()), silent, False)


def test_each_is_told_with_whose_it_is(objects: FakeObjects) -> None:
    given = (asked("ours"), asked("theirs"), asked("devs"), asked("none"), asked("shared", "Namespace", ""))
    result = check(objects, *given)
    assert [(each["name"], each["whose"], each["seems"]) for each in result["objects"]] == [
        # what others need comes first
        ("shared", "foreign", "seems to be made by kubectl-create (field manager)"),
        ("ours", "ours", ""),
        ("theirs", "foreign", "seems to be made by kubectl-create (field manager)"),
        ("devs", "another environment's", "belongs to the environment dev"),
        ("none", "nobody's", ""),
    ]
    assert result["objects"][1] == {
        "api_version": "v1",
        "kind": "ConfigMap",
        "name": "ours",
        "namespace": "ns",
        "whose": "ours",
        "seems": "",
    }
    # a namespace of others has room for what is ours
    assert result["foreign"] == [
        "ConfigMap ns/theirs seems to be made by kubectl-create (field manager)",
        "ConfigMap ns/devs belongs to the environment dev",
    ]
    assert result["changed"] is False
    assert {verb for verb, _key in objects.calls} == {"read"}


def test_nothing_foreign_is_no_failure(objects: FakeObjects) -> None:
    assert check(objects, asked("ours"), asked("none"), fail=True)["foreign"] == []


def test_failure_names_all_and_the_way_on(objects: FakeObjects) -> None:
    given = (asked("theirs"), asked("devs"), asked("ours"))
    with pytest.raises(RhaiiError) as failure:
        check(objects, *given, fail=True, ConfigMap="rhaii_a")
    assert str(failure.value) == (
        "Not of the environment prod, and named as ours would be: ConfigMap ns/theirs seems to be made by "
        "kubectl-create (field manager); ConfigMap ns/devs belongs to the environment dev. Nothing was changed. "
        "Give ours another name with rhaii_a. What is there is not adopted. Remove it if it is yours to remove."
    )
    assert len(failure.value.result["objects"]) == 3
    assert failure.value.result["changed"] is False


def test_way_on_where_a_name_is_fixed(objects: FakeObjects) -> None:
    with pytest.raises(RhaiiError) as failure:
        check(objects, asked("theirs"), asked("devs"), fail=True, ConfigMap_devs="rhaii_b")
    assert failure.value.remedy == (
        "Give ours another name with rhaii_b. The name of ConfigMap ns/theirs is fixed, so use a cluster where there "
        "is none. What is there is not adopted. Remove it if it is yours to remove."
    )


def test_namespace_of_another_environment_is_foreign(objects: FakeObjects) -> None:
    devs = manifest("Namespace", "devs", "")
    devs["metadata"]["labels"] = {"rhaii.gke/environment": "dev"}
    objects.put(devs, "rhaii.gke")
    assert check(objects, asked("devs", "Namespace", ""))["foreign"] == [
        "Namespace devs belongs to the environment dev"
    ]


MAKER = asked("gateway", "Gateway")
PART = asked("gateway-istio", "Service")


def made_of(objects: FakeObjects, **metadata: Any) -> list[str]:
    part = manifest("Service", "gateway-istio")
    part["metadata"].update(metadata)
    objects.put(part, "pilot")
    return list(check(objects, products=[{"maker": MAKER, "objects": [PART]}])["foreign"])


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"ownerReferences": [{"kind": "Gateway", "name": "gateway"}]}, id="by owner reference"),
        pytest.param({"annotations": {"cert-manager.io/certificate-name": "gateway"}}, id="by cert-manager's word"),
    ],
)
def test_what_a_controller_made_for_ours(objects: FakeObjects, metadata: Json) -> None:
    assert made_of(objects, **metadata) == []


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="nobody's"),
        pytest.param({"ownerReferences": [{"kind": "Gateway", "name": "another"}]}, id="another gateway's"),
        pytest.param({"ownerReferences": [{"kind": "Deployment", "name": "gateway"}]}, id="of another kind"),
    ],
)
def test_what_a_controller_would_write_over(objects: FakeObjects, metadata: Json) -> None:
    (said,) = made_of(objects, **metadata)
    assert said.startswith("Service ns/gateway-istio ")
    assert said.endswith(", where Gateway ns/gateway has its own")


def test_product_that_is_not_there_is_nothing(objects: FakeObjects) -> None:
    assert check(objects, products=[{"maker": MAKER, "objects": [PART]}], fail=True)["foreign"] == []


@pytest.mark.parametrize(("manager", "foreign"), [("rhaii.gke", 0), ("argocd-controller", 1)])
def test_account_that_the_first_version_made_is_ours(objects: FakeObjects, manager: str, foreign: int) -> None:
    account = manifest("ServiceAccount", "istiod", imagePullSecrets=[{"name": "pull"}])
    objects.put(account, manager)
    assert len(check(objects, asked("istiod", "ServiceAccount"))["foreign"]) == foreign


@pytest.mark.parametrize("environment", ["another", ENVIRONMENT])
def test_account_that_carries_a_mark_is_judged_by_it(objects: FakeObjects, environment: str) -> None:
    account = manifest("ServiceAccount", "istiod", imagePullSecrets=[{"name": "pull"}])
    account["metadata"]["labels"] = {"rhaii.gke/environment": environment}
    objects.put(account, "rhaii.gke")
    found = check(objects, asked("istiod", "ServiceAccount"))["foreign"]
    belongs = "ServiceAccount ns/istiod belongs to the environment another"
    assert found == ([] if environment == ENVIRONMENT else [belongs])
