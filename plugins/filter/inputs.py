# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on the inputs that several roles read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ansible.errors import AnsibleFilterError
from ansible_collections.rhaii.gke.plugins.module_utils import _models, _secrets
from ansible_collections.rhaii.gke.plugins.module_utils._answers import said_truth
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import read
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._findings import summary, table
from ansible_collections.rhaii.gke.plugins.module_utils._gke.node_account import account_email
from ansible_collections.rhaii.gke.plugins.module_utils._gke.own_network import Own, removal
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import choices
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.inputs import File, Inputs, judge
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.plain_words import words
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.report import report
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import family_of
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._tools import read_tools
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given

T = TypeVar("T")


def _said(call: Callable[[], T]) -> T:
    try:
        return call()
    except RhaiiError as error:
        raise AnsibleFilterError(str(error)) from error


def effective_models(models: Any, replicas: Any = None, image: Any = None) -> list[dict[str, Any]]:
    given = plain(models or [])
    count = plain(replicas) if is_given(replicas) else None
    return _said(lambda: _models.effective_models(given, count, plain(image or "") or None))


def docker_config(content: Any, registry: str = _secrets.REGISTRY) -> str:
    return _said(lambda: _secrets.docker_config(plain(content), registry))


def hf_token(content: Any) -> str:
    return _said(lambda: _secrets.hub_token(plain(content)))


def tpu_machine(accelerator: str, machine_type: str = "") -> dict[str, Any]:
    family = _said(lambda: family_of(str(accelerator)))
    name = plain(machine_type) or family.machine_type
    chips = family.chips(name)
    topology = family.topologies.get(chips, "")
    return {
        "accelerator": family.name,
        "title": family.title,
        "machine_type": name,
        "chips": chips,
        "topology": topology,
        "node_selector": {
            "cloud.google.com/gke-tpu-accelerator": family.node_accelerator,
            "cloud.google.com/gke-tpu-topology": topology,
        },
    }


def node_account(cluster: str, project: str, account_id: str = "") -> str:
    return _said(lambda: account_email(str(cluster), str(project), str(account_id or "")))


def network_removal(
    own: Any, looked: Any = None, subnets: Any = None, after: Any = None, deletions: Any = None
) -> dict[str, Any]:
    given = plain(own)
    found = removal(
        Own(
            network=str(given["network"]),
            subnetwork=str(given["subnetwork"]),
            mark=str(given["mark"]),
            project=str(given.get("project") or ""),
            region=str(given.get("region") or ""),
        ),
        plain(looked or {}),
        plain(subnets or []),
        plain(after or {}),
        plain(deletions or []),
    )
    return {
        "ours": found.ours,
        "regions": list(found.regions),
        "going": list(found.going),
        "staying": list(found.staying),
        "goes": found.goes,
        "left": list(found.left),
    }


def preflight_findings(inputs: Any) -> dict[str, Any]:
    given = plain(inputs)
    text = {name: str(given.get(name) or "") for name in _TEXTS}
    return judge(
        Inputs(
            **text,
            fallback_locations=given.get("fallback_locations") or [],
            models=given.get("models") or [],
            replicas=_number(given.get("replicas")),
            tpu_nodes=_number(given.get("tpu_nodes")),
            pull_secret=_file(given, "pull_secret"),
            token_file=_file(given, "token_file"),
            tools=read_tools(
                str(given.get("helm") or ""),
                [str(chart) for chart in given.get("charts") or []],
                [str(name) for name in given.get("collections") or []],
                programs=_truth(given, "guide_programs", otherwise=True),
            ),
            rule_names=tuple(str(name) for name in given.get("rule_names") or []),
            guide_paths=_truth(given, "guide_paths", otherwise=True),
            request_quota=_truth(given, "request_quota", otherwise=False),
            cost_limit=_number(given.get("cost_limit")),
            pull_secret_value=given.get("pull_secret_value"),
            names=given.get("names") or {},
            labels=given.get("labels") or {},
        )
    ).public()


_TEXTS = (
    "project",
    "environment",
    "location",
    "accelerator",
    "machine_type",
    "topology",
    "provisioning",
    "reservation",
    "registry",
    "token",
    "contact_email",
)


def _number(value: Any) -> Any:
    return value if is_given(value) else None


def _truth(given: dict[str, Any], name: str, *, otherwise: bool) -> bool:
    value = given.get(name)
    return _said(lambda: said_truth(value, name)) if is_given(value) else otherwise


def _file(given: dict[str, Any], name: str) -> File:
    """As the lookup secret_file tells of it; a path alone is read without a vault."""
    told = given.get(name) or ""
    if isinstance(told, dict):
        problem, remedy = (str(told.get(key) or "") for key in ("problem", "remedy"))
        return File(str(told.get("path") or ""), told.get("content"), problem, remedy)
    path = str(told)
    try:
        return File(path, read(path, "file", "") if path else None)
    except RhaiiError as error:
        return File(path, None, error.msg, error.remedy)


def preflight_report(asked: Any) -> list[dict[str, Any]]:
    return _said(lambda: report(plain(asked)))


def preflight_table(findings: Any) -> list[str]:
    return table(plain(findings))


def preflight_lines(findings: Any, style: str = "technical") -> list[str]:
    found = plain(findings)
    if style == "plain":
        return words(found)
    if style != "technical":
        raise AnsibleFilterError(f"rhaii_report_style is {style!r}. Use technical or plain.")
    return [*table(found), summary(found)]


def preflight_choices(quota: Any, cost: Any, environment: str, given: Any) -> dict[str, Any]:
    found = choices.choices(plain(quota or {}), plain(cost or {}))
    return {
        "choices": choices.public(found),
        "lines": choices.lines(found),
        "inventory": choices.inventory(
            str(environment), found, {name: value for name, value in plain(given).items() if is_given(value)}
        ),
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "docker_config": docker_config,
            "effective_models": effective_models,
            "hf_token": hf_token,
            "network_removal": network_removal,
            "node_account": node_account,
            "preflight_choices": preflight_choices,
            "preflight_findings": preflight_findings,
            "preflight_lines": preflight_lines,
            "preflight_report": preflight_report,
            "preflight_table": preflight_table,
            "tpu_machine": tpu_machine,
        }
