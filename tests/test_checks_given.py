import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, parse_command
from qwenagent.checks.given import GivenTest, given_test
from qwenagent.errors import ChecksError
from qwenagent.plan import task_plan
from qwenagent.protocol.checks import TestCommand, TestRun
from tests.needs import needs

PYTEST = "from shop.cart import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"
UNITTEST = "import unittest\n\n\nclass CartTest(unittest.TestCase):\n    def test_a(self): ...\n"
NODE = 'import test from "node:test";\nimport { add } from "../add.mjs";\ntest("a", () => {});\n'
PLAIN = 'const { add } = require("../add");\ntest("adds", () => expect(add(1)).toBe(2));\n'
GO = 'package cart\n\nimport "testing"\n\nfunc TestTotal(t *testing.T) {}\n'
RUST = "#[test]\nfn adds() { assert_eq!(cart::add(1, 2), 3); }\n"
SUITE_PYTEST = "python -m pytest -q tests"


def given(
    code: str,
    files: Sequence[str] | Mapping[str, str] = (),
    *,
    lang: str = "python",
    path: str = "",
    suite: str | TestCommand | None = None,
    title: str = "Add a total",
    own: Sequence[str] = (),
) -> GivenTest:
    """Ask for a test of a step in a repository whose files are names, or names with texts."""
    texts = dict(files) if isinstance(files, Mapping) else dict.fromkeys(files, "")
    step = replace(
        task_plan(title).steps[0], test_code=code, test_lang=lang, test_path=path, files=tuple(own)
    )
    command = parse_command(suite, "detected") if isinstance(suite, str) else suite
    test = given_test(step, texts, command, texts.get)
    assert test is not None
    return test


def shown(test: GivenTest) -> tuple[str, str, str]:
    return (test.path, test.command.shown, test.command.cwd)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"code": PYTEST},
            ("tests/test_add_a_total.py", "python -m pytest tests/test_add_a_total.py", "."),
        ),
        (
            {"code": PYTEST, "files": ["test_a.py"], "suite": "uv run pytest -x"},
            ("test_add_a_total.py", "uv run pytest test_add_a_total.py", "."),
        ),
        (
            {"code": PYTEST, "files": ["t/tests/a_test.py", "t/tests/b_test.py"]},
            ("t/tests/add_a_total_test.py", "python -m pytest t/tests/add_a_total_test.py", "."),
        ),
        (
            {"code": PYTEST, "files": ["tests/test_a.py"], "suite": "bash -c 'pytest | cat'"},
            ("tests/test_add_a_total.py", "python -m pytest tests/test_add_a_total.py", "."),
        ),
        (
            {"code": UNITTEST, "suite": "PYTHONPATH=src python -m unittest discover -v -s tests"},
            (
                "tests/test_add_a_total.py",
                "PYTHONPATH=src python -m unittest discover -s tests -p test_add_a_total.py",
                ".",
            ),
        ),
        (
            {"code": UNITTEST, "suite": SUITE_PYTEST},
            ("tests/test_add_a_total.py", "python -m pytest tests/test_add_a_total.py", "."),
        ),
        (
            {"code": UNITTEST, "path": "tests/test_x.py"},
            ("tests/test_x.py", "python -m unittest discover -s tests -p test_x.py", "."),
        ),
        (
            {"code": PYTEST, "suite": "python -m unittest"},
            ("tests/test_add_a_total.py", "python -m pytest tests/test_add_a_total.py", "."),
        ),
        (
            {
                "code": PYTEST,
                "path": "api/tests/test_x.py",
                "suite": TestCommand(("pytest",), "pytest", "detected", "api"),
            },
            ("api/tests/test_x.py", "pytest tests/test_x.py", "api"),
        ),
        (
            {"code": PYTEST, "title": "Größe: prüfen!"},
            ("tests/test_grosse_prufen.py", "python -m pytest tests/test_grosse_prufen.py", "."),
        ),
        (
            {"code": PYTEST, "title": "合計"},
            ("tests/test_step_1.py", "python -m pytest tests/test_step_1.py", "."),
        ),
        (
            {"code": NODE, "lang": "js"},
            ("test/add-a-total.test.mjs", "node --test test/add-a-total.test.mjs", "."),
        ),
        (
            {"code": NODE, "lang": "js", "files": {"package.json": '{"type": "module"}'}},
            ("test/add-a-total.test.js", "node --test test/add-a-total.test.js", "."),
        ),
        (
            {
                "code": PLAIN,
                "lang": "javascript",
                "files": {
                    "package.json": '{"scripts": {"test": "jest --ci"}}',
                    "src/__tests__/a.spec.js": "",
                },
            },
            (
                "src/__tests__/add-a-total.spec.js",
                "npx --no-install jest --runTestsByPath src/__tests__/add-a-total.spec.js",
                ".",
            ),
        ),
        (
            {
                "code": 'import { test } from "vitest";\n',
                "lang": "ts",
                "files": {"web/package.json": "{}", "web/src/a.ts": ""},
                "own": ["web/src/a.ts"],
            },
            (
                "web/test/add-a-total.test.ts",
                "npx --no-install vitest run test/add-a-total.test.ts",
                "web",
            ),
        ),
        (
            {
                "code": GO,
                "lang": "go",
                "files": ["go.mod", "cart/cart.go"],
                "own": ["cart/cart.go"],
            },
            ("cart/add_a_total_test.go", "go test ./cart", "."),
        ),
        (
            {"code": GO, "lang": "go", "files": ["svc/go.mod", "svc/main.go"]},
            ("svc/add_a_total_test.go", "go test .", "svc"),
        ),
        (
            {
                "code": RUST,
                "lang": "rust",
                "files": ["Cargo.toml", "crates/c/Cargo.toml"],
                "own": ["crates/c/src/lib.rs"],
            },
            ("crates/c/tests/add_a_total.rs", "cargo test --test add_a_total", "crates/c"),
        ),
        (
            {"code": RUST, "lang": ""},
            ("tests/add_a_total.rs", "cargo test --test add_a_total", "."),
        ),
    ],
)
def test_place_and_command(arguments, expected):
    assert shown(given(**arguments)) == expected


