# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What a call to an API server shows, where that comes from, and when it is fetched again."""

from __future__ import annotations

import base64
import importlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat

# What is near its end is fetched again while it is still good; of a short life that is its second half.
RENEW_BEFORE_END = timedelta(minutes=5)
# client-go reads a token file again after a minute (transport/token_source.go).
FILE_IS_GOOD_FOR = timedelta(minutes=1)
# kubectl waits without end; a task has nobody who would log in.
PLUGIN_PATIENCE = 60.0
PLUGIN_GROUP = "client.authentication.k8s.io"
# what kubectl takes; v1alpha1 went with 1.24
PLUGIN_VERSIONS = (f"{PLUGIN_GROUP}/v1", f"{PLUGIN_GROUP}/v1beta1")
# of these the kubernetes package knows how to get a token
PROVIDERS = ("gcp", "oidc")


@dataclass(frozen=True)
class Credential:
    """By what the API server knows the caller: a header, a certificate, both, or nothing."""

    authorization: str = field(default="", repr=False)
    # PEM texts
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    # when to ask for another one, which is before its end
    renew_at: datetime | None = None

    @classmethod
    def bearer(cls, token: str, renew_at: datetime | None = None) -> Credential:
        return cls(f"Bearer {token}", renew_at=renew_at)

    @property
    def token(self) -> str:
        return self.authorization.removeprefix("Bearer ")

    def is_like(self, other: Credential) -> bool:
        """Whether it shows the same, so that the answer would be the same."""
        return (self.authorization, self.certificate) == (other.authorization, other.certificate)


class Source(Protocol):
    """Gives out credentials."""

    # what to do where even a new one is refused
    remedy: str

    def credential(self) -> Credential:
        """One that is good now, as far as the source knows."""

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        """Another one after a refusal; None where there is no other. `has_served`: an earlier call was answered."""


def renew_at(now: datetime, end: datetime | None) -> datetime | None:
    """When to fetch the next of what ends at `end`."""
    return None if end is None else end - min(RENEW_BEFORE_END, max(end - now, timedelta()) / 2)


class Fixed:
    """What is given as it is."""

    def __init__(self, credential: Credential, remedy: str = "") -> None:
        self._credential = credential
        self.remedy = remedy

    def credential(self) -> Credential:
        return self._credential

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        return None


class TokenFile:
    """A token that somebody else keeps fresh in a file, as the kubelet does in a pod."""

    def __init__(self, place: Path, pair: tuple[str, str] = ("", ""), clock: Clock | None = None) -> None:
        self._place = place
        self._pair = pair
        self._clock = clock or SystemClock()
        self.remedy = f"The file {place} holds no newer token. Check what writes it, and run again."

    def credential(self) -> Credential:
        try:
            token = self._place.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise RhaiiError(
                f"The token file {self._place} cannot be read ({why}).",
                remedy="Check tokenFile of the kubeconfig's user, and run again.",
            ) from error
        if not token:
            raise RhaiiError(
                f"The token file {self._place} is empty.",
                remedy="Check what writes the file that the kubeconfig's user names as tokenFile, and run again.",
            )
        return Credential(f"Bearer {token}", *self._pair, self._clock.now() + FILE_IS_GOOD_FOR)

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        found = self.credential()
        return None if found.is_like(refused) else found


