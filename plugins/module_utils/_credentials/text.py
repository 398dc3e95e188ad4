# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The text of a file that people made by hand, with an editor, a shell or a browser in between."""

from __future__ import annotations

import base64
import json
import re
import unicodedata

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError

VAULTED = "$ANSIBLE_VAULT;"
# AWX shows it in place of what it keeps, and sends it on where somebody copies it
HIDDEN = "$encrypted$"
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def text_of(content: bytes | str, what: str, remedy: str) -> str:
    """The content as text, without the mark of its encoding and other invisible characters before it."""
    if isinstance(content, str):
        if not _SURROGATE.search(content):
            return seen(content)
        content = _bytes_of(content)
    # by RFC 4627's rule where there is no mark: text of ours begins with ASCII
    encoding = json.detect_encoding(content)
    try:
        return seen(content.decode(encoding))
    except UnicodeDecodeError:
        found = encoding.removesuffix("-sig").upper()
        raise RhaiiError(
            f"The {what} is no text in {found}.", remedy=f"Save it in UTF-8, or in UTF-16. {remedy}".strip()
        ) from None


def _bytes_of(text: str) -> bytes:
    """Of a text in which Ansible kept bytes as they were."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves of a character, which are of no text
        return text.encode("utf-8", "surrogatepass")


def seen(text: str) -> str:
    """Without invisible characters before it; blanks stay, which mean something in YAML."""
    start = next((place for place, char in enumerate(text) if not is_invisible(char)), len(text))
    return text[start:]


def trimmed(text: str) -> str:
    """Without blanks and invisible characters at both ends."""
    shown = [place for place, char in enumerate(text) if not (char.isspace() or is_invisible(char))]
    return text[shown[0] : shown[-1] + 1] if shown else ""


def visible(text: str) -> str:
    """Without the characters that nobody sees, as zero-width spaces, and with plain blanks for those of typesetters."""
    kept = (" " if unicodedata.category(char) == "Zs" else char for char in text if not is_invisible(char))
    return "".join(kept)


def is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf"


def decoded(text: str) -> bytes:
    """Base64 as Kubernetes and Go take it, padded or not; line breaks in it are no mistake. Raises ValueError."""
    whole = "".join(visible(text).split())
    missing = 0 if whole.endswith("=") else -len(whole) % 4
    return base64.b64decode(whole + "=" * missing, validate=True)


def unwrapped(text: str) -> str | None:
    """What base64 text holds, where it is base64 of a text."""
    if not re.fullmatch(r"[A-Za-z0-9+/\s]+={0,2}\s*", text):
        return None
    try:
        return trimmed(decoded(text).decode("utf-8"))
    except ValueError:
        return None


__all__ = ("HIDDEN", "VAULTED", "decoded", "is_invisible", "seen", "text_of", "trimmed", "unwrapped", "visible")
