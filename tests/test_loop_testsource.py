"""Where tests are: files that ids, commands and steps name, and the code of one test."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.loop.evidence.testcode import Source, source_of_test
from qwenagent.loop.evidence.testsource import (
    files_in_command,
    files_in_step,
    files_of_tests,
    files_to_show,
    words_of_tests,
)
from qwenagent.plan import Step, task_plan
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import make_repository

FILES = {
    ".gitignore": "local/\n",
    "calc.py": "",
    "test_calc.py": "",
    "lib/tests/test_a.py": "def test_x():\n    adds()\n",
    "my tests/test_b.py": "",
    "pack/__init__.py": "",
    "pack/tests/__init__.py": "",
    "pack/tests/test_c.py": "",
    "src/lib.rs": "",
    "test/cart.test.js": "",
    "web/test/page.test.js": "",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = make_repository(tmp_path_factory.mktemp("tests") / "my repo", FILES)
    (root / "local").mkdir()
    Path(root / "local/test_l.py").write_text("", encoding="utf-8")
    return Workspace(Repository.open(root))


def step(text: str) -> Step:
    [only] = task_plan(text).steps
    return only


def test_the_files_of_tests(tree):
    expected = {
        "test_a.T.test_x": "lib/tests/test_a.py",
        "pack.tests.test_c.T.test_x": "pack/tests/test_c.py",
        "my tests/test_b.py::test_x[a b::c]": "my tests/test_b.py",
        "src/lib.rs::tests::adds": "src/lib.rs",
        "local/test_l.py::test_x": "local/test_l.py",
        "test_calc.Add.test_add": "test_calc.py",
    }
    others = ["cart::adds", "crate::tests::x", "../test_calc.py::x", "", "...", "tests.gone.T.x"]
    found = files_of_tests(tree, [*expected, *others])
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("python3 -m unittest -v test_calc", ["test_calc.py"]),
        ("python3 -m unittest pack.tests.test_c.T.test_x", ["pack/tests/test_c.py"]),
        ("pytest ./test_calc.py::Add::test_add 'my tests/test_b.py'", [
            "test_calc.py", "my tests/test_b.py"]),
        ("python3 -m unittest discover -v -s tests", []),
        ("node --test test/cart.test.js && echo 'don't", ["test/cart.test.js"]),
        ("python calc.py test_gone.py ../test_calc.py", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_test_files_that_a_command_names(command, files, tree):
    assert files_in_command(tree, command) == files


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("make `lib/tests/test_a.py` pass", ["lib/tests/test_a.py"]),
        ("Mend test_calc.py, (test/cart.test.js), calc.py.", ["test_calc.py", "test/cart.test.js"]),
        ("`my tests/test_b.py` is red", ["my tests/test_b.py"]),
        ("Make page.test.js pass.", ["web/test/page.test.js"]),
        ("Make `test_a.T.test_x` and **test_calc.Add.test_add** pass.", [
            "lib/tests/test_a.py", "test_calc.py"]),
        ("Write tests/test_new.py. See calc.add, e.g. tests", []),
    ],
)  # fmt: skip
def test_the_test_files_that_a_step_names(text, files, tree):
    assert files_in_step(tree, step(text)) == files


def test_what_fails_is_shown_before_what_a_command_names(tree):
    failures = {
        "src/lib.rs::tests::adds": "",
        "cart::adds": "E   1 != 2\nat calc.py:3: f()\nat test/cart.test.js:5: equal(1, 2)",
        "test_a.T.test_x": "",
        "test_calc.Add.test_add": "",
    }
    asked = step("Have `test_calc.py` and `web/test/page.test.js` pass.")
    assert files_to_show(tree, asked, "pytest 'my tests/test_b.py' test_calc.py", failures) == [
        "test_calc.py",
        "test/cart.test.js",
        "lib/tests/test_a.py",
        "web/test/page.test.js",
        "my tests/test_b.py",
    ]


def test_the_words_of_tests(tree):
    found = words_of_tests(["test_a.T.test_x", "test_a.T.gone", "cart::adds"], tree)
    words = frozenset({"def", "test_x", "adds"})
    assert found == {"test_a.T.test_x": words, "test_a.T.gone": words}


GO = (
    "package calc\n\nfunc TestParse(t *testing.T) {\n\tparse()\n}\n\n"
    "func TestOther(t *testing.T) {\n\tother()\n}\n"
)


@pytest.mark.parametrize(
    "test",
    ["calc/calc_test.go::TestParse", "calc/calc_test.go::TestParse/1.5",
     "calc/calc_test.go::TestParse/a.b/c[2]#01", "calc::TestParse/x::y"],
)  # fmt: skip
def test_the_function_of_a_subtest(test):
    found = source_of_test(test, "calc/calc_test.go", GO)
    assert found == Source("TestParse", "func TestParse(t *testing.T) {\n\tparse()\n}")


def test_a_parameter_may_hold_dots_and_slashes():
    text = "def test_x():\n    one()\n"
    path = "app/[id]/test_a.py"
    assert source_of_test(f"{path}::test_x[a/b.c::d]", path, text) == Source(
        "test_x", text.rstrip()
    )


JS = """import { add } from "../add.js";

function adds() {}

describe("sums", () => {
  it("adds", () => {
    one();
  });

  it(
    "has a title of its own line",
    () => {
      two();
    },
  );

  it.each([
    [1, 1],
    [fun(1), 2],
  ])("adds %i and %i", (a, b) => {
    three();
  });

  test.only.each`
    a | b
    ${1} | ${2}
  `("takes $a from $b.c", () => {
    four();
  });

  for (const n of [1, 2]) {
    test(`is ${n} of \\`them\\``, () => {
      five();
    });
  }

  it("isn\\'t \\"quoted\\" \\u00e4", () => six());

  it("dup", () => seven());
  it("dup", () => eight());
  it("number#2", () => nine());
  it("a :: b > c::d", () => ten());
  it("begins" + end, () => eleven());
  it("adds 7 and 8", () => twelve());
  it("100%% of", () => thirteen());
  it(name, () => fourteen());
});
"""


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("adds", "one"),
        ("has a title of its own line", "two"),
        ("adds 1 and 2", "three"),
        ("adds 7 and 8", "twelve"),
        ("takes 1 from 'x'", "four"),
        ("is 12 of `them`", "five"),
        ('isn\'t "quoted" \u00e4', "six"),
        ("dup", "seven"),
        ("dup#2", "eight"),
        ("dup#9", "eight"),
        ("number#2", "nine"),
        ("a :: b > c::d", "ten"),
        ("begins anywhere", "eleven"),
        ("100%% of", "thirteen"),
        ("is gone", None),
        ("name", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("owner", ["test/a.test.js::sums::", "sums::", ""])
def test_the_block_of_a_title(owner, name, word):
    found = source_of_test(f"{owner}{name}", "test/a.test.js", JS)
    if word is None:
        assert found is None or found.name == "sums"
    else:
        assert found is not None
        assert f" {word}()" in found.code
        assert sum(found.code.count(f" {other}()") for other in ("one", "two", "six")) <= 1


def test_a_title_in_suites_of_all_kinds():
    text = "context('c', function () {\r\n  specify('s', () => {\r\n    one();\r\n  });\r\n});\r\n"
    found = source_of_test("c::s", "a.spec.js", text)
    assert found is not None
    assert "one()" in found.code


def test_long_and_odd_titles_take_no_time():
    text = 'it.each([[1]])("' + "%s a " * 5000 + '", f);\n' + "it('" * 3000 + "\nit(`${\n" * 500
    assert source_of_test("x::" + "a " * 20000, "a.test.js", text) is None
