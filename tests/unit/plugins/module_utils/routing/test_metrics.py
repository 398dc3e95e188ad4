# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM's counters: the text format, and reading one request out of two looks."""

from __future__ import annotations

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._routing.metrics import (
    Counters,
    Sample,
    Served,
    answers,
    counters,
    finished,
    samples,
    served,
)

PAGE = """\
# HELP vllm:request_success_total Count of successfully processed requests.
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="Qwen/Qwen2.5-3B-Instruct"} 12.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="Qwen/Qwen2.5-3B-Instruct"} 3.0
vllm:request_success_total{engine="1",finished_reason="length",model_name="Qwen/Qwen2.5-3B-Instruct"} 1.0
vllm:request_success_total{engine="0",finished_reason="abort",model_name="Qwen/Qwen2.5-3B-Instruct"} 100.0
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 60050.0
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 4.7616e+04
vllm:prefix_cache_hits_created{engine="0",model_name="m"} 1.7e+09
vllm:cache_config_info{block_size="128",cache_dtype="auto",engine="0"} 1.0
process_cpu_seconds_total 5.5
"""


def test_counters_of_a_page() -> None:
    assert counters(PAGE) == Counters(success=16.0, queries=60050.0, hits=47616.0, block=128)


def test_counters_that_are_not_there_are_not_known() -> None:
    assert counters("") == Counters(success=0.0, queries=None, hits=None, block=None)


def test_older_names_are_understood_and_newer_ones_win() -> None:
    old = "vllm:gpu_prefix_cache_queries_total 10\nvllm:gpu_prefix_cache_hits_total 4\nvllm:request_success 2\n"
    assert counters(old) == Counters(2.0, 10.0, 4.0)
    assert counters(old + "vllm:prefix_cache_hits_total 7\nvllm:request_success_total 5\n") == Counters(5.0, 10.0, 7.0)


@pytest.mark.parametrize("label", ['block_size="None"', 'block_size=""', 'block_size="-1"', 'block_size="1.5"', ""])
def test_a_block_size_that_is_no_number_is_not_known(label: str) -> None:
    assert counters(f"vllm:cache_config_info{{{label}}} 1").block is None


@pytest.mark.parametrize(
    ("line", "sample"),
    [
        pytest.param("up 1", Sample("up", {}, 1.0), id="bare"),
        pytest.param("up 1 1700000000000", Sample("up", {}, 1.0), id="with a time"),
        pytest.param("up\t2.5e3", Sample("up", {}, 2500.0), id="a tab"),
        pytest.param('a{b="c"} 1', Sample("a", {"b": "c"}, 1.0), id="a label"),
        pytest.param('a{b="c",d="e"} 1', Sample("a", {"b": "c", "d": "e"}, 1.0), id="two labels"),
        pytest.param('a{b="c",} 1', Sample("a", {"b": "c"}, 1.0), id="a trailing comma"),
        pytest.param('a{ b = "c" , d="e" } 1', Sample("a", {"b": "c", "d": "e"}, 1.0), id="blanks"),
        pytest.param("a{} 1", Sample("a", {}, 1.0), id="no label in braces"),
        pytest.param('a{b=""} 1', Sample("a", {"b": ""}, 1.0), id="an empty value"),
        pytest.param('a{b="x}y,z=\\"1\\""} 1', Sample("a", {"b": 'x}y,z="1"'}, 1.0), id="braces and quotes in it"),
        pytest.param('a{b="x\\\\"} 1', Sample("a", {"b": "x\\"}, 1.0), id="a backslash at its end"),
        pytest.param('a{b="x\\ny\\\\n"} 1', Sample("a", {"b": "x\ny\\n"}, 1.0), id="a line end, and none"),
        pytest.param('a{b="c"} +Inf', Sample("a", {"b": "c"}, float("inf")), id="infinite"),
        pytest.param('a_bucket{le="1"} 3 # {trace="t"} 0.5', Sample("a_bucket", {"le": "1"}, 3.0), id="an exemplar"),
        pytest.param("a:b_c1 7", Sample("a:b_c1", {}, 7.0), id="a colon in the name"),
    ],
)
def test_samples(line: str, sample: Sample) -> None:
    assert list(samples(line)) == [sample]


@pytest.mark.parametrize("line", ["", "# HELP up text", "up", "up x", 'a{b="c" 1', 'a{b="c', "a{b} 1", "{} 1", "1up 1"])
def test_what_is_no_sample_is_passed_over(line: str) -> None:
    assert list(samples(f"{line}\nup 1\n")) == [Sample("up", {}, 1.0)]


def test_only_the_named_samples() -> None:
    assert [sample.name for sample in samples("a 1\nab 2\nb 3\n", frozenset({"a", "b"}))] == ["a", "b"]


def look(**replicas: tuple[float, float, float]) -> dict[str, Counters]:
    return {name: Counters(*values) for name, values in replicas.items()}


BEFORE = look(a=(5, 1000, 200), b=(7, 500, 0), c=(0, 0, 0))


