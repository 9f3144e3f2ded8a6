"""One question after the other to models elsewhere: who is asked on, and who is not any more."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from qwenagent.errors import AnswerMalformed
from qwenagent.escalate import Escalation, Ledger, Material, Subject, rules_of
from qwenagent.escalate.payload import FileText
from qwenagent.protocol.events import (
    ApprovalAnswered,
    ApprovalAsked,
    Escalated,
    EventStream,
    Record,
    Warned,
)
from tests.escalate_servers import ENVIRON, Handler, answering, failing, stalling
from tests.escalate_stage import asked_of, settings_for, table, way
from tests.loop_stage import MODULE, make_repository

SUBJECT = Subject("0badcafe", "tests are red")
MATERIAL = Material("Fix `add`", "make test", "1 failed", (FileText("calc.py", MODULE),))
LISTED = ("calc.py", "private.py")
TOKEN = "ghp_a7Xk29QpLm4ZrT8vWc3NbY6sDf1GhJ5kEu0o"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "a repo", {"calc.py": MODULE, "private.py": "X = 1\n"})


class Way:
    """A way, and what it has told."""

    def __init__(self, root: Path, settings: Any, **own: Any) -> None:
        self.records: list[Record] = []
        self.ledger = Ledger(root.parent / "ledger")
        events = EventStream("run", (self.records.append,))
        self.to: Escalation = way(rules_of(settings), root, events, self.ledger.path, **own)

    def told(self, kind: type = Escalated) -> list[Any]:
        return [r.event for r in self.records if isinstance(r.event, kind)]

    def ask(self, name: str = "one", material: Material = MATERIAL) -> str:
        return self.to.advice(name, SUBJECT, material, LISTED)


@pytest.mark.parametrize(
    ("own", "now", "later"),
    [
        ({"request_tokens": 100}, ("two",), ("one", "two")),  # of this one, for this step
        ({"step_tokens": 4500}, (), ("one", "two")),
        ({"run_tokens": 4500}, (), ()),
        ({"day_dollars": 0.0}, (), ()),
    ],
)
def test_a_cap_ends_as_much_as_it_is_wide(root, own, now, later):
    with asked_of([answering("a")], [answering("a")]) as standins:
        to = Way(root, settings_for(*standins, **own))
        # More than what fits a request is cut; the step and its test never are.
        big = Material("Fix `add` " + "so " * 500, "make test", "1 failed")
        assert to.ask(material=big) == ""
        assert (to.to.willing("0badcafe"), to.to.willing("another")) == (now, later)
        assert standins[0].asked == []
    assert [e.outcome for e in to.told()] == ["capped"]
    assert to.ledger.entries() == []


def test_a_wrong_key_is_not_tried_again_in_the_run_and_a_fault_is(root):
    with asked_of([failing(401)], [failing(500)]) as standins:
        to = Way(root, settings_for(*standins))
        assert (to.ask("one"), to.ask("two")) == ("", "")
        assert (to.to.willing("0badcafe"), to.to.willing("another")) == ((), ("two",))
    assert [(e.outcome, e.micro_dollars) for e in to.told()] == [("failed", 0), ("failed", 0)]
    assert [e.state for e in to.ledger.entries()] == ["released", "released"]


def test_without_a_price_only_tokens_hold_and_nobody_knows_the_cost(root):
    with asked_of([answering("Do this.")]) as standins:
        settings = settings_for(*standins)
        settings.providers["one"].pop("models")
        to = Way(root, settings)
        assert to.ask() == "Do this."
    [event] = to.told()
    assert (event.micro_dollars, event.fresh, event.out) == (None, 20, 7)
    assert [entry.cost_micro for entry in to.ledger.entries()] == [None]


def test_what_was_cut_off_counts_as_the_most_it_can_have_been(root):
    stop = threading.Event()

    def stall(handler: Handler) -> None:
        stop.set()
        stalling("be")(handler)

    with asked_of([stall]) as standins:
        to = Way(root, settings_for(*standins), cancel=stop)
        assert to.ask() == ""
    [entry] = to.ledger.entries()
    [event] = to.told()
    assert (entry.state, entry.outcome, event.outcome) == ("settled", "cancelled", "cancelled")
    assert entry.tokens.out == 4000
    assert not event.exact


def test_secrets_are_back_in_the_answer_and_in_no_event(root):
    def reply(handler: Handler) -> None:
        word = next(
            w for w in handler.body["messages"][0]["content"].split() if w.startswith("REDACTED_")
            and w.endswith("_GITHUB_")
        )  # fmt: skip
        answering(f"Keep {word} as it is.")(handler)

    material = Material(f"Use {TOKEN} here", "make", "red")
    with asked_of([reply]) as standins:
        to = Way(root, settings_for(*standins))
        assert to.ask(material=material) == f"Keep {TOKEN} as it is."
        assert TOKEN not in standins[0].asked[0].raw.decode()
    assert TOKEN not in repr(to.records)


def test_a_placeholder_that_was_changed_makes_the_answer_unusable(root):
    def reply(handler: Handler) -> None:
        text = handler.body["messages"][0]["content"]
        head = text[text.index("REDACTED_", text.index("## Step")) :][:17]
        answering(f"Use {head}_99_GITHUB_ now")(handler)

    with asked_of([reply]) as standins:
        to = Way(root, settings_for(*standins))
        assert to.ask(material=Material(f"Use {TOKEN} here", "make", "red")) == ""
    [event] = to.told()
    assert event.outcome == "unusable"
    assert event.sentence.startswith("the answer changes a placeholder of a secret: REDACTED_")


def test_files_that_stay_are_told_and_not_sent(root):
    private = FileText("private.py", "PRIVATE_RATE = 17\n")
    material = Material("Fix", "make", "E  PRIVATE_RATE = 17", (*MATERIAL.files, private))
    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins, local_only=("private.py",)))
        assert to.to.stays(LISTED) == ("private.py",)
        to.ask(material=material)
        text = standins[0].asked[0].raw.decode()
    assert ("PRIVATE_RATE" in text, "private.py" in text) == (False, False)
    [event] = to.told()
    assert [(item.what, item.how) for item in event.left_out] == [("private.py", "local_only")]


def test_what_does_not_fit_at_all_is_told_and_not_tried_again(root):
    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins, payload_tokens=1000))
        assert to.ask(material=Material("long " * 400, "make", "red")) == ""
        assert (to.to.willing("0badcafe"), standins[0].asked) == ((), [])
    [warned] = to.told(Warned)
    assert warned.message.startswith("the step and what has to go with it are ")


def test_a_missing_key_is_told_with_where_it_is_looked_for(root):
    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins), environ={})
        assert to.ask() == ""
    [event] = to.told()
    assert event.sentence == (
        "there is no key for one (set the environment variable TEST_FRONTIER_KEY)"
    )


def test_an_answer_that_cannot_be_read_leads_to_the_next(root):
    def read(text: str) -> str:
        if text != "good":
            raise AnswerMalformed("not good")
        return text

    with asked_of([answering("bad")], [answering("good")]) as standins:
        to = Way(root, settings_for(*standins))
        subject = Subject("", "plan --frontier")
        assert to.to.text("plan", subject, Material("Do it", "", ""), (), read) == "good"
    assert [e.outcome for e in to.told()] == ["unusable", "answered"]


def test_a_ledger_that_cannot_be_used_sends_nothing(root, tmp_path):
    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins))
        to.ledger.path.write_bytes(b"no database " * 100)
        assert to.ask() == ""
        assert (to.to.willing("another"), standins[0].asked) == ((), [])
    assert "cannot be used" in to.told(Warned)[0].message


def test_keys_are_looked_for_wherever_they_stand(root):
    key = ENVIRON["TEST_FRONTIER_KEY"]
    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins))
        to.ask(material=Material(f"It says {key}", "make", "red"))
        assert key not in standins[0].asked[0].raw.decode()
    assert table(standins[0])["key_variable"] == "TEST_FRONTIER_KEY"


def test_a_question_that_is_broken_off_costs_nothing(root):
    class Interrupted:
        def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
            raise KeyboardInterrupt

    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins, policy="ask"), approver=Interrupted())
        with pytest.raises(KeyboardInterrupt):
            to.ask()
        assert standins[0].asked == []
    assert [(e.state, e.outcome) for e in to.ledger.entries()] == [("released", "interrupted")]


def test_the_reason_is_kept_without_secrets(root):
    with asked_of([answering("ok")]) as standins:
        to = Way(root, settings_for(*standins))
        subject = Subject("0badcafe", f"red: assert login('{TOKEN}')")
        assert to.to.advice("one", subject, MATERIAL, LISTED) == "ok"
    [entry] = to.ledger.entries()
    assert entry.errand.reason.startswith("red: assert login('REDACTED_")
    assert TOKEN not in repr(to.records)
