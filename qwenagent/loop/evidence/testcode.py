"""The code of one test inside its file: a function by its name, or a block by its title.

Knows how ids are made (`tests/test_a.py::T::test_b[1]`, `a.test.js::suite::adds 1#2`,
`a_test.go::TestA/1.5`), and asks no runner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qwenagent.checks.uses import GO, SCRIPT
from qwenagent.syntax import symbols

_BEGIN = re.compile(r"(?P<indent>\s*)(?:test|it|describe|suite|context|specify)(?:\.\w+)*\s*[(`]")
_LITERAL = (
    r"(?:\"(?P<double>(?:[^\"\\\n]|\\.)*)\"|'(?P<single>(?:[^'\\\n]|\\.)*)'"
    r"|`(?P<template>(?:[^`\\]|\\.)*)`)(?P<more>\s*\+)?"
)
_TITLE = re.compile(rf"\s*\w+(?:\.\w+)*\s*\(\s*{_LITERAL}", re.DOTALL)
_TITLE_OF_EACH = re.compile(rf"[)`]\s*\(\s*{_LITERAL}", re.DOTALL)
_EACH = re.compile(r"\s*\w+(?:\.\w+)*\.(?:each|for)\b")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S)
_IN_TEMPLATE = re.compile(r"\$\{[^}]*\}")
_IN_TABLE = re.compile(r"%[psdifjoOc#$]|\$[\w.#]+")
_HOLE = "\0"
_MAX_TITLE_LINES = 200
"""Below the beginning of a table of cases, a title is looked for in so many lines."""


class Source(NamedTuple):
    """The code of one test, and what it is called there."""

    name: str
    code: str


def source_of_test(test: str, path: str, text: str) -> Source | None:
    """Return the function of a test, or the block that has its title; None if it is not there.

    Of several functions of one name it is the one whose class the test's id has as well.
    """
    owner, _, inner = test.partition("::")
    # Of a package whose file was not known, Go's ids have the folder.
    name = inner if inner and (owner == path or path.endswith(GO)) else test
    if path.endswith(SCRIPT):
        return _block(name, text) or _function(name, path, text)
    return _function(name, path, text) or _block(name, text)


def _function(name: str, path: str, text: str) -> Source | None:
    # A subtest's name may hold dots and brackets of its own, a parameter's also slashes.
    name = name.partition("/")[0] if path.endswith(GO) else name.partition("[")[0]
    dotted = "." + name.replace("::", ".")
    short = dotted.rpartition(".")[2].partition("/")[0]
    found = [one for one in symbols(path, text) if one.name.rpartition(".")[2] == short]
    if not found:
        return None
    symbol = next((one for one in found if dotted.endswith(f".{one.name}")), found[0])
    return Source(symbol.name, symbol.code_in(text.split("\n")))


@dataclass(frozen=True, slots=True)
class _Block:
    """A call that begins a test or a suite."""

    first: int
    indent: int
    parts: tuple[str, ...]
    """Its title between the places where values go."""

    def fits(self, title: str) -> bool:
        """Tell whether this title can be made of the parts, with anything in between."""
        first, *rest = self.parts
        if not rest:
            return title == first
        *inner, last = rest
        at, end = len(first), len(title) - len(last)
        if at > end or not (title.startswith(first) and title.endswith(last)):
            return False
        for part in inner:
            found = title.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    @property
    def n_said(self) -> int:
        """How much of a title these parts say; all of it where there are no values."""
        return sum(map(len, self.parts)) + (len(self.parts) == 1)


def _block(name: str, text: str) -> Source | None:
    lines = text.split("\n")
    blocks = list(_blocks(lines))
    for title, number in _titles(name):
        found = [block for block in blocks if block.fits(title)]
        if found:
            most = max(block.n_said for block in found)
            best = [block for block in found if block.n_said == most]
            chosen = best[min(number, len(best)) - 1]
            return Source(title, "\n".join(_lines_of(chosen, blocks, lines)).rstrip())
    return None


def _titles(name: str) -> Iterator[tuple[str, int]]:
    """Yield what may be the title in an id, and which test of that title it is, from 1."""
    starts = [0, *(mark.end() for mark in re.finditer(r"::| > ", name))]
    for title in filter(None, (name[start:] for start in reversed(starts))):
        yield title, 1
        if again := re.fullmatch(r"(.+)#(\d{1,6})", title):
            yield again[1], int(again[2])


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    for at, line in enumerate(lines):
        if begin := _BEGIN.match(line):
            parts = _parts(lines[at : at + _MAX_TITLE_LINES])
            yield _Block(at, len(begin["indent"]), parts or (_HOLE,))


def _parts(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the parts of the title of the block that begins here, nothing if it has no text."""
    is_table = _EACH.match(lines[0]) is not None
    text = "\n".join(_own(lines))
    found = _TITLE_OF_EACH.search(text) if is_table else _TITLE.match(text)
    if found is None:
        return ()
    title = found["double"] or found["single"] or found["template"] or ""
    if found["template"]:
        title = _IN_TEMPLATE.sub(_HOLE, title)
    if is_table:
        title = _IN_TABLE.sub(_HOLE, title.replace("%%", "%"))
    title = _ESCAPE.sub(_unescaped, title) + (_HOLE if found["more"] else "")
    return tuple(" ".join(title.split()).split(_HOLE))


def _own(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a block up to the next one that begins."""
    yield lines[0]
    for line in lines[1:]:
        if _BEGIN.match(line):
            return
        yield line


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    if code:
        return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else escape[0]
    return " " if escape[4] in "nrt\n" else escape[4]


def _lines_of(block: _Block, blocks: Iterable[_Block], lines: Sequence[str]) -> Sequence[str]:
    """Return the lines of a block up to the next that is not inside of it."""
    ends = (b.first for b in blocks if b.first > block.first and b.indent <= block.indent)
    return lines[block.first : next(ends, len(lines))]
