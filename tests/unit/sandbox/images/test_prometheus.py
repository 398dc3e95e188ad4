# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prometheus' text format."""

from __future__ import annotations

from sandbox.images.prometheus import Histogram, Values, render, totals


def test_values_are_written_with_their_labels() -> None:
    counter = Values("requests_total", "counter", "Requests.", {"m": 'a"b'}, initial=False)
    counter.add(2, code="200")
    counter.add(code="200")
    assert render([counter]).splitlines() == [
        "# HELP requests_total Requests.",
        "# TYPE requests_total counter",
        'requests_total{m="a\\"b",code="200"} 3.0',
    ]


def test_histogram_counts_up_to_each_bound() -> None:
    seconds = Histogram("s", "Seconds.", (0.1, 1.0))
    for value in (0.1, 0.5, 7.0):
        seconds.observe(value)
    assert list(seconds.samples()) == [
        *('s_bucket{le="0.1"} 1.0', 's_bucket{le="1.0"} 2.0', 's_bucket{le="+Inf"} 3.0'),
        *("s_count 3.0", "s_sum 7.6"),
    ]


def test_totals_sum_over_labels_and_skip_what_is_no_sample() -> None:
    page = '# TYPE q gauge\nq{a="1"} 2\nq{a="2,}"} 3.5\nplain 1\nodd nothing\n\n'
    assert totals(page) == {"q": 5.5, "plain": 1.0}


def test_unlabelled_value_starts_at_zero_and_can_be_set_and_cleared() -> None:
    gauge = Values("g", "gauge", "G.")
    assert list(gauge.samples()) == ["g 0.0"]
    gauge.set(4)
    assert gauge.value() == 4
    gauge.clear()
    assert list(gauge.samples()) == []
