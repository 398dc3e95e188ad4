# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Preflight's judgement of the inputs: everything that can be found wrong without asking anybody, in one pass."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._answers import number
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._findings import FAILED, OK, UNKNOWN, Finding
from ansible_collections.rhaii.gke.plugins.module_utils._models import effective_models, whole_number
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import models as _models
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import names as _names
from ansible_collections.rhaii.gke.plugins.module_utils._preflight import tools as _tools
from ansible_collections.rhaii.gke.plugins.module_utils._preflight.tools import NotKnownError, Tools
from ansible_collections.rhaii.gke.plugins.module_utils._quota.families import PROVISIONING, Family, family_of
from ansible_collections.rhaii.gke.plugins.module_utils._quota.values import region_of
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import docker_config, hub_token, keys_for

# The narrower of what Google Cloud and Kubernetes allow as a label's value.
_ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_TOPOLOGY = re.compile(r"\d+(x\d+){1,2}")


@dataclass(frozen=True)
class File:
    """A file that the user names: its path, and its content when it can be read."""

    path: str
    content: str | bytes | None
    # why it cannot be read, and what to do, where that is known
    problem: str = ""
    remedy: str = ""


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
    # name of the reservation, when that is the way to buy
    reservation: str = ""
    # what the user wishes, which only can be that of one machine
    topology: str = ""
    # whether the paths of the guide lead to the models
    guide_paths: bool = True
    # what KServe calls the rules of a model's route; nothing where it gives them no names
    rule_names: tuple[str, ...] = ()
    # whether Google is asked for more quota, and where it may ask back
    request_quota: bool = False
    contact_email: str = ""
    # dollars an hour; None: whatever it costs
    cost_limit: Any = None
    # the credentials themselves, as a store of secrets hands them out
    pull_secret_value: Any = None
    # names and labels by the variable that gives them
    names: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """All findings, and what the cloud is then to be asked."""

    findings: tuple[Finding, ...]
    nodes: int
    chips: int
    machine_type: str
    uris: tuple[str, ...] = ()

    def _passed(self, *checks: str) -> bool:
        return not any(finding.check in checks and finding.verdict == FAILED for finding in self.findings)

    def public(self) -> dict[str, Any]:
        project = self._passed("project")
        place = self._passed("location", "provisioning", "quota request")
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "failed": [asdict(finding) for finding in self.findings if finding.verdict == FAILED],
            "nodes": self.nodes,
            "chips": self.chips,
            "machine_type": self.machine_type,
            "uris": list(self.uris),
            # what is worth asking, and cannot be misunderstood
            "asks": {
                "access": project and self._passed("location"),
                "quota": project and place and self.chips > 0,
                "models": bool(self.uris) and self._passed("hub token"),
            },
        }


class _Checks:
    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def __call__(self, name: str, look: Callable[[], str]) -> bool:
        """Whether it is ok."""
        try:
            self.findings.append(Finding(name, OK, look()))
        except NotKnownError as error:
            self.findings.append(Finding(name, UNKNOWN, error.msg, error.remedy))
        except RhaiiError as error:
            self.findings.append(Finding(name, FAILED, error.msg, error.remedy))
            return False
        return True


def judge(inputs: Inputs) -> Verdict:
    """Never raises for what a user may have written."""
    check = _Checks()
    check("project", lambda: _project(inputs.project))
    check("environment", lambda: _environment(inputs.environment))
    check("location", lambda: _locations(inputs.location, inputs.fallback_locations))
    check("provisioning", lambda: _provisioning(inputs.provisioning, inputs.reservation))
    if inputs.names:
        check("names", lambda: _names.names(inputs.names))
    if inputs.labels:
        check("labels", lambda: _names.labels(inputs.labels))
    if inputs.request_quota:
        check("quota request", lambda: _request(inputs.contact_email))
    if inputs.cost_limit is not None:
        check("cost limit", lambda: _cost_limit(inputs.cost_limit))

    machine_type, per_node = "", 0
    if check("accelerator", lambda: family_of(inputs.accelerator).title):
        family = family_of(inputs.accelerator)
        machine_type = inputs.machine_type or family.machine_type
        if check("machine type", lambda: _machine_type(family, machine_type, inputs.topology)):
            per_node = family.chips(machine_type)

    nodes, uris = _judge_models(inputs, machine_type, per_node, check)

    check("pull secret", lambda: _pull_secret(inputs.pull_secret, inputs.pull_secret_value, inputs.registry))
    check("hub token", lambda: _token(inputs.token_file, inputs.token))
    check("helm", lambda: _tools.helm(inputs.tools))
    check("charts", lambda: _tools.charts(inputs.tools))
    check("Python packages", lambda: _tools.packages(inputs.tools))
    check("collections", lambda: _tools.collections(inputs.tools))
    if inputs.tools.programs:
        check("guide's commands", lambda: _tools.programs(inputs.tools))
    return Verdict(tuple(check.findings), nodes, nodes * per_node, machine_type, uris)


def _judge_models(inputs: Inputs, machine_type: str, per_node: int, check: _Checks) -> tuple[int, tuple[str, ...]]:
    """How many nodes they need, and where they come from."""
    models: list[dict[str, Any]] = []

    def complete() -> str:
        models.extend(effective_models(inputs.models, inputs.replicas))
        return ", ".join(str(model["name"]) for model in models)

    if not check("models", complete):
        return 0, ()
    check("model names", lambda: _models.names(models))
    uris: tuple[str, ...] = ()
    if check("model uris", lambda: _models.uris(models)):
        uris = tuple(dict.fromkeys(str(model["uri"]) for model in models))
    if check("model fields", lambda: _models.fields(models)):
        if per_node:
            check("model chips", lambda: _models.chips(models, machine_type, per_node))
        if inputs.guide_paths:
            check("model routes", lambda: _models.routes(models))
        if inputs.rule_names:
            check("model rules", lambda: _models.told_apart(models, inputs.rule_names))
    nodes = 0
    if check("replicas", lambda: _models.replicas(models)):
        wanted = sum(int(model["replicas"]) for model in models)
        nodes = wanted
        if inputs.tpu_nodes is not None and check("nodes", lambda: _nodes(inputs.tpu_nodes, wanted)):
            nodes = whole_number(inputs.tpu_nodes, "cluster_tpu_nodes")
    return nodes, uris


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


