"""Reads GBNF as llama.cpp does, and refuses what it refuses or would hang over.

Left out: the literals for single tokens, `<...>`. Stricter where llama.cpp 0c1e570 reads on in
silence: a rule is defined once, `root` is there, a class has a character, an escape is one that
all versions know, a repetition is below the limit and does not run backwards, and no rule can
begin with itself, not even behind others that may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter

from qwenagent.errors import InvalidGrammar

MAX_REPETITION = 2000
"""llama.cpp, src/llama-grammar.cpp: from here on errors, or the upper bound is lost."""
MAX_NESTING = 500
"""Brackets in brackets: llama.cpp recurses into them."""

_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]"}
_PLAIN = re.compile(r'[^"\\]+')
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
_DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class CharSet:
    """Characters by ranges; `negated` means all others."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) != self.negated


@lru_cache(maxsize=1024)
def _just(char: str) -> CharSet:
    return CharSet(((char, char),))


Symbol = CharSet | str
"""A set of characters, or the name of a rule."""
Rules = dict[str, list[tuple[Symbol, ...]]]
"""Each rule's alternatives. Brackets and repetitions are rules whose names begin with "%"."""

ANY = CharSet((), negated=True)


@lru_cache(maxsize=64)
def parse(text: str) -> Rules:
    """Read GBNF.

    Raises:
        InvalidGrammar: it cannot be read, a rule is missing, or one can begin with itself; the
            message has the line.
    """
    return _Reader(text).read()


