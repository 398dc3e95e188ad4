# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""gke_cluster's decisions: the cluster to ask for, and what separates the one that is from the one that is wanted."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    DEBT,
    KEEP,
    Json,
    at_least,
    our_labels,
)

CHANNELS: Mapping[str, str] = {
    "rapid": "RAPID",
    "regular": "REGULAR",
    "stable": "STABLE",
    "extended": "EXTENDED",
    "none": "UNSPECIFIED",
}
SCOPES: Mapping[str, str] = {
    "no_upgrades": "NO_UPGRADES",
    "no_minor_upgrades": "NO_MINOR_UPGRADES",
    "no_minor_or_node_upgrades": "NO_MINOR_OR_NODE_UPGRADES",
}
# The exclusion behind hold_node_upgrades.
HOLD = "rhaii-hold-node-upgrades"


@dataclass(frozen=True)
class DefaultPool:
    name: str
    machine_type: str
    node_count: int
    autoscaling: Json | None = None
    service_account: str | None = None


@dataclass(frozen=True)
class Window:
    """A recurring span of time, in UTC."""

    start: str
    end: str
    recurrence: str

    def json(self) -> Json:
        return {"window": {"startTime": self.start, "endTime": self.end}, "recurrence": self.recurrence}

    def __str__(self) -> str:
        return f"{self.start} to {self.end}, {self.recurrence}"


@dataclass(frozen=True)
class Exclusion:
    """A time without these upgrades; without an end it lasts as long as GKE supports the minor version."""

    start: str
    end: str
    scope: str

    def json(self) -> Json:
        options: Json = {"scope": self.scope}
        if not self.end:
            options["endTimeBehavior"] = "UNTIL_END_OF_SUPPORT"
        body: Json = {"startTime": self.start, "maintenanceExclusionOptions": options}
        return {**body, "endTime": self.end} if self.end else body

    def __str__(self) -> str:
        return f"{self.scope.lower()} from {self.start} to {self.end or 'the end of support'}"


@dataclass(frozen=True)
class Wanted:
    """The desired cluster, from the module's options. None means: whatever it is."""

    project: str
    location: str
    name: str
    environment: str
    labels: Mapping[str, str]
    debts: Mapping[str, str] | None
    keep: bool | None
    release_channel: str
    kubernetes_version: str
    dataplane_v2: bool
    workload_identity: bool
    network: str
    subnetwork: str
    private_nodes: bool | None
    authorized_networks: tuple[tuple[str, str], ...] | None
    dns_endpoint: bool | None
    window: Window | None
    exclusions: Mapping[str, Exclusion] | None
    hold_node_upgrades: bool | None
    default_pool: DefaultPool

    @classmethod
    def from_params(cls, params: Params) -> Wanted:
        pool = params["default_pool"] or {}
        labels = {**(params["labels"] or {}), **_debt_labels(params["debts"])}
        if params["keep"]:
            labels[KEEP] = "true"
        wanted = cls(
            project=params["project"],
            location=params["location"],
            name=params["name"],
            environment=params["environment"],
            labels=our_labels(params["environment"], labels),
            debts=params["debts"],
            keep=params["keep"],
            release_channel=params["release_channel"],
            kubernetes_version=params["kubernetes_version"] or "",
            dataplane_v2=params["dataplane_v2"],
            workload_identity=params["workload_identity"],
            network=params["network"] or "",
            subnetwork=params["subnetwork"] or "",
            private_nodes=params["private_nodes"],
            authorized_networks=_networks(params["authorized_networks"]),
            dns_endpoint=params["dns_endpoint"],
            window=_window(params["maintenance_window"]),
            exclusions=_exclusions(params["maintenance_exclusions"]),
            hold_node_upgrades=params["hold_node_upgrades"],
            default_pool=DefaultPool(
                name=pool.get("name") or "default-pool",
                machine_type=pool.get("machine_type") or "e2-standard-4",
                node_count=_count(pool),
                autoscaling=_autoscaling(pool),
                service_account=pool.get("service_account") or None,
            ),
        )
        if wanted.hold_node_upgrades and wanted.release_channel == "none":
            raise RhaiiError(
                "hold_node_upgrades needs a release channel, and release_channel is none.",
                remedy="Choose a channel; without one turn auto_upgrade of the node pools off instead.",
            )
        return wanted

    @property
    def title(self) -> str:
        return f"The cluster {self.name} in {self.location}"

    @property
    def workload_pool(self) -> str:
        return f"{self.project}.svc.id.goog" if self.workload_identity else ""


def _debt_labels(debts: Mapping[str, str] | None) -> dict[str, str]:
    return {f"{DEBT}{location}": str(operation) for location, operation in (debts or {}).items()}


