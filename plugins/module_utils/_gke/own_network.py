# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What of a network may go at a teardown, and what is there still, by what google.cloud's modules answered.

They tell an operation that ended with an error from one that succeeded by nothing, so that only a look afterwards says
whether something is gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import flat

Answer = Mapping[str, Any]
"""The result of a task; {} of one that has not run."""

_SUBNET = re.compile(r"regions/([^/]+)/subnetworks/([^/]+)$")


@dataclass(frozen=True)
class Own:
    """A network with a subnet in `region`, or in any when that is empty. `mark` is the description of what is ours."""

    network: str
    subnetwork: str
    mark: str
    project: str
    region: str = ""


@dataclass(frozen=True)
class Removal:
    """`regions` are those in which to look for our subnet, `going` those in which it goes."""

    ours: bool
    regions: tuple[str, ...]
    going: tuple[str, ...]
    # other subnets, for which the network stays
    staying: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def goes(self) -> bool:
        return self.ours and not self.staying


def removal(own: Own, looked: Answer, subnets: Sequence[Answer], after: Answer, deletions: Sequence[Answer]) -> Removal:
    network = _network(own, looked)
    ours = network.get("description") == own.mark
    there = _subnets(network) if ours else []
    regions = [region for region, name in there if name == own.subnetwork and own.region in ("", region)]
    going = [region for region in regions if any(_is_ours(own, region, each) for each in _resources(subnets))]
    staying = [f"{name} in {region}" for region, name in there if not (name == own.subnetwork and region in going)]
    found = Removal(ours, tuple(regions), tuple(going), tuple(staying), ())
    return replace(found, left=tuple(_left(own, found, looked, subnets, after, deletions)))


def _left(
    own: Own, found: Removal, looked: Answer, subnets: Sequence[Answer], after: Answer, deletions: Sequence[Answer]
) -> list[str]:
    unseen = [str(each.get("msg", "nothing")) for each in (looked, *subnets, after) if _failed(each)]
    if unseen:
        return [f"Not known whether the network {own.network} is left. Google said: {flat(unseen[0])}"]
    network = _network(own, after)
    subnet_left = [region for region, name in _subnets(network) if name == own.subnetwork and region in found.going]
    if not subnet_left and not (network and found.goes):
        return []
    said = [flat(str(each["msg"])) for each in deletions if _failed(each) and "msg" in each]
    commands = [f"subnets delete {own.subnetwork} --region={region}" for region in subnet_left]
    commands += [f"delete {own.network}"] * found.goes
    return [
        f"The network {own.network} is not gone. Google said: "
        f"{said[0] if said else 'it was deleted; and it is in the list all the same.'} To delete it: "
        + " && ".join(f"gcloud compute networks {each} --project={own.project}" for each in commands)
    ]


def _failed(answer: Answer) -> bool:
    """A task that ran and did not do what it was for; those that look have `resources`, those that delete no `msg`."""
    return bool(answer) and not answer.get("skipped") and "msg" in answer


def _network(own: Own, answer: Answer) -> Mapping[str, Any]:
    return next((each for each in _resources([answer]) if each.get("name") == own.network), {})


def _resources(answers: Sequence[Answer]) -> list[Mapping[str, Any]]:
    return [each for answer in answers for each in answer.get("resources") or []]


def _subnets(network: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Region and name of each."""
    found = [_SUBNET.search(str(link)) for link in network.get("subnetworks") or []]
    return [(match[1], match[2]) for match in found if match]


def _is_ours(own: Own, region: str, subnet: Mapping[str, Any]) -> bool:
    there = (subnet.get("name"), str(subnet.get("region", "")).rpartition("/")[2])
    return there == (own.subnetwork, region) and subnet.get("description") == own.mark


__all__ = ("Answer", "Own", "Removal", "removal")
