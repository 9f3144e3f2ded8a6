"""A step that failed is split in two by a large model; what comes of the parts is judged as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.engine.scripted import Reply
from qwenagent.registry import Profile, find_card
from tests.kinds_stage import status, warnings
from tests.loop_stage import PROFILE, Stage, body, make_repository

LARGE = replace(find_card("7b").profile, candidates=1)
ONE_ROUND = Settings(loop=LoopSettings(repairs=0, resamples=0, doubts=0))
SHOP = "def price(n):\n    return n\n\n\ndef total(ns):\n    return 0\n"
PRICED = SHOP.replace("return n\n", "return 2 * n\n")
SUMMED = PRICED.replace("return 0", "return sum(price(n) for n in ns)")
WRONG = SHOP.replace("return 0", "return 1")
TEST = """import unittest

from shop import price, total


class Shop(unittest.TestCase):
    def test_both(self):
        self.assertEqual((price(2), total([1, 2])), (4, 6))

    def test_import(self):
        self.assertTrue(price)
"""
STEP = "- [ ] `shop.py`: twice the price, and its total.\n      Test: `python3 -m unittest -v`\n"
PARTS = "- [ ] `shop.py`: `price` doubles\n- [ ] `shop.py`: `total` sums the prices"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"shop.py": SHOP, "test_shop.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "a repo", files)


def played(root: Path, *replies: Reply, profile: Profile = LARGE) -> Stage:
    stage = Stage(root, replies, settings=ONE_ROUND, profile=profile)
    stage.run_plan(STEP)
    return stage


def test_both_parts_together_solve_it_and_are_one_commit(root):
    stage = played(root, body(WRONG), PARTS, body(PRICED), body(SUMMED))
    assert stage.states == ["solved"]
    assert (root / "shop.py").read_text() == SUMMED
    assert stage.git("rev-list", "--count", "main..HEAD") == "1"
    assert "tried in two parts: shop.py: price doubles | shop.py: total sums" in warnings(stage)
    asked, first, second = stage.engine.prompts[1:]
    assert "It was tried and failed: the step's tests are red" in asked.messages[-1].text
    assert "price` doubles" in first.messages[-1].text
    assert "return 0" in first.messages[-1].text  # the failed attempt is gone
    assert "return 2 * n" in second.messages[-1].text


def test_a_first_part_that_does_it_all_is_enough(root):
    stage = played(root, body(WRONG), PARTS, body(SUMMED))
    assert stage.states == ["solved"]


def test_a_first_part_that_breaks_something_ends_it(root):
    broken = "def total(ns):\n    return 0\n\n\ndef price(n):\n    raise ValueError\n\n\nprice(1)\n"
    stage = played(root, body(WRONG), PARTS, body(broken))
    assert stage.states == ["blocked"]
    assert (root / "shop.py").read_text() == SHOP
    assert status(root) == ""


def test_parts_that_do_not_solve_it_leave_the_tree_and_the_best_attempt(root):
    stage = played(root, body(WRONG), PARTS, body(PRICED), body(PRICED.replace("0", "5")))
    assert stage.states == ["blocked"]
    assert (root / "shop.py").read_text() == SHOP
    [line] = stage.finished.steps
    assert "return 1" in (root / line.patch).read_text()


@pytest.mark.parametrize("answer", ["I cannot.", "- [ ] `shop.py`: all of it", ""])
def test_an_answer_that_is_no_two_steps_is_none(answer, root):
    stage = played(root, body(WRONG), answer)
    assert stage.states == ["blocked"]
    assert "in two parts" not in warnings(stage)


def test_a_part_may_not_reach_other_files_than_the_step(root):
    elsewhere = PARTS.replace("`shop.py`: `price`", "`test_shop.py`: `price`")
    stage = played(root, body(WRONG), elsewhere, body(PRICED), body(SUMMED))
    assert stage.states == ["solved"]
    assert (root / "test_shop.py").read_text() == TEST


def test_a_small_model_is_not_asked_to_split(root):
    stage = played(root, body(WRONG), profile=PROFILE)
    assert stage.states == ["blocked"]
    assert len(stage.engine.prompts) == 1