@pytest.mark.parametrize(
    ("after", "tokens", "found"),
    [
        pytest.param(look(a=(5, 1000, 200), b=(8, 900, 384), c=(0, 0, 0)), 400, Served("b", 384), id="one, with a hit"),
        pytest.param(look(a=(6, 1400, 200), b=(7, 500, 0), c=(0, 0, 0)), 400, Served("a", 0), id="one, cold"),
        pytest.param(look(a=(6, 1400, 200), b=(7, 500, 0), c=(0, 0, 0)), None, Served("a", 0), id="length not known"),
        pytest.param(BEFORE, 400, Served(), id="nobody"),
        pytest.param(
            look(a=(5, 1000, 200), b=(9, 960, 0), c=(0, 0, 0)), 400, Served("b", None, 1), id="another one there"
        ),
        pytest.param(
            look(a=(6, 1060, 200), b=(8, 900, 384), c=(0, 0, 0)), 400, Served("b", None, 1), id="a short one elsewhere"
        ),
        pytest.param(
            look(a=(6, 1400, 200), b=(8, 900, 384), c=(1, 10, 0)), 400, Served(None, None, 2), id="a long one elsewhere"
        ),
        pytest.param(
            look(a=(6, 1060, 200), b=(8, 900, 384), c=(0, 0, 0)), None, Served(None, None, 1), id="two, length unknown"
        ),
        pytest.param(look(a=(5, 1000, 200), b=(8, 900, 384)), 400, Served(), id="a replica went away"),
        pytest.param(look(a=(1, 100, 0), b=(8, 900, 384), c=(0, 0, 0)), 400, Served(), id="a replica began anew"),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 1300, 384), c=(0, 0, 0)), 400, Served("b", None), id="another prompt began"
        ),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 1299, 384), c=(0, 0, 0)), 400, Served("b", 384), id="not quite twice"
        ),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 900, 500), c=(0, 0, 0)), 400, Served("b", None), id="more hit than asked"
        ),
        pytest.param(look(a=(5, 1000, 200), b=(8, 900, 400), c=(0, 0, 0)), 400, Served("b", 400), id="all of it hit"),
        pytest.param(look(a=(5, 1000, 200), b=(8, 500, 0), c=(0, 0, 0)), 400, Served("b", None), id="nothing queried"),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 900, 0), c=(0, 0, 0), d=(9, 9, 9)), 400, Served("b", 0), id="a new replica"
        ),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 1300, 384), c=(0, 0, 0)), None, Served("b", 384), id="as long as it may be"
        ),
        pytest.param(
            look(a=(6, 1399, 200), b=(8, 900, 384), c=(0, 0, 0)), 400, Served("b", None, 1), id="one is a token short"
        ),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 850, 256), c=(0, 0, 0)), 400, Served("b", 256), id="alone, whatever its length"
        ),
        pytest.param(look(a=(5, 1000, 200), b=(8, 501, 1), c=(0, 0, 0)), 400, Served("b", 1), id="a single token"),
        pytest.param(
            look(a=(5, 1000, 200), b=(8, 900, -1), c=(0, 0, 0)), 400, Served("b", None), id="fewer hits than before"
        ),
    ],
)
def test_served(after: dict[str, Counters], tokens: int | None, found: Served) -> None:
    assert served(BEFORE, after, tokens) == found


def test_served_without_cache_counters_knows_the_replica_alone() -> None:
    before, after = {"a": Counters(1), "b": Counters(1)}, {"a": Counters(2), "b": Counters(1)}
    assert served(before, after, 400) == Served("a", None)
    assert served({"a": Counters(1, 10)}, {"a": Counters(2, 50)}, 40) == Served("a", None)
    assert served({"a": Counters(1)}, {"a": Counters(2, 50, 5)}, 40) == Served("a", None)
    assert served({"a": Counters(1, 10, 5)}, {"a": Counters(2)}, 40) == Served("a", None)
    # of two that were busy, one does not tell how much it was asked
    assert served({**before, "c": Counters(1, 0, 0)}, {**after, "c": Counters(2, 400, 0)}, 400) == Served("c", None, 1)


def test_finished_counts_what_was_seen_twice() -> None:
    assert finished(BEFORE, look(a=(9, 0, 0), c=(0, 0, 0), d=(3, 0, 0))) == {"a": 4, "c": 0}


def test_answers_of_a_gateways_clusters() -> None:
    page = (
        'envoy_cluster_upstream_rq_total{cluster_name="outbound|9002||p.n.svc.cluster.local"} 5\n'
        'envoy_cluster_upstream_rq{response_code="200",cluster_name="outbound|9002||p.n.svc.cluster.local"} 3\n'
        'envoy_cluster_upstream_rq{response_code="503",cluster_name="outbound|9002||p.n.svc.cluster.local"} 2\n'
        'envoy_cluster_upstream_rq{response_code_class="2xx",cluster_name="outbound|9002||p.n.svc.cluster.local"} 3\n'
        'envoy_cluster_internal_upstream_rq{response_code="200",cluster_name="outbound|9002||p.n.svc.cluster.local"} 7'
        "\n"
        'envoy_cluster_upstream_rq_total{cluster_name="outbound|8000||s.n.svc.cluster.local"} 0\n'
        'envoy_cluster_upstream_rq_total{cluster_name="xds-grpc"} 9\n'
    )
    assert answers(page) == {"outbound|9002||p.n.svc.cluster.local": 3, "outbound|8000||s.n.svc.cluster.local": 0}


def test_gateway_that_keeps_no_such_statistics_is_told_from_one_that_counted_none() -> None:
    assert answers('envoy_cluster_upstream_rq_total{cluster_name="xds-grpc"} 9\n') is None
    assert answers("") is None
