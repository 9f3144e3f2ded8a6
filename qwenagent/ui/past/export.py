"""A run as one file for other people, in Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from qwenagent.errors import UsageError
from qwenagent.protocol.events import Record

Format = Literal["markdown", "html"]
_FORMATS: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}


def format_of(path: Path) -> Format:
    """Return the format that a file's suffix stands for.

    Raises:
        UsageError: for none.
    """
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"{path} says neither Markdown nor HTML",
            hint=f"end the name in one of {', '.join(_FORMATS)}",
        )
    return found


def exported(records: Sequence[Record], form: Format, no_end: str = "") -> str:
    """Return the whole run as text; `no_end` is said if it has no closing report."""
    from qwenagent.ui.past.document import blocks_of

    blocks = blocks_of(records, no_end)
    if form == "html":
        from qwenagent.ui.past.page import page

        return "\n".join(page(blocks)) + "\n"
    from qwenagent.ui.past.markdown import markdown

    return "\n".join(markdown(blocks)).rstrip("\n") + "\n"
