# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""The real adapter of container.v1: google-cloud-container over REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import Params
from ansible_collections.rhaii.gke.plugins.module_utils._clock import SystemClock
from ansible_collections.rhaii.gke.plugins.module_utils._gke.compute import GoogleInstanceGroups
from ansible_collections.rhaii.gke.plugins.module_utils._gke.ports import GkePorts
from ansible_collections.rhaii.gke.plugins.module_utils._gke.values import (
    Json,
    Listed,
    Operation,
    operation_of,
)
from ansible_collections.rhaii.gke.plugins.module_utils._google import (
    Connection,
    GoogleError,
    GoogleSettings,
    error_of,
    require_libraries,
    translated,
)

try:
    import google.api_core.exceptions
    from google.cloud import container_v1
    from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerRestTransport
    from google.protobuf import json_format
except ImportError as error:  # said in one sentence when an adapter is made
    MISSING = str(error)
else:
    MISSING = ""


class GoogleClusters:
    def __init__(self, connection: Connection, location: str) -> None:
        require_libraries(MISSING, "google-cloud-container>=2.57")
        settings = connection.settings
        self._where = settings.endpoint("container")
        self._timeout = settings.timeout
        transport = ClusterManagerRestTransport(host=self._where, credentials=connection.credentials)
        # The transport offers no way to give it a CA file or retries; its session is an ordinary one of requests.
        connection.prepare(transport._session)
        self._client = container_v1.ClusterManagerClient(transport=transport)
        self._parent = f"projects/{settings.project}/locations/{location}"

    def _cluster(self, cluster: str) -> str:
        return f"{self._parent}/clusters/{cluster}"

    def _pool(self, cluster: str, pool: str) -> str:
        return f"{self._cluster(cluster)}/nodePools/{pool}"

    def _ask(self, doing: str, method: Callable[..., Any], request: Json) -> Json:
        """One call; its request is given in the API's own JSON names and is refused here when it does not fit them."""
        kind = method.__name__
        message = getattr(container_v1, _REQUESTS[kind])()
        json_format.ParseDict(request, type(message).pb(message))
        with translated(doing, self._where):
            try:
                # Our session retries already, with the server's Retry-After, so the client must not.
                answer = method(request=message, retry=None, timeout=self._timeout)
            except google.api_core.exceptions.GoogleAPICallError as error:
                raise _refusal_of(doing, error) from error
        body: Json = json_format.MessageToDict(type(answer).pb(answer))
        return body

    def _operation(self, doing: str, method: Callable[..., Any], request: Json) -> Operation:
        return operation_of(self._ask(doing, method, request))

    def _get(self, doing: str, method: Callable[..., Any], request: Json) -> Json | None:
        try:
            return self._ask(doing, method, request)
        except GoogleError as error:
            if error.status == 404:
                return None
            raise

    def get_cluster(self, cluster: str) -> Json | None:
        return self._get(f"read the cluster {cluster}", self._client.get_cluster, {"name": self._cluster(cluster)})

    def create_cluster(self, body: Json) -> Operation:
        return self._operation(
            f"create the cluster {body['name']}",
            self._client.create_cluster,
            {"parent": self._parent, "cluster": body},
        )

    def update_cluster(self, cluster: str, update: Json) -> Operation:
        return self._operation(
            f"update the cluster {cluster}",
            self._client.update_cluster,
            {"name": self._cluster(cluster), "update": update},
        )

    def set_labels(self, cluster: str, labels: Mapping[str, str], fingerprint: str) -> Operation:
        return self._operation(
            f"set labels of the cluster {cluster}",
            self._client.set_labels,
            {"name": self._cluster(cluster), "resourceLabels": dict(labels), "labelFingerprint": fingerprint},
        )

    def list_clusters(self) -> Sequence[Json]:
        everywhere = f"{self._parent.rpartition('/')[0]}/-"
        answer = self._ask("list the clusters", self._client.list_clusters, {"parent": everywhere})
        return Listed(answer.get("clusters", []), answer.get("missingZones", []))

    def set_maintenance_policy(self, cluster: str, policy: Json) -> Operation:
        return self._operation(
            f"set the maintenance policy of the cluster {cluster}",
            self._client.set_maintenance_policy,
            {"name": self._cluster(cluster), "maintenancePolicy": policy},
        )

    def delete_cluster(self, cluster: str) -> Operation:
        return self._operation(
            f"delete the cluster {cluster}", self._client.delete_cluster, {"name": self._cluster(cluster)}
        )

    def get_node_pool(self, cluster: str, pool: str) -> Json | None:
        return self._get(f"read the node pool {pool}", self._client.get_node_pool, {"name": self._pool(cluster, pool)})

    def create_node_pool(self, cluster: str, body: Json) -> Operation:
        return self._operation(
            f"create the node pool {body['name']}",
            self._client.create_node_pool,
            {"parent": self._cluster(cluster), "nodePool": body},
        )

    def update_node_pool(self, cluster: str, pool: str, update: Json) -> Operation:
        return self._operation(
            f"update the node pool {pool}",
            self._client.update_node_pool,
            {"name": self._pool(cluster, pool), **update},
        )

    def set_node_pool_size(self, cluster: str, pool: str, nodes_per_zone: int) -> Operation:
        return self._operation(
            f"resize the node pool {pool}",
            self._client.set_node_pool_size,
            {"name": self._pool(cluster, pool), "nodeCount": nodes_per_zone},
        )

    def set_node_pool_management(self, cluster: str, pool: str, management: Json) -> Operation:
        return self._operation(
            f"set upgrade and repair of the node pool {pool}",
            self._client.set_node_pool_management,
            {"name": self._pool(cluster, pool), "management": management},
        )

    def set_node_pool_autoscaling(self, cluster: str, pool: str, autoscaling: Json) -> Operation:
        return self._operation(
            f"set the bounds of the node pool {pool}",
            self._client.set_node_pool_autoscaling,
            {"name": self._pool(cluster, pool), "autoscaling": autoscaling},
        )

    def delete_node_pool(self, cluster: str, pool: str) -> Operation:
        return self._operation(
            f"delete the node pool {pool}", self._client.delete_node_pool, {"name": self._pool(cluster, pool)}
        )

    def get_operation(self, name: str) -> Operation:
        return self._operation(
            f"read the operation {name}", self._client.get_operation, {"name": f"{self._parent}/operations/{name}"}
        )

    def list_operations(self) -> Sequence[Operation]:
        answer = self._ask("list the operations", self._client.list_operations, {"parent": self._parent})
        return [operation_of(each) for each in answer.get("operations", [])]


