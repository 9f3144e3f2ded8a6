"""Where further attempts part from the code that is there: the model would go on otherwise.

Of a short file all that follows is written anew, of a long one the rest of the function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from qwenagent.loop.editing.doubtful import Passage, line_edits
from qwenagent.protocol.messages import Alternative
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import symbols, syntax_error


@dataclass(frozen=True, slots=True)
class Parting:
    """Code as the body of a call, up to where something else follows."""

    passage: Passage
    other: Alternative

    @property
    def row(self) -> tuple[str, int]:
        """The line of a file, from 1, in which it parts."""
        passage = self.passage
        return passage.path, passage.rows[passage.text.count("\n", 0, self.other.start)]


def chosen(
    found: Iterable[Parting], texts: Mapping[str, str], n: int, *, lines_tried: bool
) -> list[Parting]:
    """Return up to `n` to go on from; `found` are the likeliest first, `texts` the files by path.

    Of one line not a second before all others have a first. If single lines were tried before,
    those that cannot be one come first: `try {` is nothing without what follows.
    """
    seen: Counter[tuple[str, int]] = Counter()
    ranked: list[tuple[bool, int, Parting]] = []
    for one in found:
        text = texts[one.passage.path]
        is_line = lines_tried and _is_line(one, text)
        ranked.append((is_line, seen[one.row], one))
        seen[one.row] += 1
    ranked.sort(key=lambda entry: entry[:2])
    return list(islice(_in_functions((one for *_, one in ranked), texts), n))


def _is_line(one: Parting, text: str) -> bool:
    """Whether it is a change of a line, or of a line and its block, and nothing else."""
    edits = line_edits(text, one.passage, one.other)
    return any(not syntax_error(edit.path, text, edit.made_in(text)) for edit in edits)


def _in_functions(found: Iterable[Parting], texts: Mapping[str, str]) -> Iterator[Parting]:
    """Yield partings with those from a part of a file as ones from the function around them."""
    for one in found:
        text = texts[one.passage.path]
        if f"{one.passage.begin}{one.passage.text}" == text:
            yield one
        elif inside := _in_function(one, text):
            yield inside


def _in_function(one: Parting, text: str) -> Parting | None:
    path, row = one.row
    around = [
        s
        for s in symbols(path, text)
        if s.kind == "function" and s.first_line <= row <= s.last_line
    ]
    if not around:
        return None
    symbol = min(around, key=lambda s: s.n_lines)
    lines = text.split("\n")[symbol.first_line - 1 : symbol.last_line]
    column = one.other.start - (one.passage.text.rfind("\n", 0, one.other.start) + 1)
    start = sum(len(line) + 1 for line in lines[: row - symbol.first_line]) + column
    call = ToolCall("replace_symbol", {"path": path, "symbol": symbol.name})
    rows = tuple(range(symbol.first_line, symbol.last_line + 1))
    end = start + one.other.end - one.other.start
    return Parting(
        Passage(call, rows, "", "\n".join(lines), ()), replace(one.other, start=start, end=end)
    )
