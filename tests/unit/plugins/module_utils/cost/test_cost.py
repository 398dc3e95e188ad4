# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""gke_cost: sums, what is not known, and where prices come from."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._cost import google
from ansible_collections.rhaii.gke.plugins.module_utils._cost.cost import CAPABILITY, read
from ansible_collections.rhaii.gke.plugins.module_utils._cost.google import BillingCatalog
from ansible_collections.rhaii.gke.plugins.module_utils._cost.ports import CostPorts
from ansible_collections.rhaii.gke.plugins.module_utils._cost.skus import COMPUTE_ENGINE, NETWORKING
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    Connection,
    GoogleError,
    GoogleSettings,
    UnreachableError,
)

from tests.unit.plugins.module_utils.cost.fake_billing import COMPUTE, NETWORK, ZONE, FakeBilling, body

# What FakeBilling's prices come to: 12 chips, 3 disks and addresses; 8 CPUs with 32 GiB, 2 disks and addresses, fees.
TPU = 12 * 3.0
NODES = 3 * (200 * 0.073 / 730 + 0.004)
REST = 8 * 0.02 + 32 * 0.003 + 200 * 0.146 / 730 + 2 * 0.004 + 0.10 + 0.03


def first(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["candidates"][0]
    return found


def way(provisioning: str, location: str = ZONE) -> list[dict[str, str]]:
    return [{"location": location, "provisioning": provisioning}]


def without(*descriptions: str) -> FakeBilling:
    """A price list that does not have these."""
    left = [each for each in COMPUTE if not str(each["description"]).startswith(descriptions)]
    return FakeBilling({COMPUTE_ENGINE: left, NETWORKING: NETWORK})


def line(what: str, quantity: float, unit: str, usd: float, hours: int = 1, **changes: str) -> dict[str, Any]:
    whole = {"what": what, "quantity": quantity, "unit": unit, "unit_price": usd, "source": "billing"}
    return {**whole, "hourly": round(quantity * usd / hours, 4), "as_of": "2026-11-24", **changes}


def test_whole_result() -> None:
    pool = {"machine_type": "e2-standard-4", "nodes": 1, "disk_type": "pd-balanced", "disk_size_gb": 50}
    result = FakeBilling().cost(
        candidates=[*way("spot"), *way("on_demand", "us-east5-a")],
        tpu_nodes=2,
        running_tpu_nodes=3,
        standard_pool=pool,
        tpu_disk={"type": "pd-ssd", "size_gb": 10},
    )
    assert set(result) == {"changed", "candidates", "billing_answer", "msg"}
    rest = 4 * 0.02 + 16 * 0.003 + 50 * 0.146 / 730 + 0.004 + 0.1 + 0.03
    words = "at least 16.28 USD an hour while 2 TPU nodes run; 0.27 USD suspended (billing, 2026-11-24); "
    assert result["candidates"][0] == {
        "location": ZONE,
        "provisioning": "spot",
        "tpu_nodes": 2,
        "hourly": round(8 * 2.0 + 2 * 0.002 + rest, 4),
        "tpu_hourly": 16.0,
        "rest_hourly": round(2 * 0.002 + rest, 4),
        "suspended_hourly": round(rest, 4),
        "hourly_before": round(12 * 2.0 + 3 * 0.002 + rest, 4),
        "per_chip_hour": 2.0,
        "currency": "USD",
        "source": "billing",
        "as_of": "2026-11-24",
        "lines": [
            line("TPU v6e (Trillium) chip", 8, "chip-hour", 2.0),
            line("TPU node's external address", 2, "hour", 0.002),
            line("ordinary machines, e2-standard-4: CPUs", 4, "vCPU-hour", 0.02),
            line("ordinary machines, e2-standard-4: memory", 16, "GiB-hour", 0.003),
            line("ordinary machines' disks, pd-balanced", 50, "GiB-month", 0.146, 730),
            line("ordinary machines' external addresses", 1, "hour", 0.004),
            line(
                "cluster management (one zonal cluster of a billing account is free)",
                1,
                "hour",
                0.1,
                source="table",
                as_of="2026-11-23",
            ),
            line("load balancer (one charge for up to 5 forwarding rules)", 1, "hour", 0.03),
        ],
        "unknown": ["TPU node's disk, pd-ssd"],
        "change": "from at least 24.28 USD an hour with 3 TPU nodes to 16.28 USD with 2",
        "msg": f"{words}no price is known of TPU node's disk, pd-ssd",
    }
    assert (result["msg"], result["changed"]) == (result["candidates"][0]["msg"], False)


def test_sum_of_a_whole_environment() -> None:
    result = FakeBilling().cost()
    row = first(result)
    assert row["tpu_hourly"] == TPU
    assert row["rest_hourly"] == round(NODES + REST, 4)
    assert row["hourly"] == round(TPU + NODES + REST, 4)
    assert row["suspended_hourly"] == round(REST, 4)
    assert (row["per_chip_hour"], row["currency"], row["tpu_nodes"]) == (3.0, "USD", 3)
    assert (row["source"], row["as_of"]) == ("billing", "2026-11-24")
    assert (row["location"], row["provisioning"]) == (ZONE, "on_demand")
    assert (row["unknown"], row["hourly_before"]) == ([], None)
    assert (result["billing_answer"], result["changed"]) == ("", False)
    assert (
        result["msg"]
        == row["msg"]
        == "36.51 USD an hour while 3 TPU nodes run; 0.43 USD suspended (billing, 2026-11-24)"
    )


def test_lines_say_what_each_part_costs() -> None:
    lines = {line["what"]: line for line in first(FakeBilling().cost())["lines"]}
    assert lines["TPU v6e (Trillium) chip"] == {
        "what": "TPU v6e (Trillium) chip",
        "quantity": 12,
        "unit": "chip-hour",
        "unit_price": 3.0,
        "hourly": 36.0,
        "source": "billing",
        "as_of": "2026-11-24",
    }
    disk = lines["TPU node's disk, hyperdisk-balanced"]
    assert (disk["quantity"], disk["unit"], disk["unit_price"], disk["hourly"]) == (600, "GiB-month", 0.073, 0.06)
    assert lines["ordinary machines, e2-standard-4: CPUs"]["quantity"] == 8
    assert lines["ordinary machines, e2-standard-4: memory"]["quantity"] == 32
    fee = next(line for what, line in lines.items() if what.startswith("cluster management"))
    assert (fee["hourly"], fee["source"], fee["as_of"]) == (0.1, "table", "2026-11-23")


@pytest.mark.parametrize(("provisioning", "chip", "address"), [("spot", 2.0, 0.002), ("flex_start", 1.5, 0.004)])
def test_way_to_buy_has_its_own_prices(provisioning: str, chip: float, address: float) -> None:
    row = first(FakeBilling().cost(candidates=way(provisioning)))
    assert (row["per_chip_hour"], row["tpu_hourly"]) == (chip, 12 * chip)
    assert row["rest_hourly"] == round(3 * (200 * 0.073 / 730 + address) + REST, 4)


def test_reservation_bills_also_when_nothing_runs() -> None:
    row = first(FakeBilling().cost(candidates=way("reservation")))
    assert row["per_chip_hour"] == 3.0
    assert row["suspended_hourly"] == round(TPU + REST, 4)
    assert row["msg"].endswith("what is reserved bills used or not, here at the on-demand price")


def test_rows_come_in_the_order_that_was_asked() -> None:
    asked = [*way("spot"), *way("on_demand", "us-east5-a"), *way("on_demand")]
    rows = FakeBilling().cost(candidates=asked)["candidates"]
    assert [(row["location"], row["provisioning"]) for row in rows] == [
        (ZONE, "spot"),
        ("us-east5-a", "on_demand"),
        (ZONE, "on_demand"),
    ]
    assert [row["source"] for row in rows] == ["billing", "table", "billing"]


def test_one_node_is_said_as_one() -> None:
    assert "while 1 TPU node runs;" in first(FakeBilling().cost(tpu_nodes=1))["msg"]


def test_no_node_costs_what_is_left_when_suspended() -> None:
    row = first(FakeBilling().cost(tpu_nodes=0))
    assert row["hourly"] == row["suspended_hourly"] == round(REST, 4)
    assert (row["tpu_hourly"], row["per_chip_hour"], row["unknown"]) == (0, 3.0, [])
    assert not [line["what"] for line in row["lines"] if line["what"].startswith("TPU")]
    # nor is it missing in the sum then
    assert first(FakeBilling().cost(tpu_nodes=0, accelerator="v5p"))["unknown"] == []


def test_private_nodes_have_no_addresses_to_pay() -> None:
    lines = first(FakeBilling().cost(private_nodes=True))["lines"]
    assert not [line for line in lines if "address" in line["what"]]


@pytest.mark.parametrize("pool", [None, {"machine_type": "e2-standard-4", "nodes": 0}])
def test_environment_without_ordinary_machines(pool: Any) -> None:
    row = first(FakeBilling().cost(standard_pool=pool, tpu_disk=None, load_balancers=0))
    assert row["suspended_hourly"] == 0.1
    assert row["rest_hourly"] == round(0.1 + 3 * 0.004, 4)
    assert row["unknown"] == []


def test_networking_is_only_asked_for_a_load_balancer() -> None:
    billing = FakeBilling()
    billing.cost(load_balancers=0)
    assert {service for service, _token in billing.asked} == {COMPUTE_ENGINE}


@pytest.mark.parametrize(("rules", "unknown"), [(5, []), (6, ["6 load balancers"])])
def test_charge_for_five_load_balancers_is_one(rules: int, unknown: list[str]) -> None:
    row = first(FakeBilling().cost(load_balancers=rules))
    assert row["unknown"] == unknown
    assert row["suspended_hourly"] == round(REST - (0.03 if unknown else 0), 4)


@pytest.mark.parametrize("machine_type", ["e2-micro", "custom", "c9-standard-4", "e2-standard-4-lssd"])
def test_machine_of_unknown_make_has_no_price(machine_type: str) -> None:
    pool = {"machine_type": machine_type, "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100}
    assert first(FakeBilling().cost(standard_pool=pool))["unknown"] == [f"ordinary machines, {machine_type}"]


def test_cpus_alone_are_no_price_of_a_machine() -> None:
    row = first(without("E2 Instance Ram").cost())
    (machine,) = [line for line in row["lines"] if line["what"].startswith("ordinary machines, e2")]
    assert machine["what"] == "ordinary machines, e2-standard-4: CPUs with memory"
    assert (machine["source"], machine["quantity"], machine["unit_price"]) == ("table", 8, 0.03688602)
    assert machine["hourly"] == 0.2951
    rest = REST - 8 * 0.02 - 32 * 0.003 + 8 * 0.03688602
    sums = {name: row[f"{name}_hourly"] for name in ("rest", "suspended")}
    assert sums == {"rest": round(NODES + rest, 4), "suspended": round(rest, 4)}
    assert row["hourly"] == round(TPU + NODES + rest, 4)


def test_what_has_no_price_is_named_and_missing_in_the_sum() -> None:
    row = first(without("Hyperdisk").cost())
    assert row["unknown"] == ["TPU node's disk, hyperdisk-balanced"]
    assert row["hourly"] == round(TPU + 3 * 0.004 + REST, 4)
    assert row["msg"] == (
        "at least 36.45 USD an hour while 3 TPU nodes run; 0.43 USD suspended (billing, 2026-11-24); "
        "no price is known of TPU node's disk, hyperdisk-balanced"
    )


def test_unknown_that_stays_makes_the_suspended_sum_a_lower_bound() -> None:
    pool = {"machine_type": "e2-micro", "nodes": 2, "disk_type": "pd-balanced", "disk_size_gb": 100}
    assert "; at least 0.18 USD suspended" in first(FakeBilling().cost(standard_pool=pool))["msg"]


def test_chip_without_a_price_leaves_no_sum() -> None:
    row = first(FakeBilling().cost(accelerator="v5p"))
    assert (row["hourly"], row["tpu_hourly"], row["per_chip_hour"]) == (None, None, None)
    assert (row["source"], row["as_of"]) == ("", "")
    assert row["unknown"] == ["TPU v5p chip"]
    assert row["suspended_hourly"] == round(REST, 4)
    assert row["msg"] == (
        "what a TPU chip costs in europe-west4-a is not known; all else 0.51 USD an hour; 0.43 USD suspended"
    )


def test_reserved_chip_without_a_price_leaves_no_suspended_sum_either() -> None:
    row = first(FakeBilling().cost(accelerator="v5p", candidates=way("reservation")))
    assert (row["hourly"], row["suspended_hourly"]) == (None, None)
    assert " suspended" not in row["msg"]
    assert first(FakeBilling().cost(accelerator="v5p", candidates=way("reservation"), tpu_nodes=0))[
        "suspended_hourly"
    ] == round(REST, 4)


def test_machine_type_says_how_many_chips() -> None:
    assert first(FakeBilling().cost(machine_type="ct6e-standard-8t"))["tpu_hourly"] == 2 * TPU


@pytest.mark.parametrize(
    ("running", "text"),
    [
        (2, "from 24.48 USD an hour with 2 TPU nodes to 36.51 USD with 3"),
        (5, "from 60.55 USD an hour with 5 TPU nodes to 36.51 USD with 3"),
        (-1, "from 0.43 USD an hour with 0 TPU nodes to 36.51 USD with 3"),
        (3, ""),
    ],
)
def test_before_and_after_are_compared(running: int, text: str) -> None:
    row = first(FakeBilling().cost(running_tpu_nodes=running))
    assert row["hourly_before"] == round(max(0, running) * (TPU + NODES) / 3 + REST, 4)
    assert row["change"] == text
    assert row["msg"].startswith("36.51 USD an hour while 3")


def test_without_a_number_before_nothing_is_compared() -> None:
    row = first(FakeBilling().cost())
    assert (row["hourly_before"], row["change"]) == (None, "")


def test_comparison_of_lower_bounds_says_so() -> None:
    row = first(without("Hyperdisk").cost(running_tpu_nodes=0))
    assert row["change"] == "from at least 0.43 USD an hour with 0 TPU nodes to 36.45 USD with 3"


@pytest.mark.parametrize(("nodes", "running", "before"), [(3, 2, None), (3, 0, REST), (0, 3, None)])
def test_comparison_needs_the_price_of_a_chip(nodes: int, running: int, before: float | None) -> None:
    row = first(FakeBilling().cost(accelerator="v5p", tpu_nodes=nodes, running_tpu_nodes=running))
    assert row["hourly_before"] == (None if before is None else round(before, 4))
    assert row["change"] == ""


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (GoogleError("read the prices", 403, "PERMISSION_DENIED", "no"), "Google refused to read the prices: 403"),
        (UnreachableError("Could not read the prices: no answer."), "Could not read the prices: no answer."),
        (RhaiiError("No access token was given out."), "No access token was given out."),
    ],
    ids=["refused", "silent", "no credentials"],
)
def test_price_list_that_does_not_answer_leaves_the_table(error: RhaiiError, answer: str) -> None:
    result = FakeBilling({COMPUTE_ENGINE: error, NETWORKING: NETWORK}).cost()
    row = first(result)
    assert result["billing_answer"].startswith(answer)
    assert (row["source"], row["as_of"], row["per_chip_hour"]) == ("table", "2026-08", 2.97)
    assert row["unknown"] == [
        "TPU node's disk, hyperdisk-balanced",
        "load balancer (one charge for up to 5 forwarding rules)",
    ]
    assert row["msg"].startswith(
        "at least 36.09 USD an hour while 3 TPU nodes run; at least 0.44 USD suspended (table,"
    )


