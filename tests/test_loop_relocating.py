"""Steps that delete or rename tests, with real tests in real repositories."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.checks.judge import relocated
from qwenagent.config import Settings, TestSettings
from qwenagent.loop.editing.asker import header_text
from qwenagent.loop.evidence.relocating import Relocations
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import EditApplied, Warned
from qwenagent.protocol.tools import ToolCall
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import FIXED, TEST, Stage, make_repository

LEGACY = "def old():\n    return 1\n"
LEGACY_TEST = "import legacy\n\n\ndef test_old():\n    assert legacy.old() == 1\n"
PYTEST = Settings(tests=TestSettings(command=f"{sys.executable} -m pytest -q -p no:cacheprovider"))
IDS = (
    "tests/test_legacy.py::test_old",
    "test_calc.py::Add::test_add",
    "test_calc.py::Add::test_zero",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "calc.py": FIXED,
        "test_calc.py": TEST,
        "legacy.py": LEGACY,
        "tests/test_legacy.py": LEGACY_TEST,
        "conftest.py": "",
        ".gitignore": "__pycache__/\n",
    }
    return make_repository(tmp_path / "my repo", files)


def states(root: Path, text: str, *replies: str) -> tuple[list[str], list[str]]:
    stage = Stage(root, replies, settings=PYTEST)
    stage.run_plan(f"# Plan\n\n{text}")
    return stage.states, [event.path for event in stage.events(EditApplied)]


def test_a_file_and_its_tests_are_deleted(root):
    text = "- [ ] Delete `legacy.py` and delete `tests/test_legacy.py`: nobody uses them.\n"
    assert states(root, text) == (["unverified"], ["legacy.py", "tests/test_legacy.py"])
    assert not (root / "legacy.py").exists()


def test_the_whole_of_a_slow_suite_at_the_end_does_not_miss_them(root):
    slow = replace(PYTEST, tests=replace(PYTEST.tests, slow_s=0.001))
    stage = Stage(root, settings=slow)
    text = "- [ ] Delete `legacy.py` and delete `tests/test_legacy.py`: nobody uses them.\n"
    assert stage.run_plan(f"# Plan\n\n{text}") == 0
    assert stage.states == ["unverified"]
    assert not [warned for warned in stage.events(Warned) if "test_old" in warned.message]


def test_the_step_after_it_does_not_miss_them_either(root):
    (root / "unused.py").write_text("A = 1\n", encoding="utf-8")
    stage = Stage(root)
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "more")
    text = "- [ ] Delete `tests/test_legacy.py`.\n- [ ] Delete `unused.py`.\n"
    assert states(root, text)[0] == ["unverified", "unverified"]


def test_tests_of_other_files_are_missed(root):
    text = "- [ ] Delete `calc.py` and `tests/test_legacy.py`.\n"
    assert states(root, text)[0] == ["blocked"]
    assert (root / "tests/test_legacy.py").exists()


def test_tests_are_looked_for_in_their_new_place(root):
    text = "- [ ] Rename `tests/test_legacy.py` to `tests/test_old.py`.\n"
    done = header_text(ToolCall("done", {"summary": "It is renamed."})).removeprefix('{"name": "')
    renamed = (["unverified"], ["tests/test_legacy.py -> tests/test_old.py"])
    assert states(root, text, done) == renamed


def run(*ids: str) -> TestRun:
    return TestRun("x", 0, 1.0, "", dict.fromkeys(ids, "passed"))


def test_ids_before_and_after(root):
    tree = Workspace(Repository.open(root))
    before = run(*IDS)
    moves = {"test_calc.py": "tests/test_sums.py"}
    found = Relocations.of(tree, IDS, ["tests/test_legacy.py"], moves)
    assert found.applied(before) is before
    (root / "tests/test_legacy.py").unlink()
    assert found.applied(before) == run(*IDS[1:])
    assert found.applied(before, run(*IDS)) is before
    (root / "test_calc.py").unlink()
    renamed = ("tests/test_sums.py::Add::test_add", "tests/test_sums.py::Add::test_zero")
    assert found.applied(before) == run(*renamed)
    assert found.applied(run(IDS[0])) is None
    assert found.applied(None) is None


@pytest.mark.parametrize(
    ("new", "test"),
    [
        ("test_sums.py", "test_sums.Add.test_add"),
        ("sub/test_calc.py", "sub.test_calc.Add.test_add"),
    ],
)
def test_dotted_ids(new, test, root):
    tree = Workspace(Repository.open(root))
    old = "test_calc.Add.test_add"
    found = Relocations.of(tree, [old, "other"], [], {"test_calc.py": new})
    (root / "test_calc.py").unlink()
    assert found.applied(run(old, "other")) == run(test, "other")


def test_a_test_that_is_known_by_its_title_alone(tmp_path):
    files = {"test/cart.test.js": "test('adds', () => {});\n", "cart.js": "let a = 1;\n"}
    tree = Workspace(Repository.open(make_repository(tmp_path / "repo", files)))
    found = Relocations.of(tree, ["adds", "takes"], ["test/cart.test.js"], {})
    (tree.root / "test/cart.test.js").unlink()
    assert found.applied(run("adds", "takes")) == run("takes")


def test_a_run_with_other_ids():
    before = TestRun(
        "x", 1, 1.0, "", {"a": "failed", "b": "passed", "c": "failed"}, {"a": "A", "c": "C"}
    )
    after = TestRun("x", 1, 1.0, "", {"z": "failed", "b": "passed"}, {"z": "A"})
    assert relocated(before, {"a": "z", "c": None}) == after
