"""Which of a project's runners runs the file of a given test, and with which words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal

from qwenagent.checks.command import is_shell, typed
from qwenagent.checks.given.block import Block, parent
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand

NodeRunner = Literal["node", "jest", "vitest", "mocha"]

_UNITTEST = re.compile(r"^[ \t]*(?:import|from) unittest\b|\bTestCase\b", re.MULTILINE)
_PYTEST = re.compile(
    r"^[ \t]*(?:import|from) pytest\b|^(?:async )?def test|^@pytest\.", re.MULTILINE
)
_NODE_RUNNERS: tuple[tuple[NodeRunner, str], ...] = (
    ("node", r"""["']node:test["']"""),
    ("vitest", r"""["']vitest["']"""),
    ("jest", r"""["']@jest/globals["']|\bjest\.\w"""),
    ("mocha", r"""["']mocha["']"""),
)
_PYTESTS = frozenset({"pytest", "py.test"})


def command_of(block: Block, path: str, suite: TestCommand | None) -> TestCommand:
    """Return the command that runs the file of a test alone.

    Raises:
        ChecksError: no runner is known for it.
    """
    if block.language == "python":
        return _python_command(block.code, path, suite)
    if block.language == "rust":
        crate = block.nearest("Cargo.toml", path)
        cargo = ("cargo", "test", "--test", PurePosixPath(path).stem)
        return TestCommand(cargo, typed(cargo), "step", crate or ".")
    if block.language == "go":
        module = block.nearest("go.mod", path)
        folder = parent(path)[len(module) :].strip("/")
        argv = ("go", "test", f"./{folder}" if folder else ".")
        return TestCommand(argv, typed(argv), "step", module or ".")
    return _node_command(block, path, suite)


def _node_command(block: Block, path: str, suite: TestCommand | None) -> TestCommand:
    project, manifest = block.package_json(path)
    runner = node_runner(block.code, suite, manifest)
    local = path[len(project) :].lstrip("/")
    commands: dict[str, tuple[str, ...]] = {
        "node": ("node", "--test", local),
        "jest": ("npx", "--no-install", "jest", "--runTestsByPath", local),
        "vitest": ("npx", "--no-install", "vitest", "run", local),
        "mocha": ("npx", "--no-install", "mocha", local),
    }
    if runner is None or (runner == "node" and block.language == "typescript"):
        raise ChecksError(
            f"no runner is known for the {block.language} test of step {block.step.number}: "
            "neither the test nor package.json names node:test, jest, vitest or mocha",
            hint="give the command in `Test:` as well",
        )
    argv = commands[runner]
    return TestCommand(argv, typed(argv), "step", project or ".")


def _python_command(code: str, path: str, suite: TestCommand | None) -> TestCommand:
    words = _plain_words(suite)
    is_unittest = _UNITTEST.search(code) is not None and not _PYTEST.search(code)
    if is_unittest and not any(PurePosixPath(word).name in _PYTESTS for word in words):
        return _unittest(path, suite, words)
    return _pytest(path, suite, words)


def _plain_words(suite: TestCommand | None) -> tuple[str, ...]:
    """Return the words of a suite, none if a shell reads them."""
    return () if suite is None or is_shell(suite.argv) else suite.argv


def _pytest(path: str, suite: TestCommand | None, words: Sequence[str]) -> TestCommand:
    at = next((i for i, word in enumerate(words) if PurePosixPath(word).name in _PYTESTS), None)
    if at is None:
        return _with_file(("python", "-m", "pytest"), path, None)
    return _with_file(tuple(words[: at + 1]), path, suite)


def _unittest(path: str, suite: TestCommand | None, words: Sequence[str]) -> TestCommand:
    if "unittest" not in words:
        words, suite = ("python", "-m", "unittest"), None
    at = words.index("unittest") + 1
    head, own = tuple(words[:at]), words[at:]
    local, cwd = _local(path, suite)
    place = PurePosixPath(local)
    if "discover" not in own and place.parent == PurePosixPath():
        return _with_file(head, path, suite)
    # Not `unittest tests/test_x.py`: that imports `tests.test_x`, and a folder that is no package
    # loses against any package `tests` that is installed.
    top = own[own.index("-t") : own.index("-t") + 2] if "-t" in own else ()
    argv = (*head, "discover", "-s", str(place.parent), *top, "-p", place.name)
    return TestCommand(argv, typed(argv), "step", cwd)


def _with_file(head: tuple[str, ...], path: str, suite: TestCommand | None) -> TestCommand:
    local, cwd = _local(path, suite)
    argv = (*head, local)
    return TestCommand(argv, typed(argv), "step", cwd)


def _local(path: str, suite: TestCommand | None) -> tuple[str, str]:
    """Return a path as seen from the suite's folder, if it lies in it, and that folder."""
    cwd = suite.cwd if suite else "."
    if cwd != "." and PurePosixPath(path).is_relative_to(cwd):
        return PurePosixPath(path).relative_to(cwd).as_posix(), cwd
    return path, "."


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