def test_prices_keep_their_digits_and_sums_have_four() -> None:
    row = first(FakeBilling().cost(candidates=way("spot", "us-central1-b"), catalog_timeout=0))
    assert (row["per_chip_hour"], row["tpu_hourly"]) == (0.54421, 6.5305)
    lines = first(FakeBilling().cost(candidates=way("spot", "southamerica-west1-a"), catalog_timeout=0))["lines"]
    (machine,) = (each for each in lines if each["what"].endswith("CPUs with memory"))
    assert (machine["unit_price"], machine["hourly"]) == (0.047913161, 0.3833)


def test_price_without_a_date_is_called_undated() -> None:
    result = FakeBilling().cost(candidates=way("on_demand", "us-central1-b"), catalog_timeout=0)
    assert first(result)["as_of"] == ""
    assert "(table, undated)" in result["msg"]


def test_services_that_answered_count_although_another_did_not() -> None:
    silent_network = UnreachableError("no answer")
    result = FakeBilling({COMPUTE_ENGINE: COMPUTE, NETWORKING: silent_network}).cost()
    assert result["billing_answer"] == "no answer"
    assert first(result)["source"] == "billing"
    assert first(result)["unknown"] == ["load balancer (one charge for up to 5 forwarding rules)"]


def test_service_that_broke_off_is_not_used_at_all() -> None:
    class Breaking(FakeBilling):
        def page(self, service: str, token: str) -> Any:
            if token:
                raise UnreachableError("it hung up")
            return super().page(service, token)

    said: list[str] = []
    billing = Breaking({NETWORKING: NETWORK, COMPUTE_ENGINE: COMPUTE})
    found, answer = read(CostPorts(billing, billing.clock), [NETWORKING, COMPUTE_ENGINE], 20, said.append)
    assert ([sku.description for sku in found], answer) == ([NETWORK[0]["description"]], "it hung up")
    assert said == ["prices: read 1 of Networking"]


