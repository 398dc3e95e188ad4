# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Lua filter between ext_proc and the router: the picker's cluster addresses become this machine's."""

from __future__ import annotations

from typing import Any

from sandbox.images.proxyv2.place import Place

NAME = "sandbox.destination_endpoint"
METADATA_NAMESPACE = "envoy.lb"
METADATA_KEY = "x-gateway-destination-endpoint"

# override_host compares with the endpoints that Envoy dials, so the answer must be spelled like them
SOURCE = """
function envoy_on_request(handle)
  local metadata = handle:streamInfo():dynamicMetadata()
  local namespace = metadata:get("{namespace}")
  local answer = namespace and namespace["{key}"]
  if type(answer) ~= "string" then
    return
  end
  local endpoints = {{}}
  for endpoint in string.gmatch(answer, "[^,%s]+") do
    local rest, port = string.match(endpoint, "^10(%.%d+%.%d+%.%d+):(%d+)$")
    if rest then
      local number = tonumber(port)
      if number < {first} then
        number = number + {moved}
      end
      endpoint = string.format("127%s:%d", rest, number)
    end
    endpoints[#endpoints + 1] = endpoint
  end
  metadata:set("{namespace}", "{key}", table.concat(endpoints, ","))
end
"""


def endpoint_filter(place: Place) -> dict[str, Any]:
    """The HTTP filter."""
    first, moved = place.shifted_ports
    source = SOURCE.format(namespace=METADATA_NAMESPACE, key=METADATA_KEY, first=first, moved=moved)
    return {
        "name": NAME,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": source},
        },
    }
