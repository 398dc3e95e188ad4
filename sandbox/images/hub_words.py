# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hub's client library prints when it ends, in the words and the order of two of its generations.

Written by huggingface_hub 0.34.4 and 0.36.0 (with requests) and 2.4.0 (with httpx) themselves, against a hub on
loopback that answered so (tests/field/hub_logs.yml). Which generation a download speaks is drawn by the model's name,
so that no single phrase is the only one that is ever met; SANDBOX_HUB_CLIENT sets it.
"""

from __future__ import annotations

import hashlib
import http
from collections.abc import Mapping
from urllib.parse import urlsplit

REQUESTS, HTTPX = "0.34", "2.4"
GENERATIONS = (REQUESTS, HTTPX)

BAD_TOKEN = "Invalid credentials in Authorization header"
DISABLED = "Access to this resource is disabled."
MORE = "For more details, see https://huggingface.co/docs/huggingface_hub/authentication"
CHAINED = "The above exception was the direct cause of the following exception:"


def generation_of(model: str, environ: Mapping[str, str]) -> str:
    """The generation of the client that downloads a model."""
    drawn = GENERATIONS[hashlib.sha256(model.encode()).digest()[0] % len(GENERATIONS)]
    return environ.get("SANDBOX_HUB_CLIENT", drawn)


def refused(status: int, code: str, message: str, url: str, generation: str) -> str:
    """All that is printed after an error answer."""
    kind, text = _error(status, code, message, url, generation)
    final = kind != "HfHubHTTPError" or status == 401
    answer = f"{_transport(status, url, generation)}\n\n{CHAINED}\n\n"
    if final and kind != "DisabledRepoError":
        return f"{answer}huggingface_hub.errors.{kind}: {text}"
    return f"{answer}huggingface_hub.errors.{kind}: {text}\n\n{CHAINED}\n\n{_gave_up(kind, text, generation)}"


def unreachable(reason: str, url: str, generation: str) -> str:
    """All that is printed when no answer came."""
    if generation == HTTPX:
        kind = "ConnectTimeout" if "timed out" in reason else "ConnectError"
        return f"httpx2.{kind}: {reason}\n\n{CHAINED}\n\n{_gave_up(kind, reason, generation)}"
    split = urlsplit(url)
    pool = f"HTTPSConnectionPool(host='{split.hostname}', port={split.port or 443})"
    cause = f"Failed to establish a new connection: {reason}"
    said = f"{pool}: Max retries exceeded with url: {split.path} (Caused by NewConnectionError('{cause}'))"
    text = f"(MaxRetryError(\"{said}\"), '(Request ID: 6e1c)')"
    return f"requests.exceptions.ConnectionError: {text}\n\n{CHAINED}\n\n{_gave_up('', '', generation)}"


def _transport(status: int, url: str, generation: str) -> str:
    phrase = http.HTTPStatus(status).phrase
    side = "Server" if status >= 500 else "Client"
    if generation == HTTPX:
        return f"httpx2.HTTPStatusError: {side} error '{status} {phrase}' for url '{url}'"
    return f"requests.exceptions.HTTPError: {status} {side} Error: {phrase} for url: {url}"


def _error(status: int, code: str, message: str, url: str, generation: str) -> tuple[str, str]:
    """As hf_raise_for_status decides."""
    head = f"{status} Client Error. (Request ID: Root=1-66f2;5e1c)\n\n"
    said = f"\n{message}" if message else ""
    if code == "RevisionNotFound":
        return "RevisionNotFoundError", f"{head}Revision Not Found for url: {url}.{said}"
    if code == "EntryNotFound":
        kind = "RemoteEntryNotFoundError" if generation == HTTPX else "EntryNotFoundError"
        return kind, f"{head}Entry Not Found for url: {url}.{said}"
    if code == "GatedRepo":
        return "GatedRepoError", f"{head}Cannot access gated repo for url {url}.{said}"
    if message == DISABLED:
        return "DisabledRepoError", f"{head}Cannot access repository for url {url}.\n{DISABLED}"
    if code == "RepoNotFound" or (status == 401 and message != BAD_TOKEN and code):
        rights = " and your token has the required permissions.\n" if generation == HTTPX else ". "
        return "RepositoryNotFoundError", (
            f"{head}Repository Not Found for url: {url}.\nPlease make sure you specified the correct `repo_id` and "
            "`repo_type`.\nIf you are trying to access a private or gated repo, make sure you are authenticated"
            f"{rights}{MORE}{said}"
        )
    if status == 403:
        return "HfHubHTTPError", (
            f"\n\n403 Forbidden: {message}.\nCannot access content at: {url}.\nMake sure your token has the correct "
            "permissions."
        )
    if status == 429 and generation == HTTPX:
        return "HfHubHTTPError", f"\n\n429 Too Many Requests for url: {url}.{said}"
    return "HfHubHTTPError", f"{_transport(status, url, generation).partition(': ')[2]}{said}"


def _gave_up(kind: str, text: str, generation: str) -> str:
    got = f"Got: {kind}: {text.strip()}\n" if generation == HTTPX else ""
    comma = "," if generation == HTTPX else ""
    return (
        f"huggingface_hub.errors.LocalEntryNotFoundError: {got}An error happened while trying to locate the files on "
        f"the Hub{comma} and we cannot find the appropriate snapshot folder for the specified revision on the local "
        "disk. Please check your internet connection and try again."
    )
