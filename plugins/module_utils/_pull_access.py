# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""pull_access: a pull secret among those of service accounts, and nothing else of them changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options, wait_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, Deadline, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import (
    Json,
    KubernetesError,
    KubernetesRest,
    if_there,
)
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    CREATED,
    FIELD_MANAGER,
    OF_ENVIRONMENT,
    made_by,
    of_object,
)

# On an account that is not ours: the secret that we added, so that it can be put back.
ADDED = "rhaii.gke/pull-secret"
_TRIES = 5


class Accounts(Protocol):
    def read(self, namespace: str, name: str) -> Json | None:
        """The service account, None where there is none."""

    def create(self, namespace: str, body: Json) -> None:
        """Make one; raises KubernetesError 409 when there is one by now, 404 without its namespace."""

    def change(self, namespace: str, name: str, body: Json) -> None:
        """A merge patch; raises KubernetesError 409 when it has changed since it was read."""

    def pods(self, namespace: str, name: str) -> Sequence[Json]:
        """The pods that run as the account."""

    def delete_pod(self, namespace: str, name: str, uid: str) -> None:
        """Ask for the deletion of exactly this one; what is gone already is no error."""


@dataclass(frozen=True)
class Ports:
    accounts: Accounts
    clock: Clock


@dataclass(frozen=True)
class Account:
    namespace: str
    name: str
    create: bool
    labels: dict[str, str]
    annotations: dict[str, str]

    @classmethod
    def of(cls, given: Json) -> Account:
        return cls(
            given["namespace"],
            given["name"],
            bool(given["create"]),
            dict(given["labels"] or {}),
            dict(given["annotations"] or {}),
        )

    def __str__(self) -> str:
        return f"ServiceAccount {self.namespace}/{self.name}"


def secrets_of(account: Json) -> list[str]:
    return [str(each.get("name") or "") for each in account.get("imagePullSecrets") or []]


def cannot_pull(pod: Json, secret: str) -> bool:
    """Whether a pod was made before its account had the secret, and nothing of it has begun: it never will.

    A pod gets the secrets of its account when it is made. One that has no controller would not come back.
    """
    metadata, status = pod["metadata"], pod.get("status") or {}
    names = [each.get("name") for each in pod["spec"].get("imagePullSecrets") or []]
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return (
        secret not in names
        and not metadata.get("deletionTimestamp")
        and any(reference.get("controller") for reference in metadata.get("ownerReferences") or [])
        and all("waiting" in (each.get("state") or {}) and not each.get("restartCount") for each in containers)
    )


def added_by_us(account: Json, secret: str) -> bool:
    """Whether the entry is there because we put it there; version 0.1.0 left no annotation, but applied the list."""
    metadata = account.get("metadata") or {}
    mark = (metadata.get("annotations") or {}).get(ADDED)
    if mark:
        return bool(mark == secret)
    return secret in secrets_of(account) and any(
        (entry.get("manager"), entry.get("operation")) == (FIELD_MANAGER, "Apply")
        and "f:imagePullSecrets" in (entry.get("fieldsV1") or {})
        for entry in metadata.get("managedFields") or []
    )


def with_secret(account: Json, secret: str) -> Json | None:
    """The patch that adds the secret; None where it is there."""
    names = secrets_of(account)
    if secret in names:
        return None
    return _patch(account, [*names, secret], secret)


def without_secret(account: Json, secret: str) -> Json | None:
    """The patch that puts the account back as it was; None where there is nothing of ours in it."""
    if not added_by_us(account, secret):
        return None
    return _patch(account, [name for name in secrets_of(account) if name != secret], None)


def _patch(account: Json, names: list[str], mark: str | None) -> Json:
    return {
        # refused when somebody else was faster
        "metadata": {"resourceVersion": account["metadata"]["resourceVersion"], "annotations": {ADDED: mark}},
        "imagePullSecrets": [{"name": name} for name in names] or None,
    }


