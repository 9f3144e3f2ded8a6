"""Cutting what is too long, visibly and at line ends."""

from __future__ import annotations

MAX_WIDTH = 400


def cut_lines(text: str, max_lines: int, max_chars: int) -> str:
    """Return `text`, or its first and last lines with the number of lines left out between them.

    At least one line stays. Lines of more than 400 characters are cut too, and say so. The note
    about what is left out counts neither as a line nor as characters.
    """
    lines = [cut_line(line) for line in text.removesuffix("\n").split("\n")]
    n_kept = min(len(lines), max(max_lines, 1))
    while n_kept > 1 and _size(_ends(lines, n_kept)) > max_chars:
        n_kept -= 1
    if n_kept == len(lines):
        return "\n".join(lines)
    first = n_kept - n_kept // 2
    note = f"[... {len(lines) - n_kept} lines left out ...]"
    return "\n".join([*lines[:first], note, *_ends(lines, n_kept)[first:]])


def cut_line(line: str, width: int = MAX_WIDTH) -> str:
    """Return a line, or its beginning with the number of characters left out."""
    if len(line) <= width:
        return line
    return f"{line[:width]}[... {len(line) - width} characters left out ...]"


def _ends(lines: list[str], n: int) -> list[str]:
    """The first half and the last half of n lines, the first the larger one."""
    return lines[: n - n // 2] + lines[len(lines) - n // 2 :]


def _size(lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines)
