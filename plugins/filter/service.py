# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on models, on the services that live in the cluster, and on what leads to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.rhaii.gke.plugins.module_utils import _pool_routes, _service_plan
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import whole_number
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain


def service_plan(models: Any, live: Any, replicas: Any = None, image: Any = None) -> dict[str, Any]:
    given = plain(replicas)
    try:
        count = None if given in (None, "") else whole_number(given, "rhaii_replicas")
        return _service_plan.plan(plain(models or []), plain(live), count, plain(image or "") or None).public()
    except RhaiiError as error:
        raise AnsibleFilterError(str(error)) from error


def replaced_services(wanted: Any, live: Any, spare_nodes: int) -> list[str]:
    objects = [item.get("result", item) for item in plain(wanted)]
    return _service_plan.replaced(objects, plain(live), int(spare_nodes))


def vacated_nodes(nodes: Any, pods: Any, wanted: int) -> list[str]:
    return _service_plan.vacated(plain(nodes), plain(pods), int(wanted))


def guide_labels(pods: Any, services: Any) -> list[dict[str, Any]]:
    return _service_plan.guide_labels(plain(pods), plain(services))


def pool_routes(routes: Any, gateway: str, namespace: str) -> list[str]:
    return _pool_routes.pool_routes(plain(routes), plain(gateway), plain(namespace))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "guide_labels": guide_labels,
            "pool_routes": pool_routes,
            "replaced_services": replaced_services,
            "service_plan": service_plan,
            "vacated_nodes": vacated_nodes,
        }
