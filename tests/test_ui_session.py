"""A conversation as it is drawn: while it goes on, afterwards, as a log and as a document."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from qwenagent.protocol.events import Answered, MessageSent, TokenDelta
from qwenagent.ui import PlainView
from qwenagent.ui.answer import GrowingText
from qwenagent.ui.live import LiveView
from qwenagent.ui.past import exported
from qwenagent.ui.past.replay import draw_run
from tests.sample_events import SESSION, records

ANSWERED = """\
  The sum.

   return self._sum()

  It is not rounded
    wrote 20 tokens in 1.0 s (20 tok/s), reused 0 of 320 prompt tokens; cancelled
  the answer was cancelled
"""
TASK = """\
    tests: python -m pytest -q tests/test_cart.py

step 1 of 1  Round it ──────────────────────────────────────────────────────────────────────────────
"""


def drawn(width: int = 100) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, markup=False, emoji=False, highlight=False), out


def without_blanks_at_ends(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.split("\n")[:-1])


def test_what_was_typed_is_not_drawn_again_while_it_goes_on():
    console, out = drawn()
    view = LiveView(console)
    for record in records(SESSION):
        view(record)
    text = without_blanks_at_ends(out.getvalue())
    assert text.startswith(ANSWERED + TASK)
    assert "\n> " not in text
    assert "undone" not in text
    assert text.endswith("    qwenagent log\n")
    assert "git restore" not in text


def test_afterwards_all_of_it_is_drawn():
    console, out = drawn()
    draw_run(records(SESSION), whole=False, no_end="", out=console)
    text = without_blanks_at_ends(out.getvalue())
    at = text.index("> What is total?\n")
    assert text[:at].startswith("What is total?\n  repository  /home/ada/src/shop\n")
    assert text[at:].startswith(f"> What is total?\n{_past(ANSWERED)}\n> Round it\n{TASK}")
    assert "> /undo\nundone: task 'Round it'\n" in text


def _past(answered: str) -> str:
    """The end of the turn comes before the answer, whose code has empty lines of its own."""
    total, _, code, _, rounded, wrote, why, _ = answered.split("\n")
    return "\n".join([wrote, total, "", "", code, "", "", rounded, why, ""])


def test_as_a_log():
    out = io.StringIO()
    view = PlainView(out)
    for record in records(SESSION):
        view(record)
    lines = out.getvalue().split("\n")
    assert "> What is total?" in lines
    at = lines.index("The **sum**.")
    assert lines[at + 1 : at + 7] == [
        "",
        "```python",
        "return self._sum()",
        "```",
        "",
        "It is not rounded",
    ]
    assert "> /undo" in lines
    assert "undone: task 'Round it'" in lines


def test_as_a_document():
    text = exported(records(SESSION), "markdown")
    assert "## You\n\n```\nWhat is total?\n```" in text
    assert "````\nThe **sum**.\n" in text
    assert "- ! the answer was cancelled" in text
    assert text.count("# What is total?") == 1


def test_nothing_in_an_answer_acts_on_the_terminal():
    evil = "a \x1b]0;title\x07 <b>c</b> List<String> [x](http://e.org) ![i](http://e.org/i.png)\n\n"
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=True, color_system="standard")
    view = LiveView(console)
    for record in records([MessageSent("?"), SESSION[2], TokenDelta(evil), SESSION[6]]):
        view(record)
    text = out.getvalue()
    assert "\x1b]" not in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    shown = "  a  <b>c</b> List<String> x (http://e.org) !i (http://e.org/i.png)"
    assert plain.split("\n")[0].rstrip() == shown


@pytest.mark.parametrize(
    ("pieces", "blocks", "rest"),
    [
        (["One\n", "\nTwo"], ["One\n\n"], "Two"),
        (["```py\na\n\nb\n", "```\nafter"], ["```py\na\n\nb\n```\n"], "after"),
        (["````\n```\n\n", "````\n"], ["````\n```\n\n````\n"], ""),
        (["\n\n\n", "x"], [], "x"),
        (["* a\n* b\n", "* c"], [], "* a\n* b\n* c"),
    ],
)
def test_blocks_are_cut_where_they_end(pieces, blocks, rest):
    growing = GrowingText()
    found = [block for piece in pieces for block in growing.add(piece)]
    assert (found, growing.rest) == (blocks, rest)
    assert growing.finish() == ([rest] if rest else [])
    assert isinstance(SESSION[7], Answered)
