# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``/manager`` of the KServe controller's image."""

from __future__ import annotations

import asyncio

from sandbox.images import admission, tls_files
from sandbox.images.container import Container, run
from sandbox.images.kserve.admission import config_problems, config_warnings, service_problems
from sandbox.images.kserve.controller import Controller
from sandbox.images.kserve.look import Environment

CERTIFICATES = "/tmp/k8s-webhook-server/serving-certs"
WEBHOOK_PORT = 9443
HEALTH_PORT = 8081


async def main() -> None:
    """Serve probes and webhooks, and reconcile services, until stopped."""
    container = Container.current()
    environ = container.environ
    environment = Environment(
        system_namespace=environ.get("POD_NAMESPACE") or container.namespace,
        ca_secret=environ.get("SERVICE_CA_SIGNING_SECRET_NAME", "opendatahub-ca"),
        ca_secret_namespace=environ.get("SERVICE_CA_SIGNING_SECRET_NAMESPACE", "cert-manager"),
        gateway_ca_file=environ.get("ISTIO_CA_CERTIFICATE_PATH", "/var/run/secrets/opendatahub/ca.crt"),
        speed=container.speed,
    )
    certificate, key = (container.root(f"{CERTIFICATES}/{name}") for name in ("tls.crt", "tls.key"))
    context = tls_files.server_context(certificate, key)
    async with container.kube() as client:
        controller = Controller(client, environment, container.log)
        checks = {"/healthz": lambda: True, "/readyz": lambda: controller.ready}
        path = "/validate-serving-kserve-io-v1alpha1"
        webhooks = admission.application(
            {
                f"{path}-llminferenceservice": service_problems,
                f"{path}-llminferenceserviceconfig": config_problems,
            },
            {f"{path}-llminferenceserviceconfig": config_warnings},
        )
        runners = [
            await admission.serve(admission.health_application(checks), HEALTH_PORT),
            await admission.serve(webhooks, WEBHOOK_PORT, context),
        ]
        container.up()
        reloading = asyncio.create_task(tls_files.reload_on_change(context, certificate, key, container.log))
        try:
            await controller.run()
        finally:
            reloading.cancel()
            for runner in runners:
                await runner.cleanup()


if __name__ == "__main__":
    run(main())
