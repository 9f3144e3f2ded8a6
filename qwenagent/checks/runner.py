"""Runs a project's tests with the project's own tools and reads what they report.

Knows nothing of plans or models; what a run means for a step is said by `judge`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path

from qwenagent.checks.failures import signal_name
from qwenagent.checks.interpreter import ProjectTools, home_of, project_tools
from qwenagent.checks.invocation import (
    Asked,
    Invocation,
    not_found,
    rejected_our_options,
    resolve,
    understand,
    with_report,
)
from qwenagent.checks.plugins import unused_plugins
from qwenagent.checks.reports import GUARD, REPORTER
from qwenagent.checks.reports.places import Places
from qwenagent.checks.results import Results, read_results
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox import Box, Candidate, Ran, find_program

_CANCELLED = 130
_MAX_OUTPUT_BYTES = 1_000_000
# Go's report is its output, several times as long as the text.
_MAX_REPORT_BYTES = 16_000_000
_NO_PYTEST = re.compile(r"^.+: No module named (pytest|coverage)$", re.MULTILINE)


class TestRunner:
    """Runs test commands of one repository, one at a time in one tree."""

    __test__ = False

    def __init__(
        self,
        root: Path,
        environ: Mapping[str, str],
        cancel: Cancel | None = None,
        box: Box | None = None,
    ) -> None:
        """Without a `box` nothing is hidden from what runs."""
        self.box = box or Box.off(root.resolve())
        self._root = root.absolute()
        self._environ = dict(environ)
        self._cancel = cancel
        self._tools: dict[tuple[str, Path], ProjectTools] = {}
        self._unused: tuple[str, ...] | None = None

    def within(self, candidate: Candidate) -> TestRunner:
        """Return a runner of the same commands in a candidate's tree."""
        other = copy(self)
        other.box = replace(self.box, policy=candidate.policy(self.box.policy))
        return other

    def tools(self, needs: str = "", folder: Path | None = None) -> ProjectTools:
        """Return the tools for a command that needs a module and runs in `folder`, or the root.

        They are looked up once for each project in the repository.
        """
        home = home_of(folder, self._root) if folder else self._root
        if (needs, home) not in self._tools:
            self._tools[needs, home] = project_tools(home, self._environ, needs=needs)
        return self._tools[needs, home]

    def has_program(self, name: str, folder: Path) -> bool:
        """Return whether a command that runs in `folder` finds this program."""
        folder = folder.resolve()
        env = _with_local_tools(self.tools("", folder).env, folder, self._root)
        return find_program(name, cwd=folder, env=env) is not None

    def run(self, command: TestCommand, *, timeout_s: float) -> TestRun:
        """Run a test command to its end and read its results.

        A cancelled run comes back with exit code 130 and what was printed until then: the caller
        looks at its `cancel`. Nothing is written into the repository but by the tests themselves.

        Raises:
            ChecksError: the tests cannot be run at all: the program, pytest or the folder is
                not there.
        """
        cwd = self._folder(command)
        call = understand(command.argv, cwd)
        tools = self.tools("pytest" if call.kind == "pytest" else "", cwd)
        with tempfile.TemporaryDirectory(prefix="qwenagent-tests-") as scratch:
            report = Path(scratch).resolve() / "report"
            if call.kind == "node":
                (report.parent / "reporter.mjs").write_text(REPORTER, encoding="utf-8")
                (report.parent / "exits.cjs").write_text(GUARD, encoding="utf-8")
            more = self._unused_plugins(tools) if call.kind == "pytest" else ()
            asked = with_report(call, report, tools.env, more)
            ran = self._start(asked, call, cwd, timeout_s, report.parent)
            if rejected_our_options(call.kind, ran.exit_code, ran.output):
                ran = self._start(Asked(call.argv), call, cwd, timeout_s, report.parent)
            if call.kind == "pytest" and (missing := _missing_module(ran)):
                raise not_found(missing, tools)
            places = Places(self._root.resolve(), cwd, _named_folders(call, cwd))
            results = read_results(call.kind, ran, report, places)
        return _test_run(command, ran, results, self.box.withheld(ran))

    def _unused_plugins(self, tools: ProjectTools) -> tuple[str, ...]:
        """Return `unused_plugins` as they were at the first run; without them tests still run."""
        if self._unused is None:
            self._unused = unused_plugins(self._root, tools.env)
        return self._unused

    def _folder(self, command: TestCommand) -> Path:
        folder = (self._root / command.cwd).resolve()
        if not command.argv or not folder.is_dir():
            raise ChecksError(f"cannot run {command.shown!r}: {folder} is not a folder")
        if not folder.is_relative_to(self._root.resolve()):
            raise ChecksError(f"cannot run {command.shown!r}: {folder} is not in {self._root}")
        return folder

    def _start(
        self, asked: Asked, call: Invocation, cwd: Path, timeout_s: float, scratch: Path
    ) -> Ran:
        tools = self.tools("pytest" if call.kind == "pytest" else "", cwd)
        tools = replace(tools, env={**_with_local_tools(tools.env, cwd, self._root), **asked.env})
        return self.box.run(
            resolve(asked.argv, call.place, tools, cwd),
            cwd=cwd,
            env=tools.env,
            timeout_s=timeout_s,
            max_output_bytes=_MAX_REPORT_BYTES if call.kind == "go" else _MAX_OUTPUT_BYTES,
            cancel=self._cancel,
            writable=[scratch],
        )