def _count(pool: Mapping[str, Any]) -> int:
    given = pool.get("node_count")
    count = 2 if given is None else int(given)
    if count < 1:
        raise RhaiiError(
            f"default_pool has node_count {count}; GKE creates no cluster without a node.",
            remedy="Give 1 or more.",
        )
    return count


def _autoscaling(pool: Mapping[str, Any]) -> Json | None:
    most = pool.get("max_nodes")
    if not most:
        return None
    least = int(pool.get("min_nodes") or 0)
    count = _count(pool)
    if not least <= count <= int(most):
        raise RhaiiError(
            f"default_pool has node_count {count}, which is not within min_nodes {least} and max_nodes {most}.",
            remedy="Give a node_count between the two.",
        )
    return {"enabled": True, "minNodeCount": least, "maxNodeCount": int(most)}


def _networks(given: Sequence[Mapping[str, str]] | None) -> tuple[tuple[str, str], ...] | None:
    if given is None:
        return None
    found = []
    for each in given:
        try:
            found.append((str(ipaddress.ip_network(each["cidr"])), str(each.get("name") or "")))
        except ValueError as error:
            raise RhaiiError(
                f"authorized_networks has {each['cidr']}, which is no network ({error}).",
                remedy="Give addresses as in 203.0.113.0/24, or 203.0.113.7/32 for one.",
            ) from error
    return tuple(sorted(found))


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RhaiiError(
            f"{option} has {text}, which is no moment with a time zone.",
            remedy="Give it as in 2026-12-24T00:00:00Z.",
        )
    return moment.astimezone(UTC)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(given: Mapping[str, str], option: str) -> tuple[str, str]:
    start, end = _moment(given["start"], option), _moment(given["end"], option)
    if end <= start:
        raise RhaiiError(f"{option} ends before it starts ({given['start']}, {given['end']}).", remedy="Correct it.")
    return _written(start), _written(end)


def _window(given: Mapping[str, str] | None) -> Window | None:
    if not given:
        return None
    recurrence = str(given["recurrence"])
    if not recurrence.startswith("FREQ="):
        raise RhaiiError(
            f"maintenance_window recurs as {recurrence!r}, which is no recurrence rule.",
            remedy="Give it as in FREQ=WEEKLY;BYDAY=SA,SU (RFC 5545).",
        )
    return Window(*_span(given, "maintenance_window"), recurrence)


def _exclusions(given: Sequence[Mapping[str, str]] | None) -> dict[str, Exclusion] | None:
    if given is None:
        return None
    return {
        str(each["name"]): Exclusion(*_span(each, f"maintenance_exclusions {each['name']}"), SCOPES[each["scope"]])
        for each in given
    }


@dataclass(frozen=True)
class Plan:
    """What separates the cluster that is from the one that is wanted."""

    labels: Mapping[str, str] | None = None
    updates: tuple[Json, ...] = ()
    maintenance: Json | None = None
    impossible: tuple[str, ...] = ()
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return self.labels is not None or bool(self.updates) or self.maintenance is not None


def body_of(wanted: Wanted, now: datetime) -> Json:
    """The cluster to create."""
    config: Json = {
        "machineType": wanted.default_pool.machine_type,
        "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "resourceLabels": {
            key: value for key, value in wanted.labels.items() if key != KEEP and not key.startswith(DEBT)
        },
    }
    pool: Json = {
        "name": wanted.default_pool.name,
        "initialNodeCount": wanted.default_pool.node_count,
        "config": config,
    }
    if wanted.default_pool.autoscaling:
        pool["autoscaling"] = wanted.default_pool.autoscaling
    if wanted.default_pool.service_account:
        config["serviceAccount"] = wanted.default_pool.service_account
    network: Json = {
        # Without Dataplane V2 the network policies would be accepted and ignored.
        "datapathProvider": "ADVANCED_DATAPATH" if wanted.dataplane_v2 else "LEGACY_DATAPATH",
    }
    if wanted.private_nodes is not None:
        network["defaultEnablePrivateNodes"] = wanted.private_nodes
    body: Json = {
        "name": wanted.name,
        "resourceLabels": dict(wanted.labels),
        "releaseChannel": {"channel": CHANNELS[wanted.release_channel]},
        "ipAllocationPolicy": {"useIpAliases": True},
        "networkConfig": network,
        "nodePools": [pool],
    }
    if wanted.network:
        body["network"] = wanted.network
    if wanted.subnetwork:
        body["subnetwork"] = wanted.subnetwork
    if wanted.kubernetes_version:
        body["initialClusterVersion"] = wanted.kubernetes_version
    if wanted.workload_identity:
        body["workloadIdentityConfig"] = {"workloadPool": wanted.workload_pool}
        config["workloadMetadataConfig"] = {"mode": "GKE_METADATA"}
    endpoints = _endpoints(wanted, {})
    if endpoints:
        body["controlPlaneEndpointsConfig"] = endpoints
    window = _maintenance(wanted, {}, now, {}, {})
    if window:
        body["maintenancePolicy"] = {"window": window}
    return body


