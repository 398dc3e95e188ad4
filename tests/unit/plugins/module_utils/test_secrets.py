# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files with secrets: what is read, and that no refusal repeats what is in them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from ansible_collections.rhaii.gke.plugins.module_utils import _secrets
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import docker_config, hub_token

PASSWORD = "s3cr3tPassw0rd"
LOGIN = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
AUTHS: dict[str, Any] = {"auths": {"registry.redhat.io": {"auth": LOGIN}}}
TOKEN = "hf_abcDEF123"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(data: Any = None, string_data: Any = None) -> str:
    return yaml.safe_dump(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data, "stringData": string_data}
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(json.dumps(AUTHS), id="the registries' JSON"),
        pytest.param(yaml.safe_dump(AUTHS), id="the same as YAML"),
        pytest.param(secret({".dockerconfigjson": b64(json.dumps(AUTHS))}), id="a Secret"),
        pytest.param(secret(string_data={".dockerconfigjson": json.dumps(AUTHS)}), id="a Secret in plain text"),
        pytest.param(
            secret({".dockerconfigjson": "\n".join(b64(json.dumps(AUTHS))[i : i + 20] for i in range(0, 200, 20))}),
            id="a Secret with base64 in lines",
        ),
        pytest.param(
            secret({".dockerconfigjson": "never read"}, {".dockerconfigjson": json.dumps(AUTHS)}),
            id="plain text wins, as in Kubernetes",
        ),
    ],
)
def test_docker_config_is_read(content: str) -> None:
    if "never read" in content:
        content = content.replace("never read", b64("{}"))
    assert json.loads(docker_config(content)) == AUTHS


def test_docker_config_is_canonical() -> None:
    one = {"auths": {"b": {"auth": LOGIN}, "a": {"password": "p", "username": "u"}}}
    other = {"auths": {"a": {"username": "u", "password": "p"}, "b": {"auth": LOGIN}}}
    assert (
        docker_config(json.dumps(one), "a") == docker_config(json.dumps(other), "b") == json.dumps(one, sort_keys=True)
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("a: [", r"The pull secret is neither YAML nor JSON \(line 1\)\.", id="no YAML"),
        pytest.param(
            f"x: 1\n{PASSWORD}: [\n",
            r"The pull secret is neither YAML nor JSON \(line 3\)\.",
            id="no YAML, with the line",
        ),
        pytest.param("\x00", r"The pull secret is neither YAML nor JSON\.", id="no text"),
        pytest.param("a: 2026-13-01", r"The pull secret is neither YAML nor JSON\.", id="a date that is none"),
        pytest.param("just words", "The pull secret holds no object", id="words"),
        pytest.param("", "The pull secret holds no object", id="nothing"),
        pytest.param("[1, 2]", "The pull secret holds no object", id="a list"),
        pytest.param("{}", r"The pull secret has no registries \(no entry auths\)\. Give", id="no auths"),
        pytest.param('{"auths": {}}', "The pull secret has no registries", id="empty auths"),
        pytest.param(f'{{"auths": "{PASSWORD}"}}', "The pull secret has no registries", id="auths of another shape"),
        pytest.param(
            json.dumps({"auths": {"quay.io": {"auth": LOGIN}, "docker.io": {"auth": LOGIN}}}),
            r"The pull secret has no entry for registry\.redhat\.io; it has docker\.io, quay\.io\.",
            id="another registry",
        ),
        pytest.param(
            secret({"other": b64("{}")}),
            r"The pull secret is a Secret without the key \.dockerconfigjson\.",
            id="no such key",
        ),
        pytest.param(
            secret(), r"The pull secret is a Secret without the key \.dockerconfigjson\.", id="an empty Secret"
        ),
        pytest.param(secret([PASSWORD]), r"The pull secret's data holds no keys with values\.", id="data is a list"),
        pytest.param(secret(string_data=PASSWORD), "The pull secret's data holds no keys", id="plain data is text"),
        pytest.param(
            secret({".dockerconfigjson": f"{b64(json.dumps(AUTHS))}!"}),
            r"The pull secret's value \.dockerconfigjson is not base64\.",
            id="no base64",
        ),
        pytest.param(
            secret({".dockerconfigjson": "ключ"}),
            "The pull secret's value .* is not base64",
            id="letters of another alphabet",
        ),
        pytest.param(
            secret({".dockerconfigjson": base64.b64encode(b"\xff\xfe").decode()}),
            "The pull secret's value .* is not base64",
            id="no text in it",
        ),
        pytest.param(
            secret({".dockerconfigjson": b64("{")}),
            r"The pull secret's value \.dockerconfigjson is not JSON\.",
            id="no JSON",
        ),
        pytest.param(
            secret({".dockerconfigjson": b64("[]")}),
            "The pull secret's value .* holds no object",
            id="JSON of another shape",
        ),
        *(
            pytest.param(
                json.dumps({"auths": {"registry.redhat.io": entry}}),
                r"The pull secret's entry for registry\.redhat\.io is no login: it needs auth \(base64 of "
                r"user:password\), or username and password\. Give a Secret",
                id=f"login {name}",
            )
            for name, entry in {
                "empty": {},
                "as text": PASSWORD,
                "without a colon": {"auth": b64(PASSWORD)},
                "not base64": {"auth": f"{LOGIN}!"},
                "of another alphabet": {"auth": "ключ"},
                "without a password": {"username": "u"},
                "without a user": {"password": PASSWORD},
            }.items()
        ),
    ],
)
def test_bad_pull_secret_is_refused_in_one_sentence(content: str, words: str) -> None:
    with pytest.raises(RhaiiError, match=f"^{words}") as refusal:
        docker_config(content)
    said = str(refusal.value)
    assert "rhaii_pull_secret_file" in said
    assert "console.redhat.com" in said
    for part in (PASSWORD, LOGIN, b64(PASSWORD)):
        assert part not in said
    assert refusal.value.__cause__ is None


