"""The prompt in a real pseudo-terminal; screens are compared whole."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.terminal_stage import Terminal, terminal_env

WIDE = "  qwen2.5-coder-1.5b · cpu · 26 tok/s · context 3,912 of 8,192, 3,480 reused · main · $0.04"
STATUS = "  qwen2.5-coder-1.5b · cpu · 26 tok/s · context 3,912 of 8,192 · main · $0.04"
NARROW = "  qwen2.5-coder-1.5b · context 47 % · main · $0.04"
AT = {60: NARROW, 80: STATUS, 120: WIDE}
IDLE = "> a task, a question, or /help"
BUSY = "> Enter queues a message, Esc stops"
ACTIVITY = "  ⠋ reading the repository · 0.0 s"
ENTER, ESC, ALT_ENTER, BACKSPACE = "\r", "\x1b", "\x1b\r", "\x7f"
UP, DOWN, END_KEY = "\x1b[A", "\x1b[B", "\x1b[F"


def session(
    folder: Path,
    *flags: str,
    before: Sequence[str] = (),
    columns: int = 80,
    rows: int = 24,
    **env: str,
) -> Terminal:
    argv = [*before, sys.executable, "-m", "tests.reading_child", str(folder), *flags]
    return Terminal(argv, columns=columns, rows=rows, env=terminal_env(**env))


def ctrl(letter: str) -> str:
    return chr(ord(letter) & 0x1F)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_prompt_at_its_start_and_with_a_menu(tmp_path, columns):
    status = AT[columns]
    with session(tmp_path, columns=columns) as terminal:
        terminal.shows("", IDLE, status)
        assert terminal.cursor() == (1, 2)
        terminal.type("/re")
        terminal.shows(
            "",
            "> /re",
            "    /redo [N]          Put back what was undone",
            "    /resume [SESSION]  Go on with an earlier session",
            status,
        )
        assert terminal.cursor() == (1, 5)
        terminal.type(DOWN, DOWN)
        terminal.shows(
            "",
            "> /resume",
            "    /redo [N]          Put back what was undone",
            "  > /resume [SESSION]  Go on with an earlier session",
            status,
        )
        terminal.type(ENTER)
        terminal.shows("", "> /resume", status)
        terminal.type(ctrl("u"), "@sto")
        terminal.shows(
            "",
            "> @sto",
            "    src/store.py",
            "    src/store_test.py",
            "    Store.load         src/store.py",
            "    Store.save         src/store.py",
            status,
        )
        terminal.type("\t", " ")
        terminal.shows("", "> @src/store.py", status)
        terminal.type("@my", "\t", ENTER)
        terminal.waits_for("got")
        terminal.shows(
            '> @src/store.py @"docs/my notes.md"',
            'got "@src/store.py @\\"docs/my notes.md\\""',
            "",
            ">",
            status,
        )


def test_the_menu_shows_a_part_of_many(tmp_path):
    with session(tmp_path, columns=60) as terminal:
        terminal.shows("", IDLE, NARROW)
        terminal.type("/")
        terminal.waits_for("/commit")
        terminal.type(*[DOWN] * 6)
        terminal.shows(
            "",
            "> /undo",
            "    /plan TASK              Write a plan for a task; cha...",
            "    /run [PLAN]             Carry out a plan, step by step",
            "    /test [COMMAND]         Run the tests",
            "    /diff [PATH]            Show what changed in this se...",
            "  > /undo [N]               Take back the last change, o...",
            "    /redo [N]               Put back what was undone",
            "    /commit [MESSAGE]       Commit what changed in this...",
            "    /files                  List what is in the context,...",
            NARROW,
        )
        terminal.type(ESC)
        terminal.shows("", "> /", NARROW)


@pytest.mark.parametrize("columns", [60, 120])
def test_a_message_of_several_lines(tmp_path, columns):
    status = AT[columns]
    with session(tmp_path, columns=columns) as terminal:
        terminal.shows("", IDLE, status)
        terminal.type("one", ALT_ENTER, "two", ctrl("j"), "three\\", ENTER)
        terminal.shows("", "> one", "  two", "  three", "", status)
        terminal.type("x" * (columns + 3))
        terminal.shows(
            "", "> one", "  two", "  three", f"  {'x' * (columns - 2)}", "  xxxxx", status
        )
        terminal.type(*[BACKSPACE] * (columns + 3), "four", ENTER)
        terminal.shows(
            *("> one", "  two", "  three", "  four"),
            'got "one\\ntwo\\nthree\\nfour"',
            *("", ">", status),
        )


def test_blank_lines_are_not_sent(tmp_path):
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type(ENTER, "  ", ENTER, "x", ENTER)
        terminal.shows(">   x", 'got "  x"', "", ">", STATUS)


PASTE = "".join(f"line {n}\n" for n in range(1, 13))
FOLDED = "> see [pasted 12 lines]"
HINT = "  Ctrl-O unfolds what was pasted"


@pytest.mark.parametrize("columns", [60, 80])
def test_a_long_paste_is_folded_and_sent_whole(tmp_path, columns):
    status = AT[columns]
    with session(tmp_path, columns=columns, rows=30) as terminal:
        terminal.shows("", IDLE, status)
        terminal.type("see ")
        terminal.paste(PASTE)
        terminal.shows("", FOLDED, HINT)
        terminal.type(BACKSPACE)
        terminal.shows("", "> see", status)
        terminal.paste(PASTE)
        terminal.type(ctrl("o"))
        lines = [f"  line {n}" for n in range(2, 13)]
        terminal.shows("", "> see line 1", *lines, "", status)
        terminal.type(ctrl("_"), ENTER)
        terminal.waits_for("got")
        whole = 'got "see ' + PASTE.replace("\n", "\\n") + '"'
        terminal.shows(FOLDED, whole[:columns], *folded_rest(whole, columns), "", ">", status)


def folded_rest(text: str, columns: int) -> list[str]:
    return [text[n : n + columns].rstrip() for n in range(columns, len(text), columns)]


def test_a_short_paste_never_sends(tmp_path):
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.paste("one\ntwo\n")
        terminal.shows("", "> one", "  two", "", STATUS)
        terminal.type(ctrl("c"))
        terminal.shows("", IDLE, STATUS)
        raw = [f"raw {n} {'x' * 40}" for n in (1, 2, 3)]
        terminal.type("\r".join([*raw, ""]))  # a terminal that does not mark pastes
        terminal.shows("", f"> {raw[0]}", f"  {raw[1]}", f"  {raw[2]}", "", STATUS)


def test_earlier_messages_are_found_in_the_next_session(tmp_path):
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        for text in ("fix the store", "add a test", "fix the door"):
            terminal.type(text, ENTER)
            terminal.waits_for(f'got "{text}"')
        terminal.type(ctrl("d"))
        assert terminal.ends() == 0
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("fix", UP, UP)
        terminal.shows("", "> fix the store", STATUS)
        terminal.type(ctrl("c"))
        terminal.shows("", IDLE, STATUS)
        terminal.type(UP, UP)
        terminal.shows("", "> add a test", STATUS)
        terminal.type(ctrl("c"))
        terminal.shows("", IDLE, STATUS)
        terminal.type(ctrl("r"), "sto")
        terminal.shows("", "> fix the store", "I-search backward: sto", STATUS)
        terminal.type(ENTER, ENTER)
        terminal.shows("> fix the store", 'got "fix the store"', "", ">", STATUS)


def begin_work(terminal: Terminal, status: str = STATUS) -> None:
    terminal.shows("", IDLE, status)
    terminal.type("work", ENTER)
    terminal.shows("> work", "begun", "", ACTIVITY, BUSY, status)


PRINTED = [f"[{n}] printed while work goes on" for n in (1, 2, 3)]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_messages_are_queued_while_lines_are_printed(tmp_path, columns):
    status = AT[columns]
    with session(tmp_path, columns=columns) as terminal:
        begin_work(terminal, status)
        terminal.type("then th\x1b\ris", ENTER, "half a tho")
        terminal.shows(
            *("> work", "begun", *PRINTED, "done", "> then th", "  is"),
            'got "then th\\nis" (queued)',
            *("", "> half a tho", status),
        )
        terminal.type("ught", ENTER)
        terminal.waits_for('got "half a thought"')


def test_a_queued_message_is_shown_and_can_be_taken_back(tmp_path):
    with session(tmp_path, "slow") as terminal:
        begin_work(terminal)
        terminal.type("then this", ENTER)
        terminal.shows("> work", "begun", "", ACTIVITY, "  queued: then this", BUSY, STATUS)
        terminal.type(UP)
        terminal.shows("> work", "begun", "", ACTIVITY, "> then this", STATUS)
        terminal.type(ESC)
        terminal.shows(*("> work", "begun", *PRINTED, "stopped"), "", "> then this", STATUS)


@pytest.mark.parametrize("key", [ESC, ctrl("c")])
@pytest.mark.parametrize("keys", ["emacs", "vi"])
def test_a_key_stops_the_work_at_once(tmp_path, key, keys):
    with session(tmp_path, keys) as terminal:
        begin_work(terminal)
        terminal.type("half", *([ESC] if (keys, key) == ("vi", ESC) else []))
        terminal.waits_for("> half")
        terminal.type(key)
        terminal.shows("> work", "begun", *PRINTED, "stopped", "", "> half", STATUS)


def test_a_menu_that_does_not_come_holds_no_key_up(tmp_path):
    with session(tmp_path, "late") as terminal:
        begin_work(terminal)
        terminal.type("see @sto")
        terminal.waits_for("> see @sto")
        terminal.type(ESC)
        terminal.shows(*("> work", "begun", *PRINTED, "stopped"), "", "> see @sto", STATUS)


def test_the_window_changes_its_size(tmp_path):
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("x" * 70)
        terminal.shows("", f"> {'x' * 70}", STATUS)
        terminal.resize(120, 24)
        terminal.shows("", f"> {'x' * 70}", WIDE)
        terminal.resize(60, 24)
        terminal.shows("", f"> {'x' * 58}", f"  {'x' * 12}", NARROW)
        terminal.type(ENTER)
        echo = [f"> {'x' * 58}", "x" * 12, f'got "{"x" * 55}', f'{"x" * 15}"']
        terminal.shows(*echo, "", ">", NARROW)


def test_ctrl_c_clears_and_ends(tmp_path):
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("text", ctrl("c"))
        terminal.shows("", IDLE, STATUS)
        terminal.type(ctrl("c"))
        terminal.shows("", IDLE, "  Ctrl-C again ends the session")
        terminal.type("a", BACKSPACE, ctrl("c"))
        terminal.shows("", IDLE, "  Ctrl-C again ends the session")
        terminal.type(ctrl("c"))
        assert terminal.ends() == 0
        assert terminal.lines() == ["over: Interrupted"]


def test_ctrl_d_ends_only_an_empty_line_without_work(tmp_path):
    with session(tmp_path) as terminal:
        begin_work(terminal)
        terminal.type(ctrl("d"))
        terminal.waits_for("the work goes on; Esc stops it, then Ctrl-D ends the session")
        terminal.type(ESC)
        terminal.waits_for("stopped")
        terminal.type("ab\x1b[D", ctrl("d"))
        terminal.waits_for("> a")
        terminal.type(ENTER)
        terminal.waits_for('got "a"')
        terminal.type(ctrl("d"))
        assert terminal.ends() == 0
        assert terminal.lines()[-1] == "over: Eof"


def test_the_terminal_is_given_back_as_it_was(tmp_path):
    child = f"'{sys.executable}' -m tests.reading_child '{tmp_path}'"
    script = f'a=$(stty -g); {child}; test "$a" = "$(stty -g)" && echo same'
    with Terminal(["/bin/sh", "-c", script]) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type(ctrl("d"))
        assert terminal.ends() == 0
        assert terminal.lines() == ["over: Eof", "same"]
        last = [terminal.raw.rfind(f"\x1b[?{mode}".encode()) for mode in ("2004h", "2004l")]
        assert last == sorted(last)  # pastes are no longer marked


def test_without_colour_and_without_unicode(tmp_path):
    with session(tmp_path, NO_COLOR="1", PYTHONIOENCODING="ascii") as terminal:
        terminal.shows("", IDLE, STATUS.replace("·", "-"))
        terminal.type("work", ENTER)
        activity = ACTIVITY.replace("⠋", "-").replace("·", "-")
        status = STATUS.replace("·", "-")
        terminal.shows("> work", "begun", "", activity, BUSY, status)
        assert terminal.colours() == {"default"}
        terminal.type(ESC)
        terminal.waits_for("stopped")
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        assert terminal.colours() == {"default", "cyan", "brightblack"}


def test_somebody_else_asks_meanwhile(tmp_path):
    with session(tmp_path) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("ask", ENTER)
        terminal.shows("> ask", "Run these?", "  $ make", "Approve? [o]nce  [n]o:")
        terminal.type("y\n")
        terminal.shows(
            *("> ask", "Run these?", "  $ make", "Approve? [o]nce  [n]o: y", "granted: True"),
            *("", ">", STATUS),
        )
        terminal.type("next", ENTER)
        terminal.waits_for('got "next"')


def test_the_message_is_written_in_an_editor(tmp_path):
    editor = tmp_path / "my editor"
    editor.write_text(f'#!/bin/sh\ncat "$1" > "{tmp_path}/seen"\nprintf "one\\ntwo\\n" > "$1"\n')
    editor.chmod(0o755)
    with session(tmp_path, VISUAL=f"'{editor}'") as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("see ")
        terminal.paste(PASTE)
        terminal.type(ctrl("x"), ctrl("e"))
        terminal.shows("", "> one", "  two", STATUS)
        assert (tmp_path / "seen").read_text() == f"see {PASTE}"
        terminal.type(ENTER)
        terminal.shows("> one", "  two", 'got "one\\ntwo"', "", ">", STATUS)


def test_an_editor_that_cannot_be_started_is_told(tmp_path):
    with session(tmp_path, VISUAL="/no/editor") as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("text", ctrl("x"), ctrl("e"))
        hint = "  /no/editor cannot be started: No such file or directory"
        terminal.shows("", "> text", hint)


def test_keys_of_vi(tmp_path):
    with session(tmp_path, "vi") as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("one two", ESC)
        terminal.type("b", "cw", "three", ENTER)
        terminal.shows("> one three", 'got "one three"', "", ">", STATUS)


def test_a_terminal_that_is_gone_ends_the_session(tmp_path):
    child = f"'{sys.executable}' -m tests.reading_child '{tmp_path}'"
    end = tmp_path / "end"
    with Terminal(["/bin/sh", "-c", f"trap '' HUP; {child}; echo $? > '{end}'"]) as terminal:
        terminal.shows("", IDLE, STATUS)
        terminal.type("down", ENTER)
        terminal.waits_for("ready")
        terminal.hang_up()
    assert end.read_text() in ("0\n", "120\n")  # 120: Python could not flush at its exit


IN_BACKGROUND = ("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""What it starts has Ctrl-C ignored, as what a script starts with `&`."""


