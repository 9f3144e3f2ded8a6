"""Which of a project's runners runs one given test file, and with which words. Starts nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath
from typing import Literal

from qwenagent.protocol.checks import TestCommand

NodeRunner = Literal["node", "jest", "vitest", "mocha"]

_UNITTEST = re.compile(r"^\s*(?:import|from) unittest\b|\bTestCase\b", re.MULTILINE)
_PYTEST = re.compile(r"^\s*(?:import|from) pytest\b|^(?:async )?def test|^@pytest\.", re.MULTILINE)
_NODE_RUNNERS: tuple[tuple[NodeRunner, str], ...] = (
    ("node", r"""["']node:test["']"""),
    ("vitest", r"""["']vitest["']"""),
    ("jest", r"""["']@jest/globals["']|\bjest\.\w"""),
    ("mocha", r"""["']mocha["']"""),
)
_SHELL = frozenset({"bash", "sh"})
_PYTESTS = frozenset({"pytest", "py.test"})


def nearest(manifest: str, path: str, files: Collection[str]) -> str:
    """Return the folder of the next manifest above a path, "" for the root and for none."""
    for folder in PurePosixPath(path).parents:
        if folder != PurePosixPath() and f"{folder}/{manifest}" in files:
            return folder.as_posix()
    return ""


def python_command(code: str, path: str, suite: TestCommand | None) -> TestCommand:
    """Return the command that runs one file of Python tests."""
    words = _plain_words(suite)
    is_unittest = _UNITTEST.search(code) is not None and not _PYTEST.search(code)
    if is_unittest and not any(PurePosixPath(word).name in _PYTESTS for word in words):
        return _unittest(path, suite, words)
    return _pytest(path, suite, words)


def _plain_words(suite: TestCommand | None) -> tuple[str, ...]:
    """Return the words of a suite, none if a shell reads them."""
    if suite is None or PurePosixPath(suite.argv[0]).name in _SHELL:
        return ()
    return suite.argv


def _pytest(path: str, suite: TestCommand | None, words: Sequence[str]) -> TestCommand:
    at = next((i for i, word in enumerate(words) if PurePosixPath(word).name in _PYTESTS), None)
    if at is None:
        return _command(("python", "-m", "pytest"), path, None)
    return _command(tuple(words[: at + 1]), path, suite)


def _unittest(path: str, suite: TestCommand | None, words: Sequence[str]) -> TestCommand:
    if "unittest" not in words:
        return _command(("python", "-m", "unittest"), path, None)
    at = words.index("unittest") + 1
    head, own = tuple(words[:at]), words[at:]
    if "discover" not in own:
        return _command(head, path, suite)
    local, cwd = _local(path, suite)
    place = PurePosixPath(local)
    top = own[own.index("-t") : own.index("-t") + 2] if "-t" in own else ()
    argv = (*head, "discover", "-s", str(place.parent), *top, "-p", place.name)
    return TestCommand(argv, _as_typed(argv), "step", cwd)


def _command(head: tuple[str, ...], path: str, suite: TestCommand | None) -> TestCommand:
    local, cwd = _local(path, suite)
    argv = (*head, local)
    return TestCommand(argv, _as_typed(argv), "step", cwd)


def _local(path: str, suite: TestCommand | None) -> tuple[str, str]:
    """Return a path as seen from the suite's folder, if it lies in it, and that folder."""
    cwd = suite.cwd if suite else "."
    if cwd != "." and PurePosixPath(path).is_relative_to(cwd):
        return PurePosixPath(path).relative_to(cwd).as_posix(), cwd
    return path, "."


def _as_typed(argv: tuple[str, ...]) -> str:
    words = argv[1:] if argv[0] == "env" and "=" in argv[1] else argv
    return shlex.join(words)


def node_runner(code: str, suite: TestCommand | None, manifest: str) -> NodeRunner | None:
    """Return the runner that a test names itself, else the project's, None if none is known.

    `manifest` is the text of package.json, empty if there is none.
    """
    for runner, names in _NODE_RUNNERS:
        if re.search(names, code):
            return runner
    script = re.search(r'"test"\s*:\s*"((?:[^"\\]|\\.)*)"', manifest)
    for text in (suite.shown if suite else "", script[1] if script else "", manifest):
        if re.search(r"\bnode\b.*--test\b", text):
            return "node"
        for runner, _ in _NODE_RUNNERS[1:]:
            if re.search(rf"(?<![\w-]){runner}(?![\w-])", text):
                return runner
    return None
