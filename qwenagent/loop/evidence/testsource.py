"""Where tests are: the files that ids, commands and steps name. Reads files, runs nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from qwenagent.checks.affected import files_of_ids
from qwenagent.checks.testfiles import is_test_file
from qwenagent.loop.evidence.testcode import source_of_test
from qwenagent.plan import Step
from qwenagent.plan.markdown.inline import code_spans
from qwenagent.workspace import Workspace

WORD = re.compile(r"[^\W\d]\w*")
MAX_SHOWN = 3
"""Test files that are shown to a model."""
_FRAME = re.compile(r"^at (.+?):\d+(?::|$)", re.MULTILINE)
_MARKS = "`'\"*,;:()<>"


def files_of_tests(tree: Workspace, ids: Iterable[str]) -> dict[str, str]:
    """Return the file of each test whose id tells it: `tests/test_a.py::test_b`, `test_a.T.b`.

    It may be one of the program itself, as in Rust.
    """
    ids = list(ids)
    named = files_of_ids(ids, tree.files()) if ids else {}
    found = {test: path for path, tests in named.items() for test in tests}
    # A file that git ignores is not listed.
    heads = {test: test.partition("::")[0] for test in ids if test not in found}
    found |= {test: head for test, head in heads.items() if tree.is_file(head)}
    return {test: found[test] for test in ids if test in found}


def files_in_command(tree: Workspace, command: str) -> list[str]:
    """Return the test files that a command names, in order; it is as typed."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quote without its other half
        words = command.split()
    return _tests_among(tree, words)


def files_in_step(tree: Workspace, step: Step) -> list[str]:
    """Return the test files that a step names, as paths or as `tests.test_a.T.test_b`."""
    words = (word.strip(_MARKS).rstrip(".") for word in step.text.split())
    dotted = [word for word in words if "." in word and "/" not in word]
    named = (_of_one_name(path, tree) for path in step.mentions)
    # A name with a blank in it is one in a code span alone.
    spans = (span for line in step.text.splitlines() for span in code_spans(line) if " " in span)
    return _tests_among(tree, [*named, *spans, *dotted])


def files_to_show(
    tree: Workspace, step: Step, command: str, failures: Mapping[str, str]
) -> list[str]:
    """Return the test files of a step to show, those that fail first, of these those it names.

    `failures` are what failed tests said, by id: where the id tells no file, the frames may.
    """
    homes = files_of_tests(tree, failures)
    told = (homes.get(test) or _in_frames(tree, text) for test, text in failures.items())
    failed = dict.fromkeys(path for path in told if path and is_test_file(path))
    asked = files_in_step(tree, step)
    first = [path for path in asked if path in failed]
    return list(dict.fromkeys([*first, *failed, *asked, *files_in_command(tree, command)]))


def _tests_among(tree: Workspace, words: Iterable[str]) -> list[str]:
    words = list(words)
    homes = files_of_tests(tree, [word.removeprefix("./") for word in words])
    found = (homes.get(word.removeprefix("./")) for word in words)
    return list(dict.fromkeys(path for path in found if path and is_test_file(path)))


def _of_one_name(path: str, tree: Workspace) -> str:
    """Return the file that a bare name means, further down if there is one of that name."""
    if "/" in path or tree.exists(path):
        return path
    found = [other for other in tree.files() if other.endswith(f"/{path}")]
    return found[0] if len(found) == 1 else path


def _in_frames(tree: Workspace, failure: str) -> str:
    """Return the first test file among the frames of a reduced failure, "" if there is none."""
    paths = _FRAME.findall(failure)
    return next((path for path in paths if is_test_file(path) and tree.is_file(path)), "")


def words_of_tests(tests: Iterable[str], tree: Workspace) -> dict[str, frozenset[str]]:
    """Return the words of each test's code, or of its whole file where that is not found.

    Tests whose file is not known are left out.
    """
    texts: dict[str, str] = {}
    words: dict[str, frozenset[str]] = {}
    for test, path in files_of_tests(tree, tests).items():
        if path not in texts:
            texts[path] = tree.text(path) or ""
        found = source_of_test(test, path, texts[path])
        words[test] = frozenset(WORD.findall(found.code if found else texts[path]))
    return words
