"""What a small model should see of a failed run: the assertion, the frames inside the repository.

Reads tracebacks of pytest (every `--tb` style) and of Python itself. Knows no runner.
"""

from __future__ import annotations

import itertools
import re
import signal
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.protocol.checks import TestRun

_MAX_TESTS = 3
_MAX_NAMES = 10
_MAX_FRAMES = 5
_MAX_ERROR_LINES = 14
_MAX_LINE_CHARS = 240
# Codes of 128 and more may be a program's own; these are what a shell makes of a killed child.
_FATAL = frozenset({signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM})
_FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "venv", "env"})

_PYTEST_FRAME = re.compile(r"(\S.*?):(\d+):(?: (?:in (?P<function>.+)|(?P<exception>[\w.]+)))?\s*$")
_NATIVE_FRAME = re.compile(r'\s+File "([^"]+)", line (\d+)(?:, in .+)?$')
_CARETS = re.compile(r"[\s^~]+$")
_CHAINED = ("Traceback (", "During handling of", "The above exception")
_CAPTURED = re.compile(r"(?:Stdout|Stderr):$|-+ Captured ")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_PYTEST_TMP = re.compile(r"\S*/pytest-of-[^/\s]+/pytest-\d+/")


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


def reduce_output(run: TestRun, root: Path, max_chars: int) -> str:
    """Return the gist of a run in at most `max_chars`: up to three failures, or head and tail."""
    head = _headline(run)
    if not run.failures:
        if run.green:
            return shorten(head, max_chars)
        text = localise(run.output, root).strip()
        return _head_and_tail(f"{head}\n{text}" if text else head, max_chars)
    names = list(run.failures)
    more = [f"also failed: {name}" for name in names[_MAX_TESTS : _MAX_TESTS + _MAX_NAMES]]
    if (n_hidden := len(names) - _MAX_TESTS - _MAX_NAMES) > 0:
        more.append(f"and {n_hidden} more")
    shown = names[:_MAX_TESTS]
    room = max_chars - len(head) - sum(len(line) + 1 for line in more)
    share = max(0, room // len(shown) - 2)
    blocks = [shorten(f"FAILED {name}\n{run.failures[name]}", share) for name in shown]
    return shorten("\n\n".join([head, *blocks]) + "".join(f"\n{line}" for line in more), max_chars)


def _headline(run: TestRun) -> str:
    if run.timed_out:
        return f"The tests were stopped after {run.seconds:.0f} s: they did not end."
    if not run.collected:
        return "No tests were collected."
    if run.statuses:
        return f"{run.n_failed} failed, {run.n_passed} passed."
    if run.exit_code < 0 or run.exit_code - 128 in _FATAL:
        number = -run.exit_code if run.exit_code < 0 else run.exit_code - 128
        return f"Killed by {signal_name(number)} (exit code {run.exit_code})."
    return f"Exit code {run.exit_code}."


def signal_name(number: int) -> str:
    """Return a signal's name, `SIGKILL` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name of their own
        return f"signal {number}"


def reduce_traceback(text: str, root: Path, cwd: Path) -> str:
    """Return error lines, then the frames inside `root`, innermost first.

    Relative paths in the traceback count from `cwd`. Empty if the text holds no traceback.
    """
    trace = _Trace()
    for line in text.splitlines():
        _take(trace, line.rstrip())
    errors = [f"E   {line}" for line in _error_lines(trace)]
    inside = [
        f"at {local}:{number}: {source}".removesuffix(": ")
        for path, number, source in reversed(trace.frames)
        if (local := _inside(path, root, cwd))
    ]
    lines = [localise(line, root) for line in [*errors, *inside[:_MAX_FRAMES]]]
    return "\n".join(shorten(line, _MAX_LINE_CHARS) for line in lines)


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


def _error_lines(trace: _Trace) -> Iterator[str]:
    indents = [len(line) - len(line.lstrip()) for line in trace.errors if line.strip()]
    lines = [line[min(indents) :] for line in trace.errors if line.strip()]
    if trace.exception and not any(trace.exception in line for line in lines):
        lines.insert(0, trace.exception)
    yield from lines[:_MAX_ERROR_LINES]
    if len(lines) > _MAX_ERROR_LINES:
        yield f"... {len(lines) - _MAX_ERROR_LINES} more lines"


def _inside(path: str, root: Path, cwd: Path) -> str:
    """Return a path relative to the repository, "" if it is not of the project itself."""
    if path.startswith("<"):
        return ""
    full, base = (cwd / path).resolve(), root.resolve()
    if not full.is_relative_to(base):
        return ""
    local = full.relative_to(base)
    foreign = any(part in _FOREIGN or part.startswith(".") for part in local.parts[:-1])
    return "" if foreign else local.as_posix()


def localise(text: str, root: Path) -> str:
    """Make paths relative to the repository, and what differs from run to run the same."""
    for base in sorted({str(root.resolve()), str(root.absolute())}, key=len, reverse=True):
        text = text.replace(f"{base}/", "")
    text = _PYTEST_TMP.sub("<tmp>/", text)
    for folder, name in ((tempfile.gettempdir(), "<tmp>"), (_home(), "~")):
        if len(folder) > 1:
            text = text.replace(f"{folder}/", f"{name}/")
    return _ADDRESS.sub("0x...", text)


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:  # no $HOME and no entry for the user
        return ""


def shorten(text: str, max_chars: int) -> str:
    """Cut a text at its end, and show that it was cut."""
    if len(text) <= max_chars:
        return text
    return text[: max(0, max_chars - 4)].rstrip() + " ..."[: max(0, max_chars)]


def _head_and_tail(text: str, max_chars: int) -> str:
    """Cut whole lines out of the middle: a third for the head, the rest for the tail."""
    lines = [shorten(line, _MAX_LINE_CHARS) for line in text.split("\n")]
    if sum(map(len, lines)) + len(lines) - 1 <= max_chars:
        return "\n".join(lines)
    room = max(0, max_chars - len(f"[... {len(lines)} lines left out ...]\n"))
    n_head = _fitting(lines, room // 3)
    used = sum(len(line) + 1 for line in lines[:n_head])
    n_tail = _fitting(lines[n_head:][::-1], room - used)
    n_left = len(lines) - n_head - n_tail
    tail = lines[len(lines) - n_tail :]
    shown = [*lines[:n_head], f"[... {n_left} lines left out ...]", *tail]
    return shorten("\n".join(shown), max_chars)


def _fitting(lines: Sequence[str], room: int) -> int:
    """Return how many of the first lines fit into `room` characters."""
    ends = itertools.accumulate(len(line) + 1 for line in lines)
    return sum(1 for _ in itertools.takewhile(lambda end: end <= room, ends))
