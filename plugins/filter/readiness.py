# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters on what kubernetes.core.k8s_info found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.rhaii.gke.plugins.module_utils import _readiness, _recap
from ansible_collections.rhaii.gke.plugins.module_utils._verification import routing
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain


def unavailable_deployments(deployments: Any, wanted: Any) -> list[str]:
    return _readiness.unavailable_deployments(plain(deployments), plain(wanted))


def helm_failures(results: Any) -> list[str]:
    return _readiness.helm_failures(plain(results))


def routing_findings(result: Any, require_affinity: bool = True, require_proof: bool = False) -> list[dict[str, Any]]:
    # the command line gives text
    affinity, proof = boolean(plain(require_affinity)), boolean(plain(require_proof))
    return [asdict(finding) for finding in routing.routing_findings(plain(result), affinity, proof)]


def deploy_recap(story: Any) -> dict[str, Any]:
    return _recap.recap(plain(story))


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "deploy_recap": deploy_recap,
            "helm_failures": helm_failures,
            "routing_findings": routing_findings,
            "unavailable_deployments": unavailable_deployments,
        }
