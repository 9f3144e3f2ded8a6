"""What a small model should see of a run: some failures as they were reduced, or head and tail.

Knows no runner; how a failure is reduced is said in `reports`.
"""

from __future__ import annotations

import itertools
import re
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from qwenagent.protocol.checks import TestRun

_MAX_TESTS = 3
_MAX_NAMES = 10
_MAX_LINE_CHARS = 240
# Codes of 128 and more may be a program's own; these are what a shell makes of a killed child.
_FATAL = frozenset({signal.SIGABRT, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM})

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
# From the start of a word: tried at each of its characters, a line of a megabyte takes hours.
_PYTEST_TMP = re.compile(r"(?<!\S)\S*/pytest-of-[^/\s]+/pytest-\d+/")


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
