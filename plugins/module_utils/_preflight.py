# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Preflight's judgement of the inputs: everything that can be found wrong without asking anybody, in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._models import duplicates, effective_models, whole_number
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import PROVISIONING, Family, family_of
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import region_of
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import docker_config, hub_token

OK = "ok"
FAILED = "failed"
UNKNOWN = "unknown"

# A model's name begins the names of KServe's objects for it; the longest suffix, -kserve-self-signed-certs, must fit.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,36}[a-z0-9])?")
# The narrower of what Google Cloud and Kubernetes allow as a label's value.
_ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")


@dataclass(frozen=True)
class File:
    """A file that the user names: its path, and its content when it can be read."""

    path: str
    content: str | None


@dataclass(frozen=True)
class Tools:
    """What the control host needs for the operators."""

    # where helm is; empty when it was not found
    helm: str
    # the charts, each with whether it can be read; one that is not a path here (oci://, https://) counts as readable
    charts: Mapping[str, bool]
    # Python packages that are needed and missing
    missing_packages: Sequence[str]


@dataclass(frozen=True)
class Inputs:
    project: str
    environment: str
    location: str
    # lists, unless the user wrote something else
    fallback_locations: Any
    accelerator: str
    machine_type: str
    provisioning: str
    models: Any
    replicas: Any
    # None: as many as the models have replicas
    tpu_nodes: Any
    pull_secret: File
    registry: str
    token_file: File
    token: str
    tools: Tools


@dataclass(frozen=True)
class Finding:
    check: str
    verdict: str
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Verdict:
    """All findings, and what the cloud is then to be asked."""

    findings: tuple[Finding, ...]
    nodes: int
    chips: int
    machine_type: str

    def public(self) -> dict[str, Any]:
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "failed": [asdict(finding) for finding in self.findings if finding.verdict == FAILED],
            "nodes": self.nodes,
            "chips": self.chips,
            "machine_type": self.machine_type,
        }


def judge(inputs: Inputs) -> Verdict:
    """Never raises for what a user may have written."""
    findings: list[Finding] = []

    def check(name: str, look: Callable[[], str]) -> bool:
        try:
            findings.append(Finding(name, OK, look()))
        except RhaiiError as error:
            findings.append(Finding(name, FAILED, error.msg, error.remedy))
            return False
        return True

    check("project", lambda: _project(inputs.project))
    check("environment", lambda: _environment(inputs.environment))
    check("location", lambda: _locations(inputs.location, inputs.fallback_locations))
    check("provisioning", lambda: _provisioning(inputs.provisioning))

    machine_type, per_node = "", 0
    if check("accelerator", lambda: family_of(inputs.accelerator).title):
        family = family_of(inputs.accelerator)
        machine_type = inputs.machine_type or family.machine_type
        if check("machine type", lambda: _machine_type(family, machine_type)):
            per_node = family.chips(machine_type)

    models: list[dict[str, Any]] = []

    def complete() -> str:
        models.extend(effective_models(inputs.models, inputs.replicas))
        return ", ".join(str(model["name"]) for model in models)

    nodes = 0
    if check("models", complete):
        check("model names", lambda: _names(models))
        check("model uris", lambda: _uris(models))
        if check("replicas", lambda: _replicas(models)):
            wanted = sum(int(model["replicas"]) for model in models)
            nodes = wanted
            if inputs.tpu_nodes is not None and check("nodes", lambda: _nodes(inputs.tpu_nodes, wanted)):
                nodes = whole_number(inputs.tpu_nodes, "cluster_tpu_nodes")

    check("pull secret", lambda: _pull_secret(inputs.pull_secret, inputs.registry))
    check("hub token", lambda: _token(inputs.token_file, inputs.token))
    check("helm", lambda: _helm(inputs.tools))
    check("charts", lambda: _charts(inputs.tools))
    check("Python packages", lambda: _packages(inputs.tools))
    return Verdict(tuple(findings), nodes, nodes * per_node, machine_type)


def _project(project: str) -> str:
    if not _PROJECT.fullmatch(project):
        raise RhaiiError(
            f"rhaii_project is {project!r}, which is no project id." if project else "rhaii_project is not given.",
            remedy="Give the project's id (not its name or number) in the inventory.",
        )
    return project


def _environment(environment: str) -> str:
    if not _ENVIRONMENT.fullmatch(environment):
        raise RhaiiError(
            f"rhaii_environment is {environment!r}, which cannot be a label in Google Cloud and Kubernetes.",
            remedy="Use at most 63 lower-case letters, digits, '-' and '_', with a letter or digit at both ends "
            "(rhaii_environment, or the host's name in the inventory).",
        )
    return environment


def _locations(first: str, others: Any) -> str:
    if not isinstance(others, (list, tuple)):
        raise RhaiiError(
            f"rhaii_fallback_locations is {others!r}, which is no list.",
            remedy="Give a list of zones, as in [us-east5-a, us-central1-b].",
        )
    zones = [first, *map(str, others)]
    for zone in zones:
        region_of(zone)
    return ", ".join(zones)


def _provisioning(provisioning: str) -> str:
    if provisioning not in PROVISIONING:
        raise RhaiiError(f"rhaii_provisioning is {provisioning!r}.", remedy=f"Use one of {', '.join(PROVISIONING)}.")
    return provisioning


