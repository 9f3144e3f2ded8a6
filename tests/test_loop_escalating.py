"""Whole runs that ask a model elsewhere: when, for what, and what becomes of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qwenagent.escalate import Ledger, dollars
from qwenagent.loop import escalating
from qwenagent.protocol.events import ApprovalAsked, CheckpointMade, Escalated, Warned
from tests.escalate_servers import Reply, answering, failing
from tests.escalate_stage import COST, asked_of, for_stage, settings_for
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, TEST, Stage, Yes, body, make_repository

PLAN = f"1. Fix `add` in `calc.py`.\n   Files: `calc.py`\n   Test: `{COMMAND}`\n"
THOUGHT = "The sign is wrong."
WORSE = MODULE.replace("a - b", "a - b - 1")
OTHER = MODULE.replace("a - b", "a - 2 * b")
WRONG = [body(BROKEN), THOUGHT, body(WORSE), THOUGHT, body(OTHER)]
"""All local attempts."""
ADVICE = "`add` has to return the sum: `return a + b`."
PATCH = """calc.py
<<<<<<< SEARCH
    return a - b
=======
    return a + b
>>>>>>> REPLACE
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "a repo", {"calc.py": MODULE, "test_calc.py": TEST})


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite3"


def run(
    root: Path,
    books: Path,
    local: list[Any],
    *replies: list[Reply],
    plan: str = PLAN,
    approver: Yes | None = None,
    can_ask: bool = True,
    **own: Any,
) -> tuple[Stage, list[list[dict[str, Any]]]]:
    """Run a plan; return the stage, and the bodies of all requests by provider."""
    with asked_of(*replies) as standins:
        made = for_stage(books, settings_for(*standins, **own), can_ask=can_ask)
        stage = Stage(root, local, approver=approver or Yes(), frontier=made)
        stage.run_plan(plan)
        return stage, [[asked.body for asked in standin.asked] for standin in standins]


def told(stage: Stage) -> list[tuple[str, str, str]]:
    return [(e.provider, e.kind, e.outcome) for e in stage.events(Escalated)]


def test_nobody_is_asked_where_the_local_model_does_it(root, books):
    stage, asked = run(root, books, [body(FIXED)], [answering(ADVICE)])
    assert (stage.states, asked) == (["solved"], [[]])
    assert not books.exists()


def test_advice_becomes_part_of_one_more_prompt(root, books):
    stage, [asked] = run(root, books, [*WRONG, body(FIXED)], [answering(ADVICE)])
    assert stage.states == ["solved"]
    [event] = stage.events(Escalated)
    assert (event.kind, event.outcome, event.text) == ("advice", "answered", ADVICE)
    assert event.reason.startswith("the step's tests are red")
    [sent] = asked
    text = sent["messages"][0]["content"]
    for part in ("Fix `add`", COMMAND, "return a - b", "## Tried without success", "`calc.py`"):
        assert part in text
    prompt = stage.engine.prompts[-1].messages[-1].text
    assert ADVICE in prompt
    assert not any(ADVICE in p.messages[-1].text for p in stage.engine.prompts[:-1])
    assert (root / "calc.py").read_text() == FIXED


def test_the_ledger_adds_up_to_what_the_server_says(root, books):
    stage, _ = run(root, books, [*WRONG, body(WORSE)], [answering(ADVICE), answering(PATCH)])
    entries = Ledger(books).entries()
    assert [(e.errand.kind, e.state, e.outcome) for e in entries] == [
        ("advice", "settled", "answered"),
        ("patch", "settled", "answered"),
    ]
    assert {(e.cost_micro, e.tokens.fresh, e.tokens.cached, e.tokens.out) for e in entries} == {
        (COST, 20, 5, 7)
    }
    assert {e.errand.step for e in entries} == {e.step_key for e in stage.events(Escalated)}
    assert [e.micro_dollars for e in stage.events(Escalated)] == [COST, COST]
    assert [e.request for e in stage.events(Escalated)] == [e.id for e in entries]


