"""Caps: what is refused, how it is said, and that two processes together never break one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.caps import (
    CapReached,
    Caps,
    Limit,
    NoPrice,
    dollars,
    first_reached,
    reserve,
)
from qwenagent.escalate.ledger import DAY_S, Amount, Ledger, Reservation, Spending
from tests.escalate_spender import broken, caps_of, errand

NOTHING = Amount(0, 0)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / "ledger.sqlite3", clock=lambda: 1000.0)


CAPS = Caps(
    request=Limit(100_000, 2000),
    step=Limit(250_000, 6000),
    run=Limit(1_000_000, 9000),
    day=Limit(5_000_000, 20_000),
)


@pytest.mark.parametrize(
    ("used", "wanted", "reached"),
    [
        ((NOTHING, NOTHING, NOTHING), Amount(100_000, 2000), None),
        (
            (NOTHING, NOTHING, NOTHING),
            Amount(100_001, 2001),
            CapReached(
                "the cap of $0.10 for a request is reached: this request could cost $0.100001",
                "request", "money", 100_000, 0, 100_001,
            ),
        ),
        (
            (Amount(0, 5000), Amount(0, 5000), NOTHING),
            Amount(1, 1001),
            CapReached(
                "the cap of 6,000 tokens for a step is reached: 5,000 tokens spent or reserved, "
                "and this request could take 1,001 tokens",
                "step", "tokens", 6000, 5000, 1001,
            ),
        ),
        (
            (NOTHING, Amount(960_000, 0), Amount(4_960_000, 0)),
            Amount(50_000, 1),
            CapReached(
                "the cap of $1.00 for a run is reached: $0.96 spent or reserved, and this request "
                "could cost $0.05",
                "run", "money", 1_000_000, 960_000, 50_000,
            ),
        ),
        (
            (NOTHING, NOTHING, Amount(5_000_000, 0)),
            Amount(1, 0),
            CapReached(
                "the cap of $5.00 for 24 hours is reached: $5.00 spent or reserved, and this "
                "request could cost $0.000001",
                "day", "money", 5_000_000, 5_000_000, 1,
            ),
        ),
    ],
)  # fmt: skip
def test_the_narrowest_cap_is_told(used, wanted, reached):
    assert first_reached(CAPS, Spending(*used), wanted) == reached


def test_no_caps_are_no_limit():
    assert first_reached(Caps(), Spending(CAP, CAP, CAP), CAP) is None


CAP = Amount(10**12, 10**12)


@pytest.mark.parametrize(
    ("micro", "said"),
    [(0, "$0.00"), (1, "$0.000001"), (500_000, "$0.50"), (1_234_567_890, "$1,234.56789")],
)
def test_money_is_never_rounded(micro, said):
    assert dollars(micro) == said


def test_without_a_price_only_tokens_hold(ledger):
    free = Amount(None, 500)
    assert reserve(ledger, Caps(day=Limit(1)), errand("r", "s"), free) == NoPrice(
        "the price of large at shop is not known, so that only a cap in tokens can hold; set one, "
        "or the price"
    )
    caps = Caps(day=Limit(micro=1, tokens=800))
    assert reserve(ledger, caps, errand("r", "s"), free) == Reservation(1, free)
    refused = reserve(ledger, caps, errand("r", "s"), free)
    assert isinstance(refused, CapReached)
    assert (refused.unit, refused.used, refused.wanted) == ("tokens", 500, 500)


def test_what_counts_against_a_cap(ledger):
    caps = Caps(step=Limit(micro=100))
    most = Amount(60, 60)
    first = reserve(ledger, caps, errand("r", "s"), most)
    assert isinstance(first, Reservation)
    assert isinstance(reserve(ledger, caps, errand("r", "s"), most), CapReached)
    assert isinstance(reserve(ledger, caps, errand("r", "other"), most), Reservation)
    assert isinstance(reserve(ledger, caps, errand("other", "s"), most), CapReached)
    ledger.settle(first.id, Tokens(1, 2, 3), 30, "answered")
    second = reserve(ledger, caps, errand("r", "s"), most)
    assert isinstance(second, Reservation)
    ledger.release(second.id, "no connection")
    assert isinstance(reserve(ledger, caps, errand("r", "s"), Amount(70, 1)), Reservation)
    assert isinstance(reserve(ledger, caps, errand("r", "s"), Amount(1, 1)), CapReached)


def test_a_day_is_24_hours_and_a_clock_set_back_hides_nothing(tmp_path):
    now = [10 * DAY_S]
    ledger = Ledger(tmp_path / "l.sqlite3", clock=lambda: now[0])
    caps = Caps(day=Limit(micro=100))

    def asked(at: float, run: str) -> bool:
        now[0] = at
        return isinstance(reserve(ledger, caps, errand(run, ""), Amount(60, 1)), Reservation)

    assert asked(10 * DAY_S, "a")
    assert not asked(11 * DAY_S - 1, "b")
    assert not asked(9.5 * DAY_S, "c")
    assert asked(11 * DAY_S, "d")


def test_what_is_asked_between_steps_has_no_step_cap(ledger):
    caps = Caps(step=Limit(micro=100))
    for _ in range(3):
        assert isinstance(reserve(ledger, caps, errand("r", ""), Amount(60, 1)), Reservation)


# -- two processes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def spenders() -> Iterator[list[subprocess.Popen[str]]]:
    both = [spender(), spender()]
    yield both
    for process in both:
        process.communicate()


def spender() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.escalate_spender"],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


limit = st.one_of(st.none(), st.integers(0, 400))
limits = st.fixed_dictionaries(
    {scope: st.tuples(limit, limit) for scope in ("request", "step", "run", "day")}
)
asked = st.fixed_dictionaries(
    {
        "run": st.sampled_from("ab"),
        "step": st.sampled_from("st"),
        "micro": st.one_of(st.integers(0, 150), st.none()),
        "tokens": st.integers(0, 150),
        "at": st.integers(0, int(2.5 * DAY_S)),
        "end": st.sampled_from(["part", "most", "release", "open", "die"]),
        "percent": st.integers(0, 100),
    }
)
orders = st.lists(asked, min_size=1, max_size=8)
_EXAMPLES = iter(range(1_000_000))


@given(limits, orders, orders)
@settings(max_examples=50)
def test_two_processes_never_break_a_cap(spenders, tmp_path_factory, caps, first, second):
    path = tmp_path_factory.getbasetemp() / f"caps-{next(_EXAMPLES)}.sqlite3"
    for process, steps in zip(spenders, (first, second), strict=True):
        order = {"path": str(path), "caps": caps, "steps": steps}
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    told = [json.loads(process.stdout.readline()) for process in spenders]
    entries = Ledger(path).entries()
    assert [one["wrong"] for one in told] == [[], []]
    assert broken(caps_of(caps), entries) == []
    assert sum(one["sent"] for one in told) == len(entries)
    n_dead = sum(entry.state == "lost" for entry in Ledger(path).find_lost())
    assert n_dead <= sum(step["end"] == "die" for step in (*first, *second))


def test_a_broken_cap_would_be_seen(ledger):
    # The check of the test above, where nobody asks for leave.
    for _ in range(2):
        ledger.reserve(errand("r", "s"), Amount(60, 60), lambda _: None)
    entries = ledger.entries()
    for scope in ("step", "run", "day"):
        assert len(broken(caps_of({scope: [100, None]}), entries)) >= 1
        assert broken(caps_of({scope: [120, 120]}), entries) == []
    assert len(broken(caps_of({"request": [None, 59]}), entries)) == 2