def test_a_step_without_a_test_gives_none():
    step = task_plan("Add a total").steps[0]
    assert given_test(step, (), None, lambda path: None) is None
    blank = replace(step, test_code="  \n", test_lang="python")
    assert given_test(blank, (), None, lambda path: None) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"code": "x", "lang": "cobol"}, "a language that is not known: 'cobol'"),
        ({"code": "hello", "lang": ""}, "a language that is not known: 'no info string'"),
        ({"code": PYTEST, "path": "../test_x.py"}, "no place for a test"),
        ({"code": PYTEST, "path": "/tmp/test_x.py"}, "no place for a test"),
        ({"code": PYTEST, "path": "-p_test.py"}, "no place for a test"),
        ({"code": PYTEST, "path": ".git/hooks/test_x.py"}, "no place for a test"),
        ({"code": PYTEST, "path": r"..\test_x.py"}, "no place for a test"),
        ({"code": PYTEST, "path": "tests/conftest.py"}, "does not look like a test file"),
        ({"code": PYTEST, "path": "src/cart.py"}, "does not look like a test file"),
        ({"code": PYTEST, "path": "tests/run"}, "does not look like a test file"),
        ({"code": PLAIN, "lang": "js", "path": "test/jest.config.js"}, "does not look like"),
        ({"code": PLAIN, "lang": "js"}, "no runner is known for the javascript test"),
        ({"code": NODE, "lang": "ts"}, "no runner is known for the typescript test"),
        ({"code": GO, "lang": "go", "files": ["a/a.go", "b/b.go"]}, "for which of 2 packages"),
        ({"code": "func TestA(t *testing.T) {}", "lang": "go", "path": "a_test.go"}, "no package"),
    ],
)
def test_what_cannot_be_placed_is_refused(arguments, message):
    with pytest.raises(ChecksError, match=message):
        given(**arguments)


