# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""ownership_check: whose everything is that an environment would make or change. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.rhaii.gke.plugins.module_utils._applyset.apply import belongs_to, is_used_as_it_is
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.kubernetes import ports_of
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.members import REFERENCE, ObjectSet
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.objects import Json, Key, key_of, keyed
from ansible_collections.rhaii.gke.plugins.module_utils._applyset.ports import Ports
from ansible_collections.rhaii.gke.plugins.module_utils._argspec import kubernetes_options
from ansible_collections.rhaii.gke.plugins.module_utils._capability import Capability, Params, Progress, Result
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import (
    FIELD_MANAGER,
    FOREIGN,
    OF_CERTIFICATE,
    OF_ENVIRONMENT,
    OURS,
    Whose,
    made_by,
    makers_of,
    of_object,
)

NOT_ADOPTED = "What is there is not adopted. Remove it if it is yours to remove."


@dataclass(frozen=True)
class Product:
    """What a controller makes for an object of ours, and would write over where somebody else made it."""

    key: Key
    maker: Key

    def made(self, live: Json) -> bool:
        annotations = (live.get("metadata") or {}).get("annotations") or {}
        return belongs_to(live, {self.maker}) or annotations.get(OF_CERTIFICATE) == self.maker.name


def ways_on(foreign: Sequence[Key], variables: Mapping[str, str]) -> list[str]:
    """What to do about them: another name where there is one."""
    named = {key: variables.get(f"{key.kind} {key.name}") or variables.get(key.kind) or "" for key in foreign}
    ways = []
    given = list(dict.fromkeys(variable for variable in named.values() if variable))
    if given:
        ways.append(f"Give ours another name with {', '.join(given)}.")
    fixed = [str(key) for key, variable in named.items() if not variable]
    if fixed:
        ways.append(f"The name of {', '.join(fixed)} is fixed, so use a cluster where there is none.")
    return ways


def run(params: Params, ports: Ports, progress: Progress, check_mode: bool) -> Result:
    environment = str(params["environment"])
    judged: dict[Key, Whose | None] = {}
    for key, _manifest in keyed(params["objects"]):
        live = ports.objects.read(key)
        judged[key] = None if live is None else Whose(OURS) if is_old_account(live) else of_object(live, environment)
    for each in params["sets"]:
        of = ObjectSet(**each)
        live = ports.objects.read(of.key)
        judged[of.key] = None if live is None else of.whose(live, environment)
    for product in products_of(params["products"]):
        live = ports.objects.read(product.key)
        if live is not None and not product.made(live):
            judged[product.key] = Whose(FOREIGN, f"{made_by(live)}, where {product.maker} has its own")
    foreign = {
        key: whose
        for key, whose in judged.items()
        if whose is not None and not whose.is_ours and not is_used_as_it_is(key, whose)
    }
    result: Result = {
        "changed": False,
        "objects": [
            {
                **key.public(),
                "whose": "nobody's" if whose is None else whose.verdict,
                "seems": "" if whose is None else whose.seems,
            }
            for key, whose in judged.items()
        ],
        "foreign": [f"{key} {whose.seems}" for key, whose in foreign.items()],
        "ways": ways_on(list(foreign), params["variables"] or {}),
    }
    if foreign and params["fail_on_foreign"]:
        raise RhaiiError(
            f"Not of the environment {environment}, and named as ours would be: {'; '.join(result['foreign'])}. "
            "Nothing was changed.",
            remedy=" ".join([*result["ways"], NOT_ADOPTED]),
            result=result,
        )
    return result


def is_old_account(live: Json) -> bool:
    """Version 0.1.0 made service accounts without a mark; nobody else set a part of those."""
    if live.get("kind") != "ServiceAccount" or makers_of(live) != {FIELD_MANAGER}:
        return False
    return OF_ENVIRONMENT not in (live["metadata"].get("labels") or {})


def products_of(given: Sequence[Json]) -> list[Product]:
    return [
        Product(key, key_of(entry["maker"], f"The maker of {key}"))
        for entry in given
        for key, _manifest in keyed(entry["objects"], "products")
    ]


CAPABILITY = Capability(
    name="ownership_check",
    argument_spec=kubernetes_options(
        environment={"type": "str", "required": True},
        objects={"type": "list", "elements": "dict", "required": True},
        products={
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "maker": {"type": "dict", "required": True},
                "objects": {"type": "list", "elements": "dict", "required": True},
            },
        },
        sets={
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": REFERENCE,
        },
        variables={"type": "dict", "default": {}},
        fail_on_foreign={"type": "bool", "default": True},
    ),
    ports=ports_of,
    run=run,
)

__all__ = ("CAPABILITY", "Product", "is_old_account", "products_of", "run", "ways_on")
