"""Judges the tree that an agent left: a clean copy, pristine tests, in the sandbox.

What the agent added to steer the tests (configuration, links) does not count, and what it did to
the tests neither.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from qwenagent.checks import TestRunner
from qwenagent.evals.task import REGRESSION, Check, Task
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox import Box

STEERING = frozenset(
    [
        *("conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml"),
        *("pytest.toml", ".pytest.toml", "sitecustomize.py", "usercustomize.py", "pyvenv.cfg"),
        *(".npmrc", "package.json", "package-lock.json"),
        *("build.rs", "Cargo.toml", "go.mod", "go.work", "rust-toolchain.toml"),
    ]
)
"""Names of files that say which tests run and how. They are as the task has them, or not there,
unless the task is about them."""

_GO_TEST = "_test.go"
"""Go builds all tests of a folder into one program: further ones can break or end it."""

_PYTEST = ("python", "-m", "pytest")
_SAFE_PYTEST = ("python", "-P", "-m", "pytest", "-o", "pythonpath=.")
"""With the tree on the path only after pytest is there: a module of its name is not it."""

_LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".qwenagent", "__pycache__", "*.pyc", ".pytest_cache", "target"),
    *(".venv", "venv", "node_modules", ".cargo"),
    *("*.egg-info", "*.dist-info"),  # with them modules of the tree become plugins of pytest
)

BoxOf = Callable[[Path], Box]
"""Makes the box whose tree is this folder."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What the tests say of a tree."""

    checks: dict[str, bool]
    """By name, in order."""
    passed: int
    """Tests, of all checks."""
    failed: int
    seconds: float
    output: str
    """Of the checks that are not green, for a second try."""

    @property
    def solved(self) -> bool:
        """True if every check is green and no test failed."""
        return bool(self.checks) and all(self.checks.values()) and self.failed == 0

    @property
    def score(self) -> float:
        """The share of green checks; 0 if an old test is broken."""
        steps = [ok for name, ok in self.checks.items() if name != REGRESSION]
        whole = self.checks.get(REGRESSION, True)
        return sum(steps) / len(steps) if steps and whole else 0.0


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades trees in copies of its own."""

    box_of: BoxOf
    environ: Mapping[str, str]
    timeout_s: float
    cancel: Cancel | None = None

    def grade(self, task: Task, tree: Path, copy: Path) -> Grade:
        """Copy `tree` to `copy`, which is made anew, and run the task's checks there.

        Raises:
            ChecksError: a check cannot be run at all: its program is not on this machine.
        """
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tree, copy, symlinks=True, ignore=_not_copied)
        _take_out_steering(copy, task)
        write_files(copy, _steering(task) | task.tests)
        runner = TestRunner(copy, self._environment(), self.cancel, self.box_of(copy))
        return _summed([(check, self._run(runner, check)) for check in task.checks])

    def _environment(self) -> dict[str, str]:
        names = (*("PATH", "LANG", "HOME", "CARGO_HOME", "RUSTUP_HOME", "GOROOT"), "VIRTUAL_ENV")
        kept = {name: self.environ[name] for name in names if name in self.environ}
        return {**kept, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    def _run(self, runner: TestRunner, check: Check) -> TestRun:
        n_words = len(_PYTEST)
        is_pytest = check.argv[:n_words] == _PYTEST
        argv = (*_SAFE_PYTEST, *check.argv[n_words:]) if is_pytest else check.argv
        command = TestCommand(interpreted(argv), " ".join(check.argv), "flag")
        return runner.run(command, timeout_s=self.timeout_s)


def interpreted(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command with `python` as the interpreter that this program runs on."""
    return tuple(sys.executable if i == 0 and word == "python" else word
                 for i, word in enumerate(argv))  # fmt: skip


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files by their path below a folder; a link or folder in their way is removed."""
    for name, text in files.items():
        path = folder / name
        inside = [p for p in path.parents if p != folder and p.is_relative_to(folder)]
        for parent in reversed(inside):  # from the top: below a link are the files of others
            if parent.is_symlink() or parent.is_file():
                parent.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(text.encode("utf-8"))


def _steering(task: Task) -> dict[str, str]:
    return {
        name: text
        for name, text in task.base.items()
        if Path(name).name in STEERING and name not in task.files
    }


def _take_out_steering(tree: Path, task: Task) -> None:
    for home, folders, names in os.walk(tree):
        for name in [*folders, *names]:
            path = Path(home) / name
            if path.is_symlink() or (path.is_file() and _steers(path.relative_to(tree), task)):
                path.unlink()


def _steers(path: Path, task: Task) -> bool:
    name = path.as_posix()
    is_new_test = path.name.endswith(_GO_TEST) and name not in task.base
    return name not in task.files and (path.name in STEERING or is_new_test)


def _not_copied(folder: str, names: list[str]) -> set[str]:
    """Return what is no part of a tree; a pipe or a socket that a program left cannot be copied."""
    home = Path(folder)
    odd = {n for n in names if not ((p := home / n).is_symlink() or p.is_file() or p.is_dir())}
    return _LEFT_OUT(folder, names) | odd


def _is_green(run: TestRun) -> bool:
    return run.green and run.n_passed > 0 and run.n_failed == 0


def _summed(runs: list[tuple[Check, TestRun]]) -> Grade:
    return Grade(
        checks={check.name: _is_green(run) for check, run in runs},
        passed=sum(run.n_passed for _, run in runs),
        failed=sum(run.n_failed for _, run in runs),
        seconds=round(sum(run.seconds for _, run in runs), 2),
        output="\n".join(run.output for _, run in runs if not _is_green(run)),
    )


def missing_tool(task: Task, environ: Mapping[str, str]) -> str:
    """Return what the task's checks need and this machine lacks, or nothing."""
    for check in task.checks:
        if "pytest" in check.argv and not importlib.util.find_spec("pytest"):
            return "pytest"
        program = interpreted(check.argv)[0]
        if not shutil.which(program, path=environ.get("PATH")):
            return program
    return ""
