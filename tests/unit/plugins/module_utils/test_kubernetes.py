# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The REST port to a Kubernetes API server: where it connects, what it sends, what it makes of answers."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils import _kubernetes
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes import KubernetesError, KubernetesRest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "https://203.0.113.7"


class Answer:
    def __init__(self, status: int = 200, body: Any = None, text: str = "", lines: Any = ()) -> None:
        self.status_code = status
        self.text = text or ("" if body is None else json.dumps(body))
        self.content = self.text.encode()
        self._lines = lines
        self.closed = False

    def json(self) -> Any:
        return json.loads(self.text)

    def iter_lines(self, chunk_size: int | None) -> Iterator[bytes]:
        for line in self._lines:
            if isinstance(line, Exception):
                raise line
            yield line

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *error: object) -> None:
        self.closed = True


class FakeSession:
    def __init__(self, *answers: Answer | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}

    def request(self, method: str, url: str, **more: Any) -> Answer:
        self.requests.append({"method": method, "url": url, **more})
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def cluster(*answers: Answer | Exception) -> tuple[KubernetesRest, FakeSession]:
    session = FakeSession(*answers)
    rest = KubernetesRest(f"{HOST}/", timeout=7.0)
    rest._session = session
    return rest, session


READS = {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        pytest.param({"method": "GET"}, {"data": None, "headers": READS, "params": {}}, id="read"),
        pytest.param({"method": "GET", "query": {"a": "b"}}, {"params": {"a": "b"}, "data": None}, id="query"),
        pytest.param(
            {"method": "POST", "body": {"a": 1}},
            {"data": '{"a": 1}', "headers": {**READS, "Content-Type": "application/json"}},
            id="create",
        ),
        pytest.param(
            {"method": "PATCH", "body": {}},
            {"data": "{}", "headers": {**READS, "Content-Type": "application/merge-patch+json"}},
            id="merge",
        ),
        pytest.param(
            {"method": "PATCH", "body": [], "patch": "json"},
            {"data": "[]", "headers": {**READS, "Content-Type": "application/json-patch+json"}},
            id="JSON patch",
        ),
        pytest.param(
            {"method": "PATCH", "body": {}, "patch": "strategic"},
            {"headers": {**READS, "Content-Type": "application/strategic-merge-patch+json"}},
            id="strategic",
        ),
        pytest.param(
            {"method": "DELETE", "body": {}}, {"headers": {**READS, "Content-Type": "application/json"}}, id="delete"
        ),
    ],
)
def test_call_sends(more: dict[str, Any], sent: dict[str, Any]) -> None:
    rest, session = cluster(Answer(body={"kind": "X"}))
    assert rest.call("do it", path="/api/v1/x", **more) == {"kind": "X"}
    (request,) = session.requests
    assert (request["method"], request["url"]) == (more["method"], f"{HOST}/api/v1/x")
    assert (request["timeout"], request["stream"]) == (7.0, False)
    assert {key: request[key] for key in sent} == sent


METADATA = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


def test_metadata_is_asked_for_without_what_objects_hold() -> None:
    rest, session = cluster(Answer(body={"items": [{"metadata": {"name": "a"}}]}), Answer(body={"items": None}))
    assert rest.metadata("list", "/api/v1/secrets", {"labelSelector": "a=b"}) == [{"metadata": {"name": "a"}}]
    assert rest.metadata("list", "/api/v1/secrets") == []
    assert [request["headers"] for request in session.requests] == [METADATA, METADATA]
    assert session.requests[0]["params"] == {"labelSelector": "a=b"}


