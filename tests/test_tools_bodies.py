"""What a body has around the code that was asked for: kept where it is new, else left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import make_edit, refusal
from qwenagent.workspace import Repository, Workspace


@pytest.fixture
def tree(repo: Path) -> Workspace:
    return Workspace(Repository.open(repo))


def edited(tree: Workspace, path: str, old: str, name: str, symbol: str, body: str) -> str:
    """The file's text after a call, which must be one that the guard lets through."""
    (tree.root / path).write_text(old, encoding="utf-8")
    tree.refresh()
    key = "symbol" if name == "replace_symbol" else "after"
    edit = make_edit(tree, ToolCall(name, {"path": path, key: symbol}, body))
    assert refusal(edit, "Change it") == ""
    assert edit.new is not None
    return edit.new


def inserted(tree: Workspace, path: str, old: str, after: str, body: str) -> str:
    return edited(tree, path, old, "insert_symbol", after, body)


def replaced(tree: Workspace, path: str, old: str, symbol: str, body: str) -> str:
    return edited(tree, path, old, "replace_symbol", symbol, body)


GO = """package store

import "fmt"

type Store struct{ rows map[string]int }

// Get returns one.
func (s *Store) Get(k string) int { return s.rows[k] }
"""
GO_PUT = """// Put keeps one.
func (s *Store) Put(k string, n int) {
\ts.rows[norm(k)] = n
}

func norm(k string) string {
\treturn k
}
"""
CPP = """#include <map>

int Store::get(int k) {
  return rows[k];
}
"""
CPP_SET = """void Store::set(int k, int n) {
  rows[k] = clamp(n);
}

static int clamp(int n) {
  return n < 0 ? 0 : n;
}
"""
RUST = """use std::fmt;

struct Store {
    n: u32,
}

impl Store {
    fn get(&self) -> u32 {
        self.n
    }
}
"""
RUST_DISPLAY = """impl std::fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.n)
    }
}
"""
PY = "class A:\n    def a(self):\n        return 1\n"
TS = "export class A {\n  a(): number {\n    return 1;\n  }\n}\n"
JAVA = "class A {\n    int add(int a, int b) {\n        return a + b;\n    }\n}\n"
RUBY = "class A\n  def a\n    1\n  end\nend\n"
PHP = "<?php\nclass A\n{\n    public function a()\n    {\n        return 1;\n    }\n}\n"