def _with_local_tools(env: Mapping[str, str], cwd: Path, root: Path) -> dict[str, str]:
    """Put the node tools of a sub-project, and of the folders above it, first on PATH."""
    n_above = len(cwd.parts) - len(root.resolve().parts)
    folders = [cwd, *cwd.parents][: n_above + 1] if n_above else []
    tools = [str(path) for f in folders if (path := f / "node_modules" / ".bin").is_dir()]
    return {**env, "PATH": os.pathsep.join([*tools, env["PATH"]])} if tools else dict(env)


def _named_folders(call: Invocation, cwd: Path) -> tuple[Path, ...]:
    """Return folders that paths may count from: those of pytest's arguments, a cargo package's."""
    found: dict[Path, None] = {}
    if call.kind == "cargo" and "--manifest-path" in call.own[:-1]:
        return ((cwd / call.own[call.own.index("--manifest-path") + 1]).parent,)
    for word in call.own if call.kind == "pytest" else ():
        path = cwd / word.partition("::")[0]
        # Path.exists raises for a name that is too long, which a filter of names easily is.
        if not word.startswith("-") and os.path.lexists(path):
            inside = (f for f in (path, *path.parents) if f != cwd and f.is_relative_to(cwd))
            found.update(dict.fromkeys(inside))
    return tuple(found)


def _missing_module(ran: Ran) -> str:
    found = _NO_PYTEST.search(ran.output) if ran.exit_code == 1 else None
    return found[1] if found else ""


def _test_run(
    command: TestCommand, ran: Ran, results: Results, withheld: tuple[str, ...]
) -> TestRun:
    return TestRun(
        command=command.shown,
        exit_code=_CANCELLED if ran.cancelled else ran.exit_code,
        seconds=ran.seconds,
        output=_with_ending(results.output, ran),
        statuses=results.report.statuses,
        failures=results.report.failures,
        timed_out=ran.timed_out,
        collected=results.collected,
        withheld=withheld,
    )


def _with_ending(output: str, ran: Ran) -> str:
    """Add how a command ended that did not end by itself: nothing in its output says so."""
    if ran.cancelled or (ran.exit_code >= 0 and not ran.timed_out and not ran.broke):
        return output
    if ran.broke:
        how = "; ".join(ran.broke)
    elif ran.timed_out:
        how = f"stopped after {ran.seconds:.0f} s: the command did not end"
    else:
        how = f"the command was killed by {signal_name(-ran.exit_code)}"
    separator = "" if not output or output.endswith("\n") else "\n"
    return f"{output}{separator}[{how}]\n"
