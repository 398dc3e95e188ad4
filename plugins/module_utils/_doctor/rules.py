# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""What one look at a cluster tells beyond the wait and the guide's criteria, a rule each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from ansible_collections.rhaii.gke.plugins.module_utils._causes import CauseId
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.policies import End, blockers
from ansible_collections.rhaii.gke.plugins.module_utils._doctor.view import Case, Named, Object, Objects
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.kubelet import (
    FINE,
    TPU,
    node_fault,
    node_pressure,
)
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.names import NAME, is_workload
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.replicas import PENDING, READY, time_of
from ansible_collections.rhaii.gke.plugins.module_utils._ownership import of_object
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import PICKER_PORT, pool_routes, rules_of
from ansible_collections.rhaii.gke.plugins.module_utils._pool_routes import Rule as RouteRule
from ansible_collections.rhaii.gke.plugins.module_utils._readiness import is_available
from ansible_collections.rhaii.gke.plugins.module_utils._verification.criteria import POOL_LABEL
from ansible_collections.rhaii.gke.plugins.module_utils._verification.filters import (
    GATEWAY_LABEL,
    patched_pickers,
    takers,
)

Rule = Callable[[Case], Iterator[Named]]

COMPONENT = "app.kubernetes.io/component"
PICKER = "llminferenceservice-router-scheduler"
MODEL_PORT = 8000
DEPLOY = "Run deploy.yml"
# KServe's and cert-manager's default renewal is long before the end; so much later it has failed more than once.
_LATE = timedelta(hours=24)
# OSSM's Istio keeps the pickers of all routes of a host from these on; 1.27.3 keeps the oldest's alone (observed).
_KEEPS_ALL = ((1, 27, 8), (1, 28, 5))
# What enforces network policies on GKE: Dataplane V2, and Calico (cloud.google.com, concepts/dataplane-v2).
_ENFORCERS = ("anetd", "calico-node")
# The ends of paths that a picker has a say in.
_PICKED = ("/completions", "/responses", "/embeddings")


def _pods(case: Case) -> Objects:
    return case.view.criteria.pods if case.view.criteria else ()


def _deployments(case: Case) -> Objects:
    return case.view.criteria.deployments if case.view.criteria else ()


# ---- secrets and accounts -------------------------------------------------------------------------------------------


def secrets(case: Case) -> Iterator[Named]:
    """A Secret that is missing, in which namespace; the pull secret is named as such."""
    if case.view.secrets is None:
        return
    promised = case.promised
    there = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in case.view.secrets}
    wanted = [(promised.namespace, name) for name in promised.secrets]
    if promised.operator_pull_secret:
        wanted.append((promised.gateway_namespace, promised.operator_pull_secret))
    for namespace, name in wanted:
        if (namespace, name) in there:
            continue
        cause: CauseId = "secret-missing"
        if name in (promised.pull_secret, promised.operator_pull_secret):
            cause = "pull-secret-missing"
        remedy = f"{DEPLOY} with the tag secrets: it makes the Secret {name} in {namespace} from your file."
        yield Named(cause, f"the namespace {namespace} has no Secret {name}", remedy)


def accounts(case: Case) -> Iterator[Named]:
    """A service account that does not name the pull secret; its pods cannot pull when they are made anew."""
    name = case.promised.operator_pull_secret
    if case.view.accounts is None or not name:
        return
    for account in case.view.accounts:
        place = f"{account['metadata']['namespace']}/{account['metadata']['name']}"
        has = [each.get("name") for each in account.get("imagePullSecrets") or []]
        if place in case.promised.pull_accounts and name not in has:
            evidence = f"the service account {place} does not name the pull secret {name}"
            remedy = f"{DEPLOY} with the tag operators: it puts the secret on the account and renews its pods."
            yield Named("pull-secret-missing", evidence, remedy)


def foreign_secrets(case: Case) -> Iterator[Named]:
    """A Secret of ours that somebody else keeps; what we write may be set back."""
    promised = case.promised
    if not promised.environment:
        return
    for each in case.view.secrets or ():
        metadata = each["metadata"]
        if metadata["namespace"] != promised.namespace or metadata["name"] not in promised.secrets:
            continue
        whose = of_object(each, promised.environment)
        if not whose.is_ours:
            evidence = f"the Secret {metadata['name']} in {promised.namespace} {whose.seems}"
            yield Named("secret-managed-elsewhere", evidence, risk=True)


