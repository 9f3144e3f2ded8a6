"""The README says what the program says: its flags, its commands."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from qwenagent.cli.app import cli
from qwenagent.cli.boundary import guarded
from qwenagent.escalate import classes_markdown
from qwenagent.registry import fits_markdown

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"(?<=<!-- help: run -->\n```\n).*?(?=```\n<!-- /help -->)", re.DOTALL)
SECRETS = re.compile(r"(?<=<!-- secrets -->\n).*?(?=<!-- /secrets -->)", re.DOTALL)
FITS = re.compile(r"(?<=<!-- fits -->\n).*?(?=<!-- /fits -->)", re.DOTALL)
UPDATE = os.environ.get("QWENAGENT_UPDATE_SNAPSHOTS") == "1"
"""Read here: each test runs without the variables of the machine."""


def test_the_flags_are_those_of_run(capsys, monkeypatch):
    """QWENAGENT_UPDATE_SNAPSHOTS=1 writes the block anew."""
    monkeypatch.setenv("COLUMNS", "80")
    assert guarded(["run", "--help"]) == 0
    help_text = capsys.readouterr().out
    text = README.read_text(encoding="utf-8")
    if UPDATE:
        text = BLOCK.sub(lambda _: help_text, text)
        README.write_text(text, encoding="utf-8", newline="\n")
    assert BLOCK.findall(text) == [help_text]


def test_the_table_of_what_fits_is_that_of_the_cards():
    """QWENAGENT_UPDATE_SNAPSHOTS=1 writes the block anew."""
    text = README.read_text(encoding="utf-8")
    if UPDATE:
        text = FITS.sub(lambda _: fits_markdown(), text)
        README.write_text(text, encoding="utf-8", newline="\n")
    assert FITS.findall(text) == [fits_markdown()]


def test_the_table_of_secrets_is_what_is_claimed():
    """QWENAGENT_UPDATE_SNAPSHOTS=1 writes the block anew."""
    text = README.read_text(encoding="utf-8")
    if UPDATE:
        text = SECRETS.sub(lambda _: classes_markdown(), text)
        README.write_text(text, encoding="utf-8", newline="\n")
    assert SECRETS.findall(text) == [classes_markdown()]


def commands() -> Iterator[list[str]]:
    """Every call of the program in the blocks for the shell, and in the text."""
    text = README.read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            for at in (i for i, word in enumerate(words) if word == "qwenagent"):
                yield words[at + 1 :]
    for span in re.findall(r"`qwenagent ([^`\n]+)`", text):
        yield shlex.split(span)


def test_there_are_commands_to_check():
    assert ["run", "plan.md"] in list(commands())


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_exists(words):
    group: click.Command = cli
    while isinstance(group, click.Group):
        if not words:
            return  # a session
        names = words[0].split("|")
        if " " in names[0]:
            return  # a task
        assert set(names) <= set(group.commands), words
        group, words = group.commands[names[0]], words[1:]
    flags = {name for option in group.params for name in option.opts}
    assert {word for word in words if word.startswith("-") and word != "-"} <= flags
