from __future__ import annotations

import warnings

import pytest

from qwenagent.tools import refusal
from qwenagent.workspace import Edit

OMITTED = [
    ("a.py", "# ..."),
    ("a.py", "    # ... rest of the code"),
    ("a.py", "# ... existing code ..."),
    ("a.py", "# (rest of the class)"),
    ("a.py", "# Rest of the code remains the same"),
    ("a.py", "    # The rest of the implementation goes here"),
    ("a.py", "# rest of the function is unchanged"),
    ("a.py", "# existing code here"),
    ("a.py", "# [existing code]"),
    ("a.py", "# Existing methods here"),
    ("a.py", "# Other methods remain unchanged"),
    ("a.py", "# unchanged"),
    ("a.py", "# (unchanged)"),
    ("a.py", "# same as before"),
    ("a.py", "# ... (other functions) ..."),
    ("a.py", "# Your code here"),
    ("a.py", "    # add your implementation here"),
    ("a.py", "    pass  # rest of the code"),
    ("a.py", "    ...  # existing implementation goes here"),
    ("a.js", "// ... existing code ..."),
    ("a.js", "  // other methods stay the same"),
    ("a.ts", "/* ... */"),
    ("a.tsx", "{/* ... rest of the component code ... */}"),
    ("a.go", "\t// implementation omitted for brevity"),
    ("a.rs", "// …"),
    ("A.java", "    // ... other methods ..."),
    ("A.java", "    // Other constructors remain unchanged"),
    ("a.c", "/* rest of the includes */"),
    ("a.h", "/* other prototypes remain the same */"),
    ("a.cpp", "// existing members here"),
    ("a.rb", "  # ... rest of the module ..."),
    ("a.php", "    # existing methods here"),
    ("a.php", "// remaining constants unchanged"),
    ("a.html", "<!-- rest of the file -->"),
    ("a.sql", "-- remaining code unchanged"),
    ("a.md", "<!-- ... -->"),
]
FINE = [
    ("a.py", "# the rest of the list is sorted"),
    ("a.py", "# The remaining methods are tried in order"),
    ("a.py", "# Remaining code points are escaped"),
    ("a.py", "# Existing users keep their old limit"),
    ("a.py", "# existing files are overwritten"),
    ("a.py", "# other methods of payment are refused"),
    ("a.py", "# Other imports"),
    ("a.py", "# unchanged rows are skipped"),
    ("a.py", "# Same as before, but for empty lists"),
    ("a.py", "# same file name in both folders"),
    ("a.py", "x = 1  # unchanged"),
    ("a.py", "    >>> f()  # ..."),
    ("a.py", "    ..."),
    ("a.py", "def f() -> None: ..."),
    ("a.py", "#!/usr/bin/env python"),
    ("a.py", "# -----"),
    ("a.py", "#"),
    ("a.py", "# here the previous token is consumed"),
    ("a.py", "# imports"),
    ("a.py", "# ... and if it is not there, we go on with the next one in the list"),
    ("a.js", "// rest parameters are an array"),
    ("a.c", "#include <rest.h>"),
    ("a.c", "#endif  // existing code"),
    ("a.cpp", "// Constructors"),
    ("a.cpp", "// members are declared in the order of the struct"),
    ("a.php", "#[Existing]"),
    ("a.c", " * the remaining members"),
    ("a.js", "f(...rest);"),
    ("a.ts", "/** Returns the rest. */"),
    ("a.c", "#include <rest.h>"),
    ("a.md", "# Rest of the code"),
    ("a.sql", "-- previous balance"),
]


@pytest.mark.parametrize(("path", "line"), OMITTED)
def test_a_comment_in_place_of_code(path, line):
    # An unknown suffix for the text around it: only the comment is judged here.
    expected = f"{line.strip()!r} stands for code that is missing; write all of the code"
    assert refusal(Edit(path, "x\n", f"{line}\n"), "") == expected
    assert "stands for code" not in refusal(Edit(path, f"{line}\n", f"{line}\ny = 1\n"), "")


@pytest.mark.parametrize(("path", "line"), FINE)
def test_a_comment_about_code(path, line):
    assert "stands for code" not in refusal(Edit(path, "x\n", f"{line}\n"), "")


CLASS = (
    "LIMIT = 1\n\n\nclass A:\n    def f(self):\n        pass\n\n    def g(self):\n        pass\n"
)
OLD_STUB = "def f():\n    # TODO\n    pass\n"
WITH_MAIN = CLASS + '\n\nif __name__ == "__main__":\n    A()\n'


