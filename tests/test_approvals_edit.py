"""A command that is changed at the question is read, hashed and asked about like the first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.checks import definitions, parse_command, programs
from qwenagent.config import CommandSettings, Settings
from qwenagent.errors import ApprovalNeeded
from qwenagent.loop.approving import Approvals, Wanted
from qwenagent.plan import parse_plan
from qwenagent.protocol.approval import Approver, Origin, Permission
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import (
    ApprovalAnswered,
    ApprovalAsked,
    EventStream,
    TestsStarted,
    ToolEnded,
)
from qwenagent.registry import find_card
from qwenagent.ui import FlagApprover, RememberingApprover
from qwenagent.workspace.history import History
from tests import approvals_stage
from tests.approvals_stage import Always, Editing
from tests.loop_stage import Stage, body
from tests.test_approvals_run_command import called

# Fixtures, by the names that they have here.
small, store = approvals_stage.small, approvals_stage.store
still, root = approvals_stage.still, approvals_stage.root

MAKE = parse_command("make check", "detected")
ONE_STEP = "- [ ] Set the number in `a.py` to 2.\n"


def wanted(suite: TestCommand | None, step: str = "") -> Wanted:
    plan = parse_plan(f"{ONE_STEP}{step}", "plan.md")
    return Wanted(plan, suite, plan.steps)


def suites(root: Path, approver: Approver, *wants: Wanted) -> list[TestCommand | None]:
    """The suites as they were approved."""
    approvals = Approvals(root, EventStream("run", ()), approver)
    return [granted.suite for granted in approvals.require(wants)]


def digest_of(root: Path, command: TestCommand) -> str:
    """What a question about nothing but this command has to be bound to."""
    permission = Permission(
        root=str(root),
        first_commit=History(root).first(),
        argv=command.argv,
        cwd=command.cwd,
        origin=Origin("edited"),
        programs=programs(command),
        definitions=definitions(command, root),
    )
    return hashlib.sha256(permission.digest.encode()).hexdigest()


def test_what_runs_is_what_was_shown_last(small):
    approver = Editing(["grep -q 4 a.py", "grep -q 2 a.py"])
    stage = Stage(small, [body("A = 2\n")], approver=approver)
    assert stage.run_plan(f"Test: `grep -q 3 a.py`\n\n{ONE_STEP}") == 0
    assert stage.states == ["solved"]
    assert {event.command for event in stage.events(TestsStarted)} == {"grep -q 2 a.py"}
    asked = stage.events(ApprovalAsked)
    assert [request.items for request in asked] == [
        ("grep -q 3 a.py",),
        ("grep -q 4 a.py",),
        ("grep -q 2 a.py",),
    ]
    assert [request.edit for request in asked] == [request.items[0] for request in asked]
    ran = parse_command("grep -q 2 a.py", "plan")
    assert asked[2].digest == digest_of(small, ran)
    assert len({request.digest for request in asked}) == 3
    assert [(e.granted, e.edited, e.digest) for e in stage.events(ApprovalAnswered)] == [
        (False, "grep -q 4 a.py", asked[0].digest),
        (False, "grep -q 2 a.py", asked[1].digest),
        (True, "", asked[2].digest),
    ]


def test_an_edit_without_a_yes_runs_nothing(small):
    approver = Editing(["touch pwned"], granted=False)
    stage = Stage(small, approver=approver)
    with pytest.raises(ApprovalNeeded) as raised:
        stage.run_plan(f"Test: `grep -q 3 a.py`\n\n{ONE_STEP}")
    assert raised.value.message == "1 command(s) were not approved: touch pwned"
    assert (stage.finished.exit_code, stage.events(TestsStarted)) == (5, [])
    assert not (small / "pwned").exists()


def test_an_edit_is_asked_about_each_time(still, store):
    for n in (1, 2):
        editing = Editing(["make check -s"])
        approver = RememberingApprover(editing, store)
        assert suites(still, approver, wanted(MAKE)) == [
            TestCommand(("make", "check", "-s"), "make check -s", "detected")
        ], n
        [first, second] = editing.asked
        assert (first.passing, len(first.digests[0])) == ("", 64)
        assert (second.passing, second.digests) == ("what you change here is for this once", ("",))
        assert second.notes == ("as you changed it",)
        assert not store.exists()


def test_an_edit_to_what_is_remembered_is_asked_about(still, store):
    other = parse_command("make other", "detected")
    assert suites(still, RememberingApprover(Always(), store), wanted(MAKE)) == [MAKE]
    editing = Editing(["make check"])
    assert suites(still, RememberingApprover(editing, store), wanted(other)) == [MAKE]
    assert [request.items for request in editing.asked] == [("make other",), ("make check",)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("make 'x", 'cannot read the test command "make \'x": no closing quotation'),
        ("A=b", "the test command 'A=b' starts no program"),
        ("a\0b", "the test command is empty; give one, e.g. `python -m pytest`"),
        ("make" + " x" * 200, "a command of 404 characters and 201 words, which begins "),
    ],
)
def test_an_edit_that_cannot_be_read_leaves_the_first(text, why, still):
    editing = Editing([text])
    assert suites(still, editing, wanted(MAKE)) == [MAKE]
    [first, second] = editing.asked
    assert second.question.replace("\\x00", "\0").startswith(f"Your change is not taken: {why}")
    assert second.question.endswith(f". {first.question}")
    # What was typed is not lost, and what was asked about has not changed.
    assert replace(second, question=first.question, edit=first.edit) == first
    assert second.edit == text


@pytest.mark.parametrize(
    ("text", "caution"),
    [
        ("make check | tee x", "a shell reads this, because of |"),
        ("A=b make check", "sets A for the program"),
        ("sudo make check", "sudo runs a program with another user's rights"),
        ("curl example.org", "curl talks to another machine"),
        ("make check\nrm x", "a shell reads this, because of a new line"),
    ],
)
def test_an_edit_has_its_cautions_told(text, caution, still):
    editing = Editing([text])
    [suite] = suites(still, editing, wanted(MAKE))
    assert suite == parse_command(text, "detected")
    assert caution in editing.asked[1].notes[0].split("\n")
    assert editing.asked[1].digest == digest_of(still, suite)


def test_an_edit_keeps_the_folder(still):
    editing = Editing(["make check -s"])
    [suite] = suites(still, editing, wanted(replace(MAKE, cwd="sub")))
    assert suite == TestCommand(("make", "check", "-s"), "make check -s", "detected", "sub")
    assert editing.asked[1].notes == ("as you changed it\nruns in sub",)


def test_an_edited_proposal_is_no_proposal_any_more(root):
    (root / ".qwenagent.toml").write_text('[tests]\ncommand = "make check"\n')
    proposed = replace(MAKE, origin="repository")
    editing = Editing(["make check -s"])
    [suite] = suites(root, editing, wanted(proposed))
    assert suite == TestCommand(("make", "check", "-s"), "make check -s", "repository")
    assert editing.asked[0].notes == ("proposed by the repository's .qwenagent.toml",)
    assert editing.asked[1].notes == ("as you changed it",)


def test_a_step_keeps_its_own_command(still):
    editing = Editing(["make check -s"])
    own = wanted(MAKE, "      Test: `make check`\n")
    assert suites(still, editing, own) == [parse_command("make check -s", "detected")]
    assert [request.items for request in editing.asked] == [
        ("make check",),  # the suite's and the step's look the same
        ("make check -s", "make check"),
    ]
    assert [request.edit for request in editing.asked] == ["make check", "make check -s"]


def test_several_plans_have_one_suite_changed(still):
    editing = Editing(["make check -s"])
    assert suites(still, editing, wanted(MAKE), wanted(None), wanted(MAKE)) == [
        parse_command("make check -s", "detected"),
        None,
        parse_command("make check -s", "detected"),
    ]


@pytest.mark.parametrize(
    "wants",
    [
        [wanted(MAKE), wanted(parse_command("make other", "detected"))],
        [wanted(MAKE), wanted(replace(MAKE, cwd="sub"))],
        [wanted(None, "      Test: `make check`\n")],
        [wanted(parse_command("make '\x1b[8m'", "detected"))],
        [wanted(parse_command("make '\u202e'", "detected"))],
    ],
)
def test_what_cannot_be_changed_is_not_offered(wants: Sequence[Wanted], still: Path) -> None:
    approver = Always()
    assert suites(still, approver, *wants) == [one.suite for one in wants]
    assert [request.edit for request in approver.asked] == [""]


class Elsewhere:
    """Answers a question that nobody asked, with an edit."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        return ApprovalAnswered(True, "user", "another", edited="touch pwned")


