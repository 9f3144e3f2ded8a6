"""Takes out of an edit what was copied from the tests that the model was shown.

A small model that is to write a module and sees its tests tends to append the tests to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qwenagent.syntax import symbols
from qwenagent.workspace import Edit

_LEAST_LINES = 2
"""A definition of one line may be the same in two files for good reasons."""


def without_copies(edit: Edit, tests: Iterable[tuple[str, str]]) -> Edit:
    """Return the edit without the new top-level definitions that `tests` (path, text) have too."""
    if edit.new is None or edit.to:
        return edit
    foreign = {code for path, text in tests for code, _ in _definitions(path, text)}
    own = {code for code, _ in _definitions(edit.path, edit.old or "")}
    drop = [
        lines
        for code, lines in _definitions(edit.path, edit.new)
        if code in foreign and code not in own
    ]
    if not drop:
        return edit
    gone = {number for lines in drop for number in lines}
    rows = edit.new.split("\n")
    kept = [row for number, row in enumerate(rows, 1) if number not in gone]
    return replace(edit, new="\n".join(kept).rstrip("\n") + "\n", kept=None)


def _definitions(path: str, text: str) -> Iterable[tuple[str, range]]:
    """Yield code and lines of the functions and types at the top level."""
    rows = text.split("\n")
    for symbol in symbols(path, text):
        if "." in symbol.name or symbol.kind == "value" or symbol.n_lines < _LEAST_LINES:
            continue
        lines = range(symbol.first_line, symbol.last_line + 1)
        code = "\n".join(row.rstrip() for row in rows[symbol.first_line - 1 : symbol.last_line])
        yield code, lines