# ---- releases, certificates, CA -------------------------------------------------------------------------------------


def releases(case: Case) -> Iterator[Named]:
    """A Helm release that was left half-way, or is being worked on right now."""
    for (namespace, name), stored in sorted((case.view.releases or {}).items()):
        if stored.is_pending:
            evidence = f"the Helm release {name} in {namespace} is {stored.status} (revision {stored.revision})"
            remedy = f"{DEPLOY} again, unless a Helm is at work there: it repairs the release and goes on."
            yield Named("helm-release-interrupted", evidence, remedy)


def certificates(case: Case) -> Iterator[Named]:
    """A certificate of cert-manager's that has ended, or should have been renewed long ago."""
    for each in case.view.certificates or ():
        place = f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        status = each.get("status") or {}
        end, renewal = time_of(status.get("notAfter")), time_of(status.get("renewalTime"))
        see = f"kubectl describe certificate -n {each['metadata']['namespace']} {each['metadata']['name']}"
        remedy = f"See why cert-manager does not renew it: {see}."
        if end is not None and end <= case.now:
            yield Named("certificate-near-its-end", f"the certificate {place} ended at {status['notAfter']}", remedy)
        elif end is not None and renewal is not None and renewal + _LATE <= case.now:
            evidence = f"the certificate {place} ends at {status['notAfter']}, and was to be renewed at "
            yield Named("certificate-near-its-end", evidence + str(status["renewalTime"]), remedy, risk=True)


def authority(case: Case) -> Iterator[Named]:
    """The CA that the gateway verifies servers by: the ConfigMap, what is in it, and its mount."""
    promised, found = case.promised, case.view.config_maps
    if found is None or not promised.ca_config_map or case.view.criteria is None or not case.view.criteria.gateway:
        return
    maps: Mapping[str, Object] = {str(each["metadata"]["name"]): each.get("data") or {} for each in found}
    where = f"the namespace {promised.gateway_namespace}"
    name = promised.ca_config_map
    remedy = f"{DEPLOY} with the tag operators: it makes {name} and mounts it in the gateway's pods."
    if name not in maps:
        yield Named("ca-missing", f"{where} has no ConfigMap {name}", remedy)
    elif not any("-----BEGIN CERTIFICATE-----" in str(value) for value in maps[name].values()):
        yield Named("ca-missing", f"the ConfigMap {name} in {where} holds no certificate", remedy)
    else:
        infrastructure = (case.view.criteria.gateway.get("spec") or {}).get("infrastructure") or {}
        parameters = str((infrastructure.get("parametersRef") or {}).get("name") or "")
        if name not in str(maps.get(parameters, {}).get("deployment") or ""):
            evidence = f"the gateway {promised.gateway_namespace}/{promised.gateway} does not mount {name}"
            yield Named("ca-missing", evidence, remedy)


# ---- nodes and rollouts ---------------------------------------------------------------------------------------------


def nodes(case: Case) -> Iterator[Named]:
    """A node of the TPU pool that cannot serve, or soon will not; a fault where a replica waits for its chips."""
    if case.view.criteria is None:
        return
    waits = any(
        each.stage == PENDING for standing in case.standings.values() for each in standing.replicas if each.workload
    )
    for node in case.view.criteria.nodes:
        metadata = node["metadata"]
        fault = node_fault(node)
        cause, said = fault if fault != FINE else node_pressure(node)
        if (metadata.get("labels") or {}).get(POOL_LABEL) != case.promised.tpu_pool or not cause:
            continue
        name = metadata["name"]
        remedy = f"See kubectl describe node {name}."
        if cause == "node-cordoned":
            remedy = f"Wait for the end of the upgrade, or let it take pods again: kubectl uncordon {name}."
        yield Named(cause, f"the node {name} {said}", remedy, risk=not waits)


