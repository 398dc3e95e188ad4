# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Google is reached: settings, credentials, retries, and errors as sentences. No socket is opened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google.auth
import google.auth.compute_engine
import google.auth.exceptions
import google.auth.transport.requests
import google.oauth2.credentials
import pytest
import requests
import urllib3
from ansible_collections.rhaii.gke.plugins.module_utils import _google
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.google import GoogleClusters
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    RUN_DIR,
    Connection,
    GoogleError,
    GoogleSettings,
    Identity,
    RestApi,
    UnreachableError,
    error_of,
    require_libraries,
    translated,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

TOKEN = GoogleSettings(project="p", auth_kind="accesstoken", access_token="given")


class Answer:
    def __init__(self, status: int = 200, body: Any = None, text: str = "") -> None:
        self.status_code = status
        self.text = text or ("" if body is None else json.dumps(body))
        self.content = self.text.encode()

    def json(self) -> Any:
        return json.loads(self.text)


class FakeSession:
    """Answers in turn, and writes the requests down."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[tuple[str, str, Any, Any, Any]] = []

    def request(self, method: str, url: str, *, params: Any, json: Any, timeout: Any) -> Answer:
        self.requests.append((method, url, params, json, timeout))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def api(*answers: Answer | Exception) -> tuple[RestApi, FakeSession]:
    session = FakeSession(*answers)
    return RestApi(session, "https://x.example", 7.0), session


def test_settings_come_from_the_modules_options() -> None:
    assert GoogleSettings.from_params(
        {
            "project": "p",
            "auth_kind": "serviceaccount",
            "service_account_file": "key.json",
            "access_token": "t",
            "endpoints": {"container": "http://c/", "compute": None, "oauth2": ""},
            "ca_file": "ca.pem",
            "request_timeout": 5,
            "impersonate_service_account": "a@x",
        }
    ) == GoogleSettings("p", "serviceaccount", "key.json", "t", {"container": "http://c"}, "ca.pem", 5.0, "a@x")


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(("auth_kind", "endpoints", "request_timeout", "ca_file"))])
def test_settings_that_are_left_out(nothing: dict[str, Any]) -> None:
    assert GoogleSettings.from_params({"project": "p", **nothing}) == GoogleSettings("p")
    assert GoogleSettings("p") == GoogleSettings("p", "application", None, None, {}, None, 60.0, None)


def test_settings_do_not_show_the_token() -> None:
    assert "given" not in repr(TOKEN)


def test_endpoint_is_googles_unless_another_is_given() -> None:
    settings = GoogleSettings("p", endpoints={"compute": "http://here"})
    assert settings.endpoint("compute") == "http://here"
    assert settings.endpoint("container") == "https://container.googleapis.com"


def test_call_sends_what_it_is_given() -> None:
    rest, session = api(Answer(body={"a": 1}))
    assert rest.call("do it", "POST", "/v1/x", query={"q": "1"}, body={"b": 2}) == {"a": 1}
    assert session.requests == [("POST", "https://x.example/v1/x", {"q": "1"}, {"b": 2}, 7.0)]


def test_empty_answer_is_an_empty_object() -> None:
    assert api(Answer(204))[0].call("do it", "DELETE", "/v1/x") == {}


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        pytest.param(400, "", id="a mistake of ours"),
        pytest.param(401, "auth_kind", id="credentials"),
        pytest.param(403, "permission", id="permission"),
        pytest.param(404, "Check project, location and name.", id="missing"),
        pytest.param(429, "wait a minute", id="too many"),
        pytest.param(503, "run again", id="away"),
    ],
)
def test_googles_error_is_a_sentence_with_a_remedy(status: int, remedy: str) -> None:
    body = {"error": {"code": status, "status": "THE_CODE", "message": "because\nof that"}}
    with pytest.raises(GoogleError, match=r"^Google refused to do it: ") as failure:
        api(Answer(status, body))[0].call("do it", "GET", "/")
    assert failure.value.msg == f"Google refused to do it: {status} THE_CODE: because of that"
    assert (failure.value.status, failure.value.code, failure.value.message) == (status, "THE_CODE", "because\nof that")
    assert remedy in failure.value.remedy
    assert bool(remedy) == bool(failure.value.remedy)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(Answer(502, text="<html>Bad Gateway</html>"), "502: <html>Bad Gateway</html>", id="a page"),
        pytest.param(Answer(500, body={"oops": 1}), '500: {"oops": 1}', id="JSON of another shape"),
        pytest.param(Answer(500, body=["x"]), '500: ["x"]', id="a list"),
        pytest.param(Answer(500, body={"error": "x"}), '500: {"error": "x"}', id="an error as text"),
        pytest.param(Answer(400, body={"error": {}}), "400", id="an empty error"),
        pytest.param(Answer(500, text="x" * 500), "500: " + "x" * 199 + "…", id="a long page"),
    ],
)
def test_what_stands_in_place_of_googles_error_is_shown(answer: Answer, said: str) -> None:
    assert error_of("do it", answer).msg == f"Google refused to do it: {said}"


@pytest.mark.parametrize(
    ("status", "message", "conflict"),
    [
        pytest.param(400, "Cluster is running incompatible operation x", True, id="the words"),
        pytest.param(409, "INCOMPATIBLE OPERATION", True, id="in capitals"),
        pytest.param(412, "incompatible operation", True, id="precondition"),
        pytest.param(403, "incompatible operation", False, id="another status"),
        pytest.param(400, "bad request", False, id="other words"),
    ],
)
def test_conflict_with_a_running_operation(status: int, message: str, conflict: bool) -> None:
    assert GoogleError("do it", status, "", message).is_conflict is conflict


def test_pages_are_walked_to_the_end() -> None:
    rest, session = api(
        Answer(body={"items": [{"n": 1}, {"n": 2}], "nextPageToken": "next"}),
        Answer(body={"nextPageToken": "last"}),
        Answer(body={"items": [{"n": 3}]}),
    )
    assert [item["n"] for item in rest.pages("list", "/v1/x", "items")] == [1, 2, 3]
    assert [request[2] for request in session.requests] == [{}, {"pageToken": "next"}, {"pageToken": "last"}]
    assert {request[0] for request in session.requests} == {"GET"}


def refused() -> Exception:
    """Connection refused as requests wraps it."""
    inner = urllib3.exceptions.NewConnectionError(
        urllib3.connection.HTTPConnection("x"), "Failed to establish a new connection: [Errno 111] Connection refused"
    )
    inner.__cause__ = ConnectionRefusedError(111, "Connection refused")
    pool = urllib3.HTTPConnectionPool("x")
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(pool, "/", inner))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        pytest.param(refused(), "(Connection refused)", id="refused"),
        pytest.param(requests.exceptions.ReadTimeout("Read timed out."), "(Read timed out.)", id="time-out"),
        pytest.param(requests.exceptions.ConnectionError(), "(ConnectionError)", id="no words at all"),
    ],
)
def test_no_answer_is_said_with_its_innermost_cause(error: Exception, why: str) -> None:
    with pytest.raises(UnreachableError) as failure:
        api(error)[0].call("read it", "GET", "/")
    assert failure.value.msg == f"Could not read it: no answer from https://x.example {why}."
    assert "ca_file" in failure.value.remedy


def test_cause_that_was_raised_from_an_error_of_the_system() -> None:
    error = requests.exceptions.ConnectionError("outer")
    error.__cause__ = OSError(113, "No route to host")
    with pytest.raises(UnreachableError, match=r"\(No route to host\)"):
        api(error)[0].call("read it", "GET", "/")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        pytest.param(
            google.auth.exceptions.RefreshError("invalid_grant: x", {"error": "invalid_grant"}),
            RhaiiError,
            "Could not ask: no access token was given out (invalid_grant: x).",
            id="refused to renew",
        ),
        pytest.param(
            google.auth.exceptions.TransportError(refused()),
            UnreachableError,
            "Could not ask: the token service does not answer (Connection refused).",
            id="token service is away",
        ),
        pytest.param(
            google.auth.exceptions.DefaultCredentialsError("none found"),
            RhaiiError,
            "Could not ask: none found",
            id="no credentials",
        ),
    ],
)
def test_errors_of_the_credentials(error: Exception, kind: type[RhaiiError], said: str) -> None:
    with pytest.raises(kind) as failure, translated("ask", "x"):
        raise error
    assert failure.value.msg == said
    assert failure.value.remedy
    assert type(failure.value) is kind


def test_errors_of_ours_pass() -> None:
    with pytest.raises(GoogleError), translated("ask", "x"):
        raise GoogleError("ask", 404, "", "")


def test_missing_library_is_said_with_the_command() -> None:
    require_libraries("", "google-auth")
    with pytest.raises(RhaiiError, match=r"No module named 'google'") as failure:
        require_libraries("No module named 'google'", "google-auth", "requests")
    assert failure.value.remedy == "Install it there: pip install google-auth requests"


def test_missing_library_is_said_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_google, "MISSING", "No module named 'requests'")
    with pytest.raises(RhaiiError, match=r"pip install google-auth requests"):
        Connection(TOKEN)


def test_given_access_token_is_used_as_it_is() -> None:
    assert Connection(TOKEN).token() == ("given", None)


def test_given_access_token_cannot_be_renewed() -> None:
    with pytest.raises(RhaiiError, match="no access token was given out") as failure, translated("ask", "x"):
        Connection(TOKEN).credentials.refresh(None)
    assert "refused the access token that was given, and a given token cannot be renewed" in failure.value.msg
    assert failure.value.remedy == (
        "Give a new one with access_token (rhaii_access_token), or use a kind that is renewed: auth_kind application "
        "or serviceaccount (rhaii_auth_kind)."
    )


def test_session_carries_the_token_and_our_retries() -> None:
    session = Connection(TOKEN).session()
    assert isinstance(session, google.auth.transport.requests.AuthorizedSession)
    assert session.credentials.token == "given"
    for scheme in ("https://", "http://"):
        retry = session.get_adapter(f"{scheme}x").max_retries
        assert (retry.total, retry.connect, retry.read) == (4, 2, 1)
        assert retry.is_retry("GET", 503)
        assert retry.is_retry("GET", 429)
        assert not retry.is_retry("GET", 500)
        assert not retry.is_retry("POST", 503)
        assert retry.raise_on_status is False


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as the test sets it."""
    moment = [100.0]
    monkeypatch.setattr(_google.time, "monotonic", lambda: moment[0])
    return moment


