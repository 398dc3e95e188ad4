# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Downloading a model repository from the hub, as the hub's own client library does it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from sandbox.guide_time import scaled
from sandbox.settings import Settings

HUB = "https://huggingface.co"
# Guide seconds until an unanswered connection is given up; never less than a busy machine may need.
PATIENCE = 300
LEAST_PATIENCE = 5.0


class HubError(Exception):
    """The repository could not be had; the message names the cause and the remedy."""


@dataclass(frozen=True)
class Repository:
    """`hf://OWNER/NAME[:REVISION]`."""

    name: str
    revision: str = "main"

    @classmethod
    def parse(cls, uri: str) -> Repository:
        """The repository of a URI."""
        name, _, revision = uri.removeprefix("hf://").partition(":")
        if name.count("/") != 1 or not all(name.split("/")):
            raise HubError(f"{uri}: wanted hf://OWNER/MODEL, optionally with :REVISION.")
        return cls(name, revision or "main")


def patience() -> float:
    """Real seconds until an unanswered connection is given up."""
    return max(LEAST_PATIENCE, scaled(PATIENCE))


def trust() -> ssl.SSLContext:
    """The certificates that an image trusts: the sandbox's hub has an authority of its own."""
    authority = Settings.load().cloud_dir / "hub-ca.pem"
    return ssl.create_default_context(cafile=str(authority) if authority.exists() else None)


def token_of(environ: Mapping[str, str]) -> str:
    """The token, by the names that the hub's library reads."""
    return (environ.get("HF_TOKEN") or environ.get("HUGGING_FACE_HUB_TOKEN") or "").strip()


async def download(
    repository: Repository,
    destination: Path,
    *,
    environ: Mapping[str, str],
    seconds: float,
    log: Callable[[str], None],
    connector: aiohttp.BaseConnector | None = None,
    tls: ssl.SSLContext | None = None,
) -> list[str]:
    """Copy a repository's files into `destination` in about `seconds`; their names."""
    hub = (environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    token = token_of(environ)
    headers = {"User-Agent": "sandbox-hub-client", **({"Authorization": f"Bearer {token}"} if token else {})}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience(), sock_read=patience())
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
        client = _Client(session, hub, tls or trust(), repository, has_token=bool(token))
        names = await client.files()
        destination.mkdir(parents=True, exist_ok=True)
        for name in names:
            content = await client.content(name)
            await asyncio.sleep(seconds / len(names))
            file = destination / name
            if not file.resolve().is_relative_to(destination.resolve()):
                raise HubError(f"{repository.name} lists a file outside of its own folder: {name}.")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            log(f"Fetched {name} ({len(content)} bytes)")
    return names


class _Client:
    """Requests about one repository."""

    def __init__(
        self, session: aiohttp.ClientSession, hub: str, tls: ssl.SSLContext, repository: Repository, *, has_token: bool
    ) -> None:
        self._session = session
        self._hub = hub
        self._tls = tls
        self._repository = repository
        self._has_token = has_token

    async def files(self) -> list[str]:
        """The names of the repository's files."""
        path = f"/api/models/{self._repository.name}/revision/{self._repository.revision}"
        async with asyncio.timeout(2 * patience()):
            answer = await self._get(path)
        return [str(item["rfilename"]) for item in json.loads(answer)["siblings"]]

    async def content(self, name: str) -> bytes:
        """One file."""
        return await self._get(f"/{self._repository.name}/resolve/{self._repository.revision}/{name}")

    async def _get(self, path: str) -> bytes:
        name = self._repository.name
        try:
            async with self._session.get(self._hub + path, ssl=self._tls) as response:
                if response.status == 200:
                    return await response.read()
                code = response.headers.get("X-Error-Code", "")
                raise HubError(refusal(name, response.status, code, has_token=self._has_token))
        except TimeoutError as error:
            raise HubError(
                f"No answer from {self._hub} within {patience():.0f} s while fetching {name}: is egress to it on port "
                "443, and DNS, allowed by the network policies of this pod?"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise HubError(f"{self._hub} could not be reached while fetching {name}: {error}") from error


def refusal(name: str, status: int, code: str, *, has_token: bool) -> str:
    """What an error answer of the hub means for people."""
    link = f"https://huggingface.co/{name}"
    if code == "GatedRepo" or status == 403:
        if has_token:
            return f"{status} GatedRepo: the account of HF_TOKEN has no access to {name}. Ask for it at {link}."
        return f"{status} GatedRepo: {name} is gated and HF_TOKEN is not set. Accept its terms at {link}, set a token."
    if code == "RevisionNotFound":
        return f"{status} RevisionNotFound: {name} exists, the revision does not."
    if code == "RepoNotFound" or status == 404:
        advice = "check its spelling" if has_token else "check its spelling; a private one needs HF_TOKEN"
        return f"{status} RepositoryNotFound: there is no model {name} on the hub, {advice}."
    if status == 401:
        return f"401 Unauthorized: the hub knows no such token; check HF_TOKEN (for {name})."
    return f"{status} {code or 'error'} from the hub for {name}."
