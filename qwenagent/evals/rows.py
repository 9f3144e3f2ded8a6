"""The results: one JSON line a task, with everything that is needed to get it again.

A line is written whole and to the disk before the next task begins; one that was torn by a crash
does not count and is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from qwenagent.errors import UsageError, reason
from qwenagent.evals.task import Task

Tests = Literal["hidden", "visible"]


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that is the same for all rows of a run."""

    arm: str
    """"agent", "plain", "oracle", "idle", "call", or the name given to a command."""
    command: str = ""
    """The template of an external command."""
    tries: int = 1
    tests: Tests = "hidden"
    """Of tasks whose tests are not in the repository anyway."""
    time_limit_s: float = 600.0
    """For one try."""
    test_limit_s: float = 60.0
    """For one check."""
    seed: int = 0
    model: str = ""
    """The card's title; empty if no model of ours took part."""
    model_file: str = ""
    model_sha256: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    """What differs from the defaults, by "section.name"."""
    version: str = ""
    code: str = ""
    """A hash over the program and its data."""
    commit: str = ""
    """Of the program's checkout, with "+" if it had changes; empty if it was installed."""
    libraries: dict[str, str] = field(default_factory=dict)
    sandbox: str = ""
    """How the tests were confined: "namespaces", "seatbelt", "none"."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it ran: seconds only compare on one machine."""

    system: str
    processor: str
    cores: int
    memory_bytes: int
    gpu: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one task."""

    suite: str
    kind: str
    task: str
    digest: str
    """Of the task's text, files and tests."""
    language: str
    level: int
    visible: bool
    """Whether the agent had the tests that judge: such rows are never counted with others."""
    passed: bool
    passed_first: bool
    """By the first try."""
    score: float
    """The share of steps, 0 if an old test broke."""
    checks: dict[str, bool]
    """Of the last try."""
    tests_passed: int
    tests_failed: int
    tries: int
    seconds: float
    """Of the agent, in all tries; tests that judge are not in it."""
    test_seconds: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    calls: int
    interventions: int
    exit_code: int
    late: bool
    note: str
    transcript: str
    changed: list[str]
    """Files that differ from the first commit."""
    changed_tests: list[str]
    """Those of them that are tests of the task."""
    added: int
    removed: int
    started: str
    """UTC."""
    setup: Setup
    machine: Machine
    applied: int = 0
    """Edits that were written; 0 where the arm does not tell, as for the next two."""
    refused: int = 0
    overruled: int = 0
    in_place: bool | None = None
    """Whether the files differ where those of the task's author do; None where nobody knows."""

    @property
    def name(self) -> str:
        """As `Task.name`."""
        return f"{self.kind}/{self.task}"

    @property
    def key(self) -> Key:
        """What it answers: which task, tried by whom and how. Not where and when."""
        return _key(self.suite, self.kind, self.task, self.digest, self.setup)


Key = tuple[object, ...]


def row_key(task: Task, setup: Setup) -> Key:
    """Return the key that the row of a task will have."""
    return _key(task.suite, task.kind, task.id, task.digest, setup)


def _key(suite: str, kind: str, task: str, digest: str, setup: Setup) -> Key:
    given = (*setup.settings.items(), *setup.libraries.items())
    settings = tuple(sorted((name, str(value)) for name, value in given))
    how = (setup.arm, setup.command, setup.tries, setup.tests, setup.time_limit_s)
    program = (setup.test_limit_s, setup.seed, setup.model_sha256, setup.version, setup.code)
    return (suite, kind, task, digest, *how, *program, settings)


def append_row(path: Path, row: Row) -> None:
    """Add a row as one line and wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = msgspec.json.encode(row) + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        _cut_torn_line(handle)
        while line:  # a disk that is getting full takes a part, and says so the next time
            line = line[os.write(handle, line) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def require_writable(path: Path) -> None:
    """Make sure, before hours of work, that rows can be added to a file.

    Raises:
        UsageError: they cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644))
    except OSError as error:
        raise UsageError(f"results cannot be written to {path}: {reason(error)}") from error


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file in order; a torn last line is left out.

    Raises:
        UsageError: there is no such file, or a line is no row; the message has its number.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}") from error
    rows = []
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            rows.append(msgspec.json.decode(line, type=Row))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            why = f"{path}, line {number} is no row of results: {reason(error)}"
            raise UsageError(why) from error
    return rows


def read_all_rows(paths: Iterable[Path]) -> list[Row]:
    """Return the rows of several files."""
    return [row for path in paths for row in read_rows(path)]


def _cut_torn_line(handle: int) -> None:
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        os.ftruncate(handle, os.pread(handle, size, 0).rfind(b"\n") + 1)
