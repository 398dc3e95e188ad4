# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: gke_token
author: The rhaii.gke authors (@rhaii-gke)
version_added: 0.1.0
short_description: An access token for Google Cloud and the API servers of GKE
description:
  - Gives out an access token of the account that the cloud modules use, for C(api_key) of Kubernetes modules.
  - Meant for C(module_defaults), where it is evaluated for every task. The token is kept in the run's own folder,
    readable by the owner alone, and renewed ten minutes before its end.
  - A task that takes longer than what is left needs O(rhaii.gke.objects_wait_ready#module:token_from) beside it, as
    P(rhaii.gke.kubernetes#lookup) gives it. Modules of other collections cannot renew a token; they have ten minutes at
    least (five where the metadata server of a machine gives out the tokens, which keeps each one that long).
options:
  auth_kind:
    description: How to identify to Google, as in the modules.
    type: str
    choices: [application, serviceaccount, accesstoken]
    default: application
    vars:
      - name: rhaii_auth_kind
    env:
      - name: GCP_AUTH_KIND
  service_account_file:
    description: JSON key file, for O(auth_kind=serviceaccount).
    type: str
    vars:
      - name: rhaii_service_account_file
    env:
      - name: GCP_SERVICE_ACCOUNT_FILE
      - name: GCE_CREDENTIALS_FILE_PATH
  access_token:
    description: OAuth access token, for O(auth_kind=accesstoken).
    type: str
    vars:
      - name: rhaii_access_token
    env:
      - name: GCP_ACCESS_TOKEN
  impersonate_service_account:
    description: Email of a service account to act as; the account that O(auth_kind) names asks for its tokens.
    type: str
    vars:
      - name: rhaii_impersonate_service_account
    env:
      - name: GOOGLE_IMPERSONATE_SERVICE_ACCOUNT
      - name: CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT
  endpoints:
    description: Addresses that stand in for Google's; only V(oauth2) and V(iamcredentials) are used here.
    type: dict
    vars:
      - name: rhaii_google_endpoints
  ca_file:
    description: PEM file with the authorities that sign the token service's certificate.
    type: str
    vars:
      - name: rhaii_google_ca_file
  run_dir:
    description: Folder that keeps the token for the run. Without it every evaluation asks for a new one.
    type: str
    vars:
      - name: cluster_run_dir
"""

EXAMPLES = r"""
- name: Read the nodes
  kubernetes.core.k8s_info:
    kind: Node
    host: "https://{{ cluster_endpoint }}"
    ca_cert: "{{ cluster_ca_file }}"
    api_key: "{{ lookup('rhaii.gke.gke_token') }}"
"""

RETURN = r"""
_raw:
  description: One access token.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.module_utils._kept_token import cached_token
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import without_blank_answers
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._variables import is_given

OPTIONS = (
    "auth_kind",
    "service_account_file",
    "access_token",
    "impersonate_service_account",
    "endpoints",
    "ca_file",
    "run_dir",
)
VARIABLES = tuple("cluster_run_dir" if name == "run_dir" else f"rhaii_{name}" for name in OPTIONS)


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[str]:
        try:
            return [self.token(self.asked_with(variables, **kwargs))]
        except RhaiiError as error:
            raise AnsibleLookupError(str(error)) from error

    @staticmethod
    def token(options: dict[str, Any]) -> str:
        """The one that is kept, or a new one."""
        settings = GoogleSettings.from_params({**options, "project": "", "run_dir": None})
        made = cached_token(
            settings,
            options.get("run_dir"),
            mint=lambda: Connection(settings).kept(),
            now=SystemClock().now(),
        )
        return made.token

    def asked_with(self, variables: Any = None, **kwargs: Any) -> dict[str, Any]:
        """The options that are given, by any of their ways."""
        plugin: Any = self  # ansible-core's options are untyped
        scope = without_blank_answers(variables or {})
        templar = plugin._templar.copy_with_new_env(available_variables=scope)
        # what comes from variables comes as it is written there, with the templates that it is made of
        values = {name: templar.template(scope[name]) for name in VARIABLES if name in scope}
        plugin.set_options(var_options={key: value for key, value in values.items() if is_given(value)}, direct=kwargs)
        options = {name: plain(plugin.get_option(name)) for name in OPTIONS}
        return {name: value for name, value in options.items() if is_given(value)}
