"""A recogniser for GBNF in plain Python: for tests, the scripted engine and error messages.

Same method as llama.cpp's engine (a set of stacks, advanced character by character), kept apart
from it so that each can check the other. Slow: not for the decoding loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy

from qwenagent.grammar.reading import CharSet, Symbol, parse

Stack = int
"""A symbol and the stack below it, by number; 0 is the empty one, the end of a sentence."""


class Recogniser:
    """Reads a text piece by piece and knows whether it can still become a sentence.

    Raises:
        InvalidGrammar: the text is no grammar; see `reading.parse`.
    """

    def __init__(self, gbnf: str) -> None:
        self._rules = parse(gbnf)
        # Equal stacks have one number: comparing them costs nothing, however high they are.
        self._numbers: dict[tuple[Symbol, Stack], Stack] = {}
        self._nodes: list[tuple[Symbol, Stack]] = [("", 0)]
        self._tops: dict[Stack, frozenset[Stack]] = {0: frozenset({0})}
        self._stacks = self._expand(self._push("root", 0))

    def feed(self, text: str) -> bool:
        """Read more text; False if no sentence begins so (the state is then dead)."""
        for char in text:
            self._stacks = frozenset(self._after(char))
        return bool(self._stacks)

    def copy(self) -> Recogniser:
        """Return another one at the same place; what both learn of the grammar they share."""
        return copy(self)

    @property
    def complete(self) -> bool:
        """True if the text so far is a sentence."""
        return 0 in self._stacks

    @property
    def alive(self) -> bool:
        """True if the text so far is a sentence or begins one."""
        return bool(self._stacks)

    def next_chars(self) -> tuple[CharSet, ...]:
        """Return the sets of characters of which one may follow."""
        return tuple(s for stack in self._stacks if isinstance(s := self._nodes[stack][0], CharSet))

    def _after(self, char: str) -> Iterator[Stack]:
        for stack in self._stacks:
            symbol, rest = self._nodes[stack]
            if isinstance(symbol, CharSet) and char in symbol:
                yield from self._expand(rest)

    def _push(self, symbol: Symbol, rest: Stack) -> Stack:
        number = self._numbers.setdefault((symbol, rest), len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append((symbol, rest))
        return number

    def _expand(self, stack: Stack) -> frozenset[Stack]:
        """Replace rules on top by their alternatives until characters, or nothing, are on top."""
        if stack not in self._tops:
            self._tops[stack] = frozenset(self._expanded(stack))
        return self._tops[stack]

    def _expanded(self, start: Stack) -> Iterator[Stack]:
        seen = {start}
        todo = [start]
        while todo:
            stack = todo.pop()
            symbol, rest = self._nodes[stack]
            if stack == 0 or isinstance(symbol, CharSet):
                yield stack
                continue
            new = {self._push_all(found, rest) for found in self._rules[symbol]} - seen
            seen |= new
            todo += new

    def _push_all(self, symbols: Iterable[Symbol], rest: Stack) -> Stack:
        for symbol in reversed(tuple(symbols)):
            rest = self._push(symbol, rest)
        return rest


def accepts(gbnf: str, text: str) -> bool:
    """Return whether `text` is a sentence of the grammar.

    Raises:
        InvalidGrammar: see `Recogniser`.
    """
    recogniser = Recogniser(gbnf)
    return recogniser.feed(text) and recogniser.complete
