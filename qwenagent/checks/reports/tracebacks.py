"""Reduces tracebacks of pytest (every `--tb` style) and of Python itself. Starts nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.stacks import dedented, shown

_PYTEST_FRAME = re.compile(r"(\S.*?):(\d+):(?: (?:in (?P<function>.+)|(?P<exception>[\w.]+)))?\s*$")
_NATIVE_FRAME = re.compile(r'\s+File "([^"]+)", line (\d+)(?:, in .+)?$')
_CARETS = re.compile(r"[\s^~]+$")
_CHAINED = ("Traceback (", "During handling of", "The above exception")
_CAPTURED = re.compile(r"(?:Stdout|Stderr):$|-+ Captured ")


@dataclass(slots=True)
class _Trace:
    """A traceback while it is being read."""

    frames: list[tuple[str, str, str]] = field(default_factory=list)  # path, line, source
    errors: list[str] = field(default_factory=list)
    marked: str = ""  # the line after ">", which pytest prints before its place
    wants_source: bool = False
    in_message: bool = False
    native: bool = False
    exception: str = ""


def reduce_traceback(text: str, places: Places) -> str:
    """Return error lines, then the frames inside the repository, innermost first.

    Empty if the text holds no traceback.
    """
    trace = _Trace()
    for line in text.splitlines():
        _take(trace, line.rstrip())
    frames = [
        (local, number, source)
        for path, number, source in reversed(trace.frames)
        if (local := places.inside(path))
    ]
    return shown(_error_lines(trace), frames, places)


def _take(trace: _Trace, line: str) -> None:
    """Read one more line of a traceback."""
    if line.startswith(_CHAINED):
        trace.in_message = False
    elif frame := _NATIVE_FRAME.match(line):
        trace.frames.append((frame[1], frame[2], ""))
        trace.native = trace.wants_source = True
    elif line.startswith("E ") or line == "E":
        trace.errors.append(line[1:])
    elif line.startswith("> "):
        trace.marked = line[1:].strip()
    elif trace.wants_source and line.startswith(" ") and not _CARETS.match(line):
        path, number, _ = trace.frames[-1]
        trace.frames[-1] = (path, number, line.strip())
        trace.wants_source = False
    elif not trace.native and (frame := _PYTEST_FRAME.match(line)):
        trace.frames.append((frame[1], frame[2], trace.marked))
        trace.wants_source = bool(frame["function"]) and not trace.marked
        trace.marked = ""
        trace.exception = frame["exception"] or trace.exception
    elif trace.native:
        _take_message(trace, line)


def _take_message(trace: _Trace, line: str) -> None:
    """Read what Python prints below its frames: the exception and all lines of its message."""
    if _CAPTURED.match(line):
        trace.native = trace.in_message = False
    elif line and (trace.in_message or not line.startswith(" ")):
        trace.in_message = True
        trace.errors.append(line)


def _error_lines(trace: _Trace) -> list[str]:
    lines = dedented([line for line in trace.errors if line.strip()])
    if trace.exception and not any(trace.exception in line for line in lines):
        lines.insert(0, trace.exception)
    return lines
