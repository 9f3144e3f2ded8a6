"""One file's change as the text of a diff. Knows no files."""

from __future__ import annotations

import difflib
import re

_QUOTED = re.compile(r'["\\\x00-\x1f\x7f]')


def unified_diff(path: str, old: str | None, new: str | None, mode: int = 0o644) -> str:
    """Return a diff that `git apply` takes; None is a file that is not there.

    `mode` is that of a file that comes or goes.
    """
    if old == new:
        return ""
    before, after = _quoted(f"a/{path}"), _quoted(f"b/{path}")
    head = f"diff --git {before} {after}\n"
    if old is None:
        head += f"new file mode {_kind(mode)}\n"
    if new is None:
        head += f"deleted file mode {_kind(mode)}\n"
    # A name with a space ends with a tab, as git writes it.
    tab = "\t" if " " in path else ""
    rows = difflib.unified_diff(
        _lines(old or ""),
        _lines(new or ""),
        "/dev/null" if old is None else before + tab,
        "/dev/null" if new is None else after + tab,
    )
    return head + "".join(map(_ended, rows))


def rename_diff(path: str, to: str) -> str:
    """Return the diff of a file that gets another path and is the same in all else."""
    names = f"{_quoted(f'a/{path}')} {_quoted(f'b/{to}')}"
    ends = f"rename from {_quoted(path)}\nrename to {_quoted(to)}\n"
    return f"diff --git {names}\nsimilarity index 100%\n{ends}"


def _kind(mode: int) -> str:
    return "100755" if mode & 0o100 else "100644"


def _ended(row: str) -> str:
    return row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    # Not splitlines: to git a form feed or U+2028 is a character like any other.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _quoted(name: str) -> str:
    if not _QUOTED.search(name):
        return name
    return '"' + _QUOTED.sub(lambda match: f"\\{ord(match[0]):03o}", name) + '"'
