# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quantities, what pods ask for, what machines have left, and whether the one fits the other."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sandbox.nodes.admission import refusal
from sandbox.nodes.allocatable import allocatable_of
from sandbox.nodes.quantities import divided, parse, pod_requests


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", 4), ("500m", Decimal("0.5")), ("15Gi", 15 * 2**30), ("2k", 2000), ("1e3", 1000), (3, 3), ("100M", 10**8)],
    ids=["plain", "milli", "binary", "kilo", "exponent", "number", "mega"],
)
def test_quantity_is_parsed(text: str | int, value: Decimal) -> None:
    assert parse(text) == value


def test_nonsense_is_no_quantity() -> None:
    with pytest.raises(ValueError, match="'four' is no Kubernetes quantity"):
        parse("four")


def test_resource_is_divided_and_rounded_up() -> None:
    assert divided("1500m", "1") == 2
    assert divided("1Gi", "1Mi") == 1024


def requesting(**resources: str) -> dict[str, object]:
    return {"name": "c", "resources": {"requests": resources}}


def test_pod_requests_are_the_sum_of_containers_or_the_peak_of_init() -> None:
    spec = {
        "containers": [requesting(cpu="1", memory="1Gi"), requesting(cpu="500m")],
        "initContainers": [requesting(cpu="4"), requesting(memory="10Mi")],
    }
    assert pod_requests(spec) == {"cpu": Decimal(4), "memory": Decimal(2**30)}


def test_sidecar_counts_beside_containers_and_later_init_containers() -> None:
    sidecar = {**requesting(cpu="1"), "restartPolicy": "Always"}
    spec = {"containers": [requesting(cpu="1")], "initContainers": [sidecar, requesting(cpu="2")]}
    assert pod_requests(spec)["cpu"] == 3


def test_chips_of_another_pod_refuse_a_second_one() -> None:
    pod = {"containers": [requesting(**{"google.com/tpu": "4"})]}
    reason, message = refusal(pod, [pod], {"google.com/tpu": "4", "pods": "110"}) or ("", "")
    assert reason == "OutOfgoogle.com/tpu"
    assert message.endswith("google.com/tpu, requested: 4, used: 4, capacity: 4")
    assert refusal(pod, [], {"google.com/tpu": "4", "pods": "110"}) is None


def test_processors_are_counted_in_thousandths() -> None:
    pod = {"containers": [requesting(cpu="1500m")]}
    reason, message = refusal(pod, [], {"cpu": "1"}) or ("", "")
    assert (reason, "requested: 1500, used: 0, capacity: 1000" in message) == ("OutOfcpu", True)


def test_full_node_takes_no_pod() -> None:
    pod = {"containers": [requesting()]}
    assert (refusal(pod, [pod, pod], {"pods": "2"}) or ("", ""))[0] == "OutOfpods"


def test_machine_keeps_what_gke_reserves() -> None:
    left = allocatable_of({"cpu": "4", "memory": "16Gi", "google.com/tpu": "4", "pods": "110"})
    assert left["cpu"] == "3920m"
    # 25 % of 4, 20 % of 4, 10 % of 8 GiB and 100 MiB
    assert left["memory"] == f"{int((16 - 1 - 0.8 - 0.8) * 2**20) - 100 * 1024}Ki"
    assert (left["google.com/tpu"], left["pods"]) == ("4", "110")