@pytest.mark.parametrize(
    ("path", "old", "after", "body", "expected"),
    [
        ("a.go", GO, "Store.Get", GO_PUT, f"{GO}\n{GO_PUT}"),
        ("a.go", GO, "Store.Get", "package store\n\n" + GO_PUT, f"{GO}\n{GO_PUT}"),
        ("a.cpp", CPP, "Store.get", CPP_SET, f"{CPP}\n{CPP_SET}"),
        ("a.rs", RUST, "Store.get", RUST_DISPLAY, f"{RUST}\n{RUST_DISPLAY}"),
        ("a.rs", RUST, "Store.get",
         "impl Store {\n    const MAX: u32 = 3;\n\n    /// Says it.\n"
         "    fn put(&mut self) {}\n}\n\n"
         "fn helper() {}\n",
         RUST[:-2] + "\n    const MAX: u32 = 3;\n\n    /// Says it.\n    fn put(&mut self) {}\n}\n"
         "\nfn helper() {}\n"),
        ("a.py", PY, "A.a", "class A:\n    limit = 10\n\n    # Two.\n    def b(self):\n"
         "        return 2\n",
         PY + "\n    limit = 10\n\n    # Two.\n    def b(self):\n        return 2\n"),
        ("a.py", PY, "A.a",
         'class A:\n    """Doc."""\n\n    # ... existing methods\n\n    def a(self):\n'
         '        pass\n\n'
         "    def b(self):\n        return help_it()\n\n\ndef help_it():\n    return 2\n",
         PY + "\n    def b(self):\n        return help_it()\n\n\ndef help_it():\n    return 2\n"),
        ("a.ts", TS, "A.a",
         "export class A {\n  private n: number = 1;\n\n  /** Two. */\n  b(): number {\n"
         "    return 2;\n  }\n}\n",
         TS[:-2] + "\n  private n: number = 1;\n\n  /** Two. */\n  b(): number {\n"
         "    return 2;\n  }\n}\n"),
        ("A.java", JAVA, "A.add",
         "class A {\n    private int n = 1;\n\n    /** Two. */\n    int two() {\n"
         "        return n;\n    }\n}\n",
         JAVA[:-2] + "\n    private int n = 1;\n\n    /** Two. */\n    int two() {\n"
         "        return n;\n    }\n}\n"),
        ("a.rb", RUBY, "A.a",
         "class A\n  attr_reader :x\n\n  # Two.\n  def b\n    2\n  end\nend\n",
         RUBY[:-4] + "\n  attr_reader :x\n\n  # Two.\n  def b\n    2\n  end\nend\n"),
        ("a.php", PHP, "A.a",
         "<?php\nclass A\n{\n    private $n = 1;\n\n    /** Two. */\n    public function b()\n"
         "    {\n"
         "        return 2;\n    }\n}\n",
         PHP[:-2] + "\n    private $n = 1;\n\n    /** Two. */\n    public function b()\n    {\n"
         "        return 2;\n    }\n}\n"),
    ],
)  # fmt: skip
def test_all_that_is_new_is_inserted(tree, path, old, after, body, expected):
    assert inserted(tree, path, old, after, body) == expected


def test_a_class_on_one_line_around_the_code_is_refused(tree):
    with pytest.raises(EditRefused, match=r"^write the code alone, without A around it$"):
        inserted(tree, "a.ts", TS, "A.a", "class A { b() { return 2; } }")


# -- what stands around the code of a symbol ----------------------------------------------------


