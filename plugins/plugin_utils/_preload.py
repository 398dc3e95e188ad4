# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""Loads the plugins that the roles' templates use once a run.

Each task is a fork of ansible-playbook, and what a fork loads is lost with it. Action plugins are imported before the
fork, so that they are the place from which this is done.
"""

from __future__ import annotations

from contextlib import suppress

from ansible.plugins.loader import filter_loader, lookup_loader, test_loader
from ansible_collections.rhaii.gke.plugins.plugin_utils._role_options import options, roles, simple


def preload() -> None:
    """Fill the caches of the loaders, and of the roles' options."""
    for role in roles():
        for option in options(role).values():
            simple(str(option.default))
    # a checker of imports has no collections; elsewhere what cannot be loaded says so where it is used
    with suppress(KeyError):
        # finding one filter loads every file of filters, Ansible's own among them
        filter_loader.get("rhaii.gke.given")
        test_loader.get("ansible.builtin.defined")
        for name in ("rhaii.gke.given", "rhaii.gke.gke_token", "ansible.builtin.template"):
            lookup_loader.get(name, class_only=True)


__all__ = ("preload",)