def test_a_patch_that_turns_the_tests_green_ends_the_step(root, books):
    stage, _ = run(root, books, [*WRONG, body(WORSE)], [answering(ADVICE), answering(PATCH)])
    assert stage.states == ["solved"]
    assert told(stage) == [("one", "advice", "answered"), ("one", "patch", "answered")]
    assert (root / "calc.py").read_text() == FIXED
    assert stage.finished.exit_code == 0


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        (PATCH.replace("a + b", "a * b"), ""),
        (PATCH.replace("return a - b", "return b - a"), "the patch is not taken"),
        (PATCH.replace("calc.py", "other.py"), "not among the files of the step"),
        ("test_calc.py\n```\nimport unittest\n```\n", "not among the files of the step"),
        (
            "calc.py\n```\nclass Calc:\n    def add(a, b):\n        return a + b\n```\n",
            "would lose add",
        ),
    ],
    ids=["red", "no such lines", "another file", "the tests", "loses code"],
)
def test_a_patch_that_does_not_help_is_taken_back(root, books, patch, why):
    stage, _ = run(root, books, [*WRONG, body(WORSE)], [answering(ADVICE), answering(patch)])
    assert stage.states == ["blocked"]
    assert (root / "calc.py").read_text() == MODULE
    assert (root / "test_calc.py").read_text() == TEST
    assert stage.git("status", "--porcelain") == ""
    messages = [e.message for e in stage.events(CheckpointMade)]
    assert any(why in m for m in messages)


def test_what_is_no_patch_is_told_and_paid(root, books):
    stage, _ = run(root, books, [*WRONG, body(WORSE)], [answering(ADVICE), answering("Sorry.")])
    assert told(stage)[1] == ("one", "patch", "unusable")
    assert stage.events(Escalated)[1].sentence.startswith("line 1 of the patch: ")
    assert [e.state for e in Ledger(books).entries()] == ["settled", "settled"]
    assert stage.states == ["blocked"]


def test_the_next_provider_is_asked_after_the_first(root, books):
    local = [*WRONG, body(WORSE), body(OTHER.replace("2", "3"))]
    replies = ([answering(ADVICE), answering("no")], [answering(ADVICE), answering(PATCH)])
    stage, _ = run(root, books, local, *replies)
    assert told(stage) == [
        ("one", "advice", "answered"),
        ("one", "patch", "unusable"),
        ("two", "advice", "answered"),
        ("two", "patch", "answered"),
    ]
    assert stage.states == ["solved"]


def test_one_that_fails_is_left_out_and_the_next_is_asked(root, books):
    replies = ([failing(401)], [answering(PATCH)])
    stage, [one, _] = run(root, books, [*WRONG, body(FIXED)], *replies)
    assert told(stage) == [("one", "advice", "failed"), ("two", "advice", "answered")]
    assert len(one) == 1
    assert [e.state for e in Ledger(books).entries()] == ["released", "settled"]


# -- caps and consent ---------------------------------------------------------------------------


def test_a_cap_ends_it_with_a_sentence(root, books):
    stage, [asked] = run(root, books, WRONG, [answering(ADVICE)], step_tokens=3000)
    assert asked == []
    [event] = stage.events(Escalated)
    assert event.outcome == "capped"
    assert event.sentence.startswith(
        "the cap of 3,000 tokens for a step is reached: 0 tokens spent"
    )
    assert stage.states == ["blocked"]
    assert stage.finished.exit_code == 1


def test_asking_shows_all_that_goes(root, books):
    yes = Yes()
    _, [asked] = run(
        root, books, [*WRONG, body(FIXED)], [answering(ADVICE)], policy="ask", approver=yes
    )
    [question] = [q for q in yes.asked if q.kind == "escalation"]
    assert question.items == (asked[0]["messages"][0]["content"],)
    assert [message["content"] for message in asked[0]["messages"]] == list(question.items)
    notes = "\n".join(question.notes)
    most = Ledger(books).entries()[0].most.micro
    assert most is not None
    assert f"at most {dollars(most)}" in notes
    assert "left of the caps after it: step $" in notes
    assert question.digests == ("",)


