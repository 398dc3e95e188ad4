# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: gke_clusters
author: The rhaii.gke authors (@rhaii-gke)
version_added: 0.2.0
short_description: The GKE clusters of one or many projects as hosts
description:
  - Makes a host of each cluster, with where it is, its labels, and whether this collection made it. One call a project
    lists the clusters of all locations.
  - Takes a YAML file whose name ends in C(gke_clusters.yml) or C(gke_clusters.yaml).
  - A host has project, location and name of its cluster in C(rhaii_project), C(rhaii_location) and
    C(rhaii_cluster_name), so that the playbooks of this collection run for it. One that is ours has
    C(rhaii_environment) as its label says.
  - It also has C(gke_endpoint), C(gke_dns_endpoint), C(gke_ca_certificate) (PEM), C(gke_status), C(gke_version),
    C(gke_labels), C(gke_is_ours), and C(gke_whose), which says in words whose the cluster seems to be.
  - A host is reached by a local connection, with the Python that Ansible runs in.
  - No token, key or password becomes a variable, and none is in the cache.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - rhaii.gke._google
options:
  plugin:
    description: Names this plugin, so that no other takes the file.
    type: str
    required: true
    choices: [rhaii.gke.gke_clusters]
  projects:
    description: Ids of the projects. When not given, O(project) alone.
    type: list
    elements: str
    default: []
  project:
    description: Id of the project, where there is one.
    required: false
    env:
      - name: GCP_PROJECT
      - name: GCE_PROJECT
  names:
    description: Names of clusters, or patterns as in C(rhaii-*). When not given, all.
    type: list
    elements: str
    default: []
  labels:
    description: Labels that a cluster must have, with their values or patterns of these, as in C(*). All must fit.
    type: dict
    default: {}
  only_ours:
    description: Whether to leave out what this collection did not make.
    type: bool
    default: false
  hostname:
    description:
      - An expression of Jinja2 for the name of a host, of its variables.
      - When not given, it is the cluster's name, location and project, with dots between them.
    type: str
  label_groups:
    description:
      - Whether to make a group of each label and value, as C(label_team_search).
      - Other groups are a matter of O(keyed_groups) and O(groups). The group C(gke_ours) has those that are ours.
    type: bool
    default: true
  missing_zones:
    description:
      - What to do when a zone does not answer Google, so that nobody knows which clusters are there.
      - V(warn) goes on without them, and keeps nothing of that project in the cache. V(fail) refuses.
    type: str
    choices: [warn, fail]
    default: warn
  auth_kind:
    env:
      - name: GCP_AUTH_KIND
  service_account_file:
    env:
      - name: GCP_SERVICE_ACCOUNT_FILE
      - name: GCE_CREDENTIALS_FILE_PATH
  access_token:
    env:
      - name: GCP_ACCESS_TOKEN
  impersonate_service_account:
    env:
      - name: GOOGLE_IMPERSONATE_SERVICE_ACCOUNT
      - name: CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT
  quota_project:
    env:
      - name: GOOGLE_CLOUD_QUOTA_PROJECT
"""

EXAMPLES = r"""
# prod.gke_clusters.yml: what this collection made in two projects, a host by its environment's name
plugin: rhaii.gke.gke_clusters
projects: [my-company-llm-staging, my-company-llm-prod]
only_ours: true
hostname: rhaii_environment
keyed_groups:
  - key: rhaii_location
    prefix: zone
groups:
  broken: gke_status in ['ERROR', 'DEGRADED']