def deadlocks(case: Case) -> Iterator[Named]:
    """A new replica that waits for chips which older ones hold, who stay until it is ready."""
    for name, standing in case.standings.items():
        own = [each for each in standing.replicas if each.workload]
        waiting = [
            each for each in own if each.newest and each.stage == PENDING and f"Insufficient {TPU}" in each.message
        ]
        older = [each for each in own if not each.newest and each.stage == READY]
        if waiting and older:
            pods = ", ".join(each.name for each in waiting)
            evidence = f"{pods} waits for chips that {len(older)} older replicas of {name} hold until it is ready"
            fewer = f"{{spec: {{replicas: {max(1, standing.counts.desired - 1)}}}}}"
            patch = f"kubectl patch llminferenceservice {name} -n {case.promised.namespace} --type merge -p '{fewer}'"
            remedy = f"{DEPLOY}, which replaces one replica at a time; by hand: {patch}, and back when it is ready."
            yield Named("rollout-deadlock", evidence, remedy)


# ---- endpoint pickers -----------------------------------------------------------------------------------------------


def pickers(case: Case) -> Iterator[Named]:
    """A service without a picker, or whose picker does not run; and what requests come to meanwhile."""
    if case.view.criteria is None:
        return
    for name, standing in case.standings.items():
        service = standing.snapshot.service
        if service is None or any(each.kind == "service" for each in standing.problems):
            continue
        router = (service.get("spec") or {}).get("router") or {}
        if "scheduler" not in router:
            remedy = f"{DEPLOY}: it gives {name} a scheduler (spec.router.scheduler)."
            yield Named("picker-not-enabled", f"the router of {name} has no scheduler", remedy)
            continue
        own = [each for each in _deployments(case) if _is_of(each, name, case)]
        down = [each for each in own if not _serves(each)]
        if own and not down:
            continue
        what = f"the endpoint picker {down[0]['metadata']['name']} has no pod that serves" if down else ""
        evidence = f"{what or f'KServe has made no endpoint picker for {name}'}; {_meanwhile(case, name)}"
        see = f"kubectl describe pods -n {case.promised.namespace} -l {COMPONENT}={PICKER},{NAME}={name}"
        yield Named("picker-down", evidence, f"See why its pod does not run ({see}), and run deploy.yml.")


def _is_of(deployment: Object, service: str, case: Case) -> bool:
    metadata = deployment["metadata"]
    labels = metadata.get("labels") or {}
    own = metadata.get("namespace") == case.promised.namespace
    return bool(own and labels.get(COMPONENT) == PICKER and labels.get(NAME) == service)


def _serves(deployment: Object) -> bool:
    return is_available(deployment) and (deployment.get("spec") or {}).get("replicas", 1) != 0


def _meanwhile(case: Case, service: str) -> str:
    """What requests come to, by the failure mode of the pool."""
    for pool in case.view.pools or ():
        metadata, ref = pool["metadata"], (pool.get("spec") or {}).get("endpointPickerRef") or {}
        if metadata["namespace"] == case.promised.namespace and metadata["name"] == f"{service}-inference-pool":
            if ref.get("failureMode") == "FailOpen":
                return "its pool fails open, so that requests succeed without regard to their prefix"
            return "its pool fails closed, so that requests fail"
    return "what requests come to is not known"


# ---- routes and filters ---------------------------------------------------------------------------------------------


def filters(case: Case) -> Iterator[Named]:
    """The EnvoyFilter against the rules that there are: stale, or of no route; and what several pickers come to."""
    view, promised = case.view, case.promised
    if view.criteria is None or view.routes is None or view.pools is None:
        return
    gateway = (promised.gateway, promised.gateway_namespace)
    try:
        wanted = {each["name"]: each for each in pool_routes(view.routes, view.pools, *gateway)}
    except RhaiiError as error:
        yield Named("rules-share-a-name", error.msg.rstrip("."), error.remedy)
        return
    named = {str(each["metadata"]["name"]): each for each in view.criteria.envoyfilters}
    restated: dict[str, tuple[str, bool]] = {}
    for each in view.criteria.envoyfilters:
        restated |= {route: said for route, said in patched_pickers(each).items() if said[0]}
    rules = {rule.name for rule in rules_of(view.routes, view.pools, *gateway)}
    # where one takes the picker away, that is named instead
    judged = [] if takers(view.criteria.envoyfilters, promised.gateway) else promised.envoyfilters
    for name in judged:
        if name not in named:
            continue
        said = patched_pickers(named[name])
        remedy = f"{DEPLOY} with the tag routing_body_forwarding: it writes {name} anew from the routes that there are."
        wrong = _differing(said, wanted)
        if said and wanted and not rules & set(said):
            evidence = f"{name} names {', '.join(sorted(said))}; the gateway has {', '.join(sorted(wanted))}"
            yield Named("envoyfilter-matches-no-route", evidence, remedy)
        elif wrong:
            yield Named("envoyfilter-stale", f"{name} {'; '.join(wrong)}", remedy)
    yield from _shared(case, wanted, restated)


