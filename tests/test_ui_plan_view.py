"""`run --check` on every plan of the fixtures, at several widths, on pipes and terminals."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from qwenagent.plan import Plan, parse_plan, read_plan
from qwenagent.ui.plan_view import print_plan
from tests.test_ui_live import EVIL
from tests.test_ui_table import terminal_stream

PLANS = Path(__file__).parent / "data" / "plans"
# Read here: the settings of the person who runs the tests are taken away from each test.
UPDATE = bool(os.environ.get("QWENAGENT_UPDATE_SNAPSHOTS"))
NAMES = sorted(path.name for path in PLANS.glob("*.md"))


def _shown(plan: Plan, width: int = 0) -> str:
    stream = io.StringIO()
    print_plan(plan, stream, width=width)
    return stream.getvalue()


@pytest.mark.parametrize("name", NAMES)
def test_view_of_a_plan(name):
    snapshot = PLANS / Path(name).with_suffix(".txt").name
    shown = _shown(read_plan(PLANS / name))
    if UPDATE:
        snapshot.write_text(shown, encoding="utf-8", newline="\n")
    assert shown == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 77, 120])
def test_no_line_is_too_wide_and_no_word_is_lost(width):
    for name in NAMES:
        plan = read_plan(PLANS / name)
        shown = _shown(plan, width)
        assert max(map(cell_len, shown.splitlines())) <= width
        squeezed = "".join(shown.split())
        for step in plan.steps:
            assert "".join(step.title.split()) in squeezed


def test_widths_that_no_terminal_should_have():
    plan = read_plan(PLANS / "japanese_steps.md")
    assert _shown(plan, 10) == _shown(plan, 60)
    assert _shown(plan, 500) == _shown(plan, 120)


EVERYTHING = """\
# All of it

Test: `make test`

- [x] Add `f` to a.py
  - `f(1)` returns `2`

  Test: `pytest tests/test_a.py`

  ```python tests/test_a.py
  def test_a():
      assert f(1) == 2
  ```
  Done when: it works
- [ ] Run `make fmt`
- [ ] Deploy to production
  Depends on: 1, 2
- [ ] Write b.py
  Test:

  ```python
  assert True
  ```
  Depends on: 9
"""


def test_everything_a_plan_may_have():
    assert (
        _shown(parse_plan(EVERYTHING))
        == """\
All of it
4 steps: 2 to edit, 1 to run, 1 for you, 1 ticked

1  edit     Add f to a.py (ticked)
   files    a.py, tests/test_a.py
   test     pytest tests/test_a.py
   given    a test of 2 lines for tests/test_a.py
   examples 1 example
   done     it works

2  command  Run make fmt
   run      make fmt

3  for you  Deploy to production
   needs    steps 1, 2

4  edit     Write b.py
   files    b.py
   given    a test of 1 line, in a new file

Tests of the whole
  make test

Asked for before they run
  make test
  pytest tests/test_a.py
  make fmt

Left to you
  step 3: Deploy to production

Warnings
  step 4: depends on step 9, which does not exist; ignored
"""
    )


def test_text_from_outside_cannot_draw():
    plan = parse_plan("- [ ] a\n  Test: `pytest`\n")
    step = replace(plan.steps[0], title=f"t{EVIL}", test=f"pytest {EVIL}", mentions=(EVIL,))
    shown = _shown(replace(plan, title=EVIL, steps=(step,), warnings=(EVIL,)))
    assert all(character.isprintable() for character in shown.replace("\n", ""))


def test_a_stream_without_unicode_gets_question_marks():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_plan(read_plan(PLANS / "japanese_steps.md"), stream)
    stream.seek(0)
    assert stream.readline() == "???????????\n"


def test_a_terminal_gets_colours(monkeypatch):
    seen = bytearray()
    plan = parse_plan("- [ ] Run `make fmt`\n- [ ] Deploy to production\n")
    with terminal_stream(monkeypatch, seen) as stream:
        print_plan(plan, stream)
    assert b"\x1b[36m1  command  \x1b[0mRun make fmt\r\n" in seen
    assert b"\x1b[33m2  for you  \x1b[0mDeploy to production\r\n" in seen
