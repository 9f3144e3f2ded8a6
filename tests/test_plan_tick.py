"""Ticking boxes in the bytes of a plan: one character each, and no digest changes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import PlanError
from qwenagent.plan import parse_plan, ticked

PLANS = sorted((Path(__file__).parent / "data" / "plans").glob("*.md"))
LINES = st.sampled_from(
    [
        *(
            "- [ ] a",
            "* [ ] b",
            "+ [x] c",
            "1. [ ] d",
            "- 1. [ ] e",
            "## [ ] Step 1: f",
            "  - [ ] g",
        ),
        *("- h", "- [ ]i", "\t- [ ] j", "### Step 2", "[ ] k", "```", "", "> - [ ] l", "## Steps"),
        *("- [ ] m\r- [ ] n", "ü", "# t", "-   [ ] o", "- [X] p", "- [ ]", "- [ ]\tq"),
    ]
)


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        ("- [ ] a\n- [ ] b\n", [2], "- [ ] a\n- [x] b\n"),
        ("- [ ] a\r\n- [ ] b\r\n", [1, 2], "- [x] a\r\n- [x] b\r\n"),
        ("- [ ] a\r- [ ] b", [2], "- [ ] a\r- [x] b"),
        ("\ufeff- [ ] a", [1], "\ufeff- [x] a"),
        ("* [ ] ü\n+ [ ] b\n", [1, 2], "* [x] ü\n+ [x] b\n"),
        ("### [ ] Step 1: a\n", [1], "### [x] Step 1: a\n"),
        ("1. [ ] see [ ] there\n", [1], "1. [x] see [ ] there\n"),
        ("- [x] a\n- [X] b\n- c\n## Step 4\n", [1, 2, 3, 4], "- [x] a\n- [X] b\n- c\n## Step 4\n"),
        ("\t- [ ] a  \n\n", [1], "\t- [x] a  \n\n"),
        ("- [ ]link\n| [ ] |\n", [1, 2], "- [ ]link\n| [ ] |\n"),
        ("- [ ] a", [], "- [ ] a"),
        ("- [ ] a", [0, -1, 7], "- [ ] a"),
        ("", [1], ""),
    ],
)
def test_ticked(before, lines, after):
    assert ticked(before.encode(), lines) == after.encode()


def test_bytes_that_are_no_text_stay():
    assert ticked(b"- [ ] \xff\xfe\n\x00- [ ] b\n", [1]) == b"- [x] \xff\xfe\n\x00- [ ] b\n"


def _check(data: bytes) -> None:
    """Tick every step and compare what may differ: `checked` of steps that have a box."""
    before = parse_plan(data.decode("utf-8-sig"))
    changed = ticked(data, {step.line for step in before.steps})
    after = parse_plan(changed.decode("utf-8-sig"))
    assert after.digest == before.digest
    assert [step.digest for step in after.steps] == [step.digest for step in before.steps]
    boxes = [(a, b) for a, b in zip(data, changed, strict=True) if a != b]
    newly = sum(a.checked and not b.checked for a, b in zip(after.steps, before.steps, strict=True))
    assert boxes == [(ord(" "), ord("x"))] * newly
    assert all(a.checked for a, b in zip(after.steps, before.steps, strict=True) if b.checked)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_ticking_all_steps_of_a_document(path, line_end):
    _check(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", line_end))


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_ticking_any_plan_changes_no_digest(lines, line_end):
    data = line_end.join(lines).encode()
    try:
        parse_plan(data.decode())
    except PlanError:
        return
    _check(data)


def test_all_boxes_of_a_plan_are_ticked():
    plan = "# P\n\n- [ ] a\n  - [ ] detail\n- [x] b\n1. [ ] c\n"
    lines = [step.line for step in parse_plan(plan).steps]
    after = parse_plan(ticked(plan.encode(), lines).decode())
    assert [step.checked for step in after.steps] == [True, True, True]
    assert "- [ ] detail" in after.steps[0].text
