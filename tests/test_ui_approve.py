"""Approvals on a real pseudo-terminal, from flags, from nobody and from memory."""

import json
import os
import stat
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest

from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked
from qwenagent.ui import (
    FlagApprover,
    NobodyApprover,
    RememberingApprover,
    TerminalApprover,
)

ASK = ApprovalAsked("commands", "Run these?", ("make  test", "echo a\nrm \x1b[8mx"), "sha256:1")
needs_pty = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")


@dataclass
class Counting:
    """Answers as told and counts the questions."""

    granted: bool
    by: Literal["user", "flag", "remembered", "nobody"] = "user"
    asked: list[str] = field(default_factory=list)

    def ask(self, request):
        self.asked.append(request.digest)
        return ApprovalAnswered(self.granted, self.by, request.digest)


@contextmanager
def terminal():
    """Give the far end of a pseudo-terminal and its path."""
    far, near = os.openpty()
    try:
        yield far, os.ttyname(near)
    finally:
        os.close(far)
        os.close(near)


def read_until(far: int, end: bytes) -> bytes:
    seen = b""
    while not seen.endswith(end):
        seen += os.read(far, 4096)
    return seen


def ask_and_type(typed: bytes, before: bytes = b"") -> tuple[ApprovalAnswered, bytes]:
    answers: list[ApprovalAnswered] = []
    with terminal() as (far, path):
        if before:
            os.write(far, before)
            read_until(far, before.replace(b"\n", b"\r\n"))
        approver = TerminalApprover(terminal=path)
        thread = threading.Thread(target=lambda: answers.append(approver.ask(ASK)))
        thread.start()
        shown = read_until(far, b"[y/N] ")
        os.write(far, typed)
        thread.join(5)
    return answers[0], shown


@needs_pty
@pytest.mark.parametrize(
    ("typed", "granted"),
    [
        (b"y\n", True),
        (b"Yes\n", True),
        (b"\n", False),
        (b"n\n", False),
        (b"yeah\n", False),
        (b"\x04", False),  # end of input
        (b"\xff\n", False),
    ],
)
def test_only_a_typed_yes_is_a_yes(typed, granted):
    answer, shown = ask_and_type(typed)
    assert answer == ApprovalAnswered(granted, "user", "sha256:1")
    assert shown == (
        b"Run these?\r\n  $ make  test\r\n  $ echo a\r\n    rm \\x1b[8mx\r\nApprove? [y/N] "
    )


@needs_pty
def test_what_was_typed_before_the_question_is_no_answer():
    assert ask_and_type(b"\n", before=b"y\n")[0].granted is False


@needs_pty
def test_a_cancelled_run_stops_waiting():
    cancel = threading.Event()
    cancel.set()
    with terminal() as (_, path):
        answer = TerminalApprover(cancel=cancel, terminal=path).ask(ASK)
    assert answer == ApprovalAnswered(False, "user", "sha256:1")


@needs_pty
def test_ctrl_c_is_a_no():
    class Interrupting:
        def is_set(self):
            raise KeyboardInterrupt

    with terminal() as (_, path):
        answer = TerminalApprover(cancel=Interrupting(), terminal=path).ask(ASK)
    assert answer == ApprovalAnswered(False, "user", "sha256:1")


@needs_pty
def test_without_a_terminal_there_is_nobody(tmp_path):
    answer = TerminalApprover(terminal=str(tmp_path / "no tty")).ask(ASK)
    assert answer == NobodyApprover().ask(ASK) == ApprovalAnswered(False, "nobody", "sha256:1")


def test_a_flag_says_yes():
    assert FlagApprover().ask(ASK) == ApprovalAnswered(True, "flag", "sha256:1")


def test_a_granted_digest_is_remembered_and_another_is_not(tmp_path):
    store = tmp_path / "state of mind" / "approvals.json"
    inner = Counting(True)
    assert RememberingApprover(inner, store).ask(ASK).by == "user"
    again = RememberingApprover(inner, store)
    assert again.ask(ASK) == ApprovalAnswered(True, "remembered", "sha256:1")
    assert again.ask(ApprovalAsked("commands", "?", ("make",), "sha256:2")).by == "user"
    assert inner.asked == ["sha256:1", "sha256:2"]
    assert json.loads(store.read_text(encoding="utf-8")) == {
        "version": 1,
        "granted": ["sha256:1", "sha256:2"],
    }
    assert [path.name for path in store.parent.iterdir()] == ["approvals.json"]
    if os.name != "nt":
        assert stat.S_IMODE(store.stat().st_mode) == 0o600


@pytest.mark.parametrize("inner", [Counting(False), Counting(True, "flag")])
def test_only_a_users_yes_is_remembered(tmp_path, inner):
    store = tmp_path / "approvals.json"
    RememberingApprover(inner, store).ask(ASK)
    assert not store.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"granted": "sha256:1"}', '{"granted": [1]}'])
def test_a_damaged_store_means_asking_again(tmp_path, text):
    store = tmp_path / "approvals.json"
    store.write_text(text, encoding="utf-8")
    inner = Counting(True)
    RememberingApprover(inner, store).ask(ASK)
    assert inner.asked == ["sha256:1"]
    assert RememberingApprover(inner, store).ask(ASK).by == "remembered"