POOL = urllib3.HTTPConnectionPool("x")
UNANSWERED = urllib3.exceptions.ReadTimeoutError(POOL, "/", "Read timed out.")
REFUSED = urllib3.exceptions.NewConnectionError(urllib3.connection.HTTPConnection("x"), "refused")
NO_CONNECTION = urllib3.exceptions.ConnectTimeoutError(POOL, "timed out")


@pytest.mark.parametrize(
    ("method", "error", "each_takes", "tries"),
    [
        pytest.param("GET", UNANSWERED, 7.0, 2, id="hangs: once more"),
        pytest.param("POST", UNANSWERED, 7.0, 1, id="hangs, and is not safe to repeat"),
        pytest.param("GET", REFUSED, 0.0, 3, id="refused at once: twice more"),
        pytest.param("GET", NO_CONNECTION, 7.0, 2, id="no connection in time: no longer than the budget"),
        pytest.param("POST", REFUSED, 0.0, 3, id="never sent, and so safe to repeat"),
    ],
)
def test_silence_is_reported_after_two_time_outs(
    method: str, error: Exception, each_takes: float, tries: int, now: list[float]
) -> None:
    settings = GoogleSettings("p", "accesstoken", access_token="t", timeout=7.0)
    retry = Connection(settings).session().get_adapter("https://x").max_retries
    done = 0
    while True:
        done += 1
        now[0] += each_takes
        try:
            retry = retry.increment(method, "/", error=error, _pool=POOL)
        except urllib3.exceptions.HTTPError:
            break
    assert done == tries
    assert now[0] - 100.0 <= 2 * 7.0