def test_no_is_asked_once_and_nothing_goes(root, books):
    yes = Saying(granted_for=("commands",))
    stage, [asked] = run(root, books, WRONG, [answering(ADVICE)], policy="ask", approver=yes)
    assert asked == []
    assert told(stage) == [("one", "advice", "declined")]
    assert [e.state for e in Ledger(books).entries()] == ["released"]
    assert stage.states == ["blocked"]


def test_without_a_terminal_nothing_goes(root, books):
    stage, [asked] = run(root, books, WRONG, [answering(ADVICE)], policy="ask", can_ask=False)
    assert asked == []
    assert [w.message for w in stage.events(Warned)] == [
        "there is no terminal to ask on, so nothing is sent to another model"
    ]
    assert all(question.kind == "commands" for question in stage.events(ApprovalAsked))


# -- before anything is tried -------------------------------------------------------------------


def test_up_front_advice_is_in_every_prompt(root, books):
    stage, [asked] = run(root, books, [body(FIXED)], [answering(ADVICE)], up_front="advice")
    assert stage.states == ["solved"]
    assert len(asked) == 1
    assert all(ADVICE in prompt.messages[-1].text for prompt in stage.engine.prompts)
    assert stage.events(Escalated)[0].reason == "asked for up front, before the step is tried here"


def test_up_front_patch_can_spare_the_local_model(root, books):
    stage, _ = run(root, books, [], [answering(PATCH)], up_front="patch")
    assert stage.states == ["solved"]
    assert stage.engine.prompts == []


def test_a_no_up_front_holds_for_all_providers(root, books):
    no = Saying(("commands",))
    both = [answering(ADVICE)], [answering(ADVICE)]
    stage, asked = run(
        root, books, [body(FIXED)], *both, policy="ask", up_front="advice", approver=no
    )
    assert [question.kind for question in no.asked] == ["commands", "escalation"]
    assert (asked, told(stage)) == ([[], []], [("one", "advice", "declined")])


def test_a_plan_that_stays_at_home_is_not_sent(root, books):
    (root / "plan.md").write_text(PLAN, encoding="utf-8")
    stage, [asked] = run(
        root,
        books,
        [body(FIXED)],
        [answering(ADVICE)],
        up_front="advice",
        local_only=("plan.md",),
    )
    assert (asked, stage.states) == ([], ["solved"])
    assert "the step is in a file that stays here (local_only): nothing of it is sent" in [
        warned.message for warned in stage.events(Warned)
    ]


def test_too_much_at_home_keeps_what_tests_print_here(root, books, monkeypatch):
    monkeypatch.setattr(escalating, "_MAX_HOME_CHARS", 10)
    (root / "rates.py").write_text("RATES = [17, 23]\n", encoding="utf-8")
    own: dict[str, Any] = {"up_front": "advice", "local_only": ("rates.py",)}
    _, [[asked]] = run(root, books, [body(FIXED)], [answering(ADVICE)], **own)
    sent = asked["messages"][0]["content"]
    assert "(what it prints stays here: it cannot be told from files that do)" in sent
    assert "FAIL: test_add" not in sent


def test_a_plan_may_wish_and_needs_a_yes_even_under_auto(root, books):
    yes = Yes()
    plan = PLAN + "   Escalate: advice\n"
    stage, [asked] = run(root, books, [body(FIXED)], [answering(ADVICE)], plan=plan, approver=yes)
    assert len(asked) == 1
    assert [q.kind for q in yes.asked] == ["commands", "escalation"]
    assert stage.events(Escalated)[0].reason.startswith("the plan asks for it")


def test_a_wish_of_a_plan_is_not_granted_by_nobody(root, books):
    plan = PLAN + "   Escalate: patch\n"
    stage, [asked] = run(root, books, [body(FIXED)], [answering(PATCH)], plan=plan, can_ask=False)
    assert asked == []
    assert stage.states == ["solved"]


class Saying(Yes):
    """Says yes to some kinds of questions."""

    def __init__(self, granted_for: tuple[str, ...]) -> None:
        super().__init__()
        self.granted_for = granted_for

    def ask(self, request: ApprovalAsked) -> Any:
        self.granted = request.kind in self.granted_for
        return super().ask(request)
