from __future__ import annotations

import pytest

from qwenagent.tools.indent import in_style_of

FOUR = "def f():\n    if x:\n        y\n"
TWO = "def f():\n  if x:\n    y\n"
TAB = "def f():\n\tif x:\n\t\ty\n"
ALIGNED = "def f(a,\n      b):\n    y\n"
TEXT = 'def f():\n    x = """\n  a\n    b\n"""\n    y\n'


@pytest.mark.parametrize(
    ("path", "old", "body", "expected"),
    [
        ("a.py", TAB, FOUR, TAB),
        ("a.py", TAB, TWO, TAB),
        ("a.py", TWO, TAB, TWO),
        ("a.py", FOUR, TAB, FOUR),
        ("a.py", TWO, FOUR, TWO),
        ("a.py", FOUR, TWO, FOUR),
        ("a.js", TWO, FOUR, TWO),
        ("a.txt", TAB, FOUR, TAB),
        ("a.txt", TWO, FOUR, FOUR),  # may be no code, where a step means nothing
        ("a.py", TWO + "\ty\n", FOUR, FOUR),
        ("a.py", TWO, TAB + "  y\n", TAB + "  y\n"),
        ("a.py", TWO, ALIGNED, ALIGNED),
        ("a.py", TWO, TEXT, 'def f():\n  x = """\n  a\n    b\n"""\n  y\n'),
        ("a.py", "x = 1\n", FOUR, FOUR),
        ("a.py", TWO, "x = 1\n", "x = 1\n"),
        ("a.py", TWO, "", ""),
        ("a.py", "", FOUR, FOUR),
        ("Makefile", "all:\n\tmake\n", "test:\n    pytest\n", "test:\n\tpytest\n"),
        ("a.java", "class A {\n  /**\n   * x\n   */\n  int a;\n}\n", "int b() {\n    y;\n}\n",
         "int b() {\n  y;\n}\n"),
    ],
)  # fmt: skip
def test_the_style_of_the_file(path, old, body, expected):
    assert in_style_of(path, old, body) == expected


@pytest.mark.parametrize("body", ["        x = 1\n", "        x = 1\n        y = 2\n"])
def test_a_piece_from_the_middle_stays_where_it_is(body):
    old = "def f():\n    if a:\n        x = 2\n"
    assert in_style_of("a.py", old, body) == body
