# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters, gauges and histograms in Prometheus' text format, written and read."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")


def label_text(labels: Mapping[str, str]) -> str:
    """`a="b",c="d"`."""
    escaped = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for name, value in labels.items()
    }
    return ",".join(f'{name}="{value}"' for name, value in escaped.items())


def number(value: float) -> str:
    """A sample's value; whole numbers with one decimal, as Prometheus' own client writes them."""
    return repr(float(value))


class Family:
    """One metric name with its samples."""

    def __init__(self, name: str, kind: str, text: str, labels: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.kind = kind
        self.text = text
        self.base = dict(labels or {})

    def lines(self) -> Iterator[str]:
        """The lines of the family, head and samples."""
        yield f"# HELP {self.name} {self.text}"
        yield f"# TYPE {self.name} {self.kind}"
        yield from self.samples()

    def samples(self) -> Iterator[str]:
        """The sample lines; each kind of family has its own."""
        raise NotImplementedError

    def _label_text(self, **labels: str) -> str:
        return label_text({**self.base, **labels})


class Values(Family):
    """A counter or a gauge, with one value a set of labels."""

    def __init__(
        self, name: str, kind: str, text: str, labels: Mapping[str, str] | None = None, *, initial: bool = True
    ) -> None:
        super().__init__(name, kind, text, labels)
        self._values: dict[str, float] = {self._label_text(): 0.0} if initial else {}

    def add(self, amount: float = 1.0, **labels: str) -> None:
        """Count."""
        key = self._label_text(**labels)
        self._values[key] = self._values.get(key, 0.0) + amount

    def set(self, value: float, **labels: str) -> None:
        """Put a gauge at a value."""
        self._values[self._label_text(**labels)] = value

    def value(self, **labels: str) -> float:
        """The present value; 0 when there is none."""
        return self._values.get(self._label_text(**labels), 0.0)

    def clear(self) -> None:
        """Forget all samples."""
        self._values.clear()

    def samples(self) -> Iterator[str]:
        for labels, value in self._values.items():
            yield f"{self.name}{{{labels}}} {number(value)}" if labels else f"{self.name} {number(value)}"


class Histogram(Family):
    """Observations by upper bound."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], labels: Mapping[str, str] | None = None) -> None:
        super().__init__(name, "histogram", text, labels)
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Note a value."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    @property
    def count(self) -> int:
        return sum(self.counts)

    def samples(self) -> Iterator[str]:
        running = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            running += count
            mark = "+Inf" if bound == float("inf") else number(bound)
            yield f"{self.name}_bucket{{{self._label_text(le=mark)}}} {number(running)}"
        labels = self._label_text()
        braces = f"{{{labels}}}" if labels else ""
        yield f"{self.name}_count{braces} {number(running)}"
        yield f"{self.name}_sum{braces} {number(self.total)}"


def render(families: Sequence[Family]) -> str:
    """The whole page."""
    return "\n".join(line for family in families for line in family.lines()) + "\n"


def totals(page: str) -> dict[str, float]:
    """The sum of each name's samples of a page, whatever their labels."""
    found: dict[str, float] = {}
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        match = _SAMPLE.match(line)
        if match:
            try:
                found[match[1]] = found.get(match[1], 0.0) + float(match[3])
            except ValueError:
                continue
    return found
