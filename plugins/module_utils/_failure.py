# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is PRIVATE to the collection.
"""Why a task failed, in one sentence: from whatever result it left, without its dump, its traceback or a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.rhaii.gke.plugins.module_utils._errors import flat

LONGEST = 300

# What a secret looks like, wherever somebody else's message has one.
_SECRETS = re.compile(
    r"ya29\.[\w.-]+|hf_[A-Za-z0-9]{8,}|eyJ[\w-]{8,}\.[\w.-]+|-----BEGIN [A-Z ]+-----.*"
    r"|(?<=Bearer )\S+|(?<=Basic )\S+|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?<=password=)\S+|(?<=token=)\S+|(?<=password: )\S+|(?<=token: )\S+",
    re.DOTALL,
)
# ansible-core's own words around somebody else's, by version.
_FRAMES = re.compile(
    r"^(?:(?:Task failed|Module failed|Action failed|Unexpected failure during module execution"
    r"|An unhandled exception occurred while templating|Error while resolving value for '[^']*'"
    r"|Finalization of task args for '[^']*' failed"
    r"|The task includes an option with an undefined variable\.? ?\.? ?The error was"
    r"|The (?:filter|lookup|test) plugin '[^']*' failed"
    r"|The conditional check .*? failed\. The error was|Error while evaluating conditional): ?)"
)
_CHATTER = re.compile(
    r"(?:\n|^)(?:The error appears to be in|The offending line|To see the full traceback|Origin: ).*", re.DOTALL
)
_NOTHING = re.compile(
    r"^(?:MODULE FAILURE|See stdout/stderr|All items completed|One or more items failed|non-zero return code"
    r"|Module result deserialization failed|No start of json char found|\(traceback unavailable\))",
    re.IGNORECASE,
)
# What the client libraries put in front of what Google says.
_REQUEST = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) https?://\S+: ")
_NOBODY = re.compile(
    r"HTTPS?ConnectionPool\(host='([^']*)', port=(\d+)\): Max retries exceeded(?:.*?\[Errno -?\d+\] ([^\"')]+))?.*",
    re.DOTALL,
)
_OPERATION = re.compile(r" \(operation-[\w-]+\)")
# Where one sentence ends: not in front of a small letter, not within brackets or quotes.
_END = re.compile(r"[.!?](?=\s+[\"(\[]?[A-Z]|\s+'|\s*$)")
_ABBREVIATIONS = ("e.g.", "i.e.", "etc.", "vs.", "resp.")
_STATUS = re.compile(r"\{.*\}", re.DOTALL)
_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\]|\\.)*)"')
_LAST_LINE = re.compile(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Exit|Warning|Interrupt)\w*): ?(.*)$")


def failure_sentence(result: Mapping[str, Any], task: Mapping[str, Any]) -> str:
    """Of a task as Ansible hands both to a rescue."""
    name = title(str(task.get("name") or ""))
    if is_secret(result, task):
        return f"The task {name!r} failed, and what it says is secret." if name else "What the task says is secret."
    if result.get("stockout") is True and result.get("location"):
        # Google counts machines first, and says the reason last
        name = result.get("name") or "the pool"
        return f"{result['location']} has no such machines at the moment (a stockout), so that {name} lacks some."
    said = next(_sayings(result), "")
    if said:
        return _closed(said)
    what = f"the task {name!r}" if name else "the task"
    attempts = result.get("attempts")
    if attempts:
        return f"What {what} waits for did not come true in {attempts} looks."
    return f"T{what[1:]} failed and did not say why."


def title(name: str) -> str:
    """Without the role and the file that it is in."""
    return name.rpartition(" | ")[2] if " | " in name else name.rpartition(" : ")[2]


def is_secret(result: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    return bool("censored" in result or result.get("_ansible_no_log") is True or task.get("no_log") is True)


def _sayings(result: Mapping[str, Any]) -> Iterator[str]:
    """What it has to say for itself, the most telling first."""
    for item in result.get("results") or []:
        if isinstance(item, Mapping) and item.get("failed"):
            yield "What an item of the task says is secret." if is_secret(item, {}) else next(_sayings(item), "")
    error = _helm_error(str(result.get("stderr") or ""))
    if error:
        yield error
    if str(result.get("msg") or "").startswith("Error executing command"):
        # its arguments may be secret
        yield f"{next(iter(_text(result.get('cmd')).split()), 'the command')} cannot be run"
    for member in ("msg", "reason", "module_stderr", "exception", "stderr", "module_stdout"):
        said = sentence(_text(result.get(member)))
        if said:
            yield said


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "\n".join(map(str, value))
    return "" if value is None or isinstance(value, Mapping) else str(value)


def _helm_error(stderr: str) -> str:
    """Helm warns of many things before it says what is wrong."""
    errors = [line for line in stderr.splitlines() if line.startswith("Error: ")]
    return sentence(errors[-1].removeprefix("Error: ")) if errors else ""


def sentence(text: str) -> str:
    """The first one that says something, in one line; '' when there is none."""
    text = _CHATTER.sub("", text).strip()
    text = _of_traceback(text) if "Traceback (most recent call last)" in text else text
    text = _NOBODY.sub(_nobody, _OPERATION.sub("", _REQUEST.sub("", _without_json(text))))
    while True:
        shorter = _FRAMES.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not _NOTHING.match(line)]
    if not lines:
        return ""
    findings = [line.split(maxsplit=1)[1] for line in lines if line.startswith("failed ")]
    if findings:
        # the checks' table, most of whose lines are well
        more = f"{len(findings)} checks failed, the first is " if len(findings) > 1 else ""
        lines = [more + " ".join(findings[0].split())]
    said = _first(lines[0])
    if len(lines) > 1 and said == lines[0].rstrip(".:") and len(said) < 80:
        # a heading, and what is beneath it
        said = f"{said}: {_first(' '.join(lines[1].split()))}"
    return flat(without_secrets(said), LONGEST)


def without_secrets(text: str) -> str:
    """Somebody else's words, fit to be repeated."""
    return _SECRETS.sub("(not shown)", text)


