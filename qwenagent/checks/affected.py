"""Which test files reach changed files: by imports, by package or crate, by name.

Reads texts it is handed and runs nothing. An estimate: the whole suite has the last word.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable

from qwenagent.checks.testfiles import family_of, holds_tests, is_named_after
from qwenagent.checks.uses import GO, PYTHON, RUST, SCRIPT, PythonModules, Read, find_uses

MAX_TESTS = 50
"""Test files returned at most, the nearest first."""
MAX_READ = 5000
"""With more files of the changed ones' languages than this, names alone decide."""

_CODE = (*PYTHON, *SCRIPT, *GO, *RUST)
_MANIFESTS = ("go.mod", "Cargo.toml")
_LEAST_NAME = 5
"""A shorter file name, as "a.py", turns up in texts by chance."""


def affected_tests(
    changed: Collection[str], files: Collection[str], read: Read, known: Iterable[str]
) -> list[str]:
    """Return the test files to run for changed files, the nearest first; [] if none is found.

    `files` are the repository's; `read` gives the text of one, None if it has none; `known` are
    ids of the tests that the suite has, so that files it does not run are left out.
    """
    changed = list(changed)
    texts = _Texts(read)
    tests = _test_files(changed, files, texts.read, known)
    distance = _reached(changed, files, texts)
    for path in tests:
        if path not in changed and any(is_named_after(path, other) for other in changed):
            distance[path] = 1
    found = [path for path in tests if path in distance]
    return sorted(found, key=lambda path: (distance[path], path))[:MAX_TESTS]


class _Texts:
    """Reads each file once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[str, str] = {}

    def read(self, path: str) -> str:
        if path not in self._known:
            self._known[path] = self._read(path) or ""
        return self._known[path]


def _reached(changed: list[str], files: Collection[str], texts: _Texts) -> dict[str, int]:
    data = [path for path in changed if not path.endswith(_CODE)]
    suffixes = _CODE if data else tuple(s for path in changed for s in family_of(path))
    sources = [f for f in files if f.endswith(suffixes) or posixpath.basename(f) in _MANIFESTS]
    if len(sources) > MAX_READ:
        return dict.fromkeys(changed, 0)
    uses = find_uses(sources, texts.read)
    for path in data:
        name = posixpath.basename(path)
        if len(name) >= _LEAST_NAME:
            uses.users[path].update(f for f in sources if name in texts.read(f))
    return uses.reached_from(changed)


def _test_files(
    changed: list[str], files: Collection[str], read: Read, known: Iterable[str]
) -> list[str]:
    """Return the files that the known tests are in; where ids name no file, those that look so."""
    named = files_of_ids(known, files)
    if not named:
        return [f for f in files if holds_tests(f, read)]
    new = (f for f in changed if f in files and holds_tests(f, read))
    return [*named, *(f for f in new if f not in named)]


def files_of_ids(ids: Iterable[str], files: Collection[str]) -> dict[str, list[str]]:
    """Return the ids of each file that some name: `tests/test_a.py::test_b`, `tests.test_a.T.b`."""
    known = frozenset(files)
    modules = PythonModules([f for f in files if f.endswith(".py")])
    found: dict[str, list[str]] = {}
    for test in ids:
        if (path := _file_of(test, known, modules)) is not None:
            found.setdefault(path, []).append(test)
    return found


def _file_of(test: str, files: frozenset[str], modules: PythonModules) -> str | None:
    for mark in ("::", " > ", " \u203a ", "#", ":", " "):
        if (head := test.split(mark)[0].removeprefix("./")) in files:
            return head
    parts = test.split(".")
    for n in range(len(parts), 0, -1):
        found = modules.find(".".join(parts[:n]), "")
        exact = "/".join(parts[:n]) + ".py"
        if exact in found or len(found) == 1:
            path = exact if exact in found else found[0]
            return None if path.endswith("__init__.py") else path
    return None
