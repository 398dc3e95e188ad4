# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hosts of one inventory: every mix of their shapes is refused or right."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._hosts_apart import Place, Value, clashes, mixture

PROJECTS = ("p", "q", "")
LOCATIONS = ("europe-west4-a", "us-east5-a", "")
CLUSTERS = ("one", "two", "")
ENVIRONMENTS = ("dev", "prod", "")
CLOUDS = ("", "http://127.0.0.1:1")
SHAPES = list(product(PROJECTS, LOCATIONS, CLUSTERS, ENVIRONMENTS, CLOUDS))


def place(host: str, shape: tuple[str, ...]) -> Place:
    project, location, cluster, environment, cloud = (
        Value(text, f"of {host}") if index < 4 else text for index, text in enumerate(shape)
    )
    assert isinstance(cloud, str)
    return Place(host, project, location, cluster, environment, cloud)  # type: ignore[arg-type]


def test_every_mix_of_two_shapes() -> None:
    refused = 0
    for one, other in [*combinations(SHAPES, 2), *((shape, shape) for shape in SHAPES)]:
        same = {name: a == b and bool(a) for name, a, b in zip(("p", "l", "c", "e"), one, other, strict=False)}
        in_one_cloud = one[4] == other[4]
        cluster = in_one_cloud and same["p"] and same["l"] and same["c"]
        environment = in_one_cloud and same["p"] and same["e"]
        found = clashes([place("a", one), place("b", other)], ["a", "b"])
        assert len(found) == int(cluster or environment), (one, other, found)
        refused += len(found)
        for sentence in found:
            assert ("same cluster" in sentence) == cluster
            assert sentence.startswith("The hosts a and b ")
            assert "of a for a, of b for b" in sentence
    assert refused > 100


@pytest.mark.parametrize(("in_play", "told"), [(["a"], 1), (["b"], 1), (["c"], 0), ([], 0)])
def test_only_what_the_play_touches_is_refused(in_play: list[str], told: int) -> None:
    places = [place(host, ("p", "l", "one", host, "")) for host in "ab"] + [place("c", ("p", "l", "two", "c", ""))]
    assert len(clashes(places, in_play)) == told


def test_many_hosts_are_one_sentence() -> None:
    hosts = [f"h{number}" for number in range(500)]
    (sentence,) = clashes([place(host, ("p", "l", "one", "dev", "")) for host in hosts], hosts)
    assert "h0, h1, h2, h3, h4 and 495 more mean the same cluster: one in l of the project p" in sentence


def test_a_source_that_is_the_same_for_all_is_said_once() -> None:
    shared = Value("one", "rhaii_cluster_name (all.yml:3)")
    both = [replace(place(host, ("p", "l", "one", host, "")), cluster=shared) for host in "ab"]
    assert (
        "(cluster name by rhaii_cluster_name (all.yml:3); location by of a for a, of b for b;" in clashes(both, "a")[0]
    )


def test_a_host_that_stays_is_no_mixture_and_one_that_moves_is() -> None:
    for alone, together in product(SHAPES, SHAPES):
        before, after = place("a", alone), place("a", together)
        assert bool(mixture(before, after, "inventories/a")) == (alone != together)
    said = mixture(place("a", SHAPES[0]), place("a", ("q", *SHAPES[0][1:])), "inventories/a")
    assert said.startswith("The inventories mix: a of inventories/a would mean another cluster beside the others")
    assert "project p by of a would be q by of a" in said
