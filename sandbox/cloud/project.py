# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project: its places, limits, services and accounts, and what IAM lets whom do."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from sandbox.cloud.errors import Json


@dataclass(frozen=True)
class Account:
    """A service account of the project."""

    name: str
    email: str
    key_file: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Project:
    """What project.yml says."""

    id: str
    number: str
    name: str
    created: str
    billing_account: str
    regions: Mapping[str, Sequence[str]]
    stockouts: Sequence[str]
    versions: Sequence[str]
    quotas: Mapping[str, Sequence[Json]]
    region_metrics: Mapping[str, str]
    reservations: Sequence[Json]
    services: Mapping[str, Json]
    accounts: Sequence[Account]
    iam: Iam

    def knows(self, reference: str) -> bool:
        """Whether a path means this project, by id or number."""
        return reference in (self.id, self.number)

    def zones(self) -> list[str]:
        """All zones."""
        return [zone for zones in self.regions.values() for zone in zones]

    def region(self, location: str) -> str | None:
        """The region of a location (a zone or a region); None when there is no such place."""
        if location in self.regions:
            return location
        return next((region for region, zones in self.regions.items() if location in zones), None)

    def is_zone(self, location: str) -> bool:
        """Whether a location is a zone."""
        return location not in self.regions

    def account(self, email: str) -> Account | None:
        """The account of an address."""
        return next((account for account in self.accounts if account.email == email), None)

    def allows(self, email: str, permission: str) -> bool:
        """Whether an account has a permission on the project."""
        account = self.account(email)
        return account is not None and self.iam.allows(account.roles, permission)


@dataclass(frozen=True)
class Iam:
    """What iam.yml says."""

    roles: Mapping[str, Sequence[str]]
    kubernetes_groups: Mapping[str, Sequence[str]]

    def allows(self, roles: Sequence[str], permission: str) -> bool:
        """Whether one of the roles holds a permission."""
        return any(fnmatch.fnmatchcase(permission, held) for role in roles for held in self.roles.get(role, ()))

    def groups(self, roles: Sequence[str]) -> list[str]:
        """The Kubernetes groups that roles bring."""
        return sorted({group for role in roles for group in self.kubernetes_groups.get(role, ())})


@cache
def load_project() -> Project:
    """Read project.yml and iam.yml."""
    folder = Path(__file__).parent
    data = yaml.safe_load((folder / "project.yml").read_text(encoding="utf-8"))
    iam = yaml.safe_load((folder / "iam.yml").read_text(encoding="utf-8"))
    accounts = [
        Account(
            name=entry["name"],
            email=f"{entry['name']}@{data['id']}.iam.gserviceaccount.com",
            key_file=entry["key_file"],
            roles=tuple(entry["roles"]),
        )
        for entry in data.pop("accounts")
    ]
    return Project(**data, accounts=accounts, iam=Iam(iam["roles"], iam["kubernetes_groups"]))
