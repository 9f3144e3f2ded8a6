"""A plan and its steps as values. Knows neither Markdown nor what is done with them."""

from __future__ import annotations

from dataclasses import dataclass


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
    """Return all test commands, the plan's first, each once: what has to be approved."""
    found = (plan.test, *(step.test for step in plan.steps))
    return tuple(dict.fromkeys(command for command in found if command))
