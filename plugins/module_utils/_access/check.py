# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gcp_access_check: credentials, billing, APIs, permissions and Kubernetes versions, one finding each. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

from ansible_collections.rhaii.gke.plugins.module_utils._access.google import Access, AccessPorts, access_ports
from ansible_collections.rhaii.gke.plugins.module_utils._access.permissions import (
    APIS,
    FEATURES,
    Permission,
    permissions_for,
)
from ansible_collections.rhaii.gke.plugins.module_utils._access.versions import Offer, offer_of, too_old
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding, refuse
from ansible_collections.rhaii.gke.plugins.module_utils._gke.cluster_plan import CHANNELS
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleError, Identity, UnreachableError
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import (
    API_DISABLED,
    BILLING,
    CREDENTIALS,
    MISSING,
)
from ansible_collections.rhaii.gke.plugins.module_utils._quota.asking import AT_ONCE, Answer, Asker
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import FAMILIES

USAGE_API = "serviceusage.googleapis.com"
# A refusal with one of these says how it is; another one only that it is not shown.
SETTLED = frozenset({CREDENTIALS, MISSING, BILLING})


@dataclass(frozen=True)
class Look:
    """A check's finding, and what else the result says of it."""

    finding: Finding
    missing_apis: tuple[str, ...] = ()
    kubernetes_version: str = ""
    is_silent: bool = False


def credentials(identity: Identity) -> Finding:
    account = f"acting as {identity.account}" if identity.is_acting else identity.account
    who = ", ".join(part for part in (identity.kind, account) if part)
    if not identity.kind.startswith("access token"):
        return Finding("credentials", OK, who)
    life = "" if identity.left is None else f", good for {in_words(identity.left)} more"
    return Finding(
        "credentials",
        OK,
        f"{who}{life}; a given token cannot be renewed",
        "For a run that takes longer than the token, use auth_kind application or serviceaccount (rhaii_auth_kind).",
    )


class Checks:
    """What is asked of one project, for what will be done with it."""

    def __init__(self, params: Params, access: Access, account: str) -> None:
        self._access = access
        self._account = account
        self._project: str = params["project"]
        self._permissions = permissions_for(params["features"])
        self._location: str = params["location"] or ""
        self._channel: str = params["release_channel"]
        self._version: str = params["kubernetes_version"] or ""
        self._accelerator: str = params["accelerator"]

    def all(self) -> list[tuple[str, Callable[[], Look]]]:
        found = [("billing", self.billing), ("APIs", self.apis), ("permissions", self.permissions)]
        return [*found, ("Kubernetes version", self.version)] if self._location else found

    def billing(self) -> Look:
        if self._access.billing():
            return Look(Finding("billing", OK, "enabled"))
        page = f"https://console.cloud.google.com/billing/linkedaccount?project={self._project}"
        return Look(Finding("billing", FAILED, f"no billing account pays for {self._project}", f"Link one at {page}"))

    def apis(self) -> Look:
        try:
            missing = sorted(set(APIS) - set(self._access.enabled(APIS)))
        except GoogleError as error:
            if error.meaning != API_DISABLED:
                raise
            # the API that would say so is among them
            missing = [USAGE_API]
        if not missing:
            return Look(Finding("APIs", OK, f"{len(APIS)} enabled"))
        remedy = f"gcloud services enable {' '.join(missing)} --project {self._project}"
        return Look(Finding("APIs", FAILED, f"not enabled: {', '.join(missing)}", remedy), tuple(missing))

    def permissions(self) -> Look:
        granted = set(self._access.granted([each.name for each in self._permissions]))
        missing = [each for each in self._permissions if each.name not in granted]
        if not missing:
            return Look(Finding("permissions", OK, f"{len(self._permissions)} granted"))
        named = ", ".join(f"{each.name} ({each.why})" for each in missing)
        return Look(Finding("permissions", FAILED, f"missing on {self._project}: {named}", self._grant(missing)))

    def _grant(self, missing: Sequence[Permission]) -> str:
        roles = list(dict.fromkeys(each.role for each in missing))
        account = self._account
        kind = "serviceAccount" if account.endswith(".gserviceaccount.com") else "user"
        member = f"{kind}:{account}" if account else "the account"
        return (
            f"Grant {', '.join(roles)}, or a role of your own with these permissions, to {member}: gcloud projects "
            f"add-iam-policy-binding {self._project} --member {member if account else 'KIND:EMAIL'} --role ROLE"
        )

    def version(self) -> Look:
        offer = offer_of(self._access.server_config(self._location), self._channel)
        version = offer.serving(self._version)
        return Look(judge_version(self._wish(), offer, version, self._accelerator), kubernetes_version=version)

    def _wish(self) -> Wish:
        return Wish(self._version, self._channel, self._location)