def _differing(said: Mapping[str, tuple[str, bool]], wanted: Mapping[str, Mapping[str, object]]) -> list[str]:
    found = []
    for route, rule in wanted.items():
        if route not in said:
            found.append(f"leaves out {route}")
        elif said[route][0] != rule["cluster"]:
            found.append(f"names {said[route][0]} for {route}, whose picker is {rule['cluster']}")
        elif said[route][1] != rule["fail_open"]:
            mode = "fails open" if rule["fail_open"] else "fails closed"
            found.append(f"says another failure mode for {route} than its pool, which {mode}")
    return found


def _shared(
    case: Case, wanted: Mapping[str, Mapping[str, object]], restated: Mapping[str, tuple[str, bool]]
) -> Iterator[Named]:
    """Several HTTPRoutes with pickers on one host, where Istio keeps the oldest's and no filter restates the others."""
    version = _istio(case)
    if version is None or keeps_all_pickers(version):
        return
    view, promised = case.view, case.promised
    hosts: dict[str, list[tuple[Object, list[RouteRule]]]] = {}
    for route in view.routes or ():
        rules = rules_of([route], view.pools or (), promised.gateway, promised.gateway_namespace)
        if any(rule.picker for rule in rules):
            for host in (route.get("spec") or {}).get("hostnames") or ["*"]:
                hosts.setdefault(str(host), []).append((route, rules))
    for host, routes in sorted(hosts.items()):
        oldest = min((route for route, _rules in routes), key=_age)
        lost = [
            rule.route
            for route, rules in routes
            if route is not oldest
            for rule in rules
            if rule.name in wanted and rule.name not in restated
        ]
        if lost:
            evidence = (
                f"{', '.join(dict.fromkeys(lost))} share the host {host} with the older "
                f"{oldest['metadata']['namespace']}/{oldest['metadata']['name']}, and Istio "
                f"{'.'.join(map(str, version))} keeps the picker of the oldest alone"
            )
            remedy = f"{DEPLOY} with routing_body_forwarding: its EnvoyFilter names every route's picker."
            yield Named("routes-share-a-host", evidence, remedy)


def _age(route: Object) -> tuple[str, str, str]:
    metadata = route["metadata"]
    return str(metadata.get("creationTimestamp") or ""), str(metadata["namespace"]), str(metadata["name"])


def _istio(case: Case) -> tuple[int, ...] | None:
    """The version of Istio that the cluster's Istio object asks for; None where that is not known."""
    for each in case.view.istios or ():
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", str((each.get("spec") or {}).get("version") or ""))
        if found:
            return tuple(int(part) for part in found.groups())
    return None


def keeps_all_pickers(version: Sequence[int]) -> bool:
    """Does Istio of this version keep the pickers of all routes of a host?"""
    for fixed in _KEEPS_ALL:
        if tuple(version[:2]) == fixed[:2]:
            return tuple(version) >= fixed
    return tuple(version) > _KEEPS_ALL[-1]


