# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`SRC DEST [SRC DEST ...]`: copy each source to its destination, then end."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sandbox.guide_time import seconds
from sandbox.images.container import Container, run
from sandbox.images.hub_client import ClientError, HubError, Repository, download

FRAMES = """\
  File "/storage-initializer/scripts/initializer-entrypoint", line 29, in <module>
    Storage.download_files(src_uri, dest_path)
  File "/prod_venv/lib64/python3.11/site-packages/kserve_storage/kserve_storage.py", line 842, in _download_hf
    snapshot_download(repo_id=repo_id, revision=revision, local_dir=temp_dir, **kwargs)
"""
ENTRYPOINT = "/storage-initializer/scripts/initializer-entrypoint"


def pairs(argv: Sequence[str]) -> list[tuple[str, str]]:
    """The sources and destinations of the command line."""
    words = [word for word in argv if word != ENTRYPOINT]
    if not words or len(words) % 2:
        raise HubError(f"wanted SOURCE DESTINATION (or several pairs of them); found {' '.join(words) or 'nothing'!r}.")
    return list(zip(words[::2], words[1::2], strict=True))


async def main(argv: Sequence[str]) -> int:
    """Copy what the command line names; the exit code."""
    from sandbox.network import sockets

    container = Container.current()
    try:
        wanted = pairs(argv)
        for source, destination in wanted:
            if not source.startswith("hf://"):
                raise HubError(f"{source}: the sandbox has a model hub (hf://OWNER/MODEL) and no other model storage.")
            container.log(f"Copying contents of {source} to {destination}")
            length = seconds("model_download") / len(wanted)
            container.timeline.note("model download", f"{container.namespace}/{container.name}", length)
            await download(
                Repository.parse(source),
                container.root(destination),
                environ=container.environ,
                seconds=length,
                log=container.log,
                connector=sockets.connector(),
            )
            container.log(f"Successfully copied {source} to {destination}")
    except ClientError as error:
        # Python prints what nobody caught
        container.log(f"Traceback (most recent call last):\n{FRAMES}{error}")
        return 1
    except HubError as error:
        container.log(f"Failed to download the model: {error}")
        return 1
    return 0


if __name__ == "__main__":
    run(main(sys.argv[1:]))
