#!/usr/bin/python

# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cache_routing_test
short_description: Test health, prefix-aware routing and throughput of an inference endpoint
version_added: 0.1.0
description:
  - Asks for health, the models and one completion; proves that requests with the same prefix come to the replica that
    has it cached; and measures throughput and latency.
  - The proof sends prefixes that no cache can hold, and judges the second request of each. By chance it comes to the
    replica of the first once in as many times as there are replicas, so that the verdict has a probability. When the
    first prefixes leave it open, more are added one by one, each asked twice, until there are 57.
  - Each verdict has its error, which is counted out for 2 to 16 replicas and every course that a run can take. A route
    that is blind to the prompt, whether it is random, in turn, to the least busy or always to the same replica, is
    called V(affine) in 5 percent of the runs at most. A healthy route, which sends at least 0.6 of the second requests
    to the replica of the first, is called V(blind) in 1 percent of the runs at most. From 3 replicas and a share of 0.8
    on it is V(affine) within 60 requests in more than 99 of 100 runs. With two replicas a random route and a share of
    0.6 can hardly be told apart; then the verdict is V(unknown), which fails nothing unless O(require_proof).
  - Latency decides nothing. After a few requests every replica has a repeated prompt, so that speed proves no routing.
  - With access to Kubernetes the replica of each request is read from the replicas' own counters, through the API
    server. A response header that names the replica is used where there is one. Without either, cached tokens alone
    decide.
  - With O(served_names) it also tests, on each path at the gateway that leads to one of these services, that the
    service's own endpoint picker is asked. It counts the picker's answers to the gateway before and after. The count is
    a statistic of the gateway's Envoy, which V(deploy.yml) has it keep, and is read through the API server.
  - Requests are sent as they are, without a proxy of the environment.
author: The rhaii.gke authors (@rhaii-gke)
extends_documentation_fragment:
  - rhaii.gke._attributes
  - rhaii.gke._attributes.read_only
  - rhaii.gke._kubernetes
attributes:
  check_mode:
    description: Changes nothing in any mode. In check mode only health is looked at, and the verdict is V(unknown).
    support: full
options:
  url:
    description:
      - The endpoint, with the path that comes before C(/v1).
      - When not given, Kubernetes is asked. It is the root of the gateway when that leads to this service, else the URL
        in the status of the LLMInferenceService.
      - When given, Kubernetes is asked for the replicas only, and only when O(host), O(kubeconfig) or O(context) is
        given.
    type: str
  name:
    description: Name of the LLMInferenceService.
    type: str
    default: qwen-3b-tpu-svc
  namespace:
    description: Namespace of the LLMInferenceService.
    type: str
    default: rhaii-inference
  gateway_name:
    description: Name of the gateway.
    type: str
    default: inference-gateway
  gateway_namespace:
    description: Namespace of the gateway.
    type: str
    default: opendatahub
  model:
    description: The model to ask for. When not given, the first one that the endpoint lists.
    type: str
  served_names:
    description:
      - Names of LLMInferenceServices in O(namespace), each with the name that its model answers to.
      - Each path of theirs is tested, also where it takes a header. Without any, no path is.
    type: dict
    default: {}
    version_added: 0.2.0
  prompt:
    description:
      - Text of the prefixes, in place of random words. A salt goes before it, and a question follows.
      - It must fill a block of the cache (128 tokens on TPU), or nothing can be found cached.
    type: str
  requests:
    description: Requests of the proof, sent one after the other and spread over the prefixes. They become more, 120 at
      most by default, where the verdict needs them.
    type: int
    default: 10
  prefixes:
    description:
      - How many new prefixes the proof begins with. Each is asked twice at least, so that there are no more than half
        of O(requests). Each is followed by a request with a prefix that is used only once, as a control.
    type: int
    default: 5
  prefix_tokens:
    description: Length of a prefix in tokens, about. The first completion shows how many tokens a word has.
    type: int
    default: 400
  interval:
    description: Pause before a prefix is asked again, in seconds, for endpoint pickers that learn of cached blocks by
      events.
    type: float
    default: 0.1
  concurrent:
    description: Connections of the throughput test, each of which sends its next request when it has an answer.
    type: int
    default: 5
    aliases: [concurrency]
  parallel_requests:
    description: Requests of the throughput test. With V(0) there is none.
    type: int
    default: 100
  max_tokens:
    description: Tokens of an answer, at most.
    type: int
    default: 10
  replicas:
    description:
      - How many replicas serve. When not given, the ready pods are counted, or the names in response headers; without
        either, two are assumed, with which affinity is hardest to tell from chance.
    type: int
  require_affinity:
    description: Whether to fail when the verdict is V(blind), or a path of O(served_names) asks no endpoint picker.
      V(unhealthy) fails in any case.
    type: bool
    default: true
  require_proof:
    description: Whether to fail when the verdict is V(unknown), too. Check mode, which asks for health alone, does not.
    type: bool
    default: false
    version_added: 0.2.0
  min_hit_ratio:
    description: Fails when RV(hit_ratio) is smaller, or is not known. With V(0) it is reported only.
    type: float
    default: 0.0
  seed:
    description: Makes the random words and the resampling reproducible.
    type: int
    default: 0
  salted:
    description:
      - Whether a salt that no run had before makes the prompts new.
      - With V(false) the prompts depend on O(seed) alone. A second run finds them cached then, and says so, unless the
        caches were reset.
    type: bool
    default: true
  headers:
    description: Headers to send with each request, such as one that selects a model. They are shown; a token belongs
      into O(bearer_token).
    type: dict
  bearer_token:
    description: Token for the endpoint, when it wants one.
    type: str
  endpoint_ca_file:
    description: PEM file with the authority of the endpoint's certificate, for an https O(url). When not given, the
      system's.
    type: path
  validate_endpoint:
    description: Whether to check the endpoint's certificate.
    type: bool
    default: true
  request_timeout:
    description: How long one request may take, in seconds.
    type: int
    default: 60
