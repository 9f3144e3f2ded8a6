"""Approvals as they look in a real pseudo-terminal: every answer, and the editor."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tests import approvals_stage
from tests.session_stage import FIX, IDLE, make_stage
from tests.terminal_stage import CHECKOUT, Terminal, terminal_env

ENTER = "\r"
QUESTION = "May these commands run in this repository?"
ALL = "Approve? [o]nce  [a]lways for exactly this  [n]o  [e]dit:"
PASSING = "Approve? [o]nce  [n]o  [e]dit:"
CHANGED = [
    QUESTION,
    "  $ echo two",
    "    ! as you changed it",
    '    ! no "always": what you change here is for this once',
]

# Fixtures, by the names that they have here.
store, still = approvals_stage.store, approvals_stage.still


def writing(folder: Path, text: str, code: int = 0) -> str:
    """A command for an editor that writes this, and keeps what it was given beside."""
    script = folder / "an editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "pathlib.Path(__file__).with_name('given').write_text(file.read_text())\n"
        "assert sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()\n"
        f"file.write_text({text!r})\n"
        f"sys.exit({code})\n",
        encoding="utf-8",
    )
    return shlex.join([sys.executable, str(script)])


def asking(root: Path, store: Path, *words: str, columns: int = 80, editor: str = "") -> Terminal:
    argv = [sys.executable, "-m", "tests.approvals_child", str(root), str(store), *words]
    env = terminal_env(PYTHONPATH=str(CHECKOUT), VISUAL=editor)
    return Terminal(argv, columns=columns, cwd=root, env=env)


@pytest.mark.parametrize("columns", [60, 80])
def test_once_is_not_remembered_and_always_is(still, store, columns):
    for key in ("o", "y", "a"):
        with asking(still, store, "echo one", columns=columns) as terminal:
            terminal.shows(QUESTION, "  $ echo one", ALL)
            terminal.type(key, ENTER)
            terminal.shows(QUESTION, "  $ echo one", f"{ALL} {key}", "echo one says one")
            assert terminal.ends() == 0
        assert store.exists() == (key == "a")
    with asking(still, store, "echo one", columns=columns) as terminal:
        terminal.shows("echo one says one")
        assert terminal.ends() == 0


@pytest.mark.parametrize("typed", [ENTER, "n\r", "no\r", "x\r", "\x04"])
def test_everything_else_is_a_no(still, store, typed):
    with asking(still, store, "echo one") as terminal:
        terminal.shows(QUESTION, "  $ echo one", ALL)
        terminal.type(typed)
        terminal.shows(
            *(QUESTION, "  $ echo one", f"{ALL} {typed.strip(chr(4) + ENTER)}".rstrip()),
            "1 command(s) were not approved: echo one",
        )
        assert terminal.ends() == 0
    assert not store.exists()


def test_always_is_not_offered_for_a_shell(still, store):
    shown = [
        QUESTION,
        "  $ echo one | cat",
        "    ! a shell reads this, because of |",
        "    ! it starts echo, cat",
        '    ! no "always": a shell reads this, because of |',
    ]
    with asking(still, store, "echo one | cat", columns=60) as terminal:
        terminal.shows(*shown, PASSING)
        terminal.type("a", ENTER)
        shown += [f"{PASSING} a", '    ! "always" is not offered here']
        terminal.shows(*shown, PASSING)
        terminal.type("o", ENTER)
        terminal.shows(*shown, f"{PASSING} o", "echo one | cat says one")
        assert terminal.ends() == 0
    assert not store.exists()


@pytest.mark.parametrize("columns", [60, 80])
def test_a_changed_command_is_shown_and_asked_about_before_it_runs(still, store, tmp_path, columns):
    editor = writing(tmp_path, "echo two\n")
    with asking(still, store, "echo one", columns=columns, editor=editor) as terminal:
        terminal.shows(QUESTION, "  $ echo one", ALL)
        terminal.type("e", ENTER)
        shown = [QUESTION, "  $ echo one", f"{ALL} e", *CHANGED]
        terminal.shows(*shown, PASSING)
        assert (tmp_path / "given").read_text() == "echo one"
        terminal.type("o", ENTER)
        terminal.shows(*shown, f"{PASSING} o", "echo two says two")
        assert terminal.ends() == 0
    assert not store.exists()


def test_a_changed_command_can_be_refused(still, store, tmp_path):
    with asking(still, store, "echo one", editor=writing(tmp_path, "echo two")) as terminal:
        terminal.waits_for(ALL)
        terminal.type("e", ENTER)
        terminal.waits_for(PASSING)
        terminal.type(ENTER)
        terminal.waits_for("1 command(s) were not approved: echo two")
        assert terminal.ends() == 0


def test_what_the_editor_leaves_as_it_was_is_asked_about_as_it_was(still, store, tmp_path):
    shown = [QUESTION, "  $ echo one", f"{ALL} e", "    ! nothing was changed"]
    for text, code in (("echo one\n", 0), (" \n\n", 0), ("echo two\n", 1)):
        editor = writing(tmp_path, text, code)
        with asking(still, store, "echo one", editor=editor) as terminal:
            terminal.waits_for(ALL)
            terminal.type("e", ENTER)
            terminal.shows(*shown, ALL)
            terminal.type("o", ENTER)
            terminal.shows(*shown, f"{ALL} o", "echo one says one")
            assert terminal.ends() == 0


def test_without_an_editor_it_is_said_and_asked_again(still, store):
    with asking(still, store, "echo one", editor="/no/such/editor") as terminal:
        terminal.waits_for(ALL)
        terminal.type("e", ENTER)
        terminal.shows(
            *(QUESTION, "  $ echo one", f"{ALL} e"),
            "    ! /no/such/editor cannot be started: No such file or directory",
            ALL,
        )
        terminal.type("n", ENTER)
        assert terminal.ends() == 0


def test_a_change_that_cannot_be_read_is_said_and_can_be_mended(still, store, tmp_path):
    editor = writing(tmp_path, "echo 'two\x1b[8m")
    with asking(still, store, "echo one", columns=60, editor=editor) as terminal:
        terminal.waits_for(ALL)
        terminal.type("e", ENTER)
        terminal.waits_for(ALL, times=2)
        assert terminal.lines()[3:] == [
            "Your change is not taken: cannot read the test command",
            '      "echo \'two\\x1b[8m": no closing quotation. May these',
            "      commands run in this repository?",
            "  $ echo one",
            ALL,
        ]
        writing(tmp_path, "echo two")
        terminal.type("e", ENTER)
        terminal.waits_for("as you changed it")
        assert (tmp_path / "given").read_text() == "echo 'two\x1b[8m"
        terminal.type("o", ENTER)
        terminal.waits_for("echo two says two")
        assert terminal.ends() == 0


def test_it_is_said_which_of_several_can_be_changed(still, store):
    with asking(still, store, "echo one", "echo three", columns=60) as terminal:
        terminal.shows(
            *(QUESTION, "  $ echo one", "  $ echo three"),
            '    ! "edit" is for: echo one',
            ALL,
        )
        terminal.type("n", ENTER)
        assert terminal.ends() == 0


@pytest.mark.parametrize("columns", [60, 80])
def test_a_session_lends_its_terminal_to_the_editor(tmp_path, columns):
    stage = make_stage(tmp_path, {"a.py": "A = 1\n", "Makefile": "check:\n\techo checked\n"})
    editor = writing(tmp_path, "make -s check")
    with stage.terminal([FIX], columns=columns, rows=40, VISUAL=editor) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("/test", ENTER)
        terminal.waits_for(ALL)
        terminal.type("e", ENTER)
        terminal.waits_for(PASSING)
        at = terminal.lines().index("    ! as you changed it")
        assert terminal.lines()[at - 2 : at] == [QUESTION, "  $ make -s check"]
        terminal.type("o", ENTER)
        terminal.waits_for("changed, by you: it is asked about again")
        terminal.waits_for("✓ approved, by you")
        terminal.waits_for("exit code 0")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    assert (tmp_path / "given").read_text() == "make check"
