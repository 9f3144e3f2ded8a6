"""Ways of changing a file, and steps that delete or rename: whole runs with a scripted engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.loop.editing.asker import header_text
from qwenagent.loop.editing.phases import Form
from qwenagent.protocol.events import EditApplied, ToolEnded, Warned
from qwenagent.protocol.tools import ToolCall
from qwenagent.workspace import Repository, Turning
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, TEST, Stage, body, make_repository

PLAN = f"# Plan\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n      Test: `{COMMAND}`\n"
THOUGHT = "It has to go."
SEARCHED = """<<<<<<< SEARCH
    return a - b
=======
    return a + b
>>>>>>> REPLACE
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "repo", files)


def call_end(name: str, **arguments: str | int) -> str:
    """A call as the model completes it after the forced opening."""
    return header_text(ToolCall(name, dict(arguments))).removeprefix('{"name": "')


FORMS: dict[Form, tuple[str, ...]] = {
    "whole": (body(FIXED),),
    "symbol": (
        call_end("replace_symbol", path="calc.py", symbol="add"),
        body("def add(a, b):\n    return a + b\n"),
    ),
    "lines": (
        call_end("replace_lines", path="calc.py", start=2, end=2),
        body("    return a + b\n"),
    ),
    "search": (body(SEARCHED),),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_makes_the_same_change(form, root):
    settings = Settings(loop=LoopSettings(form=form))
    stage = Stage(root, FORMS[form], settings=settings)
    assert stage.run_plan(PLAN) == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED


def test_line_numbers_are_seen_where_they_are_asked_for(root):
    stage = Stage(root, FORMS["lines"], settings=Settings(loop=LoopSettings(form="lines")))
    stage.run_plan(PLAN)
    seen = stage.engine.prompts[0].messages[-1].text
    assert "1  def add(a, b):\n2      return a - b\n" in seen.replace("```python\n", "")


def test_what_is_searched_for_has_to_be_there(root):
    missing = body(SEARCHED.replace("a - b", "b - a"))
    settings = Settings(loop=LoopSettings(form="search"))
    stage = Stage(root, [missing], settings=settings)
    assert stage.run_plan(PLAN) == 1
    assert "the grammar of search in 6 lines refuses" in stage.finished.steps[0].reason


def test_a_long_file_is_shown_whole_where_it_is_searched(root):
    filler = "".join(f"def f{n}():\n    return {n}\n\n\n" for n in range(60))
    (root / "calc.py").write_text(MODULE + "\n\n" + filler, encoding="utf-8")
    stage = Stage(root, FORMS["search"], settings=Settings(loop=LoopSettings(form="search")))
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "long")
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED + "\n\n" + filler
    assert "def f59():" in stage.engine.prompts[0].messages[-1].text


def test_a_file_is_deleted_and_comes_back_if_that_breaks_a_test(root):
    stage = Stage(root, [THOUGHT] * 9)
    assert stage.run_plan("# Plan\n\n- [ ] Delete `calc.py`.\n") == 1
    assert stage.states == ["blocked"]
    assert (root / "calc.py").read_text() == MODULE


def test_a_file_that_nobody_needs_is_deleted(root):
    (root / "unused.py").write_text("A = 1\n", encoding="utf-8")
    stage = Stage(root)
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "more")
    assert stage.run_plan("# Plan\n\n- [ ] Delete the file `unused.py`.\n") == 0
    assert not (root / "unused.py").exists()
    assert stage.states == ["unverified"]
    [edit] = stage.events(EditApplied)
    assert (edit.path, edit.kind, edit.removed) == ("unused.py", "deleted", 1)
    assert stage.git("diff", "--name-status", "HEAD~1").split() == ["D", "unused.py"]


