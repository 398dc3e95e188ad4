# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that a person would have got from Google, Red Hat and Hugging Face; made once, for their owner only."""

from __future__ import annotations

import base64
import functools
import json
import os
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.cloud.project import Account, Project
from sandbox.cloud.tokens import Key, key_file, load_key

PULL_SECRET = "pull-secret.yaml"
HUB_TOKEN = "hf-token"
REGISTRY = "registry.redhat.io"


def ensure_credentials(folder: Path, project: Project, token_uri: str) -> dict[str, Key]:
    """Make what is missing; returns the accounts' keys by email."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    create_once(folder / PULL_SECRET, pull_secret)
    create_once(folder / HUB_TOKEN, lambda: f"hf_{secrets.token_hex(17)}\n")
    keys = {}
    for account in project.accounts:
        path = folder / account.key_file
        create_once(path, functools.partial(account_key, project, account, token_uri))
        keys[account.email] = load_key(account, path)
    return keys


def create_once(path: Path, content: Callable[[], str]) -> None:
    """Write a file if there is none, whole; of two processes that try, one file wins."""
    if path.exists():
        return
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    new.touch(mode=0o600)
    new.write_text(content(), encoding="utf-8")
    try:
        os.link(new, path)
    except FileExistsError:
        return
    finally:
        new.unlink()


def account_key(project: Project, account: Account, token_uri: str) -> str:
    """The content of a key file."""
    return json.dumps(key_file(project, account, new_key(), token_uri), indent=2)


def new_key() -> str:
    """A private key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def pull_secret() -> str:
    """A pull secret as Red Hat's console gives it: a Secret manifest."""
    user = f"{secrets.randbelow(10**8):08d}|rhaii-sandbox"
    auth = base64.b64encode(f"{user}:{secrets.token_urlsafe(48)}".encode()).decode()
    config = json.dumps({"auths": {REGISTRY: {"auth": auth}}})
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "rhaiis-pull-secret"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }
    return yaml.safe_dump(manifest, sort_keys=False)
