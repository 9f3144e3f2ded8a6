"""Which functions of short files are written anew, one at a time: those that failures point to.

What they hold now is not shown: a small model that sees code writes it again, fault and all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from qwenagent.grammar import Offer, OneOf, Switch
from qwenagent.loop.evidence.suspects import Spectrum, suspicion
from qwenagent.protocol.checks import TestRun
from qwenagent.syntax import hollow, symbols
from qwenagent.tools import SPECS
from qwenagent.workspace import Workspace

MOST = 2
"""Functions that are written anew in one go."""


class Renewals:
    """The functions of one step, and how often each was written anew."""

    def __init__(self, tree: Workspace) -> None:
        self._tree = tree
        self._n: Counter[tuple[str, str]] = Counter()

    def next(self, texts: Mapping[str, str], failing: TestRun) -> list[tuple[str, str]]:
        """Return path and name of the functions that are next.

        `texts` are the short files that may change, by path. Those that were written anew least
        often come first, of these the most suspect. A function that is all its file has is no
        part of it.
        """
        spectrum, files = Spectrum.of(failing, self._tree), self._tree.files()
        places = [
            (path, symbol.name)
            for path, text in texts.items()
            if sum(symbol.kind == "function" for symbol in symbols(path, text)) > 1
            for symbol in suspicion(path, text, failing, spectrum, files)
            if hollow(path, text, symbol.name) != text
        ]
        return sorted(places, key=lambda place: self._n[place])[:MOST]

    def note(self, place: tuple[str, str]) -> None:
        """Note that a function is written anew."""
        self._n[place] += 1


def renewal(place: tuple[str, str]) -> Offer:
    """Return the one call that writes a function anew."""
    path, name = place
    return Offer(SPECS["replace_symbol"], {"path": Switch({path: {"symbol": OneOf((name,))}})})
