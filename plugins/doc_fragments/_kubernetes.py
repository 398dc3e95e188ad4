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
      - Token for the API server.
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
      - Path of a kubeconfig file, for when O(host) is not given.
      - When not given, E(K8S_AUTH_KUBECONFIG) is used, then E(KUBECONFIG), then C(~/.kube/config).
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
requirements:
  - requests
  - PyYAML
"""
