# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that mean the same cluster, and inventories that mix, end a run before it begins; what we ship does not."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.settings import CHECKOUT
from tests.unit.questions import answers

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
VERBS = sorted(file.stem for file in (CHECKOUT / "playbooks").glob("*.yml"))
PLACE = ["cluster_project", "cluster_location", "cluster_gke_name", "cluster_environment"]
FOREIGN_VARIABLES = ("GCP_", "GCE_", "RHAII_", "ANSIBLE_", "PROJECT_ID", "ZONE", "CLUSTER_NAME", "NUM_NODES")


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_VARIABLES)}
    config = {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_HOME": str(folder / "home")}
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible/collections")}
    return {**kept, **config, **collections, **more}


def judged(folder: Path, *questions: dict[str, Any], **more: str) -> list[dict[str, Any]]:
    """What the check says, all questions in one program."""
    return answers("tests.unit.inventories.judging", questions, environment(folder, **more))


def of(*inventories: Path, **more: Any) -> dict[str, Any]:
    return {"inventories": [str(inventory) for inventory in inventories], **more}


def write(folder: Path, content: dict[str, Any]) -> None:
    for name, value in content.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else yaml.safe_dump(value), encoding="utf-8")


def hosts(**given: dict[str, Any]) -> dict[str, Any]:
    return {"all": {"hosts": {name: {**LOCAL, **values} for name, values in given.items()}}}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_begins_with_the_check(verb: str) -> None:
    (play,) = yaml.safe_load((CHECKOUT / "playbooks" / f"{verb}.yml").read_text(encoding="utf-8"))
    first = play["tasks"][0]
    assert "rhaii.gke.hosts_check" in first
    # a part of a verb is no way around it, and one refusal is for all hosts
    assert (first["tags"], first["run_once"]) == (["always"], True)


def test_two_hosts_of_one_cluster_end_preflight_before_anything_else(tmp_path: Path) -> None:
    write(tmp_path, {"inventory.yml": hosts(dev={"rhaii_project": "p"}, prod={"rhaii_project": "p"})})
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [program, "-i", "inventory.yml", str(CHECKOUT / "playbooks" / "preflight.yml")],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    output = " ".join(done.stdout.split())
    assert done.returncode == 2
    assert output.count("TASK [") == 1
    assert "The hosts dev and prod mean the same cluster: rhaii-tpu-scaleout-cluster in europe-west4-a" in output
    assert "cluster name by default" in output
    assert "project by rhaii_project (inventory.yml:" in output


def test_extra_variables_that_make_two_hosts_one_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"i.yml": hosts(**{name: {"rhaii_project": "p", "rhaii_cluster_name": name} for name in "ab"})})
    file = tmp_path / "i.yml"
    right, wrong, blank, alone = judged(
        tmp_path,
        of(file),
        of(file, extra={"rhaii_cluster_name": "c"}),
        # a blank answer of a survey hides nothing
        of(file, extra={"rhaii_cluster_name": ""}),
        # and what is said to one host is said to no other
        of(file, extra={"rhaii_cluster_name": "c"}, limit=["a"]),
    )
    assert right["findings"] == blank["findings"] == alone["findings"] == []
    assert wrong["findings"][0].startswith("The hosts a and b mean the same cluster: c in europe-west4-a")


def test_a_host_that_the_play_leaves_out_counts_where_it_says_which_cluster_it_means(tmp_path: Path) -> None:
    one = {"rhaii_project": "p", "rhaii_environment": "main"}
    write(tmp_path, {"i.yml": hosts(a=one, b=one, c={"rhaii_project": "q"})})
    of_a, of_c = judged(tmp_path, of(tmp_path / "i.yml", limit=["a"]), of(tmp_path / "i.yml", limit=["c"]))
    assert of_a["findings"][0].startswith("The hosts a and b mean the same cluster")
    assert of_c["findings"] == []


