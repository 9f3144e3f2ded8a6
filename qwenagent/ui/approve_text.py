"""The question of an approval as text: what would happen, what may be answered, cut into rows."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal

from qwenagent.protocol.approval import exact
from qwenagent.protocol.events import ApprovalAsked

Choice = Literal["once", "always", "no", "edit"]

MEANT: dict[str, Choice] = {
    **dict.fromkeys(("o", "once", "y", "yes"), "once"),
    **dict.fromkeys(("a", "always"), "always"),
    **dict.fromkeys(("e", "edit"), "edit"),
}
"""By what is typed. Everything else, and nothing, is a no."""

_WORDS: dict[Choice, str] = {
    "once": "[o]nce",
    "always": "[a]lways for exactly this",
    "no": "[n]o",
    "edit": "[e]dit",
}
_MARGIN = "      "
"""Of rows that continue one."""


def approval_text(request: ApprovalAsked) -> str:
    """Return question, commands and what is special about each, nothing hidden or left out.

    A line of a command begins with `$` or `>`, a line about it with `!`; one of a text that would
    be sent with `|`.
    """
    lines = [" ".join(exact(request.question).split())]
    if request.kind == "escalation":
        lines += [f"    ! {line}" for note in request.notes for line in exact(note).split("\n")]
        lines += [f"  | {line}" for item in request.items for line in exact(item).split("\n")]
        return "\n".join(lines) + "\n"
    for item, note in zip_longest(request.items, request.notes[: len(request.items)], fillvalue=""):
        first, *more = exact(item).split("\n")
        lines += [f"  $ {first}", *(f"  > {line}" for line in more)]
        lines += [f"    ! {line}" for line in exact(note).split("\n") if line]
    return "\n".join(lines) + "\n"


def cut_rows(text: str, width: int) -> list[str]:
    """Cut lines at the terminal's width; what continues one cannot be taken for another.

    The question is cut between words. Everything else is as exact as a command: a blank at the end
    of a row would not be seen.
    """
    question, *lines = text.removesuffix("\n").split("\n")
    asked = textwrap.wrap(question, _room(width), subsequent_indent=_MARGIN)
    return [row for line in (*asked, *lines) for row in _folded(line, _room(width))]


def _room(width: int) -> int:
    return max(width - 1, len(_MARGIN) + 2)


def _folded(line: str, room: int) -> Iterator[str]:
    row, n_cells = "", 0
    for char in line:
        wide = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if n_cells + wide > room:
            yield row
            row, n_cells = _MARGIN, len(_MARGIN)
        row, n_cells = row + char, n_cells + wide
    yield row


def offered_by(request: ApprovalAsked) -> tuple[Choice, ...]:
    """Return what may be answered."""
    is_lasting = request.kind == "commands" and not request.passing and all(request.digests)
    always: tuple[Choice, ...] = ("always",) if is_lasting and request.digests else ()
    edit: tuple[Choice, ...] = ("edit",) if request.edit else ()
    return ("once", *always, "no", *edit)


def prompt_for(request: ApprovalAsked, offered: tuple[Choice, ...]) -> str:
    """Return what the answer is typed after."""
    if request.kind == "escalation":
        return "Approve? [y/N] "
    return f"Approve? {'  '.join(_WORDS[choice] for choice in offered)}: "


def limits(request: ApprovalAsked) -> str:
    """Return lines on why a yes cannot be for good, and on what of several may be changed."""
    lines = []
    if request.passing:
        lines.append(f'    ! no "always": {request.passing}')
    if request.edit and len(request.items) > 1:
        lines.append(f'    ! "edit" is for: {request.edit}')
    return "".join(f"{line}\n" for line in (exact(line).replace("\n", " ") for line in lines))