def bypasses(case: Case) -> Iterator[Named]:
    """A rule for completions that leads to the replicas' Service and not to their pool."""
    view, promised = case.view, case.promised
    services = {f"{name}-kserve-workload-svc": name for name in promised.services}
    for route in view.routes or ():
        metadata = route["metadata"]
        if metadata["namespace"] != promised.namespace:
            continue
        if not rules_of([route], view.pools or (), promised.gateway, promised.gateway_namespace):
            continue
        for rule in (route.get("spec") or {}).get("rules") or []:
            names = [str(each.get("name")) for each in rule.get("backendRefs") or [] if _is_service(each)]
            past = [services[name] for name in names if name in services]
            paths = [str((each.get("path") or {}).get("value") or "/") for each in rule.get("matches") or []]
            picked = [path for path in paths if path.rstrip("/").endswith(_PICKED)]
            if past and picked:
                place = f"{metadata['namespace']}/{metadata['name']}"
                evidence = f"the HTTPRoute {place} leads {', '.join(picked)} past the picker of {past[0]}"
                remedy = f"Let it lead to the InferencePool {past[0]}-inference-pool, or delete it and run deploy.yml."
                yield Named("route-bypasses-picker", evidence, remedy)


def _is_service(ref: Object) -> bool:
    return (ref.get("kind") or "Service") == "Service" and not ref.get("group")


# ---- network policies -----------------------------------------------------------------------------------------------


def policies(case: Case) -> Iterator[Named]:
    """Whether the gateway reaches model and picker, and the picker the model, as the policies are."""
    view, promised = case.view, case.promised
    if view.policies is None or view.namespaces is None or not view.policies:
        return
    labels = {each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in view.namespaces}
    gateway = End(
        promised.gateway_namespace,
        {GATEWAY_LABEL: promised.gateway},
        labels.get(promised.gateway_namespace, {}),
    )
    for name in promised.services:
        model, picker = (_end(case, name, labels, workload=workload) for workload in (True, False))
        remedy = f"{DEPLOY} with the tag network_policies, and correct those of your own that are named here."
        ways: tuple[tuple[CauseId, str, End | None, End | None, int], ...] = (
            ("policy-blocks-gateway", "the gateway cannot reach the replicas", gateway, model, MODEL_PORT),
            ("policy-blocks-picker", "the gateway cannot reach the endpoint picker", gateway, picker, PICKER_PORT),
            ("policy-blocks-picker", "the endpoint picker cannot reach the replicas", picker, model, MODEL_PORT),
        )
        for cause, said, source, target, port in ways:
            if source is None or target is None:
                continue
            wrong = blockers(view.policies, source, target, port)
            if wrong:
                evidence = f"{said} of {name} on port {port}: none of {', '.join(dict.fromkeys(wrong))} allows it"
                yield Named(cause, evidence, remedy)


def _end(case: Case, service: str, labels: Mapping[str, Mapping[str, str]], *, workload: bool) -> End | None:
    """A pod of the service, else what its Deployment would make; None where there is neither."""
    namespace = case.promised.namespace
    templates = [
        (each.get("spec") or {}).get("template") or {}
        for each in _deployments(case)
        if each["metadata"].get("namespace") == namespace
    ]
    for body in (*_pods(case), *templates):
        own = (body.get("metadata") or {}).get("labels") or {}
        is_right = is_workload(own) if workload else own.get(COMPONENT) == PICKER
        if own.get(NAME) == service and is_right:
            ports = {
                str(port["name"]): int(port["containerPort"])
                for container in (body.get("spec") or {}).get("containers") or []
                for port in container.get("ports") or []
                if port.get("name")
            }
            address = str((body.get("status") or {}).get("podIP") or "")
            return End(namespace, own, labels.get(namespace, {}), ports, address)
    return None


def enforcement(case: Case) -> Iterator[Named]:
    """Policies on a cluster where nobody enforces them; one that shows no DaemonSet at all is none of GKE's."""
    names = {str(each["metadata"]["name"]) for each in case.view.daemon_sets or ()}
    if case.promised.network_policies and names and not names & set(_ENFORCERS):
        evidence = f"kube-system has none of the DaemonSets {' and '.join(_ENFORCERS)}"
        remedy = "Turn network policy enforcement on for the cluster, or make it anew with Dataplane V2."
        yield Named("policies-not-enforced", evidence, remedy, risk=True)


RULES: tuple[Rule, ...] = (
    releases,
    secrets,
    foreign_secrets,
    accounts,
    nodes,
    deadlocks,
    authority,
    certificates,
    pickers,
    filters,
    bypasses,
    policies,
    enforcement,
)

__all__ = ("RULES", "Rule", "keeps_all_pickers")
