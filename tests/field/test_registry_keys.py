# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of docker's configuration: preflight and the cause of a failed pull go by the kubelet's rule."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.registries import is_of, offers, place_of
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.module_utils._llmisvc.causes import login_of, registry_of
from ansible_collections.rhaii.gke.plugins.module_utils._secrets import docker_config

from tests.field.rows import Row, rows

AUTH = base64.b64encode(b"user:password").decode()


@rows("registry_keys")
def test_login_is_for_the_images_that_a_kubelet_tries_it_for(row: Row) -> None:
    key, image = row.given["key"], row.given["image"]
    assert offers(key, image) is row.right
    config = json.dumps({"auths": {key: {"auth": AUTH}}})
    secret = {"data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()}}
    assert login_of(("s",), {"s": secret}, image, "n").certain is not row.right
    # preflight asks for a registry, of whose images some are below the key's path
    if row.right:
        assert docker_config(config, registry_of(image))
    elif (place := place_of(key.strip())) and not place.path and not is_of(key.strip(), registry_of(image)):
        with pytest.raises(RhaiiError, match="has no entry for"):
            docker_config(config, registry_of(image))