def test_a_file_is_renamed_and_then_changed(root):
    test = TEST.replace("from calc", "from sums")
    (root / "test_calc.py").write_text(test, encoding="utf-8")
    stage = Stage(root, [call_end("rewrite_file", path="sums.py"), body(FIXED)])
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "wanted")
    step = "Rename `calc.py` to `sums.py`; `add` has to add."
    plan = f"# Plan\n\n- [ ] {step}\n      Test: `{COMMAND}`\n"
    assert stage.run_plan(plan) == 0
    assert stage.states == ["solved"]
    assert not (root / "calc.py").exists()
    assert (root / "sums.py").read_text() == FIXED
    renamed, changed = stage.events(EditApplied)
    assert (renamed.path, renamed.kind) == ("calc.py -> sums.py", "renamed")
    assert (changed.path, changed.kind) == ("sums.py", "changed")
    told = [event.result.content for event in stage.events(ToolEnded)]
    assert told == ["sums.py is renamed", "sums.py is written"]


def test_the_profile_decides_where_nobody_names_a_form(root):
    short = replace(Stage(root).profile, whole_file_lines=3)
    stage = Stage(root, FORMS["symbol"], profile=short)
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED


def test_a_repair_of_a_long_file_reads_its_outline_no_second_time(root):
    short = replace(Stage(root).profile, whole_file_lines=3)
    call = call_end("replace_symbol", path="calc.py", symbol="add")
    worse = "def add(a, b, c=0):\n    return a - b - c\n"
    better = "def add(a, b):\n    return a + b\n"
    stage = Stage(root, [call, body(worse), THOUGHT, body(better)], profile=short)
    assert stage.run_plan(PLAN) == 0
    first, *_, last = (prompt.messages[1].text for prompt in stage.engine.prompts)
    head, _, code = last.partition("`add` in `calc.py`:\n")
    assert first.startswith(head)
    assert "def add(a, b):\ndef twice(a):\n" in head
    assert "def add(a, b, c=0):\n" in code


def test_a_file_in_which_somebody_else_changed_the_same_line_meanwhile_is_left_as_it_is(root):
    theirs = MODULE.replace("a - b", "b - a")

    def edited(_: object) -> str:
        (root / "calc.py").write_text(theirs, encoding="utf-8")
        return body(FIXED)

    stage = Stage(root, [edited, *["The same."] * 9])
    stage.run_plan(PLAN)
    assert (root / "calc.py").read_text() == theirs
    told = [event.result.content for event in stage.events(ToolEnded)]
    assert told[0] == "not written: calc.py has changed since it was read; read it again"


def test_what_somebody_else_changed_meanwhile_elsewhere_in_a_file_is_in_it_too(root):
    mine = "\n# mine\n"

    def edited(_: object) -> str:
        (root / "calc.py").write_text(MODULE + mine, encoding="utf-8")
        return body(FIXED)

    stage = Stage(root, [edited])
    assert stage.run_plan(PLAN) == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED + mine
    [edit] = stage.events(EditApplied)
    assert (edit.added, edit.removed) == (1, 1)
    assert [event.message for event in stage.events(Warned)] == [
        "calc.py was changed by somebody else since it was read; both changes are in it"
    ]
    Turning(Repository.open(root)).undo()
    assert (root / "calc.py").read_text() == MODULE + mine


def test_attempts_that_begin_where_the_others_did_keep_what_somebody_else_wrote(root):
    mine = "\n# mine\n"

    def edited(_: object) -> str:
        (root / "calc.py").write_text(MODULE + mine, encoding="utf-8")
        return body(BROKEN)

    profile = replace(Stage(root).profile, candidates=3)
    wrong = MODULE.replace("a - b", "b - a")
    stage = Stage(root, [edited, body(wrong), body(FIXED)], profile=profile)
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED + mine
    assert [event.message for event in stage.events(Warned)] == [
        "calc.py was changed by somebody else since it was read; both changes are in it"
    ]


def test_an_import_that_leads_nowhere_is_refused(root):
    bad = "import nowhere_to_be_found\n\n\n" + FIXED.replace(
        "a + b", "a + b + nowhere_to_be_found.x"
    )
    stage = Stage(root, [body(bad), THOUGHT, body(FIXED)])
    assert stage.run_plan(PLAN) == 0
    told = [event.result.content for event in stage.events(ToolEnded)]
    assert "nowhere_to_be_found" in told[0]
    assert (root / "calc.py").read_text() == FIXED
