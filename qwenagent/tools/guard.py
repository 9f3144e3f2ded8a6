"""Looks at an edit before it is written: what a careful reader would refuse at a glance."""

from __future__ import annotations

import re

from qwenagent.syntax import symbols, syntax_error
from qwenagent.workspace import Edit

# "# ... rest of the code", "// existing methods here", "# (unchanged)": seen from every size.
_OMISSION = re.compile(
    r"^\s*(#|//|/\*|<!--|--)\s*(\.\.\.|…|\(?\s*(the\s+)?(rest|remaining|remainder|existing|other|"
    r"previous)\b.*\b(code|file|function|method|class|implementation|here|unchanged|same|remain)"
    r"|.*\bunchanged\b|same as before)",
    re.IGNORECASE,
)


def refusal(edit: Edit, request: str) -> str:
    """Return why an edit is not written, empty if it is fine.

    `request` is the text of the step: what it names may disappear.
    """
    old = edit.old or ""
    if not edit.new.strip():
        return f"the block for {edit.path} is empty; write the whole code"
    if edit.new == old:
        return f"that leaves {edit.path} as it is; write the changed code"
    if line := _omission(old, edit.new):
        return f"{line!r} stands for code that is missing; write all of the code"
    if error := syntax_error(edit.path, old, edit.new):
        return f"{edit.path} would not parse: {error}; write it again without the error"
    if lost := _lost(edit, request):
        return f"{edit.path} would lose {', '.join(lost)}; keep everything that is not to change"
    return ""


def _omission(old: str, new: str) -> str:
    before = set(old.split("\n"))
    for line in new.split("\n"):
        if _OMISSION.match(line) and line not in before:
            return line.strip()[:80]
    return ""


def _lost(edit: Edit, request: str) -> list[str]:
    """Symbols of the old text that the new one has not and that the request does not name."""
    kept = {symbol.name for symbol in symbols(edit.path, edit.new)}
    gone = [symbol.name for symbol in symbols(edit.path, edit.old or "") if symbol.name not in kept]
    return [name for name in gone if not _named(name.split("#")[0], request)][:5]


def _named(name: str, request: str) -> bool:
    return any(re.search(rf"\b{re.escape(part)}\b", request) for part in {name, name.split(".")[-1]})
