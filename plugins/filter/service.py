# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on models, on the services that live in the cluster, and on what leads to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.rhaii.gke.plugins.module_utils import _pool_routes, _service_plan
from ansible_collections.rhaii.gke.plugins.module_utils._answers import said_truth
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import whole_number
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given


def service_plan(
    models: Any, live: Any, replicas: Any = None, image: Any = None, environment: str = "", keep_removed: Any = False
) -> dict[str, Any]:
    try:
        count = whole_number(plain(replicas), "rhaii_replicas") if is_given(replicas) else None
        return _service_plan.plan(
            *(plain(models or []), plain(live), count, plain(image or "") or None),
            environment=plain(environment),
            keep_removed=said_truth(plain(keep_removed), "keep_removed"),
        ).public()
    except RhaiiError as error:
        raise AnsibleFilterError(str(error)) from error


def replaced_services(wanted: Any, live: Any, spare_nodes: Any) -> list[str]:
    objects = [item.get("result", item) for item in plain(wanted)]
    return _service_plan.replaced(objects, plain(live), _count(spare_nodes, "spare_nodes"))


def vacated_nodes(nodes: Any, pods: Any, wanted: Any, namespaces: Any = ()) -> list[str]:
    return _service_plan.vacated(plain(nodes), plain(pods), _count(wanted, "wanted"), plain(namespaces))


def _count(value: Any, what: str) -> int:
    try:
        return whole_number(plain(value), what)
    except RhaiiError as error:
        raise AnsibleFilterError(str(error)) from error


def foreign_pods(pods: Any, services: Any) -> list[str]:
    return _service_plan.foreign_pods(plain(pods), [str(name) for name in plain(list(services))])


def pool_routes(routes: Any, pools: Any, gateway: str, namespace: str) -> list[dict[str, Any]]:
    try:
        return _pool_routes.pool_routes(plain(routes), plain(pools), plain(gateway), plain(namespace))
    except RhaiiError as error:
        raise AnsibleFilterError(str(error)) from error


def kserve_objects(
    models: Any, namespace: str, pool_rules: Any, gateway: str, gateway_namespace: str
) -> dict[str, list[dict[str, Any]]]:
    places = [whole_number(place, "routing_kserve_pool_rules") for place in plain(pool_rules)]
    return _pool_routes.kserve_objects(
        plain(models), plain(namespace), places, plain(gateway), plain(gateway_namespace)
    )


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "foreign_pods": foreign_pods,
            "kserve_objects": kserve_objects,
            "pool_routes": pool_routes,
            "replaced_services": replaced_services,
            "service_plan": service_plan,
            "vacated_nodes": vacated_nodes,
        }