---
# all clusters with a label, listed at most once in ten minutes
plugin: rhaii.gke.gke_clusters
project: my-company-llm-prod
labels:
  team: llm-platform
  stage: prod*
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/rhaii-inventory
cache_timeout: 600
"""

import sys
from functools import partial
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.rhaii.gke.plugins.module_utils._cluster_hosts import Wanted, full_name, listed, named
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._google import Connection, GoogleSettings
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain

GOOGLE = (
    "endpoints",
    "ca_file",
    "auth_kind",
    "service_account_file",
    "access_token",
    "impersonate_service_account",
    "quota_project",
    "request_timeout",
)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "rhaii.gke.gke_clusters"

    @property
    def _ansible(self) -> Any:
        """Itself: the methods that it has of ansible-core are untyped."""
        return self

    def verify_file(self, path: str) -> bool:
        base: Any = super()
        return bool(base.verify_file(path)) and path.endswith(("gke_clusters.yml", "gke_clusters.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._ansible._read_config_data(path)
        try:
            self._add(self._clusters(path, cache))
        except RhaiiError as error:
            raise AnsibleParserError(str(error)) from error

    def _clusters(self, path: str, cache: bool) -> list[dict[str, Any]]:
        """Those of every project, from the cache where it has them."""
        projects = self._projects()
        key = self._ansible.get_cache_key(path)
        is_cached = self._ansible.get_option("cache")
        kept = self._kept(key) if is_cached and cache else {}
        asked = [project for project in projects if project not in kept]
        found = {**kept, **self._ask(asked)} if asked else kept
        if is_cached and asked:
            # the clusters of a zone that does not answer are asked for again
            self.cache[key] = {name: entry for name, entry in found.items() if not entry["missing_zones"]}
        return [host for project in projects for host in found[project]["clusters"]]

    def _projects(self) -> list[str]:
        given = plain(self._ansible.get_option("projects")) or [plain(self._ansible.get_option("project"))]
        projects = list(dict.fromkeys(str(project) for project in given if project))
        if not projects:
            raise RhaiiError(
                "No project is given whose clusters to list.",
                remedy="Give projects, or project, in the inventory's file, or GCP_PROJECT in the environment.",
            )
        return projects

    def _kept(self, key: str) -> dict[str, Any]:
        try:
            return dict(self.cache[key])
        except KeyError:
            return {}

    def _ask(self, projects: list[str]) -> dict[str, Any]:
        params = {name: plain(self._ansible.get_option(name)) for name in GOOGLE}
        api = Connection(GoogleSettings.from_params({**params, "project": projects[0]})).rest("container")
        found = {}
        for project in projects:
            doing = f"list the clusters of the project {project}"
            answer = listed(partial(api.call, doing, "GET"), project)
            found[project] = {"clusters": list(answer.clusters), "missing_zones": list(answer.missing_zones)}
            if answer.missing_zones:
                self._tell_missing(project, ", ".join(answer.missing_zones))
        return found

    def _tell_missing(self, project: str, zones: str) -> None:
        said = f"Google gets no answer from {zones}, so that clusters of the project {project} there are not known."
        if self._ansible.get_option("missing_zones") == "fail":
            raise RhaiiError(said, remedy="Run again later, or go on without them: missing_zones: warn.")
        self.display.warning(f"{said} The inventory leaves them out.")

    def _add(self, clusters: list[dict[str, Any]]) -> None:
        wanted = Wanted(
            names=plain(self._ansible.get_option("names")),
            labels=plain(self._ansible.get_option("labels")),
            ours_alone=self._ansible.get_option("only_ours"),
        )
        hosts = named((cluster for cluster in clusters if wanted.has(cluster)), self._name)
        for name, variables in sorted(hosts.items()):
            self._add_host(name, {**variables, **self._connection()})

    def _name(self, host: dict[str, Any]) -> str:
        expression = self._ansible.get_option("hostname")
        if not expression:
            return full_name(host)
        try:
            return str(self._ansible._compose(expression, dict(host)) or "")
        except AnsibleError as error:
            raise RhaiiError(
                f"The option hostname cannot be worked out for the cluster {full_name(host)}: {error}",
                remedy="Give an expression of the host's variables, as in rhaii_environment | "
                "default(rhaii_cluster_name).",
            ) from error

    @staticmethod
    def _connection() -> dict[str, str]:
        return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

    def _add_host(self, name: str, variables: dict[str, Any]) -> None:
        self._ansible.inventory.add_host(name)
        for key, value in variables.items():
            self._ansible.inventory.set_variable(name, key, value)
        base, strict = self._ansible, self._ansible.get_option("strict")
        base._set_composite_vars(base.get_option("compose"), variables, name, strict=strict)
        base._add_host_to_composed_groups(base.get_option("groups"), variables, name, strict=strict)
        base._add_host_to_keyed_groups(base.get_option("keyed_groups"), variables, name, strict=strict)
        groups = ["gke_ours"] if variables["gke_is_ours"] else []
        if self._ansible.get_option("label_groups"):
            groups += [f"label_{key}_{value}" for key, value in variables["gke_labels"].items()]
        for group in groups:
            self._ansible.inventory.add_child(self._ansible.inventory.add_group(self._sanitize_group_name(group)), name)
