"""Which files are tests: by their names, and in Rust by what is in them. Asks no runner."""

from __future__ import annotations

import posixpath
import re

from qwenagent.checks.uses import PYTHON, RUST, SCRIPT, Read

_TEST_FILE = re.compile(
    r"(?:^|/)(?:(?i:tests?|spec|__tests__|e2e|cypress)|[^/]+\.[A-Za-z]*Tests?)/"
    r"|(?:^|/)(?:test_[^/]*|tests|[^/]*[._-](?:test|spec))\.\w+$"
    r"|\.(?:cy|e2e)\.[cm]?[jt]sx?$"
)
_JVM = (".java", ".kt", ".kts", ".scala", ".groovy")
_FAMILIES = (
    PYTHON,
    SCRIPT,
    (".go",),
    RUST,
    _JVM,
    (".c", ".h", ".cc", ".cpp", ".cxx", ".hpp"),
    (".ex", ".exs"),
    *((suffix,) for suffix in (".rb", ".php", ".cs", ".swift", ".dart", ".lua", ".r", ".jl")),
)
_SUFFIXES = tuple(suffix for family in _FAMILIES for suffix in family)
_SCRIPT_FOLDERS = frozenset({"__tests__", "test", "tests"})
_NO_TESTS = frozenset(
    ["fixtures", "__fixtures__", "__mocks__", "helpers", "helper", "setup", "support", "utils"]
)
_TEST_STEM = re.compile(
    r"^(?:test[_-](?P<a>.+)|(?P<b>.+?)[_.-](?:tests?|specs?)|(?P<c>.+?)(?:Tests?|Spec|IT|TestCase)"
    r"|Test(?P<d>[A-Z].*))$"
)
_BY_CAPITALS = (*_JVM, ".cs", ".swift", ".php", ".cc", ".cpp", ".cxx")
"""Where `CartTest` is a test by custom; in others, as a component `ABTest.tsx`, it need not be."""
_STYLES = (
    # (suffixes, which marks of a test's name count in them)
    (_SUFFIXES, re.compile(r"test[_-].|.+[_.-](?:tests?|specs?)$")),
    (_BY_CAPITALS, re.compile(r".*(?:Tests?|TestCase)$")),
    (_JVM, re.compile(r"Test[A-Z]|.*[a-z]IT$")),
    # A PodSpec.java or JobSpec.ts says how something is to be made.
    ((".kt", ".kts", ".scala", ".groovy"), re.compile(r".*Spec$")),
)
_RUST_TEST = re.compile(r"#\[(?:\w+::)*test\b|#\[cfg\(test\)\]|#\[rstest")


def is_test_file(path: str) -> bool:
    """Tell a test, or what lies beside tests, from a file of the program itself.

    A folder `testing` is the program's: there lies what it gives to the tests of others.
    """
    if _TEST_FILE.search(path):
        return True
    stem, suffix = posixpath.splitext(posixpath.basename(path))
    return _tested_name(stem) is not None and any(
        suffix in suffixes and style.match(stem) for suffixes, style in _STYLES
    )


def holds_tests(path: str, read: Read) -> bool:
    """Tell whether a runner would find tests in a file, as far as its name tells."""
    if path.endswith(RUST):
        return "tests" in path.split("/")[:-1] or bool(_RUST_TEST.search(read(path) or ""))
    folders, stem = path.split("/")[:-1], posixpath.basename(path).rpartition(".")[0]
    if path.endswith(SCRIPT) and _SCRIPT_FOLDERS.intersection(folders):
        return not _NO_TESTS.intersection([*folders, stem])
    if path.endswith(PYTHON):
        return stem.startswith("test_") or stem.endswith("_test") or stem == "tests"
    return path.endswith(_SUFFIXES) and _tested_name(stem) is not None


def is_named_after(test: str, source: str) -> bool:
    """True for `parser.py` and `test_parser.py`, `Foo.java` and `FooTest.java`."""
    if family_of(test) != family_of(source) or test == source:
        return False
    stem = posixpath.basename(source).rpartition(".")[0]
    if stem in ("__init__", "index", "mod"):
        stem = posixpath.basename(posixpath.dirname(source))
    return _tested_name(posixpath.basename(test).rpartition(".")[0]) == _plain(stem)


def family_of(path: str) -> tuple[str, ...]:
    """Return the suffixes of the languages that use each other's files."""
    suffix = posixpath.splitext(path)[1]
    return next((family for family in _FAMILIES if suffix in family), (suffix or "/",))


def _tested_name(stem: str) -> str | None:
    """Return the name that a test's name is made of, without its marks of style."""
    match = _TEST_STEM.match(stem)
    return _plain(next(filter(None, match.groups()))) if match else None


def _plain(name: str) -> str:
    return re.sub(r"[_.-]", "", name).lower()