def test_price_list_is_read_page_by_page() -> None:
    billing = FakeBilling()
    billing.cost()
    assert billing.asked == [(COMPUTE_ENGINE, ""), (COMPUTE_ENGINE, "5"), (NETWORKING, "")]


def test_price_list_that_takes_too_long_is_left() -> None:
    billing = FakeBilling(size=1, seconds=5)
    result = billing.cost(catalog_timeout=10)
    assert [service for service, _token in billing.asked] == [COMPUTE_ENGINE] * 2
    assert result["billing_answer"] == "the prices of Compute Engine took more than 10 s"
    # what came of it is not used, since the rest may say otherwise
    assert first(result)["source"] == "table"


def test_last_page_counts_however_late() -> None:
    billing = FakeBilling(size=100, seconds=30)
    assert first(billing.cost(load_balancers=0))["source"] == "billing"


def test_without_a_time_the_price_list_is_not_asked() -> None:
    billing = FakeBilling()
    result = billing.cost(catalog_timeout=0)
    assert billing.asked == []
    assert result["billing_answer"] == "it was not asked"
    assert first(result)["source"] == "table"


def test_reading_keeps_what_a_rule_may_mean_and_says_how_much_it_read() -> None:
    said: list[str] = []
    billing = FakeBilling({COMPUTE_ENGINE: [*COMPUTE, body("Tea in Netherlands", 1.0), {"skuId": "no price"}]})
    found, answer = read(CostPorts(billing, billing.clock), [COMPUTE_ENGINE], 20, said.append)
    assert (len(found), answer) == (len(COMPUTE), "")
    assert said == [f"prices: read {len(COMPUTE) + 2} of Compute Engine"]