@dataclass(slots=True)
class _Bracket:
    """What has been read of a rule, or of an open bracket in it."""

    n_before: int
    """How many names there were before it."""
    done: list[tuple[Symbol, ...]] = field(default_factory=list)
    items: list[Symbol] = field(default_factory=list)
    last: int = 0
    """Where the item that a repetition repeats begins."""
    weight: int = 1
    """How many rules llama.cpp makes of that item."""

    def add(self, *symbols: Symbol, weight: int = 1) -> None:
        self.last = len(self.items)
        self.items += symbols
        self.weight = weight

    def next_alternative(self) -> None:
        self.done.append(tuple(self.items))
        self.items = []
        self.last = 0


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    rules: Rules = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    """Names of rules with the place where each is first seen."""

    def read(self) -> Rules:
        self._skip(newlines=True)
        while self.at < len(self.text):
            self._rule()
        for name in ["root", *self.seen]:
            if name not in self.rules:
                line = self._line(self.seen.get(name, 0))
                raise InvalidGrammar(f"line {line}: rule {name} is not defined")
        self._refuse_left_recursion()
        return self.rules

    def _rule(self) -> None:
        name = self._name()
        if name in self.rules:
            raise self._wrong(f"rule {name} is defined twice")
        self._skip(newlines=False)
        self._take("::=")
        self._skip(newlines=True)
        self.rules[name] = self._alternatives()
        if self._here not in ("", "\r", "\n"):
            raise self._wrong("the end of the line wanted")
        self._skip(newlines=True)

    def _alternatives(self) -> list[tuple[Symbol, ...]]:
        """Read up to the end of a rule, with a stack of its own for brackets."""
        open_: list[_Bracket] = [_Bracket(len(self.seen))]
        while True:
            now = open_[-1]
            match self._here:
                case "(":
                    if len(open_) > MAX_NESTING:
                        raise self._wrong(f"more than {MAX_NESTING} brackets in each other")
                    open_.append(_Bracket(len(self.seen)))
                case ")" if len(open_) > 1:
                    self._close(open_.pop(), open_[-1])
                case "|":
                    now.next_alternative()
                case "*" | "+" | "?" | "{":
                    self._repeat(now, *self._bounds())
                case _ if (symbols := self._item()) is not None:
                    now.add(*symbols)
                    self._skip(newlines=len(open_) > 1)
                    continue
                case _:
                    break
            opens = self._here in "(|"
            self.at += 1
            self._skip(newlines=opens or len(open_) > 1)
        if len(open_) > 1:
            raise self._wrong("')' wanted")
        now.next_alternative()
        return now.done

    def _close(self, inner: _Bracket, outer: _Bracket) -> None:
        inner.next_alternative()
        name = self._fresh(inner.done)
        outer.add(name, weight=max(1, len(self.seen) - inner.n_before))

    def _item(self) -> tuple[Symbol, ...] | None:
        """Read a literal, a class, a dot or a name; None if there is none here."""
        match self._here:
            case '"':
                return tuple(map(_just, self._until('"')))
            case "[":
                return (self._char_set(),)
            case ".":
                self.at += 1
                return (ANY,)
            case char if char in _WORD:
                return (self._name(),)
            case _:
                return None

    def _repeat(self, now: _Bracket, low: int, high: int | None) -> None:
        repeated = tuple(now.items[now.last :])
        if not repeated:
            raise self._wrong("nothing to repeat")
        now.weight *= high or low or 1
        if now.weight >= MAX_REPETITION:
            raise self._wrong(f"{now.weight} rules in a repetition, {MAX_REPETITION} are too many")
        # The repetition binds to all of a literal.
        del now.items[now.last :]
        now.items += repeated * low
        if high is None:
            loop = self._fresh([])
            self.rules[loop] = [(*repeated, loop), ()]
            now.items.append(loop)
            return
        optional: tuple[Symbol, ...] = ()
        for _ in range(high - low):
            optional = (self._fresh([(*repeated, *optional), ()]),)
        now.items += optional

    def _bounds(self) -> tuple[int, int | None]:
        """Read a repetition up to its last character."""
        if self._here != "{":
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[self._here]
        end = self.text.find("}", self.at)
        low, comma, high = self.text[self.at + 1 : max(end, self.at)].partition(",")
        numbers = [part.strip(" \t") for part in ((low, high) if comma else (low, low))]
        if not numbers[0] or not all(set(number) <= _DIGITS for number in numbers):
            raise self._wrong("a repetition like {2}, {2,} or {2,4} wanted")
        first, last = int(numbers[0]), int(numbers[1]) if numbers[1] else None
        if last is not None and last < first:
            raise self._wrong(f"at least {first} and at most {last} is impossible")
        self.at = end
        return first, last

    def _char_set(self) -> CharSet:
        self.at += 1
        negated = self._here == "^"
        self.at += negated
        ranges: list[tuple[str, str]] = []
        while self._here != "]":
            low = high = self._char()
            if self._here == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                self.at += 1
                high = self._char()
            ranges.append((low, high))
        if not ranges:
            raise self._wrong("a class without characters")
        self.at += 1
        return CharSet(tuple(ranges), negated)

    def _until(self, quote: str) -> Iterator[str]:
        self.at += 1
        while self._here != quote:
            if plain := _PLAIN.match(self.text, self.at):
                self.at = plain.end()
                yield from plain[0]
            else:
                yield self._char()
        self.at += 1

    def _char(self) -> str:
        """Read a character of a literal or a class."""
        char = self._here
        if not char:
            raise self._wrong("a quote or a bracket is not closed")
        if char != "\\":
            self.at += 1
            return char
        kind = self.text[self.at + 1 : self.at + 2]
        if kind in _ESCAPED:
            self.at += 2
            return _ESCAPED[kind]
        if kind not in _HEX_DIGITS:
            raise self._wrong(f"unknown escape \\{kind}")
        start = self.at + 2
        return self._code_point(start, start + _HEX_DIGITS[kind])

    def _code_point(self, start: int, end: int) -> str:
        digits = self.text[start:end]
        try:
            char = chr(int(digits, 16))
        except (ValueError, OverflowError):
            raise self._wrong(f"{digits!r} is no character's number") from None
        if len(digits) < end - start:
            raise self._wrong(f"{end - start} digits wanted, not {digits!r}")
        self.at = end
        return char

    def _name(self) -> str:
        start = self.at
        while self._here and self._here in _WORD:
            self.at += 1
        name = self.text[start : self.at]
        if not name:
            raise self._wrong("the name of a rule wanted")
        self.seen.setdefault(name, start)
        return name

    def _fresh(self, alternatives: list[tuple[Symbol, ...]]) -> str:
        name = f"%{len(self.seen)}"
        self.seen[name] = self.at
        self.rules[name] = alternatives
        return name

    def _take(self, wanted: str) -> None:
        if not self.text.startswith(wanted, self.at):
            raise self._wrong(f"{wanted} wanted")
        self.at += len(wanted)

    def _skip(self, *, newlines: bool) -> None:
        """Skip blanks and comments; ends of lines only where a rule may go on."""
        blank = " \t\r\n" if newlines else " \t"
        while self._here and (self._here in blank or self._here == "#"):
            if self._here == "#":
                while self._here and self._here not in "\r\n":
                    self.at += 1
            else:
                self.at += 1

    @property
    def _here(self) -> str:
        return self.text[self.at : self.at + 1]

    def _line(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def _wrong(self, what: str) -> InvalidGrammar:
        found = self.text[self.at : self.at + 20]
        return InvalidGrammar(f"line {self._line(self.at)}: {what}, {found or 'the end'!r} found")

    def _refuse_left_recursion(self) -> None:
        empty = _may_be_empty(self.rules)
        first = {
            name: {s for alternative in found for s in _leftmost(alternative, empty)}
            for name, found in self.rules.items()
        }
        try:
            TopologicalSorter(first).prepare()
        except CycleError as error:
            names = [name for name in error.args[1] if not name.startswith("%")]
            line = self._line(self.seen[error.args[1][0]])
            raise InvalidGrammar(
                f"line {line}: {' '.join(names) or 'a repetition'} can begin with itself"
            ) from None


def _leftmost(alternative: tuple[Symbol, ...], empty: set[str]) -> Iterator[str]:
    """Yield the rules that an alternative can begin with."""
    for symbol in alternative:
        if isinstance(symbol, str):
            yield symbol
        if symbol not in empty:
            return


def _may_be_empty(rules: Rules) -> set[str]:
    empty: set[str] = set()
    while True:
        more = {
            name
            for name, alternatives in rules.items()
            if name not in empty
            and any(all(s in empty for s in alternative) for alternative in alternatives)
        }
        if not more:
            return empty
        empty |= more
