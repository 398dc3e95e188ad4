# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Where an API server is and by what it knows the caller: as the options say, or a kubeconfig, as kubectl reads it.

The loader of the kubernetes package takes 1.5 s to import, writes keys to files in /tmp, and differs from kubectl where
several files are merged. It serves here for what kubectl has no more (auth-provider).
"""

from __future__ import annotations

import base64
import binascii
import functools
import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line
from ansible_collections.rhaii.gke.plugins.module_utils._kubernetes_credentials import (
    PLUGIN_GROUP,
    Credential,
    Fixed,
    Plugin,
    Provider,
    Source,
    TokenFile,
    basic,
)

try:
    import yaml
except ImportError as error:  # said in one sentence by the port
    WITHOUT_YAML = str(error)
else:
    WITHOUT_YAML = ""

Entry = Mapping[str, Any]

PROXIES = ("http", "https", "socks5")
DEFAULT = "~/.kube/config"
# where a kubelet puts what a pod's account needs
POD_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
POD_ADDRESS = ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT")
NOBODY = Credential()
GIVEN_REMEDY = (
    "Check the token (api_key) or the kubeconfig: it is missing, wrong or expired. What is given so is not renewed; a "
    "kubeconfig with exec, as gcloud writes it, renews its token by itself."
)


@dataclass(frozen=True)
class Access:
    """An API server, and how to be known there."""

    server: str
    source: Source = field(default_factory=lambda: Fixed(NOBODY, GIVEN_REMEDY))
    # PEM text
    authority: str | None = None
    verify: bool = True
    # the name in the server's certificate, where that is not its address
    server_name: str = ""
    proxy: str = ""
    # on behalf of whom
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Named:
    """An entry, and the file that it stands in: its relative paths are meant from there."""

    name: str
    entry: Entry
    place: Path


class _Config:
    """Several files as one: of each name the first counts, whole."""

    def __init__(self, documents: Mapping[Path, Entry]) -> None:
        self.documents = documents
        self.current = next((str(each["current-context"]) for each in documents.values() if _current(each)), "")

    def find(self, kind: str, name: str) -> _Named:
        for place, document in self.documents.items():
            for each in document.get(f"{kind}s") or ():
                if each.get("name") == name:
                    return _Named(name, each.get(kind) or {}, place)
        raise KeyError(f"{kind} {name}")

    def save(self, place: Path) -> None:
        """What an identity provider replaced; the old one would be worth nothing any more."""
        draft = place.with_name(f"{place.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(yaml.safe_dump(self.documents[place]), encoding="utf-8")
        draft.chmod(place.stat().st_mode & 0o777)
        draft.replace(place)


def _current(document: Entry) -> bool:
    return bool(document.get("current-context"))


def access_of(params: Mapping[str, Any], source: Source | None = None) -> Access:
    """By the options of the fragment rhaii.gke._kubernetes. A host that is given wins over a kubeconfig.

    `source` stands for what the kubeconfig says of the user.
    """
    verify = bool(params.get("validate_certs", True))
    given = Fixed(Credential.bearer(str(params["api_key"])), GIVEN_REMEDY) if params.get("api_key") else None
    source = source or given
    if params.get("host"):
        authority = material({"ca": params.get("ca_cert")}, "ca")
        return _with(Access(str(params["host"]), authority=authority, verify=verify), source)
    found = _by_kubeconfig(params, source)
    if params.get("ca_cert"):
        found = replace(found, authority=material({"ca": params["ca_cert"]}, "ca"))
    return found if verify else replace(found, verify=False)


def _with(access: Access, source: Source | None) -> Access:
    return replace(access, source=source) if source else access


def _by_kubeconfig(params: Mapping[str, Any], source: Source | None) -> Access:
    wanted = str(params.get("kubeconfig") or os.environ.get("KUBECONFIG") or DEFAULT)
    places = [Path(each).expanduser() for each in wanted.split(os.pathsep) if each]
    there = [each for each in places if each.exists()]
    if not there and not params.get("kubeconfig") and all(os.environ.get(each) for each in POD_ADDRESS):
        return _with(_in_pod(), source)
    try:
        if not there:
            # its own error says why
            places[0].read_text(encoding="utf-8")
        config = _Config({place: yaml.safe_load(place.read_text(encoding="utf-8")) or {} for place in there})
        return _chosen(config, str(params.get("context") or config.current), source)
    except OSError as error:
        raise RhaiiError(
            f"Neither host nor a readable kubeconfig is given ({error.filename or wanted}: {error.strerror}).",
            remedy="Give host, api_key and ca_cert, or kubeconfig.",
        ) from error
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, yaml.YAMLError) as error:
        # a parser's words may show a part of the file, and with it a token
        why = one_line(error) if isinstance(error, KeyError) else f"it is no kubeconfig ({type(error).__name__})"
        raise RhaiiError(
            f"The kubeconfig {os.pathsep.join(str(each) for each in there)} lacks what is needed: {why}.",
            remedy="Give a complete kubeconfig.",
        ) from None


def _chosen(config: _Config, name: str, source: Source | None) -> Access:
    if not name:
        raise KeyError("current-context")
    context = config.find("context", name).entry
    cluster = config.find("cluster", str(context["cluster"]))
    whose = str(context.get("user") or "")
    user = config.find("user", whose) if whose else _Named("", {}, cluster.place)
    server = str(cluster.entry["server"])
    authority = material(cluster.entry, "certificate-authority", cluster.place.parent)
    access = Access(
        server if "://" in server else f"{_scheme(cluster.entry, authority)}://{server}",
        authority=authority,
        verify=not cluster.entry.get("insecure-skip-tls-verify"),
        server_name=str(cluster.entry.get("tls-server-name") or ""),
        proxy=_proxy(str(cluster.entry.get("proxy-url") or "")),
        headers=_impersonation(user.entry),
    )
    return _with(access, source or _source(config, cluster, authority, user))


def _scheme(cluster: Entry, authority: str | None) -> str:
    """Of an address without one, as client-go has it (rest/url_utils.go)."""
    return "https" if authority or cluster.get("insecure-skip-tls-verify") else "http"


def _source(config: _Config, cluster: _Named, authority: str | None, user: _Named) -> Source:
    """Static ones first, as client-go has it: a token file, a token, a password; then a program."""
    folder = user.place.parent
    pair = (
        material(user.entry, "client-certificate", folder) or "",
        material(user.entry, "client-key", folder) or "",
    )
    entry = user.entry
    if entry.get("tokenFile"):
        return TokenFile(folder / str(entry["tokenFile"]), pair)
    if entry.get("token"):
        return Fixed(Credential(f"Bearer {entry['token']}", *pair), GIVEN_REMEDY)
    if entry.get("username"):
        return Fixed(Credential(basic(str(entry["username"]), str(entry.get("password") or "")), *pair), GIVEN_REMEDY)
    if entry.get("exec"):
        return Plugin(user.name, entry["exec"], _told(cluster.entry, authority), folder, pair)
    if entry.get("auth-provider"):
        provider = entry["auth-provider"]
        return Provider(user.name, provider, user.place, functools.partial(config.save, user.place), pair)
    return Fixed(Credential("", *pair), GIVEN_REMEDY)


def _told(cluster: Entry, authority: str | None) -> Entry:
    """What a program that gives out credentials is told of the cluster, when it wants to know."""
    told = {
        key: cluster[key]
        for key in ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url")
        if cluster.get(key)
    }
    if authority:
        told["certificate-authority-data"] = base64.b64encode(authority.encode()).decode("ascii")
    for each in cluster.get("extensions") or ():
        if each.get("name") == f"{PLUGIN_GROUP}/exec":
            told["config"] = each.get("extension")
    return told


def _impersonation(user: Entry) -> tuple[tuple[str, str], ...]:
    """The headers by which a caller acts as somebody else, a line for each group."""
    if not user.get("as"):
        return ()
    headers = [("Impersonate-User", str(user["as"]))]
    if user.get("as-uid"):
        headers.append(("Impersonate-Uid", str(user["as-uid"])))
    headers += [("Impersonate-Group", str(each)) for each in user.get("as-groups") or ()]
    extra: Mapping[str, Sequence[str]] = user.get("as-user-extra") or {}
    flat_extra = [(name, str(each)) for name, values in extra.items() for each in values]
    headers += [(f"Impersonate-Extra-{quote(name.lower(), safe='')}", each) for name, each in flat_extra]
    return tuple(headers)


def _proxy(url: str) -> str:
    if url and urlsplit(url).scheme not in PROXIES:
        raise RhaiiError(
            f"proxy-url of the kubeconfig's cluster is no address of a proxy ({url}).",
            remedy=f"Give a URL that begins with {', '.join(f'{each}://' for each in PROXIES)}.",
        )
    if url.startswith("socks5:") and importlib.util.find_spec("socks") is None:
        raise RhaiiError(
            f"proxy-url of the kubeconfig's cluster is a SOCKS proxy ({url}), and the Python library for it is missing "
            "where this task runs.",
            remedy="Install it there: pip install PySocks",
        )
    return url


def _in_pod() -> Access:
    """A pod reaches the API server of its own cluster with the token of its account, which the kubelet keeps fresh."""
    host, port = (os.environ[each] for each in POD_ADDRESS)
    return Access(
        f"https://{f'[{host}]' if ':' in host else host}:{port}",
        source=TokenFile(POD_FOLDER / "token"),
        authority=material({"ca": POD_FOLDER / "ca.crt"}, "ca"),
    )


def material(entry: Entry, key: str, folder: Path = Path()) -> str | None:
    """PEM text, from the data that an entry holds or from the file that it names."""
    try:
        if entry.get(f"{key}-data"):
            return base64.b64decode(entry[f"{key}-data"]).decode("ascii")
        if entry.get(key):
            return (folder / str(entry[key])).read_text(encoding="ascii")
    except OSError as error:
        raise RhaiiError(
            f"The file {folder / str(entry[key])} cannot be read ({error.strerror}).",
            remedy="Give a PEM file that exists.",
        ) from error
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RhaiiError(f"What is given as {key} is no PEM text.", remedy="Give a PEM file.") from error
    return None


__all__ = ("GIVEN_REMEDY", "WITHOUT_YAML", "Access", "access_of", "material")
