"""What is said of rows: intervals, tests of chance, tables, and two sets of rows compared."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction

import pytest

from qwenagent.errors import UsageError
from qwenagent.evals import (
    COLUMNS,
    Comparison,
    Row,
    compare,
    compare_kinds,
    comparison_text,
    grouped,
    markdown,
    summary_row,
)
from qwenagent.evals.report import interval, prefixes, share
from qwenagent.evals.statistics import permutation_test, sign_test, wilson
from tests.rows_stage import MACHINE, SETUP, row

PLAIN = replace(SETUP, arm="plain")

# -- formulas ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 27.8),
        (5, 10, 23.7, 76.3),
        (11, 36, 18.0, 46.9),
        (10, 10, 72.2, 100.0),
        (1, 1, 20.7, 100.0),
        (0, 0, 0.0, 100.0),
        (82, 164, 42.4, 57.6),
    ],
)
def test_wilson_against_known_values(k, n, low, high):
    assert [round(100 * end, 1) for end in wilson(k, n)] == [low, high]


@pytest.mark.parametrize(("k", "n"), [(1, 7), (11, 36), (20, 60), (59, 60), (700, 1000)])
def test_the_ends_of_wilson_are_where_the_score_test_turns(k, n):
    for end in wilson(k, n):
        z = (k / n - end) / math.sqrt(end * (1 - end) / n)
        assert abs(z) == pytest.approx(1.959964, abs=1e-5)


def test_shares_and_intervals_in_words():
    assert [share(5, 12), share(0, 3), share(0, 0)] == ["41.7 %", "0.0 %", "-"]
    assert [interval(11, 36), interval(0, 10), interval(0, 0)] == ["18-47 %", "0-28 %", "-"]


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [
        (0, 0, 1), (1, 0, 1), (0, 5, 0.0625), (6, 0, 0.03125), (1, 6, 0.125), (6, 1, 0.125),
        (3, 3, 1), (2, 3, 1), (2, 8, 0.109375), (1, 9, 0.021484375),
    ],
)  # fmt: skip
def test_the_sign_test_against_known_values(wins, losses, p):
    assert sign_test(wins, losses) == p


def test_the_sign_test_of_many():
    assert 0 < sign_test(400, 800) < 1e-28
    assert sign_test(600, 600) == 1


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([], Fraction(1)),
        ([0, 0.0], Fraction(1)),
        ([1], Fraction(1)),
        ([1, 1], Fraction(1, 2)),
        ([1, 1, 0, 1], Fraction(1, 4)),
        ([1, 2, -1], Fraction(3, 4)),  # of 8 sums 4 2 2 0 0 -2 -2 -4, six are as far as 2
        ([0.1, 0.2, 0.3], Fraction(1, 4)),
        ([-0.1, -0.2, 0.3], Fraction(1)),
        ([1] * 5 + [-1], Fraction(14, 64)),
    ],
)
def test_the_permutation_test_by_hand(differences, p):
    assert permutation_test(differences) == pytest.approx(float(p))


def test_the_permutation_test_is_the_sign_test_where_all_count_the_same():
    """With 26 differences it draws; 100,000 draws err by 0.0013 (four sigma: 0.0052)."""
    for wins, losses in ((9, 4), (16, 0), (18, 8), (13, 13)):
        differences = [1.0] * wins + [-1.0] * losses
        p = permutation_test(differences)
        assert p == pytest.approx(sign_test(wins, losses), abs=0.0052)
        assert permutation_test(differences) == p


def test_a_drawn_p_is_never_nothing():
    assert 0 < permutation_test([1.0] * 60) < 0.001


# -- groups -----------------------------------------------------------------------------------


def test_the_last_row_for_a_task_counts():
    rows = [row("one", False), row("two"), row("one", True, note="again")]
    [group] = grouped(rows)
    assert group.rows == (rows[2], rows[1])
    assert group.title == "small edit (hidden tests): agent, Model 1B"


def test_hidden_and_visible_are_never_in_one_group():
    rows = [row("one"), row("two", visible=True), row("three")]
    assert [(g.tests, [r.task for r in g.rows]) for g in grouped(rows)] == [
        ("hidden", ["one", "three"]),
        ("visible", ["two"]),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"arm": "plain"}, {"command": "x {dir}"}, {"tries": 2}, {"seed": 2}, {"version": "2"},
        {"code": "c0d3"}, {"model": "Model 2B"}, {"model_sha256": "beef"},
        {"time_limit_s": 5.0}, {"test_limit_s": 5.0}, {"settings": {"loop.repairs": 0}},
    ],
    ids=lambda changes: ",".join(changes),
)  # fmt: skip
def test_setups_are_never_in_one_group(changes):
    rows = [row("one"), row("one", setup=replace(SETUP, **changes))]
    assert [g.rows for g in grouped(rows)] == [(rows[0],), (rows[1],)]
    with pytest.raises(UsageError, match="the second file holds rows of 2 setups, which differ in"):
        compare(rows[:1], rows)


def test_suites_and_kinds_are_never_in_one_group():
    rows = [row("one"), row("one", suite="edit"), row("one", kind="fix")]
    assert [g.tasks for g in grouped(rows)] == ["small edit", "edit", "small fix"]


def test_settings_are_told_but_for_those_with_a_place_of_their_own():
    settings = {"model.name": "1.5b", "model.prompt_cache_mb": 0, "b.y": 1, "a.x": False}
    [group] = grouped([row(setup=replace(SETUP, settings=settings))])
    assert group.settings == "a.x=False b.y=1"


# -- tables -----------------------------------------------------------------------------------


def test_a_summary_row():
    setup = replace(SETUP, tries=2, settings={"loop.repairs": 0})
    rows = [
        row("one", seconds=10.0, setup=setup),
        row("two", passed_first=False, seconds=20.0, late=True, setup=setup),
        row("three", False, score=0.5, seconds=60.0, interventions=3, setup=setup,
            changed_tests=["test_one.py"], prompt_tokens=10_000),
    ]  # fmt: skip
    [group] = grouped(rows)
    assert dict(zip(COLUMNS, summary_row(group), strict=True)) == {
        "suite": "small edit", "tests": "hidden", "arm": "agent (2 tries)", "model": "Model 1B",
        "settings": "loop.repairs=0", "n": "3", "try 1": "33.3 %", "passed": "66.7 %",
        "95 %": "21-94 %", "score": "83.3 %", "median s": "20.0", "minutes": "1.5",
        "tokens in": "12,000", "tokens out": "300", "late": "1", "asked": "3",
        "tests touched": "1",
    }  # fmt: skip


REPORT = """\
| suite | tests | arm | model | n | try 1 | passed | 95 % | score | median s | minutes | tokens in \
| tokens out | late | asked | tests touched |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| small edit | hidden | agent | Model 1B | 3 | 66.7 % | 66.7 % | 21-94 % | 66.7 % | 12.0 | 1.8 \
| 3,000 | 300 | 0 | 0 | 0 |
| small edit | hidden | a\\|b | Model 1B | 1 | 0.0 % | 0.0 % | 0-79 % | 0.0 % | 6.0 | 0.1 \
| 1,000 | 100 | 0 | 0 | 0 |

