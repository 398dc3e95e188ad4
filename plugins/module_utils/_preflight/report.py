# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""One report of all that was asked: the inputs, Google's and the model hub's answers, the place and the price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.inputs import amount

# What a module returned, or what Ansible made of its failure; empty when it was not asked.
Answer = Mapping[str, Any]

APIS = "APIs"


def report(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The findings of all parts, in the order in which they were asked for."""
    return [asdict(finding) for finding in _findings(asked)]


def _findings(asked: Mapping[str, Any]) -> Iterator[Finding]:
    yield from map(_finding, asked["inputs"]["findings"])
    enabled = _answer(asked, "enabled")
    yield from enabling(enabled)
    would_enable = bool(asked.get("would_enable"))
    for finding in _said(_answer(asked, "access"), "access", FAILED):
        yield _foreseen(finding) if would_enable else finding
    yield from _said(_answer(asked, "models"), "model access", UNKNOWN)
    yield from placing(_answer(asked, "place"))
    quota = _answer(asked, "quota")
    yield from quota_findings(quota) if "candidates" in quota else _said(quota, "quota", FAILED)
    yield from cost_findings(_answer(asked, "cost"), asked.get("cost_limit"))


def _answer(asked: Mapping[str, Any], name: str) -> Answer:
    answer = asked.get(name) or {}
    return {} if answer.get("skipped") else answer


def _finding(found: Mapping[str, Any]) -> Finding:
    return Finding(*(str(found.get(key) or "") for key in ("check", "verdict", "found", "remedy")))


def _said(answer: Answer, name: str, verdict: str) -> list[Finding]:
    """The findings of a module; one that broke off is a finding itself, whatever its task made of that."""
    if not answer:
        return []
    if "findings" in answer:
        return list(map(_finding, answer["findings"]))
    return [Finding(name, verdict, str(answer.get("msg") or "no answer"))]


def _foreseen(finding: Finding) -> Finding:
    """Check mode enables no APIs: what is missing is no obstacle to the real run."""
    if (finding.check, finding.verdict) != (APIS, FAILED):
        return finding
    return replace(
        finding, verdict=UNKNOWN, remedy="They would be enabled now (rhaii_enable_apis); check mode does not."
    )


def enabling(answer: Answer) -> list[Finding]:
    """What became of the APIs that were missing, one result of google.cloud's module each."""
    results = answer.get("results") or []
    # google.cloud's module says something only when it fails
    failed = [f"{each['item']}: {each['msg']}" for each in results if each.get("msg")]
    if failed:
        return [
            Finding(
                "enabling APIs",
                FAILED,
                "; ".join(failed),
                "Enable them by hand, or grant roles/serviceusage.serviceUsageAdmin.",
            )
        ]
    done = [str(each["item"]) for each in results if each.get("changed")]
    return [Finding("enabling APIs", OK, f"enabled {', '.join(done)}")] if done else []


def placing(answer: Answer) -> list[Finding]:
    """Where the environment works, when that is not where the inventory has it."""
    if answer and "location" not in answer:
        return [Finding("place", UNKNOWN, str(answer.get("msg") or "no answer"))]
    if not (answer.get("exists") and answer.get("moved")):
        return []
    location = answer["location"]
    return [
        Finding(
            "place",
            OK,
            f"the environment works in {location}, which is judged instead of the first location",
            f"Write rhaii_location: {location} into the inventory to stay there.",
        )
    ]


def quota_findings(result: Answer) -> list[Finding]:
    """What tpu_quota_check said of its first candidate, which is the environment's; the others are the way out."""
    first = result["candidates"][0]
    verdicts = {"sufficient": OK, "insufficient": FAILED}
    judged = [
        Finding(
            str(check["check"]),
            verdicts.get(str(check["verdict"]), UNKNOWN),
            f"{first['location']}: {check['reason']}",
            str(check["remedy"]),
        )
        for check in first["checks"]
    ]
    return [*judged, *map(_asked, result.get("sent") or [])]


def _asked(request: Mapping[str, Any]) -> Finding:
    """A request for more quota, and what Google says of it."""
    granted, wanted = request["granted_value"], int(request["preferred_value"])
    if granted is not None and int(granted) >= wanted:
        return Finding("quota request", OK, f"Google granted {granted} of {request['quota_id']}")
    said = request["state_detail"] or ("being decided" if request["reconciling"] else "not granted")
    return Finding(
        "quota request",
        UNKNOWN,
        f"Google was asked for {wanted} of {request['quota_id']}: {said}",
        "Run preflight again when Google has decided, which takes minutes or days.",
    )


def cost_findings(result: Answer, limit: Any) -> list[Finding]:
    """What the environment costs an hour, against what it may cost."""
    candidates: Sequence[Mapping[str, Any]] = result.get("candidates") or []
    if not candidates:
        return _said(result, "cost", UNKNOWN)
    first = candidates[0]
    where = f"{first['provisioning']}, {first['location']}"
    origin = {"billing": "Cloud Billing", "table": "the table of prices"}.get(first["source"], str(first["source"]))
    unknown = ", ".join(map(str, first.get("unknown") or []))
    if first.get("hourly") is None:
        return [
            Finding("cost", UNKNOWN, f"the price is not known ({where}): {unknown}", "Look it up before you deploy.")
        ]
    price = price_of(first)
    date = f" of {first['as_of']}" if first.get("as_of") else ""
    found = f"{price} an hour ({where}), from {origin}{date}"
    if first.get("suspended_hourly") is not None:
        found = f"{found}, {float(first['suspended_hourly']):.2f} suspended"
    if unknown:
        found = f"{found}, without {unknown}"
    if limit is not None and float(first["hourly"]) > (allowed := amount(limit)):
        return [
            Finding(
                "cost",
                FAILED,
                f"{found}: more than {allowed:.2f}",
                "Take fewer replicas, another way to buy (rhaii_provisioning) or another zone (rhaii_location), or "
                "raise rhaii_cost_limit.",
            )
        ]
    return [Finding("cost", OK, found)]


def price_of(candidate: Mapping[str, Any]) -> str:
    """38.12 USD, or nothing when it is not known."""
    hourly = candidate.get("hourly")
    return "" if hourly is None else f"{float(hourly):.2f} {candidate.get('currency') or 'USD'}"


__all__ = ("APIS", "cost_findings", "enabling", "placing", "price_of", "quota_findings", "report")
