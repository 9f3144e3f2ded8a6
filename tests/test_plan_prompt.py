"""What the model that writes plans is told: its example and a plan like it are understood."""

from pathlib import Path

import pytest

from qwenagent.assets import read
from qwenagent.plan import Plan, commands, parse_plan, read_plan

PLANS = Path(__file__).parent / "data" / "plans"
PROMPT = read("prompts", "plan-prompt.md")


def _example() -> Plan:
    _, example = PROMPT.split("````markdown\n")
    return parse_plan(example.split("````\n")[0])


def test_the_prompt_is_short():
    assert len(PROMPT.split()) < 700


def test_the_example_is_understood():
    plan = _example()
    assert (plan.title, plan.warnings) == ("Short links", ())
    assert [
        (step.title, step.kind, step.files, step.test, step.depends_on) for step in plan.steps
    ] == [
        ("Add slugify to notes/text.py", "edit", ("notes/text.py",), None, ()),
        (
            "Give Note a property slug in notes/model.py",
            "edit",
            ("notes/model.py", "tests/test_model.py"),
            "python -m pytest -q tests/test_model.py",
            (1,),
        ),
        ("Format the code with ruff format .", "command", (), None, ()),
        ("Publish version 1.4.0 to PyPI", "you", (), None, (2,)),
    ]
    first = plan.steps[0]
    assert first.test_path == "tests/test_text.py"
    assert first.test_code is not None
    compile(first.test_code, first.test_path, "exec")
    assert [(example.call, example.expected, example.raises) for example in first.examples] == [
        ('slugify("Hello, World!")', '"hello-world"', False),
        ('slugify("a b c", 3)', '"a-b"', False),
        ('slugify("!!!")', "ValueError", True),
    ]
    assert commands(plan) == (
        "python -m pytest -q",
        "python -m pytest -q tests/test_model.py",
        "ruff format .",
    )


@pytest.mark.parametrize("field", ["Files", "Test", "Done when", "Depends on", "Kind"])
def test_every_field_is_explained(field):
    assert f"`{field}:" in PROMPT


def test_a_plan_that_follows_it_has_no_warning():
    plan = read_plan(PLANS / "followed_prompt.md")
    assert plan.warnings == ()
    assert [step.kind for step in plan.steps] == ["you", "edit", "edit", "command", "you"]
    assert len(plan.steps[1].examples) == 4
