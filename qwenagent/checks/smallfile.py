"""What the small files of a repository say. Whatever stands there, reading comes to an end."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any, Literal

MAX_CHARS = 1 << 20
"""A file that is longer is no configuration."""


def text_of(
    path: Path, *, max_chars: int = MAX_CHARS, errors: Literal["strict", "replace"] = "strict"
) -> str:
    """Return the text of a file without its BOM, "" if it has none that can be read.

    That is: there is no such file, it is a pipe or a device, longer than `max_chars`, or no UTF-8.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        with path.open(encoding="utf-8-sig", errors=errors) as file:
            text = file.read(max_chars + 1)
    except (OSError, ValueError):
        return ""
    return text if len(text) <= max_chars else ""


def toml_of(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, nothing if it cannot be read."""
    try:
        return tomllib.loads(text_of(path))
    except (ValueError, RecursionError):
        return {}