def _nobody(found: re.Match[str]) -> str:
    reason = f" ({found[3].strip()})" if found[3] else ""
    return f"nobody answers at {found[1]}:{found[2]}{reason}"


def _first(line: str) -> str:
    """Up to the end of the first sentence, without its full stop."""
    for end in _END.finditer(line):
        before = line[: end.end()]
        if not before.endswith(_ABBREVIATIONS) and _balanced(before):
            return before.rstrip(".")
    return line.rstrip(".:")


def _balanced(text: str) -> bool:
    return all(text.count(left) == text.count(right) for left, right in ("()", "[]")) and not text.count('"') % 2


def _of_traceback(text: str) -> str:
    """What it ends in: the exception and what that says."""
    for line in reversed([each.strip() for each in text.splitlines() if each.strip()]):
        found = _LAST_LINE.match(line)
        if found:
            return f"{found[1]}: {found[2]}" if found[2] else found[1]
    return text.partition("Traceback (most recent call last)")[0]


def _without_json(text: str) -> str:
    """In place of an object that an API answered, what its message says."""
    found = _STATUS.search(text)
    if not found:
        return text
    message = _MESSAGE.search(found[0])
    if not message:
        return f"{text[: found.start()].rstrip(' :b').rstrip()}{text[found.end() :].lstrip(chr(39))}"
    try:
        said = json.loads(f'"{message[1]}"')
    except ValueError:
        said = message[1]
    return f"{_before_json(text[: found.start()])}{said}"


def _before_json(text: str) -> str:
    """'Failed to apply object: b' in front of the quoted answer loses what is Python's."""
    return re.sub(r"\b(?:b)?['\"]$", "", text)


def _closed(said: str) -> str:
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


__all__ = ("LONGEST", "failure_sentence", "is_secret", "sentence", "title", "without_secrets")
