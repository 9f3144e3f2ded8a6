from __future__ import annotations

import pytest

from qwenagent.tools.indent import in_style_of, indented

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
        ("a.java", "class A {\n  /**\n   * x\n   */\n  void a() {\n    x;\n  }\n}\n",
         "int b() {\n    y;\n}\n",
         "int b() {\n  y;\n}\n"),
        ("a.java", "class A {\n  void a() {\n    x;\n  }\n}\n",
         "/**\n * X.\n */\nint b() {\n    y;\n}\n",
         "/**\n * X.\n */\nint b() {\n  y;\n}\n"),
    ],
)  # fmt: skip
def test_the_style_of_the_file(path, old, body, expected):
    assert in_style_of(path, old, body) == expected


@pytest.mark.parametrize("body", ["        x = 1\n", "        x = 1\n        y = 2\n"])
def test_a_piece_from_the_middle_stays_where_it_is(body):
    old = "def f():\n    if a:\n        x = 2\n"
    assert in_style_of("a.py", old, body) == body


ARGUMENTS = """parser = argparse.ArgumentParser(prog="x",
                                 usage="y")


def main():
    if x:
        y
"""
USAGE = """'''Says:

usage: x
  one
  two:
    three
'''


def f():
    return 1
"""


@pytest.mark.parametrize(
    ("path", "old"),
    [
        ("a.py", "def area(width,\n         height):\n    return width\n"),
        ("a.py", ARGUMENTS),
        ("a.py", USAGE),
        ("a.py", "f(a,\n  {\n  b: 1})\ng(a,\n  b)\n"),
        ("a.py", "# a:\n  # b\n# a:\n  # b\ndef f():\n  return 1\n"),
        ("a.py", "def f():\n     return 1\ndef g():\n     return 1\n"),
        ("a.js", "foo(a,\n     b);\nbar(a,\n     b);\n"),
        ("a.go", "package a\n\n/*\nif x {\n  y\nif x {\n  y\n*/\nvar a = `\n{\n  b\n{\n  b\n`\n"),
        ("a.java", "int f(int a,\n      int b) {\n  return a;\n}\n"),
    ],
)
def test_what_is_aligned_is_no_step(path, old):
    assert in_style_of(path, old, FOUR) == FOUR


def test_blocks_that_end_with_a_word():
    two = "def f\n  if a\n    b\n  end\n  c.each do |d|\n    e\n  end\nend\n"
    four = "def f\n    if a\n        b\n    end\nend\n"
    assert in_style_of("a.rb", two, four) == "def f\n  if a\n    b\n  end\nend\n"


TEXTS = [
    ("a.js", "f() {\n  return `a\nb\n    c\n  `;\n}"),
    ("a.ts", "f(): string {\n  return `a\nb\n    c\n  `;\n}"),
    ("a.php", "public function f()\n{\n  return <<<EOT\n    a\n\n  b\n  EOT;\n}"),
    ("a.rb", "def f\n  x = <<~T\n    a\n  T\n  x\nend"),
    ("a.go", "func f() {\n  return `a\n  b\n`\n}"),
    ("a.rs", 'fn f() {\n  x(r#"a\n    b\n"#)\n}'),
    ("A.java", 'String f() {\n  return """\n    a\n    """;\n}'),
    ("a.cpp", 'auto f() {\n  return R"(a\n  b\n)";\n}'),
    ("a.py", 'def f():\n  return """\nA\n    b\n  """'),
]
INSIDE = {
    "a.js": (3, 4, 5), "a.ts": (3, 4, 5), "a.php": (4, 5, 6, 7), "a.rb": (3, 4), "a.go": (3, 4),
    "a.rs": (3, 4), "A.java": (3, 4), "a.cpp": (3, 4), "a.py": (3, 4, 5),
}  # fmt: skip


@pytest.mark.parametrize(("path", "body"), TEXTS)
def test_texts_stay_as_they_are_when_code_moves(path, body):
    rows = body.split("\n")
    moved = [row if n in INSIDE[path] else f"    {row}" for n, row in enumerate(rows, 1)]
    assert indented(path, body, "    ") == moved
    assert indented(path, "\n".join(moved), "    ") == moved
    assert indented(path, "\n".join(moved), "") == rows


@pytest.mark.parametrize(("path", "body"), TEXTS)
def test_texts_stay_as_they_are_when_code_is_stepped_anew(path, body):
    rows = body.split("\n")
    stepped = [
        row if n in INSIDE[path] or not row.startswith(" ") else f"  {row}"
        for n, row in enumerate(rows, 1)
    ]
    four = (
        "class A:\n    def f():\n        g\n" if path.endswith(".py") else "{\n    {\n        {\n"
    )
    four = "def f\n    if a\n        b\n" if path.endswith(".rb") else four
    assert in_style_of(path, four, f"{body}\n") == "\n".join(stepped) + "\n"


def test_a_docstring_moves_with_its_function():
    body = 'def f():\n    """Say.\n\n      More.\n    """'
    moved = ["  def f():", '      """Say.', "", "        More.", '      """']
    assert indented("a.py", body, "  ") == moved
