"""The study of edit forms: answers in forms that the agent does not use, places, the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.evals.askers import ASKERS
from qwenagent.evals.changes import is_in_place
from qwenagent.evals.study import FORMS, form_of_row, study_table
from qwenagent.loop import Stop
from tests.loop_stage import COMMAND, FIXED, MODULE, TEST, Stage, make_repository
from tests.rows_stage import row

PLAN = f"# Plan\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n      Test: `{COMMAND}`\n"
ONCE = Settings(loop=LoopSettings(repairs=0, resamples=0, form="whole"))
IN_JSON = 'rewrite_file", "arguments": {"path": "calc.py", "content": ' + json.dumps(FIXED) + "}}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "repo", files)


@pytest.mark.parametrize(
    ("arm", "reply", "opening"),
    [
        ("text", f"Here it is:\n\n```python\n{FIXED}```\n\nThat adds.", ""),
        ("json", IN_JSON, '{"name": "'),
        ("body", f"{FIXED}```", "```python\n"),
    ],
)
def test_each_form_of_answer_becomes_the_same_edit(arm, reply, opening, root):
    stage = Stage(root, [reply], settings=ONCE, asker=ASKERS[arm])
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED
    [prompt] = stage.engine.prompts
    assert prompt.opening == opening
    assert prompt.messages[-1].text.endswith("Write the complete new content of calc.py.")


@pytest.mark.parametrize(("path", "code"), [("calc.py", 0), ("calcs.py", 1)])
def test_names_may_be_free_but_only_those_that_exist_are_written(path, code, root):
    line = f'rewrite_file", "arguments": {{"path": "{path}"}}}}'
    stage = Stage(root, [line, f"{FIXED}```"], settings=ONCE, asker=ASKERS["free"])
    assert stage.run_plan(PLAN) == code
    assert (root / "calc.py").read_text() == (MODULE if code else FIXED)
    opening = f'{{"name": "{line}\n```python\n'
    assert [prompt.opening for prompt in stage.engine.prompts[1:]] == [opening][code:]


def test_a_gap_is_filled_in(root):
    choice = 'replace_symbol", "arguments": {"path": "calc.py", "symbol": "add"}}'
    settings = replace(ONCE, loop=replace(ONCE.loop, form="symbol"))
    stage = Stage(root, [choice, "    return a + b"], settings=settings, asker=ASKERS["gap"])
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED
    gap = stage.engine.prompts[1].gap
    assert gap is not None
    first, *told, last, end = gap.before.split("\n")
    assert (first, last, end) == ("# Fix `add` in `calc.py`: it subtracts.", "def add(a, b):", "")
    assert all(row.startswith("#") for row in told)
    assert gap.after == MODULE.removeprefix("def add(a, b):\n    return a - b")


@pytest.mark.parametrize(
    ("arm", "reply"),
    [("text", "I would change the minus into a plus."), ("text", f"```python\n{FIXED}")],
)
def test_an_answer_without_a_file_is_no_edit(arm, reply, root):
    stage = Stage(root, [reply], settings=ONCE, asker=ASKERS[arm])
    assert stage.run_plan(PLAN) == 1
    assert stage.finished.steps[0].reason == "no answer came to its end"


def test_json_holds_what_a_string_can_hold(root):
    odd = FIXED + '\n\nTEXT = "a\\tb\\\\ \\"ü\\""\n'
    reply = IN_JSON.replace(json.dumps(FIXED), json.dumps(odd, ensure_ascii=False))
    stage = Stage(root, [reply], settings=ONCE, asker=ASKERS["json"], stop=Stop())
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == odd


BASE = {"a.py": "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "b.py": "x\n"}
ORACLE = {"a.py": "1\n2\n3\nfour\n5\n6\n7\n8\n9\n"}


@pytest.mark.parametrize(
    ("changed", "in_place"),
    [
        ({}, False),
        ({"a.py": ORACLE["a.py"]}, True),
        ({"a.py": BASE["a.py"].replace("4", "vier")}, True),
        ({"a.py": BASE["a.py"].replace("4\n", "")}, True),
        ({"a.py": BASE["a.py"].replace("3\n", "3\nand\n")}, True),
        ({"a.py": BASE["a.py"].replace("4", "4.0").replace("9", "nine")}, True),
        ({"a.py": BASE["a.py"].replace("8", "eight")}, False),
        ({"a.py": ORACLE["a.py"], "b.py": "y\n"}, False),
        ({"b.py": "y\n"}, False),
        ({"a.py": ORACLE["a.py"], "new.py": ""}, False),
    ],
)
def test_places(changed, in_place, tmp_path):
    for name, text in (BASE | changed).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert is_in_place(BASE, tmp_path, ORACLE) is in_place


def test_the_table_has_a_line_for_each_form():
    rows = [row()]
    for form in FORMS:
        setup = replace(row().setup, arm=form.arm, settings={"loop.form": form.form})
        rows.append(replace(row(), setup=setup, applied=1, refused=0, in_place=True))
        rows.append(replace(row("two", passed=False), setup=setup, in_place=False))
    table = study_table(rows)
    head, _, *lines = table.splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")][:5] == [
        *("form", "model", "tasks", "n", "complete"),
    ]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == [f.name for f in FORMS]
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[3:8] == ["2", "50.0 %", "50.0 %", "100.0 %", "50.0 %"]


def test_rows_of_other_runs_belong_to_no_form():
    assert form_of_row(row()) == ""
