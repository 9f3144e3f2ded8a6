"""Where a line ends that opens a block: by indentation, as all the languages here are written."""

from __future__ import annotations

_OPENING = (b":", b"{", b"[", b"(")
_CLOSING = (b"}", b"]", b")")


def opens_block(line: bytes) -> bool:
    """Whether a line ends as one does after which something indented follows."""
    return line.rstrip().endswith(_OPENING)


def block_end(text: bytes) -> int | None:
    """Return where the block ends that the first line opens; None if it may go on.

    It ends before a line that is not indented further than the first one, or behind that line if
    it begins with a closing bracket.
    """
    first, *lines = text.split(b"\n")
    depth = _indent(first)
    at = end = len(first)
    for line in lines[:-1]:
        at += 1 + len(line)
        if not line.strip():
            continue
        if _indent(line) <= depth:
            return at if line.lstrip().startswith(_CLOSING) else end
        end = at
    last = lines[-1]
    is_next = last.strip() and _indent(last) <= depth and not last.lstrip().startswith(_CLOSING)
    return end if is_next else None


def _indent(line: bytes) -> int:
    return len(line) - len(line.lstrip())
