# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The openai package, which decides what of a stream is a completion."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2
import openai


def gets_a_completion(headers: Mapping[str, str], body: bytes | httpx2.SyncByteStream) -> bool:
    """Whether the package gets a completion out of an answer of status 200, or raises."""

    def respond(request: httpx2.Request) -> httpx2.Response:
        given = {"content": body} if isinstance(body, bytes) else {"stream": body}
        return httpx2.Response(200, headers=dict(headers), request=request, **given)

    client = openai.OpenAI(
        api_key="none",
        base_url="http://endpoint/v1",
        max_retries=0,
        http_client=httpx2.Client(transport=httpx2.MockTransport(respond)),
    )
    try:
        return bool(list(client.completions.create(model="m", prompt="p", stream=True)))
    except (openai.APIError, ValueError):
        return False


__all__ = ("gets_a_completion",)
