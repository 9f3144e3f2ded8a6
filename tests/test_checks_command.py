import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.checks import is_trivial, parse_command
from qwenagent.checks.anatomy import Anatomy, dissect
from qwenagent.checks.command import typed
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("pytest -q", ("pytest", "-q")),
        ("  pytest 'a b.py'  ", ("pytest", "a b.py")),
        ('pytest -k "a and (b or c)"', ("pytest", "-k", "a and (b or c)")),
        ("pytest tests/test_a.py::test_x[1-2]", ("pytest", "tests/test_a.py::test_x[1-2]")),
        ("pytest -k 'not $x'", ("pytest", "-k", "not $x")),
        ("PYTHONPATH=src A= pytest", ("env", "PYTHONPATH=src", "A=", "pytest")),
        ("pytest \\\n  -q", ("pytest", "-q")),
        ("cargo test -- --nocapture", ("cargo", "test", "--", "--nocapture")),
        ("pytest --junitxml=out#1.xml", ("pytest", "--junitxml=out#1.xml")),
        ("pytest tests/{a}", ("pytest", "tests/{a}")),
    ],
)
def test_words_that_need_no_shell(text, argv):
    command = parse_command(text, "plan")
    assert (command.argv, command.origin, command.cwd) == (argv, "plan", ".")


@pytest.mark.parametrize(
    "text",
    [
        *("make && pytest", "pytest | tail -3", "pytest; true", "pytest > log", "pytest < in"),
        *("pytest $(ls)", "pytest `ls`", 'pytest "$FILE"', 'pytest "`ls`"', "pytest tests/*.py"),
        *("pytest &", "! pytest", "pytest ~/x", "cd app", "source x/bin/activate", ". x", ":"),
        *("exit 0", "pytest tests/{a,b}", "A=1 cd x", "if true", "(pytest)", "a\nb"),
        *("pytest # comment", 'pytest "a" | tail', "pytest \\\\ | tail"),
    ],
)
def test_text_that_needs_a_shell(text):
    assert parse_command(text, "flag") == TestCommand(("bash", "-c", text), text, "flag")


@pytest.mark.parametrize("text", ["", "  \n", "pytest 'a", 'pytest "a', "A=1 B=2", "a\0b"])
def test_what_cannot_be_run_is_refused(text):
    with pytest.raises(ChecksError):
        parse_command(text, "step")


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("env", "A=b c", "B=", "pytest", "a b.py"), "A='b c' B='' pytest 'a b.py'"),
        (("env", "-u", "A", "pytest"), "env -u A pytest"),
        (("env", "A=b"), "env A=b"),
        (("timeout", "9", "env", "A=b", "pytest"), "timeout 9 env A=b pytest"),
    ],
)
def test_words_as_one_types_them(argv, shown):
    assert typed(argv) == shown


@given(st.lists(st.text("a =-$'\"", min_size=1), min_size=1), st.text("a $'"))
def test_what_is_typed_is_read_as_the_same_words(words, value):
    argv = ("env", f"A={value}", "pytest", *words)
    assert parse_command(typed(argv), "step").argv == argv


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        command = parse_command(text, "step")
    except ChecksError:
        return
    assert command.argv
    assert is_trivial(command) in (True, False)
    assert 0 <= dissect(command.argv).program < len(command.argv)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pytest -q", Anatomy("pytest", 0, 1)),
        ("python -m pytest -q", Anatomy("pytest", 0, 3)),
        ("python3.12 -W error -Pm pytest", Anatomy("pytest", 0, 5)),
        ("python -mpytest", Anatomy("pytest", 0, 2)),
        ("timeout -k 5 60 /x/python -P -m pytest -q", Anatomy("pytest", 4, 8)),
        ("A=1 B=2 pytest", Anatomy("pytest", 3, 4)),
        ("nice -n 5 env -u X A=1 python -m unittest discover", Anatomy("unittest", 7, 10)),
        ("uv run --with x --frozen pytest tests", Anatomy("pytest", 5, 6, managed=True)),
        ("poetry run python -m pytest", Anatomy("pytest", 2, 5, managed=True)),
        ("coverage run --source app -m pytest -q", Anatomy("pytest", 0, 6)),
        ("coverage run --branch -m unittest", Anatomy("unittest", 0, 5)),
        ("python -m coverage run -m pytest", Anatomy("pytest", 0, 6)),
        ("coverage report", Anatomy("other", 0, 1)),
        ("python -c 'import pytest' -m pytest", Anatomy("other", 0, 1)),
        ("python tests/run.py -m pytest", Anatomy("other", 0, 1)),
        ("npm test", Anatomy("other", 0, 1)),
        ("node --test", Anatomy("node", 0, 2)),
        ("node --import tsx --test t/a.ts", Anatomy("node", 0, 4)),
        ("node a.js --test", Anatomy("other", 0, 1)),
        ("node --experimental-vm-modules node_modules/.bin/jest -i", Anatomy("jest", 0, 3)),
        ("npx --no-install jest --ci", Anatomy("jest", 2, 3, managed=True)),
        ("cross-env A=1 jest", Anatomy("jest", 2, 3)),
        ("pnpm exec vitest run --dir x", Anatomy("vitest", 2, 4, managed=True)),
        ("vitest --run", Anatomy("vitest", 0, 1)),
        ("vitest bench", Anatomy("other", 0, 1)),
        ("react-scripts test --ci", Anatomy("jest", 0, 2)),
        ("c8 -r text mocha t", Anatomy("mocha", 3, 4)),
        ("cargo +nightly --locked test -p x", Anatomy("cargo", 0, 4)),
        ("cargo build", Anatomy("other", 0, 1)),
        ("go test ./...", Anatomy("go", 0, 2)),
        ("go -C x test ./...", Anatomy("go", 0, 4)),
        ("python manage.py test shop", Anatomy("django", 0, 3)),
        ("./manage.py test", Anatomy("django", 0, 2)),
        ("python manage.py migrate", Anatomy("other", 0, 2)),
        ("pytest | tail", Anatomy("other", 0, 3)),
        ("timeout 60", Anatomy("other", 1, 2)),
    ],
)
def test_dissect(text, expected):
    assert dissect(parse_command(text, "flag").argv) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("true", ":", "echo ok", "exit 0", "/bin/true", "timeout 5 true", "A=1 true"),
        *("pytest || true", "pytest; true", "pytest\necho done", "pytest || exit 0", "pytest &"),
        *("pytest || echo failed", "true && echo ok", "pytest --version", "pytest --collect-only"),
        *("python -m pytest --co -q", "bash -c 'true'", "(pytest --help) || :", "npm --version"),
        *("echo 'a && pytest'", "pytest; echo 'x || y'"),
    ],
)
def test_commands_that_show_nothing(text):
    assert is_trivial(parse_command(text, "step"))


@pytest.mark.parametrize(
    "text",
    [
        *("pytest", "false", "make test", "pytest && echo ok", "echo start; pytest", "exit 1"),
        *("cd app && pytest", "pytest | tail -5", "set -e; pytest; echo ok", "true && pytest"),
        *("pytest 2>&1", "pytest || (cat log; false)", "test -f x", "./true_test"),
        *(
            "python -c 'import app'",
            "grep -q x 'a;true'",
            "pytest 'a || true'",
            "bash -c pytest",
            "pytest; exit",
        ),
    ],
)
def test_commands_that_can_fail(text):
    assert not is_trivial(parse_command(text, "step"))
