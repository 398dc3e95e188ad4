# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of children, and the presets' templates."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.images.kserve.names import child_name
from sandbox.images.kserve.templating import TemplateError, render

DATA = {
    "ObjectMeta": {"Name": "qwen", "Namespace": "team"},
    "Spec": {"Model": {"Name": "Qwen/Qwen2.5-3B-Instruct"}},
}


def test_short_names_get_their_suffix() -> None:
    assert child_name("qwen-3b-tpu-svc", "-kserve") == "qwen-3b-tpu-svc-kserve"


@pytest.mark.parametrize("suffix", ["-kserve", "-kserve-self-signed-certs", "-a-suffix-of-more-than-31-characters"])
def test_long_names_stay_a_dns_label_and_differ(suffix: str) -> None:
    one, other = child_name("a" * 63, suffix), child_name("a" * 62 + "b", suffix)
    assert len(one) <= 63
    assert one != other
    assert one == child_name("a" * 63, suffix)


def test_longest_name_that_fits_is_not_hashed() -> None:
    assert child_name("a" * 56, "-kserve") == "a" * 56 + "-kserve"
    assert child_name("a" * 57, "-kserve") != "a" * 57 + "-kserve"


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("plain", "plain"),
        ("{{ .ObjectMeta.Namespace }}/{{ .ObjectMeta.Name }}", "team/qwen"),
        ("{{ ChildName .ObjectMeta.Name `-inference-pool` }}", "qwen-inference-pool"),
        ("--name= {{- .Spec.Model.Name -}} ;", "--name=Qwen/Qwen2.5-3B-Instruct;"),
        ('{{ "text" }}', "text"),
    ],
    ids=["none", "fields", "child", "trimmed", "literal"],
)
def test_template_gives(template: str, wanted: str) -> None:
    assert render(template, DATA) == wanted


def test_render_reaches_every_string() -> None:
    value: dict[str, Any] = {"a": [{"b": "{{ .ObjectMeta.Name }}"}, 8000, None, True]}
    assert render(value, DATA) == {"a": [{"b": "qwen"}, 8000, None, True]}


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Spec.Missing }}",
        "{{ Unknown .ObjectMeta.Name }}",
        "{{ }}",
        "{{ ChildName .ObjectMeta.Name }}",
        "{{ a | b }}",
    ],
    ids=["field", "function", "empty", "arguments", "pipeline"],
)
def test_bad_template_is_an_error(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, DATA)
