# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image.yml files of the model server, the picker and the storage initializer."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import sandbox.images

FOLDER = Path(sandbox.images.__file__).parent
NAMES = ("vllm", "vllm_cuda", "epp", "storage_initializer")
FIELDS = {"references", "tags", "module", "entrypoint", "cmd", "private", "pull_seconds"}


def images() -> Iterator[dict[str, Any]]:
    for name in NAMES:
        content = yaml.safe_load((FOLDER / name / "image.yml").read_text(encoding="utf-8"))
        yield from content if isinstance(content, list) else [content]


def test_every_image_is_complete_and_names_a_module_that_exists() -> None:
    for image in images():
        assert set(image) == FIELDS
        assert importlib.util.find_spec(f"{image['module']}.__main__") is not None
        assert all("/" in reference and ":" not in reference for reference in image["references"])
        assert all(isinstance(tag, str) for tag in image["tags"])


def test_red_hats_registry_and_no_other_wants_credentials() -> None:
    for image in images():
        for reference in image["references"]:
            assert image["private"] is reference.startswith("registry.redhat.io/")
