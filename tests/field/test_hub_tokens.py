# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files with the hub's token: cleaned of what an editor or a shell left in it, or refused with the reason."""

from __future__ import annotations

import base64
from pathlib import Path

from ansible_collections.rhaii.gke.plugins.module_utils._access.hub import token_of
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import read
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import hub_token

from tests.field.rows import Row, rows

TOKEN = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567"
B64 = base64.b64encode(TOKEN.encode()).decode()
B64LINE = base64.b64encode(f"{TOKEN}\n".encode()).decode()


@rows("hub_tokens")
def test_token_is_taken_or_refused_with_the_reason(row: Row, tmp_path: Path) -> None:
    text = str(row.given["text"]).replace("B64LINE", B64LINE).replace("B64", B64).replace("TOKEN", TOKEN)
    text = text.replace(f"HF_{TOKEN}", "HF_TOKEN").replace(f"HUB_{TOKEN}", "HUB_TOKEN")
    file = tmp_path / "hf-token"
    file.write_bytes(text.encode(row.given.get("encoding", "utf-8")))
    outcomes = set()
    # preflight and roles read it by the lookup, a module by its option: one reading
    for way in (lambda: hub_token(read(str(file), "token file", "")), lambda: token_of({"token_file": str(file)})):
        try:
            outcomes.add(way())
        except RhaiiError as error:
            assert row.right.get("refused", "nothing") in str(error)
            for hidden in (TOKEN, B64, TOKEN[:8], TOKEN[-8:]):
                assert hidden not in str(error)
            outcomes.add("")
    (found,) = outcomes
    if row.right.get("token"):
        assert found in (TOKEN, text)
    assert bool(found) is row.right.get("token", False)
