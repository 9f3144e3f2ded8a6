from __future__ import annotations

import pytest

from qwenagent.errors import EditRefused
from qwenagent.grammar.search import markers
from qwenagent.tools.search import search_replaced

TEXT = "def f():\n    return 1\n\n\ndef g():\n    return 1\n\n\ndef h():\n\treturn 'ü'\n"


def body(old: str, *blocks: tuple[str, str]) -> str:
    """A body of blocks, each as what is searched for and what comes there, with line ends."""
    marks = markers(old)
    parts = (
        f"{marks.search}\n{search}{marks.middle}\n{replace}{marks.replace}\n"
        for search, replace in blocks
    )
    return "".join(parts)


@pytest.mark.parametrize(
    ("old", "blocks", "new"),
    [
        (TEXT, [("def f():\n", "def f(a):\n")], TEXT.replace("f()", "f(a)")),
        (TEXT, [("def g():\n    return 1\n", "def g():\n    return 2\n    # x\n")],
         TEXT.replace("g():\n    return 1\n", "g():\n    return 2\n    # x\n")),
        (TEXT, [("\treturn 'ü'\n", "  \treturn 2\n")],
         TEXT.replace("\treturn 'ü'", "  \treturn 2")),
        (TEXT, [("def h():\n", ""), ("def f():\n", "# f\n")],
         TEXT.replace("def h():\n", "").replace("def f():\n", "# f\n")),
        (TEXT, [("def f():\n", "def g():\n"), ("def g():\n", "def f():\n")],
         TEXT.replace("f()", "?").replace("g()", "f()").replace("?", "g()")),
        ("a\nb", [("b\n", "c\nd\n")], "a\nc\nd"),
        ("a\nb", [("b\n", "")], "a"),
        ("a\nb\n", [("b\n", "")], "a\n"),
        ("a\nb\n", [("a\n", ""), ("b\n", "")], ""),
        ("a\n\n", [("a\n\n", "b\n")], "b\n"),
        ("a\n", [("a\n", "\n\n")], "\n\n"),
        ("x\n=======\ny\n", [("=======\n", "z\n")], "x\nz\ny\n"),
        ("a\rb\nc\r\n", [("a\rb\n", "d\n")], "d\nc\r\n"),
        ("a\r\nb\r\n", [("b\r\n", "c\r\n")], "a\r\nc\r\n"),
        ("a\u2028b\n\x0c\nc\n", [("a\u2028b\n", "d\u2028\n")], "d\u2028\n\x0c\nc\n"),
    ],
)  # fmt: skip
def test_blocks_are_carried_out(old, blocks, new):
    assert search_replaced("a.py", old, body(old, *blocks)).text == new


def test_line_ends_of_the_body_are_not_those_of_the_file():
    text = body(TEXT, ("def f():\n", "def f(a):\n    pass\n")).replace("\n", "\r\n")
    assert search_replaced("a.py", TEXT, text).text == TEXT.replace("f():", "f(a):\n    pass")


def test_the_lines_that_stay_are_known():
    old = "x\nx\nx\ny\nx\n"
    done = search_replaced("a.txt", old, body(old, ("y\nx\n", "x\n")))
    assert (done.text, done.kept) == ("x\nx\nx\nx\n", ((0, 0, 3), (5, 4, 1)))


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([("    return 1\n", "")],
         "that line is in a.py 2 times, at 2, 6; add the lines before or after, so that it can be "
         "only one place"),
        ([("\n\n", "x\n")],
         "those lines are in a.py 2 times, at 3, 7; add the lines before or after, so that it can "
         "be only one place"),
        ([("def f():\n  return 1\n", "")],
         "a.py has no such lines; the nearest begin at line 1, copy them exactly:\n"
         "```\ndef f():\n    return 1\n```"),
        ([("    pass\n    return 'u'\n", "")],
         "a.py has no such lines; the nearest begin at line 9, copy them exactly:\n"
         "```\ndef h():\n\treturn 'ü'\n```"),
        ([("completely = other\n", "")],
         "a.py has no line like 'completely = other'; read_file shows it"),
        ([("\n\n\n\n", "")], "a.py has no line like ''; read_file shows it"),
        ([("", "x\n")],
         "nothing is searched for; copy the lines that are to change, or one beside which new "
         "ones come"),
        ([("def f():\n", ""), ("    return 1\n\n\ndef g():\n", ""), ("def h():\n", ""),
          ("def g():\n    return 1\n", "")],
         "two blocks change line 5 of a.py; write them as one block"),
        ([("def f():\n", "a\n"), ("a\n", "b\n")],
         "block 2: a.py has no line like 'a'; read_file shows it"),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do_instead(blocks, message):
    with pytest.raises(EditRefused) as caught:
        search_replaced("a.py", TEXT, body(TEXT, *blocks))
    assert caught.value.message == message


def test_many_places_and_long_lines_are_cut():
    old = "x\n" * 20 + "y" * 1000 + "\n"
    with pytest.raises(EditRefused, match=r"20 times, at 1, 2, 3, 4, 5, 6, 7, 8, \.\.\.; add"):
        search_replaced("a.txt", old, body(old, ("x\n", "")))
    with pytest.raises(EditRefused, match=r"600 characters left out") as caught:
        search_replaced("a.txt", old, body(old, ("y" * 999 + "\n", "")))
    assert len(caught.value.message) < 700


def test_an_empty_file_has_no_lines():
    with pytest.raises(EditRefused, match="has no line like 'a'"):
        search_replaced("a.txt", "", body("", ("a\n", "b\n")))
