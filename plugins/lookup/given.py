# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: given
author: The rhaii.gke authors (@rhaii-gke)
version_added: 0.2.0
short_description: The value of a variable of this collection, where it is given
description:
  - Gives out the value of a variable of this collection's roles, converted to the type of its argument spec.
  - Of a collection-wide variable it gives out the value as it is given, else the default that one of the roles has for
    it, so that no other role need repeat that.
  - A variable that is null or blank text is not given, as is an answer that somebody left blank in a form. The role's
    own default stands then, or what the inventory says where a blank extra variable hides it.
  - V(false), V(0), V([]) and V({}) are values like others.
options:
  _terms:
    description: Names of the variables.
    type: list
    elements: str
    required: true
  otherwise:
    description:
      - What to take in place of the role's own default.
      - A collection-wide variable that the default reads is taken all the same, where it is given.
    type: raw
seealso:
  - plugin: rhaii.gke.given
    plugin_type: filter
  - module: rhaii.gke.variables_check
"""

EXAMPLES = r"""
- name: Show for how long a cluster may be created, 1800 where cluster_timeout is blank
  ansible.builtin.debug:
    msg: "{{ lookup('rhaii.gke.given', 'cluster_timeout') }} seconds"
"""

RETURN = r"""
_raw:
  description: The values, each of its option's type.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import NOTHING, given


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        try:
            return [
                given(str(term), self._templar, variables or {}, kwargs.get("otherwise", NOTHING)) for term in terms
            ]
        except RhaiiError as error:
            raise AnsibleLookupError(str(error)) from error
