# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""place_answers in process on the controller; its documentation is the module's."""

from __future__ import annotations

from ansible_collections.rhaii.gke.plugins.module_utils._place_answers import CAPABILITY
from ansible_collections.rhaii.gke.plugins.plugin_utils._edge import CapabilityAction


class ActionModule(CapabilityAction):
    capability = CAPABILITY
