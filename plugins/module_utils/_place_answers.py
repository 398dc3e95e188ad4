# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""place_answers: whether somebody answers where an inventory has its cloud, before anything else is asked there."""

from __future__ import annotations

from typing import Protocol
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line


class Place(Protocol):
    def status(self, url: str, timeout: float) -> int:
        """Of the answer, whatever it is; raises OSError when there is none."""


class RealPlace:
    """The real adapter. No proxy leads to a place of one's own."""

    def status(self, url: str, timeout: float) -> int:
        try:
            with open_url(url, timeout=timeout, use_proxy=False, follow_redirects="none") as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code


def run(params: Params, place: Place, progress: Progress, check_mode: bool) -> Result:
    # a look, in check mode too
    del check_mode
    url = str(params["url"] or "")
    if params["notice"]:
        progress(str(params["notice"]))
    result: Result = {"changed": False, "url": url, "status": 0}
    if not url:
        return result
    try:
        status = place.status(url, params["timeout"])
    except OSError as error:
        raise RhaiiError(
            f"{url} does not answer ({one_line(error)}).", remedy=str(params["hint"] or "Start it."), result=result
        ) from error
    if status >= 500:
        raise RhaiiError(
            f"{url} does not answer as it should: {status}.", remedy=str(params["hint"] or "Start it."), result=result
        )
    return {**result, "status": status}


def place_of(params: Params) -> RealPlace:
    del params
    return RealPlace()


CAPABILITY = Capability(
    name="place_answers",
    argument_spec={
        "url": {"type": "str"},
        "notice": {"type": "str"},
        "hint": {"type": "str"},
        "timeout": {"type": "float", "default": 5.0},
    },
    ports=place_of,
    run=run,
)

__all__ = ("CAPABILITY", "Place", "RealPlace", "run")
