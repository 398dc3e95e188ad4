# Copyright (c) 2026, the rhaii.gke authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shell's little language, as container commands use it."""

from __future__ import annotations

import pytest

from sandbox.images.shell import ShellError, command_of


def words(*argv: str, **environ: str) -> list[str]:
    return command_of(argv, environ)[0]


def test_plain_argv_is_left_alone() -> None:
    assert words("vllm", "serve", "a b", "$HOME") == ["vllm", "serve", "a b", "$HOME"]


def test_one_multi_line_string_is_a_command_line() -> None:
    text = "python3 -m vllm.entrypoints.openai.api_server\n--model=/mnt/models \\\n  --port 8000\n"
    assert words(text) == [
        "python3",
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model=/mnt/models",
        "--port",
        "8000",
    ]


def test_bash_script_continues_over_escaped_line_ends() -> None:
    assert words("/bin/bash", "-c", "exec vllm serve \\\n  /mnt/models \\\n  --port 8000") == [
        *("vllm", "serve", "/mnt/models", "--port", "8000")
    ]


def test_script_arguments_follow_where_the_script_puts_them() -> None:
    argv = ("/bin/bash", "-c", 'vllm serve /m ${MORE} "$@"', "--", "--dtype=half", "--served-model-name", "a b")
    assert words(*argv, MORE="--port 1 --seed  2") == [
        *("vllm", "serve", "/m", "--port", "1", "--seed", "2", "--dtype=half", "--served-model-name", "a b")
    ]


def test_no_arguments_leave_no_empty_word() -> None:
    assert words("sh", "-c", 'vllm serve "$@"', "--") == ["vllm", "serve"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("vllm '$HOME' \"$HOME\"", ["vllm", "$HOME", "/h"], id="quotes"),
        pytest.param("vllm ${MISSING:-x}y $MISSING", ["vllm", "xy"], id="default"),
        pytest.param("A=1\nexport B=2\nvllm $A$B", ["vllm", "12"], id="assignments"),
        pytest.param("set -e; vllm serve # a comment", ["vllm", "serve"], id="comment"),
        pytest.param('vllm "" a\\ b', ["vllm", "", "a b"], id="empty and escaped"),
        pytest.param('eval "vllm serve $HOME"', ["vllm", "serve", "/h"], id="eval"),
    ],
)
def test_script_is_expanded(script: str, expected: list[str]) -> None:
    assert words("/bin/sh", "-c", script, HOME="/h") == expected


def test_assignment_before_the_program_reaches_its_environment() -> None:
    _, environ = command_of(["bash", "-c", "PORT=9 vllm serve"], {})
    assert environ["PORT"] == "9"


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(["bash", "-c", "vllm serve | tee log"], 2, id="pipe"),
        pytest.param(["bash", "-c", "vllm serve $(date)"], 2, id="substitution"),
        pytest.param(["bash", "-c", "vllm serve\n--port 8000"], 127, id="option on its own line"),
        pytest.param(["bash", "/start.sh"], 127, id="script file"),
        pytest.param(["bash", "-c", "vllm 'open"], 2, id="open quote"),
    ],
)
def test_what_would_not_run_is_refused(argv: list[str], code: int) -> None:
    with pytest.raises(ShellError) as caught:
        command_of(argv, {})
    assert caught.value.code == code