def plan(wanted: Wanted, cluster: Json, now: datetime) -> Plan:
    """Compare, and sort every difference into what the API can update and what needs a new cluster."""
    before: Json = {}
    after: Json = {}
    updates: list[Json] = []

    has_labels = dict(cluster.get("resourceLabels") or {})
    kept = {key: value for key, value in has_labels.items() if wanted.debts is None or not key.startswith(DEBT)}
    if wanted.keep is False:
        kept.pop(KEEP, None)
    labels = {**kept, **wanted.labels}
    if labels != has_labels:
        before["labels"], after["labels"] = has_labels, labels

    channel = str((cluster.get("releaseChannel") or {}).get("channel") or "UNSPECIFIED")
    if channel != CHANNELS[wanted.release_channel]:
        before["release_channel"], after["release_channel"] = channel.lower(), wanted.release_channel
        updates.append({"desiredReleaseChannel": {"channel": CHANNELS[wanted.release_channel]}})

    workload_pool = str((cluster.get("workloadIdentityConfig") or {}).get("workloadPool") or "")
    if workload_pool != wanted.workload_pool:
        before["workload_identity"], after["workload_identity"] = workload_pool, wanted.workload_pool
        updates.append({"desiredWorkloadIdentityConfig": {"workloadPool": wanted.workload_pool}})

    private = bool((cluster.get("networkConfig") or {}).get("defaultEnablePrivateNodes"))
    if wanted.private_nodes is not None and wanted.private_nodes != private:
        before["private_nodes"], after["private_nodes"] = private, wanted.private_nodes
        updates.append({"desiredDefaultEnablePrivateNodes": wanted.private_nodes})

    updates.extend(_reach(wanted, cluster, before, after))

    version = str(cluster.get("currentMasterVersion") or "")
    numbered = wanted.kubernetes_version[:1].isdigit()
    if numbered and not at_least(version, wanted.kubernetes_version):
        before["kubernetes_version"], after["kubernetes_version"] = version, wanted.kubernetes_version
        updates.append({"desiredMasterVersion": wanted.kubernetes_version})

    policy = cluster.get("maintenancePolicy") or {}
    window = _maintenance(wanted, policy.get("window") or {}, now, before, after)
    maintenance: Json | None = None
    if window is not None:
        maintenance = {"window": window}
        if policy.get("resourceVersion"):
            maintenance["resourceVersion"] = policy["resourceVersion"]

    return Plan(
        labels=labels if labels != has_labels else None,
        updates=tuple(updates),
        maintenance=maintenance,
        impossible=tuple(_fixed(wanted, cluster, before, after)),
        before=before,
        after=after,
    )


def _fixed(wanted: Wanted, cluster: Json, before: Json, after: Json) -> list[str]:
    impossible: list[str] = []
    provider = (cluster.get("networkConfig") or {}).get("datapathProvider")
    if (provider == "ADVANCED_DATAPATH") != wanted.dataplane_v2:
        before["dataplane_v2"], after["dataplane_v2"] = not wanted.dataplane_v2, wanted.dataplane_v2
        impossible.append(f"dataplane_v2 is {str(not wanted.dataplane_v2).lower()}")
    for option, want in (("network", wanted.network), ("subnetwork", wanted.subnetwork)):
        have = str(cluster.get(option) or "default")
        if want and _last(want) != _last(have):
            before[option], after[option] = have, want
            impossible.append(f"{option} is {have}")
    return impossible


def _last(path: str) -> str:
    return path.rpartition("/")[-1]


def _endpoints(wanted: Wanted, has: Json) -> Json:
    """The ways to the control plane: what the cluster has, with what is wanted on top."""
    config: Json = {}
    if wanted.dns_endpoint is not None:
        dns = {key: value for key, value in (has.get("dnsEndpointConfig") or {}).items() if key != "endpoint"}
        config["dnsEndpointConfig"] = {**dns, "allowExternalTraffic": wanted.dns_endpoint}
    if wanted.authorized_networks is not None:
        output = ("publicEndpoint", "privateEndpoint")
        ip = {key: value for key, value in (has.get("ipEndpointsConfig") or {}).items() if key not in output}
        blocks = [
            {"cidrBlock": cidr, **({"displayName": name} if name else {})} for cidr, name in wanted.authorized_networks
        ]
        restricted = {"enabled": bool(blocks), **({"cidrBlocks": blocks} if blocks else {})}
        config["ipEndpointsConfig"] = {
            "enabled": True,
            "enablePublicEndpoint": True,
            **ip,
            "authorizedNetworksConfig": restricted,
        }
    return config


