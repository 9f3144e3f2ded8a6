import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.checks import TestRunner, parse_command, select
from qwenagent.protocol.checks import TestCommand, TestRun
from tests.needs import needs
from tests.reports_stage import write

QUICK = {"PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def chosen(text: str, tests: list[str], files: list[str] | None = None, cwd: str = ".") -> str:
    command = TestCommand(parse_command(text, "plan").argv, text, "plan", cwd)
    found = select(command, tests, files or [])
    assert found is None or (found.origin, found.cwd) == ("plan", cwd)
    return found.shown if found else "none"


@pytest.mark.parametrize(
    ("text", "tests", "files", "shown"),
    [
        (
            "pytest -q",
            ["tests/test_a.py::test_x[a b]"],
            [],
            "pytest -q 'tests/test_a.py::test_x[a b]'",
        ),
        ("pytest -k old -c p.ini tests", ["t.py::T::x"], [], "pytest -c p.ini t.py::T::x"),
        ("pytest -k new tests", [], ["test_a.py"], "pytest -k new test_a.py"),
        ("pytest tests", ["t.py::x", "t.py"], [], "pytest t.py"),
        ("python -m pytest -x --cov src tests", [], ["t.py"], "python -m pytest -x --cov src t.py"),
        ("python -m pytest -- a.py", [], ["t.py"], "python -m pytest t.py"),
        ("pytest", ["name without a file"], [], "none"),
        ("python -m unittest -v", ["test_a.A.test_b"], [], "python -m unittest -v test_a.A.test_b"),
        (
            "python -m unittest discover -v -s tests -p '*_test.py'",
            ["test_a.A.setUpClass", "test_a.A.setUpClass"],
            ["tests/sub/test_b.py"],
            "PYTHONPATH=tests python -m unittest -v test_a.A sub.test_b",
        ),
        (
            "PYTHONPATH=src python -m unittest discover -s a/tests -t a",
            ["tests.test_a.A.b"],
            [],
            "PYTHONPATH=a:src python -m unittest tests.test_a.A.b",
        ),
        ("python -m unittest discover -s tests", [], ["other/test_a.py"], "none"),
        ("python -m unittest", ["not a dotted name"], [], "none"),
        (
            "python manage.py test --settings s.test shop --keepdb",
            ["shop.tests.A.b"],
            [],
            "python manage.py test --settings s.test --keepdb shop.tests.A.b",
        ),
        (
            "node --test",
            ["t/a.test.js::says (hi) [x]"],
            [],
            r"node --test '--test-name-pattern=^says\s+\(hi\)\s+\[x\]$' t/a.test.js",
        ),
        ("node --test t/", ["a.js::suite::x", "a.js::y"], [], "node --test a.js"),
        ("node --test t/", ["a.js::same#2"], [], "node --test a.js"),
        (
            "npx jest --ci -t old other",
            ['src/a.test.ts::s::says "a.b"', "src/a.test.ts::same#2"],
            [],
            "npx jest --ci "
            r"""'--testNamePattern=^(?:s(?:\s+|::)says\s+"a\.b"|same(?:#2)?)$'"""
            " --runTestsByPath src/a.test.ts",
        ),
        ("vitest run --pool forks", [], ["a.test.ts"], "vitest run --pool forks a.test.ts"),
        ("npx mocha t", ["cart::adds"], [], r"npx mocha t '--grep=^(?:cart(?:\s+|::)adds)$'"),
        ("npx mocha t", [], ["t/a.js"], "none"),
        (
            "cargo test --workspace -p x -- --test-threads 1",
            ["src/lib.rs::tests::a", "tests/it.rs::b"],
            [],
            "cargo test --lib --test it -- --test-threads 1 --exact tests::a b",
        ),
        (
            "cargo test",
            ["crates/a/src/bin/tool.rs::x"],
            [],
            "cargo test --manifest-path crates/a/Cargo.toml --bin tool -- --exact x",
        ),
        ("cargo test", ["src/lib.rs::doctest add#2"], [], "cargo test --doc -- '- add ('"),
        ("cargo test", ["src/lib.rs::doctest add", "src/lib.rs::a"], [], "none"),
        ("cargo test", ["a/src/lib.rs::x", "b/src/lib.rs::x"], [], "none"),
        ("cargo test", [], ["tests/it/main.rs"], "cargo test --test it"),
        ("cargo test", [], ["tests/common/mod.rs"], "none"),
        (
            "go test -race -run Old ./... -args x",
            ["calc/c_test.go::TestA/bad_[x]"],
            [],
            r"go test -race -run '^TestA$/^bad_\[x\]$' ./calc -args x",
        ),
        (
            "go test -count=1 ./...",
            ["c_test.go::TestA/x", "c_test.go::TestA/y", "d/d_test.go::TestB"],
            [],
            "go test -count=1 -run '^(TestA|TestB)$' . ./d",
        ),
        ("go test ./...", [], ["calc/c_test.go"], "go test ./calc"),
        ("make test", ["a.py::x"], [], "none"),
        ("pytest | tail -3", ["a.py::x"], [], "none"),
        ("pytest", [], [], "none"),
    ],
)
def test_select(text, tests, files, shown):
    assert chosen(text, tests, files) == shown


def test_files_count_from_the_folder_of_the_command():
    assert chosen("pytest", ["back end/t.py::x"], cwd="back end") == "pytest t.py::x"
    assert (
        chosen("go test ./...", ["a/b/c_test.go::TestX"], cwd="a") == "go test -run '^TestX$' ./b"
    )
    assert chosen("npx jest", [], ["web/a.test.js"], cwd="web") == (
        "npx jest --runTestsByPath a.test.js"
    )


def test_too_many_tests_are_not_put_on_a_command_line():
    assert chosen("pytest", [f"t.py::test_{i}" for i in range(1000)]) == "none"


@given(st.lists(st.text(min_size=1)), st.lists(st.text(min_size=1)))
def test_any_id_is_taken_or_refused(tests, files):
    for text in (
        "pytest",
        "python -m unittest",
        "node --test",
        "npx jest",
        "cargo test",
        "go test",
    ):
        found = select(parse_command(text, "flag"), tests, files)
        assert found is None or found.argv[:1] == (text.split()[0],)


def run(root: Path, command: TestCommand, **environ: str) -> TestRun:
    return TestRunner(root, {**QUICK, **environ}).run(command, timeout_s=60)


TESTS = """
import pytest
@pytest.mark.parametrize("x", ["a b", "[c]", "d::e", "f'g\\"", "ü", "-k"])
def test_x(x): assert x == "a b"
class TestX:
    def test_x(self): pass
"""


def test_every_id_of_pytest_can_be_run_alone(tmp_path):
    root = tmp_path / "my repo"
    write(root, {"pytest.ini": "[pytest]\n", "sub dir/test_a.py": TESTS})
    argv = (sys.executable, "-m", "pytest", "-q", "sub dir")
    whole = run(root, TestCommand(argv, "pytest", "plan"))
    assert len(whole.statuses) == 7
    again = select(TestCommand(argv, "pytest", "plan"), list(whole.statuses))
    assert again
    assert run(root, again).statuses == whole.statuses
    for test in list(whole.statuses)[2:5]:
        one = select(TestCommand(argv, "pytest", "plan"), [test])
        assert one
        assert run(root, one).statuses == {test: whole.statuses[test]}


def test_ids_of_a_unittest_discovery_can_be_run(tmp_path):
    case = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): self.fail()\n"
    write(tmp_path, {"tests/test_a.py": case, "tests/test_b.py": case})
    argv = (sys.executable, "-m", "unittest", "discover", "-s", "tests")
    command = TestCommand(argv, "unittest", "plan")
    again = select(command, ["test_a.A.test_a"])
    assert again
    assert run(tmp_path, again).statuses == {"test_a.A.test_a": "failed"}


