#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: applyset
short_description: Apply objects of an environment, and touch nothing that is not its own
version_added: 0.2.0
description:
  - Applies Kubernetes objects by the server, and marks them as those of O(environment).
  - All are looked at before the first is changed. Where one of them exists and is not of this environment, the task
    fails with its name and whose it seems to be, and nothing is changed.
  - Then the API server tries all of them, with strict validation and without a change. Fields that it does not know or
    take are named all at once, each with its object and, for O(manifests), its line. Nothing is changed then either.
    An object to which nothing would happen is not sent once more.
  - What cannot be tried yet, because O(objects) bring its namespace or because its kind or a webhook is not up, is
    validated when it is applied.
  - Of an LLMInferenceService zeros are refused that KServe takes away again, as C(initialDelaySeconds) of V(0).
  - An object is of the environment when it carries the label C(rhaii.gke/environment) with its name and the annotation
    C(rhaii.gke/created), and the API server recorded that C(rhaii.gke) put it there. An object with the label alone, as
    version 0.1.0 made them, counts when nobody else set a part of it.
  - A Namespace that somebody else made is used as it is. It gets no mark and stays at O(state=absent).
  - What a person set on an object of ours, with kubectl or the like, is taken back. What a deployment tool or a
    controller sets is not fought over. The task fails with object, field and manager.
  - The data of a Secret stands in no result and in no diff.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._kubernetes
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  objects:
    description:
      - The objects, as Kubernetes has them. For O(state=absent) kind, name and namespace are enough.
      - They are applied in the order in which kinds need each other, and deleted in the opposite one.
      - Either these or O(manifests). With O(set) and O(state=absent) neither is needed.
    type: list
    elements: dict
  manifests:
    description:
      - The objects as YAML text, with a line of C(---) between two.
      - A refusal then names the line in it.
    type: str
    version_added: 0.2.0
  definitions:
    description:
      - Files with CustomResourceDefinitions, which are applied before O(objects). Of a definition that is in several
        files the first one counts.
      - One that somebody else made is left as it is. What Helm made out of a chart's folder C(crds) is taken over,
        since Helm never upgrades that.
      - They stay at O(state=absent), since with a definition everything of its kind is deleted.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: A YAML file, or a folder of them.
        type: path
        required: true
      unless:
        description: Name of a definition. Where somebody else made it, none of O(definitions[].path) are applied.
        type: str
        default: ""
  state:
    description:
      - With V(present) the objects are applied.
      - With V(absent) those that are of this environment are deleted and awaited until they are gone. All others are
        left, and named in RV(left).
    type: str
    choices: [present, absent]
    default: present
  set:
    description:
      - The set that the objects are. What was in it at the last run and is not given now is deleted, and awaited until
        it is gone with all that it owns. With O(state=absent) all of it goes.
      - A set is what Kubernetes calls an ApplySet (KEP-3659). A ConfigMap is its parent, and each member carries the
        label C(applyset.kubernetes.io/part-of). The members may be in other namespaces, or in none.
      - Only what is of this environment is ever deleted. What carries the label and is not is left, and named in
        RV(left). A parent that is not of this environment, or that another tool keeps, fails the task.
      - A Namespace or a CustomResourceDefinition among the objects is no member, since with it more would go than the
        set.
    type: dict
    version_added: 0.2.0
    suboptions:
      name:
        description: Name of the ConfigMap.
        type: str
        required: true
      namespace:
        description: Its namespace, which must be there.
        type: str
        required: true
  prune:
    description:
      - Whether what O(set) has no more is deleted. With V(false) it stays a member, is named in RV(left), and goes with
        the next task that prunes.
    type: bool
    default: true
    version_added: 0.2.0
  not_members:
    description: Kinds that are applied with the others and are no members, so that they stay when O(set) goes.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  former_members:
    description:
      - Objects that were made when there was no O(set) yet. Where they are of this environment, and not among
        O(objects), they are treated as members. Kind, name and namespace are enough.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
  dependents:
    description:
      - Objects that go with one of O(objects) because it owns them, as the Service of a Gateway. They are awaited too.
      - For O(state=absent), and for what O(set) has no more. What belongs to somebody else is not awaited.
    type: list
    elements: dict
    default: []
  wait_timeout:
    description:
      - Seconds to wait for a kind that the API server does not know yet, for a webhook that is not up yet, or until
        what is deleted is gone.
    type: int
    default: 60
  wait_interval:
    description: Seconds between two looks.
    type: float
    default: 5.0
seealso:
  - module: rhaii.gke.ownership_check
  - module: rhaii.gke.pull_access
"""

EXAMPLES = r"""
- name: Apply a route
  rhaii.gke.applyset:
    environment: prod
    manifests: "{{ lookup('ansible.builtin.template', 'route.yml.j2') }}"
    kubeconfig: ~/.kube/config

- name: Upgrade the kinds that a chart needs
  rhaii.gke.applyset:
    environment: prod
    objects: []
    definitions:
      - path: charts/gateway-api
        unless: gateways.gateway.networking.k8s.io
      - path: charts/kserve/crds
    kubeconfig: ~/.kube/config

- name: Apply the policies, and delete those that were among them and are no more
  rhaii.gke.applyset:
    environment: prod
    manifests: "{{ lookup('ansible.builtin.template', 'policies.yml.j2') }}"
    set:
      name: policies
      namespace: rhaii-inference
    kubeconfig: ~/.kube/config

- name: Delete all of them
  rhaii.gke.applyset:
    environment: prod
    set:
      name: policies
      namespace: rhaii-inference
    state: absent
    kubeconfig: ~/.kube/config

- name: Delete the gateway, and wait until the cloud's load balancer can go
  rhaii.gke.applyset:
    environment: prod
    state: absent
    objects:
      - apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata:
          name: inference-gateway
          namespace: opendatahub
    dependents:
      - apiVersion: v1
        kind: Service
        metadata:
          name: inference-gateway-istio
          namespace: opendatahub
    wait_timeout: 900
    kubeconfig: ~/.kube/config
"""

RETURN = r"""
objects:
  description: What became of each object, in the order of the work.
  returned: always
  type: list
  elements: dict
  contains:
    api_version:
      description: Its API version.
      type: str
      sample: gateway.networking.k8s.io/v1
    kind:
      description: Its kind.
      type: str
      sample: Gateway
    name:
      description: Its name.
      type: str
      sample: inference-gateway
    namespace:
      description: Its namespace; empty for what has none.
      type: str
      sample: opendatahub
    action:
      description:
        - V(created), V(changed), V(unchanged), V(deleted), V(absent) or V(left).
        - In check mode what would become of it.
      type: str
      sample: unchanged
    why:
      description: Why it was left, or why check mode could not ask.
      type: str
      sample: ""
definitions:
  description: Names of O(definitions) by what became of them, or would in check mode.
  returned: always
  type: dict
  sample: {created: [], changed: [], unchanged: [llminferenceservices.serving.kserve.io], left: []}
deleted:
  description: The objects that were deleted, or would be in check mode, for people.
  returned: always
  type: list
  elements: str
  sample: [Gateway opendatahub/inference-gateway]
left:
  description: The objects that were left because they are not of this environment, each with whose it seems to be.
  returned: always
  type: list
  elements: str
  sample: [HTTPRoute rhaii-inference/guide-paths seems to be made with kubectl apply]
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
