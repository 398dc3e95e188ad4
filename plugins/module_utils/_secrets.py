# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What people hold their secrets in, as the guide makes it or as the registries and the hub give it out.

No message here repeats what a file contains.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._credentials import documents
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.documents import SECRET, objects_of, values_of
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.registries import is_of
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.text import (
    HIDDEN,
    VAULTED,
    decoded,
    is_invisible,
    text_of,
    trimmed,
    unwrapped,
    visible,
)
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

MISSING = documents.MISSING

DOCKER_KEY = ".dockerconfigjson"
LEGACY_KEY = ".dockercfg"
REGISTRY = "registry.redhat.io"

PULL_SECRET = "pull secret"
PULL_REMEDY = (
    "Give a Secret of the type kubernetes.io/dockerconfigjson as YAML, or the JSON file itself, as downloaded from "
    "https://console.redhat.com/openshift/install/pull-secret (rhaii_pull_secret_file)."
)
TOKEN_FILE = "token file"
TOKEN_REMEDY = "Give a file with nothing but the token, or a Secret with one value as YAML (rhaii_hf_token_file)."

_HELPERS = ("credsStore", "credHelpers")
# what a kubelet reads of an entry
_FIELDS = ("auth", "username", "password", "email")
_TOKEN_KEYS = ("HF_TOKEN", "token")
_PLACEHOLDERS = re.compile(
    r"none|null|nil|undefined|omit|true|false|changeme|token|hf_token|<.*>|\[.*\]|\{.*|\$.*|.*\.\.\.|hf_x*|.*\*\*.*|\W+",
    re.IGNORECASE,
)
# HF_TOKEN=..., export HF_TOKEN=..., set HF_TOKEN=..., $env:HF_TOKEN = ..., token: ...
_NAMED = re.compile(r"((export|set|setx)\s+)?(\$env:)?[A-Za-z][A-Za-z0-9_]*\s*[=:]\s*[^\s=:/\\]")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_PATH = re.compile(r"(~|\.{0,2}/|\.{1,2}\\|[A-Za-z]:[\\/]|file:).*|.*\.(txt|ya?ml|json|token|env|key|secret)")
# how the hub's own tokens begin, and which characters one of them has
_HUBS = re.compile(r"hf_[A-Za-z0-9_.-]+")
_PREFIXES = ("hf_", "api_org_")


def docker_config(content: Any, registry: str = REGISTRY) -> str:
    """The registry credentials as canonical JSON; refused when none of them is for `registry`."""
    _require_yaml()
    auths: dict[str, Any] = {}
    helpers: list[str] = []
    for document in _configs(content):
        helpers += [name for name in _HELPERS if document.get(name)]
        for key, entry in (document.get("auths") or {}).items():
            name = trimmed(str(key))
            if name in auths and _login(auths[name]) and _login(entry) and auths[name] != entry:
                raise RhaiiError(f"The pull secret has two different logins for {name}.", remedy=PULL_REMEDY)
            auths[name] = entry if _login(entry) else auths.get(name, entry)
    if not auths:
        raise RhaiiError(
            f"The pull secret keeps its logins in a credential helper ({helpers[0]}), outside of the file."
            if helpers
            else "The pull secret has no registries (no entry auths).",
            remedy=PULL_REMEDY,
        )
    _judge_logins(auths, registry, helpers)
    logins = {name: login for name, entry in auths.items() if (login := _login(entry))}
    return json.dumps({"auths": logins}, sort_keys=True)


def keys_for(config: str, registry: str) -> list[str]:
    """The keys of canonical credentials by which a kubelet logs in to a registry."""
    return [key for key in json.loads(config)["auths"] if is_of(key, registry)]


def _judge_logins(auths: Mapping[str, Any], registry: str, helpers: Sequence[str]) -> None:
    """Refuse what a kubelet would refuse as a whole, and what holds no login for the registry."""
    wanted = [key for key in auths if is_of(key, registry)] if registry else list(auths)
    if not wanted:
        raise RhaiiError(
            f"The pull secret has no entry for {registry}; it has {', '.join(sorted(auths))}.", remedy=PULL_REMEDY
        )
    usable = any(_login(auths[key]) for key in wanted)
    for name, entry in auths.items():
        # docker leaves an empty entry where a helper keeps the login
        if _login(entry) or (entry == {} and (usable or name not in wanted)):
            continue
        if isinstance(entry, Mapping) and entry.get("identitytoken") and (usable or name not in wanted):
            continue
        if entry == {} and helpers:
            said = f"is empty: its login is in a credential helper ({helpers[0]}), outside of the file"
        elif isinstance(entry, Mapping) and entry.get("identitytoken"):
            said = "has an identity token, which no kubelet uses, and no password"
        else:
            said = "is no login: it needs auth (base64 of user:password), or username and password"
        raise RhaiiError(f"The pull secret's entry for {name} {said}.", remedy=PULL_REMEDY)


