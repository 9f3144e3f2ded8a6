"""Approvals on a real pseudo-terminal, from flags, from nobody and from memory."""

import json
import os
import shlex
import stat
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest

from qwenagent.protocol.approval import exact
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked
from qwenagent.ui import (
    FlagApprover,
    NobodyApprover,
    RememberingApprover,
    TerminalApprover,
)
from qwenagent.ui.approve_memory import granted, take_back
from qwenagent.ui.approve_text import approval_text

ASK = ApprovalAsked(
    kind="commands",
    question="Run these?",
    items=("make  test", "echo a\nrm \x1b[8mx"),
    digest="sha256:1",
    notes=("", "a shell reads this"),
    digests=("sha256:a", "sha256:b"),
)


@dataclass
class Counting:
    """Answers as told and counts the questions."""

    granted: bool
    by: Literal["user", "flag", "remembered", "nobody"] = "user"
    for_good: bool = True
    asked: list[str] = field(default_factory=list)

    def ask(self, request):
        self.asked.append(request.digest)
        return ApprovalAnswered(self.granted, self.by, request.digest, self.for_good)


@contextmanager
def terminal():
    """Give the far end of a pseudo-terminal and its path."""
    far, near = os.openpty()
    try:
        yield far, os.ttyname(near)
    finally:
        os.close(far)
        os.close(near)


def read_until(far: int, *ends: bytes) -> bytes:
    seen = b""
    while not seen.endswith(ends):
        seen += os.read(far, 4096)
    return seen


def ask_and_type(
    typed: bytes, before: bytes = b"", request: ApprovalAsked = ASK
) -> tuple[ApprovalAnswered, bytes]:
    answers: list[ApprovalAnswered] = []
    with terminal() as (far, path):
        if before:
            os.write(far, before)
            read_until(far, before.replace(b"\n", b"\r\n"))
        approver = TerminalApprover(terminal=path)
        thread = threading.Thread(target=lambda: answers.append(approver.ask(request)))
        thread.start()
        shown = read_until(far, b"[n]o: ", b"[e]dit: ")
        os.write(far, typed)
        thread.join(5)
    return answers[0], shown


@pytest.mark.parametrize(
    ("typed", "granted"),
    [
        (b"o\n", True),
        (b"Once\n", True),
        (b"y\n", True),
        (b"Yes\n", True),
        (b"a\n", "for good"),
        (b"always\n", "for good"),
        (b"\n", False),
        (b"n\n", False),
        (b"yeah\n", False),
        (b"once a\n", False),
        (b"\x04", False),  # end of input
        (b"\xff\n", False),
    ],
)
def test_only_a_typed_yes_is_a_yes(typed, granted):
    answer, shown = ask_and_type(typed)
    assert answer == ApprovalAnswered(
        bool(granted), "user", "sha256:1", for_good=granted == "for good"
    )
    assert shown == (
        b"Run these?\r\n  $ make  test\r\n  $ echo a\r\n  > rm \\x1b[8mx\r\n"
        b"    ! a shell reads this\r\nApprove? [o]nce  [a]lways for exactly this  [n]o: "
    )


def test_what_was_typed_before_the_question_is_no_answer():
    assert ask_and_type(b"\n", before=b"y\n")[0].granted is False


def test_the_editor_gets_the_terminal_that_was_asked(tmp_path, monkeypatch):
    editor = tmp_path / "an editor.py"
    editor.write_text(
        "import os, sys\n"
        "same = len({os.ttyname(fd) for fd in (0, 1, 2)}) == 1\n"
        "open(sys.argv[1], 'a').write(f' {same}')\n"
    )
    monkeypatch.setenv("VISUAL", shlex.join([sys.executable, str(editor)]))
    answer, _ = ask_and_type(b"e\n", request=replace(ASK, edit="make  test"))
    assert answer == ApprovalAnswered(False, "user", "sha256:1", edited="make  test True")


def sized(far: int, rows: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


LONG = replace(ASK, items=tuple(f"make {n}" for n in range(9)), notes=(), digests=())


@pytest.mark.parametrize(
    ("typed", "granted", "n_seen"),
    [
        ([b"\n", b"\n", b"y\n"], True, 9),
        ([b"\n", b"\n", b"\n"], False, 9),
        ([b"y\n"], False, 3),
        ([b"q\n"], False, 3),
        ([b"\n", b"\x04"], False, 7),
    ],
)
def test_what_does_not_fit_is_shown_page_by_page(typed, granted, n_seen):
    answers: list[ApprovalAnswered] = []
    seen = b""
    with terminal() as (far, path):
        sized(far, 6, 40)
        approver = TerminalApprover(terminal=path)
        thread = threading.Thread(target=lambda: answers.append(approver.ask(LONG)))
        thread.start()
        for answer in typed:
            seen += read_until(far, b"refuses: ", b"[n]o: ")
            os.write(far, answer)
        thread.join(5)
    assert answers == [ApprovalAnswered(granted, "user", "sha256:1")]
    assert [n for n in range(9) if b"make %d\r\n" % n in seen] == list(range(n_seen))


def test_a_line_that_is_cut_cannot_be_taken_for_another():
    command = f"echo {'a' * 66}  $ true\u200b\u3000Approve?"
    request = replace(ASK, items=(command,), notes=())
    _, shown = ask_and_type(b"\n", request=request)
    assert shown.decode().split("\r\n") == [
        "Run these?",
        f"  $ echo {'a' * 66}  $ ",
        "      true\\u200b\\u3000Approve?",
        "Approve? [o]nce  [a]lways for exactly this  [n]o: ",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("make  -j 'é 漢 🙂'", "make  -j 'é 漢 🙂'"),
        ("a\tb\r\x1b[2K\x00\x7f\x9b", "a\\tb\\r\\x1b[2K\\x00\\x7f\\x9b"),
        ("\u202e\u2066\u200d\ufeff\U000e0041", "\\u202e\\u2066\\u200d\\ufeff\\U000e0041"),
        ("a\xa0b\u2003c\u3000d\u2028", "a\\xa0b\\u2003c\\u3000d\\u2028"),
        ("\u3164\u115f\uffa0\u2800", "\\u3164\\u115f\\uffa0\\u2800"),
        ("e\u0301\u0336\ufe0f\u20dd", "e\\u0301\\u0336\\ufe0f\\u20dd"),
        ("\udcff\ue000\n", "\\udcff\\ue000\n"),
    ],
)
def test_nothing_in_what_is_approved_can_hide(text, shown):
    assert exact(text) == shown
    assert exact(shown) == shown


