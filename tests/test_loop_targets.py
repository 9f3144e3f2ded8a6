"""Which files a step is about, in real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.loop.targets import Targets, find_targets, identifiers, is_test_file
from qwenagent.plan import Step, parse_plan
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

FILES = {
    "app/cart.py": "def total():\n    return 0\n",
    "app/rates.py": "RATE = 1\n",
    "lib/same.py": "A = 1\n",
    "app/same.py": "A = 2\n",
    "tests/test_cart.py": "import unittest\n",
    "conftest.py": "",
    "pyproject.toml": "[project]\n",
    "README.md": "# App\n",
    "grüße.py": "A = 1\n",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = make_repository(tmp_path_factory.mktemp("targets") / "my repo", FILES)
    return Workspace(Repository.open(root))


def step(text: str) -> Step:
    [only] = parse_plan(f"- [ ] {text}\n").steps
    return only


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("Fix `total` in `app/cart.py`.", Targets(change=("app/cart.py",))),
        (
            "Use the rate of app/rates.py in app/cart.py.",
            Targets(change=("app/rates.py", "app/cart.py")),
        ),
        ("Mend it.\n      Files: `app/cart.py`", Targets(change=("app/cart.py",))),
        ("Make `tests/test_cart.py` pass.", Targets()),
        ("Make `tests/test_cart.py` pass, see `app/cart.py`.", Targets(change=("app/cart.py",))),
        ("More cases.\n      Files: `tests/test_cart.py`", Targets(change=("tests/test_cart.py",))),
        ("Say so in README.md.", Targets(change=("README.md",))),
        ("Fix `cart.py`.", Targets(change=("app/cart.py",))),
        ("Fix `grüße.py`.", Targets(change=("grüße.py",))),
        ("Mind `conftest.py`, `pyproject.toml`; fix `cart.py`.", Targets(change=("app/cart.py",))),
        ("Add a fixture.\n      Files: `conftest.py`", Targets(change=("conftest.py",))),
        ("Write `app/tax.py` with `tax()`.", Targets(create=("app/tax.py",))),
        (
            "Write `app/tax.py` and use it in `app/cart.py`.",
            Targets(create=("app/tax.py",), change=("app/cart.py",)),
        ),
        (
            "Write the tax.\n      Files: `app/tax.py`, `app/cart.py`",
            Targets(create=("app/tax.py",), change=("app/cart.py",), must_change=("app/cart.py",)),
        ),
        ("Keep the items in `tasks.json`, in `app/cart.py`.", Targets(change=("app/cart.py",))),
        ("Write the items.\n      Files: `tasks.json`", Targets(create=("tasks.json",))),
        ("Write `tests/test_new.py`.", Targets(create=("tests/test_new.py",))),
        ("Read `/etc/hosts.py`, `../x.py` and `.git/hooks/x.py`.", Targets()),
        ("Steps.\n      Files: `../x.py`, `/etc/passwd`, `.github/ci.yml`", Targets()),
        ("Make adding faster.", Targets()),
    ],
)  # fmt: skip
def test_the_files_of_a_step(text, targets, tree):
    assert find_targets(step(text), tree) == targets


def test_a_bare_name_of_two_files_is_no_file_that_is_there(tree):
    assert find_targets(step("Mend `same.py`."), tree).change == ()


def test_files_of_the_command_line_come_after_those_of_the_step(tree):
    found = find_targets(step("Fix `app/cart.py`."), tree, ("app/new.toml", "app/rates.py"))
    assert found == Targets(
        create=("app/new.toml",),
        change=("app/rates.py", "app/cart.py"),
        must_change=("app/rates.py",),
    )


def test_a_link_is_not_written_through(tmp_path):
    root = make_repository(tmp_path / "repo", {"a.py": "A = 1\n"})
    (root / "link.py").symlink_to("a.py")
    tree = Workspace(Repository.open(root))
    assert find_targets(step("Fix `link.py`."), tree) == Targets()


@pytest.mark.parametrize(
    ("targets", "named", "single", "everything"),
    [
        (Targets(), False, False, ()),
        (Targets(create=("a",)), True, True, ("a",)),
        (Targets(change=("b",)), True, True, ("b",)),
        (Targets(create=("a",), change=("b",)), True, False, ("a", "b")),
    ],
)
def test_what_is_asked_of_targets(targets, named, single, everything):
    assert (targets.named, targets.single, targets.all) == (named, single, everything)


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("tests/test_cart.py", True),
        ("test_cart.py", True),
        ("cart_test.go", True),
        ("src/cart.test.ts", True),
        ("src/__tests__/cart.js", True),
        ("spec/cart.rb", True),
        ("tests/data/sample.json", True),
        ("src/contest.py", False),
        ("src/testing.py", False),
        ("latest.py", False),
        ("src/attest/x.py", False),
        ("protest.py", False),
    ],
)
def test_what_looks_like_a_test(path, test):
    assert is_test_file(path) is test


def test_the_names_of_code_in_a_step():
    text = "Use `Order.total(x_y)` and snake_case or CamelCase, not Words or plain text, nor `a`."
    assert identifiers(step(text)) == {"Order", "total", "x_y", "snake_case", "CamelCase"}


def test_nothing_is_written_by_looking(tree):
    before = sorted(path.name for path in Path(tree.root).iterdir())
    find_targets(step("Write `app/tax.py`."), tree)
    assert sorted(path.name for path in Path(tree.root).iterdir()) == before
