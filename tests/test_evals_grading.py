"""What a tree is worth: the task's tests say it, whatever the agent put around them."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from qwenagent.errors import ChecksError
from qwenagent.evals import Check, Grade, Task
from qwenagent.evals.grading import interpreted, write_files
from qwenagent.evals.task import REGRESSION
from tests.evals_stage import SOLVED, TASK, TEST, make_grader, make_tree
from tests.needs import needs

RED = {"tests": False}
GREEN = {"tests": True}
FORGED = "def pytest_pyfunc_call(pyfuncitem):\n    return True\n"
"""As a plugin it makes every test green."""
USUAL = replace(TASK, checks=(Check("tests", ("python", "-m", "pytest", "-q", "tests")),))
"""As shipped tasks write it."""


def graded(folder: Path, files: dict[str, str], task: Task = TASK, limit_s: float = 60.0) -> Grade:
    tree = make_tree(folder, task.base | files)
    return make_grader(limit_s).grade(task, tree, folder / "graded")


def test_a_solved_tree_is_green(tmp_path):
    grade = graded(tmp_path, {"calc.py": SOLVED})
    assert grade == Grade(GREEN, passed=1, failed=0, seconds=grade.seconds, output="")
    assert (grade.solved, grade.score) == (True, 1.0)
    assert 0 < grade.seconds < 60


def test_a_tree_as_it_was_is_red_and_says_why(tmp_path):
    grade = graded(tmp_path, {})
    assert (grade.checks, grade.passed, grade.failed, grade.score) == (RED, 0, 1, 0.0)
    assert "assert -1 == 5" in grade.output


def test_the_tree_itself_is_left_as_it_was(tmp_path):
    tree = make_tree(tmp_path, {**TASK.base, "conftest.py": "", "tests/test_calc.py": "# mine\n"})
    before = {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    make_grader().grade(TASK, tree, tmp_path / "graded")
    assert {path: path.read_bytes() for path in tree.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("task", "files"),
    [
        (TASK, {"conftest.py": FORGED}),
        (TASK, {"tests/conftest.py": FORGED}),
        (TASK, {"pytest.ini": "[pytest]\naddopts = -p forged\n", "forged.py": FORGED}),
        (TASK, {"pytest.toml": '[pytest]\naddopts = ["-p", "forged"]\n', "forged.py": FORGED}),
        (TASK, {".pytest.toml": '[pytest]\naddopts = ["-p", "forged"]\n', "forged.py": FORGED}),
        (
            TASK,
            {
                "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p forged"\n',
                "forged.py": FORGED,
            },
        ),
        (TASK, {"tox.ini": "[pytest]\naddopts = -p forged\n", "forged.py": FORGED}),
        (TASK, {"setup.cfg": "[tool:pytest]\naddopts = -p forged\n", "forged.py": FORGED}),
        (TASK, {"sitecustomize.py": "import os\nos._exit(0)\n"}),
        (
            USUAL,
            {
                "made.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: made\nVersion: 1\n",
                "made.egg-info/entry_points.txt": "[pytest11]\nforged = forged\n",
                "forged.py": FORGED,
            },
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_steers_the_tests_does_not_help(tmp_path, task, files):
    grade = graded(tmp_path, files, task)
    assert (grade.checks, grade.passed, grade.failed) == (RED, 0, 1)


def test_modules_of_the_tree_do_not_stand_in_for_those_of_pytest(tmp_path):
    files = {"calc.py": SOLVED, "pytest.py": "raise SystemExit(0)\n", "_pytest/__init__.py": ""}
    assert graded(tmp_path, files, USUAL).checks == GREEN


def test_settings_that_the_task_has_stay_its_own(tmp_path):
    ini = "[pytest]\npython_functions = check_*\n"
    task = replace(TASK, base={**TASK.base, "pytest.ini": ini})
    task = replace(task, tests={"tests/test_calc.py": TEST.replace("test_add", "check_add")})
    assert graded(tmp_path, {"calc.py": SOLVED, "pytest.ini": "[pytest]\n"}, task).checks == GREEN


@pytest.mark.parametrize(("value", "checks"), [("2", GREEN), ("1", RED)])
def test_a_task_about_the_settings_themselves_gets_the_agents(tmp_path, value, checks):
    text = "[project]\nname = 'made'\nversion = '{}'\n"
    test = (
        "import tomllib\n\n\ndef test_version():\n    with open('pyproject.toml', 'rb') as file:\n"
        "        assert tomllib.load(file)['project']['version'] == '2'\n"
    )
    task = replace(TASK, base={"pyproject.toml": text.format(1)}, files=("pyproject.toml",))
    task = replace(task, tests={"tests/test_calc.py": test})
    assert graded(tmp_path, {"pyproject.toml": text.format(value)}, task).checks == checks


# -- what became of the tests --------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", TEST.replace("== 5", "== -1"), "import pytest\n"])
def test_a_changed_test_is_put_back(tmp_path, text):
    assert graded(tmp_path, {"tests/test_calc.py": text}).checks == RED


def test_a_deleted_test_is_put_back(tmp_path):
    visible = replace(TASK, base=TASK.base | TASK.tests, visible=True)
    tree = make_tree(tmp_path, visible.base)
    shutil.rmtree(tree / "tests")
    grade = make_grader().grade(visible, tree, tmp_path / "graded")
    assert (grade.checks, grade.failed) == (RED, 1)


def test_a_link_in_the_place_of_tests_leads_nowhere(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "test_calc.py").write_text("# not of the tree\n", encoding="utf-8")
    for number, name in enumerate(("tests", "tests/test_calc.py")):
        folder = tmp_path / str(number)
        folder.mkdir()
        tree = make_tree(folder, {"calc.py": SOLVED, "tests/other.py": ""})
        path = tree / name
        if path.is_dir():
            shutil.rmtree(path)
        path.symlink_to(kept if name == "tests" else kept / "test_calc.py")
        assert make_grader().grade(TASK, tree, folder / "graded").checks == GREEN
    assert (kept / "test_calc.py").read_text(encoding="utf-8") == "# not of the tree\n"


def test_a_solution_behind_a_link_is_none(tmp_path):
    (tmp_path / "solved.py").write_text(SOLVED, encoding="utf-8")
    tree = make_tree(tmp_path, {})
    (tree / "calc.py").symlink_to(tmp_path / "solved.py")
    assert make_grader().grade(TASK, tree, tmp_path / "graded").checks == RED


def test_a_file_in_the_place_of_the_tests_folder_makes_room(tmp_path):
    assert graded(tmp_path, {"calc.py": SOLVED, "tests": "a file\n"}).checks == GREEN


def test_a_folder_in_the_place_of_a_test_makes_room(tmp_path):
    files = {"calc.py": SOLVED, "tests/test_calc.py/inside.txt": ""}
    assert graded(tmp_path, files).checks == GREEN


def test_files_are_never_written_or_removed_behind_a_link(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "deep").write_text("of others\n", encoding="utf-8")
    tree = make_tree(tmp_path, {})
    (tree / "a").symlink_to(outside)
    write_files(tree, {"a/deep/b.txt": "text\n"})
    assert (outside / "deep").read_text(encoding="utf-8") == "of others\n"
    assert (tree / "a/deep/b.txt").read_text(encoding="utf-8") == "text\n"
    assert not (tree / "a").is_symlink()


def test_line_ends_are_written_as_they_are(tmp_path):
    write_files(tmp_path, {"ä b/c.txt": "one\r\ntwo\n"})
    assert (tmp_path / "ä b" / "c.txt").read_bytes() == b"one\r\ntwo\n"


def test_tests_of_the_agents_own_do_not_count(tmp_path):
    files = {"test_mine.py": "def test_mine():\n    assert True\n", "tests/test_more.py": TEST}
    grade = graded(tmp_path, files)
    assert (grade.checks, grade.passed, grade.failed) == (RED, 0, 1)


@needs("go")
def test_go_tests_of_the_agents_own_are_not_built(tmp_path):
    given = 'package calc\n\nimport "testing"\n\nfunc TestOne(t *testing.T) { t.Log(One()) }\n'
    task = replace(
        TASK,
        language="go",
        base={"go.mod": "module calc\n\ngo 1.18\n", "calc.go": "package calc\n"},
        tests={"calc_test.go": given},
        checks=(Check("tests", ("go", "vet", ".")),),
    )
    tree = make_tree(tmp_path, task.base)
    write_files(tree, {"mine_test.go": given, "deep/mine_test.go": "package deep\n"})
    copy = tmp_path / "graded"
    make_grader().grade(task, tree, copy)
    found = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*.go"))
    assert found == ["calc.go", "calc_test.go"]


def test_an_output_without_tests_is_no_pass(tmp_path):
    nothing = replace(TASK, tests={"tests/test_calc.py": "VALUE = 1\n"})
    assert graded(tmp_path, {}, nothing).checks == RED


def test_words_of_success_are_no_pass(tmp_path):
    argv = ("python", "-c", "print('== 3 passed in 0.01s ==')")
    assert graded(tmp_path, {}, replace(TASK, checks=(Check("tests", argv),))).checks == RED


# -- code that does not come back ----------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos._exit(0)\n",
        "import sys\nsys.exit(0)\n",
        "raise KeyboardInterrupt\n",
        "import pytest\npytest.exit('enough', 0)\n",
        "import pytest\npytest.skip(allow_module_level=True)\n",
    ],
    ids=["_exit", "exit", "interrupt", "pytest-exit", "skip"],
)
def test_an_end_at_import_is_no_pass(tmp_path, code):
    grade = graded(tmp_path, {"calc.py": code})
    assert (grade.solved, grade.passed) == (False, 0)


def test_an_end_after_the_first_test_is_no_pass(tmp_path):
    later = "\n\ndef test_more():\n    assert add(0, 0) == 0\n"
    task = replace(TASK, tests={"tests/test_calc.py": TEST + later})
    code = "import os\n\n\ndef add(a, b):\n    return a + b if a else os._exit(0)\n"
    assert not graded(tmp_path, {"calc.py": code}, task).solved


JS_TEST = """const test = require("node:test");
const assert = require("node:assert");
const { add } = require("../calc.js");
test("adds", () => assert.equal(add(2, 3), 5));
test("adds nothing", () => assert.equal(add(0, 0), 0));
test("adds more", () => assert.equal(add(1, 1), 2));
"""
JS = replace(
    TASK,
    language="javascript",
    base={"calc.js": "exports.add = (a, b) => a - b;\n"},
    tests={"tests/calc.test.js": JS_TEST},
    checks=(Check("tests", ("node", "--test", "tests/")),),
    files=("calc.js",),
)


@needs("node")
@pytest.mark.parametrize(
    "code",
    [
        "process.exit(0);\n",
        "process.exit();\n",
        "process.reallyExit(0);\n",
        "setTimeout(process.exit, 0, 0);\n",
        'process.on("exit", () => process.exit(0));\n',
        'process.kill(process.pid, "SIGTERM");\n',
    ],
    ids=["exit", "no-code", "really", "later", "at-exit", "signal"],
)
def test_an_end_at_import_is_no_pass_in_javascript(tmp_path, code):
    wrong = "exports.add = (a, b) => a * b + 7;\n"
    grade = graded(tmp_path, {"calc.js": wrong + code}, JS)
    assert (grade.solved, grade.passed) == (False, 0)


@needs("node")
def test_an_end_after_the_first_test_is_no_pass_in_javascript(tmp_path):
    code = "exports.add = (a, b) => (a ? a + b : process.exit(0));\n"
    grade = graded(tmp_path, {"calc.js": code}, JS)
    assert not grade.solved
    assert "process.exit(0) ended this test file before its tests did" in grade.output


@needs("node")
def test_a_solved_tree_is_green_in_javascript(tmp_path):
    grade = graded(tmp_path, {"calc.js": "exports.add = (a, b) => a + b;\n"}, JS)
    assert (grade.solved, grade.passed, grade.failed) == (True, 3, 0)


@needs("node")
def test_a_file_without_tests_is_no_pass(tmp_path):
    task = replace(JS, tests={"tests/calc.test.js": 'require("../calc.js");\n'})
    assert graded(tmp_path, {}, task).checks == RED


@needs("go")
@pytest.mark.parametrize("at", ["init", "test"])
def test_an_end_is_no_pass_in_go(tmp_path, at):
    test = 'package calc\n\nimport "testing"\n\n'
    test += "func TestOne(t *testing.T) {}\n\nfunc TestTwo(t *testing.T) { Two() }\n"
    task = replace(
        TASK,
        language="go",
        base={"go.mod": "module calc\n\ngo 1.18\n"},
        tests={"calc_test.go": test},
        checks=(Check("tests", ("go", "test", ".")),),
    )
    name = "init" if at == "init" else "exit"
    body = "" if at == "init" else "exit()"
    code = f"func {name}() {{ os.Exit(0) }}\n\nfunc Two() {{ {body} }}\n"
    grade = graded(tmp_path, {"calc.go": f'package calc\n\nimport "os"\n\n{code}'}, task)
    assert not grade.solved


@needs("cargo")
def test_an_end_in_a_test_is_no_pass_in_rust(tmp_path):
    tests = "#[test]\nfn a_one() {}\n\n#[test]\nfn b_two() { calc::two(); }\n"
    task = replace(
        TASK,
        language="rust",
        base={"Cargo.toml": '[package]\nname = "calc"\nedition = "2021"\n'},
        tests={"tests/calc.rs": tests},
        checks=(Check("tests", ("cargo", "test", "--offline", "--test", "calc")),),
    )
    code = "pub fn two() {\n    std::thread::sleep(std::time::Duration::from_millis(300));\n"
    grade = graded(tmp_path, {"src/lib.rs": f"{code}    std::process::exit(0)\n}}\n"}, task)
    assert not grade.solved


def test_an_endless_loop_ends_at_the_limit(tmp_path):
    grade = graded(tmp_path, {"calc.py": "while True:\n    pass\n"}, limit_s=1.5)
    assert not grade.solved
    assert 1.5 <= grade.seconds < 45
    assert "the command did not end" in grade.output


def test_a_process_left_behind_is_ended(tmp_path):
    mark = uuid.uuid4().hex
    words = [sys.executable, "-c", "import time; time.sleep(600)", mark]
    code = f"import subprocess\nsubprocess.Popen({words!r}, start_new_session=True)\n"
    assert graded(tmp_path, {"calc.py": code + SOLVED}).checks == GREEN
    assert not [p for p in psutil.process_iter(["cmdline"]) if mark in (p.info["cmdline"] or ())]


def test_a_cancel_ends_it(tmp_path):
    cancel = threading.Event()
    cancel.set()
    tree = make_tree(tmp_path, {"calc.py": "while True:\n    pass\n"})
    grade = make_grader(600.0, cancel=cancel).grade(TASK, tree, tmp_path / "graded")
    assert not grade.solved
    assert grade.seconds < 60


def test_a_program_that_is_not_there_is_told(tmp_path):
    task = replace(TASK, checks=(Check("tests", ("no-such-tool",)),))
    with pytest.raises(ChecksError, match="no-such-tool"):
        graded(tmp_path, {}, task)


# -- what is in the tree besides -----------------------------------------------------------------


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_an_environment_of_the_agents_is_not_used(tmp_path, name):
    ran = tmp_path / "ran"
    tree = make_tree(tmp_path, {"calc.py": SOLVED, f"{name}/pyvenv.cfg": f"home = {tmp_path}\n"})
    (tree / name / "bin").mkdir()
    for program in ("python", "python3", "own-tool"):
        path = tree / name / "bin" / program
        path.write_text(f"#!/bin/sh\necho > {shlex.quote(str(ran))}\n", encoding="utf-8")
        path.chmod(0o755)
    assert make_grader().grade(TASK, tree, tmp_path / "graded").checks == GREEN
    named = replace(TASK, checks=(Check("tests", ("own-tool",)),))
    with pytest.raises(ChecksError, match="own-tool"):
        make_grader().grade(named, tree, tmp_path / "graded")
    assert not ran.exists()


def test_pipes_and_sockets_that_were_left_are_passed_over(tmp_path, monkeypatch):
    tree = make_tree(tmp_path, {"calc.py": SOLVED})
    os.mkfifo(tree / "pipe")
    monkeypatch.chdir(tree)  # the path of a socket has to be short
    with socket.socket(socket.AF_UNIX) as left:
        left.bind("left.sock")
    assert make_grader().grade(TASK, tree, tmp_path / "graded").checks == GREEN


def test_a_copy_that_was_left_there_is_made_anew(tmp_path):
    (tmp_path / "graded").mkdir()
    (tmp_path / "graded" / "conftest.py").write_text(FORGED, encoding="utf-8")
    assert graded(tmp_path, {}).checks == RED


# -- several checks ------------------------------------------------------------------------------


CASE = """import unittest