_REQUESTS: Mapping[str, str] = {
    "get_cluster": "GetClusterRequest",
    "create_cluster": "CreateClusterRequest",
    "update_cluster": "UpdateClusterRequest",
    "list_clusters": "ListClustersRequest",
    "set_maintenance_policy": "SetMaintenancePolicyRequest",
    "set_labels": "SetLabelsRequest",
    "delete_cluster": "DeleteClusterRequest",
    "get_node_pool": "GetNodePoolRequest",
    "create_node_pool": "CreateNodePoolRequest",
    "update_node_pool": "UpdateNodePoolRequest",
    "set_node_pool_size": "SetNodePoolSizeRequest",
    "set_node_pool_management": "SetNodePoolManagementRequest",
    "set_node_pool_autoscaling": "SetNodePoolAutoscalingRequest",
    "delete_node_pool": "DeleteNodePoolRequest",
    "get_operation": "GetOperationRequest",
    "list_operations": "ListOperationsRequest",
}


def _refusal_of(doing: str, error: Any) -> GoogleError:
    """The answer itself says more than the client's exception, which drops the word of google.rpc.Code."""
    if error.response is not None:
        return error_of(doing, error.response)
    status = getattr(error.grpc_status_code, "name", "") if error.grpc_status_code else ""
    return GoogleError(doing, int(error.code or 0), status, str(error.message))


def gke_ports(params: Params) -> GkePorts:
    connection = Connection(GoogleSettings.from_params(params))
    return GkePorts(
        clusters=GoogleClusters(connection, str(params["location"])),
        groups=GoogleInstanceGroups(connection.rest("compute")),
        clock=SystemClock(),
    )


__all__ = ("GoogleClusters", "gke_ports")
