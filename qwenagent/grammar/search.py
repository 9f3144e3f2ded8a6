"""Bodies that replace lines of a file: what is searched for is in it, in one place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qwenagent.errors import GrammarError
from qwenagent.grammar.automaton import Automaton
from qwenagent.grammar.terms import (
    Alt,
    Chars,
    Grammar,
    Lit,
    Ref,
    Repeat,
    Rules,
    Term,
    Written,
    literal,
    render,
    sequence,
)
from qwenagent.grammar.trie import trie

MAX_BLOCKS = 8
MAX_LINES = 20_000
"""Longest file; the grammar of one with 10,000 lines has 1.3 MB and takes 0.2 s to build."""
MAX_AHEAD = 100
"""Lines that come from elsewhere as well are offered if as many more single out one place."""
MAX_MARKER = 500
"""Longest marker: a repetition of its character is a rule for each."""

_SHORTEST = 7
_RUN = re.compile(r"^(<{7,}|>{7,})", re.MULTILINE)
# A text of the grammar cannot hold them: llama.cpp ends a token at NUL, and the others are no text.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_NO_CONTROL = r"\x00-\x08\x0A-\x1F\x7F"


@dataclass(frozen=True, slots=True)
class Markers:
    """The lines around a block's two halves, without their ends."""

    search: str
    middle: str
    replace: str


def markers(text: str) -> Markers:
    """Return markers that no line of `text` can be taken for.

    All three are of one length: 7, or one more than the longest run of 7 and more `<` or `>`
    with which a line begins; and longer while there is a line of as many `=` and nothing else
    but blanks behind them.
    """
    width = max((len(run) + 1 for run in _RUN.findall(text)), default=_SHORTEST)
    rulers = {line.rstrip() for line in text.split("\n") if line.startswith("=" * _SHORTEST)}
    while "=" * width in rulers:
        width += 1
    return Markers("<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE")


@lru_cache(maxsize=4)
def search_body(text: str, fence: str) -> Grammar:
    """Return the grammar of 1 to MAX_BLOCKS blocks and the closing fence, which is part of it.

    A block is the search marker, consecutive lines of `text` that together occur in it once, the
    middle marker, any new lines, the replace marker. Its lines are the text between `\\n`: a
    carriage return belongs to the line. New lines have no control character but tabs and do not
    begin like a fence or with as many `<` or `>` as the markers have: a block that is not closed
    could not go on as another one. Lines with NUL or half a character, and those that begin like
    the fence, cannot be searched for.

    Raises:
        GrammarError: no lines can be searched for, or there are more than MAX_LINES, or the
            markers would be longer than MAX_MARKER.
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    marks = markers(text)
    if len(lines) > MAX_LINES or len(marks.middle) > MAX_MARKER:
        raise GrammarError(
            f"{len(lines):,} lines and markers of {len(marks.middle)} characters; a search takes "
            f"up to {MAX_LINES:,} and {MAX_MARKER}",
            hint="offer symbols or line numbers instead",
        )
    rules = Rules()
    _add_blocks(marks, fence, rules)
    for name, term in _Places(lines, marks, fence, rules).terms():
        rules.terms[name] = term
    return Grammar(render(rules.terms), f"search in {len(lines):,} lines")


def _add_blocks(marks: Markers, fence: str, rules: Rules) -> None:
    width = len(marks.middle)
    free = sequence(Chars(f"[^{fence[0]}<>{_NO_CONTROL}]"), Ref("rest"))
    runs = [_short_run(char, n) for char, n in ((fence[0], len(fence)), ("<", width), (">", width))]
    rules.terms |= {
        "root": sequence(Repeat(Ref("block"), 1, MAX_BLOCKS), Lit(fence), Repeat(Lit("\n"), 0, 2)),
        "block": sequence(Lit(f"{marks.search}\n"), Ref(_name(0))),
        "new": sequence(Repeat(Ref("new-line"), 0, None), Lit(f"{marks.replace}\n")),
        "new-line": Alt((Lit("\n"), sequence(Alt((free, *runs)), Lit("\n")))),
        "rest": Repeat(Chars(f"[^{_NO_CONTROL}]"), 0, None),
    }


def _short_run(char: str, n: int) -> Term:
    """Term for a line that begins with fewer than `n` of `char`, and with one at least."""
    other = sequence(Chars(f"[^{char}{_NO_CONTROL}]"), Ref("rest"))
    return sequence(Repeat(Lit(char), 1, n - 1), Repeat(other, 0, 1))


def _name(state: int) -> str:
    return f"at-{state}"


class _Places:
    """A rule for each state of the automaton that can be reached and can end."""

    def __init__(self, lines: Sequence[str], marks: Markers, fence: str, rules: Rules) -> None:
        numbers: dict[str, int] = {}
        ids = [numbers.setdefault(line, len(numbers)) for line in lines]
        self._lines = list(numbers)
        self._writable = [
            not (line.startswith(fence) or _UNWRITABLE.search(line)) for line in self._lines
        ]
        self._automaton = Automaton(ids)
        self._end = f"{literal(marks.middle + chr(10))} new"
        self._rules = rules

    def terms(self) -> Iterator[tuple[str, Term]]:
        """Yield rules, the one of the beginning first."""
        ahead = self._automaton.steps_to_once(self._writable)
        seen, todo = {0}, [0]
        while todo:
            state = todo.pop()
            onward = {
                self._lines[line]: then
                for line, then in self._automaton.next[state].items()
                if self._writable[line] and ahead[then] <= MAX_AHEAD
            }
            if not onward and not state:
                raise GrammarError(
                    "no line of the file can be searched for", hint="offer another edit"
                )
            new = set(onward.values()) - seen
            seen |= new
            todo += new
            yield _name(state), self._term(state, onward)

    def _term(self, state: int, onward: dict[str, int]) -> Term:
        if self._automaton.is_once(state):
            more = [f"{literal(line + chr(10))} {_name(then)}" for line, then in onward.items()]
            return Written(" | ".join([self._end, *more]))
        return trie({f"{line}\n": Ref(_name(then)) for line, then in onward.items()}, self._rules)