@pytest.mark.parametrize(
    ("edit", "request_text", "expected"),
    [
        (Edit("a.py", None, "x = 1\n"), "", ""),
        (Edit("a.py", "x = 1\n", "x = 2\n"), "", ""),
        (Edit("a.py", None, " \n"), "", "a.py would be empty; write the whole code"),
        (Edit("p/__init__.py", None, ""), "", ""),
        (Edit("p/__init__.py", "x = 1\n", ""), "",
         "p/__init__.py would be empty; write the whole code"),
        (Edit("a.py", "x = 1\n", "x = 1\n"), "",
         "that leaves a.py as it is; write the changed code"),
        (Edit("a.py", "x = 1\n", "x = (\n"), "",
         "a.py would not parse: line 1: '(' was never closed at 'x = ('; "
         "write it again without the error"),
        (Edit("a.py", "def f(:\n", "def f(:\n    pass\n"), "", ""),
        (Edit("a.txt", "x = (\n", "x = ((\n"), "", ""),
        (Edit("a.py", CLASS, CLASS.replace("    def g(self):\n        pass\n", "")),
         "Change f of the class A", "a.py would lose A.g; keep everything that is not to change"),
        (Edit("a.py", CLASS, CLASS.replace("    def g(self):\n        pass\n", "")),
         "Remove `g` from A", ""),
        (Edit("a.py", CLASS, CLASS.replace("class A", "class B")), "rename A to B", ""),
        (Edit("a.py", CLASS, CLASS.replace("class A", "class B")), "Add to A and say so",
         "a.py would lose A, A.f, A.g; keep everything that is not to change"),
        (Edit("a.py", "x = 1\n", "x = 1\ndef f():\n    # Implement this here\n    pass\n"), "",
         "f in a.py does nothing yet; write its code"),
        (Edit("a.py", "x = 1\n", "x = json.loads('1')\n"), "",
         "a.py uses json without importing or defining it"),
        (Edit("a.py", "x = gone\n", "x = gone + 1\n"), "", ""),
        (Edit("a.py", "", "from a import *\nx = maybe\n"), "", ""),
        (Edit("a.py", "", "def f():\n    # nothing to do on Linux\n    pass\n"), "", ""),
        (Edit("a.py", OLD_STUB, OLD_STUB + "x = 1\n"), "", ""),
        (Edit("a.py", "x = 1\n", "x = 1\ndef f(a):\n    # Add one\n    return a + 1\n"), "", ""),
        (Edit("a.py", CLASS, CLASS.replace("class A", "class B")), "Apply it",
         "a.py would lose A, A.f, A.g; keep everything that is not to change"),
        (Edit("a.py", CLASS, CLASS.removeprefix("LIMIT = 1\n\n\n")), "Change A",
         "a.py would lose LIMIT; keep everything that is not to change"),
        (Edit("a.py", CLASS, CLASS.removeprefix("LIMIT = 1\n\n\n")), "Drop LIMIT", ""),
        (Edit("a.py", WITH_MAIN, CLASS), "",
         'a.py would lose if __name__ == "__main__"; keep everything that is not to change'),
        (Edit("a.py", WITH_MAIN, CLASS), "drop the `__main__` part", ""),
        (Edit("a.py", "".join(f"def f{i}(): pass\n" for i in range(7)), "x = 1\n"), "drop f1",
         "a.py would lose f0, f2, f3, f4, f5 and 1 more; keep everything that is not to change"),
    ],
)  # fmt: skip
def test_refusals(edit, request_text, expected):
    assert refusal(edit, request_text) == expected


@pytest.mark.parametrize(
    ("path", "lost", "text"),
    [
        ("a.js", "A.g", "class A {\n  f() {}\n@  g() {}\n@}\n"),
        ("a.jsx", "View", "const x = 1\n@function View() {\n  return <p/>\n}\n@"),
        ("a.ts", "Shape", "type A = 1\n@interface Shape {\n  a: number\n}\n@"),
        ("a.tsx", "View", "type A = 1\n@export const View = () => <p/>\n@"),
        ("a.go", "Store.Load", "package a\n\ntype Store struct{}\n@\nfunc (s Store) Load() {}\n@"),
        ("a.rs", "Store.load", "struct Store;\nimpl Store {\n@    fn load() {}\n@}\n"),
        ("a.java", "A.g", "class A {\n  void f() {}\n@  void g() {}\n@}\n"),
        ("a.c", "g", "int f(void) { return 1; }\n@int g(void) { return 2; }\n@"),
        ("a.cpp", "g", "int f() { return 1; }\n@int g() { return 2; }\n@"),
        ("a.rb", "A.g", "class A\n  def f\n  end\n@  def g\n  end\n@end\n"),
        ("a.php", "g", "<?php\nfunction f() {}\n@function g() {}\n@"),
    ],
)
def test_a_symbol_that_vanishes_is_named_in_every_language(path, lost, text):
    before, _, after = text.split("@")
    old, new = text.replace("@", ""), before + after
    assert refusal(Edit(path, old, new), "Change the file") == (
        f"{path} would lose {lost}; keep everything that is not to change"
    )
    assert refusal(Edit(path, old, new), f"Remove {lost}") == ""


def test_what_python_warns_of_is_not_said_on_the_screen():
    edit = Edit("a.py", None, 'x = "\\d"\nprint(missing)\n')
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert "a.py uses missing without" in refusal(edit, "")
    assert told == []


def test_a_comment_as_long_as_a_book_is_looked_at_in_no_time():
    assert refusal(Edit("a.py", None, f"x = 1\n#{' ' * 200_000}x\n"), "") == ""
