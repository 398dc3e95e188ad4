# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m tests.prove.render``: write the parts of the docs that nobody types.

Fills the blocks of figures from docs/results, and writes the pages that are made from data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.prove.render import cloud_faults, figures, guide_map, troubleshooting, variables, verbs
from tests.prove.render.tree import ROOT, Tree


def documents(root: Path = ROOT) -> list[Path]:
    """The pages for people: README.md and docs."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def rendered(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Every page that has a rendered part, as it must be."""
    docs = root / "docs"
    causes = troubleshooting.rows(docs / "troubleshooting.yml")
    pages = {
        root / "plugins" / "module_utils" / "_cause_sentences.py": troubleshooting.code(causes),
        docs / "cloud-faults.md": cloud_faults.page(docs / "results"),
        docs / "guide-map.md": guide_map.page(guide_map.entries(docs / "guide_map.yml")),
        docs / "troubleshooting.md": troubleshooting.page(causes),
        docs / "variables.md": variables.page(
            variables.variables(docs / "variables.yml"), variables.model_fields(docs / "variables.yml"), Tree(root)
        ),
    }
    yield from pages.items()
    for file in documents(root):
        if file not in pages:
            yield file, figures.fill(verbs.fill(file.read_text(encoding="utf-8"), root), docs / "results")


def stale(root: Path = ROOT) -> list[Path]:
    """The pages that differ from their rendering."""
    return [file for file, text in rendered(root) if not file.exists() or file.read_text(encoding="utf-8") != text]


def main() -> int:
    """Write the pages that differ, and name them."""
    try:
        wanted = dict(rendered())
    except (figures.BlockError, ValueError) as error:
        print(f"render: {error}", file=sys.stderr)
        return 1
    for file in stale():
        file.write_text(wanted[file], encoding="utf-8")
        print(f"render: wrote {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
