# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM's metrics, by their own names and units: prefix cache figures are tokens, times are seconds."""

from __future__ import annotations

from sandbox.images.prometheus import Histogram, Values, render
from sandbox.images.vllm.scheduler import Work

FIRST_TOKEN = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
BETWEEN_TOKENS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
WHOLE_REQUEST = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0),
    *(960.0, 1920.0, 7680.0),
)
TOKENS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000)


class Metrics:
    """All metrics of one server."""

    def __init__(self, model_name: str, cache: dict[str, str]) -> None:
        labels = {"engine": "0", "model_name": model_name}
        self.running = Values("vllm:num_requests_running", "gauge", "Requests in the running batch.", labels)
        self.waiting = Values("vllm:num_requests_waiting", "gauge", "Requests that wait for a place.", labels)
        self.usage = Values("vllm:kv_cache_usage_perc", "gauge", "Share of the KV cache in use; 1 is all.", labels)
        self.queries = Values(
            "vllm:prefix_cache_queries_total", "counter", "Tokens looked up in the prefix cache.", labels
        )
        self.hits = Values("vllm:prefix_cache_hits_total", "counter", "Tokens found in the prefix cache.", labels)
        self.cached = Values("vllm:prompt_tokens_cached_total", "counter", "Prompt tokens that were cached.", labels)
        self.prompt = Values("vllm:prompt_tokens_total", "counter", "Prompt tokens worked on.", labels)
        self.generation = Values("vllm:generation_tokens_total", "counter", "Tokens generated.", labels)
        self.preemptions = Values("vllm:num_preemptions_total", "counter", "Preemptions.", labels)
        self.success = Values(
            "vllm:request_success_total", "counter", "Requests ended, by reason.", labels, initial=False
        )
        for reason in ("stop", "length", "abort"):
            self.success.add(0, finished_reason=reason)
        self.first_token = Histogram(
            "vllm:time_to_first_token_seconds", "Time to the first token.", FIRST_TOKEN, labels
        )
        self.between = Histogram("vllm:inter_token_latency_seconds", "Time between tokens.", BETWEEN_TOKENS, labels)
        self.whole = Histogram("vllm:e2e_request_latency_seconds", "Time of a whole request.", WHOLE_REQUEST, labels)
        self.queue = Histogram("vllm:request_queue_time_seconds", "Time spent waiting.", WHOLE_REQUEST, labels)
        self.prefill = Histogram("vllm:request_prefill_time_seconds", "Time in prefill.", WHOLE_REQUEST, labels)
        self.decode = Histogram("vllm:request_decode_time_seconds", "Time in decode.", WHOLE_REQUEST, labels)
        self.prompt_sizes = Histogram("vllm:request_prompt_tokens", "Prompt tokens a request.", TOKENS, labels)
        self.answer_sizes = Histogram("vllm:request_generation_tokens", "Tokens of an answer.", TOKENS, labels)
        self.info = Values(
            "vllm:cache_config_info", "gauge", "How the cache is set up.", {**cache, "engine": "0"}, initial=False
        )
        self.info.set(1)

    def load(self, running: int, waiting: int, usage: float) -> None:
        """The present load."""
        self.running.set(running)
        self.waiting.set(waiting)
        self.usage.set(usage)

    def looked_up(self, work: Work) -> None:
        """A sequence was admitted: its prompt has been looked up in the prefix cache."""
        self.queries.add(len(work.prompt))
        self.hits.add(work.cached)
        self.cached.add(work.cached)

    def token(self, work: Work) -> None:
        """A sequence got a token."""
        self.generation.add()
        if work.generated == 1:
            self.prompt.add(len(work.prompt))
            self.first_token.observe((work.first_token_at or 0.0) - work.arrived)

    def finished(self, work: Work) -> None:
        """A sequence got its last token."""
        first, last = work.first_token_at or work.arrived, work.last_token_at or work.arrived
        admitted = work.admitted_at or work.arrived
        self.success.add(finished_reason=work.finish_reason)
        self.whole.observe(last - work.arrived)
        self.queue.observe(max(admitted - work.arrived, 0.0))
        self.prefill.observe(first - admitted)
        self.decode.observe(last - first)
        self.prompt_sizes.observe(len(work.prompt))
        self.answer_sizes.observe(work.generated)
        if work.generated > 1:
            self.between.observe((last - first) / (work.generated - 1), work.generated - 1)

    def aborted(self) -> None:
        """A client went away."""
        self.success.add(finished_reason="abort")

    def page(self) -> str:
        """What /metrics answers."""
        return render(
            [
                *(self.running, self.waiting, self.usage, self.queries, self.hits, self.cached, self.prompt),
                *(self.generation, self.preemptions, self.success, self.first_token, self.between, self.whole),
                *(self.queue, self.prefill, self.decode, self.prompt_sizes, self.answer_sizes, self.info),
            ]
        )
