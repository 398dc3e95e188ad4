# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What an answer of Google means that is no success: one table for all who ask. Pure.

Google has several phrases for each thing, and several statuses. An answer is read by its reasons first (those of
google.rpc.ErrorInfo, the codes of conditions), then by what its words tell at such a status, then by the reasons of the
older form of errors, which often only repeat the status, and by the status at last.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

# Something works on the same cluster, or on as many things as Google allows at once: it passes when that ends.
BUSY = "busy"
# Too many requests for the moment.
RATE = "rate"
# Google's own trouble of the moment.
PASSING = "passing"
QUOTA = "quota"
STOCKOUT = "stockout"
# A reservation is not there, or has not so many machines.
RESERVATION = "reservation"
API_DISABLED = "API disabled"
BILLING = "billing"
# The project is held by Google, or the organisation does not want this.
SUSPENDED = "suspended"
POLICY = "policy"
CREDENTIALS = "credentials"
PERMISSION = "permission"
MISSING = "missing"
EXISTS = "exists"
# Not in this state; whether that passes is not said.
PRECONDITION = "precondition"
# Quota or machines, the answer does not say which.
EXHAUSTED = "exhausted"
INVALID = "invalid"
OTHER = "other"

QUOTA_PAGE = "https://console.cloud.google.com/iam-admin/quotas"
BILLING_PAGE = "https://console.cloud.google.com/billing/linkedaccount"
RESERVATION_PAGE = "https://console.cloud.google.com/compute/reservations"


@dataclass(frozen=True)
class Rule:
    """`words` count at these statuses alone; an error of an operation has none, which is 0."""

    meaning: str
    reasons: frozenset[str]
    words: re.Pattern[str]
    statuses: frozenset[int]


def _rule(meaning: str, reasons: str, words: str, *statuses: int) -> Rule:
    return Rule(meaning, frozenset(reasons.split()), re.compile(words, re.IGNORECASE | re.DOTALL), frozenset(statuses))


