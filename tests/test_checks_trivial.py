from __future__ import annotations

import json
from itertools import pairwise

import pytest

from qwenagent.checks import is_trivial, parse_command
from qwenagent.protocol.checks import TestCommand


@pytest.mark.parametrize(
    "text",
    [
        *("true", ":", "/bin/true", "echo ok", "printf ok", "exit 0", "exit 00", "sleep 1"),
        *("timeout 5 true", "A=1 true", "env -u X true", "nohup true", "exec true"),
        *("bash -c true", "sh -c 'exit 0'", "true # a; pytest"),
        *("pytest || true", "pytest; true", "pytest || :", "pytest || exit 0", "pytest &"),
        *("pytest; exit 0", "pytest; echo $?", "pytest & wait", "pytest\necho done"),
        *("pytest > log 2>&1 || true", "set +e; pytest; echo done", "(pytest; true)"),
        *("{ pytest; true; }", "(pytest --help) || :", "if pytest; then echo ok; fi"),
        *("if pytest; then echo ok; else echo no; fi", "for t in a b; do echo $t; done"),
        *("pytest --version", "pytest -V", "pytest --collect-only -q", "python -m pytest --co"),
        *("pytest --fixtures", "pytest --setup-plan", "python -m unittest --help"),
        *("make -n test", "npx jest --listTests", "bundle exec rspec --dry-run", "ctest -N"),
        *("npm --version", "node -v", "cargo --version", "go version", "python3 -V"),
        *("python -c pass", "python3.12 -c 'print(1)'", "python -c \"'doc'\"", "python -c ''"),
        *("python -c 'assert True'", "node -e ''", "node -e 'console.log(\"ok\")'"),
        *("test -d .", "[ -d . ]", "[[ -e / ]]", "test 1 = 1", "[ 1 -eq 1 ]", "test -n x"),
        *("test x", "test -z ''", "which pytest", "command -v pytest", "git status", "git diff"),
    ],
)
def test_what_cannot_fail(text):
    assert is_trivial(parse_command(text, "step"))


def test_a_script_that_nobody_could_read_may_fail(tmp_path):
    text = json.dumps({"scripts": {"test": "true" + ")" * 900_000}})
    (tmp_path / "package.json").write_text(text, encoding="utf-8")
    assert not is_trivial(parse_command("npm test", "step"), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        *("pytest", "false", "exit 1", "exit", "make test", "make -k", "npm test", "cargo test"),
        *("python -m unittest -v", "./true_test", "bash run.sh", "sh -e run.sh", "time pytest"),
        *("pytest && echo ok", "true && pytest", "echo start; pytest", "pytest | tail -5"),
        *("pytest 2>&1", "pytest; exit", "pytest; exit $?", "pytest; exit 3", "! pytest"),
        *("set -e; pytest; echo ok", "cd app && pytest", "(cd app; pytest)", "pytest & pytest"),
        *("pytest || (cat log; false)", "pytest || { echo bad; false; }", "bash -c pytest"),
        *("if pytest; then echo ok; else exit 1; fi", "if ! pytest; then exit 1; fi"),
        *("for t in a b; do pytest $t; done", "echo $(pytest) && pytest"),
        *("grep -q x 'a;true'", "pytest 'a || true'", "git diff --exit-code", "command pytest"),
        # of the project's own program this may be what the step asks for
        *("python -m app --version", "python app.py --help", "./cli --version"),
        *("cargo run -- --version", "go run . --help", "node cli.js --version"),
        *("python -c 'import app'", "python -c 'assert False'", "python -c 'print(x)'"),
        *("python -c 'not python'", "node -e 'require(\"./x\")'", "npx jest"),
        *("test -f x", "test -d build", 'test "$(./x)" = 3', "test $x", "[ 1 = 2 ]", "test"),
    ],
)
def test_what_can_fail(text):
    assert not is_trivial(parse_command(text, "step"))


SCRIPTS = {
    "test": 'echo "no tests yet"',
    "fails": 'echo "Error: no test specified" && exit 1',
    "real": "jest",
    "checked": "true",
    "precheck": "tsc",
    "check": "true",
    "outer": "npm run inner",
    "inner": "exit 0",
    "loop": "npm run loop",
    "number": 3,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in ("npm test", "npm t", "npm run test", "yarn test")),
        *((text, True) for text in ("pnpm run checked", "bun run test", "npm run outer")),
        *((text, False) for text in ("npm run real", "npm run fails", "npm run check")),
        *((text, False) for text in ("bun test", "npm run gone", "npm -w a test", "npm run")),
        *((text, False) for text in ("npm run loop", "npm run number", "npm")),
    ],
)
def test_scripts_of_a_package(text, expected, tmp_path):
    folder = tmp_path / "my app"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"scripts": SCRIPTS}), encoding="utf-8")
    argv = parse_command(text, "step").argv
    assert is_trivial(TestCommand(argv, text, "step", "my app"), tmp_path) is expected


@pytest.mark.parametrize("text", ["", "[]", "{", '{"scripts": 3}', "\udcff", "[" * 100_000])
def test_a_package_that_cannot_be_read_may_fail(text, tmp_path):
    path = tmp_path / "package.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert not is_trivial(parse_command("npm test", "step"), tmp_path)
    path.unlink()
    assert not is_trivial(parse_command("npm test", "step"), tmp_path)


def test_scripts_that_start_each_other_many_times(tmp_path):
    names = "abcdef"
    scripts = {a: f"npm run {b};" * 40 for a, b in pairwise(names)}
    path = tmp_path / "package.json"
    for last, expected in (("true", True), ("jest", False)):
        path.write_text(json.dumps({"scripts": {"test": "npm run a", **scripts, "f": last}}))
        assert is_trivial(parse_command("npm test", "step"), tmp_path) is expected


@pytest.mark.parametrize(
    "text",
    [
        "command " * 3000 + "true",
        "yarn " + "exec " * 3000 + "true",
        f"python -c '{'-' * 100_000}1'",
    ],
)
def test_what_is_nested_too_deep_may_fail(text):
    assert not is_trivial(parse_command(text, "flag"))
