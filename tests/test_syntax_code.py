"""What of a text is code: comments and docstrings are not, strings are."""

from __future__ import annotations

import pytest

from qwenagent.syntax import code_lines, code_spans

PYTHON = '''"""Says é."""

import os  # for later


def f(a):
    """Return it.

    Twice.
    """
    return "# no comment", a  # é
'''


def code_of(path: str, text: str) -> str:
    return "|".join(text[start:end].strip() for start, end in code_spans(path, text))


def test_python():
    assert code_of("a.py", PYTHON) == 'import os|def f(a):|return "# no comment", a|'


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        ("a.js", "/* é */ let a = 1; // b\nlet s = '// c';\n", "|let a = 1;|let s = '// c';"),
        ("a.rs", "/// Doc.\nfn f() {} // x\n", "fn f() {}"),
        ("a.go", "package a // x\n", "package a|"),
        ("a.txt", "# all of it\n", "# all of it"),
        ("a.py", "", ""),
        ("a.py", "# only\n", "|"),
    ],
)
def test_other_languages(path, text, code):
    assert code_of(path, text).strip("|") == code.strip("|")


@pytest.mark.parametrize("path", ["a.py", "a.js"])
def test_code_may_be_nested_deeper_than_python_calls(path):
    comment = "#" if path == "a.py" else "//"
    text = f"x = {' + '.join(['y'] * 3000)} {comment} a sum\n"
    assert code_of(path, text) == f"{text.split(comment)[0].strip()}|"
    assert code_lines(path, text) == [text.split(comment)[0].strip()]


def test_spans_are_characters():
    text = "# éé\nx = 1\n"
    [*_, (start, end)] = code_spans("a.py", text)
    assert text[start:end] == "\nx = 1\n"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1\n", "# first\nx = 1  # one\n\n", True),
        ("x = 1\n", '"""Doc."""\nx = 1\n', True),
        ("if x:\n    y()\n", "if x:\ny()\n", False),
        ("x = '#'\n", "x = ''\n", False),
    ],
)
def test_code_lines(one, other, same):
    assert (code_lines("a.py", one) == code_lines("a.py", other)) is same


@pytest.mark.parametrize("path", ["a.py", "a.go"])
def test_blanks_within_a_line_are_no_code(path):
    assert code_lines(path, "x  =   1\n") == code_lines(path, "x = 1\n")


def test_margins_are_code_in_python_alone():
    one, other = "if x {\n  y()\n}\n", "if x {\n      y()\n}\n"
    assert code_lines("a.go", one) == code_lines("a.go", other)
    assert code_lines("a.py", "if x:\n  y()\n") != code_lines("a.py", "if x:\ny()\n")
