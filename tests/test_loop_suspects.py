"""Functions that failures point to: by frames, by what red tests use and green ones do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.loop.evidence.suspects import Spectrum, suspicion
from qwenagent.loop.evidence.testsource import words_of_tests
from qwenagent.protocol.checks import TestRun, TestStatus
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

SUMS = (
    '"""Sums."""\n\n\ndef first(a):\n    return a\n\n\n'
    "class Sums:\n    def __init__(self):\n        self.n = 0\n\n"
    "    def second(self, b):\n        return self.third() + b\n\n"
    "    def third(self):\n        return 3\n\n"
    "    def fourth(self):\n        return 4\n"
)
TESTS = """from sums import Sums, first


def test_first():
    assert first(1) == 1


def test_second():
    assert Sums().second(1) == 5


def test_third():
    assert Sums().third() == 4


def test_fourth():
    assert Sums().fourth() == 4
"""
NODE = """import test from "node:test";

test("adds two", () => {
  add(1, 1);
});

test("takes away", () => {
  subtract(1, 1);
});
"""
RUST = """pub fn add(a: i32) -> i32 { a }

#[cfg(test)]
mod tests {
    #[test]
    fn adds() { assert_eq!(add(1), 1); }

    #[test]
    fn takes() { assert_eq!(take(1), 1); }
}
"""
GO = """package calc

func TestAdd(t *testing.T) {
	t.Run("small one", func(t *testing.T) { add(1) })
}

func TestTake(t *testing.T) {
	take(1)
}
"""
RED = TestRun("pytest", 1, 0.1, "", {}, {})


@pytest.fixture
def tree(tmp_path: Path) -> Workspace:
    files = {"sums.py": SUMS, "tests/test_sums.py": TESTS, "tests/add.test.js": NODE}
    files |= {"src/lib.rs": RUST, "calc/calc_test.go": GO}
    return Workspace(Repository.open(make_repository(tmp_path / "repo", files)))


def run(*red: str) -> TestRun:
    names = ("first", "second", "third", "fourth")
    ids = {name: f"tests/test_sums.py::test_{name}" for name in names}
    statuses: dict[str, TestStatus] = {
        ids[name]: "failed" if name in red else "passed" for name in names
    }
    return TestRun("pytest", 1, 0.1, "", statuses, {})


def words_of(test: str, tree: Workspace) -> frozenset[str]:
    return words_of_tests([test], tree).get(test, frozenset())


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("sums.py:13: in second\nsums.py:5: in first", ["first", "Sums.second"]),
        ('File "/x/sums.py", line 16, in third', ["Sums.third"]),
        ("at f (/x/sums.py:5:5)", ["first"]),
        ("second() != 3", ["Sums.second"]),
        ("other.py:5: in first", ["first"]),
        ("test_sums.py:13: in it", []),
        ("nothing", []),
    ],
)
def test_without_the_source_of_tests_frames_and_words_tell(told, names):
    failing = replace(RED, failures={"t::x": told})
    assert [s.name for s in suspicion("sums.py", SUMS, failing, Spectrum())] == names


DJANGO = ("users/models.py", "orders/models.py", "api/orders/models.py", "my apps/models.py")


@pytest.mark.parametrize(
    ("path", "files", "told", "is_meant"),
    [
        ("users/models.py", DJANGO, "at orders/models.py:5: return a", False),
        ("orders/models.py", DJANGO, "at orders/models.py:5: return a", True),
        ("users/models.py", DJANGO, 'File "/repo/users/models.py", line 5, in f', True),
        # The longest end counts.
        ("orders/models.py", DJANGO, "at api/orders/models.py:5", False),
        ("api/orders/models.py", DJANGO, "at api/orders/models.py:5", True),
        ("my apps/models.py", DJANGO, "at my apps/models.py:5: x", True),
        ("users/models.py", DJANGO, "at my apps/models.py:5: x", False),
        ("users/models.py", DJANGO, "at bonusers/models.py:5: x", True),
        # It may count from a folder further down, or be of a copy that is somewhere else.
        ("web/src/index.ts", ("web/src/index.ts", "api/index.ts"), "at src/index.ts:5", True),
        ("api/index.ts", ("web/src/index.ts", "api/index.ts"), "at src/index.ts:5", False),
        ("src/mod.rs", ("src/mod.rs", "src/a/mod.rs"), "at /build/copy/mod.rs:5", True),
        ("users/models.py", DJANGO, "at ./models.py:5", True),
        # What is installed is none of the repository.
        ("models.py", ("models.py", *DJANGO), "at users/models.py:5", False),
        ("a/models.py", ("a/models.py",), "/v/site-packages/x/models.py:5: in f", False),
        ("a/models.py", ("a/models.py",), "/v/site-packages/a/models.py:5: in f", False),
        ("a/models.py", ("a/models.py",), "/usr/lib/python3.11/models.py:5: in f", False),
        ("models.py", ("models.py", *DJANGO), "at models.py:5", True),
    ],
)
def test_files_of_one_name_are_told_apart(path, files, told, is_meant):
    text = "\n\n\ndef first(a):\n    return a\n" if path.endswith(".py") else ""
    text = text or "\n\n\nfn first() {\n  1\n}\n"
    text = text.replace("fn", "function") if path.endswith(".ts") else text
    failing = replace(RED, failures={"t::x": told})
    found = suspicion(path, text, failing, Spectrum(), files)
    assert [s.name for s in found] == (["first"] if is_meant else [])


def test_private_methods_count_by_their_name():
    text = "class Sums {\n  #third() {\n    return 3;\n  }\n}\n"
    failing = replace(RED, failures={"t::x": "in third"})
    assert [s.name for s in suspicion("sums.js", text, failing, Spectrum())] == ["Sums.#third"]


@pytest.mark.parametrize(
    ("red", "names"),
    [
        (("first",), ["first"]),
        (("fourth",), ["Sums.fourth", "Sums.__init__"]),
        # What both use, through a call as well, before what only one does.
        (("second", "third"), ["Sums.third", "Sums.__init__", "Sums.second"]),
    ],
)
def test_what_red_tests_use_and_green_ones_do_not(red, names, tree):
    failing = run(*red)
    found = suspicion("sums.py", SUMS, failing, Spectrum.of(failing, tree))
    assert [s.name for s in found] == names


def test_frames_come_first(tree):
    failing = replace(run("fourth"), failures={"t": "sums.py:5: in first"})
    found = suspicion("sums.py", SUMS, failing, Spectrum.of(failing, tree))
    assert [s.name for s in found] == ["first", "Sums.fourth", "Sums.__init__"]


def test_the_words_of_a_test_are_those_of_its_code(tree):
    assert "second" in words_of("tests/test_sums.py::test_second", tree)
    assert "third" not in words_of("tests/test_sums.py::test_second", tree)
    assert words_of("tests/gone.py::test_second", tree) == frozenset()


def test_tests_with_titles(tree):
    found = words_of("tests/add.test.js::takes away", tree)
    assert "subtract" in found
    assert "add" not in found


@pytest.mark.parametrize(
    "test", ["src/lib.rs::tests::adds", "calc/calc_test.go::TestAdd/small_one"]
)
def test_tests_of_other_languages(test, tree):
    found = words_of(test, tree)
    assert "add" in found
    assert "take" not in found
