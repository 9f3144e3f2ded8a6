"""A plan in a working tree of its own: the user's stays as it is, and the commands told work."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from qwenagent.cli import wiring
from qwenagent.cli.boundary import guarded
from qwenagent.engine import Engine, ScriptedEngine
from qwenagent.errors import WorkspaceError
from qwenagent.registry import find_card
from qwenagent.workspace import LinkedTree, Repository, linked_tree
from tests.conftest import run_git
from tests.loop_stage import body

CALC = "def add(a, b):\n    return a - b\n"
FIXED = CALC.replace("a - b", "a + b")
PLAN = """# One

- [ ] Fix `add` in `pkg/calc.py`.
      Test: `grep -q "a + b" pkg/calc.py`
"""


@pytest.fixture
def root(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with work of the user's that is not committed."""
    (repo / "pkg/calc.py").write_text(CALC)
    run_git(repo, "add", ".")
    run_git(repo, "commit", "-qm", "calc")
    (repo / "README.md").write_text("mine\n")
    (repo / "My Plan.md").write_text(PLAN)
    monkeypatch.chdir(repo)
    monkeypatch.setenv("QWENAGENT_LOOP_CANDIDATES", "1")
    return repo


def run(monkeypatch: pytest.MonkeyPatch, replies: Sequence[str], *args: str) -> int:
    engine: Engine = ScriptedEngine(replies)
    monkeypatch.setattr(wiring, "model_of", lambda _: (find_card("0.5b"), lambda: engine))
    return guarded(["run", "--worktree", *args, "--yes"])


def test_a_plan_is_carried_out_beside_and_merged(root, monkeypatch, capsys):
    before = run_git(root, "status", "--porcelain", "--branch")
    monkeypatch.chdir(root / "pkg")
    assert run(monkeypatch, [body(FIXED)], "../My Plan.md", "--files", "calc.py") == 0
    beside = root.resolve().with_name(f"{root.name}-my-plan")
    out = capsys.readouterr().out
    assert out.startswith(f"works in {beside}, on branch qwenagent-my-plan\n  made now: ")
    assert run_git(root, "status", "--porcelain", "--branch") == before
    assert (root / "pkg/calc.py").read_text() == CALC
    assert (beside / "pkg/calc.py").read_text() == FIXED
    assert run_git(beside, "status", "--porcelain") == ""
    take, discard = out.splitlines()[-2:]
    assert discard.startswith("git worktree remove --force ")
    subprocess.run(["sh", "-c", take], cwd=root, check=True, capture_output=True)
    assert (root / "pkg/calc.py").read_text() == FIXED
    assert (root / "README.md").read_text() == "mine\n"
    assert not beside.exists()


def test_it_goes_on_there_and_is_discarded(root, monkeypatch, capsys):
    assert run(monkeypatch, [body(FIXED)], "My Plan.md") == 0
    assert run(monkeypatch, [], "My Plan.md") == 0
    out = capsys.readouterr().out
    assert "1 step(s) were done by an earlier run" in out
    assert out.count("made now: ") == 1
    discard = out.splitlines()[-1]
    subprocess.run(["sh", "-c", discard], cwd=root, check=True, capture_output=True)
    assert run_git(root, "branch", "--format=%(refname:short)") == "main\n"
    assert run_git(root, "worktree", "list", "--porcelain").count("worktree ") == 1


def test_what_is_in_the_way_stays(root, capsys):
    repository = Repository.open(root)
    beside = root.resolve().with_name(f"{root.name}-plan")
    beside.write_text("mine\n")
    with pytest.raises(WorkspaceError, match="is in the place of the working tree for plan"):
        linked_tree(repository, "plan")
    beside.unlink()
    run_git(root, "branch", "qwenagent-plan")
    assert linked_tree(repository, "plan") == LinkedTree(beside, "qwenagent-plan-2", is_new=True)
    assert linked_tree(repository, "plan") == LinkedTree(beside, "qwenagent-plan-2", is_new=False)


@pytest.mark.parametrize("flag", ["--here", "--no-commit"])
def test_flags_that_mean_something_else_are_refused(flag, root, monkeypatch, capsys):
    assert run(monkeypatch, [], "My Plan.md", flag) == 2
    assert f"{flag} and --worktree exclude each other" in capsys.readouterr().err
