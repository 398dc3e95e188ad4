# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An option of a module, held against the variable of a role that has the same type."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._option_values import read_options
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import typed

NOT_GIVEN, REFUSED = "not given", "refused"


def is_read_as_a_variable(value: Any, spec: dict[str, Any], right: Any) -> None:
    """The same value, the same refusal word for word, or nothing in both."""
    found = read_options({"option": value}, {"option": spec})
    if right == NOT_GIVEN:
        assert (found.params, found.refusal) == ({}, "")
    elif right == REFUSED:
        with pytest.raises(RhaiiError) as refused:
            typed("option", value, spec)
        assert found.refusal == str(refused.value)
    else:
        assert found.params == {"option": right}
        assert type(found.params["option"]) is type(right)
        assert not found.refusal


__all__ = ("NOT_GIVEN", "REFUSED", "is_read_as_a_variable")
