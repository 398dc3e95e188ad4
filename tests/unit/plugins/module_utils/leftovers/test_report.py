# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left, as rows and as a table: each thing with its cost and the command that ends it."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.ownership import Judgement
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.report import command_for, row_of, table_of
from ansible_collections.rhaii.gke.plugins.module_utils._leftovers.things import Thing

from tests.unit.plugins.module_utils.leftovers.fake_lists import NOTE, ROOT, SERVICE, thing


@pytest.mark.parametrize(
    ("found", "command"),
    [
        (thing("forwarding_rule", "a"), "compute forwarding-rules delete a --region europe-west4"),
        (thing("target_pool", "a"), "compute target-pools delete a --region europe-west4"),
        (thing("backend_service", "a"), "compute backend-services delete a --region europe-west4"),
        (thing("address", "a", "global"), "compute addresses delete a --global"),
        (thing("disk", "a", "europe-west4-a"), "compute disks delete a --zone europe-west4-a"),
        (thing("instance", "a", "us-south1-ai1b"), "compute instances delete a --zone us-south1-ai1b"),
        (thing("firewall", "a", "global"), "compute firewall-rules delete a"),
        (thing("instance_group", "a", "z-a1-b"), "compute instance-groups managed delete a --zone z-a1-b"),
        (thing("cluster", "a"), "container clusters delete a --location europe-west4"),
        (thing("node_pool", "a", cluster="c"), "container node-pools delete a --cluster c --location europe-west4"),
        (thing("operation", "a"), "container operations wait a --location europe-west4"),
    ],
    ids=lambda each: each.kind if isinstance(each, Thing) else "",
)
def test_command_is_what_gcloud_takes(found: Thing, command: str) -> None:
    assert command_for(found, "p") == f"gcloud {command} --project p"


RULE = Judgement(thing("forwarding_rule", "a1", notes=NOTE, detail="203.0.113.9"), "ours", "it is")
DISK = Judgement(thing("disk", "gke-c-1", "europe-west4-a", detail="100 GB of pd-balanced"), "maybe", "its name fits")


def test_row_has_all_there_is_to_know() -> None:
    assert row_of(RULE, "p") == {
        "kind": "forwarding_rule",
        "name": "a1",
        "location": "europe-west4",
        "detail": "203.0.113.9",
        "service": SERVICE,
        "certainty": "ours",
        "why": "it is",
        "cost": "billed by the hour, used or not, and by the GB",
        "command": "gcloud compute forwarding-rules delete a1 --region europe-west4 --project p",
        "link": f"{ROOT}/forwarding_rule/europe-west4/a1",
    }


def test_table_has_cost_and_command_of_each_and_warns_of_what_is_not_sure() -> None:
    assert table_of([row_of(RULE, "p"), row_of(DISK, "p")]) == [
        "forwarding rule    a1       europe-west4    203.0.113.9            billed by the hour, used or not, and by "
        "the GB",
        "    gcloud compute forwarding-rules delete a1 --region europe-west4 --project p",
        "may be ours: disk  gke-c-1  europe-west4-a  100 GB of pd-balanced  billed by the hour",
        "    gcloud compute disks delete gke-c-1 --zone europe-west4-a --project p",
        "    (its name fits; look before you run this)",
    ]
    assert table_of([]) == []
