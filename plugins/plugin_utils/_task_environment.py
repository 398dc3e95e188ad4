# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is PRIVATE to the collection.
"""A task's `environment` that would make it act as somebody else, or by another way: in process it is refused.

It could be put into the process of the task, which is a fork of its own. But lookups that make its options have run by
then, the run's tokens may be another identity's, and the clients read some of these variables when they are loaded:
half of it would count, which is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._capability import ArgumentSpec

GOOGLE, KUBERNETES, HUB = "auth_kind", "kubeconfig", "ca_file"
"""An option by which a capability is known to ask Google, Kubernetes or another service."""
_AUTHORITIES = ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE")
_AUTHORITY_OPTIONS = ("ca_file", "ca_cert", "endpoint_ca_file")
_PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
# Where application default credentials and ~/.kube/config lie.
_HOME = ("HOME",)
_GOOGLES = ("CLOUDSDK_", "GCE_", "GCP_", "GOOGLE_")
_KUBERNETES = ("K8S_AUTH_", "KUBECONFIG")


def merged(said: Any) -> dict[str, Any]:
    """The environment of a task as one mapping, which ansible-core makes of a list by the time that a task runs."""
    parts = said if isinstance(said, list) else [said]
    return {name: value for part in parts if isinstance(part, Mapping) for name, value in part.items()}


def refusal(
    name: str,
    spec: ArgumentSpec,
    args: Mapping[str, Any],
    environment: Mapping[str, Any],
    now: Mapping[str, str],
) -> str:
    """Why a task cannot have this environment, '' when it can; `now` is that of ansible-playbook.

    What is there already, or what an option of the task decides, changes nothing and is no reason.
    """
    given = {option for option, rule in spec.items() if _is_given(option, rule, args)}
    changes = [each for each in environment if str(environment[each] or "") != now.get(each, "")]
    wrong = {each: _options(each, spec) for each in sorted(changes) if _counts(each, spec, given)}
    if not wrong:
        return ""
    options = sorted({option for found in wrong.values() for option in found})
    way = f"Give the option {' or '.join(options)} instead, or set" if options else "Set"
    return (
        f"rhaii.gke.{name} runs within ansible-playbook, where the environment of a task does not reach it: "
        f"{', '.join(wrong)} would be ignored, and the task act as somebody else or by another way than was meant. "
        f"{way} {'it' if len(wrong) == 1 else 'them'} in the environment of ansible-playbook itself."
    )


def _is_given(option: str, rule: Mapping[str, Any], args: Mapping[str, Any]) -> bool:
    return any(args.get(each) not in (None, "") for each in (option, *rule.get("aliases", ())))


def _counts(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    """Whether the capability, or a client that it uses, would look at a variable."""
    decide = _DECIDING.get(variable) or _DECIDING.get(_kind(variable))
    return decide is not None and decide(variable, spec, given)


def _kind(variable: str) -> str:
    # clients read proxies in both spellings
    if variable.upper() in _PROXIES:
        return "proxy"
    kinds = {"google": _GOOGLES, "kubernetes": _KUBERNETES, "authority": _AUTHORITIES, "home": _HOME}
    return next((kind for kind, beginnings in kinds.items() if variable.startswith(beginnings)), "")


def _google(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    if _fallbacks(variable, spec):
        return not _decided(variable, spec, given)
    return _default_credentials(variable, spec, given)


def _default_credentials(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    """What says where the application default credentials are: of no interest where the task names others."""
    own = GOOGLE in given and given & {"access_token", "service_account_file"}
    return GOOGLE in spec and not own


def _kubernetes(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    return KUBERNETES in spec and not _decided(variable, spec, given)


def _kubeconfig(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    return KUBERNETES in spec and not given & {"host", "kubeconfig"}


def _home(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    return _kubeconfig(variable, spec, given) or _default_credentials(variable, spec, given)


def _proxy(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    return bool({GOOGLE, KUBERNETES, HUB} & set(spec))


def _authority(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    options = {option for option in _AUTHORITY_OPTIONS if option in spec}
    return bool(options) and not options <= given


def _decided(variable: str, spec: ArgumentSpec, given: set[str]) -> bool:
    """Whether the option that the variable stands in for is given."""
    options = _fallbacks(variable, spec)
    return bool(options) and options <= given


def _fallbacks(variable: str, spec: ArgumentSpec) -> set[str]:
    return {option for option, rule in spec.items() if variable in (rule.get("fallback") or ((), []))[1]}


def _options(variable: str, spec: ArgumentSpec) -> set[str]:
    """The options that say what the variable says."""
    known = _fallbacks(variable, spec)
    if variable == "GOOGLE_APPLICATION_CREDENTIALS":
        known = {"service_account_file"}
    elif variable == "KUBECONFIG":
        known = {"kubeconfig"}
    elif variable in _AUTHORITIES:
        known = set(_AUTHORITY_OPTIONS)
    return known & set(spec)


_DECIDING: dict[str, Callable[[str, ArgumentSpec, set[str]], bool]] = {
    "KUBECONFIG": _kubeconfig,
    "authority": _authority,
    "google": _google,
    "home": _home,
    "kubernetes": _kubernetes,
    "proxy": _proxy,
}

__all__ = ("merged", "refusal")
