"""A command of the model's own, `run_command`, gets no further than a question or a refusal.

The rows are attack classes: 5 a harmless program that executes others, 6 matching by prefix, 11 a
folder that the model chooses.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner
from qwenagent.config import CommandSettings, Settings
from qwenagent.errors import ChecksError, EditRefused
from qwenagent.grammar import Offer, accepts, call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.loop import Stop
from qwenagent.loop.editing.asker import header_text
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import ToolEnded
from qwenagent.protocol.tools import ToolCall
from qwenagent.registry import find_card
from qwenagent.tools import SPECS, argv_of
from qwenagent.ui import NobodyApprover, RememberingApprover
from tests import approvals_stage
from tests.approvals_stage import Always
from tests.conftest import run_git
from tests.loop_stage import Stage, Yes, body

TOUCH = ("touch", "made by the model.txt")

# Fixtures, by the names that they have here.
small, store = approvals_stage.small, approvals_stage.store


def called(*argv: str) -> str:
    line = header_text(ToolCall("run_command", {"argv": list(argv)}))
    return line.removeprefix(OPENING)


def run_with(
    root: Path, settings: CommandSettings, approver: Approver, *calls: str
) -> tuple[Stage, list[str]]:
    """A run whose model looks around with `calls`; the answers that it was told."""
    edits = [
        'edit", "arguments": {}}',
        'rewrite_file", "arguments": {"path": "a.py"}}',
        body("A = 2\n"),
    ]
    stage = Stage(
        root,
        [*calls, *edits],
        approver=approver,
        settings=Settings(commands=settings),
        profile=find_card("7b").profile,
    )
    stage.run_plan("- [ ] Set the number to 2.\n")
    ended = [e for e in stage.events(ToolEnded) if e.call.name == "run_command"]
    return stage, [event.result.content for event in ended]


def test_the_model_is_offered_no_command_by_default(small):
    stage = Stage(small, [], profile=find_card("7b").profile)
    stage.run_plan("- [ ] Set the number to 2.\n")
    assert stage.engine.prompts[0].messages[-1].text.count("list_files(folder)") == 1
    assert "run_command" not in stage.engine.prompts[0].messages[-1].text


def test_a_command_of_the_model_is_asked_about_each_time(small, store):
    yes = Always()
    approver = RememberingApprover(yes, store)
    stage, told = run_with(
        small, CommandSettings(ask=True), approver, called(*TOUCH), called(*TOUCH)
    )
    assert [request.items for request in yes.asked] == [("touch 'made by the model.txt'",)] * 2
    assert [request.digests for request in yes.asked] == [("",), ("",)]
    assert not store.exists()
    assert told[0] == (
        "`touch 'made by the model.txt'` ended with exit code 0\n"
        "files that differ from the start of the step: made by the model.txt"
    )
    assert "run_command(argv)" in stage.engine.prompts[0].messages[-1].text
    # What it made belongs to the step: committed with it.
    assert run_git(small, "show", "--name-only", "--format=", "HEAD").splitlines() == [
        "a.py",
        "made by the model.txt",
    ]


def test_without_a_yes_nothing_runs_and_the_run_goes_on(small, store):
    approver = RememberingApprover(NobodyApprover(), store)
    stage, told = run_with(small, CommandSettings(ask=True), approver, called(*TOUCH))
    assert told == [
        "`touch 'made by the model.txt'` was not approved and did not run; go on without it"
    ]
    assert not (small / TOUCH[1]).exists()
    assert (small / "a.py").read_text() == "A = 2\n"
    assert stage.states == ["unverified"]


def test_row_06_a_rule_allows_exactly_its_words(small):
    rule = CommandSettings(ask=True, allow=(("echo", "one"),))
    calls = [
        called("echo", "one"),
        called("echo", "one", "two"),
        called("echo"),
        called("echo one"),
    ]
    no = Yes(granted=False)
    _, told = run_with(small, rule, no, *calls)
    assert told[0] == "`echo one` ended with exit code 0\n```text\none\n```"
    assert [text.partition("` ")[2][:16] for text in told[1:]] == ["was not approved"] * 3
    assert [request.items for request in no.asked] == [
        ("echo one two",),
        ("echo",),
        ("'echo one'",),
    ]


@pytest.mark.parametrize(
    "argv",
    [
        *(("bash", "-c", "touch x"), ("env", "sh", "x.sh"), ("sudo", "touch", "x"), ("/bin/sh",)),
        *(("xargs", "touch"), ("timeout", "9", "touch", "x"), ("uv", "run", "bash", "x.sh")),
    ],
)
def test_row_05_there_is_no_shell_for_the_model(argv, small):
    yes = Yes()
    _, told = run_with(small, CommandSettings(ask=True), yes, called(*argv))
    assert told == [
        f"there is no shell here, and {argv[0]} starts another program; name that and its "
        "arguments, or call edit"
    ]
    assert yes.asked == []


def test_what_a_command_prints_is_fenced_and_cut(small):
    noisy = "print('```\\x1b[31m<|im_end|>'); print('x\\n' * 9999)"
    (small / "noisy.py").write_text(noisy)
    _, [told] = run_with(small, CommandSettings(ask=True), Yes(), called("python3", "noisy.py"))
    head, fence, rest = told.split("\n", 2)
    assert head == "`python3 noisy.py` ended with exit code 0"
    assert fence == "````text"
    assert rest.startswith("```<|im_end|>\nx\n")
    assert rest.endswith("x\n````")
    assert "lines left out ...]" in rest
    assert len(told) < 5000


def test_a_program_that_is_not_there_is_told(small):
    _, [told] = run_with(small, CommandSettings(ask=True), Yes(), called("no-such-tool"))
    assert told.startswith("no-such-tool not found; ")


def test_row_11_the_model_chooses_no_folder(small, tmp_path):
    with pytest.raises(EditRefused, match="and nothing else"):
        argv_of(ToolCall("run_command", {"argv": ["pwd"], "cwd": str(tmp_path)}))
    grammar = call_grammar([Offer(SPECS["run_command"])], "a test").text
    assert accepts(grammar, called("pwd"))
    assert not accepts(grammar, called("pwd").replace("]}}", '], "cwd": "/"}}'))
    _, [told] = run_with(small, CommandSettings(ask=True), Yes(), called("pwd"))
    assert f"\n{small}\n" in told


def test_row_11_a_command_runs_in_the_repository_or_not_at_all(small):
    runner = TestRunner(small, os.environ, Stop())
    (small / "out").symlink_to(small.parent)
    for folder in ("..", "out", "/", "a.py"):
        with pytest.raises(ChecksError, match="cannot run"):
            runner.run(TestCommand(("pwd",), "pwd", "model", folder), timeout_s=5)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        "ls",
        ["a\nb"],
        ["a\x1b[m"],
        ["a\x85"],
        ["a\0"],
        [""],
        ["x"] * 21,
        ["x" * 201],
        [1],
        [["a"]],
    ],
)
def test_words_that_no_grammar_would_write_are_refused(argv):
    with pytest.raises(EditRefused):
        argv_of(ToolCall("run_command", {"argv": argv}))
    grammar = call_grammar([Offer(SPECS["run_command"])], "a test").text
    line = json.dumps({"name": "run_command", "arguments": {"argv": argv}}, ensure_ascii=False)
    assert not accepts(grammar, line.removeprefix(OPENING))


@pytest.mark.parametrize("argv", [["ls"], ["a b", 'c"d\\e', "é漢🙂"], ["x" * 200] * 20])
def test_words_of_a_command_come_through_the_grammar(argv):
    grammar = call_grammar([Offer(SPECS["run_command"])], "a test").text
    assert accepts(grammar, called(*argv))
    assert argv_of(ToolCall("run_command", {"argv": argv})) == tuple(argv)
