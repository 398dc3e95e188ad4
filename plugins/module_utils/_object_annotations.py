# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""object_annotations: annotations on objects that controllers of others made, and nothing else of them changed."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import ports_of
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import REFERENCE, Json, Key, key_of_reference
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options, wait_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._clock import Deadline, in_words
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError


def missing(live: Json, annotations: dict[str, str]) -> dict[str, str]:
    """Those that it does not have, or has another value of."""
    present = (live.get("metadata") or {}).get("annotations") or {}
    return {name: value for name, value in annotations.items() if present.get(name) != value}


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    annotations = {str(name): str(value) for name, value in params["annotations"].items()}
    deadline = Deadline(ports.clock, params["wait_timeout"])
    done: list[Json] = []
    for given in params["objects"]:
        key = key_of_reference(given)
        live = _awaited(key, ports, deadline, float(params["wait_interval"]), progress, check_mode)
        lacks = annotations if live is None else missing(live, annotations)
        if lacks and live is not None and not check_mode:
            # by its uid, so that an object that has gone is not made by this
            only = {"name": key.name, "uid": live["metadata"]["uid"], "annotations": lacks}
            only |= {"namespace": key.namespace} if key.namespace else {}
            manifest = {"apiVersion": key.api_version, "kind": key.kind, "metadata": only}
            ports.objects.apply(key, manifest, force=True, dry_run=False)
            progress(f"{key}: annotated with {', '.join(lacks)}")
        done.append({**key.public(), "action": "changed" if lacks else "unchanged"})
    return {"changed": any(each["action"] == "changed" for each in done), "objects": done}


def _awaited(
    key: Key, ports: Ports, deadline: Deadline, interval: float, progress: Progress, check_mode: bool
) -> Json | None:
    said = False
    while True:
        live = ports.objects.read(key)
        if live is not None or check_mode:
            return live
        if deadline.passed:
            raise RhaiiError(
                f"There is no {key} after {in_words(deadline.timeout)}, so it cannot be annotated.",
                remedy="See whether the operator that makes it is up, and run the same again.",
            )
        if not said:
            progress(f"{key}: waiting until it is there")
            said = True
        deadline.pause(interval)


CAPABILITY = Capability(
    name="object_annotations",
    argument_spec=kubernetes_options(
        objects={"type": "list", "elements": "dict", "required": True, "options": REFERENCE},
        annotations={"type": "dict", "required": True},
        **{name: spec for name, spec in wait_options(120, 5.0).items() if name != "wait"},
    ),
    ports=ports_of,
    run=run,
)

__all__ = ("CAPABILITY", "missing", "run")