@pytest.mark.parametrize(
    ("path", "old", "symbol", "body", "expected"),
    [
        ("a.py", '"""Doc."""\n\nH = {}\n\n\ndef f():\n    return 1\n', "f",
         'from os import (\n    path,\n    sep,\n)\n\n# a.py\n# Two.\ndef f():\n'
         '    return path, sep\n\n\n'
         'H["f"] = f\n\nprint(f())\n\nif __name__ == "__main__":\n    f()\n',
         '"""Doc."""\n\nfrom os import (\n    path,\n    sep,\n)\n\nH = {}\n\n\n# Two.\ndef f():\n'
         '    return path, sep\n\n\nH["f"] = f\n'),
        ("a.py", "# Old.\ndef f():\n    return 1\n", "f", "# New.\ndef f():\n    return 1\n",
         "# New.\ndef f():\n    return 1\n"),
        ("a.py", "# Old.\ndef f():\n    return 1\n", "f", "def f():\n    return 2\n",
         "# Old.\ndef f():\n    return 2\n"),
        ("a.py", "import os\n\n\n" + PY, "A.a",
         "import os\nimport re\n\nclass A:\n    def a(self):\n        return re, self._b()\n\n"
         "    def _b(self):\n        return os\n",
         "import os\nimport re\n\n\nclass A:\n    def a(self):\n        return re, self._b()\n\n"
         "    def _b(self):\n        return os\n"),
        ("a.go", GO, "Store.Get",
         'package store\n\nimport (\n\t"fmt"\n\t"os"\n)\n\n// Get says one.\n'
         'func (s *Store) Get(k string) int '
         "{ return s.rows[k] }\n",
         GO.replace('"fmt"\n', '"fmt"\nimport "os"\n').replace("returns one", "says one")),
        ("a.go", GO.replace('"fmt"', '(\n\t"fmt"\n)'), "Store.Get",
         'import (\n\t"fmt"\n\t"os"\n)\n\nfunc (s *Store) Get(k string) int { return 1 }\n',
         GO.replace('"fmt"', '(\n\t"fmt"\n\t"os"\n)').replace("return s.rows[k]", "return 1")),
        ("a.rs", RUST, "Store.get",
         "use std::io;\nuse std::fmt;\n\nimpl Store {\n    /// One.\n    fn get(&self) -> u32 {\n"
         "        1\n    }\n}\n",
         RUST.replace("fmt;\n", "fmt;\nuse std::io;\n")
         .replace("    fn get", "    /// One.\n    fn get").replace("self.n\n", "1\n")),
        ("a.ts", "import { a } from 'a';\n\nexport function f() {\n  return a;\n}\n", "f",
         'import { a } from "a";\nimport {\n  b,\n} from "b";\n\n/** Two. */\n'
         'export function f() {\n'
         "  return b;\n}\n\nregister(f);\nconsole.log(f());\n",
         "import { a } from 'a';\nimport {\n  b,\n} from \"b\";\n\n/** Two. */\n"
         "export function f() {\n"
         "  return b;\n}\n\nregister(f);\n"),
        ("A.java", "package a;\n\n" + JAVA, "A.add",
         "package a;\n\nimport java.util.List;\n\nclass A {\n    /** Adds. */\n"
         "    int add(int a, int b) {\n        return b;\n    }\n}\n",
         "package a;\n\nimport java.util.List;\n\nclass A {\n    /** Adds. */\n"
         "    int add(int a, int b) {\n        return b;\n    }\n}\n"),
        ("a.cpp", CPP, "Store.get",
         "#include <map>\n#include <set>\n\n// Gets.\nint Store::get(int k) {\n  return 1;\n}\n",
         "#include <map>\n#include <set>\n\n// Gets.\nint Store::get(int k) {\n  return 1;\n}\n"),
        ("a.php", PHP, "A.a",
         "<?php\nuse X\\Y;\n\nclass A\n{\n    /** One. */\n    public function a()\n    {\n"
         "        return Y::z;\n    }\n}\n",
         "<?php\n\nuse X\\Y;\n\nclass A\n{\n    /** One. */\n    public function a()\n    {\n"
         "        return Y::z;\n    }\n}\n"),
        ("a.rb", "require 'a'\n\ndef f\n  1\nend\n", "f",
         "require 'a'\nrequire 'b'\n\n# Two.\ndef f\n  2\nend\n\nalias g f\nputs f\n",
         "require 'a'\nrequire 'b'\n\n# Two.\ndef f\n  2\nend\n\nalias g f\n"),
    ],
)  # fmt: skip
def test_what_stands_around_a_symbol_is_kept_if_it_is_new(tree, path, old, symbol, body, expected):
    assert replaced(tree, path, old, symbol, body) == expected


@pytest.mark.parametrize(
    ("path", "old", "symbol", "shown"),
    [
        ("a.py", "class A:\n    n = 1\n", "A", "a = A()\na.n = 2\nprint(a.n)\n"),
        ("a.py", "def f():\n    return 1\n", "f", "def test_f():\n    assert f() == 1\n"),
        ("a.js", "function f() {\n  return 1;\n}\n", "f", "const a = f();\nconsole.log(a);\n"),
        ("a.go", "package a\n\nfunc f() int {\n\treturn 1\n}\n", "f",
         "func main() {\n\tfmt.Println(f())\n}\n"),
        ("a.rs", "fn f() -> u8 {\n    1\n}\n", "f", "#[cfg(test)]\nmod tests {\n"
         "    use super::*;\n}\n"),
        ("a.php", "<?php\nfunction f() {\n    return 1;\n}\n", "f", "echo f();\n"),
        ("a.rb", "def f\n  1\nend\n", "f", "puts f\n"),
    ],
)  # fmt: skip
def test_what_shows_the_code_is_left_out(tree, path, old, symbol, shown):
    new = old.replace("1", "5")
    code = new.removeprefix("package a\n\n").removeprefix("<?php\n")
    assert replaced(tree, path, old, symbol, f"{code}\n{shown}") == new