class _Access:
    def __init__(self, params: Params, ports: Ports, progress: Progress, check_mode: bool) -> None:
        self.environment = str(params["environment"])
        self.secret = str(params["secret"])
        self.accounts = ports.accounts
        self.progress = progress
        self.check_mode = check_mode
        self.deadline = Deadline(ports.clock, params["wait_timeout"])
        self.interval = float(params["wait_interval"])
        self.done: list[Json] = []
        self.renewed: list[str] = []

    def result(self) -> Result:
        touched = [each for each in self.done if each["action"] != "unchanged"]
        return {
            "changed": bool(touched or self.renewed),
            "accounts": self.done,
            "pods": self.renewed,
            "told": [each["said"] for each in self.done if each["said"]],
            "diff": {
                "before": {each["account"]: each["before"] for each in touched},
                "after": {each["account"]: each["after"] for each in touched},
            },
        }

    def note(self, account: Account, action: str, before: list[str], after: list[str], said: str = "") -> None:
        self.done.append({"account": str(account), "action": action, "before": before, "after": after, "said": said})
        if said:
            self.progress(said)

    def add(self, account: Account) -> None:
        live = self.awaited(account) or self.created(account)
        if live is None:
            # of one that is not there in check mode, its namespace or its controller is not there yet either
            self.note(account, "created" if account.create else "changed", [], [self.secret])
            return
        live, changed = self.patched(account, live, with_secret)
        before = secrets_of(live)
        if not changed:
            self.note(account, "unchanged", before, before)
            return
        said = (
            ""
            if of_object(live, self.environment).is_ours
            else f"{account} gets the pull secret {self.secret} beside what it has; it is not ours ({made_by(live)}), "
            "and teardown puts it back."
        )
        self.note(account, "changed", before, [*before, self.secret], said)

    def renew(self, account: Account) -> None:
        """Pods that cannot pull are made anew by their controller, until none was made without the secret."""
        while True:
            stuck = [
                pod for pod in self.accounts.pods(account.namespace, account.name) if cannot_pull(pod, self.secret)
            ]
            for pod in stuck:
                name = f"{account.namespace}/{pod['metadata']['name']}"
                self.renewed.append(name)
                if not self.check_mode:
                    self.progress(f"Pod {name} was made before {account} had {self.secret}: it is made anew")
                    self.accounts.delete_pod(account.namespace, pod["metadata"]["name"], pod["metadata"]["uid"])
            # the API server hands out an account's secrets a moment after they changed
            if not stuck or self.check_mode or self.deadline.passed:
                return
            self.deadline.pause(self.interval)

    def created(self, account: Account) -> Json | None:
        """Made; the account itself where somebody else was faster."""
        if self.check_mode:
            return None
        try:
            self.accounts.create(account.namespace, self.body(account))
        except KubernetesError as error:
            live = self.accounts.read(account.namespace, account.name) if error.status == 409 else None
            if live is None:
                raise
            return live
        return None

    def body(self, account: Account) -> Json:
        return {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": account.name,
                "namespace": account.namespace,
                "labels": {**account.labels, OF_ENVIRONMENT: self.environment},
                "annotations": {**account.annotations, CREATED: "true", ADDED: self.secret},
            },
            "imagePullSecrets": [{"name": self.secret}],
        }

    def awaited(self, account: Account) -> Json | None:
        """An account that Kubernetes makes by itself is there a moment after its namespace."""
        while True:
            live = self.accounts.read(account.namespace, account.name)
            if live is not None or account.create or self.check_mode:
                return live
            if self.deadline.passed:
                raise RhaiiError(
                    f"There is no {account}, so it cannot get the pull secret {self.secret}.",
                    remedy="Check namespace and name; what makes the account is not up yet, or not there.",
                )
            self.deadline.pause(self.interval)

    def patched(self, account: Account, live: Json, change: Callable[[Json, str], Json | None]) -> tuple[Json, bool]:
        """The account as it was changed, and whether it was; read again where others write at the same time."""
        tried = 0
        while True:
            tried += 1
            body = change(live, self.secret)
            if body is None or self.check_mode:
                return live, body is not None
            try:
                self.accounts.change(account.namespace, account.name, body)
            except KubernetesError as error:
                if error.status != 409 or tried == _TRIES:
                    raise
                live = self.accounts.read(account.namespace, account.name) or live
            else:
                return live, True

    def remove(self, account: Account) -> None:
        live = self.accounts.read(account.namespace, account.name)
        if live is None:
            self.note(account, "unchanged", [], [])
            return
        live, changed = self.patched(account, live, without_secret)
        before = secrets_of(live)
        if not changed:
            self.note(account, "unchanged", before, before)
            return
        said = f"{account} is put back: the pull secret {self.secret} is taken out again."
        self.note(account, "changed", before, [name for name in before if name != self.secret], said)


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    one = _Access(params, ports, progress, check_mode)
    try:
        for each in params["accounts"]:
            account = Account.of(each)
            if params["state"] == "present":
                one.add(account)
                if params["renew_pods"]:
                    one.renew(account)
            else:
                one.remove(account)
    except RhaiiError as error:
        raise error.with_result(one.result()) from error
    return one.result()


