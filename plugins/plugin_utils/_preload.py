# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Loads what the tasks of a run need once, before the first of them.

Each task is a fork of ansible-playbook, and what a fork loads is lost with it. The package of the action plugins, which
ansible-core imports where it reads a task, is the place from which this is done.
"""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

from ansible.plugins.loader import connection_loader, filter_loader, lookup_loader, shell_loader, test_loader
from ansible.template import Templar
from ansible_collections.rhaii.gke.plugins import modules
from ansible_collections.rhaii.gke.plugins.plugin_utils._given import TRUST
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import (
    COLLECTION,
    options,
    prefixes,
    roles,
    simple,
)


def preload() -> None:
    """Fill the caches of the loaders, and of the roles' options; import what the modules are made of."""
    # written as `option` writes its calls: a cache keeps roles() and roles(COLLECTION) apart
    for role in roles(COLLECTION):
        for option in options(role, COLLECTION).values():
            simple(str(option.default))
    prefixes()
    for module in iter_modules(modules.__path__, f"{modules.__name__}."):
        import_module(module.name)
    # a checker of imports has no collections; elsewhere what cannot be loaded says so where it is used
    with suppress(KeyError):
        # finding one filter loads every file of filters, Ansible's own among them
        filter_loader.get("rhaii.gke.given")
        test_loader.get("ansible.builtin.defined")
        connection_loader.get("local", class_only=True)
        shell_loader.get("sh", class_only=True)
        for name in ("given", "gke_token", "kubernetes", "secret_file", "template"):
            lookup_loader.get(f"rhaii.gke.{name}", class_only=True)
        lookup_loader.get("ansible.builtin.template", class_only=True)
        # and Jinja makes its lexer for the first template
        Templar(loader=None).template(TRUST("{{ 1 }}"))
    # Nearly all that is made from here on lives to the end, so that to look through it after every 700 new objects, as
    # Python does, is much work for nothing. Forks inherit this; what one leaves unused in a long wait is still found.
    gc.set_threshold(50_000)
    # Else the collector of each fork would go through all that is loaded by then, and so copy its pages: more work than
    # most tasks are.
    os.register_at_fork(before=gc.freeze)


__all__ = ("preload",)
