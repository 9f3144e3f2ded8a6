"""From which state the next round starts."""

from __future__ import annotations

from typing import Literal

from qwenagent.loop import attempts
from qwenagent.loop.attempts import Standing
from qwenagent.loop.evidence.judging import Judged
from qwenagent.protocol.checks import TestRun, TestStatus

START = (0, 0, 0, -2, 0)
"""Two tests are red."""


def attempt(
    n_red: int = 2, *, broke: tuple[str, ...] = (), state: Literal["red", "unverified"] = "red"
) -> attempts.Tested:
    statuses: dict[str, TestStatus] = {
        "green": "passed",
        **{f"t{i}": "failed" for i in range(n_red)},
    }
    run = TestRun("t", 1, 0.1, "", statuses)
    return attempts.Tested(Judged(state, "why", run, None, newly_failed=broke), {}, "patch")


def test_what_is_a_gain_is_built_upon():
    standing, first, second = Standing(START), attempt(1), attempt(0)
    standing.settle(first, is_first=True)
    standing.settle(second, is_first=False)
    assert standing == Standing(START, best=second, base=second, kept=second)


def test_the_first_round_is_built_upon_if_it_breaks_nothing():
    standing, first = Standing(START), attempt()
    standing.settle(first, is_first=True)
    assert standing == Standing(START, best=None, base=first, kept=first)


def test_what_breaks_a_test_is_never_built_upon():
    standing, first = Standing(START), attempt(1, broke=("t9",))
    standing.settle(first, is_first=True)
    assert standing == Standing(START, best=None, base=None, kept=first)


def test_what_is_no_gain_goes_back_to_the_best_state():
    standing, best = Standing(START), attempt(1)
    standing.settle(best, is_first=True)
    standing.settle(attempt(1), is_first=False)
    assert standing == Standing(START, best=best, base=best, kept=best)
    assert standing.rank == best.judged.rank


def test_a_later_round_that_is_no_gain_leaves_the_first_one():
    standing, first = Standing(START), attempt()
    standing.settle(first, is_first=True)
    standing.settle(attempt(), is_first=False)
    assert standing == Standing(START, best=None, base=None, kept=first)


def test_what_is_not_red_is_the_base_in_any_case():
    standing, here = Standing((9,)), attempt(state="unverified")
    standing.settle(here, is_first=False)
    assert standing == Standing((9,), best=None, base=here, kept=here)


def test_whoever_is_asked_elsewhere_sees_no_attempt_that_is_no_gain():
    standing, first = Standing(START), attempt()
    standing.settle(first, is_first=True)
    standing.drop_no_gain()
    assert standing == Standing(START, best=None, base=None, kept=first)
