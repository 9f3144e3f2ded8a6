"""Which tests reach a change. Repositories are dicts from path to text."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from qwenagent.checks.affected import MAX_READ, MAX_TESTS, affected_tests, files_of_ids
from qwenagent.checks.uses import PyImport, python_imports


def reach(changed: str | list[str], repo: dict[str, str], known: tuple[str, ...] = ()) -> list[str]:
    paths = [changed] if isinstance(changed, str) else changed
    return affected_tests(paths, list(repo), repo.get, known)


FLAT = {
    "app.py": "import store\n",
    "store.py": "",
    "test_app.py": "from app import main\n",
    "test_store.py": "import unittest, store as s\n",
    "test_other.py": "import os\n",
}
SRC = {
    "src/shop/__init__.py": "from .cart import Cart as Basket\nfrom .money import *\n",
    "src/shop/cart.py": "from . import prices\nfrom .money import (\n  add,  # (sum)\n  sub,\n)\n",
    "src/shop/prices.py": "",
    "src/shop/money.py": "",
    "src/shop/mail/__init__.py": "",
    "src/shop/mail/send.py": "from ..money import add\nfrom shop.mail import text\n",
    "src/shop/mail/text.py": "",
    "src/shop/unused.py": "",
    "tests/__init__.py": "",
    "tests/conftest.py": "from . import helpers\n",
    "tests/helpers.py": "",
    "tests/test_cart.py": "from shop import Basket\n",
    "tests/test_money.py": "import shop.money\n",
    "tests/mail/conftest.py": "",
    "tests/mail/test_send.py": "def test():\n    from shop.mail.send import (send)\n",
    "tests/mail/test_text.py": "from shop \\\n    .mail import text\nfrom shop.mail import text\n",
}
CART, MONEY = "tests/test_cart.py", "tests/test_money.py"
SEND, TEXT = "tests/mail/test_send.py", "tests/mail/test_text.py"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("store.py", ["test_store.py", "test_app.py"]),
        ("app.py", ["test_app.py"]),
        ("test_other.py", ["test_other.py"]),
        ("README.md", []),
        ("gone.py", []),
    ],
)
def test_modules_side_by_side(changed, expected):
    assert reach(changed, FLAT) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("src/shop/cart.py", [CART]),
        ("src/shop/prices.py", [CART]),
        ("src/shop/money.py", [MONEY, SEND, CART]),
        ("src/shop/mail/text.py", [TEXT, SEND]),
        ("src/shop/mail/send.py", [SEND]),
        ("src/shop/unused.py", []),
        # to import a module is to load its package
        ("src/shop/mail/__init__.py", [SEND, TEXT]),
        ("src/shop/__init__.py", [SEND, TEXT, CART, MONEY]),
        ("tests/mail/conftest.py", [SEND, TEXT]),
        ("tests/conftest.py", [SEND, TEXT, CART, MONEY]),
        ("tests/helpers.py", [SEND, TEXT, CART, MONEY]),
    ],
)
def test_a_package_below_src(changed, expected):
    assert reach(changed, SRC) == expected


def test_several_changes_at_once_and_the_nearest_first():
    assert reach(["src/shop/money.py", CART], SRC) == [CART, MONEY, SEND]


def test_a_module_is_looked_for_close_by_first():
    repo = {
        "a/utils.py": "",
        "a/test_a.py": "import utils\n",
        "b/utils.py": "",
        "b/test_b.py": "import utils\n",
        "pkg/__init__.py": "",
        "pkg/types.py": "",
        "pkg/test_c.py": "import types\n",
    }
    assert reach("a/utils.py", repo) == ["a/test_a.py"]
    assert reach("b/utils.py", repo) == ["b/test_b.py"]
    assert reach("pkg/types.py", repo) == []  # that is Python's own


def test_packages_without_init_and_names_of_modules():
    repo = {
        "space/core/a.py": "",
        "test_a.py": "import space.core.a.Thing\n",
        "test_b.py": "from space.core import a\n",
    }
    assert reach("space/core/a.py", repo) == ["test_a.py", "test_b.py"]


def test_imports_in_a_circle_end():
    repo = {
        "p/__init__.py": "from p.a import *\n",
        "p/a.py": "from p import b\nfrom p import *\n",
        "p/b.py": "from p.a import x\n",
        "test_p.py": "from p import x\n",
    }
    assert reach("p/b.py", repo) == ["test_p.py"]
    assert reach("p/a.py", repo) == ["test_p.py"]


SCRIPTS = {
    "src/math.ts": "",
    "src/index.ts": "export * from './math'\n",
    "src/ui/Button.tsx": "import type { P } from '@/props';\nimport {add} from\n  '../math.js'\n",
    "src/props.ts": "",
    "src/lazy.mjs": "",
    "src/text/index.js": "module.exports = {}\n",
    "lib/old.js": "const text = require('../src/text')\n",
    "src/math.test.ts": "import { add } from './math'\n",
    "src/ui/__tests__/Button.tsx": 'import Button from "../Button"\n',
    "test/all.js": "const { add } = require(`../src`); await import('../src/lazy.mjs')\n",
    "test/old.spec.js": "vi.mock('../lib/old')\n",
    "test/helpers.js": "require('../src/math')\n",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            "src/math.ts",
            ["src/math.test.ts", "src/ui/__tests__/Button.tsx", "test/all.js"],
        ),
        ("src/props.ts", ["src/ui/__tests__/Button.tsx"]),
        ("src/lazy.mjs", ["test/all.js"]),
        ("src/text/index.js", ["test/old.spec.js"]),
        ("lib/old.js", ["test/old.spec.js"]),
    ],
)
def test_imports_of_javascript_and_typescript(changed, expected):
    assert reach(changed, SCRIPTS) == expected


def test_packages_of_go():
    repo = {
        "go.mod": "module example.org/shop\n\ngo 1.22\n",
        "main.go": 'package main\n\nimport "example.org/shop/cart"\n',
        "main_test.go": "package main\n",
        "cart/cart.go": 'package cart\n\nimport (\n\t"fmt"\n\tm "example.org/shop/money"\n)\n',
        "cart/cart_test.go": "package cart\n",
        "money/money.go": "package money\n",
        "money/round.go": "package money\n",
        "money/money_test.go": "package money\n",
        "mail/mail_test.go": 'package mail_test\n\nimport "example.org/shop/mail"\n',
        "mail/mail.go": "package mail\n",
    }
    tests = ["money/money_test.go", "cart/cart_test.go", "main_test.go"]
    assert reach("money/round.go", repo) == tests
    assert reach("cart/cart.go", repo) == ["cart/cart_test.go", "main_test.go"]
    assert reach("mail/mail.go", repo) == ["mail/mail_test.go"]


def test_crates_of_rust():
    repo = {
        "Cargo.toml": "[workspace]\nmembers = ['core', 'cli']\n",
        "core/Cargo.toml": "[package]\nname = 'core'\n",
        "core/src/lib.rs": "mod parse;\n",
        "core/src/parse.rs": "#[cfg(test)]\nmod tests {}\n",
        "core/tests/whole.rs": "use core::parse;\n",
        "cli/Cargo.toml": '[dependencies]\ncore = { path = "../core" }\n',
        "cli/src/main.rs": "",
        "cli/tests/run.rs": "",
    }
    assert reach("core/src/lib.rs", repo) == [
        "core/src/parse.rs",
        "core/tests/whole.rs",
        "cli/tests/run.rs",
    ]
    assert reach("cli/src/main.rs", repo) == ["cli/tests/run.rs"]


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("src/main/java/a/Foo.java", "src/test/java/a/FooTest.java"),
        ("src/Foo.kt", "test/FooTests.kt"),
        ("lib/parser.rb", "spec/parser_spec.rb"),
        ("lib/parser.rb", "test/test_parser.rb"),
        ("src/Parser.php", "tests/ParserTest.php"),
        ("Foo.cs", "Foo.Tests/FooTests.cs"),
        ("src/list.h", "tests/test_list.c"),
        ("lib/shop/cart.ex", "test/shop/cart_test.exs"),
        ("tool/parser.py", "tests/test_parser.py"),
        ("tool/parser/__init__.py", "tests/parser_test.py"),
        ("bin/run-all.js", "bin/runAll.test.js"),
    ],
)
def test_tests_of_the_same_name(source, test):
    other = "tests/other" + test[test.rindex(".") :]
    assert reach(source, {source: "", test: "", other: ""}) == [test]


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("parser.py", "test_parser.js"),
        ("arser.java", "Parser.java"),
        ("test.java", "LatestTest.java"),
        ("parser.md", "test_parser.md"),
        ("a.py", "tests/a.py"),
    ],
)
def test_names_that_only_look_alike(source, test):
    assert reach(source, {source: "", test: ""}) == []


def test_data_that_a_file_names():
    repo = {
        "app/templates/mail.html": "",
        "app/views.py": "render('mail.html')\n",
        "tests/test_views.py": "import app.views\n",
        "tests/test_data.py": "open('rates.json')\n",
        "tests/rates.json": "",
        "x.js": "",
    }
    assert reach("app/templates/mail.html", repo) == ["tests/test_views.py"]
    assert reach("tests/rates.json", repo) == ["tests/test_data.py"]


def test_the_suites_own_files_count_and_new_ones():
    repo = {**FLAT, "checks/check_store.py": "import store\n", "test_new.py": "import store\n"}
    known = ("checks/check_store.py::test_a[x y]", "test_app.T.test_b")
    assert reach("store.py", repo, known) == ["checks/check_store.py", "test_app.py"]
    assert reach(["store.py", "test_new.py"], repo, known) == [
        "test_new.py",
        "checks/check_store.py",
        "test_app.py",
    ]
    # ids that name no file, as cargo's and go's
    assert reach("app.py", repo, ("tests::adds", "TestAdd")) == ["test_app.py"]


def test_the_files_that_ids_name():
    files = ["tests/test_a.py", "test/b.test.js", "lib/tests/test_c.py", "tests/__init__.py"]
    ids = [
        "tests/test_a.py::T::test_x[a.b::c]",
        "tests.test_a.T.test_y",
        "test_c.T.test_z",
        "test/b.test.js > sums > adds",
        "tests.gone.T.test_x",
        "crate::tests::x",
        "",
    ]
    assert files_of_ids(ids, files) == {
        "tests/test_a.py": ids[:2],
        "lib/tests/test_c.py": [ids[2]],
        "test/b.test.js": [ids[3]],
    }


def test_so_many_files_that_names_alone_decide():
    repo = {f"m{n}.py": "import m0\n" for n in range(MAX_READ)}
    repo |= {"test_m0.py": "", "test_x.py": "import m0\n"}
    assert reach("m0.py", repo) == ["test_m0.py"]


def test_so_many_tests_that_only_the_nearest_are_returned():
    repo = {"a.py": "", "b.py": "import a\n", "test_zz.py": "import a\n"}
    repo |= {f"test_{n:03}.py": "import b\n" for n in range(2 * MAX_TESTS)}
    found = reach("a.py", repo)
    assert found == ["test_zz.py", *(f"test_{n:03}.py" for n in range(MAX_TESTS - 1))]


def test_what_cannot_be_read_reaches_nothing():
    repo = {
        "a.py": "import (\nfrom . import\nfrom .\x00. import *\n",
        "test_a.py": "def broken(:\n",
    }
    assert affected_tests(["a.py"], list(repo), lambda _path: None, ()) == ["test_a.py"]
    assert reach("a.py", repo) == ["test_a.py"]
    assert reach([], repo) == []


# -- import lines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import a", [PyImport(0, "a")]),
        ("import a.b as c, d  # e", [PyImport(0, "a.b"), PyImport(0, "d")]),
        ("    import a; import b\n", [PyImport(0, "a"), PyImport(0, "b")]),
        ("from .. import a", [PyImport(2, "", (("a", "a"),))]),
        ("from . a import b", [PyImport(1, "a", (("b", "b"),))]),
        ("try: import a\nexcept ImportError: a = 0", [PyImport(0, "a")]),
        ("from .a import b as c", [PyImport(1, "a", (("b", "c"),))]),
        ("from a import \\\r\n    b, \\\n    c", [PyImport(0, "a", (("b", "b"), ("c", "c")))]),
        ("from a import (b, # x\n  c,\n)", [PyImport(0, "a", (("b", "b"), ("c", "c")))]),
        ("from a import(b)", [PyImport(0, "a", (("b", "b"),))]),
        (">>> from a import b", [PyImport(0, "a", (("b", "b"),))]),
        ("x = 'import a'\nimporta = 1\nfrom a import\n", []),
        ("from .import a", [PyImport(1, "", (("a", "a"),))]),
        ("from important import a", [PyImport(0, "important", (("a", "a"),))]),
        # What would take hours if each bracket, or each blank, were tried with all others.
        ("from a import (\n" * 100_000, []),
        (f"from{' ' * 100_000}import", []),
    ],
)
def test_import_lines(text, expected):
    assert python_imports(text) == expected


def test_import_blocks_of_go_that_never_end():
    main = "import (\n" * 100_000 + 'import "shop/cart" // (a\n'
    repo = {"go.mod": "module shop\n", "cart/a.go": "", "main.go": main, "main_test.go": ""}
    assert reach("cart/a.go", repo) == ["main_test.go"]


def test_no_import_of_real_code_is_missed():
    missed = []
    for path in sorted(Path(ast.__file__).parent.glob("[a-f]*.py")):
        text = path.read_text(encoding="utf-8")
        found = set(python_imports(text))
        wanted: set[PyImport] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                wanted |= {PyImport(0, alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = tuple((a.name, a.asname or a.name) for a in node.names)
                wanted.add(PyImport(node.level, node.module or "", names))
        missed += [(path.name, one) for one in wanted - found]
    assert missed == []
