"""A plan and its steps as values. Knows neither Markdown nor what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StepKind = Literal["edit", "command", "you"]
"""What a step asks for: a change of files, a command of the project to be run, or something that
only the user can do (install, migrate, release, anything outside of the repository)."""


EscalateKind = Literal["advice", "patch"]
"""What a step wishes to be asked for of a model elsewhere; a wish needs the user's yes."""


@dataclass(frozen=True, slots=True)
class Example:
    """A literal example in a step's text: what a call gives, as code of the project's language."""

    text: str
    """As written, for messages."""
    call: str
    """An expression, e.g. `slugify("A b")`."""
    expected: str
    """The literal it equals; the exception's name where `raises` is true."""
    raises: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    number: int
    """Position in the plan, from 1."""
    title: str
    """One line of at most 100 characters without Markdown marks and without "Step 3 -" or "3."."""
    text: str
    """The whole Markdown as written, dedented, without list marker and checkbox."""
    files: tuple[str, ...]
    """From `Files:`, POSIX, relative, in order."""
    mentions: tuple[str, ...]
    """Every path-like name in the step: `files` first, then in order of appearance, each once."""
    test: str | None
    """The command in `Test:`; several are joined by "&&"."""
    test_code: str | None
    """The fenced block in a programming language that follows `Test:`."""
    test_lang: str
    """The info string of that block."""
    done_when: str
    """From `Done when:` or `Acceptance:`; empty if there is none."""
    depends_on: tuple[int, ...]
    """Numbers of earlier steps, ascending."""
    checked: bool
    """True if its box is ticked."""
    line: int
    """Where it starts in the file, from 1; lines end at LF, CRLF or CR."""
    digest: str
    """SHA-256 of the text; ticking and renumbering leave it as it is."""
    kind: StepKind = "edit"
    command: str | None = None
    """What a step of the kind "command" runs; several are joined by "&&"."""
    test_path: str = ""
    """The file that `test_code` names as its own place; empty if it names none."""
    examples: tuple[Example, ...] = ()
    escalate: EscalateKind | None = None
    """From `Escalate:`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as read from a file."""

    path: str
    """As given to the reader, for messages."""
    title: str
    """The document's title, or the file's name without its suffix."""
    preamble: str
    """Markdown that applies to all steps: goal, context, constraints."""
    test: str | None
    """The command that tests the whole."""
    steps: tuple[Step, ...]
    """At least one."""
    warnings: tuple[str, ...]
    """What a person should know about how the file was read, one sentence each."""
    digest: str
    """SHA-256 over preamble, steps and commands; ticking and renumbering leave it as it is."""


def commands(plan: Plan) -> tuple[str, ...]:
    """Return all commands that `run` may run, the plan's test first, each once.

    These are the test commands and the commands of steps of that kind: what has to be approved.
    """
    of_steps = (command for step in plan.steps for command in (step.command, step.test))
    return tuple(dict.fromkeys(command for command in (plan.test, *of_steps) if command))
