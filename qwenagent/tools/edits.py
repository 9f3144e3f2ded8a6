"""From an edit call and its body to an exact change of one file. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import Symbol, symbols
from qwenagent.tools.arguments import number_of, text_of
from qwenagent.tools.bodies import Cut, addition, comment_start, replacement
from qwenagent.tools.ends import without_surplus_ends
from qwenagent.tools.hoisting import import_spans
from qwenagent.tools.indent import flat, in_style_of, indent_of, indented
from qwenagent.tools.search import search_replaced
from qwenagent.tools.splice import Span, Spliced, spliced
from qwenagent.workspace import Edit, Workspace

_NOTHING: Mapping[str, str] = MappingProxyType({})


def make_edit(workspace: Workspace, call: ToolCall, seen: Mapping[str, str] = _NOTHING) -> Edit:
    """Return the change that a call asks for.

    `seen` has texts by path as the model was shown them. A change of a text that is another by now
    is made for what was shown and merged with what became of it; what does not merge is refused.

    Raises:
        EditRefused, PathEscapes: it cannot be made; the message says what to do instead.
    """
    path = text_of(call, "path")
    if call.name == "write_file":
        if workspace.look(path) is not None:
            raise EditRefused(f"{path} exists; rewrite_file replaces it")
        return Edit(path, None, _body(call))
    now = workspace.read(path).text
    shown = seen.get(path, now)
    return _made(call, path, now) if shown == now else _rebased(workspace, call, path, shown, now)


def _rebased(workspace: Workspace, call: ToolCall, path: str, shown: str, now: str) -> Edit:
    """Return the change that a call makes of what was shown, as one of the file as it is now."""
    changed = EditRefused(f"{path} has changed since it was read; read it again")
    try:
        edit = _made(call, path, shown)
    except EditRefused:  # where it can be made of neither, the reason may be the other text
        raise changed from None
    if edit.new is None or edit.to:
        raise changed
    merged = workspace.repository.merged(shown, edit.new, now)
    if merged in (None, now):  # or there is nothing left to change
        raise changed
    return Edit(path, now, merged, meant=edit.new)


def _made(call: ToolCall, path: str, old: str) -> Edit:
    """Return the change that a call makes of a text."""
    match call.name:
        case "delete_file":
            return Edit(path, old, None)
        case "rename_file":
            return Edit(path, old, old, _new_path(path, text_of(call, "to")))
        case "search_replace":
            new = search_replaced(path, old, call.body or "")
        case _:
            new = _changed(call, path, old)
    return Edit(path, old, new.text, kept=new.kept)


def _changed(call: ToolCall, path: str, old: str) -> Spliced:
    """Return a text as a call changes it whose body is nothing but code."""
    body = in_style_of(path, old, _body(call))
    match call.name:
        case "rewrite_file":
            return Spliced(body if old.endswith("\n") or not old else body.rstrip("\n"))
        case "replace_symbol":
            name = text_of(call, "symbol")
            return without_surplus_ends(
                path, old, body, lambda code: replace_symbol(path, old, name, code)
            )
        case "insert_symbol":
            name = text_of(call, "after")
            return without_surplus_ends(
                path, old, body, lambda code: insert_symbol(path, old, name, code)
            )
        case "replace_lines":
            first, last = number_of(call, "start"), number_of(call, "end")
            return _replace_lines(path, old, first, last, body)
        case name:
            raise EditRefused(f"{name} does not change files")


def _new_path(path: str, to: str) -> str:
    if to.endswith("/"):
        name = PurePosixPath(path).name
        raise EditRefused(f"{to} names a folder; {to}{name} would be the file in it")
    if PurePosixPath(to) == PurePosixPath(path):
        raise EditRefused(f"{path} has that name already; choose another one")
    return to


def _body(call: ToolCall) -> str:
    text = (call.body or "").replace("\r\n", "\n").strip("\n")
    return f"{text}\n" if text.strip() else ""


def _find(path: str, text: str, name: str) -> Symbol:
    found = {symbol.name: symbol for symbol in symbols(path, text)}
    if name not in found:
        listed = f"it has {', '.join(list(found)[:30])}" if found else "read_file shows it"
        raise EditRefused(f"{path} has no {name}; {listed}")
    return found[name]


# -- replacing ----------------------------------------------------------------------------------


def replace_symbol(path: str, old: str, name: str, body: str) -> Spliced:
    """Return a text with other code in the place of a symbol, and what that brings beside it.

    Raises:
        EditRefused: there is no such symbol, or the body is not its code.
    """
    symbol = _find(path, old, name)
    if not body:
        raise EditRefused(f"the block for {name} is empty; write the whole code of {name}")
    indent = indent_of(old.split("\n")[symbol.first_line - 1])
    cut = replacement(path, old, symbol, body)
    start = comment_start(path, old, symbol) if cut.has_comment else symbol.first_line
    new = indented(path, cut.text, indent)
    span = Span(start - 1, symbol.last_line, tuple(new))
    return spliced(old, [*import_spans(path, old, cut.imports), span, *_beside(path, old, cut)])


def _beside(path: str, old: str, cut: Cut) -> list[Span]:
    """Return where the code goes that belongs behind the types around the place."""
    lines = old.split("\n")
    spans = []
    for container, text in cut.beside:
        indent = indent_of(lines[container.first_line - 1])
        spans.append(_behind(path, old, container.last_line, indent, text))
    return spans


def _replace_lines(path: str, old: str, first: int, last: int, body: str) -> Spliced:
    """Replace whole lines; an empty body deletes them.

    The place after the last line end counts as a line, as editors show it. Whether the file ends
    with a line end stays as it is.
    """
    lines = old.split("\n")
    if not 1 <= first <= last <= len(lines):
        raise EditRefused(f"{path} has {len(lines)} lines; {first} to {last} are not a range of it")
    new = body.removesuffix("\n").split("\n") if body else []
    if last == len(lines) and old.endswith("\n") and (new or first > 1):
        new.append("")
    return spliced(old, [Span(first - 1, last, tuple(new))])


# -- inserting ----------------------------------------------------------------------------------


def insert_symbol(path: str, old: str, after: str, body: str) -> Spliced:
    """Return a text with what a body adds behind a symbol; what is there already is left out.

    Raises:
        EditRefused: there is no such symbol, or nothing to be added.
    """
    anchor = _find(path, old, after)
    if not body:
        raise EditRefused(f"the block after {after} is empty; write the whole code")
    cut = addition(path, old, anchor, body)
    indent = indent_of(old.split("\n")[anchor.first_line - 1])
    is_value = anchor.kind == "value"
    own = [_behind(path, old, anchor.last_line, indent, cut.text, is_value=is_value)]
    spans = [
        *import_spans(path, old, cut.imports),
        *(own if cut.text else []),
        *_beside(path, old, cut),
    ]
    return spliced(old, sorted(spans, key=lambda span: span.start))


def _behind(
    path: str, old: str, line: int, indent: str, text: str, *, is_value: bool = False
) -> Span:
    """Return how code goes behind a line, with blank lines around it as is usual."""
    new = indented(path, text, indent)
    n_gap = _gap(path, indent, new, after_value=is_value)
    below = [""] * _missing_gap(old.split("\n")[line:], indent, n_gap)
    return Span(line, line, (*[""] * n_gap, *new, *below))


def _gap(path: str, indent: str, new: list[str], *, after_value: bool) -> int:
    """Blank lines around what is inserted."""
    kinds = {s.kind for s in symbols(path, flat("\n".join(new)))}
    if after_value and kinds == {"value"}:
        return 0
    return 2 if not indent and PurePosixPath(path).suffix in (".py", ".pyi") else 1


def _missing_gap(rest: list[str], indent: str, n_gap: int) -> int:
    """Blank lines that the code below lacks; what ends the class needs none."""
    code = next((row for row in rest if row.strip()), "")
    if not code or indent_of(code) != indent or code.strip()[0] in ")]}":
        return 0
    n_blank = next(i for i, row in enumerate(rest) if row.strip())
    return max(n_gap - n_blank, 0)
