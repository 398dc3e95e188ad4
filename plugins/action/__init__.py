# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported by ansible-core where it reads a task that is routed here, before any fork; a plugin only after one."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.action import capability

__all__ = ("capability",)
