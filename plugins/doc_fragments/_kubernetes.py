# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this document fragment is PRIVATE to the collection.

from __future__ import annotations


class ModuleDocFragment:
    # Keep in step with module_utils/_argspec.py. Names, aliases and variables are those of kubernetes.core.
    DOCUMENTATION = r"""
options:
  host:
    description:
      - URL of the API server. When not given, it is taken from O(kubeconfig).
      - When not given, E(K8S_AUTH_HOST) is used.
    type: str
  api_key:
    description:
      - Token for the API server. It is used as it is; when it ends, the task fails, unless O(token_from) is given too.
      - When not given, E(K8S_AUTH_API_KEY) is used.
    type: str
  ca_cert:
    description:
      - PEM file with the authority of the API server's certificate.
      - When not given, E(K8S_AUTH_SSL_CA_CERT) is used.
    type: path
    aliases: [ssl_ca_cert]
  kubeconfig:
    description:
      - Path of a kubeconfig file, for when O(host) is not given. Several with a colon between them are read as one, as
        C(kubectl) does it; those that are not there are left out.
      - When not given, E(K8S_AUTH_KUBECONFIG) is used, then E(KUBECONFIG), then C(~/.kube/config). In a pod that has
        none of them it is the token of the pod's account.
      - Users may have C(token), C(tokenFile), C(exec), client certificates, a name and password, and C(as) with its
        like. What C(exec) and C(tokenFile) give is fetched again before it ends, and after a refusal. C(auth-provider)
        needs the Python package C(kubernetes), which knows C(gcp) and C(oidc).
    type: path
  context:
    description:
      - Context of the kubeconfig, when not its current one.
      - When not given, E(K8S_AUTH_CONTEXT) is used.
    type: str
  validate_certs:
    description:
      - Whether to check the API server's certificate.
      - When not given, E(K8S_AUTH_VERIFY_SSL) is used.
    type: bool
    default: true
    aliases: [verify_ssl]
  token_from:
    description:
      - How to get a token of Google for the API server of a GKE cluster, where O(api_key) is not given, ends, or is
        refused, so that a task may take longer than a token lives.
      - The lookup P(rhaii.gke.kubernetes#lookup) gives it together with O(api_key).
      - Only used with O(host).
    type: dict
    suboptions:
      auth_kind:
        description: How to identify to Google, as in the modules for Google Cloud.
        type: str
        choices: [application, serviceaccount, accesstoken]
        default: application
      service_account_file:
        description: JSON key file, for V(serviceaccount).
        type: path
      access_token:
        description: OAuth access token, for V(accesstoken). It cannot be renewed.
        type: str
      impersonate_service_account:
        description: Email of a service account to act as.
        type: str
      endpoints:
        description: Addresses that stand in for Google's.
        type: dict
        suboptions:
          iamcredentials:
            description: Base URL of the Service Account Credentials API.
            type: str
          oauth2:
            description: Base URL of the token service.
            type: str
      ca_file:
        description: PEM file with the authorities that sign the endpoints' certificates.
        type: path
requirements:
  - google-auth (for O(token_from))
  - requests
  - PyYAML
"""