def test_scripts_of_npm_are_seen_through(tmp_path):
    scripts = '"test": "jest --ci", "unit": "node --test t/", "all": "tsc && jest"'
    write(tmp_path, {"package.json": f'{{"scripts": {{{scripts}}}}}'})

    def shown(text: str, test: str) -> str:
        found = select(parse_command(text, "plan"), [test], root=tmp_path)
        return found.shown if found else "none"

    wanted = "'--testNamePattern=^(?:x)$' --runTestsByPath a.js"
    assert shown("npm test", "a.js::x") == f"npm test -- {wanted}"
    assert shown("npm test -- --bail", "a.js::x") == f"npm test -- --bail {wanted}"
    assert shown("yarn test", "a.js::x") == f"yarn test {wanted}"
    for text in ("npm run unit", "npm run all", "npm run none", "npm --prefix x test"):
        assert shown(text, "a.js::x") == "none"


@needs("node")
def test_a_test_of_node_is_run_alone(tmp_path):
    tests = 'const { test } = require("node:test");\ntest("a (b) \'c\'", () => { throw 1; });\n'
    write(tmp_path, {"t.test.js": tests + 'test("other", () => {});\n'})
    path = str(Path(shutil.which("node") or "").parent)
    test = "t.test.js::a (b) 'c'"
    command = parse_command("node --test", "plan")
    assert run(tmp_path, command, PATH=path).statuses == {
        test: "failed",
        "t.test.js::other": "passed",
    }
    again = select(command, [test])
    assert again
    assert run(tmp_path, again, PATH=path).statuses[test] == "failed"
