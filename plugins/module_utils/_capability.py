# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""A capability: documented options in, a documented result out, over ports. Both edges call it through `execute`."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError, one_line

Params = dict[str, Any]
Result = dict[str, Any]
ArgumentSpec = dict[str, dict[str, Any]]
Progress = Callable[[str], None]

PortsT = TypeVar("PortsT")


def no_secrets(params: Params) -> Iterable[str]:
    """What a capability keeps from every screen that takes no secrets but those of its no_log options."""
    return ()


def as_given(params: Params) -> Params:
    """The options of a capability whose secrets are those of its no_log options."""
    return params


def silent(message: str) -> None:
    """The progress of an edge that has nobody watching."""


@dataclass(frozen=True)
class Capability(Generic[PortsT]):
    """What a module and the action plugin of the same name share."""

    name: str
    argument_spec: ArgumentSpec
    # Builds the real adapters; called after the fork, so it may open clients.
    ports: Callable[[Params], PortsT]
    # Returns the result with `changed` (and `diff`); raises RhaiiError with the same result on failure.
    run: Callable[[Params, PortsT, Progress, bool], Result]
    mutually_exclusive: Sequence[Sequence[str]] = ()
    required_together: Sequence[Sequence[str]] = ()
    required_one_of: Sequence[Sequence[str]] = ()
    required_if: Sequence[Sequence[Any]] = ()
    required_by: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # Values within options that are shown otherwise, as the data of a Secret.
    secrets: Callable[[Params], Iterable[str]] = no_secrets
    # The options as a log may have them; an edge asks before it has checked them.
    logged: Callable[[Params], Params] = as_given

    @property
    def rules(self) -> dict[str, Any]:
        """The rules across options, as both AnsibleModule and ArgumentSpecValidator want them."""
        return {
            "mutually_exclusive": [list(rule) for rule in self.mutually_exclusive] or None,
            "required_together": [list(rule) for rule in self.required_together] or None,
            "required_one_of": [list(rule) for rule in self.required_one_of] or None,
            "required_if": [list(rule) for rule in self.required_if] or None,
            "required_by": {name: list(others) for name, others in self.required_by.items()},
        }


def execute(
    capability: Capability[Any],
    params: Params,
    progress: Progress,
    *,
    check_mode: bool,
    diff_mode: bool,
) -> Result:
    """Turn every way a capability can end into one result; a failure has `failed` and a `msg` for people."""
    try:
        result = dict(capability.run(params, capability.ports(params), progress, check_mode))
        result.setdefault("changed", False)
    except RhaiiError as error:
        result = {"changed": False, **error.result, "failed": True, "msg": str(error)}
    except OSError as error:  # requests, urllib3 and sockets end here
        result = {
            "changed": False,
            "failed": True,
            "msg": f"{capability.name} lost its connection, or could not reach a file or service: {one_line(error)}",
        }
    except Exception as error:
        result = {
            "changed": False,
            "failed": True,
            "msg": (
                f"{capability.name} met a case that it does not know: {type(error).__name__}: {one_line(error)}. "
                "This is a defect of rhaii.gke; run again with -vvv and report what it shows."
            ),
            "exception": traceback.format_exc(),
        }
    if not diff_mode:
        result.pop("diff", None)
    return result


__all__ = (
    "ArgumentSpec",
    "Capability",
    "Params",
    "PortsT",
    "Progress",
    "Result",
    "as_given",
    "execute",
    "no_secrets",
    "silent",
)
