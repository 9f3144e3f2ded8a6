"""Edits of one line each, where the model doubts what is there while it reads the code.

A model that is asked to write a short file anew mostly copies its fault. Where it hesitates while
it copies tells more: of 20 programs with one wrong line the 1.5B mends 16 with one of the first 16
lines that it would rather have written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qwenagent.loop.suspects import Spectrum, suspects
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.json import JsonObject
from qwenagent.protocol.messages import Alternative
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import code_lines, code_spans, header

MAX_FUNCTIONS = 6
"""Functions of a long file that are read for it."""
MAX_CODE_BYTES = 6000
"""Code that is read for it, in all its parts: half a minute on two cores with the 1.5B."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Code as the model would write it as the body of a call."""

    call: ToolCall
    """Without its body."""
    first_line: int
    """Of the file, from 1."""
    begin: str
    """How the body begins, in any case."""
    text: str
    """What follows it: the code that is there now."""
    spans: tuple[tuple[int, int], ...]
    """Of the text, without comments."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A line of a file with something else in its place."""

    path: str
    row: int
    """From 1."""
    old: str
    new: str
    """Empty if the line is to go; two lines if one is to come before it."""

    @property
    def call(self) -> ToolCall:
        """The call that makes the edit."""
        arguments: JsonObject = {"path": self.path, "start": self.row, "end": self.row}
        return ToolCall("replace_lines", arguments, self.new)


def passages(
    texts: Mapping[str, str], whole_file_lines: int, failing: TestRun, spectrum: Spectrum
) -> list[Passage]:
    """Return the code that may hold the fault: short files, of others what the failures name."""
    found: list[Passage] = []
    room = MAX_CODE_BYTES
    for path, text in texts.items():
        is_short = text.count("\n") < whole_file_lines
        parts = [_whole(path, text)] if is_short else _functions(path, text, failing, spectrum)
        for part in parts:
            if len(part.text) <= room:
                room -= len(part.text)
                found.append(part)
    return found


def _whole(path: str, text: str) -> Passage:
    begin = header(path, text)
    call = ToolCall("rewrite_file", {"path": path})
    spans = _within(_without_heads(text, code_spans(path, text)), len(begin), len(text))
    return Passage(call, begin.count("\n") + 1, begin, text[len(begin) :], spans)


def _functions(path: str, text: str, failing: TestRun, spectrum: Spectrum) -> Iterator[Passage]:
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    spans = _without_heads(text, code_spans(path, text))
    for symbol in suspects(path, text, failing, spectrum)[:MAX_FUNCTIONS]:
        start, end = starts[symbol.first_line - 1], min(starts[symbol.last_line], len(text))
        call = ToolCall("replace_symbol", {"path": path, "symbol": symbol.name})
        inside = _within(spans, start, end)
        yield Passage(call, symbol.first_line, "", text[start:end], inside)


def _within(
    spans: tuple[tuple[int, int], ...], start: int, end: int
) -> tuple[tuple[int, int], ...]:
    cut = ((max(a, start) - start, min(b, end) - start) for a, b in spans)
    return tuple((a, b) for a, b in cut if a < b)


def _without_heads(text: str, spans: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Take away the words that begin at the left margin: definitions, imports, brackets.

    There a model always knows something else that it would begin a file with.
    """
    for word in re.finditer(r"^\S+", text, re.MULTILINE):
        start, end = word.span()
        spans = tuple(
            part
            for a, b in spans
            for part in ((a, min(b, start)), (max(a, end), b))
            if part[0] < part[1]
        )
    return spans


def line_edits(file: str, passage: Passage, found: Alternative) -> Iterator[LineEdit]:
    """Yield the edits that an alternative stands for.

    Where it begins with the line it may also be a line that lacks before this one; and if it is
    the next line, then this one is too much. What changes comments alone is left out.
    """
    path = str(passage.call.arguments["path"])
    lines = file.split("\n")
    before = passage.text[: found.start]
    row = passage.first_line + before.count("\n")
    for new in _bodies(before.rpartition("\n")[2], found.text, lines[row - 1], lines[row:]):
        changed = "\n".join([*lines[: row - 1], *([new] if new else []), *lines[row:]])
        if code_lines(path, changed) != code_lines(path, file):
            yield LineEdit(path, row, lines[row - 1], new)


def _bodies(head: str, written: str, old: str, following: list[str]) -> Iterator[str]:
    line = (head + written).rstrip()
    yield line
    if head.strip() or not line or line.strip() == old.strip():
        return
    yield "" if following[:1] == [line] else f"{line}\n{old}"