def test_a_host_that_is_no_cluster_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"i.yml": hosts(prod={"rhaii_project": "p"}, bastion={})})
    (found,) = judged(tmp_path, of(tmp_path / "i.yml", limit=["prod"]), GCP_PROJECT="p")
    assert found["findings"] == []


def test_value_that_cannot_be_known_yet_is_left_to_the_roles(tmp_path: Path) -> None:
    both = {"rhaii_project": "{{ of_a_later_task }}"}
    write(tmp_path, {"i.yml": hosts(a=both, b=both)})
    (found,) = judged(tmp_path, of(tmp_path / "i.yml"))
    assert found["findings"] == []


def test_the_example_has_a_cluster_for_each_host(tmp_path: Path) -> None:
    (found,) = judged(tmp_path, of(CHECKOUT / "inventories/example", show=PLACE))
    assert found["findings"] == []
    places = found["places"]
    assert len({tuple(place.values()) for place in places.values()}) == len(places) == 4
    tree = yaml.safe_load((CHECKOUT / "inventories/example/hosts.yml").read_text(encoding="utf-8"))["all"]["children"]
    for prefix in ("env_", "region_", "wave_"):
        members = [host for name in tree if name.startswith(prefix) for host in tree[name]["hosts"]]
        assert sorted(members) == sorted(places), f"each host is in one group {prefix}*"


# Two inventories as people have them: a folder each with group_vars, and what a host says itself.
SHAPES: dict[str, dict[str, Any]] = {
    "all in group_vars": {"group": {"rhaii_project": "{0}", "rhaii_location": "{1}", "rhaii_cluster_name": "{0}"}},
    "project in group_vars": {"group": {"rhaii_project": "{0}"}},
    "nothing but defaults": {},
    "all at the host": {"host": {"rhaii_project": "{0}", "rhaii_location": "{1}", "rhaii_cluster_name": "{0}"}},
    "cluster at the host": {"group": {"rhaii_project": "{0}"}, "host": {"rhaii_cluster_name": "{0}"}},
    "environment alone": {"group": {"rhaii_project": "{0}", "rhaii_environment": "main"}},
    "by another variable": {"group": {"of_team": "{0}", "rhaii_project": "{{{{ of_team }}}}"}},
    "by the role's own": {"group": {"cluster_project": "{0}", "cluster_location": "{1}"}},
    "inline in the hosts' file": {"inline": {"rhaii_project": "{0}", "rhaii_location": "{1}"}},
    "inline, cluster at the host": {"inline": {"rhaii_project": "{0}"}, "host": {"rhaii_cluster_name": "{0}"}},
}


def folder_of(root: Path, name: str, shape: dict[str, Any], location: str, host: str) -> None:
    parts = {
        part: {key: value.format(name, location) for key, value in shape.get(part, {}).items()}
        for part in ("group", "host", "inline")
    }
    inventory = hosts(**{host: parts["host"]})
    inventory["all"]["vars"] = parts["inline"]
    write(root, {f"{name}/hosts.yml": inventory, f"{name}/group_vars/all.yml": parts["group"]})


def test_inventories_that_mix_are_refused_and_others_run(tmp_path: Path) -> None:
    """Each host means the cluster that it means alone, or the run is refused and says which host is meant."""
    questions, names = [], []
    for (one, other), same in product(product(SHAPES, SHAPES), (False, True)):
        root = tmp_path / str(len(names))
        folder_of(root, "dev", SHAPES[one], "us-east5-a", "host" if same else "host-dev")
        folder_of(root, "prod", SHAPES[other], "europe-west4-a", "host" if same else "host-prod")
        names.append((one, other, same))
        questions += [
            of(root / "dev", root / "prod", show=PLACE),
            of(root / "dev", show=PLACE),
            of(root / "prod", show=PLACE),
        ]
    answers = judged(tmp_path, *questions)
    refused = 0
    for index, name in enumerate(names):
        together, dev, prod = answers[3 * index : 3 * index + 3]
        assert dev["findings"] == prod["findings"] == []
        if together["findings"]:
            refused += 1
            told = " ".join(together["findings"])
            assert "The inventories mix: " in told or " mean the same " in told or " have the same environment" in told
            assert any(host in told for host in together["places"])
            continue
        for alone in (dev, prod):
            for host, place in alone["places"].items():
                assert together["places"][host] == place, name
        # and it is no two hosts' cluster; a project that nobody gives is refused by the verb itself
        clusters = [tuple(place.values())[:3] for place in together["places"].values() if place["cluster_project"]]
        assert len(set(clusters)) == len(clusters), name
    assert 0 < refused < len(names)