def _machine_type(family: Family, machine_type: str) -> str:
    if not family.chips(machine_type):
        raise RhaiiError(
            f"{machine_type} is not a machine type of {family.title}.",
            remedy=f"Use one that starts with {family.machine_prefix}, as in {family.machine_type} "
            "(rhaii_machine_type), or leave it empty.",
        )
    return f"{machine_type}, {family.chips(machine_type)} chips each"


def _names(models: Sequence[Mapping[str, Any]]) -> str:
    twice = duplicates(models)
    if twice:
        raise RhaiiError(
            f"More than one model of rhaii_models is named {', '.join(twice)}.",
            remedy="Give every model a name of its own.",
        )
    wrong = [str(model["name"]) for model in models if not _NAME.fullmatch(str(model["name"]))]
    if wrong:
        raise RhaiiError(
            f"{', '.join(wrong)} cannot be the name of a model.",
            remedy="Use at most 38 lower-case letters, digits and '-', starting with a letter.",
        )
    return "unique" if len(models) > 1 else "fit"


def _uris(models: Sequence[Mapping[str, Any]]) -> str:
    wrong = [f"{model['name']} has {model['uri']!r}" for model in models if "://" not in str(model["uri"])]
    if wrong:
        raise RhaiiError(
            f"A model needs a uri: {', '.join(wrong)}.", remedy="Give one as in hf://Qwen/Qwen2.5-3B-Instruct."
        )
    return ", ".join(str(model["uri"]) for model in models)


def _replicas(models: Sequence[Mapping[str, Any]]) -> str:
    wrong = [f"{model['name']} has {model['replicas']}" for model in models if int(model["replicas"]) < 1]
    if wrong:
        raise RhaiiError(
            f"The number of replicas is not possible: {', '.join(wrong)}.",
            remedy="Give 1 or more (replicas in rhaii_models, or -e rhaii_replicas).",
        )
    return ", ".join(str(model["replicas"]) for model in models)


def _nodes(tpu_nodes: Any, wanted: int) -> str:
    nodes = whole_number(tpu_nodes, "cluster_tpu_nodes")
    if nodes < wanted:
        raise RhaiiError(
            f"{wanted} replicas need {wanted} nodes, and cluster_tpu_nodes is {nodes}.",
            remedy=f"Give {wanted} or more, or leave cluster_tpu_nodes out: it follows the replicas then.",
        )
    return f"{nodes} for {wanted} replicas"


def _pull_secret(file: File, registry: str) -> str:
    _there(file, "rhaii_pull_secret_file", "the registry credentials (as redhat-pull-secret.yaml of the guide)")
    with _naming(file):
        docker_config(str(file.content), registry)
    return f"has {registry}" if registry else "well-formed"


def _token(file: File, token: str) -> str:
    if file.path:
        _there(file, "rhaii_hf_token_file", "the Hugging Face token")
        with _naming(file):
            hub_token(str(file.content))
        return "well-formed"
    if not token:
        raise RhaiiError(
            "No Hugging Face token is given.",
            remedy="Put it in a file and name that with rhaii_hf_token_file (-e rhaii_hf_token_file=...).",
        )
    hub_token(token)
    return "given as rhaii_hf_token, which process lists show; a file is better"


@contextmanager
def _naming(file: File) -> Iterator[None]:
    """What is wrong with a file's content is said with its path, since that is all of it that may be shown."""
    try:
        yield
    except RhaiiError as error:
        raise RhaiiError(f"{file.path}: {error.msg}", remedy=error.remedy) from error


def _helm(tools: Tools) -> str:
    if not tools.helm:
        raise RhaiiError(
            "helm is not on this host, and the operators are installed with it.",
            remedy="Install Helm 3.14 or newer, or name it with rhaii_helm_binary.",
        )
    return tools.helm


def _charts(tools: Tools) -> str:
    unreadable = [chart or "(none)" for chart, readable in tools.charts.items() if not readable]
    if unreadable:
        raise RhaiiError(
            f"No Helm chart is at {', '.join(unreadable)}.",
            remedy="Name the folder charts of a checkout of rhaii-on-xks (rhaii_operators_chart_folder).",
        )
    return ", ".join(tools.charts)


def _packages(tools: Tools) -> str:
    if tools.missing_packages:
        names = " ".join(tools.missing_packages)
        raise RhaiiError(
            f"Missing for the Python that runs the tasks: {', '.join(tools.missing_packages)}.",
            remedy=f"Install them: pip install {names}",
        )
    return "all there"


def _there(file: File, variable: str, what: str) -> None:
    if not file.path:
        raise RhaiiError(f"{variable} is not given.", remedy=f"Name the file with {what}.")
    if file.content is None:
        raise RhaiiError(
            f"The file {file.path} ({variable}) does not exist or cannot be read.",
            remedy=f"Name a file with {what}.",
        )


def quota_findings(result: Mapping[str, Any]) -> list[Finding]:
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


def table(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The findings as lines for a screen, remedies beneath."""
    return list(_lines(findings))


def _lines(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    width = max((len(str(finding["check"])) for finding in findings), default=0)
    for finding in findings:
        yield f"{str(finding['verdict']).ljust(7)} {str(finding['check']).ljust(width)}  {finding['found']}"
        if finding.get("remedy"):
            yield f"{' ' * 7} {' ' * width}  -> {finding['remedy']}"


__all__ = (
    "FAILED",
    "OK",
    "PROVISIONING",
    "UNKNOWN",
    "File",
    "Finding",
    "Inputs",
    "Tools",
    "Verdict",
    "judge",
    "quota_findings",
    "table",
)
