"""The slash commands of a session, in a real pseudo-terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.session_stage import ANSWER, IDLE, Stage, make_stage

ENTER = "\r"
PLAN = "# Plan\n\n- [ ] Fix `add` in `calc.py`.\n"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return make_stage(tmp_path)


def test_what_is_in_the_context_and_what_it_costs(stage):
    (stage.root / "my notes.txt").write_text("call it plus\n", encoding="utf-8")
    with stage.terminal([ANSWER], columns=140, rows=60) as terminal:
        for line, says in [
            ("/add 'my notes.txt'", "added my notes.txt"),
            ("/add my", "error: my is no text file of this repository"),
            ("/add", "error: /add needs a path"),
            ("/add 'x", "error: /add 'x: No closing quotation"),
            ("What does add do?", "prompt tokens"),
            ("/files", "are used, before the next message"),
            ("/drop calc.py nothing.py", "error: nothing.py is not in the context"),
            ("/context", "the last answer reused 0 of"),
            ("/clear", "the context is empty: 1 exchange forgotten, the tree as it is"),
            ("/nothing", "there is no command /nothing; /help lists them"),
        ]:
            terminal.waits_for(">")
            terminal.type(line, ENTER)
            terminal.waits_for(f"> {line}")
            terminal.waits_for(says)
        shown = terminal.lines()
        at = shown.index("> /files")
        rows = [line.split() for line in shown[at + 1 : at + 5]]
        assert rows == [
            ["what", "how", "tokens", "why"],
            ["my", "notes.txt", "whole", "11", "added"],
            ["calc.py", "whole", "25", "small", "repository"],
            ["1", "earlier", "exchanges", "whole", "21"],
        ]
        assert "dropped calc.py" in shown


def test_plans_settings_models_and_approvals(stage):
    with stage.terminal([PLAN], columns=140, rows=70) as terminal:
        for line, says in [
            ("/plan Fix add", "the plan is in plan.md; /run plan.md carries it out"),
            ("/plan", "error: /plan needs a task"),
            ("/config ui.keys", "ui.keys"),
            ("/config ui.keys vi", "ui.keys = vi, from"),
            ("/config ui.keys wrong", "error: "),
            ("/model nothing", "error: no model is called 'nothing'"),
            ("/model", "this session runs Qwen2.5-Coder-0.5B-Instruct"),
            ("/approve", "nothing is approved for good"),
            ("/approve forget 1", "error: there is no approval 1"),
            ("/escalate Why?", "error: nobody is asked: "),
            ("/diff", "nothing was changed in this session"),
            ("/undo", "error: there is nothing to undo"),
            ("/commit", "error: nothing of this session is uncommitted"),
            ("/help undo", "/undo [N]: Take back the last change, or the last N"),
            ("/log", "session: /plan Fix add"),
            ("/stats", "steps"),
        ]:
            terminal.waits_for(">")
            terminal.type(line, ENTER)
            terminal.waits_for(f"> {line}")
            terminal.waits_for(says)
        terminal.type("/model 0.5b", ENTER)
        terminal.waits_for("Qwen2.5-Coder-0.5B-Instruct loads now")
        terminal.waits_for("nothing has to be read again")
    assert (stage.root / "plan.md").read_text(encoding="utf-8").startswith("# Plan\n")
    settings = stage.folder / "home" / "config.toml"
    assert 'keys = "vi"' in settings.read_text(encoding="utf-8")


def test_outside_of_a_repository_nothing_is_drawn(stage):
    stage.root = stage.folder / "assets"
    stage.env["GIT_CEILING_DIRECTORIES"] = str(stage.folder)
    with stage.terminal([], columns=200) as terminal:
        terminal.waits_for("error: ")
        terminal.waits_for("is not in a git repository")
        assert terminal.ends() == 4
        assert not any(IDLE in line for line in terminal.lines())