class KubernetesAccounts:
    """The real adapter."""

    def __init__(self, api: KubernetesRest) -> None:
        self._api = api

    @staticmethod
    def _path(namespace: str, name: str = "") -> str:
        return f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts{'/' + quote(name) if name else ''}"

    def read(self, namespace: str, name: str) -> Json | None:
        doing = f"read the service account {namespace}/{name}"
        return if_there(lambda: self._api.call(doing, "GET", self._path(namespace, name)), None)

    def create(self, namespace: str, body: Json) -> None:
        doing = f"make the service account {namespace}/{body['metadata']['name']}"
        self._api.call(doing, "POST", self._path(namespace), query={"fieldManager": FIELD_MANAGER}, body=body)

    def change(self, namespace: str, name: str, body: Json) -> None:
        doing = f"change the pull secrets of the service account {namespace}/{name}"
        self._api.call(doing, "PATCH", self._path(namespace, name), query={"fieldManager": FIELD_MANAGER}, body=body)

    def pods(self, namespace: str, name: str) -> Sequence[Json]:
        query = {"fieldSelector": f"spec.serviceAccountName={name}"}
        return self._api.items("list pods", f"/api/v1/namespaces/{quote(namespace)}/pods", query)

    def delete_pod(self, namespace: str, name: str, uid: str) -> None:
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}"
        nothing: Json = {}
        body = {"preconditions": {"uid": uid}}
        if_there(lambda: self._api.call(f"delete the pod {namespace}/{name}", "DELETE", path, body=body), nothing)


def ports_of(params: Params) -> Ports:
    return Ports(KubernetesAccounts(KubernetesRest.from_params(params)), SystemClock())


_ACCOUNT: dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "create": {"type": "bool", "default": False},
    "labels": {"type": "dict", "default": {}},
    "annotations": {"type": "dict", "default": {}},
}

CAPABILITY = Capability(
    name="pull_access",
    argument_spec=kubernetes_options(
        environment={"type": "str", "required": True},
        secret={"type": "str", "required": True, "no_log": False},
        accounts={"type": "list", "elements": "dict", "required": True, "options": _ACCOUNT},
        state={"type": "str", "default": "present", "choices": ["present", "absent"]},
        renew_pods={"type": "bool", "default": False},
        **{name: spec for name, spec in wait_options(60, 2.0).items() if name != "wait"},
    ),
    ports=ports_of,
    run=run,
)

__all__ = (
    "ADDED",
    "CAPABILITY",
    "Accounts",
    "Ports",
    "added_by_us",
    "cannot_pull",
    "run",
    "with_secret",
    "without_secret",
)
