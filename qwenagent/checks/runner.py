"""Runs a project's tests with the project's own tools and reads what they report.

Knows nothing of plans or models; what a run means for a step is said by `judge`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from qwenagent.checks.command import Anatomy, dissect
from qwenagent.checks.interpreter import ProjectTools, project_tools
from qwenagent.checks.invocation import not_found, resolve, with_report
from qwenagent.checks.reports import Report, nothing_ran, read_junit, read_unittest
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox import Ran, run

_CANCELLED = 130
_PYTEST_USAGE = 4
_PYTEST_NOTHING = 5
_NO_PYTEST = re.compile(r"^.+: No module named (pytest|coverage)$", re.MULTILINE)


class TestRunner:
    """Runs test commands of one repository, one at a time."""

    __test__ = False

    def __init__(
        self, root: Path, environ: Mapping[str, str], cancel: Cancel | None = None
    ) -> None:
        self._root = root.absolute()
        self._environ = dict(environ)
        self._cancel = cancel
        self._tools: dict[str, ProjectTools] = {}

    def tools(self, needs: str = "") -> ProjectTools:
        """Return the project's tools for a command that needs a module; looked up once."""
        if needs not in self._tools:
            self._tools[needs] = project_tools(self._root, self._environ, needs=needs)
        return self._tools[needs]

    def run(self, command: TestCommand, *, timeout_s: float) -> TestRun:
        """Run a test command to its end and read its results.

        A cancelled run comes back with exit code 130 and what was printed until then: the caller
        looks at its `cancel`. Nothing is written into the repository but by the tests themselves.

        Raises:
            ChecksError: the tests cannot be run at all: the program, pytest or the folder is
                not there.
        """
        cwd = self._folder(command)
        place = dissect(command.argv)
        tools = self.tools("pytest" if place.kind == "pytest" else "")
        with tempfile.TemporaryDirectory(prefix="qwenagent-tests-") as scratch:
            report = Path(scratch).resolve() / "report.xml"
            ran = self._start(with_report(command.argv, place, report), place, cwd, timeout_s)
            if _rejected_our_options(place, ran):
                ran = self._start(command.argv, place, cwd, timeout_s)
            if place.kind == "pytest" and (missing := _missing_module(ran)):
                raise not_found(missing, tools)
            results = self._read(place, ran, report, cwd)
        return _test_run(command, place, ran, results)

    def _folder(self, command: TestCommand) -> Path:
        folder = (self._root / command.cwd).resolve()
        if not command.argv or not folder.is_dir():
            raise ChecksError(f"cannot run {command.shown!r}: {folder} is not a folder")
        if not folder.is_relative_to(self._root.resolve()):
            raise ChecksError(f"cannot run {command.shown!r}: {folder} is not in {self._root}")
        return folder

    def _start(self, argv: Sequence[str], place: Anatomy, cwd: Path, timeout_s: float) -> Ran:
        tools = self.tools("pytest" if place.kind == "pytest" else "")
        return run(
            resolve(argv, place, tools, cwd),
            cwd=cwd,
            env=tools.env,
            timeout_s=timeout_s,
            cancel=self._cancel,
        )

    def _read(self, place: Anatomy, ran: Ran, report: Path, cwd: Path) -> Report:
        if place.kind == "pytest":
            return read_junit(report, self._root, cwd)
        if place.kind == "unittest" and not ran.cut_bytes:
            return read_unittest(ran.output, self._root, cwd)
        return Report()


def _rejected_our_options(place: Anatomy, ran: Ran) -> bool:
    """True for a pytest so old or so configured that it does not know what we added."""
    return (
        place.kind == "pytest"
        and ran.exit_code == _PYTEST_USAGE
        and "unrecognized arguments" in ran.output
    )


def _missing_module(ran: Ran) -> str:
    found = _NO_PYTEST.search(ran.output) if ran.exit_code == 1 else None
    return found[1] if found else ""


def _test_run(command: TestCommand, place: Anatomy, ran: Ran, results: Report) -> TestRun:
    empty = place.kind == "pytest" and ran.exit_code == _PYTEST_NOTHING
    if place.kind == "pytest" and not results.statuses:
        empty = empty or nothing_ran(ran.output)
    elif place.kind != "pytest":
        empty = nothing_ran(ran.output)
    return TestRun(
        command=command.shown,
        exit_code=_CANCELLED if ran.cancelled else ran.exit_code,
        seconds=ran.seconds,
        output=ran.output,
        statuses=results.statuses,
        failures=results.failures,
        timed_out=ran.timed_out,
        collected=not empty,
    )
