"""Which tests a step wrote itself, by ids as runners of many languages give them."""

from __future__ import annotations

import pytest

from qwenagent.loop.evidence.owntests import own_tests
from qwenagent.protocol.checks import TestRun, TestStatus
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

RUST = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {}\n}\n"
FILES = {
    "src/lib.rs": RUST,
    "src/cart.rs": RUST,
    "src/plain.rs": "fn f() {}\n",
    "src/cart.js": "",
    "calc.py": "",
    "test/cart.test.js": "it('adds', () => {});\n",
    "tests/test_a.py": "",
    "my tests/test_b.py": "",
}
LIB, CART = "src/lib.rs::tests::adds", "src/lib.rs::cart::tests::adds"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(
        Repository.open(make_repository(tmp_path_factory.mktemp("own") / "repo", FILES))
    )


def run(statuses: dict[str, TestStatus], command: str = "x") -> TestRun:
    return TestRun(command, 1, 0.1, "", statuses, {t: "E" for t in statuses}, collected=True)


@pytest.mark.parametrize(
    ("test", "written", "before", "is_own"),
    [
        # A file that is known.
        ("test_a.T.test_x", ["tests/test_a.py"], {}, True),
        ("test_a.T.test_x", ["tests/test_a.py"], {"test_a.T.test_x": "failed"}, True),
        ("test_a.T.test_x", ["src/cart.js", "my tests/test_b.py"], {}, False),
        ("my tests/test_b.py::test_x", ["my tests/test_b.py"], {}, True),
        # Rust's stand in the file that they test, and the id has that of the crate.
        (LIB, ["src/lib.rs"], {"src/lib.rs::tests::old": "passed"}, True),
        (CART, ["src/cart.rs"], {}, True),
        (LIB, ["src/lib.rs"], {LIB: "failed"}, False),
        (LIB, ["src/plain.rs"], {}, False),
        # As do those in Python's documentation, and of projects with names of their own.
        ("calc.py::calc.add", ["calc.py"], {}, True),
        ("calc.py::calc.add", ["calc.py"], {"calc.py::calc.add": "failed"}, False),
        (LIB, ["src/lib.rs"], {"src/cart.rs": "failed"}, False),  # it did not compile
        # Mocha's tell no file.
        ("cart::adds", ["test/cart.test.js"], {"cart::old": "passed"}, True),
        ("cart::adds", ["src/cart.js"], {}, False),
        ("cart::adds", ["src/cart.js", "tests/test_a.py"], {"cart::adds": "failed"}, False),
        ("cart::adds", ["test/cart.test.js"], {"cart::adds": "failed"}, True),
        ("cart::takes", ["test/cart.test.js"], {"cart::takes": "failed"}, False),
    ],
)
def test_tests_of_the_steps_own(test, written, before, is_own, tree):
    assert own_tests([test], written, [None, run(before)], tree) == ({test} if is_own else set())


@pytest.mark.parametrize(
    ("command", "written", "is_own"),
    [
        ("make test", ["src/cart.js", "test/cart.test.js"], False),
        ("python3 -m unittest tests/test_a.py", ["tests/test_a.py"], True),
        ("python3 -m unittest tests/test_a.py", ["src/cart.js"], False),
    ],
)
def test_a_run_whose_tests_are_not_known_one_by_one(command, written, is_own, tree):
    before = [run({}, command)]
    assert own_tests([command], written, before, tree) == ({command} if is_own else set())
    nothing = TestRun(command, 5, 0.1, "", {}, {}, collected=False)
    is_new = any("test" in path for path in written)
    assert own_tests([command], written, [nothing], tree) == ({command} if is_new else set())
