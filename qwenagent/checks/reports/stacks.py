"""Reduces what JavaScript, Rust and Go print about a failure to its message and own frames.

All failures get one form: `E` lines, then `at` lines, innermost first. Starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from qwenagent.checks.failures import localise, shorten
from qwenagent.checks.reports.places import Places

_MAX_FRAMES = 5
_MAX_ERROR_LINES = 14
_MAX_LINE_CHARS = 240
_MAX_FRAME_CHARS = 4000

_PLACES = (
    re.compile(r"\s*(?:at|\u276f) .*?\((.+):(\d+):\d+\),?(?: \{)?$"),  # at f (/a/b.js:1:2)
    re.compile(r"\s*at (?:async )?(\S.*?):(\d+):\d+(?: \{)?$"),  # at /a/b.js:1:2, ./src/a.rs:1:2
    re.compile(r"\s*\u276f (?:.* )?(\S+):(\d+):\d+$"),  # Vitest: f a/b.js:1:2
)
_NO_PLACE = re.compile(r"\s+at (?:.*\()?(?:<anonymous>|native|index \d+)\)?$")
_NODE_VERSION = re.compile(r"Node\.js v\d")
_ERROR = re.compile(r"\w*Error\b")
_EXCERPT = re.compile(r"\s*(?:>\s*)?\d+\s*\||\s*\|\s*\^+\s*$")


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in a stack, as the runner names it."""

    path: str
    line: int


def described(message: Iterable[str], frames: Iterable[Frame], places: Places) -> str:
    """Return the message's lines and the frames inside the repository, innermost first."""
    inside = (
        (local, str(frame.line), places.source(local, frame.line))
        for frame in frames
        if (local := places.inside(frame.path))
    )
    return shown(_lines_of(message), inside, places)


def shown(message: Sequence[str], frames: Iterable[tuple[str, str, str]], places: Places) -> str:
    """Write a message and frames (file in the repository, line, source), each frame once."""
    n_more = len(message) - _MAX_ERROR_LINES
    more = [f"... {n_more} more lines"] if n_more > 0 else []
    errors = [f"E   {line}".rstrip() for line in [*message[:_MAX_ERROR_LINES], *more]]
    seen = (f"at {file}:{line}: {source}".removesuffix(": ") for file, line, source in frames)
    at = list(dict.fromkeys(seen))[:_MAX_FRAMES]
    lines = [localise(line, places.root) for line in [*errors, *at]]
    return "\n".join(shorten(line, _MAX_LINE_CHARS) for line in lines)


def _lines_of(message: Iterable[str]) -> list[str]:
    first, *rest = [line.rstrip() for line in message if line.strip()] or [""]
    return [first.lstrip(), *dedented(rest)] if first else []


def dedented(lines: Sequence[str]) -> list[str]:
    """Take away the indent that all lines have; there are no blank ones."""
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return [line[indent:] for line in lines]


def reduce_stack(text: str, places: Places, *, excerpts: bool = False) -> str:
    """Reduce a message with a JavaScript stack below it.

    The excerpts of code in it are left out unless asked for: the frames show the same lines.
    """
    message, frames = [], []
    in_fields = False
    for line in _without_loader(text.splitlines()):
        if frame := read_frame(line):
            frames.append(frame)
            # Node shows the fields of an error behind its stack.
            in_fields = line.endswith(" {")
        elif in_fields:
            in_fields = line.strip() != "}"
        elif not _NO_PLACE.match(line) and (excerpts or not _EXCERPT.match(line)):
            message.append(line)
    return described(message, frames, places)


def _without_loader(lines: list[str]) -> list[str]:
    """Leave out node's version, and the place in node itself that it shows first."""
    lines = [line for line in lines if not _NODE_VERSION.match(line)]
    if lines and lines[0].startswith("node:internal/"):
        error = (i for i, line in enumerate(lines) if _ERROR.match(line))
        return lines[next(error, 0) :]
    return lines


def read_frame(line: str) -> Frame | None:
    """Read one line of a stack of JavaScript or of Rust's backtrace, None if it is none."""
    if len(line) > _MAX_FRAME_CHARS:
        return None
    found = next((m for place in _PLACES if (m := place.match(line))), None)
    if found is None:
        return None
    path = found[1].strip()
    if path.startswith("file://"):
        path = unquote(path.removeprefix("file://"))
    return Frame(path, int(found[2]))