_DOING = r"creat|delet|updat|upgrad|repair|resiz|reconcil|modif|provision|operat|chang"
# The first that fits counts. Words as in public reports, see tests/field/google_errors.yml, each with its source.
RULES: tuple[Rule, ...] = (
    _rule(
        API_DISABLED,
        "SERVICE_DISABLED accessNotConfigured",
        r"has not been used in project \S+ before or it is disabled|\bAPI has not been enabled|"
        r"\bAPI\b.{0,80}\b(is |has been )?(not enabled|disabled)",
        400,
        403,
    ),
    _rule(
        BILLING,
        "BILLING_DISABLED UREQ_PROJECT_BILLING_NOT_FOUND UREQ_PROJECT_BILLING_NOT_OPEN billingNotEnabled",
        r"billing (account )?(to be|must be|has to be) enabled|requires billing|has billing disabled|"
        r"billing account\b.{0,80}\b(not found|not open|disabled|closed)|billing is (disabled|not enabled)",
        400,
        403,
        429,
    ),
    _rule(
        SUSPENDED,
        "CONSUMER_SUSPENDED GCP_SUSPENDED",
        r"\b(project|consumer|account)\b.{0,80}\b(has been|is) suspended",
        403,
    ),
    _rule(
        POLICY,
        "RESOURCE_USAGE_RESTRICTION_VIOLATED LOCATION_ORG_POLICY_VIOLATED ORG_RESTRICTION_VIOLATION "
        "SECURITY_POLICY_VIOLATED LOCATION_POLICY_VIOLATED",
        r"\bconstraints?/|organi[sz]ation('s)? policy|violates? .{0,40}\bpolicy",
        0,
        400,
        403,
        412,
    ),
    _rule(
        RESERVATION,
        "CONDITION_NOT_MET",
        r"\breservations?\b.{0,160}\b(do(es)? not have|do(es)? not exist|not found|(is|are) insufficient|not enough|"
        r"is short|no available|used up)",
        0,
        400,
        403,
        404,
        409,
        412,
        429,
    ),
    _rule(
        BUSY,
        "CLUSTER_ALREADY_HAS_OPERATION CONCURRENT_OPERATIONS_QUOTA_EXCEEDED operationInProgress",
        r"incompatible operation|too many operations|concurrent operations? quota|"
        r"\b(another|concurrent|ongoing|pending|conflicting) operations?\b|"
        r"\boperations? (\S+ )?(is|are|was|were) (already |still |currently )*"
        rf"(running|in progress|under ?way|pending|({_DOING})\w*ing|being ({_DOING}))|\boperations? in progress|"
        rf"\b(is|are) (currently |already |still |now )*being ({_DOING})|"
        rf"\b(is|are) (currently|still|now) ({_DOING})\w*ing|"
        r"\b(cluster|node ?pool)\b.{0,80}\bis reconciling|"
        r"\b(again|retry) (once|when|after|until) (it|they|that|this|the\b)",
        400,
        409,
        412,
        429,
    ),
    _rule(
        STOCKOUT,
        "GCE_STOCKOUT STOCKOUT ZONE_RESOURCE_POOL_EXHAUSTED ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS "
        "RESOURCE_POOL_EXHAUSTED REGION_RESOURCE_POOL_EXHAUSTED resource_availability",
        r"stock-?out|resource[_ ]pool[_ ]exhausted|do(es)? not have enough resources|out of capacity|"
        r"no more capacity|(insufficient|not enough|lacks?( the)?|no) capacity|"
        r"currently unavailable in the \S+ (zone|region)|do(es)? not (currently )?have (sufficient|enough) capacity",
        0,
        400,
        403,
        409,
        429,
        503,
    ),
    _rule(
        RATE,
        "RATE_LIMIT_EXCEEDED",
        r"\bper (\d+ )?(second|minute|hour|day)|rate limit|too many requests|request rate|rate of requests",
        403,
        429,
    ),
    _rule(
        QUOTA,
        "QUOTA_EXCEEDED GCE_QUOTA_EXCEEDED RESOURCE_QUOTA_EXCEEDED INSUFFICIENT_QUOTA",
        r"insufficient (?!permission)(\S+ ){0,2}quota|"
        r"\bquota\b.{0,120}\b(exceed|exhaust|insufficient|not enough|short|used up)|"
        r"exceed\w*\b.{0,60}\bquota|gce_quota_exceeded|quota_exceeded|\brequires '?[\d.]+'? and is short|"
        r"\b(out of|over|beyond|not enough|no) quota",
        0,
        400,
        403,
        409,
        413,
        429,
    ),
    _rule(
        CREDENTIALS,
        "ACCESS_TOKEN_EXPIRED ACCESS_TOKEN_SCOPE_INSUFFICIENT ACCESS_TOKEN_TYPE_UNSUPPORTED ACCOUNT_STATE_INVALID "
        "CREDENTIALS_MISSING",
        r"insufficient authentication scopes|invalid authentication credentials",
        401,
        403,
    ),
    _rule(PERMISSION, "IAM_PERMISSION_DENIED USER_PROJECT_DENIED CONSUMER_INVALID", r"(?!)"),
)
# Of the older form of errors: they say less than words, and more than a status.
_OLDER = {
    "accessNotConfigured": API_DISABLED,
    "billingNotEnabled": BILLING,
    "quotaExceeded": QUOTA,
    "dailyLimitExceeded": QUOTA,
    "rateLimitExceeded": RATE,
    "userRateLimitExceeded": RATE,
    "resourceNotReady": BUSY,
    "operationInProgress": BUSY,
}
_CODES = {
    "UNAVAILABLE": PASSING,
    "INTERNAL": PASSING,
    "DEADLINE_EXCEEDED": PASSING,
    "UNAUTHENTICATED": CREDENTIALS,
    "PERMISSION_DENIED": PERMISSION,
    "NOT_FOUND": MISSING,
    "ALREADY_EXISTS": EXISTS,
    "FAILED_PRECONDITION": PRECONDITION,
    "ABORTED": PRECONDITION,
    "RESOURCE_EXHAUSTED": EXHAUSTED,
    "INVALID_ARGUMENT": INVALID,
    "OUT_OF_RANGE": INVALID,
}
# google.api_core's ServiceUnavailable and DeadlineExceeded, and what front ends and proxies give in between.
PASSING_STATUSES = frozenset({408, 500, 502, 503, 504})
_STATUSES = {
    **dict.fromkeys(PASSING_STATUSES, PASSING),
    400: INVALID,
    401: CREDENTIALS,
    403: PERMISSION,
    404: MISSING,
    409: PRECONDITION,
    412: PRECONDITION,
    429: RATE,
}
# Codes under which no words tell of something that passes: what was asked for is wrong, or is there already.
_FINAL = frozenset({"INVALID_ARGUMENT", "ALREADY_EXISTS", "OUT_OF_RANGE", "UNIMPLEMENTED"})


def meaning_of(status: int, code: str, message: str, reasons: Collection[str] = (), older: Collection[str] = ()) -> str:
    """`code` is the word of google.rpc.Code, or of a condition; `status` is 0 for an error of an operation."""
    given = {code, *reasons}
    for rule in RULES:
        if rule.reasons & given:
            return rule.meaning
    for rule in RULES:
        said = rule.words.search(message) if status in rule.statuses else None
        if said and not (rule.meaning == BUSY and code in _FINAL):
            return rule.meaning
    by_older = next((_OLDER[reason] for reason in older if reason in _OLDER), "")
    by_status = _STATUSES.get(status, "")
    if by_older or by_status in (PASSING, RATE, CREDENTIALS):
        return by_older or by_status
    return _CODES.get(code) or by_status or OTHER


