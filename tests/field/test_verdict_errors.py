# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often the verdict about a route is wrong, or open."""

from __future__ import annotations

from tests.field.rows import Row, rows
from tests.prove.courses import blind_routers, ends, spread_evenly

ENOUGH = 60
"""Requests after which an open verdict is late."""


@rows("verdict_errors")
def test_verdicts_err_no_more_often_than_is_promised(row: Row) -> None:
    given = row.given
    routers = {each.name: each for each in blind_routers()}
    found = ends(routers[given["router"]] if "router" in given else spread_evenly(given["share"]), given["replicas"])
    settled = sum(found.share(verdict, ENOUGH) for verdict in ("affine", "blind"))
    shares = {"late": 1 - settled, **{verdict: found.share(verdict) for verdict in ("affine", "blind", "unknown")}}
    wrong = {name: shares[name] for name, most in row.right.items() if 100 * shares[name] > most + 1e-9}
    assert wrong == {}
