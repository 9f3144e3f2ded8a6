from pathlib import Path

import pytest

from qwenagent.syntax import syntax_error

GOOD = {
    "a.py": "def f():\n    return 1\n",
    "a.js": "function f() {\n  return 1;\n}\n",
    "a.ts": "function f(a: string): number {\n  return 1;\n}\n",
    "a.tsx": "const a = <div>{f(1)}</div>;\n",
    "a.go": "package a\n\nfunc f() int {\n\treturn 1\n}\n",
    "a.rs": "fn f() -> u8 {\n    1\n}\n",
}


@pytest.mark.parametrize("path", GOOD)
def test_good_text_has_no_error(path: str) -> None:
    good = GOOD[path]
    assert syntax_error(path, "", good) == ""
    assert syntax_error(path, good, good + "\n") == ""
    assert syntax_error(path, good, "") == ""


@pytest.mark.parametrize(
    ("path", "after", "message"),
    [
        ("a.py", "def f():\nreturn 1\n", "line 2: expected an indented block"),
        ("a.py", "x = (1\n", "line 1: '(' was never closed at 'x = (1'"),
        ("a.py", "x = 1\nreturn x\n", "line 2: 'return' outside function"),
        ("a.py", "def f(a, a): ...\n", "line 1: duplicate"),
        ("a.py", "print 'a'\n", "line 1: Missing parentheses"),
        ("a.py", "größe = = 1\n", "line 1: invalid syntax at 'größe = = 1'"),
        ("a.py", "x = '\x00'\n", "null byte"),
        ("a.py", "x = '\ud800'\n", "not readable as Python"),
        ("a.pyi", "class A:\n", "line 1: expected an indented block"),
        ("a.js", "function f() {\n  return (1;\n}\n", "line 2: syntax error at 'return (1;'"),
        ("a.js", "function f() {\n", "line 1: syntax error at 'function f() {'"),
        ("a.ts", "const a: = 1;\n", "line 1: syntax error at 'const a: = 1;'"),
        ("a.tsx", "const a = <div></div;\n", "line 1: syntax error"),
        ("a.go", "package a\n\nfunc f( {\n}\n", "line 3: syntax error at 'func f( {'"),
        ("a.rs", "fn é() {\n    let x = ;\n}\n", "line 2: syntax error at 'let x = ;'"),
    ],
)
def test_a_new_error_is_told(path: str, after: str, message: str) -> None:
    assert message in syntax_error(path, GOOD.get(path, ""), after)


def test_texts_of_other_files_are_not_read() -> None:
    assert syntax_error("a.txt", "", "def (((") == ""
    assert syntax_error("Makefile", "", "def (((") == ""


def test_an_error_that_was_there_before_is_no_new_one() -> None:
    before = "function f( {\n}\nfunction g() {}\n"
    assert syntax_error("a.js", before, before + "function h() {}\n") == ""
    assert syntax_error("a.js", before, GOOD["a.js"]) == ""


def test_the_new_error_is_told_not_the_old_one() -> None:
    before = "let a = ;\nlet b = 1;\n"
    after = "let a = ;\nlet b = 1;\nlet c = ;\n"
    assert syntax_error("a.js", before, after) == "line 3: syntax error at 'let c = ;'"


def test_python_of_another_version_is_read_by_tree_sitter() -> None:
    before = "print 'a'\n"
    assert syntax_error("a.py", before, "print 'b'\n") == ""
    assert "syntax error" in syntax_error("a.py", before, "print 'b'\ndef f(:\n    pass\n")


def test_warnings_of_the_compiler_are_no_errors() -> None:
    assert syntax_error("a.py", "", "import re\nre.match('\\d', '1')\nassert (1, 'x')\n") == ""


def test_what_is_checked_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert syntax_error("a.py", "", f"open({str(mark)!r}, 'w').close()\n") == ""
    assert not mark.exists()


@pytest.mark.parametrize("path", GOOD)
def test_deep_and_long_texts(path: str) -> None:
    deep = "(" * 5_000 + "1" + ")" * 5_000
    long = GOOD[path] * (1 if path == "a.go" else 2_000)
    assert syntax_error(path, long, long) == ""
    assert isinstance(syntax_error(path, "", GOOD[path] + deep), str)
    assert syntax_error(path, "", GOOD[path] + "(" * 5_000) != ""