def test_names_are_read_from_metadata() -> None:
    rest, session = cluster(Answer(body={"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}))
    assert rest.names("list", "/api/v1/secrets") == ["a", "b"]
    assert session.requests[0]["headers"] == METADATA


def test_server_side_apply_is_sent_as_such() -> None:
    rest, session = cluster(Answer(body={}))
    rest.call("do it", "PATCH", "/x", body={"a": 1}, patch="apply")
    assert session.requests[0]["headers"] == {**READS, "Content-Type": "application/apply-patch+yaml"}


def refused(status: int, *causes: dict[str, Any]) -> KubernetesError:
    body = {"reason": "R", "message": "no", "details": {"causes": list(causes)} if causes else None}
    with pytest.raises(KubernetesError) as failure:
        cluster(Answer(status, body))[0].call("do it", "GET", "/x")
    return failure.value


def test_causes_of_an_error_are_kept() -> None:
    cause = {"reason": "FieldManagerConflict", "field": ".a", "message": "m"}
    assert refused(409, cause).causes == [cause]
    assert list(refused(409).causes) == []


def test_namespace_that_is_being_deleted_is_no_lack_of_rights() -> None:
    ending = refused(403, {"reason": "NamespaceTerminating"})
    assert ending.is_of_ending_namespace is True
    assert ending.remedy == "Wait until the namespace is gone, and run the same again."
    plain = refused(403, {"reason": "Other"})
    assert plain.is_of_ending_namespace is False
    assert "Give the account the right" in plain.remedy


def test_empty_answer_is_an_empty_object() -> None:
    assert cluster(Answer(204))[0].call("do it", "DELETE", "/x") == {}


def test_answer_that_is_no_json() -> None:
    with pytest.raises(KubernetesError, match=r"^Could not do it: 200: the answer is not JSON$"):
        cluster(Answer(text="<html>"))[0].call("do it", "GET", "/x")


@pytest.mark.parametrize(
    ("answer", "said", "reason"),
    [
        pytest.param(
            Answer(404, {"reason": "NotFound", "message": 'nodes "n" not found'}),
            '404 NotFound: nodes "n" not found',
            "NotFound",
            id="not found",
        ),
        pytest.param(Answer(500, {}), "500", "", id="an empty status"),
        pytest.param(Answer(502, text="Bad Gateway"), "502: Bad Gateway", "", id="a page"),
        pytest.param(Answer(502, ["x"]), '502: ["x"]', "", id="JSON of another shape"),
        pytest.param(Answer(502, text="x" * 300), "502: " + "x" * 200, "", id="a long page"),
    ],
)
def test_error_is_a_sentence(answer: Answer, said: str, reason: str) -> None:
    with pytest.raises(KubernetesError) as failure:
        cluster(answer)[0].call("do it", "GET", "/x")
    assert failure.value.msg == f"Could not do it: {said}"
    assert (failure.value.status, failure.value.reason) == (answer.status_code, reason)


@pytest.mark.parametrize(("status", "words"), [(401, "api_key"), (403, "the right in the cluster"), (409, "")])
def test_error_has_a_remedy_where_there_is_one(status: int, words: str) -> None:
    with pytest.raises(KubernetesError) as failure:
        cluster(Answer(status, {"message": "no"}))[0].call("do it", "GET", "/x")
    assert words in failure.value.remedy
    assert bool(words) == bool(failure.value.remedy)


def test_no_answer_is_status_zero() -> None:
    with pytest.raises(KubernetesError) as failure:
        cluster(requests.exceptions.ConnectTimeout("timed out"))[0].call("do it", "GET", "/x")
    assert failure.value.status == 0
    assert failure.value.msg == f"Could not do it: the API server at {HOST} does not answer (timed out)"
    assert "its address answers from here" in failure.value.remedy


def test_text_is_what_the_server_sends() -> None:
    rest, session = cluster(Answer(text="line 1\nline 2"))
    assert rest.text("read the log", "/log", {"tailLines": "2"}) == "line 1\nline 2"
    assert session.requests[0]["params"] == {"tailLines": "2"}


@pytest.mark.parametrize(
    ("body", "items"), [({"items": [{"a": 1}]}, [{"a": 1}]), ({"items": None}, []), ({"kind": "PodList"}, [])]
)
def test_items(body: dict[str, Any], items: list[dict[str, Any]]) -> None:
    rest, session = cluster(Answer(body=body))
    assert rest.items("list", "/x", {"labelSelector": "a=b"}) == items
    assert session.requests[0]["params"] == {"labelSelector": "a=b"}


@pytest.mark.parametrize("items", [[{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}], None])
def test_names_are_asked_for_without_the_rest(items: Any) -> None:
    rest, session = cluster(Answer(body={"items": items}))
    assert rest.names("list", "/x") == (["a", "b"] if items else [])
    assert session.requests[0]["headers"] == {
        "Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    }


def event(kind: str, name: str) -> bytes:
    return json.dumps({"type": kind, "object": {"name": name}}).encode()


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([], id="the server ends it"),
        pytest.param([requests.exceptions.ChunkedEncodingError("lost")], id="the connection is lost"),
        pytest.param([urllib3.exceptions.ProtocolError("late")], id="nothing more comes"),
    ],
)
def test_watch_gives_changes_until_it_ends(end: list[Exception]) -> None:
    answer = Answer(lines=[event("ADDED", "a"), b"", event("MODIFIED", "b"), *end])
    rest, session = cluster(answer)
    seen = list(rest.watch("watch", "/x", {"resourceVersion": "5"}, 30))
    assert seen == [("ADDED", {"name": "a"}), ("MODIFIED", {"name": "b"})]
    assert answer.closed
    (request,) = session.requests
    assert request["params"] == {
        "resourceVersion": "5",
        "watch": "true",
        "timeoutSeconds": "30",
        "allowWatchBookmarks": "true",
    }
    assert (request["stream"], request["timeout"]) == (True, (7.0, 40.0))


def test_watch_that_is_refused() -> None:
    with pytest.raises(KubernetesError, match="410 Expired: too old"):
        list(cluster(Answer(410, {"reason": "Expired", "message": "too old"}))[0].watch("watch", "/x", {}, 30))


def test_only_reading_is_repeated() -> None:
    for scheme in ("https", "http"):
        retry = KubernetesRest(HOST)._session.get_adapter(f"{scheme}://x").max_retries
        assert retry.total == 3
        assert retry.allowed_methods == frozenset({"GET"})
        assert not retry.is_retry("GET", 503)


def test_token_can_be_renewed() -> None:
    rest = KubernetesRest(HOST, api_key="first")
    assert rest._session.headers["Authorization"] == "Bearer first"
    rest.renew("second")
    assert rest._session.headers["Authorization"] == "Bearer second"


def test_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubernetes, "MISSING", "No module named 'requests'")
    for attempt in (lambda: KubernetesRest(HOST), lambda: KubernetesRest.from_params({"host": HOST})):
        with pytest.raises(RhaiiError, match=r"No module named 'requests'.*pip install requests PyYAML"):
            attempt()


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )


