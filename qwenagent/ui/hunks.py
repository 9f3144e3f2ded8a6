"""Unified diffs as values: the lines of their hunks, and how much each file changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a hunk: " ", "+" or "-", or "@" where a hunk begins."""

    path: str
    """The file as the diff's header names it; empty without a header."""
    sign: str
    number: int
    """In the new file; for "-" in the old one; for "@" the first line of the new one."""
    code: str


def diff_lines(diff: str) -> Iterator[DiffLine]:
    """Yield the lines of all hunks; headers and text between hunks are left out.

    The numbers of lines in a hunk's header decide what belongs to it, so that a removed line
    "-- x" is not taken for a file header.
    """
    path = ""
    old = new = old_end = new_end = 0
    for raw in diff.split("\n"):
        sign, code = raw[:1] or " ", raw[1:].rstrip("\r")  # some tools cut the blank of " "
        if old >= old_end and new >= new_end:
            if header := _HEADER.match(raw):
                old, n_old, new, n_new = (int(1 if n is None else n) for n in header.groups())
                old_end, new_end = old + n_old, new + n_new
                yield DiffLine(path, "@", new, "")
            elif raw.startswith(("--- ", "+++ ")):
                path = _path(raw, path)
        elif sign in " +-":
            yield DiffLine(path, sign, old if sign == "-" else new, code)
            old += sign != "+"
            new += sign != "-"


def _path(header: str, so_far: str) -> str:
    name = header[4:].split("\t")[0].rstrip("\r").strip('"')
    if name == "/dev/null":
        return so_far
    return name[2:] if name.startswith(("a/", "b/")) else name


def changes(diff: str) -> dict[str, tuple[int, int]]:
    """Return lines added and removed by path, in the diff's order."""
    stats: dict[str, tuple[int, int]] = {}
    for line in diff_lines(diff):
        added, removed = stats.get(line.path, (0, 0))
        stats[line.path] = (added + (line.sign == "+"), removed + (line.sign == "-"))
    return stats
