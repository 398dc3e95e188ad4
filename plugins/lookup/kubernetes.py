# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: kubernetes
author: The rhaii.gke authors (@rhaii-gke)
version_added: 0.2.0
short_description: How a role reaches the cluster
description:
  - Gives out the options by which the modules of a role reach the API server, for C(module_defaults), where they are
    evaluated for every task.
  - That is what the role's own variable says, as C(operators_kubernetes). Where it is not given it is the cluster that
    C(look) of the role C(cluster) found, with a token that is renewed in time, as P(rhaii.gke.gke_token#lookup) has it,
    and with what the modules of this collection need to renew it themselves while they run.
  - Without either it says what to give. A cluster that is in a kubeconfig of the user by chance is never taken.
options:
  _terms:
    description:
      - Name of the role's variable, a dictionary of C(host), C(ca_cert) and C(api_key), or of C(kubeconfig) and
        C(context). C(validate_certs) may be added.
    type: list
    elements: str
    required: true
  renewing:
    description:
      - Whether to give C(token_from), with which a module renews its token.
      - Only the modules of this collection have that option. For others set it to V(false).
    type: bool
    default: true
seealso:
  - plugin: rhaii.gke.gke_token
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Read the nodes
  rhaii.gke.objects_info:
    api_version: v1
    kind: Node
  module_defaults:
    group/rhaii.gke.kubernetes: "{{ lookup('rhaii.gke.kubernetes', 'operators_kubernetes') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary of options.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import given
from ansible_collections.rhaii.gke.plugins.plugin_utils._kubernetes_connection import connection


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        plugin: Any = self  # ansible-core's options are untyped
        scope = variables or {}

        plugin.set_options(direct=kwargs)
        renewing = plugin.get_option("renewing")

        def token() -> tuple[str, dict[str, Any]]:
            asked: Any = lookup_loader.get("rhaii.gke.gke_token", loader=plugin._loader, templar=plugin._templar)
            options = asked.asked_with(variables)
            return asked.token(options), options if renewing else {}

        try:
            return [
                connection(
                    str(name),
                    given(str(name), plugin._templar, scope) or {},
                    {each: str(plugin._templar.template(scope.get(each, ""))) for each in FOUND},
                    token,
                )
                for name in terms
            ]
        except RhaiiError as error:
            raise AnsibleLookupError(str(error)) from error


# what `look` of the role cluster remembers
FOUND = ("cluster_endpoint", "cluster_ca_file")
