# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The little of a shell that container commands use: quotes, variables, one program after its assignments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SHELLS = ("/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/sh", "bash", "sh")
IGNORED = ("set", "echo", ":", "true", "cd", "ulimit", "umask")

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*|[0-9@*])|\{([A-Za-z_]\w*|[0-9@*])(?::?-([^}]*))?\})")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


class ShellError(Exception):
    """The script would not run, or does what a stand-in cannot; `code` is the shell's exit code."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def command_of(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The program that `argv` ends in running, through shells if need be, and the variables it then sees.

    A single argument with blanks is taken for a whole command line: manifests put it there and rely on a wrapper.
    """
    words, variables = list(argv), dict(environ)
    if len(words) == 1 and len(words[0].split()) > 1:
        return program(re.sub(r"\\?\n", " ", words[0]), (), variables)
    for _ in range(4):  # a shell in a shell, but no endless row of them
        if len(words) < 2 or words[0] not in SHELLS:
            break
        script = next((place for place, word in enumerate(words[1:], 1) if word[:1] not in "-+"), None)
        if script is None or not any("c" in word for word in words[1:script]):
            raise ShellError(f"{words[0]}: this stand-in image has no script files; give the command with -c.", 127)
        words, variables = program(words[script], words[script + 1 :], variables)
    return words, variables


def program(script: str, arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The one program that `script` runs; `arguments` are $0, $1 and so on."""
    variables = dict(environ)
    found: list[str] = []
    for words in _Reader(script, arguments, variables).commands():
        words = _assign(words, variables)
        if words[:1] == ["export"]:
            _assign(words[1:], variables)
            continue
        if not words or words[0] in IGNORED:
            continue
        if words[0] == "exec":
            words = words[1:]
        elif words[0] == "eval":
            words, variables = program(" ".join(words[1:]), (), variables)
        if found:
            raise ShellError(f"bash: {words[0]}: command not found", 127)
        found = words
    if not found:
        raise ShellError("bash: the script starts no program.", 0)
    return found, variables


def _assign(words: list[str], variables: dict[str, str]) -> list[str]:
    while words and (match := _ASSIGNMENT.fullmatch(words[0])):
        variables[match[1]] = match[2]
        words = words[1:]
    return words


@dataclass
class _Word:
    """A word being read; an empty one counts once it was quoted."""

    text: str = ""
    begun: bool = False


@dataclass
class _Reader:
    """Splits a script into commands and words, expanding as it goes: assignments count from the next command on."""

    script: str
    arguments: Sequence[str]
    variables: dict[str, str]
    _place: int = 0
    _words: list[str] = field(default_factory=list)
    _word: _Word = field(default_factory=_Word)

    def commands(self) -> list[list[str]]:
        done: list[list[str]] = []
        while self._place < len(self.script):
            char = self.script[self._place]
            if char in "\n;":
                self._place += 1
                self._end_command(done)
            else:
                self._take(char)
        self._end_command(done)
        return done

    def _end_command(self, done: list[list[str]]) -> None:
        self._end_word()
        if self._words:
            # what only assigns is known to the commands after it
            if all(_ASSIGNMENT.fullmatch(word) for word in self._words if word != "export"):
                _assign([word for word in self._words if word != "export"], self.variables)
            done.append(self._words)
            self._words = []

    def _end_word(self) -> None:
        if self._word.begun:
            self._words.append(self._word.text)
        self._word = _Word()

    def _take(self, char: str) -> None:
        if char in " \t":
            self._end_word()
            self._place += 1
        elif char == "#" and not self._word.begun:
            end = self.script.find("\n", self._place)
            self._place = len(self.script) if end < 0 else end
        elif char == "'":
            end = self.script.find("'", self._place + 1)
            if end < 0:
                raise ShellError("bash: unexpected end of file while looking for matching `''")
            self._add(self.script[self._place + 1 : end])
            self._place = end + 1
        elif char == '"':
            self._place += 1
            self._quoted()
        elif char == "\\":
            following = self.script[self._place + 1 : self._place + 2]
            if following != "\n":
                self._add(following)
            self._place += 2
        elif char == "$":
            self._expand(quoted=False)
        elif char in "|&<>`()":
            raise ShellError(f"bash: the stand-in's shell does not know `{char}'; start the program directly.")
        else:
            self._add(char)
            self._place += 1

    def _add(self, text: str) -> None:
        self._word.text += text
        self._word.begun = True

    def _quoted(self) -> None:
        self._word.begun = True
        while self._place < len(self.script):
            char = self.script[self._place]
            if char == '"':
                self._place += 1
                return
            if char == "$":
                self._expand(quoted=True)
                continue
            if char == "\\" and self.script[self._place + 1 : self._place + 2] in ('"', "\\", "$", "\n"):
                following = self.script[self._place + 1]
                self._add("" if following == "\n" else following)
                self._place += 2
                continue
            self._add(char)
            self._place += 1
        raise ShellError("bash: unexpected end of file while looking for matching `\"'")

    def _expand(self, *, quoted: bool) -> None:
        match = _VARIABLE.match(self.script, self._place)
        if not match:
            if self.script.startswith("$(", self._place):
                raise ShellError("bash: the stand-in's shell runs no $(command); start the program directly.")
            self._add("$")
            self._place += 1
            return
        self._place = match.end()
        name = match[1] or match[2]
        if name in "@*":
            self._positional(quoted=quoted)
            return
        value = self._value(name) or (match[3] or "")
        if quoted:
            self._add(value)
            return
        # unquoted text is split at blanks, its ends joining what stands beside it
        parts = value.split()
        if value[:1].isspace():
            self._end_word()
        for place, part in enumerate(parts):
            if place:
                self._end_word()
            self._add(part)
        if value[-1:].isspace():
            self._end_word()

    def _value(self, name: str) -> str:
        if name.isdigit():
            return self.arguments[int(name)] if int(name) < len(self.arguments) else ""
        return self.variables.get(name, "")

    def _positional(self, *, quoted: bool) -> None:
        values = [part for value in self.arguments[1:] for part in ([value] if quoted else value.split())]
        if not values and not self._word.text:
            self._word.begun = False
        for place, value in enumerate(values):
            if place:
                self._end_word()
            self._add(value)
