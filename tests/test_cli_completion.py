"""A shell completes commands, flags and models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs

BASH = """
source <("$0" completion bash)
while IFS= read -r line; do
    eval "COMP_WORDS=($line)"
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _qwenagent_completion "$0"
    echo "${COMPREPLY[*]}"
done
"""
OFFERED = {
    "qwenagent mod": "models",
    "qwenagent models pu": "pull",
    "qwenagent models pull 1": "1.5b 14b",
    "qwenagent run --model 0": "0.5b",
    "qwenagent '\"fix it\"' --te": "--test-cmd",
    "qwenagent runn --mo": "--model",
}
"""What is offered for a line; "runn" is no command, and so a task."""


def program() -> str:
    return str(Path(sys.executable).with_name("qwenagent"))


def test_bash_completes():
    bash = needs.program("bash")
    lines = "".join(f"{line}\n" for line in OFFERED)
    done = subprocess.run(
        [bash, "-c", BASH, program()], input=lines, capture_output=True, encoding="utf-8"
    )
    assert done.stderr == ""
    assert dict(zip(OFFERED, done.stdout.splitlines(), strict=True)) == OFFERED


# Zsh tells which word it is about, fish the word itself.
@pytest.mark.parametrize(
    ("shell", "word", "expected"), [("zsh", "3", "plain\n0.5b\n_\n"), ("fish", "0", "plain,0.5b\n")]
)
def test_other_shells_are_answered(shell, word, expected):
    asked = {
        "_QWENAGENT_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "qwenagent run --model 0",
        "COMP_CWORD": word,
    }
    env = {**os.environ, **asked}
    out = subprocess.run([program()], env=env, capture_output=True, encoding="utf-8", check=True)
    assert out.stdout == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_a_shell_reads_is_printed(shell):
    words = [program(), "completion", shell]
    out = subprocess.run(words, capture_output=True, encoding="utf-8", check=True).stdout
    assert f"_QWENAGENT_COMPLETE={shell}_complete" in out