def test_every_request_begins_with_all_its_patience(now: list[float]) -> None:
    adapter = Connection(TOKEN).session().get_adapter("https://x")
    assert adapter.max_retries.began == 100.0
    now[0] = 900.0
    assert adapter.max_retries.began == 900.0
    assert adapter.max_retries.timeout == 60.0


@pytest.mark.parametrize(("said", "waited"), [("7", 7.0), ("3600", 60.0), (None, None)])
def test_retry_after_is_honoured_up_to_a_minute(said: str | None, waited: float | None) -> None:
    headers = {} if said is None else {"Retry-After": said}
    retry = Connection(TOKEN).session().get_adapter("https://x").max_retries
    assert retry.get_retry_after(urllib3.HTTPResponse(headers=headers, status=503)) == waited


def test_ca_file_is_what_sessions_verify_with(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    settings = GoogleSettings("p", "accesstoken", access_token="t", ca_file=str(authority))
    assert Connection(settings).session().verify == str(authority)
    assert Connection(TOKEN).session().verify is True


def test_ca_file_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests itself lets REQUESTS_CA_BUNDLE win over what a session verifies with."""
    authority = tmp_path / "ca.pem"
    authority.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/of/the/environment.pem")
    verified: list[Any] = []

    def send(self: Any, request: Any, stream: Any, timeout: Any, verify: Any, cert: Any, proxies: Any) -> Any:
        verified.append(verify)
        return Adapter().send(request)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    for given in (str(authority), None):
        settings = GoogleSettings("p", "accesstoken", access_token="t", ca_file=given)
        Connection(settings).rest("compute").call("do it", "GET", "/")
    assert verified == [str(authority), "/of/the/environment.pem"]


def test_missing_ca_file_is_refused() -> None:
    with pytest.raises(RhaiiError, match=r"The CA file /no/ca\.pem does not exist\. Give a PEM file with ca_file"):
        Connection(GoogleSettings("p", "accesstoken", access_token="t", ca_file="/no/ca.pem")).session()


def test_rest_api_is_at_its_endpoint() -> None:
    connection = Connection(GoogleSettings("p", "accesstoken", access_token="t", endpoints={"compute": "http://h"}))
    assert connection.rest("compute").endpoint == "http://h"
    assert connection.rest("container").endpoint == "https://container.googleapis.com"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param(GoogleSettings("p", "accesstoken"), r"no access_token is given\. Give access_token", id="token"),
        pytest.param(
            GoogleSettings("p", "serviceaccount"), r"no service_account_file is given.*rhaii_service", id="key file"
        ),
        pytest.param(
            GoogleSettings("p", "serviceaccount", "/no/key.json"),
            r"file /no/key\.json cannot be read \(No such file or directory\)",
            id="missing key file",
        ),
    ],
)
def test_incomplete_settings_are_refused(settings: GoogleSettings, words: str) -> None:
    with pytest.raises(RhaiiError, match=words):
        Connection(settings).token()


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"type": "authorized_user"}'])
def test_file_that_is_no_key_is_refused(content: str, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(content, encoding="utf-8")
    with pytest.raises(RhaiiError, match=r"is not a key file of Google: .*Download a JSON key") as failure:
        Connection(GoogleSettings("p", "serviceaccount", str(key))).token()
    assert str(key) in failure.value.msg


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    place = tmp_path_factory.mktemp("keys") / "key.json"
    place.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "deployer@p.iam.gserviceaccount.com",
                "private_key": private.decode(),
                "private_key_id": "1",
                "token_uri": "https://oauth2.googleapis.com/token",
            }
        ),
        encoding="utf-8",
    )
    return str(place)


class TokenService:
    """What google.auth's transport would reach."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, url: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> Any:
        self.asked.append(url)
        answer = Answer(body={"access_token": f"minted-{len(self.asked)}", "expires_in": 3600})
        return type("Response", (), {"status": 200, "headers": {}, "data": answer.content})()


@pytest.mark.parametrize(
    ("endpoints", "asked"),
    [
        pytest.param({}, "https://oauth2.googleapis.com/token", id="where the key says"),
        pytest.param({"oauth2": "http://127.0.0.1:1"}, "http://127.0.0.1:1/token", id="where we say"),
    ],
)
def test_service_account_gets_a_token_once(
    key_file: str, endpoints: dict[str, str], asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = TokenService()
    monkeypatch.setattr(google.auth.transport.requests, "Request", lambda session: service)
    connection = Connection(GoogleSettings("p", "serviceaccount", key_file, endpoints=endpoints))
    token, end = connection.token()
    assert (token, connection.token()[0]) == ("minted-1", "minted-1")
    assert service.asked == [asked]
    assert timedelta(minutes=55) < end.replace(tzinfo=UTC) - datetime.now(UTC) <= timedelta(minutes=60)


def test_expired_token_is_renewed(key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = TokenService()
    monkeypatch.setattr(google.auth.transport.requests, "Request", lambda session: service)
    connection = Connection(GoogleSettings("p", "serviceaccount", key_file))
    connection.token()
    connection.credentials.expiry = datetime(2020, 1, 1)
    assert connection.token()[0] == "minted-2"


DEPLOYER = "deployer@p.iam.gserviceaccount.com"


class Impersonation:
    """The token service, and the service that gives out the tokens of others."""

    def __init__(self, status: int = 200, body: Any = None) -> None:
        self.asked: list[tuple[str, Any, Any]] = []
        self._refusal = (status, body)

    def __call__(self, url: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> Any:
        self.asked.append((url, body, headers))
        status, answer = 200, {"access_token": "source", "expires_in": 3600}
        if url.endswith(":generateAccessToken"):
            end = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            status, answer = self._refusal if self._refusal[1] else (200, {"accessToken": "acting", "expireTime": end})
        return type("Response", (), {"status": status, "headers": {}, "data": json.dumps(answer).encode()})()


def acting(service: Impersonation, key_file: str, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(google.auth.transport.requests, "Request", lambda session: service)
    endpoints = {"iamcredentials": "http://127.0.0.1:1"}
    settings = GoogleSettings("p", "serviceaccount", key_file, endpoints=endpoints, impersonate_service_account="a@x")
    return Connection(settings)


def test_acting_as_another_account(key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Impersonation()
    connection = acting(service, key_file, monkeypatch)
    token, end = connection.token()
    assert token == "acting"
    assert timedelta(minutes=55) < end.replace(tzinfo=UTC) - datetime.now(UTC) <= timedelta(minutes=60)
    url, body, headers = service.asked[-1]
    assert url == "http://127.0.0.1:1/v1/projects/-/serviceAccounts/a@x:generateAccessToken"
    assert json.loads(body)["scope"] == ["https://www.googleapis.com/auth/cloud-platform"]
    assert headers["authorization"] == "Bearer source"
    assert connection.identity() == Identity(f"service account file, {DEPLOYER}", "a@x", is_acting=True)


def test_acting_as_another_account_is_asked_of_google_itself() -> None:
    settings = GoogleSettings("p", "accesstoken", access_token="t", impersonate_service_account="a@x")
    wanted = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@x:generateAccessToken"
    assert Connection(settings).credentials._inner._iam_endpoint_override == wanted


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(
            {"error": {"code": 403, "message": "Permission 'iam.serviceAccounts.getAccessToken' denied on resource."}},
            "Permission 'iam.serviceAccounts.getAccessToken' denied on resource.",
            id="with Google's words",
        ),
        pytest.param(["?"], "Unable to acquire impersonated credentials", id="without"),
    ],
)
def test_account_that_may_not_act_as_another(
    body: Any, said: str, key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RhaiiError) as failure:
        acting(Impersonation(403, body), key_file, monkeypatch).token()
    assert failure.value.msg == (
        f"Could not get an access token: no access token was given out (a@x cannot be impersonated: {said})."
    )
    assert "roles/iam.serviceAccountTokenCreator on a@x" in failure.value.remedy


class Adapter(requests.adapters.BaseAdapter):
    """Google at the other end of a session: refuses every token but one."""

    def __init__(self, good: str = "", status: int = 200, body: Any = None) -> None:
        super().__init__()
        self._good = good
        self._status = status
        self._body = body if body is not None else {}
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        self.sent.append(request)
        refused = bool(self._good) and request.headers["Authorization"] != f"Bearer {self._good}"
        answer = requests.Response()
        answer.status_code = 401 if refused else self._status
        answer._content = json.dumps({"error": {"message": "expired"}} if refused else self._body).encode()
        answer.request, answer.url = request, str(request.url)
        return answer

    def close(self) -> None:
        return


def test_refused_token_is_renewed_once_and_the_call_repeated(key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = TokenService()
    monkeypatch.setattr(google.auth.transport.requests, "Request", lambda session: service)
    connection = Connection(GoogleSettings("p", "serviceaccount", key_file))
    rest, cloud = connection.rest("compute"), Adapter(good="minted-2", body={"a": 1})
    rest._session.mount("https://", cloud)
    assert rest.call("do it", "POST", "/x", body={"b": 2}) == {"a": 1}
    assert [(each.headers["Authorization"], each.body) for each in cloud.sent] == [
        ("Bearer minted-1", b'{"b": 2}'),
        ("Bearer minted-2", b'{"b": 2}'),
    ]


def test_refused_token_is_renewed_for_the_client_of_kubernetes_engine_too(
    key_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = TokenService()
    monkeypatch.setattr(google.auth.transport.requests, "Request", lambda session: service)
    clusters = GoogleClusters(Connection(GoogleSettings("p", "serviceaccount", key_file)), "europe-west4-a")
    cloud = Adapter(good="minted-2", body={"name": "demo"})
    clusters._client.transport._session.mount("https://", cloud)
    assert clusters.get_cluster("demo") == {"name": "demo"}
    assert [each.headers["Authorization"] for each in cloud.sent] == ["Bearer minted-1", "Bearer minted-2"]


def test_given_token_that_is_refused_in_mid_run_says_what_to_do() -> None:
    rest, cloud = Connection(TOKEN).rest("compute"), Adapter(good="another")
    rest._session.mount("https://", cloud)
    with pytest.raises(RhaiiError, match=r"Could not do it: .* a given token cannot be renewed\)\. Give a new one"):
        rest.call("do it", "GET", "/x")
    assert len(cloud.sent) == 1


def named(monkeypatch: pytest.MonkeyPatch, cloud: Adapter) -> None:
    """Let the token service be `cloud`."""
    prepare = Connection.prepare

    def mounted(self: Connection, session: Any) -> Any:
        prepare(self, session).mount("https://oauth2.googleapis.com", cloud)
        return session

    monkeypatch.setattr(Connection, "prepare", mounted)


@pytest.mark.parametrize(
    ("status", "body", "identity"),
    [
        pytest.param(
            200,
            {"email": "me@x", "expires_in": "2580"},
            Identity("access token", "me@x", 2580),
            id="whose it is, and for how long",
        ),
        pytest.param(200, {"expires_in": 60}, Identity("access token", "", 60), id="without the scope for the email"),
        pytest.param(400, {"error": "invalid_token"}, Identity("access token"), id="nobody's"),
        pytest.param(200, ["?"], Identity("access token"), id="no object"),
    ],
)
def test_given_token_is_shown_to_the_token_service_which_knows_its_account(
    status: int, body: Any, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Adapter(status=status, body=body)
    named(monkeypatch, cloud)
    assert Connection(TOKEN).identity() == identity
    assert cloud.sent[0].url == "https://oauth2.googleapis.com/tokeninfo"
    assert cloud.sent[0].body == "access_token=given"


def test_silent_token_service_costs_no_more_than_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(Adapter):
        def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
            raise requests.exceptions.ConnectionError

    named(monkeypatch, Away())
    assert Connection(TOKEN).identity() == Identity("access token")


def test_service_account_file_names_its_account_itself(key_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth.transport.requests, "Request", lambda session: TokenService())
    connection = Connection(GoogleSettings("p", "serviceaccount", key_file))
    assert connection.identity() == Identity("service account file", DEPLOYER)


def credentials_of(kind: str) -> Any:
    """As google.auth.default() finds them, already with a token."""
    made: Any = {
        "user": lambda: google.oauth2.credentials.Credentials(token="t", account="me@x"),
        "metadata server": lambda: google.auth.compute_engine.Credentials("vm@x", scopes=["any"]),
        "federation": lambda: type("External", (), {"__module__": "google.auth.identity_pool"})(),
    }[kind]()
    made.token, made.expiry = "t", None
    return made


@pytest.mark.parametrize(("kind", "account"), [("user", "me@x"), ("metadata server", "vm@x"), ("federation", "told@x")])
def test_application_default_credentials_say_where_they_come_from(
    kind: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google.auth, "default", lambda: (credentials_of(kind), "p"))
    named(monkeypatch, Adapter(body={"email": "told@x", "expires_in": 5}))
    assert Connection(GoogleSettings("p")).identity() == Identity(f"application default credentials ({kind})", account)


def test_googles_word_for_the_cause_is_kept() -> None:
    details = [{"@type": "help"}, {"@type": "info", "reason": "SERVICE_DISABLED"}]
    assert error_of("do it", Answer(403, {"error": {"details": details}})).reason == "SERVICE_DISABLED"
    assert error_of("do it", Answer(403, {"error": {}})).reason == ""


def test_application_default_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth, "default", lambda: (google.oauth2.credentials.Credentials(token="found"), "p"))
    assert Connection(GoogleSettings("p")).token()[0] == "found"


def test_application_default_credentials_that_need_scopes_get_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth, "default", lambda: (google.auth.compute_engine.Credentials(), "p"))
    found: Any = Connection(GoogleSettings("p"))._source
    assert found._scopes == ["https://www.googleapis.com/auth/cloud-platform"]


def test_no_application_default_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    def default() -> Any:
        raise google.auth.exceptions.DefaultCredentialsError("Your default credentials were not found.")

    monkeypatch.setattr(google.auth, "default", default)
    with pytest.raises(RhaiiError, match=r"default credentials were not found\. Check auth_kind"):
        Connection(GoogleSettings("p")).token()


class Mint:
    """Where credentials of a key get their tokens; counts them."""

    minted = 0


class Source:
    token, expiry, valid = None, None, False

    def __init__(self, mint: Mint) -> None:
        self.mint = mint

    def refresh(self, request: Any) -> None:
        self.mint.minted += 1
        self.token = f"token-{self.mint.minted}"
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)


@pytest.fixture
def mint(monkeypatch: pytest.MonkeyPatch) -> Mint:
    made, who = Mint(), Identity("service account file", "a@x")
    monkeypatch.setattr(_google, "_load_credentials", lambda settings: (Source(made), who))
    return made


def run_settings(folder: Path) -> GoogleSettings:
    folder.chmod(0o700)
    return GoogleSettings.from_params({"project": "p", "auth_kind": "serviceaccount", RUN_DIR: str(folder)})


def test_tasks_of_a_run_share_a_token_and_the_later_ones_read_no_key(
    mint: Mint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = run_settings(tmp_path)
    assert Connection(settings).token()[0] == "token-1"
    loaded = _google._load_credentials
    monkeypatch.setattr(_google, "_load_credentials", lambda settings: pytest.fail("a key was read"))
    session = Connection(settings).session()
    session.credentials.refresh(None)
    assert session.credentials.token == "token-1"
    assert session.credentials.valid
    assert mint.minted == 1
    monkeypatch.setattr(_google, "_load_credentials", loaded)
    assert Connection(settings).identity() == Identity("service account file", "a@x")


def test_token_of_the_run_that_google_refuses_is_replaced(mint: Mint, tmp_path: Path) -> None:
    settings = run_settings(tmp_path)
    Connection(settings).token()
    credentials = Connection(settings).credentials
    credentials.refresh(None)
    credentials.refresh(None)  # as a session does after 401
    assert (credentials.token, mint.minted) == ("token-2", 2)
    assert Connection(settings).token()[0] == "token-2"


def test_without_a_run_each_task_has_a_token_of_its_own(mint: Mint) -> None:
    settings = GoogleSettings("p", "serviceaccount")
    assert [Connection(settings).token()[0] for _ in range(2)] == ["token-1", "token-2"]


def test_token_that_is_given_is_kept_nowhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    settings = GoogleSettings("p", "accesstoken", access_token="given", run_dir=str(tmp_path))
    assert Connection(settings).token()[0] == "given"
    assert not list(tmp_path.iterdir())
