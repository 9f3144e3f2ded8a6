"""The sample project: its plan, its red tests, and that it can be solved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, compare, parse_command
from qwenagent.demo import SAMPLE, copy_sample
from qwenagent.errors import UsageError
from qwenagent.plan import Plan, Step, read_plan
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Repository

# What a good programmer would do for each step: (file, old, new).
ORACLE = {
    1: [("parcel/rates.py", "if weight_kg < heaviest:", "if weight_kg <= heaviest:")],
    2: [
        (
            "parcel/orders.py",
            "in self.parcels)\n",
            "in self.parcels)\n\n"
            "    def discounted_total(self, percent):\n"
            "        if not 0 <= percent <= 100:\n"
            '            raise ValueError(f"percent out of range: {percent}")\n'
            "        return self.total() * (100 - percent) // 100\n",
        )
    ],
    3: [
        (
            "parcel/receipts.py",
            "def receipt_line",
            "def format_money(cents):\n"
            '    return f"{cents // 100}.{cents % 100:02d} EUR"\n\n\n'
            "def receipt_line",
        ),
        ("parcel/receipts.py", "    euros = cents // 100\n    rest = cents % 100\n", ""),
        ("parcel/receipts.py", "{euros}.{rest:02d} EUR", "{format_money(cents)}"),
    ],
}


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    folder = tmp_path / "my sample"
    copy_sample(folder)
    return folder


def plan_of(folder: Path) -> Plan:
    return read_plan(folder / "plan.md")


def run(folder: Path, step: Step) -> TestRun:
    assert step.test is not None
    runner = TestRunner(folder, os.environ)
    return runner.run(parse_command(step.test, "step"), timeout_s=60)


def solve(folder: Path, number: int) -> None:
    for name, old, new in ORACLE[number]:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_plan_is_understood_without_a_warning():
    plan = plan_of(SAMPLE)
    assert plan.warnings == ()
    assert [(step.number, step.checked) for step in plan.steps] == [
        (1, False),
        (2, False),
        (3, False),
    ]
    assert [step.mentions[:1] for step in plan.steps] == [
        ("parcel/rates.py",), ("parcel/orders.py",), ("parcel/receipts.py",),
    ]  # fmt: skip
    names = ("rates", "orders", "receipts")
    assert [s.test for s in plan.steps] == [f"python3 -m unittest -v tests.test_{n}" for n in names]


def test_the_plan_gives_nothing_away():
    plan = (SAMPLE / "plan.md").read_text(encoding="utf-8")
    assert "```" not in plan
    for line in (
        new for edits in ORACLE.values() for _, _, text in edits for new in text.split("\n")
    ):
        assert not line.strip() or line.strip() not in plan


def test_the_oracle_turns_every_step_green_in_order(sample):
    steps = plan_of(sample).steps
    before = [run(sample, step) for step in steps]
    assert [(r.green, r.n_passed > 0, r.n_failed > 0) for r in before] == [(False, True, True)] * 3
    for step, red in zip(steps, before, strict=True):
        solve(sample, step.number)
        now = run(sample, step)
        assert now.green, now.output
        verdict = compare(red, now)
        assert verdict.evidence
        assert verdict.newly_failed == ()
    assert all(run(sample, step).green for step in steps)


def test_what_is_red_at_the_start_is_what_the_steps_are_about(sample):
    red = [
        sorted(
            test.rpartition(".")[2]
            for test, s in run(sample, step).statuses.items()
            if s == "failed"
        )
        for step in plan_of(sample).steps
    ]
    assert red == [
        ["test_exactly_the_heaviest_weight_of_a_band"],
        [
            "test_nothing_off", "test_percent_off_the_total", "test_percent_out_of_range",
            "test_rounds_down_to_whole_cents",
        ],
        ["test_both_functions_use_it", "test_two_digits"],
    ]  # fmt: skip


def test_the_copy_is_a_clean_repository_with_one_commit(sample):
    repository = Repository.open(sample)
    repository.require_clean()
    assert len(repository.head()) == 40
    assert repository.branch() == "main"
    assert "plan.md" in repository.files()


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(UsageError, match="is not empty"):
            copy_sample(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be"):
        copy_sample(tmp_path / "file" / "below")
