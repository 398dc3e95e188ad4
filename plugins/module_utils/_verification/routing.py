# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What the requests of cache_routing_test showed, each as one finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding

_UNASKED = (
    "Run deploy.yml again: it applies the EnvoyFilter that names each route's endpoint picker. Where the finding "
    "EnvoyFilter names another one, delete that one first."
)
_UNROUTED = "Run deploy.yml again, and look at the gateway's log where that does not help."
_UNSEEN = "Let this account read the routes, the gateway's pods and their proxy (pods/proxy), and run verify.yml again."


def routing_findings(result: Mapping[str, Any], require_affinity: bool, require_proof: bool = False) -> list[Finding]:
    """What cache_routing_test found: health, the answer, routing by prefix, each path's picker, throughput."""
    return list(_routing(result, require_affinity, require_proof))


def pickers(asked: Sequence[Mapping[str, Any]], require_affinity: bool) -> Iterator[Finding]:
    """Whether each model's own endpoint picker is asked on all of its paths, one finding a model."""
    for service in dict.fromkeys(str(each["service"]) for each in asked):
        own = [each for each in asked if each["service"] == service]
        check = f"endpoint picker of {service}"
        unasked = [f"{_at(each)} ({each['answers']} of {each['requests']})" for each in own if _is(each, "not_asked")]
        failed = [f"{_at(each)}: {each['reason']}" for each in own if _is(each, "failed")]
        unseen = [f"{_at(each)}: {each['reason']}" for each in own if _is(each, "unknown")]
        if unasked:
            text = f"not asked on {', '.join(unasked)}"
            yield Finding(check, FAILED if require_affinity else UNKNOWN, "; ".join([text, *failed]), _UNASKED)
        elif failed:
            yield Finding(check, FAILED, "; ".join(failed), _UNROUTED)
        elif unseen:
            yield Finding(check, UNKNOWN, f"cannot be told: {'; '.join(dict.fromkeys(unseen))}", _UNSEEN)
        else:
            yield Finding(check, OK, f"asked on {', '.join(_at(each) for each in own)}")


def _is(each: Mapping[str, Any], verdict: str) -> bool:
    return bool(each["verdict"] == verdict)


def _at(each: Mapping[str, Any]) -> str:
    headers = ", ".join(f"{name}: {value}" for name, value in each["headers"].items())
    return f"{each['path'] or 'any path'}{f' with {headers}' if headers else ''}"


def _routing(result: Mapping[str, Any], require_affinity: bool, require_proof: bool) -> Iterator[Finding]:
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
    elif (judged == "unknown" and not require_proof) or (judged in ("blind", "no_cache") and not require_affinity):
        yield Finding("cache routing", UNKNOWN, message, str(result.get("remedy") or ""))
    else:
        yield Finding("cache routing", FAILED, message, str(result.get("remedy") or ""))
    yield from pickers(result.get("asked") or [], require_affinity)
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


__all__ = ("in_figures", "pickers", "routing_findings")