def _configs(content: Any) -> list[Mapping[str, Any]]:
    """The configurations of docker within: alone, or the values of Secrets."""
    objects = [content] if isinstance(content, Mapping) else objects_of(_plain(content), PULL_SECRET, PULL_REMEDY)
    found: list[Mapping[str, Any]] = []
    secrets, kinds = 0, []
    for each in objects:
        if each.get("kind") == SECRET:
            secrets += 1
            found += _of_values(values_of(each, PULL_SECRET, PULL_REMEDY))
        elif each.get("kind"):
            kinds.append(str(each["kind"]))
        elif data := _stored(each):
            found += _of_values(data)
        else:
            found.append(_modern(each))
    if secrets and not found:
        raise RhaiiError(f"The pull secret is a Secret without the key {DOCKER_KEY}.", remedy=PULL_REMEDY)
    if kinds and not found:
        raise RhaiiError(f"The pull secret holds {', '.join(sorted(set(kinds)))}, and no Secret.", remedy=PULL_REMEDY)
    return [each for each in found if isinstance(each.get("auths", {}), Mapping)]


def _stored(document: Mapping[str, Any]) -> dict[str, Any]:
    """A Secret's data alone, as a store of secrets keeps it: plain, or in base64 as in the Secret."""
    for data in (document, document.get("stringData"), document.get("data")):
        if isinstance(data, Mapping) and {DOCKER_KEY, LEGACY_KEY} & set(data):
            return {
                str(key): (unwrapped(value) or value) if isinstance(value, str) else value
                for key, value in data.items()
            }
    return {}