@pytest.mark.parametrize(
    ("changes", "sentence", "remedy"),
    [
        ({"candidates": []}, "No candidate is given.", "Give at least one with location and provisioning."),
        ({"candidates": [*way("spot"), *way("spot", "nowhere")]}, "nowhere is no zone.", "Give zones, as in europe"),
        ({"tpu_nodes": -1}, "tpu_nodes is -1.", "Give 0 or more."),
        (
            {"machine_type": "ct5p-hightpu-4t"},
            "ct5p-hightpu-4t is not a machine type of TPU v6e (Trillium).",
            "Use one that starts with ct6e-",
        ),
    ],
    ids=["no candidate", "no zone", "fewer than none", "another family"],
)
def test_wrong_options_are_refused_before_anybody_is_asked(changes: dict[str, Any], sentence: str, remedy: str) -> None:
    billing = FakeBilling()
    with pytest.raises(RhaiiError) as refused:
        billing.cost(**changes)
    assert refused.value.msg == sentence
    assert refused.value.remedy.startswith(remedy)
    assert billing.asked == []


class Session:
    """Google's answers, in order."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, Any, Any]] = []
        self.mounted: dict[str, Any] = {}

    def mount(self, prefix: str, adapter: Any) -> None:
        self.mounted[prefix] = adapter

    def request(self, method: str, url: str, *, params: Any, json: Any, timeout: float) -> Any:
        del json
        self.requests.append((method, url, dict(params), timeout))
        return Response(self.answers.pop(0))


class Response:
    content = b"{}"

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.status_code = body.get("error", {}).get("code", 200)
        self.headers: dict[str, str] = {}

    def json(self) -> dict[str, Any]:
        return self._body


class FakeConnection:
    def __init__(self, session: Session) -> None:
        self.settings = GoogleSettings("p", endpoints={"cloudbilling": "https://billing"}, timeout=7)
        self._session = session
        self.sessions = 0

    def session(self) -> Session:
        self.sessions += 1
        return self._session


def test_google_is_asked_for_dollars_in_the_largest_pages() -> None:
    session = Session({"skus": [{"skuId": "a"}], "nextPageToken": "t"}, {})
    connection = FakeConnection(session)
    catalog = BillingCatalog(cast(Connection, connection))
    assert catalog.page(COMPUTE_ENGINE, "") == ([{"skuId": "a"}], "t")
    assert catalog.page(COMPUTE_ENGINE, "t") == ([], "")
    url = f"https://billing/v1/services/{COMPUTE_ENGINE}/skus"
    query = {"currencyCode": "USD", "pageSize": "5000"}
    assert session.requests == [("GET", url, query, 7), ("GET", url, {**query, "pageToken": "t"}, 7)]
    assert connection.sessions == 1


@pytest.mark.parametrize(("service", "name"), [(COMPUTE_ENGINE, "Compute Engine"), ("0000-1111", "0000-1111")])
def test_refusal_names_the_service(service: str, name: str) -> None:
    session = Session({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "no"}})
    with pytest.raises(GoogleError) as refused:
        BillingCatalog(cast(Connection, FakeConnection(session))).page(service, "")
    assert refused.value.msg == f"Google refused to read the prices of {name}: 403 PERMISSION_DENIED: no"


def test_google_is_not_asked_twice() -> None:
    session = Session({})
    BillingCatalog(cast(Connection, FakeConnection(session))).page(COMPUTE_ENGINE, "")
    assert {prefix: adapter.max_retries.total for prefix, adapter in session.mounted.items()} == {
        "https://": 0,
        "http://": 0,
    }


@pytest.mark.parametrize(("request_timeout", "catalog_timeout", "patience"), [(60, 20, 20), (5, 20, 5), (60, 0, 1)])
def test_one_request_takes_no_longer_than_all_may(
    request_timeout: int, catalog_timeout: int, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[GoogleSettings] = []

    def connect(settings: GoogleSettings) -> FakeConnection:
        made.append(settings)
        return FakeConnection(Session())

    monkeypatch.setattr(google, "Connection", connect)
    params = {"project": "p", "request_timeout": request_timeout, "catalog_timeout": catalog_timeout}
    google.cost_ports(params)
    assert [settings.timeout for settings in made] == [patience]


def test_capability_asks_for_what_has_no_default() -> None:
    needed = {name for name, option in CAPABILITY.argument_spec.items() if option.get("required")}
    assert needed == {"project", "candidates", "tpu_nodes"}