seealso:
  - name: vLLM, automatic prefix caching
    description: What a cached block is.
    link: https://docs.vllm.ai/en/latest/features/automatic_prefix_caching.html
"""

EXAMPLES = r"""
- name: Test the guide's service, as seen from the cluster
  rhaii.gke.cache_routing_test:
    kubeconfig: ~/.kube/config
  register: routing

- name: Test an endpoint of which nothing else is known
  rhaii.gke.cache_routing_test:
    url: http://203.0.113.7
    requests: 20
    concurrent: 10
    require_affinity: false

- name: Insist on what the cache should find
  rhaii.gke.cache_routing_test:
    url: https://models.example.com/rhaii-inference/qwen-3b-tpu-svc
    endpoint_ca_file: /etc/pki/models-ca.pem
    replicas: 3
    requests: 30
    min_hit_ratio: 0.8
"""

RETURN = r"""
url:
  description: The endpoint that was tested; empty when none was found.
  returned: always
  type: str
  sample: http://203.0.113.7
url_source:
  description: Where the URL comes from, V(option), V(gateway) or V(service).
  returned: always
  type: str
  sample: gateway
model:
  description: The model that was asked for.
  returned: always
  type: str
  sample: Qwen/Qwen2.5-3B-Instruct
health:
  description: The checks V(health), V(models) and V(completion).
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: Which check.
      type: str
      sample: health
    path:
      description: The path that answered. The first one tried for V(health) is C(/v1/health), then C(/health).
      type: str
      sample: /v1/health
    status:
      description: HTTP status, null when no answer came.
      type: int
      sample: 200
    ms:
      description: Time of the answer in milliseconds.
      type: float
      sample: 3.2
    ok:
      description: Whether it is as it should be.
      type: bool
      sample: true
    detail:
      description: What is wrong, or worth knowing.
      type: str
      sample: ""
verdict:
  description:
    - V(affine) when routing follows the prefix and finds it cached.
    - V(blind) when requests come to replicas whatever their prompt, because the endpoint picker is not in the path.
    - V(no_cache) when routing follows the prefix, or has nothing to choose, but nothing is found cached.
    - V(unhealthy) when the endpoint does not serve.
    - V(unknown) when there is too little to see, or what was seen fits a blind route and a healthy one.
  returned: always
  type: str
  sample: affine
remedy:
  description: What to do about the verdict; empty for V(affine).
  returned: always
  type: str
  sample: ""
cause:
  description:
    - Id of the cause in docs/troubleshooting.md, of the verdict or of a path that is not as it should be.
    - Empty when all is right.
  returned: always
  type: str
  sample: ""
