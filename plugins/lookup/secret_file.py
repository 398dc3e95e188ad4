# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: secret_file
author: The rhaii.gke authors (@rhaii-gke)
version_added: 0.2.0
short_description: Read a file with a secret as every role of the collection does
description:
  - Gives out the text of a file that was saved in UTF-8 or UTF-16, with or without a byte order mark.
  - Decrypts a file of ansible-vault with the passwords that the run was given.
  - A relative path is one from the folder in which Ansible was called, as with C(-e @FILE). A C(~) is a home, and
    variables of the environment are replaced, as in every option that is a path.
  - Fails with one sentence that does not repeat the content.
options:
  _terms:
    description: Paths of the files.
    type: list
    elements: str
    required: true
  what:
    description: What the file is, for a sentence.
    type: str
    default: file with a secret
  told:
    description:
      - Whether what is wrong with a file is told in the value, and does not fail.
      - The value is then a dictionary of C(path), C(content), C(problem) and C(remedy).
    type: bool
    default: false
seealso:
  - plugin: rhaii.gke.docker_config
    plugin_type: filter
  - plugin: rhaii.gke.hf_token
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the pull secret
  ansible.builtin.set_fact:
    credentials: "{{ lookup('rhaii.gke.secret_file', 'redhat-pull-secret.yaml') | rhaii.gke.docker_config }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The texts, or the dictionaries, in the order of the paths.
  type: list
  elements: raw
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.rhaii.gke.plugins.module_utils._answers import truth
from ansible_collections.rhaii.gke.plugins.module_utils._credentials.files import read
from ansible_collections.rhaii.gke.plugins.module_utils._errors import RhaiiError
from ansible_collections.rhaii.gke.plugins.plugin_utils._plain import plain
from ansible_collections.rhaii.gke.plugins.plugin_utils._secret_files import decrypting


class LookupModule(LookupBase):
    def run(self, terms: Any, variables: Any = None, **kwargs: Any) -> list[Any]:
        what, told = str(kwargs.get("what", "file with a secret")), truth(kwargs.get("told", False))
        return [self._one(str(plain(term)), what, told) for term in terms]

    def _one(self, path: str, what: str, told: bool) -> Any:
        plugin: Any = self  # ansible-core's is untyped
        try:
            content = read(path, what, "", decrypting(plugin._loader)) if path else ""
        except RhaiiError as error:
            if not told:
                raise AnsibleLookupError(str(error)) from None
            return {"path": path, "content": None, "problem": error.msg, "remedy": error.remedy}
        return {"path": path, "content": content, "problem": "", "remedy": ""} if told else content
