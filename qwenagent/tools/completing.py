"""Makes a rewrite whole again that is but a part of its file.

Told to add a function to a short file, small models write that function alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from qwenagent.errors import EditRefused
from qwenagent.syntax import Symbol, plain_name, symbols
from qwenagent.tools.edits import insert_symbol, replace_symbol
from qwenagent.tools.guard import lost_symbols
from qwenagent.workspace import Edit


def with_the_rest(edit: Edit, request: str) -> Edit:
    """Return an edit with the symbols that it lacks, if it can be put into its file part by part.

    It is as it was if it lacks nothing, or if what it has may be meant in place of what it lacks:
    something in it has the same name, elsewhere.
    """
    old, new = edit.old, edit.new
    if old is None or new is None or edit.to or edit.meant is not None:
        return edit
    lost = lost_symbols(edit.path, old, new, request)
    written = symbols(edit.path, new)
    if not lost or not written or {_short(s.name) for s in written} & set(map(_short, lost)):
        return edit
    try:
        text = _put_in(edit.path, old, new, lost)
    except EditRefused:
        return edit
    if text == old or lost_symbols(edit.path, old, text, request):
        return edit
    return replace(edit, new=text)


def _put_in(path: str, old: str, new: str, lost: Sequence[str]) -> str:
    """Return a file with the symbols of a part of it: those that are there changed, others added.

    Raises:
        EditRefused: they do not fit.
    """
    text = old
    rows = new.split("\n")
    for symbol in _smallest(symbols(path, new), lost):
        names = [known.name for known in symbols(path, text)]
        if symbol.name in names:
            code = "\n".join(rows[symbol.first_line - 1 : symbol.last_line])
            text = replace_symbol(path, text, symbol.name, f"{code}\n").text
    for anchor in _anchors(path, text, new):
        try:
            text = insert_symbol(path, text, anchor, new).text
        except EditRefused:  # it has all of that
            continue
    return text


def _smallest(written: Sequence[Symbol], lost: Sequence[str]) -> Iterator[Symbol]:
    """Yield what is to be replaced as a whole: of types that lack something their members."""
    lacking = [s for s in written if any(name.startswith(f"{s.name}.") for name in lost)]
    for symbol in written:
        around = [it for it in written if it != symbol and _is_around(it, symbol)]
        if symbol not in lacking and all(it in lacking for it in around):
            yield symbol


def _anchors(path: str, text: str, new: str) -> list[str]:
    """Return the symbols behind which new ones belong: the last in each type, then of the file."""
    there = symbols(path, text)
    found = []
    for owner in symbols(path, new):
        inside = [s.name for s in there if s.name.startswith(f"{owner.name}.")]
        found += inside[-1:]
    top = [s for s in there if not any(_is_around(it, s) for it in there if it is not s)]
    return [*found, top[-1].name]


def _is_around(outer: Symbol, inner: Symbol) -> bool:
    return outer.first_line <= inner.first_line and inner.last_line <= outer.last_line


def _short(name: str) -> str:
    return plain_name(name).rpartition(".")[2]
