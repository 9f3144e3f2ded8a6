"""Which files a step is about, in real repositories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.checks.testfiles import is_test_file
from qwenagent.config import Settings, TestSettings
from qwenagent.loop.editing.asker import header_text
from qwenagent.loop.editing.targets import Targets, find_targets, identifiers, in_folder
from qwenagent.plan import Step, parse_plan
from qwenagent.protocol.events import EditApplied, Warned
from qwenagent.protocol.tools import ToolCall
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import COMMAND, FIXED, MODULE, TASK, TEST, Stage, body, make_repository

FILES = {
    "app/cart.py": "def total():\n    return 0\n",
    "app/rates.py": "RATE = 1\n",
    "lib/same.py": "A = 1\n",
    "app/same.py": "A = 2\n",
    "tests/test_cart.py": "import unittest\n",
    "conftest.py": "",
    "pyproject.toml": "[project]\n",
    "README.md": "# App\n",
    "grüße.py": "A = 1\n",
}


BOTH = Targets(change=("app/cart.py", "app/rates.py"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = make_repository(tmp_path_factory.mktemp("targets") / "my repo", FILES)
    return Workspace(Repository.open(root))


def step(text: str) -> Step:
    [only] = parse_plan(f"- [ ] {text}\n").steps
    return only


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("Fix `total` in `app/cart.py`.", Targets(change=("app/cart.py",))),
        (
            "Use the rate of app/rates.py in app/cart.py.",
            Targets(change=("app/rates.py", "app/cart.py")),
        ),
        ("Mend it.\n      Files: `app/cart.py`", Targets(change=("app/cart.py",))),
        ("Make `tests/test_cart.py` pass.", Targets()),
        ("Make `tests/test_cart.py` pass, see `app/cart.py`.", Targets(change=("app/cart.py",))),
        ("More cases.\n      Files: `tests/test_cart.py`", Targets(change=("tests/test_cart.py",))),
        ("Say so in README.md.", Targets(change=("README.md",))),
        (
            "Round in `app/cart.py` and say so in README.md.",
            Targets(change=("app/cart.py", "README.md")),
        ),
        (
            "Some tests fail. Find the fault in `app/cart.py`; README.md says how it should be.",
            Targets(change=("app/cart.py",)),
        ),
        (
            "Some tests fail.\n      Files: `app/cart.py`, README.md",
            Targets(change=("app/cart.py", "README.md")),
        ),
        ("Fix `cart.py`.", Targets(change=("app/cart.py",))),
        ("Fix `grüße.py`.", Targets(change=("grüße.py",))),
        ("Mind `conftest.py`, `pyproject.toml`; fix `cart.py`.", Targets(change=("app/cart.py",))),
        ("Add a fixture.\n      Files: `conftest.py`", Targets(change=("conftest.py",))),
        ("Write `app/tax.py` with `tax()`.", Targets(create=("app/tax.py",))),
        (
            "Write `app/tax.py` and use it in `app/cart.py`.",
            Targets(create=("app/tax.py",), change=("app/cart.py",)),
        ),
        (
            "Write the tax.\n      Files: `app/tax.py`, `app/cart.py`",
            Targets(create=("app/tax.py",), change=("app/cart.py",), must_change=("app/cart.py",)),
        ),
        (
            "Use the rate.\n      Files: `app/cart.py`, `app/rates.py`",
            replace(BOTH, must_change=BOTH.change),
        ),
        ("Keep the items in `tasks.json`, in `app/cart.py`.", Targets(change=("app/cart.py",))),
        ("Write the items.\n      Files: `tasks.json`", Targets(create=("tasks.json",))),
        ("Write `tests/test_new.py`.", Targets(create=("tests/test_new.py",))),
        ("Read `/etc/hosts.py`, `../x.py` and `.git/hooks/x.py`.", Targets()),
        (
            "Steps.\n      Files: `.github/ci.yml`, `app/cart.py`",
            Targets(
                change=("app/cart.py",),
                refused=(
                    ".github/ci.yml belongs to git, an editor or CI and is not edited",
                ),
            ),
        ),
        ("All of it.\n      Files: `app/`, `tests`", Targets()),
        ("Make adding faster.", Targets()),
        (
            "Update the imports of `app/gone.py` in `app/cart.py`.",
            Targets(change=("app/cart.py",)),
        ),
        ("Implement the tax in app/tax.py", Targets(create=("app/tax.py",))),
        ("Fix the tax in app/tax.py", Targets()),
        ("Make tests/test_tax.py pass.", Targets()),
        ("Add a tax to `app/cart.py`. Do not delete `app/rates.py`.", BOTH),
        ("Delete `app/rates.py` and mend `app/cart.py`.",
         Targets(change=("app/cart.py",), delete=("app/rates.py",))),
    ],
)  # fmt: skip
def test_the_files_of_a_step(text, targets, tree):
    assert find_targets(step(text), tree) == targets


def test_a_bare_name_of_two_files_is_no_file_that_is_there(tree):
    assert find_targets(step("Mend `same.py`."), tree).change == ()


def test_a_name_of_two_files_is_told(tree):
    sentence = "`same.py` may be app/same.py or lib/same.py: name it by its path"
    assert find_targets(step("Mend `same.py`."), tree) == Targets(unclear=(sentence,))
    below = find_targets(step("Mend `same.py`."), tree, folder="lib")
    assert below == Targets(change=("lib/same.py",))


def test_the_end_of_a_path_means_the_one_file_that_has_it(tmp_path):
    files = {"backend/src/a.py": "", "web/src/b.py": "", "backend/src/b.py": ""}
    tree = Workspace(Repository.open(make_repository(tmp_path / "repo", files)))
    assert find_targets(step("Mend `src/a.py`."), tree) == Targets(change=("backend/src/a.py",))
    sentence = "`src/b.py` may be backend/src/b.py or web/src/b.py: name it by its path"
    assert find_targets(step("Mend `src/b.py`."), tree) == Targets(unclear=(sentence,))
    assert find_targets(step("Write `src/a.py`."), tree) == Targets(create=("src/a.py",))


def test_what_is_gone_comes_back_only_by_order(tree):
    gone = {"app/gone.py"}
    wanted = Targets(change=("app/cart.py",))
    move = step("Add what `app/cart.py` has to `app/gone.py`.")
    assert find_targets(move, tree).create == ("app/gone.py",)
    assert find_targets(move, tree, gone=gone) == wanted
    listed = step("Mend it.\n      Files: `app/cart.py`, `app/gone.py`")
    assert find_targets(listed, tree, gone=gone) == wanted
    order = step("Write `app/gone.py` with `total()`.")
    assert find_targets(order, tree, gone=gone) == Targets(create=("app/gone.py",))


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("Make tests/test_parser.py pass", ("backend/tests/test_parser.py",)),
        ("Fix `parser.py`.", ("backend/parser.py",)),
        ("Fix `setup.py` and `web/app.py`.", ("setup.py", "web/app.py")),
        ("Fix `backend/parser.py`.", ("backend/parser.py",)),
        ("Write `lexer.py`.", ("backend/lexer.py",)),
        ("Write `setup.py`.", ("backend/setup.py",)),
        ("Add a name to `setup.py`.", ("setup.py",)),
        ("Write `tests/test_lexer.py`.", ("backend/tests/test_lexer.py",)),
        ("Write `web/lexer.py`.", ("web/lexer.py",)),
        ("Write `new/lexer.py`.", ("backend/new/lexer.py",)),
        ("Rename `parser.py` to `lexer.py`.", ("backend/parser.py", "backend/lexer.py")),
        ("Use `gone.py`.", ("gone.py",)),
        ("`app.py` adds wrong rates.", ("app.py",)),
        ("Make `app.py` with the rates.", ("backend/app.py",)),
    ],
)
def test_paths_as_seen_from_a_folder(text, mentions, tmp_path):
    names = ("backend/tests/test_parser.py", "backend/parser.py", "setup.py", "web/app.py")
    root = make_repository(tmp_path / "repo", dict.fromkeys(names, "A = 1\n"))
    tree = Workspace(Repository.open(root))
    assert in_folder(step(text), tree, "backend").mentions == mentions
    assert in_folder(step(text), tree, ".") == step(text)


def test_a_file_is_renamed_in_the_folder_where_the_user_stands(tmp_path):
    root = make_repository(tmp_path / "repo", {"backend/old.py": "A = 1\n"})
    tree = Workspace(Repository.open(root))
    here = in_folder(step("Rename `old.py` to `new.py`."), tree, "backend")
    assert find_targets(here, tree) == Targets(rename=(("backend/old.py", "backend/new.py"),))


def test_files_of_the_command_line_come_after_those_of_the_step(tree):
    found = find_targets(step("Fix `app/cart.py`."), tree, ("app/new.toml", "app/rates.py"))
    assert found == Targets(
        create=("app/new.toml",),
        change=("app/rates.py", "app/cart.py"),
        must_change=("app/rates.py",),
    )


def test_a_link_is_not_written_through(tmp_path):
    root = make_repository(tmp_path / "repo", {"a.py": "A = 1\n"})
    (root / "link.py").symlink_to("a.py")
    tree = Workspace(Repository.open(root))
    assert find_targets(step("Fix `link.py`."), tree) == Targets()


def test_a_listed_file_that_is_not_for_the_agent_is_refused_and_a_mentioned_one_left(tmp_path):
    files = {"uv.lock": "", "api_pb2.py": "# Code generated by protoc. DO NOT EDIT.\n"}
    root = make_repository(tmp_path / "repo", files | {"a.py": "A = 1\n", "n.ipynb": "{}"})
    (root / "logo.png").write_bytes(b"\x89PNG\0")
    tree = Workspace(Repository.open(root))
    names = ("uv.lock", "api_pb2.py", "n.ipynb", "logo.png", "../x.py", "a.py")
    assert find_targets(replace(step("Mend it."), files=names), tree) == Targets(
        change=("a.py",),
        refused=(
            "uv.lock is a lock file; `uv lock` writes it",
            "api_pb2.py says that it is generated ('# Code generated by protoc. DO NOT EDIT.'); "
            "change what it is made from, or give it -linguist-generated in .gitattributes",
            "n.ipynb is a notebook; export it with `jupyter nbconvert --to script`",
            "logo.png is not a text file: it has zero bytes",
            "'../x.py' is not a relative path inside the repository",
        ),
    )
    mentioned = step("Fix `a.py`; `uv.lock` and `api_pb2.py` show how.")
    assert find_targets(mentioned, tree) == Targets(change=("a.py",))


def test_a_listed_file_over_the_window(tmp_path):
    rows = "1,2,3\n" * 1000
    root = make_repository(tmp_path / "repo", {"d.csv": rows, "a.py": "def a():\n    pass\n" * 400})
    tree = Workspace(Repository.open(root))
    both = step("Sort it.\n      Files: `d.csv`, `a.py`")
    assert find_targets(both, tree).change == ("d.csv", "a.py")
    assert find_targets(both, tree, window_bytes=6000).change == ("d.csv", "a.py")
    assert find_targets(both, tree, window_bytes=5999) == Targets(
        change=("a.py",),
        refused=(
            "d.csv has 6,000 bytes and no symbol to name, and the model sees 5,999 at a time; "
            "split it, or have a script change it",
        ),
    )


@pytest.mark.parametrize(
    ("targets", "named", "single", "everything"),
    [
        (Targets(), False, False, ()),
        (Targets(create=("a",)), True, True, ("a",)),
        (Targets(change=("b",)), True, True, ("b",)),
        (Targets(create=("a",), change=("b",)), True, False, ("a", "b")),
    ],
)
def test_what_is_asked_of_targets(targets, named, single, everything):
    assert (targets.named, targets.single, targets.all) == (named, single, everything)


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("tests/test_cart.py", True),
        ("test_cart.py", True),
        ("cart_test.go", True),
        ("src/cart.test.ts", True),
        ("src/__tests__/cart.js", True),
        ("spec/cart.rb", True),
        ("tests/data/sample.json", True),
        ("MyApp.Tests/CartTests.cs", True),
        ("MyApp.UnitTests/Fakes.cs", True),
        ("src/MyApp/CartTests.cs", True),
        ("Tests/AppTests/CartTests.swift", True),
        ("src/cart.cy.ts", True),
        ("src/cart.e2e.ts", True),
        ("e2e/login.ts", True),
        ("cypress/support/commands.ts", True),
        ("Test/CartTest.php", True),
        ("app/FooTest.kt", True),
        ("app/FooSpec.kt", True),
        ("src/CartTest.java", True),
        ("src/CartIT.java", True),
        ("src/TestCart.java", True),
        ("src/cart_tests.cpp", True),
        ("src/cart-specs.js", True),
        ("test-cart.js", True),
        ("src/test.helpers/a.py", False),
        ("src/attestation.go", False),
        ("src/latest.js", False),
        ("src/Latest.cs", False),
        ("src/testing/client.py", False),
        ("src/testing/Server.java", False),
        ("src/components/ABTest.tsx", False),
        ("src/SpeedTest.js", False),
        ("src/PodSpec.java", False),
        ("src/TestResult.cs", False),
        ("src/AUDIT.java", False),
        ("src/Contest.php", False),
        (".github/workflows/run-tests.yml", False),
        ("MIT.txt", False),
        ("cypress.config.ts", False),
        ("src/MyApp.Contests/Cart.cs", False),
        ("src/contest.py", False),
        ("src/testing.py", False),
        ("latest.py", False),
        ("src/attest/x.py", False),
        ("protest.py", False),
    ],
)
def test_what_looks_like_a_test(path, test):
    assert is_test_file(path) is test


def test_the_names_of_code_in_a_step():
    text = "Use `Order.total(x_y)` and snake_case or CamelCase, not Words or plain text, nor `a`."
    assert identifiers(step(text)) == {"Order", "total", "x_y", "snake_case", "CamelCase"}


def test_nothing_is_written_by_looking(tree):
    before = sorted(path.name for path in Path(tree.root).iterdir())
    find_targets(step("Write `app/tax.py`."), tree)
    assert sorted(path.name for path in Path(tree.root).iterdir()) == before


# -- whole runs -----------------------------------------------------------------------------------


def test_a_task_typed_in_a_folder_is_about_the_files_there(tmp_path):
    files = {f"{part}/calc.py": MODULE for part in ("web", "backend")}
    files |= {f"{part}/test_calc.py": TEST for part in ("web", "backend")}
    root = make_repository(tmp_path / "repo", files | {".gitignore": "__pycache__/\n"})
    stage = Stage(root, [body(FIXED)], settings=Settings(tests=TestSettings(command=COMMAND)))
    options = replace(TASK, folder="backend")
    assert stage.run_task("Make `test_calc.py` pass, mend `calc.py`.", options) == 0
    assert stage.states == ["solved"]
    assert (root / "backend/calc.py").read_text() == FIXED
    assert stage.git("status", "--porcelain") == "M backend/calc.py"


def test_a_name_that_may_mean_several_files_is_told_of(tmp_path):
    files = {"a/utils.py": "A = 1\n", "b/utils.py": "A = 1\n", "calc.py": MODULE}
    stage = Stage(make_repository(tmp_path / "repo", files), [body(FIXED)])
    stage.run_task("Mend `add` in `calc.py` as in `utils.py`.")
    told = [event.message for event in stage.events(Warned)]
    assert "`utils.py` may be a/utils.py or b/utils.py: name it by its path" in told


def test_a_file_that_a_step_renamed_is_not_made_again_by_the_next(tmp_path):
    root = make_repository(tmp_path / "repo", {"app/old.py": MODULE, "app/main.py": "import old\n"})
    text = (
        "# Plan\n\n- [ ] Rename `app/old.py` to `app/new.py`.\n"
        "- [ ] Add what `app/main.py` imports to `app/old.py`.\n"
    )
    done = header_text(ToolCall("done", {"summary": "It is."})).removeprefix('{"name": "')
    stage = Stage(root, [done, body("import new\n")])
    assert stage.run_plan(text) == 0
    assert [event.path for event in stage.events(EditApplied)] == [
        "app/old.py -> app/new.py",
        "app/main.py",
    ]
