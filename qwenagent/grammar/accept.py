"""A recogniser for GBNF in plain Python: for tests, the scripted engine and error messages.

Same method as llama.cpp's engine (a set of stacks, advanced character by character), kept apart
from it so that each can check the other. Slow: not for the decoding loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

from qwenagent.errors import InvalidGrammar

_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r\n]+|\#[^\n]*)|(?P<define>::=)|(?P<name>[A-Za-z][A-Za-z0-9-]*)
    |(?P<literal>"(?:[^"\\]|\\.)*")|(?P<chars>\[(?:[^\]\\]|\\.)*\])
    |(?P<repeat>\{\d+(?:,\d*)?\}|[*+?])|(?P<mark>[()|])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class CharSet:
    """Characters by ranges; `negated` means all others."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def __contains__(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) != self.negated


Symbol = CharSet | str
"""A set of characters, or the name of a rule."""
Rules = dict[str, list[tuple[Symbol, ...]]]
Stack = tuple["Symbol | Stack", ...]
"""Linked list (first symbol, rest); () is the end of a sentence."""


@dataclass(slots=True)
class _Parser:
    """Turns GBNF into rules whose repetitions and brackets are rules of their own."""

    text: str
    rules: Rules = field(default_factory=dict)
    tokens: list[tuple[str, str, int]] = field(default_factory=list)
    at: int = 0

    def parse(self) -> Rules:
        self.tokens = list(self._tokenise())
        while self.at < len(self.tokens):
            name = self._take("name")
            self._take("define")
            self.rules[name] = self._alternatives()
        used = {s for alts in self.rules.values() for alt in alts for s in alt}
        for name in ["root", *sorted(s for s in used if isinstance(s, str))]:
            if name not in self.rules:
                raise InvalidGrammar(f"rule {name} is used but not defined")
        return self.rules

    def _tokenise(self) -> Iterator[tuple[str, str, int]]:
        position = 0
        while position < len(self.text):
            match = _TOKEN.match(self.text, position)
            line = self.text.count("\n", 0, position) + 1
            if not match:
                near = self.text[position : position + 20]
                raise InvalidGrammar(f"line {line}: cannot read {near!r}")
            if match.lastgroup and match.lastgroup != "skip":
                yield match.lastgroup, match[0], line
            position = match.end()

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        if self.at + ahead < len(self.tokens):
            return self.tokens[self.at + ahead][:2]
        return "end", ""

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            line = self.tokens[self.at][2] if self.at < len(self.tokens) else "the last"
            raise InvalidGrammar(f"line {line}: {kind} wanted, {text or 'the end'!r} found")
        self.at += 1
        return text

    def _alternatives(self) -> list[tuple[Symbol, ...]]:
        found = [self._sequence()]
        while self._peek() == ("mark", "|"):
            self.at += 1
            found.append(self._sequence())
        return found

    def _sequence(self) -> tuple[Symbol, ...]:
        items: list[Symbol] = []
        while True:
            kind, text = self._peek()
            if kind in ("end", "define") or text in ("|", ")"):
                return tuple(items)
            if kind == "name" and self._peek(1)[0] == "define":
                return tuple(items)
            items += self._repeated(self._item(kind, text))

    def _item(self, kind: str, text: str) -> tuple[Symbol, ...]:
        self.at += 1
        if kind == "name":
            return (text,)
        if kind == "literal":
            return tuple(CharSet(((c, c),)) for c, _ in _unescape(text[1:-1]))
        if kind == "chars":
            return (_char_set(text[1:-1]),)
        if text == "(":
            inner = self._alternatives()
            self.at += 1
            return (self._fresh(inner),)
        raise InvalidGrammar(f"{text!r} cannot begin an item")

    def _repeated(self, items: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
        if self._peek()[0] != "repeat":
            return items
        text = self._take("repeat")
        low, high = _bounds(text)
        # As in llama.cpp the repetition binds to a whole literal, which is one item here.
        required = items * low
        if high is None:
            loop = self._fresh([])
            self.rules[loop] = [(*items, loop), ()]
            return (*required, loop)
        optional: tuple[Symbol, ...] = ()
        for _ in range(high - low):
            optional = (self._fresh([(*items, *optional), ()]),)
        return (*required, *optional)

    def _fresh(self, alternatives: list[tuple[Symbol, ...]]) -> str:
        name = f"%{len(self.rules)}"
        self.rules[name] = alternatives
        return name


def _bounds(text: str) -> tuple[int, int | None]:
    if text in "*+?":
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[text]
    low, comma, high = text[1:-1].partition(",")
    if not comma:
        return int(low), int(low)
    return int(low), int(high) if high else None


def _unescape(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (character, was escaped)."""
    i = 0
    while i < len(text):
        if text[i] != "\\":
            yield text[i], False
            i += 1
            continue
        kind = text[i + 1]
        width = {"x": 2, "u": 4, "U": 8}.get(kind, 0)
        if width:
            yield chr(int(text[i + 2 : i + 2 + width], 16)), True
        else:
            yield _ESCAPED.get(kind, kind), True
        i += 2 + width


def _char_set(text: str) -> CharSet:
    negated = text.startswith("^")
    chars = list(_unescape(text[negated:]))
    ranges: list[tuple[str, str]] = []
    i = 0
    while i < len(chars):
        if i + 2 < len(chars) and chars[i + 1] == ("-", False):
            ranges.append((chars[i][0], chars[i + 2][0]))
            i += 3
        else:
            ranges.append((chars[i][0], chars[i][0]))
            i += 1
    return CharSet(tuple(ranges), negated)


@lru_cache(maxsize=64)
def parse(text: str) -> Rules:
    """Read GBNF.

    Raises:
        InvalidGrammar: it does not parse; the message has the line.
    """
    return _Parser(text).parse()


class Recogniser:
    """Reads a text piece by piece and knows whether it can still become a sentence."""

    def __init__(self, gbnf: str) -> None:
        self._rules = parse(gbnf)
        self._stacks: set[Stack] = self._expand([("root", ())])

    def feed(self, text: str) -> bool:
        """Read more text; False if no sentence begins so (the state is then dead)."""
        for char in text:
            after = [cast(Stack, s[1]) for s in self._stacks if s and char in cast(CharSet, s[0])]
            self._stacks = self._expand(after)
        return bool(self._stacks)

    @property
    def complete(self) -> bool:
        """True if the text so far is a sentence."""
        return () in self._stacks

    @property
    def alive(self) -> bool:
        """True if the text so far is a sentence or begins one."""
        return bool(self._stacks)

    def _expand(self, stacks: Iterable[Stack]) -> set[Stack]:
        """Replace rule names on top by their alternatives until characters are on top."""
        done: set[Stack] = set()
        seen: set[Stack] = set()
        todo = list(stacks)
        while todo:
            stack = todo.pop()
            if stack in seen:
                continue
            seen.add(stack)
            if not stack or isinstance(stack[0], CharSet):
                done.add(stack)
                continue
            for alternative in self._rules[stack[0]]:  # type: ignore[index]
                rest: Stack = stack[1]  # type: ignore[assignment]
                for symbol in reversed(alternative):
                    rest = (symbol, rest)
                todo.append(rest)
        return done


def accepts(gbnf: str, text: str) -> bool:
    """Return whether `text` is a sentence of the grammar."""
    recogniser = Recogniser(gbnf)
    return recogniser.feed(text) and recogniser.complete
