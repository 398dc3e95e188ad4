#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: operator_charts
short_description: Have the operators' charts as folders, and know whether they are the ones that were meant
version_added: 0.2.0
description:
  - Takes each chart from a folder, from a registry or chart archive by Helm, or out of a source archive.
  - The checksum is SHA-256 over all files, sorted by path. Of each it takes the lengths of path and content, the path
    and the content.
  - What was fetched with another checksum than the given one is refused. A folder of your own with another one is used,
    and named in RV(unverified), as is everything of which no checksum is known.
  - What was fetched and has the given checksum is kept, and not fetched again.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
requirements:
  - requests
  - helm, for registries
options:
  charts:
    description: The charts, or folders of definitions.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name, under which its path is returned.
        type: str
        required: true
      chart:
        description: A folder, an C(oci://) reference or the URL of a chart archive. Empty is O(charts[].archive).
        type: str
        default: ""
      version:
        description: Version, for a registry.
        type: str
        default: ""
      archive:
        description: URL of a source archive (C(.tar.gz)) whose files are all in one folder.
        type: str
        default: ""
      folder:
        description: Folder in that archive, below the one that all is in.
        type: str
        default: ""
      sha256:
        description: Its checksum. Empty is not known.
        type: str
        default: ""
  destination:
    description: Folder for what is fetched. Two runs at once need two of them.
    type: path
    required: true
  helm_binary:
    description: Path of helm. Empty is the one on the PATH.
    type: path
    default: ""
  ca_file:
    description: PEM file with the authorities of the mirror. Empty is the system's.
    type: path
    default: ""
seealso:
  - module: kubernetes.core.helm
"""

EXAMPLES = r"""
- name: Fetch the chart of the Istio operator
  rhaii.gke.operator_charts:
    charts:
      - name: sail-operator
        archive: https://github.com/opendatahub-io/rhaii-on-xks/archive/8a30e662b1c4dc93e520de3741f957420108d02c.tar.gz
        folder: charts/sail-operator
        sha256: e72ff23d62b5726209d7fc536e201e4cc5a1360e1134d9e70af5871c8c2b9c68
    destination: ~/.cache/charts
"""

RETURN = r"""
charts:
  description: Each chart.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name.
      type: str
      sample: sail-operator
    path:
      description: Its folder.
      type: str
      sample: /home/me/.cache/charts/sail-operator
    place:
      description: Where it is from, for people.
      type: str
      sample: oci://ghcr.io/opendatahub-io/kserve-rhaii-xks 3.4.0-ea.1+8a30e66
    sha256:
      description: Its checksum as found.
      type: str
      sample: e72ff23d62b5726209d7fc536e201e4cc5a1360e1134d9e70af5871c8c2b9c68
    verified:
      description: Whether that is the given one.
      type: bool
      sample: true
    said:
      description: Why it is not verified.
      type: str
      sample: ""
paths:
  description: The folders by name.
  returned: success
  type: dict
  sample: {sail-operator: /home/me/.cache/charts/sail-operator}
unverified:
  description: A line for each that is not known to be the one that was meant.
  returned: success
  type: list
  elements: str
  sample: []
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._charts.charts import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