def _of_values(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Of the values of one Secret."""
    if DOCKER_KEY in values:
        return [_json(values[DOCKER_KEY], DOCKER_KEY)]
    return [_modern(_json(values[LEGACY_KEY], LEGACY_KEY))] if LEGACY_KEY in values else []


def _modern(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Files of old, and the legacy type of Secret, have no level `auths`."""
    entries = list(document.values())
    is_old = "auths" not in document and entries and all(isinstance(entry, Mapping) for entry in entries)
    if is_old and all({"auth", "username", "password", "email"} & set(entry) for entry in entries):
        return {"auths": document}
    return document


def _plain(content: Any) -> str:
    """The text of a configuration, also where somebody took it out of a Secret as it is there, in base64."""
    text = text_of(content if isinstance(content, (bytes, str)) else str(content), PULL_SECRET, PULL_REMEDY)
    _refuse_hidden(text, PULL_SECRET, PULL_REMEDY)
    inner = unwrapped(text)
    return inner if inner and inner.startswith(("{", "apiVersion", "kind", "---")) else text


def _json(value: Any, key: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    text = trimmed(str(value))
    try:
        document = json.loads(text, strict=False)
    except ValueError:
        inner = unwrapped(text) or ""
        if inner.startswith("{"):
            raise RhaiiError(
                f"The pull secret's value {key} is base64 twice: what it holds is base64 again.", remedy=PULL_REMEDY
            ) from None
        raise RhaiiError(f"The pull secret's value {key} is not JSON.", remedy=PULL_REMEDY) from None
    if not isinstance(document, Mapping):
        raise RhaiiError(f"The pull secret's value {key} holds no object.", remedy=PULL_REMEDY)
    return document


def _login(entry: Any) -> dict[str, str]:
    """What a kubelet logs in with; empty where it could not."""
    if not isinstance(entry, Mapping):
        return {}
    fields = {name: entry[name] for name in _FIELDS if isinstance(entry.get(name), str)}
    both = bool(fields.get("username") and fields.get("password"))
    auth = _pair("".join(visible(fields.pop("auth", "")).split()))
    if auth:
        return {**fields, "auth": auth}
    return fields if both else {}


def _pair(auth: str) -> str:
    """Base64 of user:password, of which a kubelet needs both; empty where it is none."""
    try:
        pair = decoded(auth)
    except ValueError:
        return ""
    # echo, where printf was meant, leaves the end of a line on the password
    kept = pair.rstrip(b"\r\n")
    user, _colon, password = kept.partition(b":")
    if not (user and password):
        return ""
    return auth if kept == pair else base64.b64encode(kept).decode()


def hub_token(content: Any, what: str = TOKEN_FILE) -> str:
    """The token in a token file, or in a value."""
    text = text_of(content if isinstance(content, (bytes, str)) else str(content), what, TOKEN_REMEDY)
    _refuse_hidden(text, what, TOKEN_REMEDY)
    if re.match(r"\{(?!\{)", trimmed(text)) or re.search(r"^\s*[\"']?(apiVersion|kind)[\"']?\s*:", text, re.MULTILINE):
        text = _token_of_secret(text, what)
    text = trimmed("".join(char for char in text if not is_invisible(char)))
    reason = _no_token(text, what)
    if reason:
        raise RhaiiError(reason, remedy=TOKEN_REMEDY)
    return text


def _token_of_secret(text: str, what: str) -> str:
    _require_yaml()
    secrets = [each for each in objects_of(text, what, TOKEN_REMEDY) if each.get("kind") == SECRET]
    if not secrets:
        raise RhaiiError(f"The {what} holds an object that is no Secret.", remedy=TOKEN_REMEDY)
    values: dict[str, str] = {}
    for secret in secrets:
        values.update(values_of(secret, what, TOKEN_REMEDY))
    # our own Secret, and KServe's, has the token under both of its names
    known = {trimmed(values[key]) for key in _TOKEN_KEYS if key in values}
    if len(known) == 1:
        return known.pop()
    if len(values) != 1:
        raise RhaiiError(f"The {what} is a Secret with {len(values)} values.", remedy=TOKEN_REMEDY)
    return next(iter(values.values()))


def _no_token(text: str, what: str) -> str:
    """Why it is no token; empty where it may be one."""
    inner = unwrapped(text) or ""
    reasons = (
        (not text, f"The {what} is empty."),
        ("\n" in text or "\r" in text, f"The {what} has several lines, and a token is one."),
        (text[:1] in _QUOTES or text[-1:] in _QUOTES, f"The token in the {what} stands in quotes."),
        (bool(_NAMED.match(text)), f"The {what} has a name before the token, as in NAME=token."),
        (bool(re.match(r"bearer\b", text, re.IGNORECASE)), f"The token in the {what} has the word Bearer before it."),
        (any(char.isspace() for char in text), f"The token in the {what} has a blank in it."),
        (bool(_PLACEHOLDERS.fullmatch(text)), f"The {what} holds what stands for a token, and none."),
        (not text.isascii() or not text.isprintable(), f"The {what} has characters that no token has."),
        (text.startswith("hf_") and not _HUBS.fullmatch(text), f"The {what} has characters that no token has."),
        (_is_path(text), f"The {what} holds a path, and no token."),
        (inner.startswith(_PREFIXES), f"The token in the {what} is in base64, as a Secret has it."),
    )
    return next((reason for applies, reason in reasons if applies), "")


def _is_path(text: str) -> bool:
    if text.startswith(_PREFIXES):
        return False
    # tokens of mirrors may have slashes too, and are long
    return bool(_PATH.fullmatch(text)) or ("/" in text and len(text) < 40)


def _refuse_hidden(text: str, what: str, remedy: str) -> None:
    """Refuse what only stands for a secret."""
    if trimmed(text).startswith(VAULTED):
        raise RhaiiError(
            f"The {what} is encrypted with ansible-vault, and was not decrypted.",
            remedy="Give the vault's password (--vault-password-file or --ask-vault-pass, in AWX a vault credential).",
        )
    if trimmed(text).strip("\"'") == HIDDEN:
        raise RhaiiError(f"The {what} is what AWX shows in place of a secret ({HIDDEN}).", remedy=remedy)


def _require_yaml() -> None:
    if MISSING:
        raise RhaiiError(
            f"A Python library is missing where this task runs ({MISSING}).",
            remedy="Install it there: pip install PyYAML",
        )


__all__ = (
    "DOCKER_KEY",
    "PULL_REMEDY",
    "PULL_SECRET",
    "REGISTRY",
    "TOKEN_FILE",
    "TOKEN_REMEDY",
    "docker_config",
    "hub_token",
    "keys_for",
)
