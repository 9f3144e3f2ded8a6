"""Shows what was understood of a plan: its steps, what will be run, what is left to the user.

Knows the values of a plan, not how they were read, and starts nothing.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO
from unicodedata import combining, east_asian_width

from qwenagent.plan import Plan, Step, StepKind, commands
from qwenagent.ui import words
from qwenagent.ui.choose_view import console, is_capable
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.printable import one_line, visible_line

_NARROWEST, _WIDEST, _ELSEWHERE = 60, 120, 100
_KIND: dict[StepKind, str] = {"edit": "edit", "command": "command", "you": "for you"}
_KIND_STYLE: dict[StepKind, str] = {"edit": "", "command": "cyan", "you": "yellow"}
_LABEL_WIDTH = 9


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the view in two parts, so that the first can be drawn in its own style."""

    lead: str
    text: str
    lead_style: str = "bright_black"
    style: str = ""


def print_plan(plan: Plan, stream: TextIO | None = None, *, width: int = 0) -> None:
    """Print a plan as `run` would carry it out; drawn on a terminal, plain elsewhere.

    `width` in columns, 60 to 120; 0 takes the terminal's, and 100 elsewhere. Default stream:
    stdout.
    """
    stream = stream or sys.stdout
    capable = is_capable(stream)
    width = width or (shutil.get_terminal_size().columns if capable else _ELSEWHERE)
    width = min(max(width, _NARROWEST), _WIDEST)
    lines = (part for line in _lines(plan) for part in _wrapped(line, width))
    if not capable:
        out = LineWriter(stream)
        for line in lines:
            out.line((line.lead + line.text).rstrip())
        return
    from rich.text import Text

    drawn = console(stream)
    for line in lines:
        text = Text.assemble((line.lead, line.lead_style), (line.text, line.style))
        drawn.print(text, no_wrap=True, crop=False, overflow="ignore")


def _lines(plan: Plan) -> Iterator[_Line]:
    yield _Line("", one_line(plan.title), style="bold")
    yield _Line("", _counts(plan), style="bright_black")
    digits = len(str(len(plan.steps)))
    for step in plan.steps:
        yield _Line("", "")
        yield from _step_lines(step, digits)
    yield from _section("Tests of the whole", [plan.test] if plan.test else [])
    yield from _section("Asked for before they run", list(commands(plan)))
    yield from _section("Left to you", [_named(s) for s in plan.steps if s.kind == "you"])
    yield from _section("Warnings", list(plan.warnings), "yellow")


def _counts(plan: Plan) -> str:
    steps = plan.steps
    kinds = {
        "to edit": sum(step.kind == "edit" for step in steps),
        "to run": sum(step.kind == "command" for step in steps),
        "for you": sum(step.kind == "you" for step in steps),
        "ticked": sum(step.checked for step in steps),
    }
    parts = [f"{words.count(n)} {what}" for what, n in kinds.items() if n]
    return f"{words.plural(len(steps), 'step')}: {', '.join(parts)}"


def _named(step: Step) -> str:
    return f"step {step.number}: {one_line(step.title)}"


def _section(title: str, lines: list[str], style: str = "") -> Iterator[_Line]:
    if lines:
        yield _Line("", "")
        yield _Line("", title, style="bold")
        yield from (_Line("  ", visible_line(line), style=style) for line in lines)


def _step_lines(step: Step, digits: int) -> Iterator[_Line]:
    ticked = " (ticked)" if step.checked else ""
    kind = f"{_KIND[step.kind]:<{_LABEL_WIDTH}}"
    number = f"{step.number:>{digits}}  "
    yield _Line(number + kind, one_line(step.title) + ticked, _KIND_STYLE[step.kind])
    for name, value in _details(step):
        yield _Line(" " * len(number) + f"{name:<{_LABEL_WIDTH}}", value)


def _details(step: Step) -> Iterator[tuple[str, str]]:
    if step.command and step.kind == "command":
        yield "run", visible_line(step.command)
    files = [one_line(name) for name in step.mentions]
    if files:
        yield "files", ", ".join(files)
    if step.test:
        yield "test", visible_line(step.test)
    if step.test_code is not None:
        yield "given", _given(step, step.test_code)
    if step.examples:
        yield "examples", words.plural(len(step.examples), "example")
    if step.done_when:
        yield "done", one_line(step.done_when)
    if step.depends_on:
        numbers = ", ".join(map(str, step.depends_on))
        yield "needs", f"step{'s' if len(step.depends_on) > 1 else ''} {numbers}"


def _given(step: Step, code: str) -> str:
    size = words.plural(len(code.splitlines()), "line")
    place = one_line(step.test_path)
    return f"a test of {size} for {place}" if place else f"a test of {size}, in a new file"


def _wrapped(line: _Line, width: int) -> Iterator[_Line]:
    """Yield a line's parts that fit; all but the first are indented to where the text began."""
    room = max(20, width - _columns(line.lead))
    first, *rest = _broken(line.text, room) or [""]
    yield _Line(line.lead, first, line.lead_style, line.style)
    for part in rest:
        yield _Line(" " * _columns(line.lead), part, line.lead_style, line.style)


def _broken(text: str, room: int) -> list[str]:
    """Break a text at blanks, and where a word alone is too wide or has none, inside of it."""
    lines: list[str] = []
    current, used = "", 0
    for word in _words(text, room):
        wide = _columns(word)
        if current and used + wide > room:
            lines.append(current.rstrip(" "))
            current, used, word = "", 0, word.lstrip(" ")
            wide = _columns(word)
        current, used = current + word, used + wide
    return [*lines, current] if current else lines


def _words(text: str, room: int) -> Iterator[str]:
    """Yield the words with the blanks before them, in pieces that fit."""
    piece, used, in_word = "", 0, False
    for character in text:
        wide = _columns(character)
        if (character == " " and in_word) or used + wide > room or wide > 1:
            yield piece
            piece, used = "", 0
        piece, used, in_word = piece + character, used + wide, character != " "
    yield piece


def _columns(text: str) -> int:
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
