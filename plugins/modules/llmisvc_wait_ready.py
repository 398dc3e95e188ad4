#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: llmisvc_wait_ready
short_description: Wait until an LLMInferenceService is truly ready
version_added: 0.1.0
description:
  - Watches an LLMInferenceService, its Deployments and its pods until every replica serves and a URL leads to them.
  - The condition C(Ready) alone does not say that. It may speak of an older generation, it tolerates missing replicas,
    and some versions of KServe keep it true while C(PresetsCombined) is false.
  - Where it runs in process, it shows a line whenever something changes, with the stage of each replica.
  - Gives up early on what cannot heal, such as a missing pull secret, a container that crashes again and again, or a
    stopped service, or pods that their nodes refuse one after the other. Pods that wait for nodes are no such case, and
    neither are errors of the API server or of webhooks that pass by themselves.
  - Of a container that ended it reads the last 2000 lines of the log (4 MiB at most), since causes stand far above what
    follows from them, and knows them by the error types of the hub's client, of vLLM, XLA and KServe's storage
    initializer.
  - Returns the same on success and on failure.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._kubernetes
options:
  name:
    description: Name of the LLMInferenceService.
    type: str
    required: true
  namespace:
    description: Its namespace.
    type: str
    default: rhaii-inference
  replicas:
    description:
      - The number of replicas that it is expected to have. When not given, it is whatever the service asks for.
      - A service that asks for another number fails the task (O(fail_fast)) and is never ready.
      - A service that asks for V(0) is only ready when V(0) is given.
    type: int
  require_all_replicas:
    description:
      - Whether all replicas must be ready in their newest form, with none of an older form left.
      - With V(false) the conditions decide, and KServe's tolerate that a quarter of the replicas is missing.
    type: bool
    default: true
  require_url:
    description: Whether the service must have a URL or an address. A service without a route has none.
    type: bool
    default: true
  fail_fast:
    description: Whether to fail as soon as something is in the way that does not heal by itself.
    type: bool
    default: true
  fail_fast_after:
    description:
      - How long such a thing must have been in the way, in seconds, since somebody may be putting it right.
      - Crashes are counted instead (O(crash_limit)).
    type: float
    default: 30.0
  crash_limit:
    description:
      - How often a container may have ended, and be restarted with a growing delay, before that counts as hopeless.
      - The last of these must have happened during the wait, so that a failure that has been put right is no reason.
      - As many pods that their nodes refuse or end one after the other count as hopeless, too, once that has stood for
        O(fail_fast_after).
    type: int
    default: 3
  missing_timeout:
    description:
      - How long the service, or KServe's API, may be missing, in seconds.
      - It is waited for as part of O(wait_timeout), and fails the task even with O(fail_fast=false).
    type: int
    default: 60
  wait:
    description:
      - Whether to wait.
      - With V(false), and in check mode, it looks once, says how things stand, and does not fail when the service is
        not ready.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait, in seconds. A cold start on TPU takes 5 to 10 minutes after the nodes are there.
    type: int
    default: 1800
  wait_interval:
    description:
      - Time between two readings of events and of the logs of servers that start, in seconds.
      - Changes are seen at once, by watch. Where watching is not allowed, it is the time between two looks.
    type: float
    default: 10.0
"""

EXAMPLES = r"""
- name: Wait until all three replicas serve
  rhaii.gke.llmisvc_wait_ready:
    name: qwen-3b-tpu-svc
    replicas: 3
    kubeconfig: ~/.kube/config
  register: service

- name: Say where it serves
  ansible.builtin.debug:
    msg: "{{ service.model_name }} at {{ service.url }}"

- name: See how things stand, whatever it is
  rhaii.gke.llmisvc_wait_ready:
    name: qwen-3b-tpu-svc
    wait: false
  register: service

- name: Wait for a service inside the cluster, on slow storage, and put up with one missing replica
  rhaii.gke.llmisvc_wait_ready:
    name: qwen-3b-tpu-svc
    require_url: false
    require_all_replicas: false
    crash_limit: 6
    wait_timeout: 3600
"""

RETURN = r"""
ready:
  description: Whether the service is ready, by all that was required.
  returned: always
  type: bool
  sample: true
name:
  description: As in O(name).
  returned: always
  type: str
  sample: qwen-3b-tpu-svc
