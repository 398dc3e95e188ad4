# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""A thin REST port to a Kubernetes API server.

The `kubernetes` package takes most of a second to import; what the modules need is a dozen paths.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._clock import Clock, SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._google import GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._google_tokens import GoogleTokens, google_source
from ansible_collections.rhaii.gke.plugins.module_utils._kubeconfig import GIVEN_REMEDY, WITHOUT_YAML, Access, access_of
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes_credentials import Credential, Fixed

try:
    import requests
    import requests.adapters
    import urllib3
except ImportError as error:
    MISSING = str(error)
else:
    MISSING = WITHOUT_YAML

Json = dict[str, Any]
T = TypeVar("T")

_CONTENT_TYPES: Mapping[str, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_JSON = "application/json"
# a list without spec, status and data
_METADATA = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class KubernetesError(RhaiiError):
    """The API server answered with an error (status 0: it did not answer)."""

    def __init__(
        self,
        doing: str,
        status: int,
        reason: str,
        message: str,
        remedy: str = "",
        causes: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        coded = " ".join(part for part in (str(status or ""), reason) if part)
        super().__init__(
            f"Could not {doing}: {': '.join(part for part in (coded, flat(message)) if part)}",
            remedy=remedy or (_ENDING_REMEDY if _is_ending(causes) else _REMEDIES.get(status, "")),
        )
        self.status = status
        self.reason = reason
        self.message = message
        # one entry a field: reason, field, message
        self.causes = causes

    @property
    def is_of_ending_namespace(self) -> bool:
        """Whether it was refused because its namespace is being deleted; the API server forbids that."""
        return _is_ending(self.causes)


def _is_ending(causes: Sequence[Mapping[str, Any]]) -> bool:
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def if_there(ask: Callable[[], T], otherwise: T) -> T:
    """What `ask` reads; `otherwise` where the API server has no such object, or knows no such kind."""
    try:
        return ask()
    except KubernetesError as error:
        if error.status == 404:
            return otherwise
        raise


_REMEDIES: Mapping[int, str] = {
    401: GIVEN_REMEDY,
    403: "Give the account the right in the cluster that the message names.",
}
_ENDING_REMEDY = "Wait until the namespace is gone, and run the same again."


def _require_libraries() -> None:
    if MISSING:
        raise RhaiiError(
            f"A Python library is missing where this task runs ({MISSING}).",
            remedy="Install it there: pip install requests PyYAML",
        )


class KubernetesRest:
    """Calls with a token or a client certificate, renewed where it can be. Made after the fork, never at import."""

    def __init__(
        self,
        host: str,
        *,
        api_key: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        access: Access | None = None,
        clock: Clock | None = None,
    ) -> None:
        _require_libraries()
        self.host = host.rstrip("/")
        self._access = access or Access(host)
        self._timeout = timeout
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._has_served = False
        self._session = requests.Session()
        # asked once: requests goes through the whole environment for each request, and for a netrc
        self._session.proxies = requests.utils.get_environ_proxies(self.host)
        if self._access.proxy:
            self._session.proxies = {"http": self._access.proxy, "https": self._access.proxy}
        self._session.trust_env = False
        self._mount(tls or ssl.create_default_context())
        self._source = self._access.source
        self._credential = Credential()
        if api_key:
            self.renew(api_key)
        else:
            self._take(self._source.credential())

    @classmethod
    def from_params(
        cls,
        params: Mapping[str, Any],
        google: GoogleSettings | None = None,
        tokens: GoogleTokens | None = None,
    ) -> KubernetesRest:
        """From the options of the fragment rhaii.gke._kubernetes. A host that is given wins over a kubeconfig.

        `google`: what the module itself is given to ask Google with. It serves where no token is given, or where the
        one that is given has served and is refused later. `tokens`: what several connections share.
        """
        _require_libraries()
        access = access_of(params, tokens or google_source(params, google))
        return cls(access.server, tls=_context(access.authority, access.verify), access=access)

    def renew(self, api_key: str) -> None:
        """A new token for the calls to come."""
        self._source = Fixed(Credential.bearer(api_key), GIVEN_REMEDY)
        self._take(self._source.credential())

    def _mount(self, tls: ssl.SSLContext) -> None:
        # Reading is repeated after a lost connection; nothing else is.
        retry = urllib3.Retry(total=3, backoff_factor=0.3, status_forcelist=(), allowed_methods=frozenset({"GET"}))
        headers = self._access.headers
        self._session.mount("https://", _Tls(tls, self._access.server_name, headers=headers, max_retries=retry))
        self._session.mount("http://", _Plain(headers=headers, max_retries=retry))

    def _take(self, credential: Credential) -> None:
        """Show this from now on."""
        if (credential.certificate, credential.key) != (self._credential.certificate, self._credential.key):
            access = self._access
            self._mount(_context(access.authority, access.verify, credential.certificate, credential.key))
        if credential.authorization:
            self._session.headers["Authorization"] = credential.authorization
        else:
            self._session.headers.pop("Authorization", None)
        self._credential = credential

    def _present(self) -> Credential:
        """What is shown now, and another one first where this one is near its end."""
        with self._lock:
            ends = self._credential.renew_at
            if ends is not None and self._clock.now() >= ends:
                # this one may still be good: whether it is, the API server says
                with contextlib.suppress(RhaiiError):
                    self._take(self._source.credential())
            return self._credential

    def _renewed(self, refused: Credential) -> bool:
        """Whether there is another one to show; another thread may have fetched it."""
        with self._lock:
            if self._credential is refused:
                found = self._source.renewed(refused, has_served=self._has_served)
                if found is None:
                    return False
                self._take(found)
            return True

    def call(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        patch: str = "merge",
        accept: str = _JSON,
    ) -> Json:
        """One JSON call; `doing` completes the sentence 'could not ...'."""
        response = self._send(doing, method, path, query, body, patch, accept=accept)
        try:
            answer: Json = response.json() if response.content else {}
        except ValueError:
            raise KubernetesError(doing, response.status_code, "", "the answer is not JSON") from None
        return answer

    def text(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> str:
        """What is not JSON: a container's log."""
        return str(self._send(doing, "GET", path, query).text)

    def items(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> list[Json]:
        """All objects of a list."""
        found: list[Json] = list(self.call(doing, "GET", path, query=query).get("items") or [])
        return found

    def metadata(self, doing: str, path: str, query: Mapping[str, str] | None = None) -> list[Json]:
        """All objects of a list, asked for without what the objects hold: no secret comes here."""
        return list(self.call(doing, "GET", path, query=query, accept=_METADATA).get("items") or [])

    def names(self, doing: str, path: str) -> list[str]:
        """The names of all objects of a list."""
        return [str(each["metadata"]["name"]) for each in self.metadata(doing, path)]

    def watch(self, doing: str, path: str, query: Mapping[str, str], seconds: int) -> Iterator[tuple[str, Json]]:
        """Changes as they happen, for at most `seconds`; ends quietly when the server ends it."""
        full = {**query, "watch": "true", "timeoutSeconds": str(seconds), "allowWatchBookmarks": "true"}
        response = self._send(doing, "GET", path, full, stream=True, timeout=(self._timeout, seconds + 10.0))
        with response, contextlib.suppress(requests.exceptions.RequestException, urllib3.exceptions.HTTPError):
            for line in response.iter_lines(chunk_size=None):
                if line:
                    event = json.loads(line)
                    yield str(event["type"]), dict(event["object"])

    def _send(
        self,
        doing: str,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        patch: str = "merge",
        stream: bool = False,
        timeout: Any = None,
        accept: str = _JSON,
    ) -> Any:
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = _CONTENT_TYPES[patch] if method == "PATCH" else _JSON

        def ask() -> Any:
            return self._session.request(
                method,
                self.host + path,
                params=dict(query or {}),
                data=None if body is None else json.dumps(body),
                headers=headers,
                timeout=timeout or self._timeout,
                stream=stream,
            )

        try:
            shown = self._present()
            response = ask()
            # whom the API server does not know, for that one it did nothing: it may be asked again, whatever it is
            if response.status_code == 401 and self._renewed(shown):
                if stream:
                    response.close()
                response = ask()
        except requests.exceptions.RequestException as error:
            raise KubernetesError(
                doing,
                0,
                "",
                f"the API server at {self.host} does not answer ({one_line(error, 200)})",
                remedy="Check that the cluster runs and that its address answers from here, and run again.",
            ) from error
        if response.status_code >= 400:
            raise _error_of(doing, response, self._source.remedy)
        self._has_served = True
        return response


def _error_of(doing: str, response: Any, unknown_remedy: str) -> KubernetesError:
    remedy = unknown_remedy if response.status_code == 401 else ""
    try:
        status = response.json()
        return KubernetesError(
            doing,
            response.status_code,
            str(status.get("reason") or ""),
            str(status.get("message") or ""),
            remedy=remedy,
            causes=(status.get("details") or {}).get("causes") or (),
        )
    except (ValueError, AttributeError):
        return KubernetesError(doing, response.status_code, "", response.text[:200], remedy=remedy)


def _context(
    authority: str | None, verify: bool, certificate: str | None = None, key: str | None = None
) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=authority)
        # Clusters' own authorities lack extensions that newer Pythons insist on.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if certificate and key:
            # OpenSSL reads a key from a file alone; this one lives for as long as that takes.
            with tempfile.TemporaryDirectory() as folder:
                pair = Path(folder) / "pair.pem"
                pair.touch(mode=0o600)
                pair.write_text(f"{certificate}\n{key}", encoding="ascii")
                context.load_cert_chain(pair)
    except ssl.SSLError as error:
        raise RhaiiError(
            f"The certificates for the API server are no PEM certificates ({one_line(error)}).",
            remedy="Check ca_cert, or the kubeconfig.",
        ) from error
    return context


if not MISSING:

    class _Plain(requests.adapters.HTTPAdapter):
        """Adds headers of which there may be several with one name; requests has no way to give them."""

        def __init__(self, *, headers: Sequence[tuple[str, str]] = (), **options: Any) -> None:
            self._headers = headers
            super().__init__(**options)

        def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
            if self._headers:
                request.headers = urllib3.HTTPHeaderDict(request.headers)
                for name, value in self._headers:
                    request.headers.add(name, value)
            return super().send(request, *args, **kwargs)

    class _Tls(_Plain):
        """Trusts exactly what its context trusts; requests would add its own bundle of public authorities."""

        def __init__(self, context: ssl.SSLContext, server_name: str = "", **options: Any) -> None:
            self._context = context
            self._server_name = server_name
            super().__init__(**options)

        def init_poolmanager(self, *args: Any, **kwargs: Any) -> Any:
            return super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            """The context has said it all."""

        def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
            host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
            named = {"server_hostname": self._server_name} if self._server_name else {}
            return host, {**tls, "ssl_context": self._context, "cert_reqs": None, "ca_certs": None, **named}


__all__ = ("Json", "KubernetesError", "KubernetesRest", "if_there")
