"""Where further attempts part from what is there, and which of these places come first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qwenagent.loop.editing.doubtful import Passage
from qwenagent.loop.editing.partings import Parting, chosen
from qwenagent.protocol.messages import Alternative
from qwenagent.protocol.tools import ToolCall

FILE = """import os


def first(a):
    b = a
    return b


class Box:
    def close(self, action):
        self.enter()
        action()
        self.leave()
"""
WHOLE = Passage(ToolCall("rewrite_file", {"path": "a.py"}), tuple(range(1, 14)), "", FILE, ())
ROWS = (4, 5, 6, 10, 11, 12, 13)
PART = replace(WHOLE, rows=ROWS, text="\n".join(FILE.split("\n")[row - 1] for row in ROWS))


def parting(passage: Passage, old: str, new: str) -> Parting:
    start = passage.text.index(old)
    return Parting(passage, Alternative(start, start + len(old), new, 0.2))


def test_of_a_short_file_all_that_follows_is_written_anew():
    one = parting(WHOLE, "b = a", "b = a + 1")
    assert chosen([one], {"a.py": FILE}, 8, lines_tried=False) == [one]
    assert one.row == ("a.py", 5)


def test_of_a_long_file_the_rest_of_the_function_is():
    one = parting(PART, "action()\n".strip(), "try:")
    one = replace(one, other=replace(one.other, start=PART.text.rindex("action()")))
    [found] = chosen([one], {"a.py": FILE}, 8, lines_tried=False)
    assert found.passage.call.arguments == {"path": "a.py", "symbol": "Box.close"}
    code = found.passage.text
    assert code == FILE[FILE.index("    def close") :].rstrip("\n")
    assert code[: found.other.start].endswith("self.enter()\n        ")
    assert found.row == one.row == ("a.py", 12)


def test_outside_of_functions_nothing_parts_in_a_long_file():
    part = replace(WHOLE, rows=(1,), text="import os")
    assert chosen([parting(part, "os", "sys")], {"a.py": FILE}, 8, lines_tried=False) == []


@pytest.mark.parametrize("lines_tried", [False, True])
def test_what_cannot_be_a_line_of_its_own_comes_first_where_lines_were_tried(lines_tried):
    line, block = parting(WHOLE, "b = a", "b = a + 1"), parting(WHOLE, "self.enter()", "try:")
    found = chosen([line, block], {"a.py": FILE}, 8, lines_tried=lines_tried)
    assert found == ([block, line] if lines_tried else [line, block])


def test_one_of_each_line_before_a_second_and_no_more_than_are_wanted():
    both = [parting(WHOLE, "b = a", f"b = a + {n}") for n in (1, 2)]
    other = parting(WHOLE, "return b", "return a")
    texts = {"a.py": FILE}
    assert chosen([*both, other], texts, 2, lines_tried=False) == [both[0], other]
    assert chosen([*both, other], texts, 3, lines_tried=False) == [both[0], other, both[1]]
