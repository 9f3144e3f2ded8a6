"""From an edit call and its body to an exact change of one file. Writes nothing."""

from __future__ import annotations

import textwrap
from pathlib import PurePosixPath

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import Symbol, symbols
from qwenagent.workspace import Edit, Workspace


def make_edit(workspace: Workspace, call: ToolCall) -> Edit:
    """Return the change that a call asks for.

    Raises:
        EditRefused, PathEscapes: it cannot be made; the message says what to do instead.
    """
    path = str(call.arguments["path"])
    body = (call.body or "").strip("\n") + "\n"
    if call.name == "write_file":
        if workspace.exists(path):
            raise EditRefused(f"{path} exists; rewrite_file replaces it")
        return Edit(path, None, body)
    old = workspace.read(path).text
    match call.name:
        case "rewrite_file":
            new = body if old.endswith("\n") or not old else body.rstrip("\n")
        case "replace_symbol":
            new = _replace_symbol(path, old, str(call.arguments["symbol"]), body)
        case "insert_symbol":
            new = _insert_symbol(path, old, str(call.arguments["after"]), body)
        case "replace_lines":
            first, last = int(str(call.arguments["start"])), int(str(call.arguments["end"]))
            new = _replace_lines(path, old, first, last, body)
        case name:
            raise EditRefused(f"{name} does not change files")
    return Edit(path, old, new)


def _find(path: str, text: str, name: str) -> Symbol:
    found = {symbol.name: symbol for symbol in symbols(path, text)}
    if name not in found:
        raise EditRefused(f"{path} has no {name}; it has {', '.join(list(found)[:30])}")
    return found[name]


def _replace_symbol(path: str, old: str, name: str, body: str) -> str:
    symbol = _find(path, old, name)
    lines = old.split("\n")
    indent = _indent_of(lines[symbol.first_line - 1])
    new = _indented(_unwrapped(path, name, body), indent)
    return "\n".join([*lines[: symbol.first_line - 1], *new, *lines[symbol.last_line :]])


def _insert_symbol(path: str, old: str, after: str, body: str) -> str:
    symbol = _find(path, old, after)
    lines = old.split("\n")
    indent = _indent_of(lines[symbol.first_line - 1])
    gap = [""] * (2 if not indent and PurePosixPath(path).suffix == ".py" else 1)
    new = _indented(_unwrapped_method(path, after, body), indent)
    rest = lines[symbol.last_line :]
    # Keep the blank lines that followed: exactly the inserted lines and one gap are new.
    return "\n".join([*lines[: symbol.last_line], *gap, *new, *rest])


def _replace_lines(path: str, old: str, first: int, last: int, body: str) -> str:
    lines = old.split("\n")
    if not 1 <= first <= last <= len(lines):
        raise EditRefused(f"{path} has {len(lines)} lines; {first} to {last} are not a range of it")
    return "\n".join([*lines[: first - 1], *body.rstrip("\n").split("\n"), *lines[last:]])


def _unwrapped(path: str, name: str, body: str) -> str:
    """Return only the wanted symbol if the body holds it with more around it.

    Small models write a method inside its whole class, or the file's imports before it.
    """
    plain = name.split("#")[0]
    short = plain.rpartition(".")[2]
    found = symbols(path, body)
    exact = [s for s in found if s.name == plain] or [s for s in found if s.name == short]
    if not exact or len([s for s in found if "." not in s.name]) > 1:
        return body
    return _cut_out(body, exact[0])


def _unwrapped_method(path: str, after: str, body: str) -> str:
    """Return the members of a class that the body repeats around what is to be inserted in it."""
    container = after.rpartition(".")[0]
    if not container:
        return body
    inside = [s for s in symbols(path, body) if s.name.startswith(f"{container}.")]
    if not inside:
        return body
    return "\n\n".join(_cut_out(body, symbol).rstrip("\n") for symbol in inside) + "\n"


def _cut_out(text: str, symbol: Symbol) -> str:
    rows = text.split("\n")[symbol.first_line - 1 : symbol.last_line]
    return textwrap.dedent("\n".join(rows)) + "\n"


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _indented(body: str, indent: str) -> list[str]:
    flat = textwrap.dedent(body).rstrip("\n").split("\n")
    return [indent + line if line.strip() else "" for line in flat]
