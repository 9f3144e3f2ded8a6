"""The table of slash commands: names, arguments, help, and what a typo may have meant.

Knows what is typed, not what it does.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `arguments` is as help shows it; empty if it takes none."""

    name: str
    arguments: str
    help: str

    @property
    def usage(self) -> str:
        """Return "/undo [N]"."""
        return f"/{self.name} {self.arguments}".rstrip()


@dataclass(frozen=True, slots=True)
class Called:
    """A command with what was written after it."""

    command: Command
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that looks like a command; `nearest` is a command's name, or empty."""

    name: str
    nearest: str = ""


COMMANDS = (
    Command("help", "[COMMAND]", "Show the commands and keys"),
    Command("plan", "TASK", "Write a plan for a task; change nothing"),
    Command("run", "[PLAN]", "Carry out a plan, step by step"),
    Command("test", "[COMMAND]", "Run the tests"),
    Command("diff", "[PATH]", "Show what changed in this session"),
    Command("undo", "[N]", "Take back the last change, or the last N"),
    Command("redo", "[N]", "Put back what was undone"),
    Command("commit", "[MESSAGE]", "Commit what changed in this session"),
    Command("files", "", "List what is in the context, with tokens"),
    Command("add", "PATH...", "Put files into the context"),
    Command("drop", "PATH...", "Take files out of the context"),
    Command("model", "[NAME]", "Show the model, or change it"),
    Command("context", "", "Show how full the context is and of what"),
    Command("stats", "", "Show tokens, time and money spent"),
    Command("escalate", "[QUESTION]", "Ask the frontier model, as far as you allow"),
    Command("approve", "", "List what is approved for good; take approvals back"),
    Command("config", "[NAME [VALUE]]", "Show settings, or change one"),
    Command("log", "", "Show what was done so far"),
    Command("resume", "[SESSION]", "Go on with an earlier session"),
    Command("clear", "", "Start anew with an empty context"),
    Command("quit", "", "End the session"),
)

KEYS = (
    ("Enter", "send; while work goes on: queue for the next turn"),
    ("Alt-Enter, Ctrl-J, \\ Enter", "new line"),
    ("Esc, Ctrl-C", "stop the work"),
    ("Ctrl-C", "clear the line; twice on an empty one: end"),
    ("Ctrl-D", "on an empty line: end"),
    ("Up", "earlier messages that begin like this one"),
    ("Ctrl-R", "search earlier messages"),
    ("@", "name a file or a symbol"),
    ("Tab", "take the first thing offered"),
    ("Ctrl-O", "unfold what was pasted, else what was done last, then what before"),
    ("Ctrl-X Ctrl-E", "write the message in $VISUAL or $EDITOR"),
)
"""What is worth knowing of the keys at the prompt."""

_BY_NAME = {command.name: command for command in COMMANDS}
_CALL = re.compile(r"/(?P<name>[A-Za-z][A-Za-z-]*|\?)(?:\s+(?P<rest>.*))?", re.DOTALL)


def parse(line: str) -> Called | Unknown | None:
    """Return the command in a line, or None: a path such as `/etc/hosts` is no command."""
    match = _CALL.fullmatch(line.rstrip())
    if match is None:
        return None
    name = match["name"].lower()
    command = _BY_NAME.get("help" if name == "?" else name)
    if command is None:
        return Unknown(match["name"], nearest(name))
    return Called(command, (match["rest"] or "").strip())


def nearest(name: str) -> str:
    """Return the command that was probably meant: its beginning, or one of like letters."""
    begins = [known for known in _BY_NAME if len(name) > 1 and known.startswith(name)]
    return (begins or difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.5) or [""])[0]


def unknown_line(unknown: Unknown) -> str:
    """Return what to say about an unknown command."""
    meant = f"did you mean /{unknown.nearest}?" if unknown.nearest else "/help lists them"
    return f"there is no command /{unknown.name}; {meant}"


def command_lines(width: int) -> list[str]:
    """Return the table for /help, no line wider than `width` cells where words allow it."""
    return _table([(command.usage, command.help) for command in COMMANDS], width)


def key_lines(width: int) -> list[str]:
    """Return the table of keys for /help, as `command_lines`."""
    return _table(KEYS, width)


def _table(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    margin = max(len(name) for name, _ in rows) + 4
    lines = []
    for name, meaning in rows:
        lines += textwrap.wrap(
            meaning,
            max(width, margin + 10),
            initial_indent=f"  {name}".ljust(margin),
            subsequent_indent=" " * margin,
        )
    return lines