def tls_of(rest: KubernetesRest) -> ssl.SSLContext:
    context: ssl.SSLContext = rest._session.get_adapter(HOST)._context
    return context


def authorities(context: ssl.SSLContext) -> list[str]:
    return [entry[0][0][1] for entry in (each["subject"] for each in context.get_ca_certs())]


def test_host_wins_over_a_kubeconfig_and_trusts_its_own_authority_alone(pair: tuple[str, str], tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text(pair[0], encoding="ascii")
    rest = KubernetesRest.from_params(
        {"host": f"{HOST}/", "api_key": "t", "ca_cert": str(authority), "kubeconfig": "/no/file"}
    )
    assert rest.host == HOST
    assert rest._session.headers["Authorization"] == "Bearer t"
    context = tls_of(rest)
    assert authorities(context) == ["demo"]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT


def test_adapter_hands_its_context_on_and_adds_no_authorities(pair: tuple[str, str]) -> None:
    adapter = KubernetesRest(HOST)._session.get_adapter(HOST)
    assert adapter.poolmanager.connection_pool_kw["ssl_context"] is adapter._context
    request = requests.Request("GET", f"{HOST}/x").prepare()
    host, tls = adapter.build_connection_pool_key_attributes(request, True)
    assert host["host"] == "203.0.113.7"
    assert tls["ssl_context"] is adapter._context
    assert tls["ca_certs"] is None


def test_checking_can_be_turned_off() -> None:
    context = tls_of(KubernetesRest.from_params({"host": HOST, "validate_certs": False}))
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, r"The file .*ca\.pem cannot be read \(No such file", id="missing"),
        pytest.param("no PEM", "The certificates for the API server are no PEM certificates", id="no certificate"),
        pytest.param("ключ", "What is given as ca is no PEM text", id="no ASCII"),
    ],
)
def test_bad_authority_is_refused(content: str | None, words: str, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    if content is not None:
        authority.write_text(content, encoding="utf-8")
    with pytest.raises(RhaiiError, match=words):
        KubernetesRest.from_params({"host": HOST, "ca_cert": str(authority)})


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(folder: Path, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> str:
    """Two of everything, so that picking the wrong one shows."""
    config = {
        "current-context": "right",
        "contexts": [
            {"name": "wrong", "context": {"cluster": "wrong", "user": "wrong"}},
            {"name": "right", "context": {"cluster": "right", "user": "right"}},
        ],
        "clusters": [
            {"name": "wrong", "cluster": {"server": "https://192.0.2.1"}},
            {"name": "right", "cluster": {"server": HOST, **(cluster or {})}},
        ],
        "users": [
            {"name": "wrong", "user": {"token": "wrong"}},
            {"name": "right", "user": {"token": "right"} if user is None else user},
        ],
    }
    place = folder / "kubeconfig"
    place.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(place)


def test_kubeconfig_gives_server_and_token(tmp_path: Path) -> None:
    rest = KubernetesRest.from_params({"kubeconfig": kubeconfig(tmp_path)})
    assert (rest.host, rest._session.headers["Authorization"]) == (HOST, "Bearer right")


def test_given_token_and_context_win(tmp_path: Path) -> None:
    rest = KubernetesRest.from_params({"kubeconfig": kubeconfig(tmp_path), "context": "wrong", "api_key": "given"})
    assert (rest.host, rest._session.headers["Authorization"]) == ("https://192.0.2.1", "Bearer given")


def test_kubeconfig_is_found_as_kubectl_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = kubeconfig(tmp_path)
    monkeypatch.setenv("KUBECONFIG", f"{place}:/no/other")
    assert KubernetesRest.from_params({}).host == HOST
    monkeypatch.delenv("KUBECONFIG")
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    Path(place).rename(home / ".kube" / "config")
    monkeypatch.setenv("HOME", str(home))
    assert KubernetesRest.from_params({"kubeconfig": None}).host == HOST


def test_client_certificate_of_a_kubeconfig(
    pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    real = ssl.SSLContext.load_cert_chain

    def load(self: ssl.SSLContext, certfile: Any, *more: Any) -> None:
        loaded.append(f"{Path(certfile).stat().st_mode & 0o777:o}")
        real(self, certfile, *more)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load)
    (tmp_path / "key.pem").write_text(pair[1], encoding="ascii")
    user = {"client-certificate-data": b64(pair[0]), "client-key": "key.pem"}  # relative to the kubeconfig
    place = kubeconfig(tmp_path, {"certificate-authority-data": b64(pair[0])}, user)
    rest = KubernetesRest.from_params({"kubeconfig": place})
    assert loaded == ["600"]
    assert authorities(tls_of(rest)) == ["demo"]
    assert "Authorization" not in rest._session.headers


def test_authority_that_is_given_wins_over_the_kubeconfigs(pair: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(pair[0], encoding="ascii")
    place = kubeconfig(tmp_path, {"certificate-authority-data": b64("not read")})
    rest = KubernetesRest.from_params({"kubeconfig": place, "ca_cert": str(tmp_path / "ca.pem")})
    assert authorities(tls_of(rest)) == ["demo"]


@pytest.mark.parametrize(
    ("skip", "verify", "mode"),
    [
        (False, True, ssl.CERT_REQUIRED),
        (True, True, ssl.CERT_NONE),
        (False, False, ssl.CERT_NONE),
    ],
)
def test_kubeconfig_may_turn_checking_off(skip: bool, verify: bool, mode: int, tmp_path: Path) -> None:
    place = kubeconfig(tmp_path, {"insecure-skip-tls-verify": skip})
    assert tls_of(KubernetesRest.from_params({"kubeconfig": place, "validate_certs": verify})).verify_mode == mode


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, r"Neither host nor a readable kubeconfig is given \(.*/kubeconfig: No such file", id="none"),
        pytest.param("a: [", "lacks what is needed", id="no YAML"),
        pytest.param("", "lacks what is needed", id="empty"),
        pytest.param("current-context: x", "lacks what is needed: 'context x'", id="no such context"),
        pytest.param(
            "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], "
            "clusters: [{name: c, cluster: {}}], users: [{name: u, user: {}}]}",
            "lacks what is needed: 'server'",
            id="no server",
        ),
    ],
)
def test_bad_kubeconfig_is_refused(content: str | None, words: str, tmp_path: Path) -> None:
    place = tmp_path / "kubeconfig"
    if content is not None:
        place.write_text(content, encoding="utf-8")
    with pytest.raises(RhaiiError, match=words) as failure:
        KubernetesRest.from_params({"kubeconfig": str(place)})
    assert failure.value.remedy


def test_data_that_is_not_base64_is_refused(tmp_path: Path) -> None:
    place = kubeconfig(tmp_path, {"certificate-authority-data": "x"})
    with pytest.raises(RhaiiError, match="What is given as certificate-authority is no PEM text"):
        KubernetesRest.from_params({"kubeconfig": place})


def test_proxy_of_the_environment_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "10.0.0.1")
    session = KubernetesRest("https://10.0.0.2")._session
    assert session.proxies["https"] == "http://proxy:3128"
    assert KubernetesRest("https://10.0.0.1")._session.proxies == {}
    assert session.trust_env is False
