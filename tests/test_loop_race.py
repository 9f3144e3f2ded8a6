"""Rounds of several attempts: from one prompt, chosen by the tests; whole runs, scripted engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.loop.editing.asker import LEAST_BRANCH_TOKENS, header_text
from qwenagent.loop.editing.draws import LEAST_TOKENS, USUAL_TOKENS
from qwenagent.protocol.events import CandidateScored, EditApplied, TestsRan, TokenDelta
from qwenagent.protocol.messages import Alternative, Completion, Usage
from qwenagent.protocol.tools import ToolCall
from tests import loop_stage
from tests.loop_stage import COMMAND, PROFILE, Stage, body, make_repository

MODULE = "def add(a, b):\n    return a - b\n"
FIXED, BROKEN = MODULE.replace("-", "+"), MODULE.replace("-", "*")
TEST = loop_stage.TEST.replace(", twice", "")
PLAN = f"# Plan\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n      Test: `{COMMAND}`\n"
FOUR = replace(PROFILE, candidates=4)
HALF = MODULE.replace("a - b", "a + b if a else b + 1")
"""Wins one test and breaks another; BROKEN does neither."""
NO_REPAIR = Settings(loop=LoopSettings(repairs=0))
WORSE = MODULE.replace("a - b", "1")
THOUGHT = "The operator in add is wrong."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "repo", files)


def scored(stage: Stage) -> list[tuple[int, int, bool]]:
    return [(s.candidate, s.passed, s.best) for s in stage.events(CandidateScored)]


def test_a_first_attempt_that_is_right_is_the_only_one(root):
    stage = Stage(root, [body(FIXED)], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert scored(stage) == [(0, 2, True)]


def test_the_tests_choose_among_the_attempts_and_end_the_race(root):
    stage = Stage(root, [body(BROKEN), body(WORSE), body(FIXED)], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED
    assert [s[0] for s in scored(stage)] == [0, 1, 2]
    first, *others = stage.engine.prompts
    assert {prompt.messages for prompt in others} == {first.messages}


def test_examples_of_the_step_choose_where_there_are_no_tests(tmp_path):
    root = make_repository(tmp_path / "repo", {"calc.py": MODULE})
    plan = "# Plan\n\n- [ ] Fix `add` in `calc.py`: `add(2, 3)` returns `5`.\n"
    stage = Stage(root, [body(BROKEN), body(WORSE), body(FIXED)], profile=FOUR)
    assert stage.run_plan(plan) == 0
    assert stage.states == ["solved"]
    assert [s[0] for s in scored(stage)] == [0, 1, 2]


def test_further_attempts_are_as_long_as_the_first_allows(root):
    profile = replace(FOUR, max_body_tokens=2048)
    stage = Stage(root, [body(BROKEN), body(WORSE), body(FIXED)], profile=profile)
    assert stage.run_plan(PLAN) == 0
    assert stage.engine.max_tokens == [2048, LEAST_TOKENS]


@pytest.mark.parametrize("n_lines", [120, 400])
def test_they_have_room_for_a_long_first_one(root, n_lines):
    long = BROKEN + "".join(f"# note {n}\n" for n in range(n_lines))
    profile = replace(FOUR, max_body_tokens=2048)
    stage = Stage(root, [body(long), body(WORSE), body(FIXED)], profile=profile)
    assert stage.run_plan(PLAN) == 0
    [_, others] = stage.engine.max_tokens
    assert others == min(2 * stage.engine.count(long), 2048)


def test_without_a_first_one_they_are_shorter_than_it_might_have_been(root):
    endless = Completion("x = 1\n", "length", Usage(calls=1))
    profile = replace(FOUR, max_body_tokens=2048)
    stage = Stage(root, [endless, body(WORSE), body(FIXED)], profile=profile)
    assert stage.run_plan(PLAN) == 0
    assert stage.engine.max_tokens == [2048, USUAL_TOKENS]


@pytest.fixture
def two_red(root: Path) -> str:
    """An attempt that wins one of two red tests."""
    two = "        self.assertEqual(add(1, 1), 2)\n"
    (root / "test_calc.py").write_text(f"{TEST}\n    def test_two(self):\n{two}")
    return FIXED.replace("a + b", "a + b if a != 1 else 9")


def test_attempts_part_from_a_gain_where_the_model_is_least_sure_of_it(root, two_red):
    at = two_red.index("    return")
    other = Alternative(at, len(two_red) - 1, "    # No, the sum.", 0.3)
    rest = FIXED[FIXED.index("    return a + b") :]
    stage = Stage(root, [body(two_red), body(rest)], others=[[other]], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert stage.engine.read == [two_red]
    assert (root / "calc.py").read_text() == f"{FIXED[:at]}    # No, the sum.\n{rest}"
    first, branch = stage.engine.prompts
    assert branch.opening == f"{first.opening}def add(a, b):\n    # No, the sum.\n"
    assert "AssertionError: 9 != 2" in branch.messages[-1].text


def test_in_a_long_file_what_cannot_be_one_line_is_gone_on_with_to_the_end_of_its_function(root):
    short = replace(FOUR, whole_file_lines=1)
    passage = MODULE.rstrip("\n")
    at = passage.index("    return")
    other = Alternative(at, len(passage), "    if a:", 0.3)
    rest = "        return a + b\n    return b\n"
    call = header_text(ToolCall("replace_symbol", {"path": "calc.py", "symbol": "add"}))
    stage = Stage(root, [body(MODULE), body(rest)], others=[[other]], profile=short)
    assert stage.run_task("The tests in `test_calc.py` fail; mend `calc.py`.") == 0
    assert stage.states == ["solved"]
    mended = MODULE.replace("    return a - b\n", f"    if a:\n{rest}")
    assert (root / "calc.py").read_text() == mended
    branch = stage.engine.prompts[-1]
    assert branch.opening.startswith(f"{call}\n")
    assert branch.opening.endswith("def add(a, b):\n    if a:\n")
    assert stage.engine.max_tokens[-1] < 2 * LEAST_BRANCH_TOKENS


def test_a_gain_is_gone_on_from_before_anything_is_drawn(root, two_red):
    stage = Stage(root, [body(two_red), THOUGHT, body(FIXED)], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert [s[1] for s in scored(stage)] == [2, 3]


def test_what_lacks_all_that_a_step_orders_is_not_read_for_doubts(root):
    (root / "calc.py").write_text("def minus(a, b):\n    return a - b\n")
    wrong = "def minus(a, b):\n    return a - b\n\n\ndef add(a, b):\n    return a\n"
    other = body(wrong.replace("return a\n", "return b\n"))
    stage = Stage(root, [body(wrong), THOUGHT, other, THOUGHT, other, THOUGHT, other])
    stage.run_plan(PLAN.replace("Fix `add` in `calc.py`: it subtracts", "Write `add` in `calc.py`"))
    assert stage.states == ["blocked"]
    assert set(stage.engine.read) == {wrong}


@pytest.fixture
def three_red(root: Path, two_red: str) -> str:
    """An attempt that wins one of three red tests."""
    three = "        self.assertEqual(add(4, 1), 5)\n"
    text = (root / "test_calc.py").read_text()
    (root / "test_calc.py").write_text(f"{text}\n    def test_three(self):\n{three}")
    return two_red.replace("a != 1", "a in (0, 2)")


def test_attempts_are_drawn_in_the_end_if_that_was_left_for_later(root, three_red):
    replies = [body(three_red), body(WORSE), body(FIXED)]
    stage = Stage(root, replies, profile=FOUR, settings=NO_REPAIR)
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED
    first, *_, last = stage.engine.prompts
    assert last.messages == first.messages


def test_what_is_drawn_in_the_end_is_gone_on_from(root, three_red):
    both = FIXED.replace("a + b", "a + b if a < 4 else 9")
    replies = [body(three_red), *[body(both)] * 3, body(FIXED)]
    stage = Stage(root, replies, profile=FOUR, settings=NO_REPAIR)
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED


def test_where_most_is_green_nothing_is_drawn_in_the_end(root, two_red):
    stage = Stage(root, [body(two_red), body(FIXED)], profile=FOUR, settings=NO_REPAIR)
    assert stage.run_plan(PLAN) == 1
    assert [s[1] for s in scored(stage)] == [2]


def test_from_what_two_rounds_begin_with_attempts_part_once(root, three_red):
    at = three_red.index("    return")
    other = Alternative(at, len(three_red) - 1, "    # No, the sum.", 0.3)
    replies = [body(three_red), body("    return 2\n")]
    replies += [THOUGHT, body(WORSE), THOUGHT, body(HALF), body("    return 3\n")]
    replies += [body(BROKEN)] * 3
    stage = Stage(root, replies, others=[[other]] * 9, profile=FOUR)
    assert stage.run_plan(PLAN) == 1
    assert len([p for p in stage.engine.prompts if "# No, the sum." in p.opening]) == 1


def test_tests_that_do_not_run_are_worse_than_red_ones(root):
    exits = f"import os\n\n\n{MODULE}os._exit(3)\n"
    stage = Stage(root, [body(exits), body(WORSE), body(BROKEN), body(FIXED)], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    first, *_ = stage.events(CandidateScored)
    assert (first.passed, first.failed, first.best) == (0, 0, False)


def test_identical_attempts_are_tested_once(root):
    stage = Stage(root, [body(BROKEN), body(BROKEN), body(BROKEN), body(FIXED)], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert len(scored(stage)) == 2


def test_attempts_that_fail_the_checks_are_not_tested(root):
    odd = body("def add(a, b:\n    return a\n")
    lost = body("def add(a, b):\n    return a + b\n")
    stage = Stage(root, [odd, lost, body(FIXED)], profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert scored(stage) == [(0, 2, True)]
    assert len(stage.events(EditApplied)) == 1


def test_the_best_of_a_round_is_what_the_next_one_starts_from(root):
    again = [THOUGHT, body(FIXED)]
    replies = [body(WORSE), body(HALF), body(BROKEN), body(WORSE), *again]
    stage = Stage(root, replies, profile=FOUR)
    assert stage.run_plan(PLAN) == 0
    assert (root / "calc.py").read_text() == FIXED
    thinking = stage.engine.prompts[2].messages[-1].text
    assert "a * b" in thinking
    assert "b + 1" not in thinking


def test_no_attempt_is_good_enough(root):
    replies = [body(WORSE), body(BROKEN), body(BROKEN), body(WORSE)]
    replies += [THOUGHT, *[body(BROKEN)] * 4, THOUGHT, *[body(BROKEN)] * 4]
    stage = Stage(root, replies, profile=FOUR)
    assert stage.run_plan(PLAN) == 1
    assert stage.states == ["blocked"]
    assert (root / "calc.py").read_text() == MODULE
    assert stage.git("status", "--porcelain") == ""
    assert stage.finished.steps[0].patch


def test_where_no_test_speaks_there_is_one_attempt(root):
    (root / "test_calc.py").unlink()
    stage = Stage(root, [body(BROKEN)], profile=FOUR)
    stage.git("rm", "-q", "test_calc.py")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "no tests")
    assert stage.run_plan("# Plan\n\n- [ ] Let `add` multiply, in `calc.py`.\n") == 0
    assert stage.states == ["unverified"]
    assert len(stage.engine.prompts) == 1


def test_a_step_with_two_files_races_whole_attempts(root):
    other = "from calc import add\n\n\ndef three():\n    return add(1, 2)\n"
    test = TEST + (
        "\n\nclass Three(unittest.TestCase):\n    def test_three(self):\n"
        "        from more import three\n\n        self.assertEqual(three(), 3)\n"
    )
    (root / "test_calc.py").write_text(test, encoding="utf-8")
    wrong = other.replace("1, 2", "1, 1")
    replies = [body(wrong), body(BROKEN), body(other), body(FIXED)]
    stage = Stage(root, replies, profile=replace(FOUR, max_body_tokens=2048))
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "wanted")
    plan = (
        "# Plan\n\n- [ ] Write `more.py` with `three()`, and fix `add`.\n"
        f"      Files: `more.py`, `calc.py`\n      Test: `{COMMAND}`\n"
    )
    assert stage.run_plan(plan) == 0
    assert (root / "more.py").read_text() == other
    assert (root / "calc.py").read_text() == FIXED
    assert [s[1] for s in scored(stage)] == [1, 3]
    assert stage.engine.max_tokens == [2048, 2048, LEAST_TOKENS, LEAST_TOKENS]


def test_texts_of_several_attempts_are_told_apart(root):
    stage = Stage(root, [body(BROKEN), body(WORSE), body(FIXED)], profile=FOUR)
    stage.run_plan(PLAN)
    assert stage.events(TestsRan)
    assert {delta.candidate for delta in stage.events(TokenDelta)} <= {0, 1, 2}
