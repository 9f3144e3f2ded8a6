"""From an edit call and its body to an exact change of one file. Writes nothing."""

from __future__ import annotations

from pathlib import PurePosixPath

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.syntax import Symbol, symbols
from qwenagent.tools.arguments import number_of, text_of
from qwenagent.tools.indent import flat, in_style_of, indent_of, indented
from qwenagent.workspace import Edit, Workspace


def make_edit(workspace: Workspace, call: ToolCall) -> Edit:
    """Return the change that a call asks for.

    Raises:
        EditRefused, PathEscapes: it cannot be made; the message says what to do instead.
    """
    path = text_of(call, "path")
    body = _body(call)
    if call.name == "write_file":
        if workspace.look(path) is not None:
            raise EditRefused(f"{path} exists; rewrite_file replaces it")
        return Edit(path, None, body)
    old = workspace.read(path).text
    body = in_style_of(old, body)
    match call.name:
        case "rewrite_file":
            new = body if old.endswith("\n") or not old else body.rstrip("\n")
        case "replace_symbol":
            new = _replace_symbol(path, old, text_of(call, "symbol"), body)
        case "insert_symbol":
            new = _insert_symbol(path, old, text_of(call, "after"), body)
        case "replace_lines":
            first, last = number_of(call, "start"), number_of(call, "end")
            new = _replace_lines(path, old, first, last, body)
        case name:
            raise EditRefused(f"{name} does not change files")
    return Edit(path, old, new)


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


def _replace_symbol(path: str, old: str, name: str, body: str) -> str:
    symbol = _find(path, old, name)
    if not body:
        raise EditRefused(f"the block for {name} is empty; write the whole code of {name}")
    lines = old.split("\n")
    indent = indent_of(lines[symbol.first_line - 1])
    wanted = _only(path, old, name, body) if _is_wrapped(path, name, body) else body
    new = indented(path, wanted, indent)
    return "\n".join([*lines[: symbol.first_line - 1], *new, *lines[symbol.last_line :]])


def _is_wrapped(path: str, name: str, body: str) -> bool:
    """Whether the body holds the symbol with more around it, and no further definition.

    Small models write a method inside its whole class, or the file's imports before it.
    """
    found = symbols(path, flat(body))
    top = [s for s in found if "." not in s.name]
    return len(top) == 1 and _wanted(found, name) is not None


def _wanted(found: tuple[Symbol, ...], name: str) -> Symbol | None:
    plain = name.split("#")[0]
    exact = {s.name: s for s in found}
    return exact.get(plain) or exact.get(plain.rpartition(".")[2])


def _only(path: str, old: str, name: str, body: str) -> str:
    """Cut the symbol out of its wrapping; imports that the file has not stay before a function."""
    text = flat(body)
    symbol = _wanted(symbols(path, text), name)
    assert symbol is not None
    rows = text.split("\n")
    there = {row.strip() for row in old.split("\n")}
    imports = [
        row
        for row in rows[: symbol.first_line - 1]
        if row.startswith(("import ", "from ")) and row.strip() not in there
    ]
    code = rows[symbol.first_line - 1 : symbol.last_line]
    keep = [*imports, "", ""] if imports and "." not in name else []
    return "\n".join([*keep, *code])


def _replace_lines(path: str, old: str, first: int, last: int, body: str) -> str:
    """Replace whole lines; an empty body deletes them.

    The place after the last line end counts as a line, as editors show it. Whether the file ends
    with a line end stays as it is.
    """
    lines = old.split("\n")
    if not 1 <= first <= last <= len(lines):
        raise EditRefused(f"{path} has {len(lines)} lines; {first} to {last} are not a range of it")
    new = body.removesuffix("\n").split("\n") if body else []
    rows = [*lines[: first - 1], *new, *lines[last:]]
    end = "\n" if rows and last == len(lines) and old.endswith("\n") else ""
    return "\n".join(rows) + end


# -- inserting ----------------------------------------------------------------------------------


def _insert_symbol(path: str, old: str, after: str, body: str) -> str:
    anchor = _find(path, old, after)
    if not body:
        raise EditRefused(f"the block after {after} is empty; write the whole code")
    lines = old.split("\n")
    indent = indent_of(lines[anchor.first_line - 1])
    new = indented(path, _fresh(path, old, after, body), indent)
    n_gap = _gap(path, anchor, indent, new)
    rest = lines[anchor.last_line :]
    below = [""] * _missing_gap(rest, indent, n_gap)
    return "\n".join([*lines[: anchor.last_line], *[""] * n_gap, *new, *below, *rest])


def _gap(path: str, anchor: Symbol, indent: str, new: list[str]) -> int:
    """Blank lines around what is inserted."""
    kinds = {s.kind for s in symbols(path, flat("\n".join(new)))}
    if anchor.kind == "value" and kinds == {"value"}:
        return 0
    return 2 if not indent and PurePosixPath(path).suffix in (".py", ".pyi") else 1


def _missing_gap(rest: list[str], indent: str, n_gap: int) -> int:
    """Blank lines that the code below lacks; what ends the class needs none."""
    code = next((row for row in rest if row.strip()), "")
    if not code or indent_of(code) != indent or code.strip()[0] in ")]}":
        return 0
    n_blank = next(i for i, row in enumerate(rest) if row.strip())
    return max(n_gap - n_blank, 0)


def _fresh(path: str, old: str, after: str, body: str) -> str:
    """Return what the body adds: not the class around it, nor definitions that the file has.

    Small models repeat the class, or the function after which they were to write.
    """
    container = after.rpartition(".")[0]
    text = flat(body)
    found = symbols(path, text)
    wrapped = [s for s in found if container and s.name.rpartition(".")[0] == container]
    members = wrapped or [s for s in found if "." not in s.name]
    there = {symbol.name for symbol in symbols(path, old)}
    prefix = f"{container}." if container and not wrapped else ""
    fresh = [s for s in members if prefix + s.name not in there]
    if members and not fresh:
        raise EditRefused(
            f"{path} has {prefix}{members[0].name} already; replace_symbol changes it"
        )
    if not wrapped and len(fresh) == len(members):
        return body
    rows = text.split("\n")
    parts = ["\n".join(rows[s.first_line - 1 : s.last_line]) for s in fresh]
    apart = "\n\n\n" if not container and path.endswith((".py", ".pyi")) else "\n\n"
    return apart.join(flat(part).rstrip("\n") for part in parts)