@dataclass(frozen=True)
class Shortage:
    """Of which quota there is too little, and how much, as far as Google says."""

    metric: str
    limit: float | None = None
    needed: float | None = None
    short: float | None = None
    region: str = ""

    @property
    def ask(self) -> float | None:
        """What to ask for; None when that is open."""
        return None if self.limit is None or self.short is None else self.limit + self.short

    def in_words(self) -> str:
        """What to ask for; empty where Google names no amount."""
        of = f"{self.metric}{f' in {self.region}' if self.region else ''}"
        if self.ask is not None:
            return f"{self.ask:g} of {of} (the quota is {self.limit:g}, and {self.short:g} are missing)"
        if self.short is not None:
            return f"{self.short:g} more of {of}"
        return f"more than {self.limit:g} of {of}" if self.limit is not None else ""


_NUMBER = r"['\"]?(-?\d+(?:\.\d+)?)['\"]?"
_SHORT = re.compile(
    rf"resource:? ['\"]?([\w./-]+?)['\"]?[.:,]? (?:the )?request requires {_NUMBER} and is short {_NUMBER}"
    rf"(?:\.? \w+(?: \w+)* quota (?:of|is) {_NUMBER})?",
    re.IGNORECASE,
)
_EXCEEDED = re.compile(
    rf"quota ['\"]?([\w./-]*[A-Za-z_][\w./-]*)['\"]? (?:has been |was |is )?exceeded"
    rf"(?:[.:;,]?\s+limit:? {_NUMBER}(?: (?:in|for) (?:the )?region ([a-z0-9-]+))?)?",
    re.IGNORECASE,
)
_METRIC = re.compile(r"quota metric '([^']+)' and limit '([^']+)'", re.IGNORECASE)
_PAGE = re.compile(r"https://console\.(?:cloud|developers)\.google\.com/[^\s'\"<>)]+")


def shortages_in(message: str) -> list[Shortage]:
    """Each quota that a message names once, in its order."""
    found: dict[str, Shortage] = {}
    for shortage in _shortages(" ".join(message.split())):
        found.setdefault(shortage.metric, shortage)
    return list(found.values())


def _shortages(message: str) -> Iterator[Shortage]:
    for metric, needed, short, limit in _SHORT.findall(message):
        yield Shortage(metric, _float(limit), _float(needed), _float(short))
    for metric, limit, region in _EXCEEDED.findall(message):
        if metric.lower() != "metric":
            yield Shortage(metric, _float(limit), region=region)
    for metric, _limit in _METRIC.findall(message):
        yield Shortage(metric)


def _float(text: str) -> float | None:
    return float(text) if text else None


def page_in(message: str, otherwise: str) -> str:
    """The page of the console that Google names, or else ours."""
    found = _PAGE.search(message)
    return found[0].rstrip(".,;") if found else otherwise


REMEDIES = {
    API_DISABLED: "Enable the API that the message names in the project (gcloud services enable, or preflight with "
    "-e rhaii_enable_apis=true), wait a few minutes, and run again.",
    BILLING: f"Link an open billing account to the project at {BILLING_PAGE}, wait a few minutes, and run again.",
    SUSPENDED: "Google has suspended the project: see its page in the console, and appeal there.",
    POLICY: "Ask who administers the organisation for an exception, or choose what its policy permits (another "
    "location, as with rhaii_location).",
    BUSY: "Google does one thing at a time on a cluster: wait until that is done, and run the same again.",
    RATE: "Google asks for fewer requests; wait a minute and run again.",
    PASSING: "Google's service is not available for the moment; run again.",
    STOCKOUT: "The zone has no such machines left at this moment. Try again later, or set rhaii_location to another "
    "zone that preflight ranks as sufficient.",
    RESERVATION: f"See at {RESERVATION_PAGE} which machines a reservation has free, and name one with enough of them "
    "(rhaii_reservation), or buy in another way (rhaii_provisioning).",
    CREDENTIALS: "Check auth_kind, service_account_file and access_token: the credentials are missing, wrong or "
    "expired.",
    PERMISSION: "Give the account the permission that the message names, or enable the API in the project, and run "
    "again.",
    MISSING: "Check project, location and name.",
    EXHAUSTED: "Either the zone is out of such machines or the quota is used up: run preflight, which tells which, "
    "then wait, ask for quota, or set rhaii_location to another zone.",
}


def remedy_of(meaning: str, message: str) -> str:
    """The way out; empty where there is none but to correct what was asked for."""
    if meaning == QUOTA:
        wanted = " and ".join(filter(None, (each.in_words() for each in shortages_in(message)))) or "more quota"
        return f"Ask for {wanted} at {page_in(message, QUOTA_PAGE)}, or want fewer nodes."
    return REMEDIES.get(meaning, "")


__all__ = (
    "API_DISABLED",
    "BILLING",
    "BUSY",
    "CREDENTIALS",
    "EXHAUSTED",
    "EXISTS",
    "INVALID",
    "MISSING",
    "OTHER",
    "PASSING",
    "PASSING_STATUSES",
    "PERMISSION",
    "POLICY",
    "PRECONDITION",
    "QUOTA",
    "QUOTA_PAGE",
    "RATE",
    "REMEDIES",
    "RESERVATION",
    "RULES",
    "STOCKOUT",
    "SUSPENDED",
    "Rule",
    "Shortage",
    "meaning_of",
    "page_in",
    "remedy_of",
    "shortages_in",
)
