# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""How the collection reaches Google: credentials, endpoints, time-outs, bounded retries, and errors as sentences.

Everything speaks REST, so that one endpoint, one CA file and one kind of session serve every API.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock, jittered
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, flat, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._kept_token import Kept, cached_token
from ansible_collections.rhaii.gke.plugins.module_utils._meaning import (
    BUSY,
    CREDENTIALS,
    PASSING_STATUSES,
    REMEDIES,
    meaning_of,
    remedy_of,
)

try:
    import google.auth
    import google.auth.credentials
    import google.auth.exceptions
    import google.auth.impersonated_credentials
    import google.auth.transport.requests
    import google.oauth2.credentials
    import google.oauth2.service_account
    import requests
    import requests.adapters
    import urllib3.util
except ImportError as error:  # said in one sentence by require_libraries(), when something is asked of Google
    MISSING = str(error)
else:
    MISSING = ""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# A read is repeated at each of them; what changes something only where it was turned away before anything was done.
RETRIED_STATUS = PASSING_STATUSES | {429}
TURNED_AWAY = frozenset({429, 503})
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
# Methods of Google that are asked by POST and change nothing.
_READS_BY_POST = re.compile(
    r"(/listManagedInstances|/listInstances|/listErrors|:testIamPermissions|:getIamPolicy|:queryTimeSeries|:search)$"
)
RETRIES = 4
# No second try once this part of a request's time-out has gone by without an answer: a cloud that hangs is reported
# after two time-outs at most.
PATIENCE = 1.5
LONGEST_RETRY_AFTER = 60

DEFAULT_ENDPOINTS: Mapping[str, str] = {
    "container": "https://container.googleapis.com",
    "compute": "https://compute.googleapis.com",
    "cloudquotas": "https://cloudquotas.googleapis.com",
    "serviceusage": "https://serviceusage.googleapis.com",
    "cloudresourcemanager": "https://cloudresourcemanager.googleapis.com",
    "cloudbilling": "https://cloudbilling.googleapis.com",
    "monitoring": "https://monitoring.googleapis.com",
    "iamcredentials": "https://iamcredentials.googleapis.com",
}
# What an edge that runs in a run adds to the options.
RUN_DIR = "run_dir"
TOKEN_SERVICE = "https://oauth2.googleapis.com"


def require_libraries(problem: str, *packages: str) -> None:
    """Refuse with the pip names, where `problem` is what the guarded import said."""
    if problem:
        raise RhaiiError(
            f"A Python library for Google Cloud is missing where this task runs ({problem}).",
            remedy=f"Install it there: pip install {' '.join(packages)}",
        )


class GoogleError(RhaiiError):
    """Google answered with an error."""

    def __init__(
        self,
        doing: str,
        status: int,
        code: str,
        message: str,
        *,
        reasons: Collection[str] = (),
        older: Collection[str] = (),
    ) -> None:
        coded = " ".join(part for part in (str(status or ""), code) if part)
        said = ": ".join(part for part in (coded, flat(message)) if part)
        meaning = meaning_of(status, code, message, reasons, older)
        remedy = _of_quota_project(message) or remedy_of(meaning, message)
        super().__init__(f"Google refused to {doing}: {said}", remedy=remedy)
        self._reasons, self._older = tuple(reasons), tuple(older)
        self.status = status
        self.code = code
        self.message = message
        # seconds that Google asks to wait, None when it says nothing
        self.retry_after: float | None = None
        # Google's word for the cause, as in SERVICE_DISABLED
        self.reason = next(iter(reasons), "")

    @property
    def meaning(self) -> str:
        return meaning_of(self.status, self.code, self.message, {*self._reasons, self.reason}, self._older)

    @property
    def is_conflict(self) -> bool:
        """Another operation runs on the same cluster: wait for it, then ask again."""
        return self.meaning == BUSY


# The project of gcloud itself: what user credentials are counted against that name none.
GCLOUD_PROJECT = "764086051850"