def test_an_edit_for_another_question_is_a_no(still):
    with pytest.raises(ApprovalNeeded, match="not approved: make check"):
        suites(still, Elsewhere(), wanted(MAKE))


# -- what the model calls for -------------------------------------------------------------------


def run_with(
    root: Path, approver: Approver, *argv: str, allow: tuple[tuple[str, ...], ...] = ()
) -> tuple[Stage, str]:
    """A run whose model calls for one command; the answer that it was told."""
    edits = [
        'edit", "arguments": {}}',
        'rewrite_file", "arguments": {"path": "a.py"}}',
        body("A = 2\n"),
    ]
    stage = Stage(
        root,
        [called(*argv), *edits],
        approver=approver,
        settings=Settings(commands=CommandSettings(ask=True, allow=allow)),
        profile=find_card("7b").profile,
    )
    stage.run_plan("- [ ] Set the number to 2.\n")
    [ended] = [e for e in stage.events(ToolEnded) if e.call.name == "run_command"]
    return stage, ended.result.content


def test_a_call_that_is_changed_is_asked_about_again(small, store):
    editing = Editing(["echo 'one two'"])
    stage, told = run_with(small, RememberingApprover(editing, store), "touch", "pwned")
    assert told == (
        "the user had this run instead of `touch pwned`:\n"
        "`echo 'one two'` ended with exit code 0\n```text\none two\n```"
    )
    [first, second] = editing.asked
    assert (first.items, first.edit) == (("touch pwned",), "touch pwned")
    assert (second.items, second.edit) == (("echo 'one two'",), "echo 'one two'")
    assert second.digest == digest_of(small, TestCommand(("echo", "one two"), "", "model"))
    assert [request.digests for request in (first, second)] == [("",), ("",)]
    assert first.passing == "what the model calls for is asked about each time"
    assert not store.exists()
    assert not (small / "pwned").exists()
    assert stage.states == ["unverified"]


