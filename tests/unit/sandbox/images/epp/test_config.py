# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EndpointPickerConfig."""

from __future__ import annotations

import pytest

from sandbox.images.epp.config import DEFAULT, ConfigError, load

HEAD = "apiVersion: inference.networking.x-k8s.io/v1alpha1\nkind: EndpointPickerConfig\n"
FULL = (
    HEAD
    + """
plugins:
- type: single-profile-handler
- type: queue-scorer
- type: prefix-cache-scorer
  name: prefix
  parameters: {hashBlockSize: 16, maxPrefixBlocksToMatch: 8, lruCapacityPerServer: 100}
- type: max-score-picker
  parameters: {maxNumOfEndpoints: 2}
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 1}
  - {pluginRef: prefix, weight: 5}
  - {pluginRef: max-score-picker}
"""
)


def test_nothing_is_the_presets_default() -> None:
    assert load("") is DEFAULT
    assert dict(DEFAULT.weights) == {"prefix-cache-scorer": 2.0, "load-aware-scorer": 1.0}
    # left to the generation
    assert DEFAULT.block_characters == 0


def test_weights_and_parameters_are_read() -> None:
    found = load(FULL)
    assert dict(found.weights) == {"queue-scorer": 1.0, "prefix-cache-scorer": 5.0}
    assert (found.block_characters, found.max_blocks, found.lru_blocks, found.endpoints) == (64, 8, 100, 2)


def test_plugins_without_profile_weigh_one_each() -> None:
    found = load(HEAD + "plugins: [{type: queue-scorer}, {type: random-picker}]")
    assert (dict(found.weights), found.picker) == ({"queue-scorer": 1.0}, "random-picker")


def test_newer_group_and_precise_scorer_are_known() -> None:
    text = FULL.replace("inference.networking.x-k8s.io", "llm-d.ai").replace("type: prefix-", "type: precise-prefix-")
    text = text.replace("hashBlockSize: 16", "tokenProcessorConfig: {blockSize: 32}")
    found = load(text)
    assert dict(found.weights) == {"queue-scorer": 1.0, "precise-prefix-cache-scorer": 5.0}
    assert found.block_characters == 128


@pytest.mark.parametrize(
    ("text", "part"),
    [
        pytest.param("a: [", "no YAML", id="no YAML"),
        pytest.param("- 1", "must be an EndpointPickerConfig", id="list"),
        pytest.param("kind: Other\napiVersion: v1", "found Other of v1", id="kind"),
        pytest.param(HEAD + "plugins: [{type: magic-scorer}]", "magic-scorer", id="plugin"),
        pytest.param(
            HEAD + "schedulingProfiles: [{plugins: [{pluginRef: gone}]}]", "'gone' names no plugin", id="reference"
        ),
        pytest.param(HEAD + "schedulingProfiles: [{}, {}]", "one scheduling profile", id="profiles"),
    ],
)
def test_bad_configurations_are_refused(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        load(text)
