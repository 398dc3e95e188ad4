# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gcp_access_check: credentials, billing, APIs and permissions, one finding each with its remedy. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import GOOGLE_REQUIRED_IF, google_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleError, GoogleSettings, RestApi

OK = "ok"
FAILED = "failed"
UNKNOWN = "unknown"

APIS = (
    "cloudbilling.googleapis.com",
    "cloudquotas.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "serviceusage.googleapis.com",
)

# What deploy, scale and teardown ask of Google.
PERMISSIONS = (
    "cloudquotas.quotas.get",
    "compute.instanceGroupManagers.get",
    "compute.instanceGroupManagers.update",
    "compute.instances.delete",
    "compute.machineTypes.get",
    "compute.machineTypes.list",
    "compute.zoneOperations.get",
    "container.clusters.create",
    "container.clusters.delete",
    "container.clusters.get",
    "container.clusters.list",
    "container.clusters.update",
    "container.operations.get",
    "container.operations.list",
    "iam.serviceAccounts.actAs",
    "serviceusage.services.list",
)


class Access(Protocol):
    """The questions, each of which may be refused with a GoogleError."""

    def authenticate(self) -> None: ...
    def billing(self) -> bool: ...
    def enabled(self, apis: Sequence[str]) -> Collection[str]: ...
    def granted(self, permissions: Sequence[str]) -> Collection[str]: ...


@dataclass(frozen=True)
class Finding:
    check: str
    verdict: str
    found: str
    remedy: str = ""


class GoogleAccess:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._project = connection.settings.project

    def _api(self, name: str) -> RestApi:
        return self._connection.rest(name)

    def authenticate(self) -> None:
        self._connection.token()

    def billing(self) -> bool:
        answer = self._api("cloudbilling").call(
            f"read the billing of {self._project}", "GET", f"/v1/projects/{self._project}/billingInfo"
        )
        return bool(answer.get("billingEnabled"))

    def enabled(self, apis: Sequence[str]) -> Collection[str]:
        answer = self._api("serviceusage").call(
            f"read the APIs of {self._project}",
            "GET",
            f"/v1/projects/{self._project}/services:batchGet",
            query={"names": [f"projects/{self._project}/services/{api}" for api in apis]},
        )
        return {
            str(service["name"]).rsplit("/", 1)[-1]
            for service in answer.get("services") or []
            if service.get("state") == "ENABLED"
        }

    def granted(self, permissions: Sequence[str]) -> Collection[str]:
        answer = self._api("cloudresourcemanager").call(
            f"ask for permissions on {self._project}",
            "POST",
            f"/v3/projects/{self._project}:testIamPermissions",
            body={"permissions": list(permissions)},
        )
        return set(answer.get("permissions") or [])


def _billing(access: Access, project: str) -> Finding:
    if access.billing():
        return Finding("billing", OK, "enabled")
    return Finding(
        "billing",
        FAILED,
        f"no billing account pays for {project}",
        f"Link one at https://console.cloud.google.com/billing/linkedaccount?project={project}",
    )


def _apis(access: Access, project: str) -> Finding:
    missing = sorted(set(APIS) - set(access.enabled(APIS)))
    if not missing:
        return Finding("APIs", OK, f"{len(APIS)} enabled")
    return Finding(
        "APIs",
        FAILED,
        f"not enabled: {', '.join(missing)}",
        f"gcloud services enable {' '.join(missing)} --project {project}",
    )


def _permissions(access: Access, project: str) -> Finding:
    missing = sorted(set(PERMISSIONS) - set(access.granted(PERMISSIONS)))
    if not missing:
        return Finding("permissions", OK, f"{len(PERMISSIONS)} granted")
    return Finding(
        "permissions",
        FAILED,
        f"missing on {project}: {', '.join(missing)}",
        "Grant them, or roles/container.admin, roles/compute.instanceAdmin.v1, roles/iam.serviceAccountUser, "
        "roles/servicemanagement.quotaViewer and roles/serviceusage.serviceUsageViewer.",
    )


CHECKS: tuple[tuple[str, Callable[[Access, str], Finding]], ...] = (
    ("billing", _billing),
    ("APIs", _apis),
    ("permissions", _permissions),
)


def look(name: str, check: Callable[[Access, str], Finding], access: Access, project: str) -> Finding:
    """One check. A refusal to show something is no verdict on it; a project that is not there is one."""
    try:
        return check(access, project)
    except GoogleError as error:
        verdict = FAILED if error.status in (401, 404) else UNKNOWN
        return Finding(name, verdict, error.msg, error.remedy)


def run(params: Params, ports: Access, progress: Progress, check_mode: bool) -> Result:
    project: str = params["project"]
    try:
        ports.authenticate()
    except RhaiiError as error:
        findings = [Finding("credentials", FAILED, error.msg, error.remedy)]
    else:
        findings = [
            Finding("credentials", OK, params["auth_kind"]),
            *(look(name, check, ports, project) for name, check in CHECKS),
        ]
    result: Result = {"changed": False, "findings": [asdict(finding) for finding in findings]}
    failed = [finding for finding in findings if finding.verdict == FAILED]
    if failed and params["fail_on_problem"]:
        raise RhaiiError(
            f"{project} is not ready: {'; '.join(f'{each.check}: {each.found}' for each in failed)}.",
            remedy=" ".join(each.remedy for each in failed),
            result=result,
        )
    return result


CAPABILITY = Capability(
    name="gcp_access_check",
    argument_spec=google_options(fail_on_problem={"type": "bool", "default": True}),
    ports=lambda params: GoogleAccess(Connection(GoogleSettings.from_params(params))),
    run=run,
    required_if=GOOGLE_REQUIRED_IF,
)

__all__ = ("APIS", "CAPABILITY", "CHECKS", "PERMISSIONS", "Finding", "GoogleAccess", "look", "run")