def test_two_logins_of_one_registry_are_not_guessed_at() -> None:
    other = {"auths": {"registry.redhat.io": {"auth": b64("other:password")}}}
    several = "---\n".join(secret({".dockerconfigjson": b64(json.dumps(each))}) for each in (AUTHS, other))
    with pytest.raises(RhaiiError, match=r"two different logins for registry\.redhat\.io"):
        docker_config(several)
    assert json.loads(docker_config(several.replace(b64(json.dumps(other)), b64(json.dumps(AUTHS))))) == AUTHS


def test_login_of_another_registry_is_judged_too() -> None:
    """A kubelet passes over an empty entry, and takes nothing at all of a file with a malformed one."""
    empty = {"auths": {**AUTHS["auths"], "quay.io": {}}}
    assert json.loads(docker_config(json.dumps(empty))) == AUTHS
    both = {"auths": {**AUTHS["auths"], "quay.io": {"auth": "pants"}}}
    with pytest.raises(RhaiiError, match=r"entry for quay\.io is no login"):
        docker_config(json.dumps(both))


@pytest.mark.parametrize("registry", ["", "quay.io"])
def test_wanted_registry_is_the_callers(registry: str) -> None:
    only = {"auths": {"quay.io": {"username": "u", "password": "p"}}}
    assert json.loads(docker_config(json.dumps(only), registry)) == only


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_bytes_that_ansible_kept_in_a_text_are_read(encoding: str) -> None:
    assert hub_token(TOKEN.encode(encoding).decode("utf-8", "surrogateescape")) == TOKEN


@pytest.mark.parametrize("content", ["\ud800abc", b"\xff\xd8\xff".decode("utf-8", "surrogateescape")])
def test_what_is_no_text_is_refused(content: str) -> None:
    with pytest.raises(RhaiiError, match=r"^The token file is no text in UTF-8\. Save it in UTF-8, or in UTF-16\."):
        hub_token(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TOKEN, id="alone"),
        pytest.param(f"  {TOKEN}\n\n", id="with blank lines"),
        pytest.param(secret({"token": b64(TOKEN)}), id="a Secret"),
        pytest.param(secret({"token": b64(f"{TOKEN}\n")}), id="a Secret with a line's end in it"),
        pytest.param(secret(string_data={"HF_TOKEN": TOKEN}), id="a Secret in plain text"),
        pytest.param(json.dumps({"kind": "Secret", "data": {"token": b64(TOKEN)}}), id="a Secret as JSON"),
    ],
)
def test_hub_token_is_read(content: str) -> None:
    assert hub_token(content) == TOKEN


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "The token file is empty", id="nothing"),
        pytest.param(" \n ", "The token file is empty", id="blanks"),
        pytest.param(secret({"token": b64(" ")}), "The token file is empty", id="an empty value"),
        pytest.param(f"{TOKEN} x", "The token in the token file has a blank in it", id="two words"),
        pytest.param(f"token:\t{TOKEN}", "The token file has a name before the token", id="a key and a value"),
        pytest.param(f"{TOKEN}\n{TOKEN}", "The token file has several lines", id="two lines"),
        pytest.param(f"{{{TOKEN}", "The token file is neither YAML nor JSON", id="no JSON"),
        pytest.param(secret(), "The token file is a Secret with 0 values", id="an empty Secret"),
        pytest.param(
            secret({"a": b64(TOKEN), "b": b64(TOKEN)}), "The token file is a Secret with 2 values", id="two values"
        ),
        pytest.param(secret({"token": TOKEN}), "The token file's value token is not base64", id="no base64"),
        pytest.param(secret(TOKEN), "The token file's data holds no keys with values", id="data is text"),
    ],
)
def test_bad_token_file_is_refused_in_one_sentence(content: str, words: str) -> None:
    with pytest.raises(RhaiiError, match=f"^{words}") as refusal:
        hub_token(content)
    assert TOKEN not in str(refusal.value)
    assert "rhaii_hf_token_file" in refusal.value.remedy


def test_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_secrets, "MISSING", "No module named 'yaml'")
    with pytest.raises(RhaiiError, match=r"No module named 'yaml'.*Install it there: pip install PyYAML$"):
        docker_config("{}")
    assert hub_token(TOKEN) == TOKEN
