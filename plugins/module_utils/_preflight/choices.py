# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The choices of somebody who begins: places and ways to buy, ranked, with prices; and an inventory made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible.module_utils.common.yaml import yaml_dump
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import DEFAULT_NAME, DEFAULT_URI, effective_models
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.report import price_of
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import UNLIMITED
from ansible_collections.rhaii.gke.plugins.module_utils._quota.verdict import INSUFFICIENT

# Never written: what is secret, and what belongs to a run.
SECRET = ("rhaii_access_token", "rhaii_hf_token", "rhaii_pull_secret")
OF_A_RUN = (
    "rhaii_choices",
    "rhaii_image",
    "rhaii_replicas",
    "rhaii_request_quota",
    "rhaii_teardown_confirm",
    "rhaii_write_inventory",
)
# What an environment cannot be without.
NEEDED: Mapping[str, str] = {
    "rhaii_project": "the id of the Google Cloud project",
    "rhaii_pull_secret_file": "the file with the registry credentials",
    "rhaii_hf_token_file": "the file with the Hugging Face token",
}
# What people look for first, in this order.
FIRST = (
    "rhaii_project",
    "rhaii_location",
    "rhaii_fallback_locations",
    "rhaii_provisioning",
    "rhaii_cluster_name",
    "rhaii_models",
    "rhaii_pull_secret_file",
    "rhaii_hf_token_file",
)


@dataclass(frozen=True)
class Choice:
    """One place with one way to buy; `price` is empty when it is not known."""

    rank: int
    location: str
    provisioning: str
    machine_type: str
    # yes, no, or ? when it could not be asked
    offered: str
    # what is left of the limit, in chips
    quota: str
    price: str
    verdict: str
    reason: str


def choices(quota: Mapping[str, Any], cost: Mapping[str, Any]) -> list[Choice]:
    """The candidates of tpu_quota_check with the prices of gke_cost, as they are ranked."""
    prices = {
        (str(each["location"]), str(each["provisioning"])): price_of(each) for each in cost.get("candidates") or []
    }
    found = [
        Choice(
            rank=int(each["rank"]),
            location=str(each["location"]),
            provisioning=str(each["provisioning"]),
            machine_type=str(quota["machine_type"]),
            offered={True: "yes", False: "no"}.get(each["offered"], "?"),
            quota=_quota(each),
            price=prices.get((str(each["location"]), str(each["provisioning"])), ""),
            verdict=str(each["verdict"]),
            reason=str(each["reason"]),
        )
        for each in quota.get("candidates") or []
    ]
    return sorted(found, key=lambda choice: choice.rank)


def _quota(candidate: Mapping[str, Any]) -> str:
    limit, available = candidate["limit"], candidate["available"]
    if limit == UNLIMITED:
        return "unlimited"
    left = "?" if available is None else str(available)
    return f"{left} of {'?' if limit is None else limit}"


HEADINGS = ("", "zone", "way to buy", "machine type", "offered", "chips left", "an hour", "verdict")


def lines(found: Sequence[Choice]) -> list[str]:
    """A table for a screen, each row with its reason beneath."""
    if not found:
        return ["There is nothing to choose from yet: the checks below say what is missing."]
    rows = [
        (
            str(each.rank),
            each.location,
            each.provisioning,
            each.machine_type,
            each.offered,
            each.quota,
            each.price or "?",
            each.verdict,
        )
        for each in found
    ]
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    indent = " " * (widths[0] + 2)
    shown = [_row(HEADINGS, widths)]
    for each, row in zip(found, rows, strict=True):
        shown += [_row(row, widths), f"{indent}{each.reason}"]
    best = chosen(found)
    shown.append(
        f"Best: {best.location} as {best.provisioning}."
        if best
        else "None of them serves: ask for quota as the checks below say."
    )
    return shown


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def chosen(found: Sequence[Choice]) -> Choice | None:
    """The first that serves or may serve."""
    return next((each for each in found if each.verdict != INSUFFICIENT), None)


def inventory(environment: str, found: Sequence[Choice], given: Mapping[str, Any]) -> str:
    """A file that is a whole inventory. What ages, such as quota and price, is on the screen and not in here.

    `given` are the collection-wide variables of the user; the choice replaces place and way to buy.
    """
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    variables = _variables(found, given)
    document = {"all": {"hosts": {environment: host}, "vars": variables}}
    missing = [f"    # {name}: {what}" for name, what in NEEDED.items() if name not in variables]
    head = (
        f"# The environment {environment}, as preflight found it. To deploy: ansible-playbook -i FILE rhaii.gke.deploy"
    )
    body = str(yaml_dump(document, sort_keys=False, default_flow_style=False, allow_unicode=True, width=120))
    return "\n".join(["---", head, body.rstrip("\n"), *(["    # Still to be given:", *missing] if missing else []), ""])


def _variables(found: Sequence[Choice], given: Mapping[str, Any]) -> dict[str, Any]:
    best = chosen(found)
    settings = {
        name: value
        for name, value in given.items()
        if name not in (*SECRET, *OF_A_RUN) and value is not None and (value != "" or name not in NEEDED)
    }
    if best:
        settings["rhaii_location"] = best.location
        settings["rhaii_provisioning"] = best.provisioning
        settings["rhaii_fallback_locations"] = list(_others(best, found))
    settings["rhaii_models"] = _models(given)
    first = {name: settings[name] for name in FIRST if name in settings}
    return {**first, **dict(sorted(settings.items()))}


def _others(best: Choice, found: Sequence[Choice]) -> Iterator[str]:
    for each in found:
        if each != best and each.provisioning == best.provisioning and each.verdict != INSUFFICIENT:
            yield each.location


def _models(given: Mapping[str, Any]) -> Any:
    """As they were given, with what the command line said of the default model."""
    models = given.get("rhaii_models") or [{"name": DEFAULT_NAME, "uri": DEFAULT_URI}]
    try:
        whole = effective_models(models, given.get("rhaii_replicas") or None)
    except RhaiiError:  # a finding says what is wrong with them
        return models
    written = [{**model, "replicas": complete["replicas"]} for model, complete in zip(models, whole, strict=True)]
    if given.get("rhaii_image"):
        written[0]["image"] = given["rhaii_image"]
    return written


def public(found: Sequence[Choice]) -> list[dict[str, Any]]:
    return [asdict(each) for each in found]


__all__ = ("NEEDED", "OF_A_RUN", "SECRET", "Choice", "choices", "chosen", "inventory", "lines", "public")
