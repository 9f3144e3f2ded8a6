"""Which test runner a command starts, and where things stand in its words.

Starts nothing and looks at no file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from qwenagent.checks.command import count_assignments, is_shell, program_name

Kind = Literal[
    "pytest", "unittest", "django", "node", "jest", "vitest", "mocha", "cargo", "go", "other"
]

_PYTHON = re.compile(r"(?:python|pypy)(?:\d[\d.]*)?(?:\.exe)?$")
# What stands before a command and runs it -> its options that take the next word.
_WRAPPERS: dict[tuple[str, ...], frozenset[str]] = {
    ("env",): frozenset({"-u", "--unset", "-C", "--chdir"}),
    ("timeout",): frozenset({"-k", "--kill-after", "-s", "--signal"}),
    ("nice",): frozenset({"-n"}),
    ("nohup",): frozenset(),
    ("time",): frozenset(),
    ("stdbuf",): frozenset({"-i", "-o", "-e"}),
    ("xvfb-run",): frozenset({"-n", "-s"}),
    ("uv", "run"): frozenset(
        [
            *("--with", "--with-editable", "--with-requirements", "--python", "-p", "--extra"),
            *("--group", "--no-group", "--only-group", "--package", "--directory", "--project"),
            *("--env-file", "--index-url", "--config-file"),
        ]
    ),
    ("poetry", "run"): frozenset({"-C", "--directory", "-P", "--project"}),
    ("pipenv", "run"): frozenset(),
    ("pdm", "run"): frozenset({"-p", "--project", "-s"}),
    ("hatch", "run"): frozenset(),
    ("rye", "run"): frozenset(),
    ("npx",): frozenset({"-p", "--package", "-c", "--call", "-w", "--workspace"}),
    ("npm", "exec"): frozenset({"-p", "--package", "-c", "--call", "-w", "--workspace"}),
    ("pnpm", "exec"): frozenset({"-C", "--dir", "-F", "--filter"}),
    ("yarn", "exec"): frozenset(),
    ("cross-env",): frozenset(),
    ("c8",): frozenset({"-r", "--reporter", "-x", "--exclude", "-n", "--include"}),
    ("nyc",): frozenset({"-r", "--reporter", "-x", "--exclude", "-n", "--include"}),
}
_ASSIGNING = (("env",), ("cross-env",))
_MANAGERS = frozenset(
    ["uv", "poetry", "pipenv", "pdm", "hatch", "rye", "npx", "npm", "pnpm", "yarn"]
)
_PYTHON_VALUES = frozenset({"-W", "-X"})
_NODE_VALUES = frozenset(["-r", "--require", "--import", "--loader", "-C", "--conditions"])
_NODE_RUNNERS: dict[str, Kind] = {
    "jest": "jest",
    "vitest": "vitest",
    "mocha": "mocha",
    "_mocha": "mocha",
}
_CARGO_VALUES = frozenset(["--color", "--config", "-C", "-Z", "--manifest-path"])
_COVERAGE_VALUES = frozenset(
    ["--source", "--include", "--omit", "--rcfile", "--data-file", "--concurrency", "--context"]
)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Where things stand in the words of a command."""

    kind: Kind
    program: int
    """Index of the word that names the interpreter or tool, behind `env A=b`, `timeout 60`."""
    arguments: int
    """Index of the test runner's first own argument; of the program's, if the kind is "other"."""
    managed: bool = False
    """True if a tool such as uv or poetry, itself in the command, chooses the interpreter."""


def dissect(argv: Sequence[str]) -> Anatomy:
    """Find the program and the test runner in the words of a command."""
    start, managed = _skip_wrappers(argv, 0)
    if start >= len(argv) or is_shell(argv[start:]):
        return Anatomy("other", min(start, len(argv) - 1), len(argv), managed)
    name = PurePath(argv[start]).name
    if name in ("pytest", "py.test"):
        return Anatomy("pytest", start, start + 1, managed)
    if _PYTHON.match(name) or name == "coverage":
        module, after = _started_module(argv, start)
        if module in ("pytest", "py.test"):
            return Anatomy("pytest", start, after, managed)
        if module == "unittest":
            return Anatomy("unittest", start, after, managed)
    kind, after = _other_runner(argv, start)
    return Anatomy(kind, start, after, managed)


def program_indexes(argv: Sequence[str]) -> list[int]:
    """Return where the words stand that name programs: the first, what `env A=b` or `uv run` start.

    As far as can be told; in order.
    """
    if not argv:
        return []
    n_set = count_assignments(argv[1:]) if program_name(argv[0]) == "env" else 0
    found = {0, n_set and n_set + 1, dissect(argv).program}
    return sorted(index for index in found if index < len(argv))


