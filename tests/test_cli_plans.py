"""Showing a plan and printing what to tell the model that writes one, through click."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from qwenagent.assets import read
from qwenagent.cli.plans import check_plan, plan_prompt
from qwenagent.plan import parse_plan, read_plan

PLANS = Path(__file__).parent / "data" / "plans"


@pytest.mark.parametrize("name", ["fenced_tests", "table_steps"])
def test_a_plan_as_text(name, capsys):
    assert check_plan(read_plan(PLANS / f"{name}.md"), as_json=False) == 0
    assert capsys.readouterr().out == (PLANS / f"{name}.txt").read_text(encoding="utf-8")


def test_a_plan_as_json_is_one_line_with_everything(capsys):
    plan = parse_plan("- [ ] `f(1)` returns `2` in a\u2028.py\n- [ ] Run `make fmt`\n")
    assert check_plan(plan, as_json=True) == 0
    out = capsys.readouterr().out
    expected = json.loads(json.dumps({"type": "plan", **asdict(plan)}))
    assert (json.loads(out), out.count("\n")) == (expected, 1)


def test_the_prompt_is_printed_as_it_is():
    result = CliRunner().invoke(plan_prompt, [], standalone_mode=False)
    assert (result.return_value, result.output) == (0, read("prompts", "plan-prompt.md"))