@pytest.mark.parametrize(
    ("before", "flags", "term"),
    [((), (), "dumb"), (IN_BACKGROUND, ("plain",), "xterm-256color")],
    ids=["dumb", "plain, from the background"],
)
def test_a_dumb_terminal_gets_plain_lines(tmp_path, before, flags, term):
    with session(tmp_path, *flags, before=before, TERM=term) as terminal:
        terminal.shows(">")
        terminal.type("/help\r")
        terminal.shows("> /help", 'got "/help"', ">")
        terminal.type("one\\\r")
        terminal.shows("> /help", 'got "/help"', "> one\\", ".")
        terminal.type("two\r")
        seen = ["> /help", 'got "/help"', "> one\\", ". two", 'got "one\\ntwo"']
        terminal.shows(*seen, ">")
        terminal.type("work\r")
        terminal.shows(*seen, "> work", "begun")
        terminal.type(ctrl("c"))
        seen += ["> work", "begun", f"^C{PRINTED[0]}", *PRINTED[1:], "stopped"]
        terminal.shows(*seen, ">")
        terminal.type("text")
        terminal.shows(*seen, "> text")
        terminal.type(ctrl("c"))
        terminal.shows(*seen, "> text^C", "Ctrl-C again ends the session", ">")
        terminal.type(ctrl("c"))
        assert terminal.ends() == 0
        assert terminal.lines()[-1] == "over: Interrupted"
        assert b"\x1b" not in terminal.raw


def test_plain_lines_from_a_pipe_end(tmp_path):
    argv = [sys.executable, "-m", "tests.reading_child", str(tmp_path)]
    done = subprocess.run(
        argv,
        input=b"one\r\n\n\xff\n",
        capture_output=True,
        check=True,
        env=terminal_env(),
        cwd=Path(__file__).parent.parent,
    )
    assert done.stdout.decode().split("\n") == [
        '> got "one"',
        '> > got "\\ufffd"',
        "> ",
        "over: Eof",
        "",
    ]