from calc import add


class T(unittest.TestCase):
    def test_{}(self):
        self.assertEqual({})
"""
STEPS = {"old": "add(0, 0), 0", "one": "add(2, 3), 5", "two": "add('a', 'b'), 'ab'"}
NAMED = {REGRESSION: "old", "step1": "one", "step2": "two"}
PLAN = replace(
    TASK,
    kind="plan",
    tests={f"test_{name}.py": CASE.format(name, says) for name, says in STEPS.items()},
    checks=tuple(
        Check(check, ("python", "-m", "unittest", "-v", f"test_{name}"))
        for check, name in NAMED.items()
    ),
)


def test_every_step_counts(tmp_path):
    half = graded(tmp_path, {"calc.py": "def add(a, b):\n    return int(a) + int(b)\n"}, PLAN)
    assert half.checks == {REGRESSION: True, "step1": True, "step2": False}
    assert (half.passed, half.failed, half.score, half.solved) == (2, 1, 0.5, False)
    assert "test_two" in half.output
    assert "test_one" not in half.output


def test_with_an_old_test_broken_no_step_counts(tmp_path):
    code = "def add(a, b):\n    return a + b if a else None\n"
    broken = graded(tmp_path, {"calc.py": code}, PLAN)
    assert broken.checks == {REGRESSION: False, "step1": True, "step2": True}
    assert (broken.passed, broken.failed, broken.score, broken.solved) == (2, 1, 0.0, False)


def test_a_tree_is_not_solved_with_a_failed_test():
    assert Grade({"one": True}, passed=2, failed=0, seconds=1.0, output="").solved
    assert not Grade({"one": True}, passed=2, failed=1, seconds=1.0, output="").solved


def test_python_is_the_interpreter_of_this_program():
    assert interpreted(("python", "-m", "python")) == (sys.executable, "-m", "python")
    assert interpreted(("go", "python")) == ("go", "python")
    assert interpreted(()) == ()
