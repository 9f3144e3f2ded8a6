"""Where a fault is looked for: among the functions that failures point to, each in its turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.grammar.calls import OPENING
from qwenagent.loop.editing.asker import header_text
from qwenagent.protocol.events import ToolStarted
from qwenagent.protocol.tools import ToolCall
from tests.loop_stage import PROFILE, Stage, body, make_repository

SHOP = """class ShopError(Exception):
    pass


def double(n):
    return n


def price(n):
    return double(n)


def greeting(name):
    return f"hello {name}"
"""
FIXED = SHOP.replace("return n\n", "return 2 * n\n")
TEST = """import unittest

from shop import greeting, price


class Shop(unittest.TestCase):
    def test_price(self):
        self.assertEqual(price(2), 4)

    def test_greeting(self):
        self.assertEqual(greeting("Ida"), "hello Ida")
"""
TASK = "The tests in `test_shop.py` fail. Find the fault in `shop.py` and correct it."
SETTINGS = Settings(
    loop=LoopSettings(form="symbol", candidates=3, doubts=0, repairs=0, resamples=0)
)
DOUBLE = body("def double(n):\n    return 2 * n\n")
PRICE = body("def price(n):\n    return 0\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"shop.py": SHOP, "test_shop.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "a repo", files)


def call(symbol: str) -> str:
    """A call's line, without its forced beginning."""
    chosen = ToolCall("replace_symbol", {"path": "shop.py", "symbol": symbol})
    return header_text(chosen).removeprefix(OPENING)


def test_each_function_that_failing_tests_use_has_its_turn(root):
    # Of the two that were offered one is left, so its line is forced and its body asked for.
    stage = Stage(root, [call("price"), PRICE, DOUBLE], settings=SETTINGS)
    assert stage.run_task(TASK) == 0
    assert stage.states == ["solved"]
    assert (root / "shop.py").read_text() == FIXED
    order, body_of_price, body_of_double = [p.messages[-1].text for p in stage.engine.prompts]
    assert "insert_symbol" not in order
    assert "new code of price" in body_of_price
    assert "new code of double" in body_of_double


@pytest.mark.parametrize("name", ["ShopError", "greeting"])
def test_what_no_failing_test_uses_cannot_be_written(name, root):
    stage = Stage(root, [call(name), PRICE], settings=SETTINGS)
    assert stage.run_task(TASK) == 1
    assert "refuse" in stage.finished.steps[0].reason


def test_tried_often_enough_the_fault_may_be_anywhere(root):
    price, double = (
        [body(f"def {name}(n):\n    return {n}\n") for n in (5, 6)] for name in ("price", "double")
    )
    error = body("class ShopError(Exception):\n    code = 1\n")
    replies = [call("price"), price[0], double[0], call("price"), price[1], double[1]]
    settings = replace(SETTINGS, loop=replace(SETTINGS.loop, candidates=5))
    stage = Stage(root, [*replies, call("ShopError"), error], settings=settings)
    assert stage.run_task(TASK) == 1
    tried = [e.call.arguments["symbol"] for e in stage.events(ToolStarted)]
    assert tried == ["price", "double", "price", "double", "ShopError"]


REPAIRED = replace(SETTINGS, loop=replace(SETTINGS.loop, candidates=1, repairs=1))
PLAN = "# Plan\n\n- [ ] Double `price` of `shop.py`.\n      Test: `python3 -m unittest`\n"
THOUGHT = "It has to be doubled."


@pytest.mark.parametrize(("name", "state"), [("price", "solved"), ("greeting", "blocked")])
def test_a_repair_looks_where_failures_point_to(name, state, root):
    wrong, right = (body(f"def price(n):\n    return double(n) {to}\n") for to in ("+ 1", "* 2"))
    replies = [call("price"), wrong, THOUGHT, call(name), right]
    stage = Stage(root, replies, settings=REPAIRED)
    stage.run_plan(PLAN)
    assert stage.states == [state]
    if state == "blocked":
        assert "refuse" in stage.finished.steps[0].reason


def test_a_repair_of_what_lacks_something_may_be_anywhere(root):
    lacks = body("def price(n):\n    return n.twice\n")
    error = body("class ShopError(Exception):\n    code = 1\n")
    replies = [call("price"), lacks, THOUGHT, call("ShopError"), error]
    stage = Stage(root, replies, settings=REPAIRED)
    stage.run_plan(PLAN)
    assert [e.call.arguments["symbol"] for e in stage.events(ToolStarted)] == ["price", "ShopError"]


def test_code_that_the_prompt_lacks_is_shown_with_the_order(root):
    many = "".join(f"def f{n}(n):\n    return n\n\n\n" for n in range(8))
    uses = " + ".join(f"f{n}(n)" for n in range(8))
    greeting = SHOP[SHOP.index("def greeting") :]
    (root / "shop.py").write_text(f"{many}def price(n):\n    return {uses}\n\n\n{greeting}")
    settings = replace(SETTINGS, loop=replace(SETTINGS.loop, candidates=1, form=""))
    profile = replace(PROFILE, whole_file_lines=20)
    asked = {}
    for name in ("f0", "f7"):
        replies = [call(name), body(f"def {name}(n):\n    return 0\n")]
        stage = Stage(root, replies, settings=settings, profile=profile)
        stage.run_task(TASK)
        asked[name] = stage.engine.prompts[-1].messages[-1].text
    assert asked["f0"].count("def f0(n):\n    return n") == 1  # among the five that are shown
    assert asked["f7"].endswith(
        "f7 in shop.py is now:\n\n```python\ndef f7(n):\n    return n\n```\n\n"
        "Write the complete new code of f7 in shop.py."
    )
