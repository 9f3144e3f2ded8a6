"""Help: every command has it, and where no command is given it is shown."""

from __future__ import annotations

import pytest

from qwenagent import __version__
from qwenagent.cli.app import cli
from qwenagent.cli.boundary import guarded
from qwenagent.cli.models import models

COMMANDS = [
    [], ["do"], ["run"], ["plan-prompt"], ["demo"], ["doctor"], ["bench"], ["eval"],
    ["models"], ["models", "list"], ["models", "pull"],
    ["models", "info"], ["models", "verify"], ["models", "rm"], ["models", "use"],
    ["models", "fit"], ["models", "export"], ["models", "import"],
    ["log"], ["show"], ["export"], ["clean"], ["undo"], ["redo"], ["restore"],
    ["diff"],
    ["plan"], ["review"], ["config"], ["stats"], ["session"], ["setup"], ["completion"], ["schema"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words, capsys):
    assert guarded([*words, "--help"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Usage: {' '.join(['qwenagent', *words])}")
    assert said.err == ""


def test_every_command_is_known_to_these_tests():
    known = [[name] for name in cli.commands] + [["models", name] for name in models.commands]
    assert sorted([[], *known]) == sorted(COMMANDS)


@pytest.mark.parametrize("words", [[], ["models"]], ids=["qwenagent", "models"])
def test_without_a_command_there_is_help(words, capsys):
    assert guarded(words) == 0
    said = capsys.readouterr()
    assert "Commands:" in said.out
    assert said.err == ""


def test_version(capsys):
    assert guarded(["--version"]) == 0
    assert capsys.readouterr().out == f"qwenagent, version {__version__}\n"