affinity:
  description: Share of the requests of a prefix that came to its modal replica. Null when the replicas cannot be told
    apart.
  returned: always
  type: float
  sample: 1.0
affinity_by_chance:
  description: What RV(affinity) would be with random routing. It is well above one in as many as there are replicas,
    since the modal replica is the luckiest one.
  returned: always
  type: float
  sample: 0.6667
hit_ratio:
  description: Share of the prompt tokens of all repeated requests that was found cached. Null when not known.
  returned: always
  type: float
  sample: 0.93
cached_tokens:
  description: Tokens that the repeated requests found cached, in sum. Null when not known.
  returned: always
  type: int
  sample: 1920
prompt_tokens:
  description: Prompt tokens of the same requests, in sum.
  returned: always
  type: int
  sample: 2065
p_value:
  description: Probability that as many second requests come to the replica of the first when routing is random.
  returned: always
  type: float
  sample: 0.004115
second_requests:
  description: The second requests of each prefix, which decide.
  returned: always
  type: dict
  contains:
    judged:
      description: How many could be judged.
      type: int
      sample: 5
    same_replica:
      description: How many came to the replica of the first.
      type: int
      sample: 5
    hits:
      description: How many found the prefix cached.
      type: int
      sample: 5
replica_count:
  description: How many replicas there are, null when not known.
  returned: always
  type: int
  sample: 3
replicas:
  description: Requests of the proof by replica.
  returned: always
  type: dict
  sample: {qwen-3b-tpu-svc-kserve-7d9f-x2x4z: 6, qwen-3b-tpu-svc-kserve-7d9f-bq8mw: 9}
replica_view:
  description: How the replicas were told apart.
  returned: always
  type: dict
  contains:
    source:
      description: V(metrics), V(header) or V(none).
      type: str
      sample: metrics
    reason:
      description: Why the replicas' counters were not read; empty when they were.
      type: str
      sample: ""
    foreign_requests:
      description: Requests of others that the replicas served meanwhile.
      type: int
      sample: 0
prefixes:
  description: One entry a prefix; its lists have one element a request.
  returned: always
  type: list
  elements: dict
  contains:
    prefix:
      description: Number of the prefix.
      type: int
      sample: 1
    requests:
      description: How often it was asked.
      type: int
      sample: 2
    errors:
      description: How many requests failed.
      type: int
      sample: 0
    prompt_tokens:
      description: Length of its prompts.
      type: int
      sample: 413
    cached_tokens:
      description: What each request found cached.
      type: list
      elements: int
      sample: [0, 384]
    replicas:
      description: Which replica served each request.
      type: list
      elements: str
      sample: [qwen-3b-tpu-svc-kserve-7d9f-x2x4z, qwen-3b-tpu-svc-kserve-7d9f-x2x4z]
    affinity:
      description: Share of the requests at the modal replica.
      type: float
      sample: 1.0
    ms:
      description: Time of each request in milliseconds.
      type: list
      elements: float
      sample: [441.0, 404.2]
control:
  description: Requests with prefixes that were used only once.
  returned: always
  type: dict
  contains:
    requests:
      description: How many there were.
      type: int
      sample: 5
    cached_tokens:
      description: The most that one of them found cached.
      type: int
      sample: 0
    cold:
      description: Whether all of them found nothing, null when not known.
      type: bool
      sample: true
latency:
  description: Latency of new and repeated prefixes, V(first_token) and V(whole) answers. It corroborates and decides
    nothing.
  returned: always
  type: dict
  contains:
    first_token:
      description: Until the first token of an answer.
      type: dict
      contains: &comparison
        prefixes:
          description: How many prefixes are compared.
          type: int
          sample: 5
        cold_ms:
          description: Median for new prefixes.
          type: float
          sample: 221.5
        warm_ms:
          description: Median for repeated ones.
          type: float
          sample: 112.3
        ratio:
          description: Median over the prefixes of warm over cold.
          type: float
          sample: 0.507
        ratio_low:
          description: Lower end of its 95 percent bootstrap interval, which resamples prefixes.
          type: float
          sample: 0.498
        ratio_high:
          description: Upper end of it.
          type: float
          sample: 0.519
        supported:
          description: Whether there are enough prefixes for an interval (5).
          type: bool
          sample: true
        p_value:
          description: Mann and Whitney's exact one-sided probability that repeated prefixes are no faster.
          type: float
          sample: 0.00397
    whole:
      description: Until the end of an answer.
      type: dict
      contains: *comparison