def networks_of(cluster: Json) -> tuple[tuple[str, str], ...]:
    """The authorised networks, where older and newer clusters have them; none where everybody may ask."""
    newer = (cluster.get("controlPlaneEndpointsConfig") or {}).get("ipEndpointsConfig") or {}
    config = newer.get("authorizedNetworksConfig") or cluster.get("masterAuthorizedNetworksConfig") or {}
    if not config.get("enabled"):
        return ()
    return tuple(sorted((b["cidrBlock"], str(b.get("displayName") or "")) for b in config.get("cidrBlocks") or []))


def dns_of(cluster: Json) -> tuple[bool, str]:
    """Does the DNS endpoint take calls from outside, and its name."""
    config = (cluster.get("controlPlaneEndpointsConfig") or {}).get("dnsEndpointConfig") or {}
    return bool(config.get("allowExternalTraffic")), str(config.get("endpoint") or "")


def _reach(wanted: Wanted, cluster: Json, before: Json, after: Json) -> list[Json]:
    has = cluster.get("controlPlaneEndpointsConfig") or {}
    config = _endpoints(wanted, has)
    asked: Json = {}
    dns, _name = dns_of(cluster)
    if wanted.dns_endpoint is not None and wanted.dns_endpoint != dns:
        before["dns_endpoint"], after["dns_endpoint"] = dns, wanted.dns_endpoint
        asked["dnsEndpointConfig"] = config["dnsEndpointConfig"]
    networks = networks_of(cluster)
    if wanted.authorized_networks is not None and wanted.authorized_networks != networks:
        before["authorized_networks"] = [cidr for cidr, _name in networks]
        after["authorized_networks"] = [cidr for cidr, _name in wanted.authorized_networks]
        asked["ipEndpointsConfig"] = config["ipEndpointsConfig"]
    return [{"desiredControlPlaneEndpointsConfig": asked}] if asked else []


def _maintenance(wanted: Wanted, has: Json, now: datetime, before: Json, after: Json) -> Json | None:
    """The whole maintenance window to set (the call replaces it), or None when it is as wanted."""
    window: Json = dict(has)
    exclusions: Json = dict(has.get("maintenanceExclusions") or {})
    changed = False
    if wanted.window is not None:
        found = _found_window(has)
        if found != wanted.window:
            before["maintenance_window"], after["maintenance_window"] = str(found or "any time"), str(wanted.window)
            window.pop("dailyMaintenanceWindow", None)
            window["recurringWindow"] = wanted.window.json()
            changed = True
    found_exclusions = {name: _found_exclusion(body) for name, body in exclusions.items()}
    want_exclusions = dict(found_exclusions)
    if wanted.exclusions is not None:
        # Google refuses to add what is over already, and it does not matter any more.
        over = {name for name, each in wanted.exclusions.items() if each.end <= _written(now)}
        want_exclusions = {name: each for name, each in found_exclusions.items() if name == HOLD or name in over}
        want_exclusions.update({name: each for name, each in wanted.exclusions.items() if name not in over})
    if wanted.hold_node_upgrades is False:
        want_exclusions.pop(HOLD, None)
    held = want_exclusions.get(HOLD)
    if wanted.hold_node_upgrades and (held is None or held.scope != SCOPES["no_minor_or_node_upgrades"] or held.end):
        want_exclusions[HOLD] = Exclusion(_written(now), "", SCOPES["no_minor_or_node_upgrades"])
    if want_exclusions != found_exclusions:
        before["maintenance_exclusions"] = {name: str(each) for name, each in sorted(found_exclusions.items())}
        after["maintenance_exclusions"] = {name: str(each) for name, each in sorted(want_exclusions.items())}
        window["maintenanceExclusions"] = {name: each.json() for name, each in want_exclusions.items()}
        changed = True
    return window if changed else None


def _found_window(has: Json) -> Window | None:
    recurring = has.get("recurringWindow") or {}
    span = recurring.get("window") or {}
    if not span:
        return None
    start, end = (_written(_moment(str(span[key]), "the cluster")) for key in ("startTime", "endTime"))
    return Window(start, end, str(recurring.get("recurrence") or ""))


def _found_exclusion(body: Json) -> Exclusion:
    options = body.get("maintenanceExclusionOptions") or {}
    lasting = options.get("endTimeBehavior") == "UNTIL_END_OF_SUPPORT"
    return Exclusion(
        _written(_moment(str(body["startTime"]), "the cluster")),
        "" if lasting else _written(_moment(str(body["endTime"]), "the cluster")),
        str(options.get("scope") or "NO_UPGRADES"),
    )


__all__ = (
    "HOLD",
    "DefaultPool",
    "Exclusion",
    "Plan",
    "Wanted",
    "Window",
    "body_of",
    "dns_of",
    "networks_of",
    "plan",
)
