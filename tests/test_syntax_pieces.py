"""Statements with their comments, what stands around a line, texts of several lines."""

from __future__ import annotations

import pytest

from qwenagent.syntax import Container, enclosing, literals, pieces

PYTHON = '''"""Doc."""
import os
# Of A.

# On A.
@decorated
class A:
    """Doc."""
    x = 1  # one

    # On f.
    def f(self): pass
'''
RUST = "mod m {\n    impl<T> std::fmt::Display for S<T> {\n        fn f(&self) {}\n    }\n}\n"


def test_pieces_of_python():
    found = pieces("a.py", PYTHON)
    assert [(p.kind, p.first_line, p.code_line, p.last_line) for p in found] == [
        ("docstring", 1, 1, 1),
        ("import", 2, 2, 2),
        ("comment", 3, 3, 3),
        ("definition", 5, 6, 12),
    ]
    assert [(p.kind, p.first_line, p.code_line, p.last_line) for p in found[3].inside] == [
        ("docstring", 8, 8, 8),
        ("statement", 9, 9, 9),
        ("definition", 11, 12, 12),
    ]


def test_a_definition_as_its_users_see_it():
    [piece] = pieces("a.ts", "export class A {\n  @get()\n  static f ( a: number ): void {}\n}\n")
    [member] = piece.inside
    [declared] = member.declared
    assert (declared.name, declared.opening) == ("f", "@get() static")
    assert (declared.head, declared.has_body) == ("@get()staticf(a:number):void", True)


@pytest.mark.parametrize(
    ("path", "text", "line", "expected"),
    [
        ("a.rs", RUST, 3, (Container("m"), Container("S", "Display"))),
        ("a.go", "package a\n\nfunc (s *S) F() {\n}\n", 3, ()),
        ("a.cpp", "namespace n {\nvoid S::f() {\n}\n}\n", 2, (Container("n"),)),
        ("a.py", PYTHON, 12, (Container("A"),)),
        ("a.py", PYTHON, 6, ()),
        ("a.txt", "x\n", 1, ()),
    ],
)
def test_what_stands_around_a_line(path, text, line, expected):
    assert enclosing(path, text, line) == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", 'x = """a\nb"""\ny = "c"\n', [range(2, 3)]),
        ("a.rb", "x = <<T\nhi\nT\ny = 1\n", [range(2, 4)]),
        ("a.php", "public function f() {\n    return <<<T\n  a\n  T;\n}\n", [range(3, 5)]),
        ("a.txt", '"""\na\n"""\n', []),
    ],
)
def test_lines_inside_of_texts(path, text, expected):
    assert list(literals(path, text)) == expected
