# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the requests of cache_routing_test showed, each as one finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding


def routing_findings(result: Mapping[str, Any], require_affinity: bool) -> list[Finding]:
    """What cache_routing_test found: health, the answer, routing by prefix, throughput."""
    return list(_routing(result, require_affinity))


def _routing(result: Mapping[str, Any], require_affinity: bool) -> Iterator[Finding]:
    message = str(result.get("msg") or "")
    looks = result.get("health") or []
    for look in looks:
        check = f"{look['check']} {look['path']}"
        if look["ok"]:
            yield Finding(check, OK, str(look["status"]))
        else:
            remedy = "Look at the gateway and the model's pods: kubectl get pods -A."
            yield Finding(check, FAILED, str(look.get("detail") or look.get("status") or "no answer"), remedy)
    judged = result.get("verdict")
    # what failed before its first request has the verdict unknown, which must not pass
    if not judged or not looks:
        yield Finding("requests", FAILED, message or "the test did not run", "Run verify.yml again with -v.")
        return
    if judged == "affine":
        yield Finding("cache routing", OK, message)
    elif judged == "unknown" or (judged in ("blind", "no_cache") and not require_affinity):
        yield Finding("cache routing", UNKNOWN, message, str(result.get("remedy") or ""))
    else:
        yield Finding("cache routing", FAILED, message, str(result.get("remedy") or ""))
    for name in ("serial", "parallel"):
        figures = result.get(name) or {}
        if not figures.get("requests"):
            continue
        text = in_figures(figures, (50,))
        errors = int(figures.get("errors") or 0)
        if not errors:
            yield Finding(f"{name} requests", OK, text)
            continue
        said = f"{text}, {errors} of {figures['requests']} requests failed"
        texts = "; ".join(figures.get("error_texts") or [])
        yield Finding(f"{name} requests", FAILED, said, texts or "See the errors in the result.")


def in_figures(figures: Mapping[str, Any], percentiles: Sequence[int]) -> str:
    """Throughput and latencies as people read them; there are none where no request succeeded."""
    if figures.get("requests_per_second") is None:
        return "no request succeeded"
    latencies = (f"P{percent} {figures[f'p{percent}_ms']:.0f} ms" for percent in percentiles)
    return ", ".join([f"{figures['requests_per_second']:.1f} req/s", *latencies])


__all__ = ("in_figures", "routing_findings")
