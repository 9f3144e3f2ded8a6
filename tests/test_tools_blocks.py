from __future__ import annotations

import pytest

from qwenagent.errors import EditRefused
from qwenagent.grammar.search import Markers, markers
from qwenagent.tools.blocks import Block, parse_blocks

SEVEN = Markers("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE")


def parsed(text: str, marks: Markers = SEVEN) -> tuple[Block, ...]:
    return parse_blocks(text.split("\n"), marks)


def one(search: str, replace: str) -> str:
    return f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (one("a\n", "b\n"), [Block(("a",), ("b",))]),
        (one("a\n\n  b \n", ""), [Block(("a", "", "  b "), ())]),
        (one("", "a\n"), [Block((), ("a",))]),
        (one("a\n", "b\n") * 8, [Block(("a",), ("b",))] * 8),
        ("\n" + one("a\n", "b\n") + "\n \n" + one("c\n", "\n"),
         [Block(("a",), ("b",)), Block(("c",), ("",))]),
        ("<<<<<<< SEARCH \na\n=======\t\nb\n>>>>>>> REPLACE  ", [Block(("a",), ("b",))]),
        (one("a\n", "=======\n======\n <<<<<<< SEARCH\n<<<<<<< HEAD\n"),
         [Block(("a",), ("=======", "======", " <<<<<<< SEARCH", "<<<<<<< HEAD"))]),
        (one("<<<<<< SEARCH\n==\n", ">>>>>>>\n"), [Block(("<<<<<< SEARCH", "=="), (">>>>>>>",))]),
        (one("a\x0cb\u2028c\r\n", "\x1c\n"), [Block(("a\x0cb\u2028c\r",), ("\x1c",))]),
    ],
)  # fmt: skip
def test_blocks(text, blocks):
    assert parsed(text) == tuple(blocks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 blocks are none of 1 to 8"),
        ("\n\n", "0 blocks are none of 1 to 8"),
        (one("a\n", "b\n") * 9, "9 blocks are none of 1 to 8"),
        ("x = 1\n", "'x = 1' is outside of a block"),
        (one("a\n", "b\n") + "x = 1\n", "'x = 1' is outside of a block"),
        ("<<<<<<< SEARCH\na\n", "a block has no line '======='"),
        ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE\n", "a block has no line '======='"),
        ("<<<<<<< SEARCH\na\n=======\nb\n", "a block has no line '>>>>>>> REPLACE'"),
        ("<<<<<<< SEARCH\na\n=======\nb\n" + one("c\n", "d\n"),
         "a block has no line '>>>>>>> REPLACE'"),
        ("<<<<<<< SEARCH\n" + one("c\n", "d\n"), "a block has no line '======='"),
        ("<<<<<<<< SEARCH\na\n========\nb\n>>>>>>>> REPLACE\n", "'<<<<<<<< SEARCH' is outside"),
    ],
)  # fmt: skip
def test_what_is_no_block(text, message):
    with pytest.raises(EditRefused) as caught:
        parsed(text)
    assert caught.value.message.startswith(message)
    assert caught.value.message.endswith(
        "; write a line '<<<<<<< SEARCH', lines of the file, a line '=======', the new lines, "
        "a line '>>>>>>> REPLACE'"
    )


def test_longer_markers_for_a_file_that_has_lines_like_them():
    marks = markers(f"x\n{one('a' + chr(10), '')}")
    assert marks == Markers("<<<<<<<< SEARCH", "========", ">>>>>>>> REPLACE")
    text = "<<<<<<<< SEARCH\n<<<<<<< SEARCH\n=======\n========\n>>>>>>> REPLACE\n>>>>>>>> REPLACE"
    assert parsed(text, marks) == (Block(("<<<<<<< SEARCH", "======="), (">>>>>>> REPLACE",)),)
