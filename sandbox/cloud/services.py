# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service Usage, Resource Manager and Billing: what a project is and which APIs it has switched on."""

from __future__ import annotations

import uuid

from sandbox.cloud.calls import Call, Handler, page
from sandbox.cloud.errors import GoogleError, Json, error_info, invalid, not_found
from sandbox.cloud.project import Project
from sandbox.cloud.state import ServiceOperation, State

ENABLE_GUIDE_SECONDS = 20.0


def enabled(project: Project, state: State, service: str) -> bool:
    """Whether a service is switched on."""
    known = project.services.get(service)
    return state.services.get(service, bool(known and known["enabled"]))


def disabled_error(project: Project, service: str) -> GoogleError:
    """403 of an API that is switched off."""
    title = project.services.get(service, {}).get("title", service)
    link = f"https://console.developers.google.com/apis/api/{service}/overview?project={project.number}"
    message = (
        f"{title} has not been used in project {project.number} before or it is disabled. Enable it by visiting "
        f"{link} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to "
        "our systems and retry."
    )
    detail = error_info("SERVICE_DISABLED", {"service": service, "consumer": f"projects/{project.number}"})
    return GoogleError("PERMISSION_DENIED", message, details=[detail])


def service_json(call: Call, service: str) -> Json:
    """A service and its state."""
    project = call.cloud.project
    if service not in project.services:
        raise GoogleError("PERMISSION_DENIED", f"Not found or permission denied for service(s): {service}.")
    return {
        "name": f"projects/{project.number}/services/{service}",
        "parent": f"projects/{project.number}",
        "config": {"name": service, "title": project.services[service]["title"]},
        "state": "ENABLED" if enabled(project, call.cloud.state, service) else "DISABLED",
    }


def get(call: Call) -> Json:
    """A service."""
    return service_json(call, call.params["service"])


def list_services(call: Call) -> Json:
    """The services, or those of one state."""
    wanted = call.query.get("filter", "")
    if wanted not in ("", "state:ENABLED", "state:DISABLED"):
        raise invalid(f"The filter {wanted!r} is not supported; use state:ENABLED or state:DISABLED.")
    found = [service_json(call, service) for service in sorted(call.cloud.project.services)]
    return page([each for each in found if not wanted or wanted.endswith(each["state"])], call, "services")


def batch_get(call: Call) -> Json:
    """Several services by their full names."""
    names = call.query.getall("names", [])
    if not 1 <= len(names) <= 30:
        raise invalid("The request must name between 1 and 30 services.")
    return {"services": [service_json(call, name.rpartition("/")[2]) for name in names]}


def begin(call: Call, services: list[str], *, batch: bool = False, enable: bool = True) -> Json:
    """Switch services on or off; at once done when nothing changes."""
    now = [service_json(call, service) for service in services]
    if all(each["state"] == ("ENABLED" if enable else "DISABLED") for each in now):
        return done(call, ServiceOperation("operations/noop.DONE_OPERATION", services, batch, call.now, enable))
    name = f"operations/acat.p2-{call.cloud.project.number}-{uuid.uuid4()}"
    length = call.cloud.timetable.real(ENABLE_GUIDE_SECONDS)
    ends_at = call.now + length
    call.cloud.timeline.note("operation", f"services {', '.join(services)}", length, call.now)
    call.cloud.state.service_operations[name] = ServiceOperation(name, services, batch, ends_at, enable)
    return {"name": name}


def enable_service(call: Call) -> Json:
    """Switch a service on."""
    return begin(call, [call.params["service"]])


def disable_service(call: Call) -> Json:
    """Switch a service off."""
    return begin(call, [call.params["service"]], enable=False)


def batch_enable(call: Call) -> Json:
    """Switch several on."""
    services = call.body.get("serviceIds", [])
    if not 1 <= len(services) <= 20:
        raise invalid("The request must name between 1 and 20 services.")
    return begin(call, services, batch=True)


def done(call: Call, operation: ServiceOperation) -> Json:
    """A finished operation."""
    states = [service_json(call, service) for service in operation.services]
    kind = "BatchEnable" if operation.batch else "Enable" if operation.enabled else "Disable"
    content: Json = {"services": states} if operation.batch else {"service": states[0]}
    suffix = "ServicesResponse" if operation.batch else "ServiceResponse"
    response = {"@type": f"type.googleapis.com/google.api.serviceusage.v1.{kind}{suffix}", **content}
    return {"name": operation.name, "done": True, "response": response}


def settle(state: State, now: float) -> None:
    """Let the operations that are over have had their effect."""
    for operation in state.service_operations.values():
        if not operation.settled and now >= operation.ends_at:
            operation.settled = True
            for service in operation.services:
                state.services[service] = operation.enabled


def get_operation(call: Call) -> Json:
    """An operation of this API."""
    name = f"operations/{call.params['operation']}"
    operation = call.cloud.state.service_operations.get(name)
    if operation is None:
        raise not_found(f"Operation {name} was not found.")
    return done(call, operation) if operation.settled else {"name": name}


def project_v1(call: Call) -> Json:
    """The project in the older form."""
    project = call.cloud.project
    return {
        "projectNumber": project.number,
        "projectId": project.id,
        "lifecycleState": "ACTIVE",
        "name": project.name,
        "createTime": project.created,
    }


def project_v3(call: Call) -> Json:
    """The project in the newer form."""
    project = call.cloud.project
    return {
        "name": f"projects/{project.number}",
        "projectId": project.id,
        "state": "ACTIVE",
        "displayName": project.name,
        "createTime": project.created,
        "updateTime": project.created,
    }


def test_permissions(call: Call) -> Json:
    """Which of the permissions the caller has; everybody may ask."""
    held = [name for name in call.body.get("permissions", []) if call.cloud.project.allows(call.caller, name)]
    return {"permissions": held} if held else {}


def billing_info(call: Call) -> Json:
    """Whether somebody pays."""
    project = call.cloud.project
    return {
        "name": f"projects/{project.id}/billingInfo",
        "projectId": project.id,
        "billingAccountName": project.billing_account,
        "billingEnabled": bool(project.billing_account),
    }


SERVICE_USAGE = {
    "services.get": Handler(get, "serviceusage.services.get"),
    "services.list": Handler(list_services, "serviceusage.services.list"),
    "services.batchGet": Handler(batch_get, "serviceusage.services.get"),
    "services.enable": Handler(enable_service, "serviceusage.services.enable", mutating=True),
    "services.disable": Handler(disable_service, "serviceusage.services.disable", mutating=True),
    "services.batchEnable": Handler(batch_enable, "serviceusage.services.enable", mutating=True),
    "operations.get": Handler(get_operation),
}
BILLING = {"projects.getBillingInfo": Handler(billing_info, "resourcemanager.projects.get")}
RESOURCE_MANAGER_V1 = {
    "projects.get": Handler(project_v1, "resourcemanager.projects.get"),
    "projects.testIamPermissions": Handler(test_permissions),
}
RESOURCE_MANAGER_V3 = {
    "projects.get": Handler(project_v3, "resourcemanager.projects.get"),
    "projects.testIamPermissions": Handler(test_permissions),
}
