#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: run_stage
short_description: Note where a run is
version_added: 0.2.0
description:
  - Begins a run, with a folder of its own in which its tasks note as they go. Every task of this collection that has a
    variable C(cluster_stage) notes that this stage begins, and every one that changes something that it did.
  - Keeps a record of the environment's last run, so that the run after one that was killed can say where that was, and
    tells what became of the run before, in RV(before).
  - A record is a small file without secrets, readable by its owner alone, one a project and environment. It lives where
    the run lives. A container that is thrown away, as in AWX, takes it along, unless O(folder) is on a volume.
  - A record that cannot be written is a warning and fails no run. Check mode writes none.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
attributes:
  diff_mode:
    description: Keeps a record of the run, which is no change, so that there is no difference to show.
    support: N/A
options:
  verb:
    description: What the run does, as its playbook is called.
    type: str
    required: true
  stage:
    description: Name of the stage that begins. Needed for the first call of a run.
    type: str
  project:
    description: Id of the Google Cloud project. Without it nothing is recorded.
    type: str
    default: ""
  environment:
    description: Name of the environment. Without it nothing is recorded.
    type: str
    default: ""
  folder:
    description:
      - Folder of the records.
      - When not given, C(rhaii.gke) below E(XDG_STATE_HOME), which is C(~/.local/state) where it is not set.
    type: path
  own_folder:
    description: The RV(own_folder) of the run's first call, in all that follow.
    type: path
  own_parent:
    description: Where to make the run's own folder. When not given, where the system keeps temporary files.
    type: path
  proven:
    description: Whether all that the environment promises was proven just now.
    type: bool
    default: false
  ended:
    description: How the run ended, in its last call, which removes its own folder.
    type: str
    choices: [ok, failed]
  forget:
    description: Whether to remove the record, as there is no environment any more.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Begin
  rhaii.gke.run_stage:
    verb: deploy
    stage: preflight
    project: my-project
    environment: prod
  register: run

- name: Create the cluster
  rhaii.gke.gke_cluster:
    name: prod
    location: europe-west4-a
    environment: prod
  vars:
    cluster_run: "{{ run }}"
    cluster_stage: control_plane

- name: End
  rhaii.gke.run_stage:
    verb: deploy
    own_folder: "{{ run.own_folder }}"
    ended: ok
"""

RETURN = r"""
run:
  description: What tells this run from others.
  returned: success
  type: str
  sample: builder-4711-1764500000.000
stage:
  description: The stage that the run is in.
  returned: success
  type: str
  sample: control_plane
marks:
  description: When each stage began, in seconds since 1970.
  returned: success
  type: dict
  sample: {preflight: 1764500000.0}
record:
  description: The file with the record; empty when none was written.
  returned: success
  type: str
  sample: /home/me/.local/state/rhaii.gke/my-project--prod--0a1b2c3d.json
own_folder:
  description: The run's own folder, which nobody but its owner can read.
  returned: success
  type: str
  sample: /tmp/rhaii-k2v9x1ab
unproven:
  description:
    - Whether something may be otherwise than when all was proven last. This run changed something then, or the last run
      that is known did not end well, or changed something and proved nothing.
    - Always so without a record.
  returned: success
  type: bool
  sample: false
before:
  description: The record as it was before this call.
  returned: from a run's first call
  type: dict
  contains:
    fate:
      description:
        - What became of the run that wrote it, V(ok), V(failed), V(killed) or V(running); V(none) without a record.
        - Only a run on this machine is known to be V(running).
      type: str
      sample: killed
    verb:
      description: What it did; null when there is no record, as of all below.
      type: str
      sample: deploy
    stage:
      description: The stage that it was in.
      type: str
      sample: tpu_pool
    began:
      description: When it began, in seconds since 1970.
      type: float
      sample: 1764500000.0
    host:
      description: The machine that it ran on.
      type: str
      sample: builder
    process:
      description: The process of ansible-playbook.
      type: int
      sample: 4711
    run:
      description: What told it from others.
      type: str
      sample: builder-4711-1764500000.000
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._runs.stage import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