def test_what_stands_beside_an_inner_class_goes_out_of_all(tree):
    old = "class O:\n    class I:\n        def f(self):\n            return 1\n\n    x = 1\n"
    body = "class I:\n    def g(self):\n        return h()\n\n\ndef h():\n    return 3\n"
    assert inserted(tree, "a.py", old, "O.I.f", body) == (
        "class O:\n    class I:\n        def f(self):\n            return 1\n\n"
        "        def g(self):\n            return h()\n\n    x = 1\n\n\ndef h():\n    return 3\n"
    )


def test_another_definition_of_the_file_is_not_written_twice(tree):
    old = "def f():\n    return 1\n\n\ndef g():\n    return 2\n"
    new = "def f():\n    return 3\n\n\ndef g():\n    return 2\n"
    assert replaced(tree, "a.py", old, "f", new) == new
    with pytest.raises(EditRefused, match=r"^a\.py has g, too; write the code of f alone$"):
        replaced(tree, "a.py", old, "f", new.replace("2", "4"))


# -- several definitions of one name ------------------------------------------------------------

PROPERTY = """class X:
    @property
    def y(self):
        return self._y

    @y.setter
    def y(self, v):
        self._y = v
"""
GETTER = "class X:\n    @property\n    def y(self):\n        return 1\n"
SETTER = "    @y.setter\n    def y(self, v):\n        self._y = int(v)\n"
ADDS = JAVA[:-2] + "\n    double add(double a, double b) {\n        return a + b;\n    }\n}\n"


@pytest.mark.parametrize(
    ("path", "old", "symbol", "body", "expected"),
    [
        ("a.py", PROPERTY, "X.y#2", f"{GETTER}\n{SETTER}", PROPERTY.replace("= v\n", "= int(v)\n")),
        ("a.py", PROPERTY, "X.y#2", f"class X:\n{SETTER}", PROPERTY.replace("= v\n", "= int(v)\n")),
        ("a.py", PROPERTY, "X.y#2", SETTER, PROPERTY.replace("= v\n", "= int(v)\n")),
        ("a.py", PROPERTY, "X.y", f"{GETTER}\n{SETTER}", PROPERTY.replace("self._y\n", "1\n")),
        ("A.java", ADDS, "A.add#2",
         ADDS.replace("return a + b", "return b"),
         ADDS[: -len("a + b;\n    }\n}\n")] + "b;\n    }\n}\n"),
        ("a.js", "class A {\n  get x() {\n    return 1;\n  }\n\n  set x(v) {\n"
         "    this.v = v;\n  }\n}\n",
         "A.x#2",
         "class A {\n  get x() {\n    return 2;\n  }\n\n  set x(v) {\n    this.v = 2;\n  }\n}\n",
         "class A {\n  get x() {\n    return 1;\n  }\n\n  set x(v) {\n    this.v = 2;\n  }\n}\n"),
    ],
)  # fmt: skip
def test_the_one_with_the_number(tree, path, old, symbol, body, expected):
    assert replaced(tree, path, old, symbol, body) == expected


@pytest.mark.parametrize(
    ("path", "old", "symbol", "body"),
    [
        ("a.py", PROPERTY, "X.y#2", GETTER),
        ("a.py", PROPERTY, "X.y#2", "@property\ndef y(self):\n    return 1\n"),
        ("a.py", PROPERTY, "X.y", f"class X:\n{SETTER}"),
        ("A.java", ADDS, "A.add#2", JAVA),
        ("A.java", ADDS, "A.add", "double add(double a, double b) {\n    return b;\n}\n"),
    ],
)
def test_another_one_of_the_name_is_refused(tree, path, old, symbol, body):
    with pytest.raises(EditRefused, match=rf"^the block has another (y|add) than {symbol};"):
        replaced(tree, path, old, symbol, body)


