"""What a model copies out of the tests into the code goes; everything else stays."""

from __future__ import annotations

import pytest

from qwenagent.tools import without_copies
from qwenagent.workspace import Edit

TEST = """import unittest

from calc import add


def helper(n):
    return n + 1


class Add(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)
"""
OLD = "def sub(a, b):\n    return a - b\n"
CODE = OLD + "\n\ndef add(a, b):\n    return a + b\n"
COPIED = TEST[TEST.index("class Add") :]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (OLD, CODE, CODE),
        (OLD, f"{CODE}\n\n{COPIED}", CODE),
        (None, f"{COPIED}\n\n{CODE}", f"\n\n{CODE}"),
        (OLD, f"{CODE}\n\n{COPIED.replace('5', '6')}", f"{CODE}\n\n{COPIED.replace('5', '6')}"),
        (f"{OLD}\n\n{COPIED}", f"{CODE}\n\n{COPIED}", f"{CODE}\n\n{COPIED}"),
        (OLD, f"{CODE}\n\ndef helper(n):\n    return n + 1\n", CODE),
        (OLD, "not code (", "not code ("),
    ],
    ids=["nothing", "appended", "before", "another", "was there", "helper", "broken"],
)
def test_copied_definitions(old: str | None, new: str, expected: str) -> None:
    edit = Edit("calc.py", old, new)
    assert without_copies(edit, [("test_calc.py", TEST)]) == Edit("calc.py", old, expected)


def test_no_tests_no_change() -> None:
    edit = Edit("calc.py", OLD, f"{CODE}\n\n{COPIED}")
    assert without_copies(edit, []) is edit