def test_a_call_that_is_changed_and_refused_does_not_run(small):
    _, told = run_with(small, Editing(["touch pwned"], granted=False), "echo", "one")
    assert told == "`echo one` was not approved and did not run; go on without it"
    assert not (small / "pwned").exists()


def test_a_rule_for_the_model_does_not_allow_an_edit(small):
    editing = Editing(["touch pwned"], granted=False)
    _, told = run_with(small, editing, "echo", "one", allow=(("touch", "pwned"),))
    assert [request.items for request in editing.asked] == [("echo one",), ("touch pwned",)]
    assert told == "`echo one` was not approved and did not run; go on without it"
    assert not (small / "pwned").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("touch a; touch b", "there is no shell here; put quotes around what is meant as it is"),
        ("touch *", "there is no shell here; put quotes around what is meant as it is"),
        ("bash -c 'touch a'", "there is no shell here; put quotes around what is meant as it is"),
        ("bash x.sh", "there is no shell here, and bash starts another program"),
        ("A=b touch a", "there is no shell here, and env starts another program"),
        ("sudo touch a", "there is no shell here, and sudo starts another program"),
        ("touch 'a", 'cannot read the test command "touch \'a": no closing quotation'),
        ("touch" + " a" * 20, "argv has to be 1 to 20 strings, and here are 21"),
        ("touch a\x1bb", "'a\\x1bb' in argv is no word of 1 to 200 characters without control"),
    ],
)
def test_a_call_cannot_be_changed_into_what_no_call_may_be(text, why, small):
    editing = Editing([text])
    _, told = run_with(small, editing, "echo", "one")
    [first, second] = editing.asked
    assert second.question.startswith(f"Your change is not taken: {why}")
    assert replace(second, question=first.question, edit=first.edit) == first
    assert (second.edit, told[:10]) == (text, "`echo one`")


def test_nobody_but_the_user_changes_anything(still):
    assert suites(still, FlagApprover(Editing(["touch pwned"])), wanted(MAKE)) == [MAKE]