OLD = "from shop import cart\n\n\ndef test_old():\n    pass\n"


def test_a_block_goes_behind_the_tests_that_are_there():
    test = given(PYTEST, {"tests/test_cart.py": OLD}, path="tests/test_cart.py")
    assert test == GivenTest(
        "tests/test_cart.py",
        f"{OLD}\n\n{PYTEST}",
        TestCommand(
            ("python", "-m", "pytest", "tests/test_cart.py"),
            "python -m pytest tests/test_cart.py",
            "step",
        ),
    )


def test_line_ends_stay_as_they_are():
    old = OLD.replace("\n", "\r\n")
    test = given(PYTEST, {"tests/test_cart.py": old}, path="tests/test_cart.py")
    assert test.text.startswith(old)
    assert test.text.count("\r\n") == test.text.count("\n")


@pytest.mark.parametrize(
    "code",
    [
        "def test_old():\n    assert 0\n",
        "from __future__ import annotations\n\ndef test_new(): ...\n",
    ],
)
def test_what_does_not_go_together_is_written_beside(code):
    test = given(code, {"tests/test_cart.py": OLD}, path="tests/test_cart.py")
    assert (test.path, test.text) == ("tests/test_cart_2.py", code)


def test_imports_of_javascript_do_not_go_behind_others():
    files = {"package.json": "", "test/a.test.mjs": NODE}
    code = NODE.replace('"a"', '"b"')
    test = given(code, files, lang="js", path="test/a.test.mjs")
    assert (test.path, test.text) == ("test/a-2.test.mjs", code)
    alone = given(
        'test("b", () => {});\n', files, lang="js", path="test/a.test.mjs", suite="node --test"
    )
    assert alone.text == f'{NODE}\ntest("b", () => {{}});\n'


def test_asked_again_the_answer_is_the_same():
    files = {"tests/test_cart.py": OLD, "tests/test_add_a_total.py": "x = 1\n"}
    for path in ("tests/test_cart.py", ""):
        first = given(PYTEST, files, path=path)
        assert first.path not in files or first.text.startswith(files[first.path])
        again = given(PYTEST, {**files, first.path: first.text}, path=path)
        assert again == first


def test_no_two_python_tests_have_the_same_name():
    test = given(PYTEST, ["tests/unit/test_a.py", "tests/unit/test_b.py", "x/test_add_a_total.py"])
    assert test.path == "tests/unit/test_add_a_total_2.py"


def test_go_takes_the_package_from_its_folder():
    code = "func TestA(t *testing.T) {}\n"
    test = given(code, {"cart/cart.go": "// x\npackage cart\n"}, lang="go", own=["cart/cart.go"])
    assert test.text == f"package cart\n\n{code}"


def run(root: Path, test: GivenTest) -> TestRun:
    path = root / test.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(test.text, encoding="utf-8")
    folders = [str(Path(sys.executable).parent), str(Path(shutil.which("node") or "/bin").parent)]
    environ = {"PATH": ":".join([*folders, "/usr/bin", "/bin"]), "VIRTUAL_ENV": sys.prefix}
    runner = TestRunner(root, {**environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    return runner.run(test.command, timeout_s=60)


def test_the_command_runs_the_file_red_then_green(tmp_path):
    test = given(PYTEST, ["shop/cart.py"])
    test = replace(
        test, command=replace(test.command, argv=(sys.executable, *test.command.argv[1:]))
    )
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("", encoding="utf-8")
    assert not run(tmp_path, test).green
    (tmp_path / "shop/cart.py").write_text("def total(p):\n    return sum(p)\n", encoding="utf-8")
    assert run(tmp_path, test).green


@needs("node")
def test_the_command_of_node_runs_the_file(tmp_path):
    test = given(NODE, ["add.mjs"], lang="js")
    assert not run(tmp_path, test).green
    (tmp_path / "add.mjs").write_text("export const add = (a) => a + 1;\n", encoding="utf-8")
    assert run(tmp_path, test).green
