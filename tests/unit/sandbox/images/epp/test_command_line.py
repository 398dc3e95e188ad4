# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The picker's flags."""

from __future__ import annotations

import pytest

from sandbox.images.epp.command_line import FlagError, duration, parse

PRESET = [
    *("--pool-name", "m-inference-pool", "--pool-namespace", "rhaii-inference", "--zap-encoder", "json"),
    *("--grpc-port", "9002", "--grpc-health-port", "9003", "--secure-serving=true", "--enable-cert-reload=true"),
    *("--model-server-metrics-scheme=https", "--cert-path=/var/run/kserve/tls"),
]


def test_preset_arguments_are_read() -> None:
    found = parse(["/app/epp", *PRESET])
    assert (found.pool_name, found.pool_namespace) == ("m-inference-pool", "rhaii-inference")
    assert found.pool_group == "inference.networking.k8s.io"
    assert (found.grpc_port, found.health_port, found.metrics_port) == (9002, 9003, 9090)
    assert (found.secure, found.cert_reload, found.cert_path) == (True, True, "/var/run/kserve/tls")
    assert (found.server_metrics_scheme, found.server_metrics_verify, found.metrics_auth) == ("https", False, True)


def test_older_spelling_and_lone_switches_are_read() -> None:
    found = parse(["-poolName=p", "--grpcPort=1", "--secureServing=false", "--enable-cert-reload", "--v", "4"], "ns")
    assert (found.pool_name, found.pool_namespace, found.grpc_port) == ("p", "ns", 1)
    assert (found.secure, found.cert_reload) == (False, True)


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        pytest.param(["--pool-name=p", "--pool-size=3"], "unknown flag: --pool-size", id="unknown"),
        pytest.param([], "--pool-name is required", id="no pool"),
        pytest.param(["--pool-name"], "needs an argument", id="no value"),
        pytest.param(["--pool-name=p", "--grpc-port=x"], "whole number", id="number"),
        pytest.param(["--pool-name=p", "--secure-serving=perhaps"], "true or false", id="switch"),
        pytest.param(["--pool-name=p", "serve"], "unexpected argument", id="word"),
        pytest.param(["--pool-name=p", "--refresh-metrics-interval=5"], "a duration", id="duration"),
        pytest.param(["--pool-name=p", "--config-file=f", "--config-text=t"], "not both", id="two configurations"),
    ],
)
def test_bad_flags_are_refused(argv: list[str], part: str) -> None:
    with pytest.raises(FlagError, match=part):
        parse(argv)


@pytest.mark.parametrize(("text", "seconds"), [("50ms", 0.05), ("1m30s", 90.0), ("2h", 7200.0), ("1.5s", 1.5)])
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration("x", text) == pytest.approx(seconds)