ADD = "double add(double a, double b) {\n    return a + b;\n}\n"


@pytest.mark.parametrize(
    ("path", "old", "after", "body", "expected"),
    [
        ("A.java", JAVA, "A.add", ADD, ADDS),
        ("a.py", PROPERTY.partition("\n    @y")[0], "X.y", SETTER,
         PROPERTY.replace("= v\n", "= int(v)\n")),
        ("a.py", "from typing import overload\n\n\n@overload\ndef f(a: int) -> int: ...\n", "f",
         "@overload\ndef f(a: str) -> str: ...\n\n\ndef f(a):\n    return a\n",
         "from typing import overload\n\n\n@overload\ndef f(a: int) -> int: ...\n\n\n"
         "@overload\ndef f(a: str) -> str: ...\n\n\ndef f(a):\n    return a\n"),
        ("a.py", "def f(a):\n    return a\n", "f", "@f.register\ndef f(a: int):\n    return 1\n",
         "def f(a):\n    return a\n\n\n@f.register\ndef f(a: int):\n    return 1\n"),
        ("a.go", "package a\n\nfunc init() {\n\tone()\n}\n", "init", "func init() {\n\ttwo()\n}\n",
         "package a\n\nfunc init() {\n\tone()\n}\n\nfunc init() {\n\ttwo()\n}\n"),
        ("a.rs", "impl A for S {\n    fn f(&self) {}\n}\n\nimpl B for S {\n"
         "    fn g(&self) {}\n}\n", "S.g",
         "impl B for S {\n    fn f(&self) {}\n}\n",
         "impl A for S {\n    fn f(&self) {}\n}\n\n"
         "impl B for S {\n    fn g(&self) {}\n\n    fn f(&self) {}\n}\n"),
        ("a.cpp", "int f(int a) {\n  return a;\n}\n", "f", "int f(char a) {\n  return a;\n}\n",
         "int f(int a) {\n  return a;\n}\n\nint f(char a) {\n  return a;\n}\n"),
        ("a.js", "class A {\n  get x() {\n    return 1;\n  }\n}\n", "A.x",
         "class A {\n  set x(v) {\n    this.v = v;\n  }\n}\n",
         "class A {\n  get x() {\n    return 1;\n  }\n\n  set x(v) {\n    this.v = v;\n  }\n}\n"),
    ],
)  # fmt: skip
def test_another_of_the_same_name_is_inserted(tree, path, old, after, body, expected):
    assert inserted(tree, path, old, after, body) == expected


@pytest.mark.parametrize(
    ("path", "old", "after", "body", "name"),
    [
        ("A.java", JAVA, "A.add", "int  add( int a, int b ) {\n    return b;\n}\n", "A.add"),
        ("a.py", PY, "A.a", "def a(self, more):\n    return 2\n", "A.a"),
        ("a.py", PROPERTY, "X.y", "class X:\n" + SETTER, "X.y"),
        ("a.go", GO, "Store.Get", "func (s *Store) Get(k int) int {\n\treturn 1\n}\n", "Store.Get"),
        ("a.rs", RUST, "Store.get", "fn get(&mut self) {}\n", "Store.get"),
        (
            "a.js",
            "function f(a) {\n  return a;\n}\n",
            "f",
            "function f(b) {\n  return b;\n}\n",
            "f",
        ),
        ("a.rb", RUBY, "A.a", "def a(x)\n  x\nend\n", "A.a"),
        ("a.php", PHP, "A.a", "class A\n{\n    public function a($b)\n    {\n    }\n}\n", "A.a"),
    ],
)
def test_what_is_there_already(tree, path, old, after, body, name):
    with pytest.raises(EditRefused, match=rf"has {name} already; replace_symbol changes it"):
        inserted(tree, path, old, after, body)
