# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of all variables: which specs a name has, what is wrong, and which name may have been meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.plugin_utils import _role_options
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import Option, known, option, options, prefixes
from ansible_collections.rhaii.gke.plugins.plugin_utils._variable_findings import (
    RENAMED,
    findings,
    misspelt,
    specs_by_name,
)


def found(**variables: Any) -> list[str]:
    return findings(variables, lambda value: value)


def test_option_is_found_by_its_name() -> None:
    timeout = option("cluster_timeout")
    assert timeout is not None
    assert (timeout.spec["type"], timeout.collection_wide) == ("int", "rhaii_cluster_timeout")
    assert option("inference_service_image") is not None
    assert option("cluster_nonsense") is option("rhaii_keep") is None


@pytest.mark.parametrize(
    ("default", "variable"),
    [
        ("{{ rhaii_a | rhaii.gke.given('x') }}", "rhaii_a"),
        ("{{ rhaii_a | rhaii.gke.given({}) }}\n", "rhaii_a"),
        ("{{ rhaii_a | rhaii.gke.given('x') | rhaii.gke.other }}", ""),
        ("{{ rhaii_a | rhaii.gke.given('x') }}/y", ""),
        ("{{ cluster_a | rhaii.gke.given(rhaii_a) }}", ""),
        ("{{ rhaii_a | default('x') }}", ""),
        ("rhaii_a", ""),
        (3, ""),
        (None, ""),
    ],
)
def test_collection_wide_variable_of_a_default(default: Any, variable: str) -> None:
    assert Option("r_a", {}, default).collection_wide == variable


def test_collection_wide_variable_is_checked_by_its_readers_specs() -> None:
    specs = specs_by_name()
    assert [spec["type"] for spec in specs["rhaii_poll_interval"]] == ["float"] * 4
    assert set(options("cluster")) < set(specs)


def test_blank_is_right_for_every_variable() -> None:
    assert found(**{name: value for name in specs_by_name() for value in (None, "", " ")}) == []


def test_all_findings_are_said_at_once() -> None:
    said = found(rhaii_node_pool_timeout="soon", cluster_timeout="later", rhaii_on_stockout="stay", other="soon")
    assert sorted(sentence.partition(" is ")[0] for sentence in said) == [
        "cluster_timeout",
        "rhaii_node_pool_timeout",
        "rhaii_on_stockout",
    ]


def test_what_one_role_takes_is_left_to_its_own_words() -> None:
    assert found(rhaii_accelerator="v7") == []
    assert found(cluster_accelerator="v7")[0].startswith('cluster_accelerator is "v7", which is none of its values.')


def test_name_that_nothing_reads_is_named_when_it_is_close() -> None:
    wrong = {"rhaii_replica": "rhaii_replicas", "cluster_timeuot": "cluster_timeout"}
    right = ["rhaii_replicas", "cluster_endpoint", "rhaii_prod_preflight", "cluster_of_mine", "other"]
    assert misspelt([*wrong, *right]) == wrong


def test_known_names_are_those_that_the_collection_mentions() -> None:
    assert {"cluster_run_dir", "rhaii_keep", "inference_service_plan", "preflight_quota"} <= known()
    assert not any(name.startswith("__") for name in known())
    assert prefixes()[0] == "rhaii_"
    assert _role_options.LOADER.__name__ == "CSafeLoader"


# Of Kubespray, read in inventory/sample/group_vars/k8s_cluster/k8s-cluster.yml: an inventory may serve both.
OTHERS = {
    *("cluster_name", "container_manager", "credentials_dir", "deploy_netchecker", "dns_domain", "dns_mode"),
    *("event_ttl_duration", "k8s_image_pull_policy", "kube_config_dir", "kube_network_plugin", "kube_version"),
    *(
        "kubeconfig_localhost",
        "kubectl_localhost",
        "kubernetes_audit",
        "local_release_dir",
        "nvidia_accelerator_enabled",
    ),
    *("persistent_volumes_enabled", "retry_stagger", "supplementary_addresses_in_ssl_keys", "tls_min_version"),
}


def test_no_name_is_one_that_another_collection_owns() -> None:
    assert OTHERS & set(specs_by_name()) == set()


@pytest.mark.parametrize("name", sorted(RENAMED))
def test_old_name_is_refused_with_the_new_one(name: str) -> None:
    now, collection_wide, whose = RENAMED[name]
    assert {now, collection_wide} <= set(specs_by_name())
    (said,) = found(**{name: "mine"})
    assert said == (
        f"{name} is read no more, since it is {whose}. Give {collection_wide}, or {now} for the role alone, and take "
        f"{name} out of what this host inherits."
    )
    assert found(**{name: ""}) == []
