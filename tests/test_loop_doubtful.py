"""Lines that the model would rather have written: which code is read, which edits they stand for,
and how a step uses them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qwenagent.config import LoopSettings, Settings, TestSettings
from qwenagent.loop.editing.doubtful import (
    UNSUSPECTED,
    LineEdit,
    Passage,
    line_edits,
    neighbours,
    passages,
)
from qwenagent.loop.evidence import glances
from qwenagent.loop.evidence.suspects import Spectrum
from qwenagent.loop.evidence.testing import Tests
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import CandidateScored, EditApplied, LineTried
from qwenagent.protocol.messages import Alternative, Span
from qwenagent.protocol.tools import ToolCall
from qwenagent.sandbox import Box, Candidate, Policy
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, TEST, Stage, body, make_repository
from tests.sandbox_stage import namespaces

LONG = (
    '"""Sums."""\n\nimport os\n\n\ndef first(a):\n    # one\n    return a\n\n\n'
    "class Sums:\n    def second(self, b):\n        return b\n\n    def third(self):\n"
    "        return 3\n"
)
RED = TestRun("pytest", 1, 0.1, "", {"t::x": "failed"}, {"t::x": "AssertionError"})
NOTHING = Spectrum()
THOUGHT = "The operator in add is wrong."
TASK = "The tests in `test_calc.py` fail; mend `calc.py`."


def alternative(text: str, old: str, new: str, probability: float = 0.5) -> Alternative:
    start = text.index(old)
    end = text.index("\n", start)
    return Alternative(start, end, new, probability)


def pairs(passage: Passage) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in passage.spans]


# -- what is read -------------------------------------------------------------------------------


def test_a_short_file_is_read_whole_behind_its_header():
    [found] = passages({"a.py": LONG}, 40, RED, NOTHING)
    begin = '"""Sums."""\n\n'
    assert found.call == ToolCall("rewrite_file", {"path": "a.py"})
    assert (found.begin, found.text) == (begin, LONG[len(begin) :])
    assert found.rows == tuple(range(3, 18))
    code = "".join(found.text[a:b] for a, b in pairs(found))
    assert " ".join(code.split()) == (
        "os first(a): return a Sums: def second(self, b): return b def third(self): return 3"
    )


def test_of_a_long_file_the_suspects_are_read():
    run = replace(RED, failures={"t::x": "a.py:16: in third\na.py:8: in first"})
    [found] = passages({"a.py": LONG}, 5, run, NOTHING)
    assert found.call == ToolCall("rewrite_file", {"path": "a.py"})
    first = "def first(a):\n    # one\n    return a"
    third = "    def third(self):\n        return 3"
    assert found.text == f"{first}\n{third}"
    assert found.rows == (6, 7, 8, 15, 16)
    assert found.begin == ""
    code = "".join(found.text[a:b] for a, b in pairs(found))
    assert " ".join(code.split()) == "first(a): return a def third(self): return 3"
    # The last line is the last one of the file, wherever it stands in what is read.
    [edit, *_] = line_edits(LONG, found, alternative(f"{found.text}\n", "3", "4"))
    assert edit == LineEdit("a.py", 16, "        return 3", "        return 4")


def test_what_is_suspect_counts_more():
    run = replace(RED, failures={"t::x": "a.py:16: in third"})
    [found] = passages({"a.py": LONG}, 40, run, NOTHING)
    weights = {found.text[s.start : s.end].strip(): s.weight for s in found.spans}
    assert weights["return 3"] == 1.0
    assert weights["return b"] == UNSUSPECTED
    [unknown] = passages({"a.py": LONG}, 40, RED, NOTHING)
    assert {span.weight for span in unknown.spans} == {
        0.0,
        1.0,
    }  # names of what is defined, and all else


def test_a_long_file_of_which_nothing_is_suspect_is_not_read():
    assert passages({"a.py": LONG}, 5, RED, NOTHING) == []


def test_code_that_is_too_much_is_left_out():
    texts = {"a.py": "x = 1\n" * 900, "b.py": "y = 1\n" * 900, "c.py": "z = 1\n"}
    found = passages(texts, 1000, RED, NOTHING)
    assert [passage.call.arguments["path"] for passage in found] == ["a.py", "c.py"]


def test_what_is_settled_hardly_counts():
    code = 'def f(a):\n    return {"kind": "red brick", "n": a}[a]\n\n\ndef g():\n    return f(1)\n'
    prompt = f"Return the words red brick.\n\n{code}"
    [found] = passages({"a.py": code}, 40, RED, NOTHING, prompt=prompt)
    parts = {code[s.start : s.end]: s.weight for s in found.spans}
    assert parts["red brick"] == pytest.approx(0.1)
    assert parts[" f"] == parts[" g"] == 0
    assert parts["(a):\n"] == parts['    return {"kind": "'] == 1
    read = "".join(code[s.start : s.end] for s in found.spans)
    assert read == code.replace("def", "")


# -- which edits --------------------------------------------------------------------------------

CODE = "def f(a):\n    b = a\n    return b\n"
PASSAGE = Passage(
    ToolCall("rewrite_file", {"path": "a.py"}), (4, 5, 6), "", CODE, (Span(0, len(CODE)),)
)
FILE = f"import os\n\n\n{CODE}"


@pytest.mark.parametrize(
    ("old", "new", "bodies"),
    [
        ("a\n    return", "-a", [(5, "    b = -a")]),
        ("    b", "    c = 1", [(5, "    c = 1"), (5, "    c = 1\n    b = a")]),
        ("    b", "    return b", [(5, "    return b"), (5, "")]),
        ("    return b", "  return b", [(6, "  return b")]),
        ("return", "", [(6, "")]),
        ("a\n    return", "a  # the same", []),
        ("    return b", "    # the result", [(6, "    # the result")]),
    ],
)
def test_line_edits(old, new, bodies):
    found = list(line_edits(FILE, PASSAGE, alternative(CODE, old, new)))
    lines = FILE.split("\n")
    assert found == [LineEdit("a.py", row, lines[row - 1], new) for row, new in bodies]


TWO = "def f(a):\n    b = a\n\n\ndef g(a):\n    return a\n"


@pytest.mark.parametrize(
    ("new", "edits"),
    [
        ("    return b", [(3, "    return b\n")]),
        ("    if b:\n        return b", [(3, "    if b:\n        return b\n")]),
        ("", []),
        ("def g(a):", []),
    ],
)
def test_a_line_that_lacks_at_the_end_of_a_block(new, edits):
    passage = replace(PASSAGE, rows=tuple(range(1, 8)), text=TWO)
    at = TWO.index("\n\n") + 1
    found = list(line_edits(TWO, passage, Alternative(at, at, new, 0.5)))
    assert [(edit.row, edit.new) for edit in found] == edits
    assert all(edit.old == "" for edit in found)


BLOCKS = "def f(a):\n    for x in a:\n        g(x)\n    return [\n        a,\n    ]\n"


@pytest.mark.parametrize(
    ("old", "new", "edits"),
    [
        # A guard that lacks.
        (
            "    for",
            "    if not a:\n        return 0",
            [
                (2, 2, "    if not a:"),
                (2, 3, "    if not a:\n        return 0"),
                (2, 2, "    if not a:\n        return 0\n    for x in a:"),
            ],
        ),
        # In place of a line.
        ("g(x)", "if x:\n            g(x)", [(3, 3, "        if x:\n            g(x)")]),
        # Its own block follows.
        ("a:\n        g", "sorted(a):", [(2, 2, "    for x in sorted(a):")]),
        # All that a line begins.
        ("[\n", "a", [(4, 6, "    return a")]),
        # What does not come to its end is none.
        ("g(x)", "if x:", []),
    ],
)
def test_edits_of_blocks(old, new, edits):
    passage = replace(PASSAGE, rows=tuple(range(1, 8)), text=BLOCKS)
    found = list(line_edits(BLOCKS, passage, alternative(BLOCKS, old, new)))
    calls = [(edit.call.arguments, edit.new) for edit in found]
    assert calls == [({"path": "a.py", "start": a, "end": b}, text) for a, b, text in edits]


@pytest.mark.parametrize(
    ("new", "others"),
    [
        ("if a <= b:", ["if a < b:"]),
        ("a < b and c > d", ["a <= b and c > d", "a < b or c > d", "a < b and c >= d"]),
        (
            "(a === b || c != d)",
            ["(a !== b || c != d)", "(a === b && c != d)", "(a === b || c == d)"],
        ),
        ("return n + 1", ["return n"]),
        ("return n - 1.5", []),
        ("x => x->y << 2", []),
        ("order = band", []),
    ],
)
def test_neighbours(new, others):
    line = LineEdit("a.py", 5, "old", new)
    assert [other.new for other in neighbours(line)] == others
    assert {(o.path, o.row, o.old) for o in neighbours(line)} <= {("a.py", 5, "old")}


# -- in a step ----------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "repo", files)


@pytest.fixture(params=["in the tree", "side by side"])
def box(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    if request.param == "in the tree":
        return Box.off(root)
    found = namespaces()
    if not found.overlays:
        pytest.skip("no overlays here")
    monkeypatch.setattr(glances, "default_threads", lambda: 2)
    return Box(found, Policy(root))


def settings(doubts: int = 8) -> Settings:
    return Settings(tests=TestSettings(command=COMMAND), loop=LoopSettings(doubts=doubts))


WRONG = alternative(MODULE, "- b", "/ b")
RIGHT = alternative(MODULE, "- b", "+ b", 0.2)
UNPARSABLE = alternative(MODULE, "return a", "return a -", 0.4)


def test_a_line_that_the_model_doubts_is_tested_and_kept(root, box):
    stage = Stage(
        root, [body(BROKEN)], others=[[WRONG, UNPARSABLE, RIGHT]], settings=settings(), box=box
    )
    assert stage.run_task(TASK) == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED
    assert stage.engine.read == [MODULE]
    tried = stage.events(LineTried)
    assert {(t.new, t.best, bool(t.refused), t.passed) for t in tried} == {
        ("    return a / b", False, False, 0),
        ("    return a -", False, True, 0),
        ("    return a -\n    return a - b", False, True, 0),
        ("    return a + b", True, False, 2),
    }
    assert len(tried) == 4
    assert [score.best for score in stage.events(CandidateScored)] == [False]
    diff = stage.events(EditApplied)[-1].diff
    assert "-    return a - b\n+    return a + b\n" in diff


def test_first_nothing_but_the_code_and_what_fails_is_in_sight(root):
    (root / "other.py").write_text("HIGHEST = 3\n")
    replies = [body(BROKEN.replace("a * b", "b - a")), *[THOUGHT, body(MODULE)] * 4]
    stage = Stage(root, replies, settings=settings())
    assert stage.run_task(TASK) == 1
    read = [one.prompt for one in stage.engine.readings if one.text == MODULE]
    focused, whole = (prompt.messages[-1].text for prompt in read)
    in_both = (MODULE, "AssertionError: -1 != 5", "    def test_add(self):\n")
    in_one = (TASK, "HIGHEST", "    def test_zero")
    assert [part in focused for part in (*in_both, *in_one)] == [True] * 3 + [False] * 3
    assert [part in whole for part in (*in_both, *in_one)] == [True] * 6
    assert focused.endswith("passes. Write the complete new content of calc.py.")


def test_the_best_of_them_is_built_upon(root, box):
    near = MODULE.replace("a - b", "a - b if a else 0")
    (root / "test_calc.py").write_text(
        TEST.replace("def test_zero", "def test_none(self):\n        self.assertEqual(add(0, 9), 0)"
                     "\n\n    def test_zero")
    )  # fmt: skip
    half = alternative(MODULE, "- b", "- b if a else 0")
    right = alternative(near, "- b", "+ b if a else 0")
    worse = body(MODULE.replace("a - b", "b - a"))
    stage = Stage(root, [worse], others=[[half], [right]], settings=settings(), box=box)
    assert stage.run_task(TASK) == 0
    assert (root / "calc.py").read_text() == MODULE.replace("a - b", "a + b if a else 0")
    assert stage.engine.read == [MODULE, near]


def test_what_was_written_to_order_is_gone_through_line_by_line_once_it_is_a_gain(root, box):
    stubs = "def add(a, b):\n    pass\n\n\ndef twice(a):\n    pass\n"
    half = stubs.replace("pass", "return a + b", 1).replace("pass", "return a")
    (root / "calc.py").write_text(stubs)
    twice = "    def test_twice(self):\n        self.assertEqual(twice(3), 6)\n"
    (root / "test_calc.py").write_text(f"{TEST}\n{twice}")
    other = alternative(half, "return a\n", "return a + a")
    stage = Stage(root, [body(half)], others=[[other]], settings=settings(), box=box)
    assert stage.run_task("Write `add` and `twice` in `calc.py`.") == 0
    assert stage.engine.read == [half]
    assert (root / "calc.py").read_text() == half.replace("return a\n", "return a + a\n")


def test_a_line_is_tried_once(root, box):
    replies = [body(BROKEN), THOUGHT, body(BROKEN)]
    stage = Stage(root, replies, others=[[WRONG], [WRONG, RIGHT]], settings=settings(), box=box)
    assert stage.run_task(TASK) == 0
    assert [t.new.strip() for t in stage.events(LineTried)] == ["return a / b", "return a + b"]


def test_without_room_for_copies_lines_are_tested_in_the_tree(root, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    found = namespaces()
    if not found.overlays:
        pytest.skip("no overlays here")
    monkeypatch.setattr(glances, "default_threads", lambda: 2)
    monkeypatch.setattr(Candidate, "of", full)
    others: list[Sequence[Alternative]] = [[WRONG, RIGHT]]
    box = Box(found, Policy(root))
    stage = Stage(root, [body(BROKEN)], others=others, settings=settings(), box=box)
    assert stage.run_task(TASK) == 0
    assert (root / "calc.py").read_text() == FIXED
    assert [t.new.strip() for t in stage.events(LineTried)] == ["return a / b", "return a + b"]


def test_what_is_looked_at_leaves_the_tree_alone(root, monkeypatch):
    found = namespaces()
    if not found.overlays:
        pytest.skip("no overlays here")
    monkeypatch.setattr(glances, "default_threads", lambda: 2)
    seen: list[str] = []
    run_aside = Tests.run_aside

    def noting(tests: Tests, *args: Any) -> list[TestRun]:
        seen.append((root / "calc.py").read_text())
        return run_aside(tests, *args)

    monkeypatch.setattr(Tests, "run_aside", noting)
    box = Box(found, Policy(root))
    others: list[Sequence[Alternative]] = [[WRONG, alternative(MODULE, "- b", "// b")]]
    replies = [body(BROKEN), THOUGHT, body(FIXED)]
    stage = Stage(root, replies, others=others, settings=settings(), box=box)
    assert stage.run_task(TASK) == 0
    assert seen == [MODULE]


def test_a_line_that_is_nearly_right_is_tried_with_other_bounds(root, box):
    low = "def is_low(n):\n    return n > 3\n"
    (root / "calc.py").write_text(low)
    tests = "".join(
        f"    def test_{n}(self):\n        self.assertIs(is_low({n}), {n <= 3})\n\n"
        for n in (1, 3, 4)
    )
    head = TEST[: TEST.index("    def")].replace("add, twice", "is_low")
    (root / "test_calc.py").write_text(head + tests)
    near = alternative(low, "n > 3", "n < 3")
    stage = Stage(
        root, [body(low.replace("3", "5"))], others=[[near]], settings=settings(), box=box
    )
    assert stage.run_task(TASK) == 0
    assert (root / "calc.py").read_text() == low.replace("n > 3", "n <= 3")
    assert [t.new.strip() for t in stage.events(LineTried)] == ["return n < 3", "return n <= 3"]


def test_what_is_refused_of_them_is_not_told_to_the_model(root, box):
    replies = [body(BROKEN), THOUGHT, body(FIXED)]
    stage = Stage(root, replies, others=[[UNPARSABLE]], settings=settings(), box=box)
    assert stage.run_task(TASK) == 0
    assert any("would not parse" in event.refused for event in stage.events(LineTried))
    told = [message.text for prompt in stage.engine.prompts for message in prompt.messages]
    assert not any("would not parse" in text for text in told)


def test_none_where_no_fault_is_looked_for(root, box):
    (root / "test_calc.py").write_text(TEST.replace("add(2, 3), 5", "add(2, 3), -1"))
    stage = Stage(
        root, [body(FIXED.replace("def twice", "def double"))] * 3, settings=settings(), box=box
    )
    stage.run_task("Rename `twice` in `calc.py` to `double`.")
    assert stage.engine.read == []


def test_none_if_the_settings_say_so(root, box):
    stage = Stage(root, [body(BROKEN), THOUGHT, body(FIXED)], settings=settings(doubts=0), box=box)
    assert stage.run_task(TASK) == 0
    assert stage.engine.read == []
