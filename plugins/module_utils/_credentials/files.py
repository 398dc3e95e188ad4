# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The one way in which a path that somebody gives is resolved, and a file with a secret is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ansible_collections.rhaii.gke.plugins.module_utils._credentials.text import VAULTED, text_of
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

Decrypt = Callable[[bytes, str], bytes]

# the option under which an edge that knows the vault's passwords hands them on
DECRYPT = "decrypt"

LARGEST = 1024 * 1024


def resolved(path: str) -> str:
    """A relative path is one from the folder in which Ansible was called, as for `-e @FILE`; ~ is a home."""
    if not path or "://" in path:
        return path
    whole = os.path.expandvars(path)
    if Path(whole).is_absolute():
        return whole
    with suppress(RuntimeError):  # of ~NAME, where there is nobody of that name
        whole = str(Path(whole).expanduser())
    return os.path.normpath(Path.cwd() / whole)


def without_vault(content: bytes, path: str) -> bytes:
    """The reader that has no vault's password."""
    del content
    raise RhaiiError(
        f"The file {path} is encrypted with ansible-vault, and no vault password is given.",
        remedy="Give it (--vault-password-file or --ask-vault-pass, in AWX a vault credential).",
    )


def read(path: str, what: str, remedy: str, decrypt: Decrypt = without_vault) -> str:
    """The text of a file with a secret; no refusal repeats what is in it."""
    place = resolved(path)
    shown = path if place == path else f"{path} ({place})"
    try:
        # a device or another endless thing is no file of ours
        if Path(place).exists() and not Path(place).is_file():
            raise RhaiiError(f"{shown} is no file.", remedy=remedy)
        with Path(place).open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise RhaiiError(f"The file {shown} does not exist.", remedy=remedy) from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise RhaiiError(f"The file {shown} cannot be read ({said}).", remedy=remedy) from None
    if len(content) > LARGEST:
        raise RhaiiError(f"The file {shown} is larger than a {what} can be.", remedy=remedy)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(VAULTED.encode()):
        content = decrypt(content.lstrip(b"\xef\xbb\xbf \t\r\n"), shown)
    try:
        return text_of(content, what, remedy)
    except RhaiiError as error:
        raise RhaiiError(f"{shown}: {error.msg}", remedy=error.remedy) from None


__all__ = ("DECRYPT", "Decrypt", "read", "resolved", "without_vault")
