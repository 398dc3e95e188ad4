# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter: Cloud Billing's catalog, by plain REST and without patience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import SERVICES
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings, RestApi

with suppress(ImportError):  # said in one sentence by Connection
    import requests.adapters

# The most that Google gives out at once.
PAGE_SIZE = 5000


class BillingCatalog:
    """`connection` is used at the first question, so that missing credentials are an answer, too."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._api: RestApi | None = None

    def page(self, service: str, token: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        query: dict[str, str | list[str]] = {"currencyCode": "USD", "pageSize": str(PAGE_SIZE)}
        if token:
            query["pageToken"] = token
        doing = f"read the prices of {SERVICES.get(service, service)}"
        answer = self._rest().call(doing, "GET", f"/v1/services/{service}/skus", query=query)
        return answer.get("skus") or [], str(answer.get("nextPageToken") or "")

    def _rest(self) -> RestApi:
        if self._api is None:
            session = self._connection.session()
            # who does not answer is not asked again: there is a table
            session.mount("https://", requests.adapters.HTTPAdapter(max_retries=0))
            session.mount("http://", requests.adapters.HTTPAdapter(max_retries=0))
            settings = self._connection.settings
            self._api = RestApi(session, settings.endpoint("cloudbilling"), settings.timeout)
        return self._api


def cost_ports(params: Params) -> CostPorts:
    settings = GoogleSettings.from_params(params)
    patience = max(1.0, min(settings.timeout, float(params["catalog_timeout"])))
    return CostPorts(BillingCatalog(Connection(replace(settings, timeout=patience))), SystemClock())


__all__ = ("BillingCatalog", "cost_ports")
