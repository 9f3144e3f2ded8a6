"""What a step says that its file has: read out of its words, and asked of what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.engine.scripted import Reply
from qwenagent.loop.words.promised import lacking, promises
from qwenagent.protocol.events import ToolEnded
from tests.loop_stage import Stage, body, make_repository


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("`a.py`: a function `mean(xs)` for lists.", ["function mean"]),
        (
            "`a.py`: functions `mean(xs)` (of numbers), `low(xs)` and `high(xs, n)`; each sorts.",
            ["function mean", "function low", "function high"],
        ),
        (
            "A class `Lamp(watts)`. Methods: `on()` lights it; `off()` ends that; `is_on()` tells.",
            ["class Lamp", "method on", "method off", "method is_on"],
        ),
        ("Write a small helper function called `mean(xs)`.", ["function mean"]),
        (
            "Add a frozen dataclass `Point` and a function `far(a, b)`.",
            ["class Point", "function far"],
        ),
        ("The module has two functions, `a(x)` and `b(x)`.", ["function a", "function b"]),
        ("The module has two functions: `a(x)` and `b(x)`.", ["function a", "function b"]),
        ("Export the function `slug(text: string): string`.", ["function slug"]),
        # Not what code only calls, takes, returns or is to lose.
        ("It takes a function `key(x)` and calls the method `run()`.", []),
        ("Returns a function `again(x)`.", []),
        ("Fix the function `mean(xs)`.", []),
        ("Remove the class `Lamp` from `a.py`.", []),
        ("Do not add a function `mean(xs)`.", []),
        ("Behave like a class `Lamp`.", []),
        ("## Out of scope\n\nA function `mean(xs)`.", []),
    ],
)
def test_promises(step, expected):
    assert [f"{one.kind} {one.name}" for one in promises(step)] == expected


@pytest.mark.parametrize(
    ("path", "text", "step", "lacks"),
    [
        ("a.py", "def mean(xs):\n    return 1\n", "A function `mean(xs)`.", ""),
        ("a.py", "mean = lambda xs: 1\n", "A function `mean(xs)`.", ""),
        ("a.py", "from b import mean\n", "A function `mean(xs)`.", ""),
        ("a.py", "async def mean(xs): ...\n", "A function `mean(xs)`.", ""),
        ("a.py", "def means(xs): ...\n", "A function `mean(xs)`.", "function `mean(xs)`"),
        ("a.py", "# mean\n", "A function `mean(xs)`.", "function `mean(xs)`"),
        (
            "a.py",
            "class Xs:\n    def mean(xs): ...\n",
            "A function `mean(xs)`.",
            "function `mean(xs)`",
        ),
        ("a.py", "class Xs:\n    def mean(xs): ...\n", "A method `mean(xs)`.", ""),
        ("a.ts", "export function mean(xs) {}\n", "A function `mean(xs)`.", ""),
        ("a.js", "class Xs {\n  mean(xs) {}\n}\n", "A function `mean(xs)`.", "function `mean(xs)`"),
        ("A.java", "class A {\n  int mean() {}\n}\n", "A function `mean()`.", ""),
        ("a.rs", "struct A;\nimpl A {\n  fn new() {}\n}\n", "A function `new()`.", ""),
        ("a.py", "class Lamps: ...\n", "A class `Lamp`.", "class `Lamp`"),
    ],
)
def test_what_is_not_there_is_named(path, text, step, lacks):
    reason = lacking(path, "", text, step)
    assert (lacks in reason) if lacks else not reason


RAISES = 'Not found:\n\n```python\nraise ValueError("not in array")\n```\n'


@pytest.mark.parametrize(
    ("old", "new", "step", "lacks"),
    [
        ("", "x = 1\n", RAISES, 'has no `raise ValueError("not in array")`'),
        ("", "raise ValueError('not in array')\n", RAISES, ""),
        ("", "x = 1\n", 'Or `raise KeyError("can\'t be")`.', 'has no `raise KeyError("can'),
        ("", "MESSAGE = 'not in array'\n", RAISES, ""),
        # What is there already may be what is to go.
        ("raise ValueError('not in array')\n", "x = 1\n", RAISES, ""),
        ("", "x = 1\n", "Else `throw new RangeError('too far')`.", "has no `throw new RangeError("),
        ("", "x = 1\n", 'Write `raise ValueError("A meaningful message here.")`.', ""),
        (
            "",
            "x = 1\n",
            'Write `raise ValueError(f"no {x}")` or `raise KeyError("no %s" % x)`.',
            "",
        ),
    ],
)
def test_an_error_whose_message_is_given_has_it(old, new, step, lacks):
    reason = lacking("a.py", old, new, step)
    assert (lacks in reason) if lacks else not reason


CLASS = "class Numbers:\n    def mean(self, xs):\n        return sum(xs) / len(xs)\n"
ONE = "def mean(xs):\n    return sum(xs) / len(xs)\n"
BOTH = f"{ONE}\n\ndef low(xs):\n    return min(xs)\n"
STEP = "- [ ] `numbers_of.py`: functions `mean(xs)` and `low(xs)`.\n"


def played(tmp_path: Path, *replies: Reply, step: str = STEP) -> tuple[Stage, list[str], str]:
    root = make_repository(tmp_path / "repo", {"README.md": "Numbers.\n"})
    stage = Stage(root, replies)
    stage.run_plan(step)
    refused = [e.result.content for e in stage.events(ToolEnded) if e.result.is_error]
    return stage, refused, (root / "numbers_of.py").read_text()


def test_functions_inside_a_class_are_refused_and_the_next_attempt_is_told(tmp_path):
    stage, refused, text = played(tmp_path, body(CLASS), "They are functions.", body(BOTH))
    assert stage.states == ["unverified"]
    assert text == BOTH
    assert refused == [
        "not written: numbers_of.py has no function `mean(xs)`, which the step asks for"
    ]
    assert any("no function `mean(xs)`" in m.text for m in stage.engine.prompts[-1].messages)


def test_words_may_mislead_so_the_third_is_taken_as_it_is(tmp_path):
    replies = (body(CLASS), "A thought.", body(ONE), "A thought.", body(f"{ONE}\nLOW = min\n"))
    stage, refused, text = played(tmp_path, *replies)
    assert len(refused) == 2
    assert "no function `low(xs)`" in refused[1]
    assert text == f"{ONE}\nLOW = min\n"
    assert stage.states == ["unverified"]


def test_where_a_test_speaks_it_tells(tmp_path):
    step = STEP + "      Test: `python3 -c 'from numbers_of import Numbers'`\n"
    stage, refused, _ = played(tmp_path, body(CLASS), step=step)
    assert not refused
    assert stage.states == ["solved"]


STUB = (
    "class School:\n    def add(self, name):\n        pass\n\n    def added(self):\n        pass\n"
)


def test_a_suite_that_says_nothing_of_the_step_is_no_test_of_it(tmp_path):
    other = "import unittest\n\n\nclass Other(unittest.TestCase):\n"
    other += "    def test_one(self):\n        pass\n"
    root = make_repository(tmp_path / "repo", {"test_other.py": other})
    stage = Stage(root, [body(CLASS), "They are functions.", body(BOTH)])
    stage.run_plan(STEP)
    assert stage.states == ["unverified"]
    assert (root / "numbers_of.py").read_text() == BOTH


def test_callers_that_would_fail_are_told(tmp_path):
    wrong = STUB.replace("added(self)", "added(self, name)").replace("pass", "return [name]")
    right = STUB.replace("pass", "return []")
    root = make_repository(tmp_path / "repo", {"school.py": STUB})
    stage = Stage(root, [body(wrong), "Keep the parameters.", body(right)])
    stage.run_plan("- [ ] `school.py`: write the bodies of `School`.\n")
    assert (root / "school.py").read_text() == right
    refused = [e.result.content for e in stage.events(ToolEnded) if e.result.is_error]
    assert refused == [
        "not written: `School.added` would ask for `name`, which its callers do not give"
    ]