Passed by language and level (1 easy, 3 hard):

- small edit (hidden tests): agent, Model 1B: go 0/1, python 2/2, level 1 2/2, level 3 0/1

| passed within | 10 s | 30 s | 60 s | 120 s | 300 s | 600 s | tokens out for each pass |
| --- | --- | --- | --- | --- | --- | --- | --- |
| small edit (hidden tests): agent, Model 1B | 33.3 % | 66.7 % | 66.7 % | 66.7 % | 66.7 % | 66.7 % \
| 150 |
| small edit (hidden tests): a\\|b, Model 1B | 0.0 % | 0.0 % | 0.0 % | 0.0 % | 0.0 % | 0.0 % | - |

Not passed (1 of 3), small edit (hidden tests): agent, Model 1B: three

Not passed (1 of 1), small edit (hidden tests): a|b, Model 1B: one

Measured on:

- A processor, 2 CPUs, 8 GB, no GPU; model.gguf (SHA-256 cafecafecafe); qwenagent 0.1.0 abc123; \
python 3.11.9; seed 1; 600 s a try
"""


def test_a_whole_report():
    rows = [
        row("one", level=1),
        row("two", level=1, seconds=12.0),
        row("three", False, level=3, language="go", seconds=90.0),
        row("one", False, setup=replace(SETUP, arm="a|b")),
    ]
    assert markdown(rows) == REPORT


def test_a_report_of_two_machines_names_both_and_each_once():
    other = replace(MACHINE, processor="Another", memory_bytes=16_400_000_000, gpu="A GPU")
    setup = replace(SETUP, model_file="", commit="", libraries={}, time_limit_s=7.5)
    text = markdown([row("one"), row("two"), row("three", machine=other, setup=setup)])
    assert text.endswith(
        "- A processor, 2 CPUs, 8 GB, no GPU; model.gguf (SHA-256 cafecafecafe); "
        "qwenagent 0.1.0 abc123; python 3.11.9; seed 1; 600 s a try\n"
        "- Another, 2 CPUs, 17 GB, A GPU; qwenagent 0.1.0; seed 1; 7.5 s a try\n"
    )


def plan(name: str, *checks: bool, **others: bool) -> Row:
    named = {f"step {number}": ok for number, ok in enumerate(checks, 1)} | others
    return row(name, all(named.values()), kind="plan", checks=named)


def test_the_first_steps_of_plans():
    rows = [
        plan("a", True, True, False, regression=True),
        plan("b", True, False, True),
        plan("c", False, True),
        plan("d", True, True, regression=False),
        plan("e", True),
    ]
    assert prefixes(rows) == [(1, 3, 5), (2, 1, 4), (3, 0, 2)]
    assert prefixes([]) == []


def test_a_report_over_plans_has_their_first_steps():
    short = replace(SETUP, arm="plain")
    rows = [plan("a", True, True), plan("b", True, False), replace(plan("a", True), setup=short)]
    assert (
        "| first k steps all solved | k = 1 | k = 2 |\n"
        "| --- | --- | --- |\n"
        "| small plan (hidden tests): agent, Model 1B | 100.0 % of 2 | 50.0 % of 2 |\n"
        "| small plan (hidden tests): plain, Model 1B | 100.0 % of 1 |  |\n"
    ) in markdown(rows)
    assert "first k steps" not in markdown([row()])


# -- comparing --------------------------------------------------------------------------------


def sets() -> tuple[list[Row], list[Row]]:
    tasks = ("a", "b", "c", "d", "e", "f", "g")
    before = [row(name, name in "ab", seconds=60.0) for name in tasks]
    after = [
        row(name, name in "acdefg", setup=PLAIN, completion_tokens=2000, score=0.9)
        for name in tasks
    ]
    return before, after


def test_two_sets_are_compared_task_by_task():
    before, after = sets()
    after[6] = replace(after[6], digest="d2")
    after.append(row("new", setup=PLAIN))
    before.append(row("old"))
    found = compare(before, list(reversed(after)))
    assert found == Comparison(
        n=6,
        passed=(2, 5),
        wins=("edit/c", "edit/d", "edit/e", "edit/f"),
        losses=("edit/b",),
        p_passed=0.375,
        scores=found.scores,
        p_scores=found.p_scores,
        seconds=(360.0, 36.0),
        tokens=(600, 12_000),
        left_out={
            "small/edit/new": "only in one of the two",
            "small/edit/old": "only in one of the two",
            "small/edit/g": "the task itself has changed in between",
        },
        same_machine=True,
    )
    assert found.scores == pytest.approx((2 / 6, 0.9))
    differences = [-0.1, -0.1, 0.9, 0.9, 0.9, 0.9]
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=6)
    ]
    assert found.p_scores == pytest.approx(sum(each > 3.4 - 1e-9 for each in sums) / 64)


def test_a_comparison_in_words():
    before, after = sets()
    after[0] = replace(after[0], machine=replace(MACHINE, cores=64))
    text = comparison_text(compare([*before, row("old")], after))
    assert text == (
        "7 tasks in both: 2 -> 6 passed (28.6 % -> 85.7 %); 5 won, 1 lost, exact McNemar p = 0.219"
        "\nscore 28.6 % -> 90.0 %, permutation p = 0.062"
        "\nminutes 7.0 -> 0.7 (not on the same machine)"
        "\ntokens written 700 -> 14,000"
        "\nwon: edit/c, edit/d, edit/e, edit/f, edit/g"
        "\nlost: edit/b"
        "\nleft out: small/edit/old (only in one of the two)"
    )


def test_a_set_and_itself():
    before, _ = sets()
    found = compare(before, before)
    assert (found.wins, found.losses, found.p_passed, found.p_scores) == ((), (), 1.0, 1.0)
    assert "won: none\nlost: none" in comparison_text(found)


def test_several_setups_in_one_file_are_refused_with_what_differs():
    mixed = [row("a"), row("b", setup=replace(SETUP, settings={"loop.repairs": 0}, seed=7))]
    with pytest.raises(UsageError) as told:
        compare(mixed, [row("a")])
    assert told.value.message == (
        "the first file holds rows of 2 setups, which differ in loop.repairs=0 and none; 1 and 7"
    )


def test_hidden_and_visible_are_no_comparison():
    with pytest.raises(UsageError, match=r"hidden in one run and visible .*edit/a, and 1 more"):
        compare([row("a"), row("b")], [row("a", visible=True), row("b", visible=True)])
    with pytest.raises(UsageError, match=r"the first file .* hidden and visible"):
        compare([row("a"), row("b", visible=True)], [row("a")])


def test_kinds_are_compared_each_for_itself():
    fix = row("a", kind="fix", visible=True, passed=True)
    before, after = [row("a", passed=False), fix], [fix, row("a", passed=True)]
    found = compare_kinds(before, [*after, row("z", kind="plan")])
    assert {kind: each.wins for kind, each in found.items()} == {"edit": ("edit/a",), "fix": ()}
    with pytest.raises(UsageError, match="no task in common"):
        compare_kinds([fix], [row("a")])


@pytest.mark.parametrize(
    "other",
    [[], [row("b")], [row("a", suite="other")], [row("a", digest="d2")]],
    ids=["empty", "another task", "another suite", "changed"],
)
def test_nothing_in_common(other):
    with pytest.raises(UsageError, match="no task in common"):
        compare([row("a")], other)
