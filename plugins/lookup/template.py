# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: template
author: The rhaii.gke authors (@rhaii-gke)
version_added: 0.2.0
short_description: Read a template without a copy of every variable
description:
  - Gives out what P(ansible.builtin.template#lookup) gives out, and takes what it takes.
  - That one copies all variables of the run, whatever they hold, for each template. This copy was most of the work of a
    small task.
  - A template that changes what a variable holds, and not only a variable of its own, would change it for the task.
options:
  _terms:
    description: Names of the templates.
    type: list
    elements: str
    required: true
seealso:
  - plugin: ansible.builtin.template
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Apply a route
  rhaii.gke.applyset:
    environment: prod
    manifests: "{{ lookup('rhaii.gke.template', 'route.yml.j2') }}"
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
_raw:
  description: The text of each template.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase


class Shared(dict[str, Any]):
    """Variables of which a deep copy is one of the names alone."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        # ansible-core takes no other type
        return dict(self)


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        plugin: Any = self  # ansible-core's options are untyped
        builtin: Any = lookup_loader.get("ansible.builtin.template", loader=plugin._loader, templar=plugin._templar)
        if builtin is None:
            raise AnsibleLookupError("ansible-core has no lookup ansible.builtin.template.")
        found: list[Any] = builtin.run(terms, variables=Shared(variables or {}), **kwargs)
        return found
