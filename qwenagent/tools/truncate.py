"""Cutting what is too long, visibly and at line ends."""

from __future__ import annotations


def cut_lines(text: str, max_lines: int, max_chars: int) -> str:
    """Return `text`, or its first and last lines with the number of lines left out between them.

    Lines of more than 400 characters are cut too, and say so.
    """
    lines = [_cut_line(line) for line in text.splitlines()]
    if len(lines) <= max_lines and sum(map(len, lines)) + len(lines) <= max_chars:
        return "\n".join(lines)
    half = max(1, max_lines // 2)
    while half > 1 and sum(len(line) + 1 for line in lines[:half] + lines[-half:]) > max_chars:
        half -= 1
    left_out = max(len(lines) - 2 * half, 0)
    return "\n".join([*lines[:half], f"[... {left_out} lines left out ...]", *lines[-half:]])


def _cut_line(line: str, width: int = 400) -> str:
    if len(line) <= width:
        return line
    return f"{line[:width]}[... {len(line) - width} characters left out ...]"
