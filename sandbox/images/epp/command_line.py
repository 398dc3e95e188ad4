# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoint picker's flags, in Go's notation: --name value, --name=value, and switches that stand alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

PROGRAMS = ("/app/epp", "/epp", "epp")

SWITCHES = {
    "secure-serving": True,
    "enable-cert-reload": False,
    "metrics-endpoint-auth": True,
    "health-checking": False,
    "model-server-metrics-https-insecure-skip-verify": True,
    "ha-enable-leader-election": False,
    "tracing": True,
    "enable-pprof": True,
    "zap-devel": True,
}
NUMBERS = {
    "grpc-port": 9002,
    "grpc-health-port": 9003,
    "metrics-port": 9090,
    "model-server-metrics-port": 0,
    "v": 2,
}
TEXTS = {
    "pool-name": "",
    "pool-namespace": "",
    "pool-group": "inference.networking.k8s.io",
    "cert-path": "",
    "config-file": "",
    "config-text": "",
    "refresh-metrics-interval": "50ms",
    "refresh-prometheus-metrics-interval": "5s",
    "metrics-staleness-threshold": "2s",
    "model-server-metrics-path": "/metrics",
    "model-server-metrics-scheme": "http",
    "total-queued-requests-metric": "vllm:num_requests_waiting",
    "total-running-requests-metric": "vllm:num_requests_running",
    "kv-cache-usage-percentage-metric": "vllm:kv_cache_usage_perc",
    "lora-info-metric": "vllm:lora_requests_info",
    "cache-info-metric": "vllm:cache_config_info",
    "endpoint-selector": "",
    "endpoint-target-ports": "",
    "metrics-cert-dir": "",
    "zap-encoder": "console",
    "zap-log-level": "",
    "zap-stacktrace-level": "",
    "zap-time-encoding": "",
    "kubeconfig": "",
}
TRUE, FALSE = ("1", "t", "true", "TRUE", "True", "T"), ("0", "f", "false", "FALSE", "False", "F")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "us": 1e-6}


class FlagError(Exception):
    """The command line is refused."""


@dataclass(frozen=True)
class Options:
    """What the stand-in acts on."""

    pool_name: str
    pool_namespace: str
    pool_group: str
    grpc_port: int
    health_port: int
    metrics_port: int
    metrics_auth: bool
    secure: bool
    cert_path: str
    cert_reload: bool
    config_file: str
    config_text: str
    metrics_interval: float
    server_metrics_port: int
    server_metrics_path: str
    server_metrics_scheme: str
    server_metrics_verify: bool
    queued_metric: str
    running_metric: str
    usage_metric: str
    cache_metric: str


def parse(argv: Sequence[str], namespace: str = "default") -> Options:
    """The options of a container's argv; `namespace` is the pod's own, the default for the pool."""
    switches, numbers, texts = dict(SWITCHES), dict(NUMBERS), dict(TEXTS)
    words = list(argv[1:] if argv and argv[0] in PROGRAMS else argv)
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            raise FlagError(f"unexpected argument {word!r}; flags are --name=value")
        name, equals, value = word.lstrip("-").partition("=")
        name = kebab(name)
        if name in switches:
            switches[name] = boolean(name, value if equals else "true")
            continue
        if name not in numbers and name not in texts:
            raise FlagError(f"unknown flag: --{name}")
        if not equals:
            if not words:
                raise FlagError(f"flag needs an argument: --{name}")
            value = words.pop(0)
        if name in texts:
            texts[name] = value
        else:
            numbers[name] = whole(name, value)
    if not texts["pool-name"]:
        raise FlagError("--pool-name is required")
    if texts["config-file"] and texts["config-text"]:
        raise FlagError("give --config-file or --config-text, not both")
    return Options(
        pool_name=texts["pool-name"],
        pool_namespace=texts["pool-namespace"] or namespace,
        pool_group=texts["pool-group"],
        grpc_port=numbers["grpc-port"],
        health_port=numbers["grpc-health-port"],
        metrics_port=numbers["metrics-port"],
        metrics_auth=switches["metrics-endpoint-auth"],
        secure=switches["secure-serving"],
        cert_path=texts["cert-path"],
        cert_reload=switches["enable-cert-reload"],
        config_file=texts["config-file"],
        config_text=texts["config-text"],
        metrics_interval=duration("refresh-metrics-interval", texts["refresh-metrics-interval"]),
        server_metrics_port=numbers["model-server-metrics-port"],
        server_metrics_path=texts["model-server-metrics-path"],
        server_metrics_scheme=texts["model-server-metrics-scheme"],
        server_metrics_verify=not switches["model-server-metrics-https-insecure-skip-verify"],
        queued_metric=texts["total-queued-requests-metric"],
        running_metric=texts["total-running-requests-metric"],
        usage_metric=texts["kv-cache-usage-percentage-metric"],
        cache_metric=texts["cache-info-metric"],
    )


def kebab(name: str) -> str:
    """`poolName`, as older versions spell it, is `pool-name`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: f"-{match[1].lower()}", name)


def boolean(name: str, value: str) -> bool:
    """Go's true and false."""
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise FlagError(f"invalid argument {value!r} for --{name}: wanted true or false")


def whole(name: str, value: str) -> int:
    """A whole number."""
    try:
        return int(value)
    except ValueError as error:
        raise FlagError(f"invalid argument {value!r} for --{name}: wanted a whole number") from error


def duration(name: str, value: str) -> float:
    """Seconds of a Go duration such as 50ms or 1m30s."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|us|s|m|h)", value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        raise FlagError(f"invalid argument {value!r} for --{name}: wanted a duration such as 50ms")
    return sum(float(number) * UNITS[unit] for number, unit in parts)
