# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this document fragment is PRIVATE to the collection.

from __future__ import annotations


class ModuleDocFragment:
    # Keep in step with module_utils/_argspec.py.
    DOCUMENTATION = r"""
options:
  project:
    description:
      - Id of the Google Cloud project.
      - When not given, E(GCP_PROJECT) or E(GCE_PROJECT) is used.
    type: str
    required: true
  endpoints:
    description:
      - Addresses that stand in for Google's, one an API.
      - An API that is not named here is reached at its own address.
    type: dict
    suboptions:
      container:
        description: Base URL of the Kubernetes Engine API.
        type: str
      compute:
        description: Base URL of the Compute Engine API.
        type: str
      cloudquotas:
        description: Base URL of the Cloud Quotas API.
        type: str
      serviceusage:
        description: Base URL of the Service Usage API.
        type: str
      cloudresourcemanager:
        description: Base URL of the Cloud Resource Manager API.
        type: str
      cloudbilling:
        description: Base URL of the Cloud Billing API.
        type: str
      monitoring:
        description: Base URL of the Cloud Monitoring API.
        type: str
      iamcredentials:
        description:
          - Base URL of the Service Account Credentials API.
          - Only used with O(impersonate_service_account).
        type: str
      oauth2:
        description:
          - Base URL of the token service, in place of what the key file names.
          - Only used with O(auth_kind=serviceaccount), and to ask whose a token is.
        type: str
  ca_file:
    description: PEM file with the authorities that sign the endpoints' certificates, in place of the system's.
    type: path
  auth_kind:
    description:
      - How to identify to Google.
      - V(application) uses the application default credentials, which E(GOOGLE_APPLICATION_CREDENTIALS) may name.
      - When not given, E(GCP_AUTH_KIND) is used. A Google Compute Engine credential of AWX sets it, together with
        E(GCP_SERVICE_ACCOUNT_FILE) and E(GCP_PROJECT), so that nothing more need be given there.
      - Environment variables count that C(ansible-playbook) was started with. On a local connection the task runs
        inside of it, where the task's C(environment) does not reach.
    type: str
    choices: [application, serviceaccount, accesstoken]
    default: application
  service_account_file:
    description:
      - JSON key file, for O(auth_kind=serviceaccount).
      - When not given, E(GCP_SERVICE_ACCOUNT_FILE) or E(GCE_CREDENTIALS_FILE_PATH) is used.
    type: path
  access_token:
    description:
      - OAuth access token, for O(auth_kind=accesstoken). It cannot be renewed, so that a long wait may outlive it.
      - When not given, E(GCP_ACCESS_TOKEN) is used.
    type: str
  impersonate_service_account:
    description:
      - Email of a service account to act as. The account that O(auth_kind) names asks Google for its tokens, and needs
        C(roles/iam.serviceAccountTokenCreator) on it.
      - When not given, E(GOOGLE_IMPERSONATE_SERVICE_ACCOUNT) or E(CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT) is used.
    type: str
  quota_project:
    description:
      - Project that calls are counted against, sent as C(x-goog-user-project). Some APIs refuse the credentials of a
        user, as C(gcloud auth application-default login) makes them, without one.
      - When not given, E(GOOGLE_CLOUD_QUOTA_PROJECT) is used, then the project that the credentials name
        (C(gcloud auth application-default set-quota-project)).
      - The account needs C(roles/serviceusage.serviceUsageConsumer) on it.
    type: str
  request_timeout:
    description:
      - How long one request may take, in seconds.
      - What is safe to repeat is asked once more when nothing answers in time, and no more often than that. A task that
        waits asks again, until its own time-out, once Google has answered it.
    type: int
    default: 60
requirements:
  - google-auth
  - requests
"""

    # For modules that use the client library of the Kubernetes Engine API. ansible-core refuses one without options.
    CONTAINER = r"""
options: {}
requirements:
  - google-cloud-container >= 2.57
"""
