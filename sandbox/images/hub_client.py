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
from sandbox.images.hub_words import generation_of, refused, unreachable
from sandbox.settings import Settings

HUB = "https://huggingface.co"
# Guide seconds until an unanswered connection is given up; never less than a busy machine may need.
PATIENCE = 300
LEAST_PATIENCE = 5.0


class HubError(Exception):
    """The repository could not be had; the message names the cause and the remedy."""


class ClientError(HubError):
    """The hub's client library gave up; the message is what it prints, as it prints it."""


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
        client = _Client(session, hub, tls or trust(), repository, generation_of(repository.name, environ))
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
        self, session: aiohttp.ClientSession, hub: str, tls: ssl.SSLContext, repository: Repository, generation: str
    ) -> None:
        self._session = session
        self._hub = hub
        self._tls = tls
        self._repository = repository
        self._generation = generation

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
        url = self._hub + path
        try:
            async with self._session.get(url, ssl=self._tls) as response:
                if response.status == 200:
                    return await response.read()
                code, said = (response.headers.get(name, "") for name in ("X-Error-Code", "X-Error-Message"))
                raise ClientError(refused(response.status, code, said, url, self._generation))
        except TimeoutError as error:
            raise ClientError(unreachable("timed out", url, self._generation)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise ClientError(unreachable(_reason(error), url, self._generation)) from error


def _reason(error: Exception) -> str:
    """As the operating system says it."""
    cause = getattr(error, "os_error", error)
    number = getattr(cause, "errno", None)
    return f"[Errno {number}] {getattr(cause, 'strerror', '')}" if number else str(error)
