# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol's generated classes.

They build themselves when they are imported, so that a type checker finds nothing in them: taken as Any, in one place.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

base: Any = import_module("envoy.config.core.v3.base_pb2")
http_status: Any = import_module("envoy.type.v3.http_status_pb2")
pb: Any = import_module("envoy.service.ext_proc.v3.external_processor_pb2")
pb_grpc: Any = import_module("envoy.service.ext_proc.v3.external_processor_pb2_grpc")
ProcessingMode: Any = import_module("envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2").ProcessingMode
struct: Any = import_module("google.protobuf.struct_pb2")
