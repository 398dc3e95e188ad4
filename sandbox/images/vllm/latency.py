# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that a step of the engine takes, by the figures of latency.yml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Hardware:
    """One accelerator host."""

    wire_ms: float
    prefill_base_ms: float
    prefill_token_ms: float
    prefill_knee: int
    prefill_more_ms: float
    decode_base_ms: float
    decode_sequence_ms: float
    kv_cache_tokens: int
    block_size: int
    block_by_length: bool
    max_num_seqs: int
    max_num_batched_tokens: int

    @classmethod
    def load(cls, name: str) -> Hardware:
        """The figures of a kind of host."""
        figures = yaml.safe_load((Path(__file__).parent / "latency.yml").read_text(encoding="utf-8"))
        return cls(**figures[name])

    def step_seconds(self, prefill_tokens: int, decoding: int) -> float:
        """One step that works on `prefill_tokens` tokens of prompts and adds one token to `decoding` sequences."""
        base = max(self.prefill_base_ms if prefill_tokens else 0.0, self.decode_base_ms if decoding else 0.0)
        others = self.decode_sequence_ms * max(decoding - 1, 0)
        few = min(prefill_tokens, self.prefill_knee)
        prefill = self.prefill_token_ms * few + self.prefill_more_ms * (prefill_tokens - few)
        return (base + prefill + others) / 1000