class Plugin:
    """A program that gives out credentials, by the protocol of kubectl's exec plugins.

    The kubernetes package runs such programs too, but goes on without credentials where one fails, and lets it ask on
    the terminal.
    """

    def __init__(
        self,
        user: str,
        asked: Mapping[str, Any],
        cluster: Mapping[str, Any],
        folder: Path,
        pair: tuple[str, str] = ("", ""),
        clock: Clock | None = None,
    ) -> None:
        self._asked = asked
        self._cluster = cluster
        self._folder = folder
        self._pair = pair
        self._clock = clock or SystemClock()
        self.name = str(asked.get("command") or "")
        self._whose = f"The program {self.name}, which gives out the credentials of the kubeconfig's user {user},"
        self.remedy = (
            f"{self.name} was asked again and has nothing else to show. Check as whom it logs in, and that this "
            "account may use the cluster."
        )
        if not self.name:
            raise RhaiiError(
                f"exec of the kubeconfig's user {user} names no command.", remedy="Give a complete kubeconfig."
            )

    def credential(self) -> Credential:
        status = self._status()
        token = str(status.get("token") or "")
        pair = (str(status.get("clientCertificateData") or ""), str(status.get("clientKeyData") or ""))
        if bool(pair[0]) != bool(pair[1]) or not (token or pair[0]):
            raise self._failure("gave neither a token nor a client certificate with its key")
        authorization = f"Bearer {token}" if token else ""
        return Credential(
            authorization, *(pair if pair[0] else self._pair), renew_at(self._clock.now(), self._end(status))
        )

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        found = self.credential()
        return None if found.is_like(refused) else found

    def _failure(self, what: str, remedy: str = "") -> RhaiiError:
        return RhaiiError(
            f"{self._whose} {what}.",
            remedy=remedy or "Ask kubectl for something with the same kubeconfig; it shows what the program says.",
        )

    def _status(self) -> Mapping[str, Any]:
        version = str(self._asked.get("apiVersion") or "")
        if version not in PLUGIN_VERSIONS:
            raise self._failure(
                f"is asked for {version or 'no apiVersion'}, which kubectl does not know any more",
                f"Set its apiVersion in the kubeconfig to {' or '.join(PLUGIN_VERSIONS)}, as its documentation has it.",
            )
        if self._asked.get("interactiveMode") == "Always":
            raise self._failure(
                "wants to ask somebody (interactiveMode: Always), and there is nobody to answer",
                "Use an account that needs no log-in by hand, or give host, ca_cert and api_key.",
            )
        said = self._run(version)
        try:
            answer = json.loads(said)
            status = answer["status"]
            if answer["apiVersion"] != version or not isinstance(status, Mapping):
                raise TypeError
        # what was said may be a token: it is shown nowhere, and no cause is chained that would hold it
        except (ValueError, KeyError, TypeError):
            raise self._failure(f"gave no ExecCredential of {version}") from None
        return status

    def _run(self, version: str) -> bytes:
        command = self.name
        if os.sep in command:
            command = str(self._folder / command)
        named = {str(each["name"]): str(each["value"]) for each in self._asked.get("env") or ()}
        spec: dict[str, Any] = {"interactive": False}
        if self._asked.get("provideClusterInfo"):
            spec["cluster"] = dict(self._cluster)
        info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
        try:
            # a session of its own has no terminal, on which it might ask somebody
            process = subprocess.Popen(
                [command, *(str(each) for each in self._asked.get("args") or ())],
                env={**os.environ, **named, "KUBERNETES_EXEC_INFO": info},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise self._failure(
                f"cannot be run here ({error.strerror})",
                flat(str(self._asked.get("installHint") or ""), 400) or f"Install {self.name}, and run again.",
            ) from error
        with process:
            try:
                said: bytes = process.communicate(timeout=PLUGIN_PATIENCE)[0]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise self._failure(
                    f"gave no answer within {in_words(PLUGIN_PATIENCE)}",
                    "It may wait for somebody to log in. Log in first, by kubectl with the same kubeconfig, and run "
                    "again.",
                ) from None
        if process.returncode:
            hint = flat(str(self._asked.get("installHint") or ""), 400)
            by_hand = "Ask kubectl for something with the same kubeconfig; it shows what the program says."
            raise self._failure(f"failed (exit code {process.returncode})", f"{by_hand} {hint}".strip())
        return said

    def _end(self, status: Mapping[str, Any]) -> datetime | None:
        said = status.get("expirationTimestamp")
        if not said:
            return None
        try:
            end = datetime.fromisoformat(str(said).upper())
        except ValueError:
            raise self._failure("gave an expirationTimestamp that is no time") from None
        return end if end.tzinfo else end.replace(tzinfo=UTC)


class Provider:
    """auth-provider: kubectl dropped it with 1.26, the kubernetes package has two of them still."""

    def __init__(
        self,
        user: str,
        entry: Mapping[str, Any],
        place: Path,
        save: Any,
        pair: tuple[str, str] = ("", ""),
        clock: Clock | None = None,
    ) -> None:
        self._user = user
        self._entry = entry
        self._name = str(entry.get("name") or "")
        self._place = place
        self._save = save
        self._pair = pair
        self._clock = clock or SystemClock()
        self.remedy = f"Log in again with the program that wrote the user {user} into {place}, and run again."
        if self._name not in PROVIDERS:
            raise RhaiiError(
                f"The kubeconfig's user {user} has the auth-provider {self._name or '(no name)'}, by which nothing can "
                "log in any more.",
                remedy="Let the cluster's own tool write the kubeconfig anew, with exec in its place (for GKE: gcloud "
                "container clusters get-credentials).",
            )

    def credential(self) -> Credential:
        try:
            # most of two seconds: only for those who have one
            kubernetes = importlib.import_module("kubernetes.client")
            kube_config = importlib.import_module("kubernetes.config.kube_config")
        except ImportError as error:
            raise RhaiiError(
                f"The kubeconfig's user {self._user} has an auth-provider, and the Python library for it is missing "
                f"where this task runs ({error}).",
                remedy="Install it there: pip install kubernetes",
            ) from error
        name = self._user
        loader = kube_config.KubeConfigLoader(
            {
                "current-context": name,
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "clusters": [{"name": name, "cluster": {"server": "http://unused.invalid"}}],
                "users": [{"name": name, "user": {"auth-provider": self._entry}}],
            },
            config_base_path=str(self._place.parent),
            config_persister=self._save if self._name == "oidc" else None,
        )
        configuration = kubernetes.Configuration()
        try:
            loader.load_and_set(configuration)
        # whatever it is, its words may hold what the identity provider or a program said, tokens among it
        except Exception as error:
            raise self._failure(f"it failed with {type(error).__name__}") from None
        found = str(configuration.api_key.get("BearerToken") or "")
        if not found:
            raise self._failure("it has no token that could be used or renewed")
        return Credential(found, *self._pair, renew_at(self._clock.now(), getattr(loader, "expiry", None)))

    def renewed(self, refused: Credential, *, has_served: bool) -> Credential | None:
        found = self.credential()
        return None if found.is_like(refused) else found

    def _failure(self, why: str) -> RhaiiError:
        return RhaiiError(
            f"The auth-provider {self._name} of the kubeconfig's user {self._user} gave no token: {why}.",
            remedy=self.remedy,
        )


def basic(name: str, password: str) -> str:
    """The header of basic authentication."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode('ascii')}"


__all__ = (
    "PROVIDERS",
    "Credential",
    "Fixed",
    "Plugin",
    "Provider",
    "Source",
    "TokenFile",
    "basic",
    "renew_at",
)
