"""What a child printed, made safe for a terminal and a prompt: a capped buffer and a cleaner.

Knows nothing of processes.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    # OSC, DCS, SOS, PM, APC: titles, links. Without its end it hides its own line, no more.
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_RETURN = re.compile(r"\r+\n?")
# What changes while a line counts on: figures, bars, spinners.
_CHANGING = re.compile(r"[\d\s.,:%=>#|/\\*+\[\]()-]|[\u2580-\u259f\u2800-\u28ff]")
# C0 without tab and newline, DEL, C1, and the marks that turn the direction of text around
# (https://trojansource.codes).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean_output(text: str) -> str:
    """Remove escape sequences, control and direction characters; a lone CR becomes a newline.

    Of a line that was written again and again, as progress bars are, the last state stays.
    """
    lines = _ESCAPE.sub("", text).split("\n")
    folded = "\n".join(_last_states(line) if "\r" in line[:-1] else line for line in lines)
    return _CONTROL.sub("", _RETURN.sub("\n", folded))


def _last_states(line: str) -> str:
    """Leave out a part of a line that the next one differs from in its figures or bar alone."""
    parts = [part for part in line.split("\r") if part]
    same = [_CHANGING.sub("", part) for part in parts]
    after = [*same[1:], None]
    kept = [p for p, now, then in zip(parts, same, after, strict=False) if now != then]
    return "\r".join(kept) + ("\r" if line.endswith("\r") else "")


class Capped:
    """Keeps the first and the last half of `max_bytes` of a stream of any length."""

    def __init__(self, max_bytes: int) -> None:
        self._room_head = max_bytes // 2
        self._room_tail = max_bytes - self._room_head
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    @property
    def cut_bytes(self) -> int:
        """Bytes that were read and not kept."""
        return self._dropped + max(0, len(self._tail) - self._room_tail)

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        room = self._room_head - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Trimmed in large strokes: moving the tail for every chunk would be quadratic.
        if len(self._tail) > 2 * self._room_tail + 65536:
            self._trim()

    def _trim(self) -> None:
        excess = max(0, len(self._tail) - self._room_tail)
        del self._tail[:excess]
        self._dropped += excess

    def text(self) -> str:
        """Return what was kept, cleaned, with a line in the middle that says what is missing."""
        self._trim()
        if not self._dropped:
            return clean_output((self._head + self._tail).decode(errors="replace"))
        head = clean_output(self._head.decode(errors="replace"))
        tail = clean_output(self._tail.decode(errors="replace"))
        return f"{head}\n[... {self._dropped} bytes cut ...]\n{tail}"