def test_a_mixture_is_refused_with_the_line_for_one_host_too(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        folder_of(tmp_path, name, SHAPES["cluster at the host"], "", f"host-{name}")
    (found,) = judged(tmp_path, of(tmp_path / "dev", tmp_path / "prod", limit=["host-dev"]))
    (sentence,) = found["findings"]
    assert sentence.startswith("The inventories mix: host-dev of ")
    for name in ("dev", "prod"):
        assert f"{name} by rhaii_project ({tmp_path}/{name}/group_vars/all.yml:1)" in sentence


def test_variables_for_all_and_what_is_dynamic_are_no_mixture(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "hosts/hosts.yml": hosts(dev={"rhaii_cluster_name": "dev"}, prod={"rhaii_cluster_name": "prod"}),
            "common/all.yml": {"all": {"vars": {"rhaii_project": "p"}}},
            "asked.py": '#!/bin/sh\necho run >> $0.log\necho \'{"_meta": {"hostvars": {}}}\'\n',
        },
    )
    (tmp_path / "asked.py").chmod(0o755)
    common, dynamic = judged(
        tmp_path, of(tmp_path / "hosts", tmp_path / "common"), of(tmp_path / "hosts", tmp_path / "asked.py")
    )
    assert common["findings"] == dynamic["findings"] == []
    # by ansible-core, and not once more
    assert (tmp_path / "asked.py.log").read_text(encoding="utf-8").splitlines() == ["run"]


def test_it_costs_next_to_nothing(tmp_path: Path) -> None:
    many = {f"h{number}": {"rhaii_project": "p", "rhaii_cluster_name": f"c{number}"} for number in range(100)}
    write(tmp_path, {"one.yml": hosts(a={"rhaii_project": "p"}), "many.yml": hosts(**many)})
    one, hundred = judged(tmp_path, of(tmp_path / "one.yml"), of(tmp_path / "many.yml"))
    assert one["seconds"] < 0.002
    # to import what reads variables costs more than to read them
    code = (
        "import sys; from ansible_collections.rhaii.gke.plugins.action import hosts_check; "
        "print(any(name.endswith('._host_places') for name in sys.modules))"
    )
    read = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment(tmp_path), "PYTHONPATH": str(CHECKOUT / ".ansible/collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.strip() == "False"
    assert hundred["findings"] == []
    assert hundred["seconds"] < 5


def test_guide_env_is_the_guides_environment(tmp_path: Path) -> None:
    asked = of(CHECKOUT / "inventories/guide_env", show=[*PLACE, "cluster_tpu_nodes"])
    example = (CHECKOUT / "inventories/guide_env/.envrc.example").read_text(encoding="utf-8")
    exported = [line.removeprefix("export ") for line in example.splitlines() if line.startswith("export ")]
    given = dict(line.split("=") for line in exported)
    assert set(given) == {"PROJECT_ID", "ZONE", "CLUSTER_NAME", "NUM_NODES"}
    given.update(ZONE="us-east5-a", CLUSTER_NAME="mine", NUM_NODES="2")
    (found,) = judged(tmp_path, asked, **given)
    assert list(found["places"]["guide"].values()) == ["YOUR_PROJECT", "us-east5-a", "mine", "mine", 2]
    (unset,) = judged(tmp_path, asked, PROJECT_ID="p")
    name = "rhaii-tpu-scaleout-cluster"
    assert list(unset["places"]["guide"].values()) == ["p", "europe-west4-a", name, "guide", 3]
