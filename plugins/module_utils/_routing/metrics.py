# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""vLLM's counters out of Prometheus' text format, and what their differences tell about a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Newer names first; a server has one of each.
SUCCESS = ("vllm:request_success_total", "vllm:request_success")
QUERIES = ("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total")
HITS = ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total")
CONFIG = "vllm:cache_config_info"
WANTED = frozenset({*SUCCESS, *QUERIES, *HITS, CONFIG})

# Envoy's, of its clusters: requests sent, and answers by status. Observed with Envoy 1.40: the first is there for every
# cluster, 0 or not, the second comes with the first answer.
SENT, ANSWERED = "envoy_cluster_upstream_rq_total", "envoy_cluster_upstream_rq"
OUTBOUND = "outbound|"

_NAME = re.compile(r"[A-Za-z_:][\w:]*")
_LABEL = re.compile(r'\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))')
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Sample:
    name: str
    labels: Mapping[str, str]
    value: float


def samples(page: str, names: frozenset[str] | None = None) -> Iterator[Sample]:
    """The samples of a page, or only those of `names`; a line that is none is passed over."""
    for line in page.splitlines():
        match = _NAME.match(line)
        if match is None or (names is not None and match[0] not in names):
            continue
        labels, position = _labels(line, match.end())
        words = line[position:].split()
        if position < 0 or not words:
            continue
        try:
            yield Sample(match[0], labels, float(words[0]))
        except ValueError:
            continue


def _labels(line: str, position: int) -> tuple[dict[str, str], int]:
    """The labels that begin at `position`, and where the value begins (-1 when they do not end)."""
    labels: dict[str, str] = {}
    if not line.startswith("{", position):
        return labels, position
    position += 1
    while match := _LABEL.match(line, position):
        labels[match[1]] = _ESCAPE.sub(lambda found: "\n" if found[1] == "n" else found[1], match[2])
        position = match.end()
    end = re.compile(r"\s*\}").match(line, position)
    return labels, end.end() if end else -1


@dataclass(frozen=True)
class Counters:
    """What one replica has counted since its start. Cache figures are tokens; None where it has no such counter."""

    success: float
    queries: float | None = None
    hits: float | None = None
    # tokens of one block of its cache
    block: int | None = None


def counters(page: str) -> Counters:
    """The counters of one replica, over all of its engines."""
    sums: dict[str, float] = {}
    block: int | None = None
    for sample in samples(page, WANTED):
        if sample.name == CONFIG:
            size = sample.labels.get("block_size", "")
            block = int(size) if size.isdecimal() else None
        elif sample.labels.get("finished_reason") != "abort":
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return Counters(
        success=_first(sums, SUCCESS) or 0.0,
        queries=_first(sums, QUERIES),
        hits=_first(sums, HITS),
        block=block,
    )


def answers(page: str) -> dict[str, int] | None:
    """How often each cluster of a gateway answered with status 200; None where its Envoy keeps no such statistics."""
    found: dict[str, int] = {}
    for sample in samples(page, frozenset({SENT, ANSWERED})):
        cluster = sample.labels.get("cluster_name", "")
        if not cluster.startswith(OUTBOUND):
            continue
        found.setdefault(cluster, 0)
        if sample.name == ANSWERED and sample.labels.get("response_code") == "200":
            found[cluster] += round(sample.value)
    return found or None


def _first(sums: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    return next((sums[name] for name in names if name in sums), None)


def finished(before: Mapping[str, Counters], after: Mapping[str, Counters]) -> dict[str, int]:
    """How many requests each replica finished between two looks; a replica that was not seen twice is left out."""
    return {name: round(after[name].success - before[name].success) for name in before if name in after}


@dataclass(frozen=True)
class Served:
    """Which replica served a request, as far as the counters tell, and what its cache said."""

    replica: str | None = None
    hit_tokens: int | None = None
    # requests of others in the same time
    foreign: int = 0


def served(before: Mapping[str, Counters], after: Mapping[str, Counters], prompt_tokens: int | None) -> Served:
    """Read one request out of what the counters did meanwhile; in doubt, nothing is claimed."""
    counts = finished(before, after)
    if set(before) - set(after) or any(count < 0 for count in counts.values()):
        return Served()  # a replica went away or began anew
    total = sum(counts.values())
    foreign = max(0, total - 1)
    busy = [name for name, count in counts.items() if count]
    if foreign and prompt_tokens:
        busy = [name for name in busy if (_grown(before, after, name)[0] or 0.0) >= prompt_tokens]
    if len(busy) != 1:
        return Served(foreign=foreign)
    queried, hit = _grown(before, after, busy[0])
    if foreign or queried is None or hit is None or not 0 <= hit <= queried or queried <= 0:
        return Served(busy[0], None, foreign)
    if prompt_tokens and queried >= 2 * prompt_tokens:  # somebody else's prompt is in it
        return Served(busy[0], None, foreign)
    return Served(busy[0], round(hit), foreign)


def _grown(
    before: Mapping[str, Counters], after: Mapping[str, Counters], name: str
) -> tuple[float | None, float | None]:
    """The tokens queried and hit at one replica between two looks."""
    old, new = before[name], after[name]
    queried = None if old.queries is None or new.queries is None else new.queries - old.queries
    hit = None if old.hits is None or new.hits is None else new.hits - old.hits
    return queried, hit


__all__ = ("Counters", "Sample", "Served", "answers", "counters", "finished", "samples", "served")
