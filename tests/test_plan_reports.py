"""Assertions in pasted output of failed tests are examples of a step."""

from __future__ import annotations

import pytest

from qwenagent.plan import Example
from qwenagent.plan.examples.finding import find_examples

PYTEST = """F.                                                       [100%]
=================================== FAILURES ===================================
______________________________ SumTest.test_two ________________________________
sum_test.py:9: in test_two
    {line}
E   AssertionError: {message}
=========================== short test summary info ============================
FAILED sum_test.py::SumTest::test_two - AssertionError: 3 != 2
"""


def examples(line: str, message: str = "3 != 2") -> list[tuple[str, str]]:
    text = PYTEST.replace("{line}", line).replace("{message}", message)
    found = find_examples(f"# Mend it\n\nThe tests did not pass:\n\n```\n{text}```\n")
    return [(one.call, one.expected) for one in found]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("self.assertEqual(add(1, 1), 2)", [("add(1, 1)", "2")]),
        ("self.assertEqual(2, add(1, 1))", [("add(1, 1)", "2")]),
        ('self.assertEqual(add(1, 1), 2, "one, two")', [("add(1, 1)", "2")]),
        ("self.assertIs(is_odd(1), True)", [("is_odd(1)", "True")]),
        ("self.assertTrue(is_odd(1))", [("is_odd(1)", "True")]),
        ("self.assertFalse(is_odd(2))", [("is_odd(2)", "False")]),
        ("self.assertIsNone(find([], 1))", [("find([], 1)", "None")]),
        ("assert add(1, 1) == 2", [("add(1, 1)", "2")]),
        (">       assert add(1, 1) == 2", [("add(1, 1)", "2")]),
        ("assert add([1,\n      1]) == [\n    2,\n]", [("add([1, 1])", "[2]")]),
        ("self.assertEqual(\n        add(1, 1),\n        2,\n    )", [("add(1, 1)", "2")]),
        ('self.assertEqual(Grid("1 2").row(1), [1, 2])', [("Grid('1 2').row(1)", "[1, 2]")]),
        ("self.assertEqual(str(Clock(8, 0)), '08:00')", [("str(Clock(8, 0))", "'08:00'")]),
        ("self.assertEqual(add(1, 1), expected)", [("add(1, 1)", "2")]),
        ("self.assertEqual(grid.row(1), 2)", []),
        ("self.assertEqual(add(x, 1), 2)", []),
        ("self.assertEqual(x, 2)", []),
        ("self.assertIn(2, add(1, 1))", []),
        ("self.assertAlmostEqual(add(1, 1), 2)", []),
        ("assert add(1, 1)", []),
        ("assert add(1, 1) != 3", []),
        ("raise AssertionError(2)", []),
    ],
)
def test_assertions(line, found):
    assert examples(line) == found


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Lists differ: [1] != [2, 3]", [("rows(1)", "[2, 3]")]),
        ("'a' != 'b'", [("rows(1)", "'b'")]),
        ("Lists differ: [1, 2[12 chars]5] != [2, 3[12 chars]6]", []),
        ("<Row 1> != <Row 2>", []),
    ],
)
def test_a_value_that_only_the_message_has(message, found):
    assert examples("self.assertEqual(rows(1), expected)", message) == found


def test_what_it_says_for_people():
    text = PYTEST.replace("{line}", "assert add(1, 1) == 2").replace("{message}", "")
    [one] = find_examples(f"Mend it.\n\n```\n{text}```\n")
    assert one == Example("assert add(1, 1) == 2", "add(1, 1)", "2")


def test_a_program_is_no_report():
    assert find_examples("Mend it.\n\n```python\nx = 1\nassert add(x, 1) == 2\n```\n") == ()


def test_assertions_that_contradict_each_other_are_left_out():
    text = "E   AssertionError\nassert add(1, 1) == 2\nassert add(1, 1) == 3\n"
    assert find_examples(f"Mend it.\n\n```\n{text}```\n") == ()


def test_a_huge_report_is_read_in_part_and_quickly():
    line = "    self.assertEqual(add(1, 1), 2)\nE   AssertionError: 3 != 2\n"
    text = "".join(line.replace("(1,", f"({n},") for n in range(400))
    assert len(find_examples(f"Mend it.\n\n```\n{text}```\n")) == 20