def _of_quota_project(message: str) -> str:
    """What to do where Google wants to know whose quota a user's calls use, or where that is not the user's to use."""
    said = message.lower()
    if "quota project" in said or GCLOUD_PROJECT in said or "end user credentials" in said:
        return (
            "These are a user's own credentials, and this API counts calls against a project. Name it: quota_project "
            "(rhaii_quota_project), or gcloud auth application-default set-quota-project PROJECT. Or use a service "
            "account."
        )
    if "serviceusage.services.use" in said or "roles/serviceusage.serviceusageconsumer" in said:
        return (
            "Give the account roles/serviceusage.serviceUsageConsumer on the project that its calls are counted "
            "against, or name another one with quota_project (rhaii_quota_project)."
        )
    return ""


class UnreachableError(RhaiiError):
    """No answer at all."""


@dataclass(frozen=True)
class GoogleSettings:
    """The options of the fragment rhaii.gke._google, typed."""

    project: str
    auth_kind: str = "application"
    service_account_file: str | None = None
    access_token: str | None = field(default=None, repr=False)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    ca_file: str | None = None
    timeout: float = 60.0
    impersonate_service_account: str | None = None
    # the project that calls are counted against; else the one that the credentials name
    quota_project: str | None = None
    # for what nobody may have to wait for: one more try at the most, and at once
    is_hasty: bool = False
    # the run's own folder, where its tasks share a token
    run_dir: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> GoogleSettings:
        given = params.get("endpoints") or {}
        return cls(
            project=str(params["project"]),
            auth_kind=str(params.get("auth_kind") or "application"),
            service_account_file=params.get("service_account_file") or None,
            access_token=params.get("access_token") or None,
            endpoints={str(api): str(url).rstrip("/") for api, url in given.items() if url},
            ca_file=params.get("ca_file") or None,
            timeout=float(params.get("request_timeout") or 60),
            impersonate_service_account=params.get("impersonate_service_account") or None,
            quota_project=params.get("quota_project") or None,
            run_dir=params.get(RUN_DIR) or None,
        )

    def endpoint(self, api: str) -> str:
        return self.endpoints.get(api) or DEFAULT_ENDPOINTS[api]

    @property
    def is_given(self) -> bool:
        """Whether the token itself is given, so that nothing is gained by keeping it."""
        return self.auth_kind == "accesstoken" and not self.impersonate_service_account

    @property
    def token_service(self) -> str:
        return self.endpoints.get("oauth2") or TOKEN_SERVICE


@dataclass(frozen=True)
class Identity:
    """Who asks Google: how that is shown, and the account, where it is known. Nothing of it is secret."""

    kind: str
    account: str = ""
    # seconds that a given token is still good for; None when it can be renewed, or nobody knows
    left: int | None = None
    # `kind` is whose credentials act as the account
    is_acting: bool = False


@contextmanager
def translated(doing: str, where: str) -> Iterator[None]:
    """Turn what the network and the libraries of Google raise into our errors."""
    try:
        yield
    except requests.exceptions.RequestException as error:
        raise UnreachableError(
            f"Could not {doing}: no answer from {where} ({_reason(error)}).",
            remedy="Check that the address answers from here (network, proxy, endpoints, ca_file) and run again.",
        ) from error
    except google.auth.exceptions.RefreshError as error:
        raise RhaiiError(
            f"Could not {doing}: no access token was given out ({flat(str(error.args[0]))}).",
            remedy=getattr(error, "remedy", REMEDIES[CREDENTIALS]),
        ) from error
    except google.auth.exceptions.TransportError as error:
        raise UnreachableError(
            f"Could not {doing}: the token service does not answer ({_reason(error)}).",
            remedy="Check that the address of the token service answers from here, and run again.",
        ) from error
    except google.auth.exceptions.GoogleAuthError as error:
        raise RhaiiError(f"Could not {doing}: {one_line(error)}", remedy=REMEDIES[CREDENTIALS]) from error


def _reason(error: BaseException) -> str:
    """The innermost cause: 'Connection refused' rather than three nested representations of it."""
    seen: BaseException = error
    while True:
        inner = seen.__cause__ or getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        if not isinstance(inner, BaseException) or inner is seen:
            break
        seen = inner
    return str(getattr(seen, "strerror", None) or one_line(seen, 200))


