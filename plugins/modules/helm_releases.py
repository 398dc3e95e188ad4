#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_releases
short_description: Find out whose Helm releases are, label ours, and repair what was left half-way
version_added: 0.2.0
description:
  - Reads the newest revision of each release. A release with the label C(rhaii.gke/environment) is of the environment
    that it names. One without it, as version 0.1.0 left them, counts as ours when it is of the same chart and has no
    values but those that we set.
  - Fails with all releases that are not of this environment, and with Deployments that run already where a release
    would bring them, before anything is installed.
  - With O(folders) it tells which releases are exactly their chart with O(values) already, so that Helm need not be
    started for them.
  - A Helm that is killed leaves its revision in V(pending-install), V(pending-upgrade) or V(pending-rollback), and
    every Helm after it refuses. With O(repair) such a revision of ours is taken out of Helm's record, so that the next
    upgrade goes on from the one before it, or installs anew. No object of the release goes. A pending release of
    somebody else is named as foreign.
  - Of a release with the label only metadata is read, but for that. Values are never shown.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._kubernetes
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  releases:
    description: The releases.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name.
        type: str
        required: true
      namespace:
        description: Namespace.
        type: str
        required: true
      chart:
        description: Name of its chart.
        type: str
        required: true
      value_keys:
        description: Values that are set when it is installed, by their top key.
        type: list
        elements: str
        default: []
      deployments:
        description: Deployments that it brings up, as namespace/name.
        type: list
        elements: str
        default: []
  folders:
    description: Folders of the charts, by name of the release.
    type: dict
    default: {}
  values:
    description: The values that would be set, for the releases that have O(releases[].value_keys).
    type: dict
    default: {}
  lines:
    description:
      - Lines of charts by name, each with C(built), whether it can be installed from here, C(releases), the names under
        which it is installed, and C(charts), a list of C(name) and C(versions), a pattern such as V(3.4.0-ea.1*).
      - With them the line of the cluster is found, in whatever namespace. One that is not built counts as foreign.
      - Of these releases chart and version are read, and nothing else is used.
    type: dict
    default: {}
  label:
    description: Whether to label our releases that have no label. Helm keeps it from one revision to the next.
    type: bool
    default: false
  repair:
    description: Whether to repair releases of ours that are pending.
    type: bool
    default: false
  pending_timeout:
    description: Age of a pending revision, in seconds, from which its Helm counts as killed. It is waited for.
    type: int
    default: 60
  fail_on_foreign:
    description: Whether to fail when something is not of this environment.
    type: bool
    default: true
seealso:
  - module: rhaii.gke.ownership_check
  - module: kubernetes.core.helm
"""

EXAMPLES = r"""
- name: Refuse a cert-manager that somebody else installed
  rhaii.gke.helm_releases:
    environment: prod
    releases:
      - name: cert-manager-operator
        namespace: cert-manager-operator
        chart: cert-manager-operator
        value_keys: [pullSecret]
        deployments: [cert-manager/cert-manager]
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
releases:
  description: Each release.
  returned: always, but when the cluster does not answer
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
      sample: cert-manager-operator
    namespace:
      description: Namespace.
      type: str
      sample: cert-manager-operator
    status:
      description: Helm's word for its newest revision, or V(absent).
      type: str
      sample: deployed
    whose:
      description: V(ours), V(another environment's), V(foreign) or V(nobody's), which is not there.
      type: str
      sample: ours
current:
  description: Names of our releases that an upgrade from O(folders) with O(values) would leave as they are.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: [cert-manager-operator]
pending:
  description: Names of our releases that were pending, and of which nothing can be told but that.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: []
line:
  description: The line of O(lines) that the cluster has; empty where it has none.
  returned: always, but when the cluster does not answer
  type: str
  sample: ea1
version:
  description: Version of the chart by which the line was found.
  returned: always, but when the cluster does not answer
  type: str
  sample: 3.4.0-ea.1+8a30e66
foreign:
  description: What is not of this environment, for people.
  returned: always, but when the cluster does not answer
  type: list
  elements: str
  sample: []
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._helm_releases import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
