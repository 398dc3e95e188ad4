# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this document fragment is PRIVATE to the collection.

from __future__ import annotations


class ModuleDocFragment:
    # What an environment promises by the guide's criteria.
    DOCUMENTATION = r"""
options:
  services:
    description: Number of replicas by name of the LLMInferenceService.
    type: dict
    required: true
  namespace:
    description: Namespace of the services, the secrets and the network policies.
    type: str
    default: rhaii-inference
  tpu_pool_name:
    description: Name of the TPU pool, which must have a node that is Ready for each replica.
    type: str
    default: tpu-pool
  gateway_name:
    description: Name of the Gateway.
    type: str
    default: inference-gateway
  gateway_namespace:
    description: Namespace of the Gateway and the EnvoyFilters.
    type: str
    default: opendatahub
  deployments:
    description: Deployments that must be available, as namespace/name.
    type: list
    elements: str
    default: []
  envoyfilters:
    description: Names of the EnvoyFilters that there must be.
    type: list
    elements: str
    default: []
  network_policies:
    description: Names of the network policies that there must be.
    type: list
    elements: str
    default: []
"""