def prepared(
    session: Any,
    ca_file: str | None,
    timeout: float,
    variable: str = "rhaii_google_ca_file",
    *,
    is_hasty: bool = False,
) -> Any:
    """The CA file and the bounded retries, on any session of requests, and no stranger's password.

    What requests takes from the environment by itself includes ~/.netrc, whose entries replace a token. Of all that
    the adapter takes proxies and authorities.
    """
    session.trust_env = False
    if ca_file:
        if not Path(ca_file).is_file():
            raise RhaiiError(
                f"The CA file {ca_file} does not exist.",
                remedy=f"Give a PEM file with ca_file ({variable}), or leave it empty.",
            )
        session.verify = ca_file
    adapter = _BoundedAdapter(timeout, ca_file, is_hasty)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class Connection:
    """Credentials and sessions for one task. Made after the fork, never at import."""

    def __init__(self, settings: GoogleSettings) -> None:
        require_libraries(MISSING, "google-auth", "requests")
        self.settings = settings
        self._credentials: Any = None
        self._identity: Identity | None = None

    @property
    def credentials(self) -> Any:
        if self._credentials is None:
            request = google.auth.transport.requests.Request(session=self.prepare(requests.Session()))
            self._credentials = _Renewed(
                lambda: self._source, functools.partial(request, timeout=self.settings.timeout), self.settings
            )
        return self._credentials

    @functools.cached_property
    def _source(self) -> Any:
        """What asks for tokens; reading a key costs more than a request, so that a kept token does without."""
        source, self._identity = _load_credentials(self.settings)
        return self._impersonated(source) if self.settings.impersonate_service_account else source

    def _impersonated(self, source: Any) -> Any:
        account = self.settings.impersonate_service_account
        return google.auth.impersonated_credentials.Credentials(
            source_credentials=source,
            target_principal=account,
            target_scopes=[SCOPE],
            iam_endpoint_override=(
                f"{self.settings.endpoint('iamcredentials')}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
            ),
        )

    def identity(self) -> Identity:
        """Who asks; a token that says nothing of itself is shown to the token service, which knows its account."""
        token = self.token()[0]
        with translated("get an access token", "the token service"):
            source = self._identity if self._source and self._identity else Identity("")
        if self.settings.impersonate_service_account:
            by = ", ".join(part for part in (source.kind, source.account) if part)
            return Identity(by, self.settings.impersonate_service_account, is_acting=True)
        if source.account and source.account != "default":
            return source
        told = self._told(token)
        left = str(told.get("expires_in") or "")
        renewable = self.settings.auth_kind != "accesstoken"
        return Identity(
            source.kind, str(told.get("email") or ""), int(left) if left.isdigit() and not renewable else None
        )

    def _told(self, token: str) -> Mapping[str, Any]:
        """What the token service says of a token; nothing, when it is silent: a name is worth no failure."""
        try:
            answer = self.prepare(requests.Session()).post(
                f"{self.settings.token_service}/tokeninfo", data={"access_token": token}, timeout=self.settings.timeout
            )
            told = answer.json() if answer.status_code == 200 else {}
        except (requests.exceptions.RequestException, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def prepare(self, session: Any) -> Any:
        settings = self.settings
        return prepared(session, settings.ca_file, settings.timeout, is_hasty=settings.is_hasty)

    def session(self) -> Any:
        """A session that adds the token, renews it, and retries what is safe to repeat."""
        return self.prepare(google.auth.transport.requests.AuthorizedSession(self.credentials))

    def rest(self, api: str) -> RestApi:
        return RestApi(self.session(), self.settings.endpoint(api), self.settings.timeout)

    def renewed(self, refused: str) -> tuple[str, Any]:
        """Another token in place of a refused one: that of the run, when it is another, or a new one."""
        with translated("get an access token", "the token service"):
            self.credentials.token = refused
            self.credentials.refresh(None)
        return str(self.credentials.token), self.credentials.expiry

    def kept(self) -> Kept:
        """As `token` has it, with the project that calls are counted against."""
        token, end = self.token()
        return Kept(token, end, self.credentials.quota_project_id or "")

    def token(self) -> tuple[str, Any]:
        """An access token and its end (naive UTC, as google.auth has it; None when unknown)."""
        with translated("get an access token", "the token service"):
            if not self.credentials.token or not self.credentials.valid:
                self.credentials.refresh(None)
        return str(self.credentials.token), self.credentials.expiry


class RestApi:
    """JSON over REST for the APIs that need no client library."""

    def __init__(self, session: Any, endpoint: str, timeout: float) -> None:
        self._session = session
        self.endpoint = endpoint
        self._timeout = timeout

    def call(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | list[str]] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """`doing` completes the sentence 'could not ...'."""
        with translated(doing, self.endpoint):
            response = self._session.request(
                method, f"{self.endpoint}{path}", params=query, json=body, timeout=self._timeout
            )
            if response.status_code >= 400:
                raise error_of(doing, response)
            answer: dict[str, Any] = response.json() if response.content else {}
        return answer

    def pages(self, doing: str, path: str, items: str, *, method: str = "GET") -> Iterator[dict[str, Any]]:
        """Every item of a list that Google gives out in pages."""
        query: dict[str, str | list[str]] = {}
        while True:
            page = self.call(doing, method, path, query=query)
            yield from page.get(items, [])
            if not page.get("nextPageToken"):
                return
            query = {"pageToken": str(page["nextPageToken"])}


def error_of(doing: str, response: Any) -> GoogleError:
    """Google's error body, or whatever stood in its place."""
    refusal = _refusal_of(doing, response)
    refusal.retry_after = retry_after(getattr(response, "headers", None), SystemClock().now())
    return refusal


def _refusal_of(doing: str, response: Any) -> GoogleError:
    try:
        body = response.json()
        # some of Google's front ends put it into a list
        error = (body[0] if isinstance(body, list) else body)["error"]
        return GoogleError(
            doing,
            response.status_code,
            str(error.get("status", "")),
            str(error.get("message", "")),
            reasons=_reasons_in(error.get("details")),
            older=_reasons_in(error.get("errors")),
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return GoogleError(doing, response.status_code, "", flat(response.text, 200))


def _reasons_in(details: Any) -> list[str]:
    return [str(each["reason"]) for each in details or [] if isinstance(each, dict) and each.get("reason")]


def retry_after(headers: Mapping[str, str] | None, now: datetime) -> float | None:
    """The seconds that Google asks to wait, given as a number or as a date; None when it says nothing (RFC 9110)."""
    said = str((headers or {}).get("Retry-After") or "").strip()
    if said.isdigit():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    # a date without a zone is in UTC
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def is_read(method: str, url: str) -> bool:
    """Whether a call changes nothing, whatever its method."""
    return method.upper() in ("GET", "HEAD", "OPTIONS") or bool(_READS_BY_POST.search(url.partition("?")[0]))


if not MISSING:

    class _BoundedRetry(urllib3.util.Retry):
        """Retry-After is honoured, up to a limit, and silence is met with patience, up to a limit."""

        began = 0.0
        timeout = 0.0
        chance: Callable[[], float] = staticmethod(random.random)

        @classmethod
        def starting(cls, timeout: float, is_hasty: bool, is_reading: bool = False) -> _BoundedRetry:
            """`is_reading`: a call by POST that changes nothing, and any by GET, which is repeated more often."""
            made = cls(
                total=1 if is_hasty else RETRIES,
                connect=0 if is_hasty else 2,
                read=0 if is_hasty else 1,
                # a certificate that is not trusted now will not be so in a second
                other=0,
                backoff_factor=0.5,
                status_forcelist=RETRIED_STATUS if is_reading else TURNED_AWAY,
                allowed_methods=None if is_reading else IDEMPOTENT,
                respect_retry_after_header=not is_hasty,
                raise_on_status=False,
            )
            made.began, made.timeout = time.monotonic(), timeout
            return made

        def new(self, **changed: Any) -> _BoundedRetry:
            made: _BoundedRetry = super().new(**changed)
            made.began, made.timeout = self.began, self.timeout
            return made

        def increment(
            self,
            method: str | None = None,
            url: str | None = None,
            response: Any = None,
            error: Exception | None = None,
            _pool: Any = None,
            _stacktrace: Any = None,
        ) -> Any:
            if error is not None and time.monotonic() - self.began > PATIENCE * self.timeout:
                raise urllib3.exceptions.MaxRetryError(_pool, str(url), error) from error
            if response is not None and (super().get_retry_after(response) or 0) > LONGEST_RETRY_AFTER:
                # whoever has the time asks again; here nobody knows how much there is
                raise urllib3.exceptions.MaxRetryError(_pool, str(url), None)
            return super().increment(method, url, response, error, _pool, _stacktrace)

        def get_retry_after(self, response: Any) -> float | None:
            wanted = super().get_retry_after(response)
            return None if wanted is None else min(float(wanted), LONGEST_RETRY_AFTER)

        def get_backoff_time(self) -> float:
            return jittered(float(super().get_backoff_time()), self.chance())

    def _authorities_of_environment() -> Any:
        """As requests has it (sessions.py, merge_environment_settings)."""
        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    class _BoundedAdapter(requests.adapters.HTTPAdapter):
        """Every request begins with retries of its own, since they know when it began."""

        def __init__(self, timeout: float, ca_file: str | None, is_hasty: bool) -> None:
            self._timeout = timeout
            self._ca_file = ca_file
            self._is_hasty = is_hasty
            # several threads send through one session
            self._sent = threading.local()
            super().__init__()

        def send(
            self,
            request: Any,
            stream: bool = False,
            timeout: Any = None,
            verify: Any = True,
            cert: Any = None,
            proxies: Any = None,
        ) -> Any:
            self._sent.is_reading = is_read(str(request.method), str(request.url))
            # requests would let REQUESTS_CA_BUNDLE win over what a session verifies with
            authorities = self._ca_file or (_authorities_of_environment() if verify is True else verify)
            proxies = proxies or requests.utils.get_environ_proxies(request.url)
            return super().send(request, stream, timeout, authorities, cert, proxies)

        @property
        def max_retries(self) -> urllib3.util.Retry:
            return _BoundedRetry.starting(self._timeout, self._is_hasty, getattr(self._sent, "is_reading", False))

        @max_retries.setter
        def max_retries(self, value: urllib3.util.Retry) -> None:
            """What requests sets by itself is not wanted."""

    class _NotGivenError(google.auth.exceptions.RefreshError):
        """No token, with a remedy of its own."""

        remedy = ""

        @classmethod
        def because(cls, why: str, remedy: str) -> _NotGivenError:
            made = cls(why)
            made.remedy = remedy
            return made

    class _Renewed(google.auth.credentials.Credentials):
        """Any credentials, renewed through our own session: the libraries' sessions know no CA file of ours."""

        def __init__(self, source: Callable[[], Any], request: Any, settings: GoogleSettings) -> None:
            google.auth.credentials.Credentials.__init__(self)
            self._source = source
            self._own_request = request
            self._settings = settings
            if settings.is_given or not settings.run_dir:
                self.token = self._inner.token
                self.expiry = self._inner.expiry
                self._quota_project_id = _quota_project_of(self._inner)

        @property
        def quota_project_id(self) -> str | None:
            """Sent as x-goog-user-project with each call, by the base class."""
            return self._settings.quota_project or self._quota_project_id or None

        @functools.cached_property
        def _inner(self) -> Any:
            return self._source()

        def refresh(self, request: Any) -> None:
            """To the token of the run; to a new one where there is none, or where this one is refused."""
            shared = None if self._settings.is_given else self._settings.run_dir
            refused = str(self.token or "")
            kept = cached_token(self._settings, shared, self._minted, SystemClock().now(), refused)
            self.token, end, self._quota_project_id = kept
            # google.auth has naive times, in UTC
            self.expiry = end.astimezone(UTC).replace(tzinfo=None) if end is not None else None

        def _minted(self) -> Kept:
            if getattr(self._inner, "refresh_token", "") is None:
                raise _NotGivenError.because(
                    "Google refused the access token that was given, and a given token cannot be renewed",
                    "Give a new one with access_token (rhaii_access_token), or use a kind that is renewed: auth_kind "
                    "application or serviceaccount (rhaii_auth_kind).",
                )
            try:
                self._inner.refresh(self._own_request)
            except google.auth.exceptions.RefreshError as error:
                impersonated = self._settings.impersonate_service_account
                if not impersonated:
                    raise
                raise _not_impersonated(impersonated, error) from error
            return Kept(str(self._inner.token), self._inner.expiry, _quota_project_of(self._inner))


def _quota_project_of(credentials: Any) -> str:
    """User credentials name a project in their file, or GOOGLE_CLOUD_QUOTA_PROJECT does."""
    return str(getattr(credentials, "quota_project_id", None) or "")


def _not_impersonated(account: str, error: Exception) -> Exception:
    """What Google said to a request for somebody else's token; without its words, of the source's own trouble."""
    try:
        said = str(json.loads(error.args[1])["error"]["message"])
    except (IndexError, KeyError, TypeError, ValueError):
        said = str(error.args[0])
    return _NotGivenError.because(
        f"{account} cannot be impersonated: {flat(said)}",
        f"Give the account that asks roles/iam.serviceAccountTokenCreator on {account}, enable "
        "iamcredentials.googleapis.com, and check impersonate_service_account (rhaii_impersonate_service_account).",
    )


def _load_credentials(settings: GoogleSettings) -> tuple[Any, Identity]:
    """The credentials, and whose they are as far as they say so themselves."""
    if settings.auth_kind == "accesstoken":
        if not settings.access_token:
            raise RhaiiError(
                "auth_kind is accesstoken, but no access_token is given.",
                remedy="Give access_token (rhaii_access_token).",
            )
        return google.oauth2.credentials.Credentials(token=settings.access_token), Identity("access token")
    if settings.auth_kind == "serviceaccount":
        found = _service_account(settings)
        return found, Identity("service account file", str(found.service_account_email))
    with translated("find the application default credentials", "the token service"):
        # without scopes at first: those of a federation would else ask Google for the name of their project, which
        # nobody wants here, by a session that knows neither our authorities nor to leave ~/.netrc alone
        found, _project = google.auth.default()
        found = google.auth.credentials.with_scopes_if_required(found, [SCOPE])
    account = getattr(found, "service_account_email", "") or getattr(found, "account", "")
    return found, Identity(f"application default credentials ({_source(found)})", str(account or ""))


def _source(found: Any) -> str:
    """Where application default credentials come from, by the module of google.auth that made them."""
    kinds = {
        "google.oauth2.service_account": "service account key",
        "google.oauth2.credentials": "user",
        "google.auth.compute_engine.credentials": "metadata server",
        "google.auth.impersonated_credentials": "impersonation",
    }
    return kinds.get(type(found).__module__, "federation")


def _service_account(settings: GoogleSettings) -> Any:
    path = settings.service_account_file
    if not path:
        raise RhaiiError(
            "auth_kind is serviceaccount, but no service_account_file is given.",
            remedy="Give the path of the key file with service_account_file (rhaii_service_account_file).",
        )
    try:
        found = google.oauth2.service_account.Credentials.from_service_account_file(path, scopes=[SCOPE])
    except OSError as error:
        raise RhaiiError(
            f"The service account file {path} cannot be read ({error.strerror}).",
            remedy="Give the path of the key file with service_account_file (rhaii_service_account_file).",
        ) from error
    except (ValueError, google.auth.exceptions.GoogleAuthError) as error:
        raise RhaiiError(
            f"The service account file {path} is not a key file of Google: {one_line(error)}",
            remedy="Download a JSON key of the service account, or use auth_kind application.",
        ) from error
    if settings.endpoints.get("oauth2"):
        return found.with_token_uri(f"{settings.endpoints['oauth2']}/token")
    return found


__all__ = (
    "RUN_DIR",
    "Connection",
    "GoogleError",
    "GoogleSettings",
    "Identity",
    "RestApi",
    "UnreachableError",
    "error_of",
    "is_read",
    "prepared",
    "require_libraries",
    "retry_after",
    "translated",
)