namespace:
  description: As in O(namespace).
  returned: always
  type: str
  sample: rhaii-inference
url:
  description: The address to use; empty when there is none.
  returned: always
  type: str
  sample: http://203.0.113.7/rhaii-inference/qwen-3b-tpu-svc
addresses:
  description: All addresses in the service's status.
  returned: always
  type: list
  elements: str
  sample: [http://203.0.113.7/rhaii-inference/qwen-3b-tpu-svc]
model_name:
  description: The name that requests call the model by, as the service declares it.
  returned: always
  type: str
  sample: Qwen/Qwen2.5-3B-Instruct
generation:
  description: Generation of the service; V(0) when there is no service.
  returned: always
  type: int
  sample: 2
observed_generation:
  description: Generation that its status speaks of; V(0) for none.
  returned: always
  type: int
  sample: 2
conditions:
  description: Conditions of the service.
  returned: always
  type: list
  elements: dict
  sample: [{type: Ready, status: "True", reason: "", message: ""}]
first_problem:
  description:
    - What is in the way, the cause and not what follows from it; null when the service is ready.
    - C(kind) is V(service), V(condition), V(deployment), V(pod), V(url) or V(api), and C(name) the object's or the
      condition's. C(reason) is one word, C(message) and C(remedy) are for people.
    - C(cause) is the id of the cause in docs/troubleshooting.md; empty where only a symptom is known.
    - C(terminal) says whether it does not heal by itself.
  returned: always
  type: dict
  sample:
    kind: pod
    name: qwen-3b-tpu-svc-kserve-7d9f8c-x2x4z
    reason: ImagePullBackOff
    message: >-
      The replica qwen-3b-tpu-svc-kserve-7d9f8c-x2x4z cannot pull its image
      registry.redhat.io/rhaiis/vllm-tpu-rhel9:3.2.5: the pull secret rhaiis-pull-secret does not exist in
      rhaii-inference (401 Unauthorized).
    remedy: Give a pull secret with a login for registry.redhat.io (rhaii_pull_secret_file), and deploy again.
    cause: pull-secret-missing
    terminal: true
replicas:
  description: How many replicas there are to be, are ready, and are in their newest form.
  returned: always
  type: dict
  sample: {desired: 3, ready: 3, updated: 3}
pods:
  description:
    - The pods of the replicas.
    - C(stage) is V(Pending), V(Creating), V(Downloading), V(PodInitializing), V(Starting), V(LoadingWeights),
      V(Compiling), V(AwaitingProbe) or V(Ready); V(Failing) for one in trouble, V(Leaving) for one that shuts down, and
      V(Finished) for one that was evicted or refused by its node.
    - C(message) is the scheduler's reason, the newest known line of the server's log, or the trouble.
  returned: always
  type: list
  elements: dict
  sample:
    - name: qwen-3b-tpu-svc-kserve-7d9f8c-x2x4z
      node: gke-c-tpu-pool-1a2b-0001
      stage: Ready
      ready: true
      restarts: 0
      started: "2026-11-24T12:00:00Z"
      message: ""
events:
  description: The last warnings about the service and what belongs to it, oldest first, at most ten.
  returned: always
  type: list
  elements: dict
  sample:
    - object: Pod/qwen-3b-tpu-svc-kserve-7d9f8c-x2x4z
      reason: FailedScheduling
      message: "0/2 nodes are available: 2 Insufficient google.com/tpu."
      count: 4
      last: "2026-11-24T12:00:00Z"
stages:
  description:
    - Seconds of the wait in each stage. The service is in the stage of its least advanced replica.
    - Beside the stages of pods there are V(Missing) (no service yet), V(NoPod) (fewer pods than replicas), V(Replacing)
      (older replicas are still there) and V(Routing) (all replicas are ready, what leads to them is not).
  returned: always
  type: dict
  sample: {Pending: 181.2, Downloading: 44.9, PodInitializing: 10.1, LoadingWeights: 60.3, Compiling: 150.0, Ready: 0.0}
elapsed:
  description: Seconds of the wait.
  returned: always
  type: float
  sample: 446.5
msg:
  description: How it stands, in words.
  returned: always
  type: str
  sample: >-
    qwen-3b-tpu-svc in rhaii-inference is ready with 3 replicas at
    http://203.0.113.7/rhaii-inference/qwen-3b-tpu-svc.
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.wait import CAPABILITY
from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