def _provisioning(provisioning: str, reservation: str) -> str:
    if provisioning not in PROVISIONING:
        raise RhaiiError(f"rhaii_provisioning is {provisioning!r}.", remedy=f"Use one of {', '.join(PROVISIONING)}.")
    if provisioning == "reservation" and not reservation:
        raise RhaiiError(
            "rhaii_provisioning is reservation, and no reservation is named.",
            remedy="Name it with rhaii_reservation, or the machines would be bought on demand.",
        )
    return provisioning


def _request(contact: str) -> str:
    if "@" not in contact:
        raise RhaiiError(
            f"rhaii_request_quota is set, and rhaii_contact_email is {contact!r}, which is no mail address.",
            remedy="Say with rhaii_contact_email where Google may ask back, or leave rhaii_request_quota out.",
        )
    return f"Google may ask back at {contact}"


def _cost_limit(limit: Any) -> str:
    return f"{amount(limit):g} USD an hour"


def amount(limit: Any) -> float:
    """Dollars. The command line gives text."""
    try:
        found = float(number(limit))
    except TypeError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise RhaiiError(
            f"rhaii_cost_limit is {limit!r}, which is no amount.", remedy="Give dollars an hour, as in 40 or 12.5."
        )
    return found


def _machine_type(family: Family, machine_type: str, topology: str) -> str:
    chips = family.chips(machine_type)
    if not chips:
        raise RhaiiError(
            f"{machine_type} is not a machine type of {family.title}.",
            remedy=f"Use one that starts with {family.machine_prefix}, as in {family.machine_type} "
            "(rhaii_machine_type), or leave it empty.",
        )
    alone = family.topologies.get(chips)
    if alone is None:
        known = [re.sub(r"\d+t$", f"{each}t", family.machine_type) for each in family.topologies]
        raise RhaiiError(
            f"{machine_type} is no machine of {family.title} that can serve alone.",
            remedy=f"Use {' or '.join(known)} (rhaii_machine_type), or leave it empty.",
        )
    if topology and topology != alone:
        raise RhaiiError(
            f"rhaii_tpu_topology is {topology!r}, and {machine_type} alone is {alone}: {_hosts(topology, chips)}.",
            remedy=f"Leave rhaii_tpu_topology out, or give {alone}: a replica is one machine. For more chips a replica "
            "take a larger machine (rhaii_machine_type).",
        )
    return f"{machine_type}, {chips} chips each"


def _hosts(topology: str, chips: int) -> str:
    if not _TOPOLOGY.fullmatch(topology):
        return "that is no topology"
    wanted = math.prod(map(int, topology.split("x")))
    if wanted <= chips:
        return "no machine has that one"
    return f"that is a slice of {math.ceil(wanted / chips)} machines, which is not supported"


def _nodes(tpu_nodes: Any, wanted: int) -> str:
    nodes = whole_number(tpu_nodes, "cluster_tpu_nodes")
    if nodes < wanted:
        raise RhaiiError(
            f"{wanted} replicas need {wanted} nodes, and cluster_tpu_nodes is {nodes}.",
            remedy=f"Give {wanted} or more, or leave cluster_tpu_nodes out: it follows the replicas then.",
        )
    return f"{nodes} for {wanted} replicas"


def _pull_secret(file: File, value: Any, registry: str) -> str:
    if not file.path and value not in (None, ""):
        config, whence = docker_config(value, registry), ", given as rhaii_pull_secret"
    else:
        _there(file, "rhaii_pull_secret_file", "the registry credentials (as redhat-pull-secret.yaml of the guide)")
        with _naming(file):
            config, whence = docker_config(file.content, registry), ""
    if not registry:
        return f"well-formed{whence}"
    keys = keys_for(config, registry)
    return f"has {registry}" + ("" if registry in keys else f" as {', '.join(keys)}") + whence


def _token(file: File, token: str) -> str:
    if file.path:
        _there(file, "rhaii_hf_token_file", "the Hugging Face token")
        with _naming(file):
            hub_token(file.content)
        return "well-formed"
    if not token:
        raise RhaiiError(
            "No Hugging Face token is given.",
            remedy="Put it in a file and name that with rhaii_hf_token_file (-e rhaii_hf_token_file=...).",
        )
    hub_token(token, "value of rhaii_hf_token")
    return "given as rhaii_hf_token, which process lists show; a file is better"


@contextmanager
def _naming(file: File) -> Iterator[None]:
    """What is wrong with a file's content is said with its path, since that is all of it that may be shown."""
    try:
        yield
    except RhaiiError as error:
        raise RhaiiError(f"{file.path}: {error.msg}", remedy=error.remedy) from error


def _there(file: File, variable: str, what: str) -> None:
    if not file.path:
        raise RhaiiError(f"{variable} is not given.", remedy=f"Name the file with {what}.")
    if file.problem:
        raise RhaiiError(file.problem, remedy=file.remedy or f"Name a file with {what} ({variable}).")
    if file.content is None:
        raise RhaiiError(
            f"The file {file.path} ({variable}) does not exist or cannot be read.",
            remedy=f"Name a file with {what}.",
        )


__all__ = ("File", "Inputs", "Verdict", "amount", "judge")