def _other_runner(argv: Sequence[str], start: int) -> tuple[Kind, int]:
    """Return which runner of tests the program is, and the index of its first own argument."""
    name, after = PurePath(argv[start]).name, start + 1
    words = tuple(argv[after:])
    if name in _NODE_RUNNERS:
        return _of_node_runner(_NODE_RUNNERS[name], argv, after)
    if name == "node":
        return _of_node(argv, after)
    if name == "react-scripts" and words[:1] == ("test",):
        return "jest", after + 1
    if name == "cargo":
        return _of_cargo(argv, after)
    if name == "go" and words[:1] == ("test",):
        return "go", after + 1
    if name == "go" and words[:1] == ("-C",) and words[2:3] == ("test",):
        return "go", after + 3
    if name == "manage.py" or (_PYTHON.match(name) and _is_manage(words)):
        after += 0 if name == "manage.py" else 1
        return (
            ("django", after + 1)
            if tuple(argv[after : after + 1]) == ("test",)
            else ("other", after)
        )
    return "other", start + 1


def _is_manage(words: tuple[str, ...]) -> bool:
    return bool(words) and PurePath(words[0]).name == "manage.py"


def _of_node_runner(kind: Kind, argv: Sequence[str], index: int) -> tuple[Kind, int]:
    if kind != "vitest" or index >= len(argv) or argv[index].startswith("-"):
        return kind, index
    if argv[index] in ("bench", "list", "typecheck", "init"):
        return "other", index
    return kind, index + 1 if argv[index] in ("run", "watch", "dev", "related") else index


def _of_node(argv: Sequence[str], index: int) -> tuple[Kind, int]:
    """Tell `node --test` from `node node_modules/jest/bin/jest.js`."""
    while index < len(argv) and argv[index].startswith("-"):
        if argv[index] == "--test":
            return "node", index + 1
        index += 2 if argv[index] in _NODE_VALUES else 1
    runner = _NODE_RUNNERS.get(PurePath(argv[index]).stem) if index < len(argv) else None
    return _of_node_runner(runner, argv, index + 1) if runner else ("other", index)


def _of_cargo(argv: Sequence[str], index: int) -> tuple[Kind, int]:
    if index < len(argv) and argv[index].startswith("+"):
        index += 1
    index = _skip_options(argv, index, _CARGO_VALUES)
    is_test = tuple(argv[index : index + 1]) in (("test",), ("t",))
    return ("cargo", index + 1) if is_test else ("other", index)


def _started_module(argv: Sequence[str], program: int) -> tuple[str, int]:
    """Return the module that python or coverage starts, "" if none, and the index behind it."""
    module, after = "coverage", program + 1
    if _PYTHON.match(PurePath(argv[program]).name):
        module, after = _module_option(argv, program + 1, _PYTHON_VALUES)
    if module == "coverage" and "run" in argv[after : after + 1]:
        return _module_option(argv, after + 1, _COVERAGE_VALUES)
    return module, after


def _module_option(argv: Sequence[str], index: int, with_value: frozenset[str]) -> tuple[str, int]:
    while index < len(argv) and argv[index].startswith("-") and argv[index] != "-c":
        if match := re.match(r"-[bBdEhiIOPqsSuvx]*m(.*)", argv[index]):
            if match[1]:
                return match[1], index + 1
            return "".join(argv[index + 1 : index + 2]), index + 2
        index += 2 if argv[index] in with_value else 1
    return "", index


def _skip_wrappers(argv: Sequence[str], index: int) -> tuple[int, bool]:
    """Return the index of the wrapped program, and whether a project manager is among the rest."""
    managed = False
    while wrapper := _wrapper_at(argv, index):
        managed = managed or wrapper[0] in _MANAGERS
        index = _skip_options(argv, index + len(wrapper), _WRAPPERS[wrapper])
        if wrapper in _ASSIGNING:
            index += count_assignments(argv[index:])
        elif wrapper == ("timeout",):
            index += 1
    return index, managed


def _wrapper_at(argv: Sequence[str], index: int) -> tuple[str, ...] | None:
    names = tuple(PurePath(word).name for word in argv[index : index + 2])
    return next((w for w in (names, names[:1]) if w in _WRAPPERS), None)


def _skip_options(argv: Sequence[str], index: int, with_value: frozenset[str]) -> int:
    while index < len(argv) and argv[index].startswith("-"):
        if argv[index] == "--":
            return index + 1
        index += 2 if argv[index] in with_value else 1
    return index
