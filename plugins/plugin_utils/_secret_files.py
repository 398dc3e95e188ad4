# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Files of ansible-vault, decrypted with the passwords that the run was given."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import Decrypt, without_vault
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError


def decrypting(loader: Any) -> Decrypt:
    """By Ansible's loader, which has the passwords."""
    vault: Any = getattr(loader, "_vault", None)
    if not getattr(vault, "secrets", None):
        return without_vault

    def decrypt(content: bytes, path: str) -> bytes:
        try:
            return bytes(vault.decrypt(content))
        except (AnsibleError, ValueError):  # what it says may show some of the content
            raise RhaiiError(
                f"The file {path} is encrypted with ansible-vault, and no vault password that is given opens it.",
                remedy="Give its own (--vault-password-file or --vault-id, in AWX a vault credential).",
            ) from None

    return decrypt


def is_locked(error: BaseException | None) -> bool:
    """Whether what Ansible could not evaluate is a vaulted value; each version of it has another type for that."""
    while error is not None:
        if "decrypt" in str(error).lower() and "vault" in f"{type(error).__name__} {error}".lower():
            return True
        error = error.__cause__
    return False


__all__ = ("decrypting", "is_locked")
