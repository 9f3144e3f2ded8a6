"""Looks at an edit before it is written: what a careful reader would refuse at a glance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from qwenagent.syntax import is_known, plain_name, symbols, syntax_error
from qwenagent.tools.names import undefined_names
from qwenagent.tools.omission import stands_for_code
from qwenagent.tools.removing import may_go
from qwenagent.workspace import Edit

MAY_BE_EMPTY = frozenset({"__init__.py", "py.typed", ".gitkeep", ".keep"})
_SHOWN = 5
_PROMISE = re.compile(r"#\s*(todo\b|fixme\b|implement|add|write|your|place|insert|put|fill)", re.I)
_NOTHING = re.compile(r"(pass|\.\.\.|return( None)?|raise NotImplementedError\b.*)$")
_LAYOUT = re.compile(r"\b(?:blanks?|empty lines?|whitespace|spac\w+|newlines?|format\w*)\b", re.I)
_MAIN = re.compile(r"^if\s+__name__\s*==\s*[\"']__main__[\"']\s*:", re.MULTILINE)


def refusal(edit: Edit, request: str, unresolved: Sequence[str] = ()) -> str:
    """Return why an edit is not written, empty if it is fine.

    `request` is the text of the step: if it speaks of removing, what it names may disappear.
    `unresolved` are the modules that the edit imports anew and that are not there. Nothing is said
    here about files that go or get another path.
    """
    if edit.new is None or edit.to:
        return ""
    old = edit.old or ""
    if not edit.new.strip() and not _may_be_empty(edit):
        return f"{edit.path} would be empty; write the whole code"
    if edit.new == edit.old or (_is_same_code(edit) and not _LAYOUT.search(request)):
        return f"that leaves {edit.path} as it is; write the changed code"
    if line := _omission(edit.path, old, edit.new):
        return f"{line!r} stands for code that is missing; write all of the code"
    if error := syntax_error(edit.path, old, edit.new):
        return f"{edit.path} would not parse: {error}; write it again without the error"
    if unresolved:
        names = ", ".join(unresolved[:_SHOWN])
        return f"{edit.path} imports {names}: not installed here, not in the repository; do without"
    if unknown := _undefined(edit.path, old, edit.new):
        return f"{edit.path} uses {', '.join(unknown[:_SHOWN])} without importing or defining it"
    if stub := _stub(edit.path, old, edit.new):
        return f"{stub} in {edit.path} does nothing yet; write its code"
    if lost := lost_symbols(edit.path, old, edit.new, request):
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        names = ", ".join(lost[:_SHOWN]) + more
        return f"{edit.path} would lose {names}; keep everything that is not to change"
    return ""


def _is_same_code(edit: Edit) -> bool:
    """Whether a program differs in nothing but blank lines and blanks at the ends of lines."""
    if edit.old is None or edit.new is None or not is_known(edit.path):
        return False
    return _code_lines(edit.old) == _code_lines(edit.new)


def _code_lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def _may_be_empty(edit: Edit) -> bool:
    return edit.old is None and PurePosixPath(edit.path).name in MAY_BE_EMPTY


def _omission(path: str, old: str, new: str) -> str:
    before = set(old.split("\n"))
    for line in new.split("\n"):
        if line not in before and stands_for_code(path, line):
            return line.strip()[:80]
    return ""


def _undefined(path: str, old: str, new: str) -> list[str]:
    if not path.endswith(".py"):
        return []
    known = set(undefined_names(old))
    return [name for name in undefined_names(new) if name not in known]


def _stub(path: str, old: str, new: str) -> str:
    """Return the first function of Python that is nothing but a comment that promises its code.

    A bare `pass` may be meant; "implement this here" is not.
    """
    if not path.endswith(".py"):
        return ""
    lines = new.split("\n")
    before = set(old.split("\n"))
    for symbol in symbols(path, new):
        body = [line.strip() for line in lines[symbol.first_line : symbol.last_line]]
        code = [line for line in body if line and not line.startswith("#")]
        promised = any(_PROMISE.match(line) for line in body)
        idle = promised and all(_NOTHING.match(line) for line in code)
        is_new = not before.issuperset(lines[symbol.first_line - 1 : symbol.last_line])
        if symbol.kind == "function" and idle and is_new:
            return symbol.name
    return ""


def lost_symbols(path: str, old: str, new: str, request: str) -> list[str]:
    """Return the symbols of the old text that the new one lacks and that may not go."""
    kept = {symbol.name for symbol in symbols(path, new)}
    gone = [symbol.name for symbol in symbols(path, old) if symbol.name not in kept]
    allowed: set[str] = set()
    lost = []
    for name in gone:
        plain = plain_name(name)
        # What is named may go with all that is in it, but only if it goes itself.
        if plain.rpartition(".")[0] in allowed or may_go(plain, request):
            allowed.add(plain)
        else:
            lost.append(name)
    if path.endswith(".py") and _MAIN.search(old) and not _MAIN.search(new):
        lost += [] if "__main__" in request else ['if __name__ == "__main__"']
    return lost
