"""Edits of one line each, where the model doubts what is there while it reads the code.

A model that is asked to write a short file anew mostly copies its fault. Where it hesitates while
it copies tells more: of 20 programs with one wrong line the 1.5B mends 16 with one of the first 16
lines that it would rather have written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from qwenagent.loop.evidence.suspects import Spectrum, suspicion
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.json import JsonObject
from qwenagent.protocol.messages import Alternative, Span
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import (
    Symbol,
    block_end,
    code_lines,
    code_spans,
    header,
    opens_block,
    symbols,
)

UNSUSPECTED = 0.1
"""Weight of code that no failing test is known to use, beside functions that one uses."""
SETTLED = 0.1
"""Weight of a string that the task or its tests have word for word."""
MAX_CODE_CHARS = 8000
"""Code that is read for it, in all its parts: half a minute on two cores with the 1.5B."""


_SWAPPED = {
    **{"<": "<=", "<=": "<", ">": ">=", ">=": ">"},
    **{"==": "!=", "!=": "==", "===": "!==", "!==": "==="},
    **{"and": "or", "or": "and", "&&": "||", "||": "&&", " + 1": "", " - 1": ""},
}
_STRING = re.compile(r"""(?P<quote>["'])(?P<words>(?:(?!(?P=quote))[^\\\n]|\\.){3,})(?P=quote)""")
_OPERATOR = re.compile(
    r"(?<![<>=!-])(?:<=|>=|<|>)(?![<>=])|(?<![=!<>])[=!]==?(?!=)"
    r"|&&|\|\||\b(?:and|or)\b| [+-] 1\b(?!\.)"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """Code as the model would write it as the body of a call."""

    call: ToolCall
    """Without its body."""
    rows: tuple[int, ...]
    """Of the file, from 1, that are the lines of the text."""
    begin: str
    """How the body begins, in any case."""
    text: str
    """What follows it: the code that is there now."""
    spans: tuple[Span, ...]
    """Of the text, without comments, by how suspect they are."""

    @property
    def path(self) -> str:
        """Of the file that it is of."""
        return str(self.call.arguments["path"])


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A line of a file, or all that it begins, with something else in its place."""

    path: str
    row: int
    """From 1."""
    old: str
    new: str
    """Empty if the line is to go; with the old one at its end if something is to come before it."""

    @property
    def call(self) -> ToolCall:
        """The call that makes the edit."""
        end = self.row + self.old.count("\n")
        arguments: JsonObject = {"path": self.path, "start": self.row, "end": end}
        return ToolCall("replace_lines", arguments, self.new)

    def made_in(self, text: str) -> str:
        """Return the file with the edit made."""
        lines = text.split("\n")
        end = self.row + self.old.count("\n")
        new = [self.new] if self.new else []
        return "\n".join([*lines[: self.row - 1], *new, *lines[end:]])


def passages(
    texts: Mapping[str, str],
    whole_file_lines: int,
    failing: TestRun,
    spectrum: Spectrum,
    files: Collection[str] = (),
    prompt: str = "",
) -> list[Passage]:
    """Return the code that may hold the fault: short files, of others what failures point to.

    `files` are the repository's; `prompt` is what the model is asked, with these texts in it.
    """
    found: list[Passage] = []
    room = MAX_CODE_CHARS
    for path, text in texts.items():
        rows: Sequence[int] = range(1, text.count("\n") + 2)
        known = suspicion(path, text, failing, spectrum, files)
        if len(rows) > whole_file_lines:
            rows = _suspect_rows(path, text, known, room)
        passage = _passage(path, text, rows, known, _settled(path, text, texts, prompt))
        if passage.text and len(passage.text) <= room:
            room -= len(passage.text)
            found.append(passage)
    return found


def _suspect_rows(path: str, text: str, found: Iterable[Symbol], room: int) -> list[int]:
    """Return the rows of the most suspect functions that there is room for, in their order."""
    lines = text.split("\n")
    rows: set[int] = set()
    for symbol in found:
        new = range(symbol.first_line, symbol.last_line + 1)
        size = sum(len(lines[row - 1]) + 1 for row in new)
        if size <= room and rows.isdisjoint(new):
            room -= size
            rows.update(new)
    return sorted(rows)


def _settled(
    path: str, text: str, texts: Mapping[str, str], prompt: str
) -> list[tuple[int, int, float]]:
    """Return what of a file hardly is the fault, and how little it counts.

    Names of what is defined, which tests call or others use, and strings that the task or its tests
    have word for word.
    """
    found: list[tuple[int, int, float]] = []
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    for symbol in symbols(path, text):
        start, end = starts[symbol.first_line - 1], starts[symbol.last_line]
        name = re.escape(symbol.name.rpartition(".")[2])
        if defined := re.compile(rf" ?\b{name}\b").search(text, start, end):
            found.append((*defined.span(), 0.0))
    for string in _STRING.finditer(text):
        words = string["words"]
        if prompt.count(words) > sum(other.count(words) for other in texts.values()):
            found.append((*string.span("words"), SETTLED))
    return found


def _passage(
    path: str,
    text: str,
    rows: Sequence[int],
    known: Mapping[Symbol, float],
    settled: Sequence[tuple[int, int, float]],
) -> Passage:
    """Return these rows of a file, without the header that its answer begins with in any case."""
    begin = header(path, text) if rows and rows[0] == 1 else ""
    rows = rows[begin.count("\n") :]
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    code = _without_heads(text, code_spans(path, text))
    spans: list[Span] = []
    end = 0
    for row in rows:
        start, weight = starts[row - 1], _weight(row, known)
        inside = _weighed(_within(code, start, starts[row]), start, settled)
        spans += (Span(end + a, end + b, weight * factor) for a, b, factor in inside)
        end += starts[row] - start
    shown = "\n".join(lines[row - 1] for row in rows)
    call = ToolCall("rewrite_file", {"path": path})
    return Passage(call, tuple(rows), begin, shown, tuple(spans))


def _weight(row: int, known: Mapping[Symbol, float]) -> float:
    """Return how much a line counts: as much as the innermost function around it is suspect."""
    around = [s for s in known if s.first_line <= row <= s.last_line]
    if around:
        return known[min(around, key=lambda s: s.n_lines)]
    return UNSUSPECTED if known else 1.0


def _within(
    spans: tuple[tuple[int, int], ...], start: int, end: int
) -> tuple[tuple[int, int], ...]:
    cut = ((max(a, start) - start, min(b, end) - start) for a, b in spans)
    return tuple((a, b) for a, b in cut if a < b)


def _weighed(
    spans: Iterable[tuple[int, int]], start: int, settled: Sequence[tuple[int, int, float]]
) -> Iterator[tuple[int, int, float]]:
    """Yield the spans, which count from `start`, with what is settled in them apart."""
    for a, b in spans:
        at = a
        for first, end, factor in sorted(settled):
            first, end = max(first - start, at), min(end - start, b)
            if first < end:
                yield from [(at, first, 1.0)] * (at < first)
                yield first, end, factor
                at = end
        yield from [(at, b, 1.0)] * (at < b)


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

    Where it begins with the line it may also be one that lacks before this line; and if it is the
    next line, then this one is too much. Where a line begins a block, or a list over several
    lines, all of that may be meant. What changes comments alone is left out.
    """
    path = passage.path
    lines = file.split("\n")
    before = passage.text[: found.start]
    row = passage.rows[before.count("\n")]
    written = (before.rpartition("\n")[2] + found.text).rstrip()
    is_whole = not before.rpartition("\n")[2].strip()
    for n_rows, new in _changes(written, lines[row - 1 :], is_whole=is_whole):
        edit = LineEdit(path, row, "\n".join(lines[row - 1 : row - 1 + n_rows]), new)
        if _code(path, edit.made_in(file)) != _code(path, file):
            yield edit


def _code(path: str, text: str) -> list[str]:
    """Return what there is but for comments, and for the kind of quotes."""
    return [line.replace("'", '"') for line in code_lines(path, text)]


def _changes(written: str, lines: Sequence[str], *, is_whole: bool) -> Iterator[tuple[int, str]]:
    """Yield how many of the lines go, and what takes their place.

    `is_whole`: the first line is written anew from its beginning.
    """
    old, head = lines[0], written.partition("\n")[0]
    if not old.strip():
        following = next((line for line in lines if line.strip()), "")
        if head.strip() and head != following:
            yield 1, f"{written}\n{old}"
        return
    opens_old, opens_new = _opens(old), _opens(head)
    if opens_old == opens_new:
        yield 1, head
    if opens_new != (head != written):  # its block is not known
        return
    if opens_old or opens_new:
        yield _n_begun(lines), written
    last = written.rpartition("\n")[2]
    if not is_whole or not written or last.strip() == old.strip():
        return
    yield 1, "" if lines[1:2] == [written] else f"{written}\n{old}"


def _opens(line: str) -> bool:
    return opens_block(line.encode())


def _n_begun(lines: Sequence[str]) -> int:
    """Return how many lines the first one begins: itself and the block that it opens."""
    if not _opens(lines[0]):
        return 1
    text = "\n".join([*lines, "end"]).encode()
    return text[: block_end(text)].count(b"\n") + 1


def neighbours(line: LineEdit) -> Iterator[LineEdit]:
    """Yield a line's edit with one of its operators changed.

    What is nearly right is so mostly but for a bound.
    """
    for operator in _OPERATOR.finditer(line.new):
        start, end = operator.span()
        changed = line.new[:start] + _SWAPPED[operator[0]] + line.new[end:]
        yield replace(line, new=changed)