serial:
  description: The requests of the proof, without controls and additions. The rate leaves out the pauses between them.
  returned: always
  type: dict
  contains: &throughput
    requests:
      description: Requests that were sent.
      type: int
      sample: 100
    errors:
      description: How many of them failed.
      type: int
      sample: 0
    error_texts:
      description: The first three different errors.
      type: list
      elements: str
      sample: []
    requests_per_second:
      description: Successful requests a second.
      type: float
      sample: 10.7
    p50_ms:
      description: Median latency by nearest rank.
      type: float
      sample: 442.0
    p95_ms:
      description: 95th percentile.
      type: float
      sample: 489.1
    p99_ms:
      description: 99th percentile.
      type: float
      sample: 502.7
    confidence:
      description: For V(p50), V(p95) and V(p99) the distribution-free 95 percent interval. It is not V(supported) by
        fewer than 6, 72 and 368 requests.
      type: dict
      sample:
        p50: {supported: true, low_ms: 438.2, high_ms: 447.9}
        p95: {supported: true, low_ms: 470.1, high_ms: 502.7}
        p99: {supported: false, low_ms: null, high_ms: null}
parallel:
  description:
    - The throughput test. It asks the prefixes of the proof in turn.
    - Beside the keys of RV(serial) it has C(concurrent), C(hit_ratio) and C(replicas) (requests by replica).
  returned: always
  type: dict
  contains: *throughput
asked:
  description: One entry a path that leads to a service of O(served_names). A service without any has one with an empty
    path.
  returned: always
  type: list
  elements: dict
  contains:
    service:
      description: Name of the service.
      type: str
      sample: qwen-3b-tpu-svc
    path:
      description: The path at the gateway.
      type: str
      sample: /v1/completions
    headers:
      description: Headers that select the service there.
      type: dict
      sample: {}
    picker:
      description: The service's endpoint picker, as the gateway's Envoy calls it.
      type: str
      sample: outbound|9002||qwen-3b-tpu-svc-epp-service.rhaii-inference.svc.cluster.local
    verdict:
      description:
        - V(asked) when the picker answered once for each request.
        - V(not_asked) when it answered less often, so that requests were routed without it.
        - V(failed) when a request failed, or nothing leads there.
        - V(unknown) when its answers could not be counted.
      type: str
      sample: asked
    requests:
      description: Requests that were sent there.
      type: int
      sample: 2
    answers:
      description: How often the picker answered, null when that could not be counted.
      type: int
      sample: 2
    reason:
      description: Why it failed, or is unknown; else empty.
      type: str
      sample: ""
client:
  description: Whether this client kept up during the throughput test.
  returned: always
  type: dict
  contains:
    loop_lag_ms:
      description: How late it came back to its connections, 99th percentile.
      type: float
      sample: 0.41
    cpu_share:
      description: Share of one processor that it used.
      type: float
      sample: 0.03
    void:
      description: Whether it was so slow that the figures do not count.
      type: bool
      sample: false
seed:
  description: As in O(seed).
  returned: always
  type: int
  sample: 0
salt:
  description: What made the prompts new; empty when not O(salted).
  returned: always
  type: str
  sample: 8f3a1c2d9b7e6f50
elapsed:
  description: Seconds that the test took.
  returned: always
  type: float
  sample: 17.4
msg:
  description: The verdict and the figures, in words.
  returned: always
  type: str
  sample: >-
    Routing follows the prefix: 5 of 5 second requests came to the replica of the first, where chance among 3 replicas
    gives 1.7 (p = 0.0041), and 5 of 5 repeated requests found their prefix cached. One after the other: 2.3 requests a
    second, P50 421 ms. 5 at a time: 10.7 requests a second, P50 442 ms.
"""


from typing import NoReturn

from ansible_collections.rhaii.gke.plugins.module_utils._module import run_module
from ansible_collections.rhaii.gke.plugins.module_utils._routing.check import CAPABILITY


def main() -> NoReturn:
    run_module(CAPABILITY)


if __name__ == "__main__":
    main()