def test_a_cancelled_run_stops_waiting():
    cancel = threading.Event()
    cancel.set()
    with terminal() as (_, path):
        answer = TerminalApprover(cancel=cancel, terminal=path).ask(ASK)
    assert answer == ApprovalAnswered(False, "user", "sha256:1")


def test_ctrl_c_is_a_no():
    class Interrupting:
        def is_set(self):
            raise KeyboardInterrupt

    with terminal() as (_, path):
        answer = TerminalApprover(cancel=Interrupting(), terminal=path).ask(ASK)
    assert answer == ApprovalAnswered(False, "user", "sha256:1")


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
    more = replace(ASK, digest="sha256:2", digests=("sha256:a", "sha256:c"))
    assert again.ask(more).by == "user"
    fewer = replace(ASK, digest="sha256:3", digests=("sha256:c",))
    assert again.ask(fewer) == ApprovalAnswered(True, "remembered", "sha256:3")
    assert inner.asked == ["sha256:1", "sha256:2"]
    kept = json.loads(store.read_text(encoding="utf-8"))
    about = kept.pop("about")
    assert kept == {"version": 1, "granted": ["sha256:b", "sha256:a", "sha256:c"]}
    assert {digest: one["shown"] for digest, one in about.items()} == {
        one.digest: one.shown for one in granted(store)
    }
    take_back(store, ["sha256:a", "sha256:b"])
    assert [one.digest for one in granted(store)] == ["sha256:c"]
    assert again.ask(ASK).by == "user"
    assert [path.name for path in store.parent.iterdir()] == ["approvals.json"]
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


@pytest.mark.parametrize("digests", [(), ("",), ("sha256:a", "")])
def test_what_is_to_be_asked_each_time_is_asked_each_time(tmp_path, digests):
    inner = Counting(True)
    approver = RememberingApprover(inner, tmp_path / "approvals.json")
    approver.ask(ASK)
    for _ in range(2):
        assert approver.ask(replace(ASK, digests=digests)).by == "user"
    assert len(inner.asked) == 3


def test_an_answer_to_another_question_is_not_remembered(tmp_path):
    class Mistaken:
        def ask(self, request):
            return ApprovalAnswered(True, "user", "sha256:other", for_good=True)

    store = tmp_path / "approvals.json"
    RememberingApprover(Mistaken(), store).ask(ASK)
    assert not store.exists()


@pytest.mark.parametrize(
    "inner", [Counting(False), Counting(True, "flag"), Counting(True, for_good=False)]
)
def test_only_a_users_yes_for_good_is_remembered(tmp_path, inner):
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


SEND = ApprovalAsked(
    "escalation",
    "Send this to large at shop (127.0.0.1:9), for advice?",
    ("## Step\n\n$ make \x1b[31mred\nend",),
    "sha256:2",
    ("why: tests are red\nat most $0.09",),
    ("",),
)


def test_a_text_that_would_be_sent_is_shown_whole():
    assert approval_text(SEND) == (
        "Send this to large at shop (127.0.0.1:9), for advice?\n"
        "    ! why: tests are red\n"
        "    ! at most $0.09\n"
        "  | ## Step\n"
        "  | \n"
        "  | $ make \\x1b[31mred\n"
        "  | end\n"
    )


def test_yes_to_all_commands_sends_nothing():
    assert FlagApprover().ask(SEND) == ApprovalAnswered(False, "nobody", "sha256:2")
    assert FlagApprover(FlagApprover()).ask(SEND) == ApprovalAnswered(False, "nobody", "sha256:2")


def test_leave_to_send_is_never_remembered(tmp_path):
    class Says:
        n = 0

        def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
            self.n += 1
            return ApprovalAnswered(True, "user", request.digest, for_good=True)

    says = Says()
    approver = RememberingApprover(says, tmp_path / "approvals.json")
    assert approver.ask(SEND) == approver.ask(SEND)
    assert (says.n, (tmp_path / "approvals.json").exists()) == (2, False)