@dataclass(frozen=True)
class Wish:
    version: str
    channel: str
    location: str

    @property
    def place(self) -> str:
        channel = "without a release channel" if self.channel == "none" else f"in the channel {self.channel}"
        return f"{channel} in {self.location}"


def judge_version(wish: Wish, offer: Offer, version: str, accelerator: str) -> Finding:
    check = "Kubernetes version"
    if not offer.versions:
        return Finding(
            check,
            UNKNOWN,
            f"Google names no version {wish.place}",
            "Choose another channel (rhaii_release_channel), or see what is on offer: gcloud container "
            f"get-server-config --location {wish.location}",
        )
    if not version:
        return Finding(
            check,
            FAILED,
            f"{wish.version} is not on offer {wish.place}; on offer: {offer.listed()}",
            f"Choose one of these (rhaii_kubernetes_version), another channel (rhaii_release_channel), or none, for "
            f"{offer.default}.",
        )
    first = too_old(version, accelerator)
    if first:
        return Finding(
            check,
            FAILED,
            f"{version} {wish.place} is too old for {accelerator}, which needs {first} or newer",
            f"Choose a newer one (rhaii_kubernetes_version) of: {offer.listed()}; or another channel "
            "(rhaii_release_channel).",
        )
    return Finding(check, OK, f"{version} {wish.place}")


def look(name: str, check: Callable[[], Look]) -> Look:
    """One check. A refusal to show something, or silence, is no verdict on it; a project that is not there is one."""
    try:
        return check()
    except GoogleError as error:
        verdict = FAILED if error.meaning in SETTLED else UNKNOWN
        return Look(Finding(name, verdict, error.msg, error.remedy))
    except UnreachableError as error:
        return Look(Finding(name, UNKNOWN, error.msg, error.remedy), is_silent=True)


def unless_all_is_silent(looks: Sequence[Look]) -> list[Look]:
    """One API that does not answer leaves a question open; where none does, there is no cloud to deploy to."""
    if not all(each.is_silent for each in looks):
        return list(looks)
    return [replace(each, finding=replace(each.finding, verdict=FAILED)) for each in looks]


def run(params: Params, ports: AccessPorts, progress: Progress, check_mode: bool, at_once: int = AT_ONCE) -> Result:
    project: str = params["project"]
    looks: list[Look] = []
    identity = Identity("")
    with Asker(ports.clock, at_once) as asker:
        try:
            identity = ports.access.authenticate()
        except RhaiiError as error:
            first = Finding("credentials", FAILED, error.msg, error.remedy)
        else:
            first = credentials(identity)
            checks = Checks(params, ports.access, identity.account).all()
            asked: list[Answer[Look]] = [asker.ask(partial(look, name, check)) for name, check in checks]
            looks = unless_all_is_silent([each for answer in asked if (each := answer.value)])
    findings = [first, *(each.finding for each in looks)]
    result: Result = {
        "changed": False,
        "findings": [asdict(finding) for finding in findings],
        "account": identity.account,
        "missing_apis": [api for each in looks for api in each.missing_apis],
        "kubernetes_version": next((each.kubernetes_version for each in looks if each.kubernetes_version), ""),
        "calls": asker.calls,
        "elapsed": asker.elapsed,
        "elapsed_in_turn": asker.in_turn,
    }
    if params["fail_on_problem"]:
        refuse(f"{project} is not ready", findings, result)
    return result


CAPABILITY = Capability(
    name="gcp_access_check",
    argument_spec=google_options(
        features={"type": "list", "elements": "str", "default": [], "choices": list(FEATURES)},
        location={"type": "str"},
        release_channel={"type": "str", "default": "regular", "choices": list(CHANNELS)},
        kubernetes_version={"type": "str"},
        accelerator={"type": "str", "default": "v6e", "choices": sorted(FAMILIES)},
        fail_on_problem={"type": "bool", "default": True},
    ),
    ports=access_ports,
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("CAPABILITY", "Checks", "Look", "Wish", "credentials", "judge_version", "look", "run")
