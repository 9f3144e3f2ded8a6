"""Where in long files a fault is looked for next: each function that failures point to in its turn.

Left to choose among all of a file's symbols, the 1.5B went to the same error class with 14 of 24
calls, and the fault was elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from qwenagent.loop.editing.context import Brief
from qwenagent.loop.editing.phases import form_of
from qwenagent.loop.evidence.suspects import suspicion
from qwenagent.protocol.tools import ToolCall
from qwenagent.workspace import Workspace

MOST = 12
"""Functions of all files together; with eight attempts a round each gets one or two."""
TRIES = 2
"""Attempts at each; then the whole of the files is open again."""


class Places:
    """The functions that the failures of one step point to, and how often each was tried."""

    def __init__(self, tree: Workspace) -> None:
        self._tree = tree
        self._ranked: list[tuple[str, str]] = []
        """Path and symbol, the most suspect first."""
        self._tried: Counter[tuple[str, str]] = Counter()

    def forget(self) -> None:
        """Have the fault be anywhere; what was tried stays known."""
        self._ranked = []

    def look(self, paths: Iterable[str], brief: Brief) -> None:
        """Rank the functions of long files anew, by what fails now; of short ones there are none.

        If nothing fails, nothing is known of any place.
        """
        self.forget()
        run, found = brief.failing, list[tuple[float, str, str]]()
        if run is None or run.green:
            return
        for path in paths:
            text = self._tree.text(path) or ""
            if form_of(path, text, brief.whole_file_lines, brief.form) == "symbol":
                known = suspicion(path, text, run, brief.spectrum, self._tree.files())
                found += [(score, path, symbol.name) for symbol, score in known.items()]
        found.sort(key=lambda one: -one[0])  # stable: frames first where scores are the same
        self._ranked = [(path, name) for _, path, name in found[:MOST]]

    def note(self, call: ToolCall) -> None:
        """Note that a function was tried for a failure, whatever came of it."""
        if self._ranked and call.name == "replace_symbol":
            self._tried[str(call.arguments["path"]), str(call.arguments["symbol"])] += 1

    @property
    def are_several(self) -> bool:
        """Whether there is more than one to try."""
        return len(self._ranked) > 1

    def next(self) -> dict[str, tuple[str, ...]]:
        """Return by path the functions that are next; nothing if the fault may be anywhere."""
        fewest = min((self._tried[place] for place in self._ranked), default=TRIES)
        if fewest >= TRIES:
            return {}
        found: dict[str, tuple[str, ...]] = {}
        for path, name in self._ranked:
            if self._tried[path, name] == fewest:
                found[path] = (*found.get(path, ()), name)
        return found
