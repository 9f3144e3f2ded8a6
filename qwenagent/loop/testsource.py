"""Where the code of a test is, by its id. Reads test files, runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from qwenagent.checks.testfiles import is_test_file
from qwenagent.syntax import symbols
from qwenagent.workspace import Workspace

WORD = re.compile(r"[^\W\d]\w*")
_TEST_BLOCK = re.compile(r"(?P<indent>\s*)(?:test|it|describe|suite)(?:\.\w+)?\s*\(")


def files_of_tests(workspace: Workspace, *texts: str) -> list[str]:
    """Return the repository's test files that commands or test ids name, in order.

    `tests/test_a.py::TestB::test_c` and `tests.test_a.TestB.test_c` both name tests/test_a.py.
    """
    found: dict[str, None] = {}
    for word in (w for text in texts for w in re.split(r"[\s\"']+", text)):
        for path in _paths_in(word.split("::")[0]):
            if is_test_file(path) and workspace.is_file(path):
                found[path] = None
                break
    return list(found)


def _paths_in(word: str) -> Iterable[str]:
    yield word.removeprefix("./")
    parts = word.split(".")
    for n in range(len(parts), 0, -1):
        yield "/".join(parts[:n]) + ".py"


def words_of_test(test: str, tree: Workspace) -> frozenset[str]:
    """Return the words of a test's code, or of its whole file where that is not found."""
    first = test.partition("::")[0]  # Rust's tests stand in the file that they test
    paths = files_of_tests(tree, test) or [path for path in (first,) if tree.is_file(path)]
    for path in paths:
        text = tree.text(path) or ""
        found = source_of_test(test, path, text)
        return frozenset(WORD.findall(found.code if found else text))
    return frozenset()


class Source(NamedTuple):
    """The code of one test, and what it is called there."""

    name: str
    code: str


def source_of_test(test: str, path: str, text: str) -> Source | None:
    """Return the function of a test, or the block that has its title; None if it is not there.

    Of several functions of one name it is the one whose class the test's id has as well.
    """
    lines = text.split("\n")
    dotted = "." + test.replace("::", ".").partition("[")[0]
    short = dotted.rpartition(".")[2].partition("/")[0]
    found = [one for one in symbols(path, text) if one.name.rpartition(".")[2] == short]
    if found:
        symbol = next((one for one in found if dotted.endswith(f".{one.name}")), found[0])
        return Source(symbol.name, symbol.code_in(lines))
    title = test.rpartition(" > ")[2].rpartition("::")[2]
    for at, line in enumerate(lines):
        begin = _TEST_BLOCK.match(line)
        if begin and title and title in line:
            block = [line, *_rest_of_block(lines[at + 1 :], begin["indent"])]
            return Source(title, "\n".join(block).rstrip())
    return None


def _rest_of_block(lines: Iterable[str], indent: str) -> Iterable[str]:
    for line in lines:
        found = _TEST_BLOCK.match(line)
        if found and len(found["indent"]) <= len(indent):
            return
        yield line
