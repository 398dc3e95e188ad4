# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service accounts: reading and making them, and acting as one."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sandbox.cloud.calls import Call, Handler, page
from sandbox.cloud.errors import GoogleError, Json, error_info, invalid, not_found
from sandbox.cloud.tokens import LIFETIME, issue, numeric

ACCOUNT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
GET_TOKEN = "iam.serviceAccounts.getAccessToken"


def described(call: Call, email: str, content: Json) -> Json:
    """An account as the API shows it."""
    project = call.cloud.project
    return {
        "name": f"projects/{project.id}/serviceAccounts/{email}",
        "projectId": project.id,
        "uniqueId": numeric(email),
        "oauth2ClientId": numeric(email),
        "email": email,
        "etag": "MDEwMjE5MjA=",
        **content,
    }


def known(call: Call) -> dict[str, Json]:
    """Every account by its address: the project's own, and those that were made since."""
    own = {account.email: described(call, account.email, {}) for account in call.cloud.project.accounts}
    made = call.cloud.state.service_accounts.items()
    return {**own, **{email: described(call, email, content) for email, content in made}}


def wanted(call: Call) -> str:
    """The address that a call names, by itself or by its unique id."""
    name = call.params["serviceAccount"]
    email = next((each for each in known(call) if name in (each, numeric(each))), None)
    if email is None:
        raise not_found(f"Unknown service account: {name}")
    return email


def get(call: Call) -> Json:
    """An account."""
    return known(call)[wanted(call)]


def list_accounts(call: Call) -> Json:
    """All accounts."""
    return page(list(known(call).values()), call, "accounts")


def create(call: Call) -> Json:
    """Make an account."""
    name = str(call.body.get("accountId", ""))
    if not ACCOUNT_ID.fullmatch(name):
        raise invalid(f"Service account ID must match {ACCOUNT_ID.pattern}: {name!r}.")
    project = call.cloud.project.id
    email = f"{name}@{project}.iam.gserviceaccount.com"
    if email in known(call):
        message = f"Service account {name} already exists within project projects/{project}."
        raise GoogleError("ALREADY_EXISTS", message)
    given = call.body.get("serviceAccount") or {}
    content = {key: given[key] for key in ("displayName", "description") if given.get(key)}
    call.cloud.state.service_accounts[email] = content
    return described(call, email, content)


def delete(call: Call) -> Json:
    """Remove an account that was made."""
    email = wanted(call)
    if email not in call.cloud.state.service_accounts:
        raise GoogleError("FAILED_PRECONDITION", f"{email} belongs to the project and stays.")
    del call.cloud.state.service_accounts[email]
    return {}


def generate_access_token(call: Call) -> Json:
    """A token of another account, for whoever may act as it."""
    cloud = call.cloud
    if not cloud.project.allows(call.caller, GET_TOKEN):
        message = f"Permission '{GET_TOKEN}' denied on resource (or it may not exist)."
        detail = error_info("IAM_PERMISSION_DENIED", {"permission": GET_TOKEN})
        raise GoogleError("PERMISSION_DENIED", message, details=[detail])
    email = call.params["serviceAccount"]
    if email not in known(call):
        raise not_found(f"Not found; Gaia id not found for email {email}")
    scopes = call.body.get("scope") or []
    if not scopes:
        raise invalid("Request must contain at least one scope.")
    asked = re.fullmatch(r"(\d+)s", str(call.body.get("lifetime") or f"{LIFETIME}s"))
    if not asked or not 0 < int(asked[1]) <= LIFETIME:
        raise invalid(f"The lifetime must be a duration of at most {LIFETIME} seconds, as in 3600s.")
    ends = int(call.now + min(int(asked[1]), cloud.faults.token_lifetime() or LIFETIME))
    token = issue(cloud.state, email, " ".join(scopes), ends, call.now)
    cloud.store.save()
    return {"accessToken": token, "expireTime": datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


IAM = {
    "projects.serviceAccounts.get": Handler(get, "iam.serviceAccounts.get"),
    "projects.serviceAccounts.list": Handler(list_accounts, "iam.serviceAccounts.list"),
    "projects.serviceAccounts.create": Handler(create, "iam.serviceAccounts.create", mutating=True),
    "projects.serviceAccounts.delete": Handler(delete, "iam.serviceAccounts.delete", mutating=True),
}
CREDENTIALS = {"projects.serviceAccounts.generateAccessToken": Handler(generate_access_token)}
