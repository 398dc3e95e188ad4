# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one look at a service works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.control_plane.kube import ApiError
from sandbox.images.certificates import CertificateError
from sandbox.images.kserve import names, readiness
from sandbox.images.kserve.children import ChildError
from sandbox.images.kserve.combining import GlobalConfig
from sandbox.images.kserve.conditions import Conditions
from sandbox.images.kserve.storage import StorageError

Object = dict[str, Any]

PROBLEMS = (ApiError, ChildError, CertificateError, StorageError, ValueError)
"""What may go wrong with a child, and is told in the service's conditions."""
STOPPED = ("Stopped", "Service is stopped")


class ReconcileError(Exception):
    """A look that could not be finished; the condition that says so is set already."""


@dataclass(frozen=True)
class Environment:
    """What the controller's Deployment tells it."""

    system_namespace: str = "opendatahub"
    ca_secret: str = "opendatahub-ca"
    ca_secret_namespace: str = "cert-manager"
    gateway_ca_file: str = "/var/run/secrets/opendatahub/ca.crt"
    speed: float = 60.0


@dataclass
class Look:
    """A service being looked at."""

    service: Object
    config: GlobalConfig
    conditions: Conditions
    spec: Object = field(default_factory=dict)
    status: Object = field(default_factory=dict)
    again: float | None = None
    """In how many seconds to look again, although nothing changes."""

    @property
    def name(self) -> str:
        return str(self.service["metadata"]["name"])

    @property
    def namespace(self) -> str:
        return str(self.service["metadata"]["namespace"])

    @property
    def stopped(self) -> bool:
        return (self.service["metadata"].get("annotations") or {}).get(names.STOP) == "true"

    def note(self, kind: str, verdict: readiness.Verdict) -> None:
        """Set the condition that a child's state makes."""
        if verdict is None:
            self.conditions.true(kind)
        else:
            self.conditions.false(kind, *verdict)
