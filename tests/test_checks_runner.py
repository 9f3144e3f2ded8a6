import os
import sys
import threading
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, parse_command, reduce_output
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand, TestRun
from tests.needs import program
from tests.test_checks_interpreter import make_tool, make_venv

PYTEST = f"'{sys.executable}' -m pytest -q"
QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
UNITTEST = f"'{sys.executable}' -m unittest"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run_in(root: Path, text: str, *, path: str = "/usr/bin:/bin", timeout_s: float = 60) -> TestRun:
    runner = TestRunner(root, {"PATH": path, **QUICK})
    return runner.run(parse_command(text, "flag"), timeout_s=timeout_s)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "my project"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return folder


MIXED = """
import pytest
from cart import total

class TestTotal:
    def test_good(self): assert total([1, 2]) == 3

    @pytest.mark.parametrize("prices", [[1], [2, 3]], ids=["one", "two items"])
    def test_bad(self, prices):
        assert total(prices) == sum(prices) + 1

@pytest.mark.skip(reason="later")
def test_later(): assert False

@pytest.mark.xfail
def test_known(): assert False

@pytest.fixture
def broken():
    yield
    raise RuntimeError("teardown")

def test_teardown(broken): pass
"""


def test_pytest_statuses_and_failures(root):
    write(root, {"cart.py": "def total(p):\n    return sum(p)\n", "tests/test_cart.py": MIXED})
    run = run_in(root, PYTEST)
    file = "tests/test_cart.py"
    assert (run.exit_code, run.collected, run.timed_out, run.green) == (1, True, False, False)
    assert run.statuses == {
        f"{file}::TestTotal::test_good": "passed",
        f"{file}::TestTotal::test_bad[one]": "failed",
        f"{file}::TestTotal::test_bad[two items]": "failed",
        f"{file}::test_later": "skipped",
        f"{file}::test_known": "skipped",
        f"{file}::test_teardown": "failed",
    }
    assert run.failures[f"{file}::TestTotal::test_bad[one]"] == (
        "E   AssertionError\nE   assert 1 == (1 + 1)\n"
        "E    +  where 1 = total([1])\n"
        "E    +  and   1 = sum([1])\n"
        f"at {file}:10: assert total(prices) == sum(prices) + 1"
    )
    assert run.failures[f"{file}::test_teardown"] == (
        f'E   RuntimeError: teardown\nat {file}:21: raise RuntimeError("teardown")'
    )


def test_nothing_is_left_in_the_tree(root):
    write(root, {"test_a.py": "def test_a(): pass\n"})
    before = sorted(root.rglob("*"))
    assert run_in(root, PYTEST).green
    assert sorted(root.rglob("*")) == before


def test_a_file_that_cannot_be_imported_fails_and_does_not_hide_the_others(root):
    write(
        root,
        {
            "tests/test_new.py": "from cart import missing\ndef test_x(): pass\n",
            "tests/test_syntax.py": "def test_x(:\n",
            "tests/test_old.py": "def test_old(): pass\n",
            "cart.py": "",
        },
    )
    run = run_in(root, PYTEST)
    assert run.collected
    assert run.statuses == {
        "tests/test_new.py": "failed",
        "tests/test_syntax.py": "failed",
        "tests/test_old.py::test_old": "passed",
    }
    first, frame = run.failures["tests/test_new.py"].splitlines()
    assert first.startswith("E   ImportError: cannot import name 'missing' from 'cart' (cart.py)")
    assert frame == "at tests/test_new.py:1: from cart import missing"
    assert "SyntaxError: invalid syntax" in run.failures["tests/test_syntax.py"]
    assert str(root) not in "".join(run.failures.values())


@pytest.mark.parametrize("files", [{}, {"test_a.py": "x = 1\n"}])
def test_pytest_that_finds_nothing(root, files):
    write(root, files)
    run = run_in(root, PYTEST)
    assert (run.exit_code, run.collected, run.green, run.statuses) == (5, False, False, {})


@pytest.mark.parametrize(
    "text",
    [
        f"timeout 60 {PYTEST} --tb=short -p no:cacheprovider -o pythonpath=.",
        f"env X=1 '{sys.executable}' -m pytest",
        f"'{sys.executable}' -m pytest --lf",
        f"'{sys.executable}' -m pytest -- test_a.py",
    ],
)
def test_pytest_behind_other_words(root, text):
    write(root, {"test_a.py": "import b\ndef test_a(): assert b.X\n", "b.py": "X = 1\n"})
    if text.startswith("timeout"):
        program("timeout")
    assert run_in(root, text).statuses == {"test_a.py::test_a": "passed"}


def test_a_filter_of_names_may_be_longer_than_a_file_s_name(root):
    write(root, {"test_it.py": "def test_a(): pass\ndef test_b(): pass\n"})
    wanted = " or ".join(["test_a", *(f"not_there_{n}" for n in range(40))])
    assert run_in(root, f"{PYTEST} -k '{wanted}'").statuses == {"test_it.py::test_a": "passed"}


def test_a_pytest_that_does_not_know_our_options_runs_as_it_was_given(root):
    make_venv(root / ".venv")
    refused = 'echo "error: unrecognized arguments: $1"; exit 4'
    make_tool(root / ".venv/bin", "pytest", f'[ -z "$*" ] && echo 1 passed || {{ {refused}; }}')
    run = run_in(root, "pytest")
    assert (run.exit_code, run.output, run.statuses, run.collected) == (0, "1 passed\n", {}, True)


def test_a_shell_text_gives_exit_code_and_output(root):
    write(root, {"test_a.py": "def test_a(): assert 0\n"})
    run = run_in(root, f"{PYTEST} -p no:cacheprovider | tail -1")
    assert (run.exit_code, run.statuses) == (1, {})
    assert run.output.startswith("1 failed in ")
    none = run_in(root, f"{PYTEST} -p no:cacheprovider -k none | tail -1")
    assert (none.exit_code, none.collected) == (5, False)


CASES = '''
import sys, unittest
from cart import total

class TotalTest(unittest.TestCase):
    def test_good(self):
        """Adds up."""
        print("noise (a.b)")
        self.assertEqual(total([1]), 1)
    def test_bad(self):
        sys.stderr.write("no newline ")
        self.assertEqual(total([1, 2]), 4)
    @unittest.skip("later")
    def test_later(self): ...
    @unittest.expectedFailure
    def test_known(self): self.fail()
    def test_parts(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertLess(n, 1)
'''


@pytest.mark.parametrize("arguments", ["discover -s tests", "-v tests/test_cart.py"])
def test_unittest_statuses_and_failures(root, arguments):
    cart = "def total(p):\n    return sum(p)\n"
    write(root, {"cart.py": cart, "tests/__init__.py": "", "tests/test_cart.py": CASES})
    run = run_in(root, f"{UNITTEST} {arguments}")
    module = "tests.test_cart" if "/" in arguments else "test_cart"
    assert (run.exit_code, run.collected) == (1, True)
    assert run.statuses == {
        f"{module}.TotalTest.test_bad": "failed",
        f"{module}.TotalTest.test_parts": "failed",
        f"{module}.TotalTest.test_good": "passed",
        f"{module}.TotalTest.test_known": "skipped",
        f"{module}.TotalTest.test_later": "skipped",
    }
    assert run.failures[f"{module}.TotalTest.test_bad"] == (
        "E   AssertionError: 3 != 4\nat tests/test_cart.py:12: self.assertEqual(total([1, 2]), 4)"
    )
    assert run.failures[f"{module}.TotalTest.test_parts"].splitlines()[:2] == [
        "subtest (n=1)",
        "E   AssertionError: 1 not less than 1",
    ]


def test_unittest_modules_and_classes_that_cannot_start(root):
    broken = (
        "import unittest\nclass A(unittest.TestCase):\n    @classmethod\n"
        "    def setUpClass(cls): raise OSError('no disk')\n    def test_a(self): ...\n"
    )
    write(root, {"test_new.py": "import nothing_there\n", "test_set.py": broken})
    run = run_in(root, f"{UNITTEST} discover")
    assert run.statuses == {"test_new": "failed", "test_set.A.setUpClass": "failed"}
    assert run.failures["test_new"].startswith(
        "E   ModuleNotFoundError: No module named 'nothing_there'\nat test_new.py:1: import"
    )


def test_unittest_that_finds_nothing(root):
    run = run_in(root, UNITTEST)
    assert (run.collected, run.green) == (False, False)


def test_unittest_that_dies_in_a_test(root):
    text = "import os, unittest\nclass A(unittest.TestCase):\n    def test_a(self): os._exit(0)\n"
    write(root, {"test_a.py": text})
    assert run_in(root, UNITTEST).statuses == {"test_a.A.test_a": "failed"}


def test_the_project_s_own_environment_runs_its_tests(root):
    python = make_venv(root / ".venv", with_pytest=True)
    code = "import os, sys\ndef test_a():\n    assert sys.prefix == os.environ['VIRTUAL_ENV']\n"
    write(root, {"test_a.py": code})
    for text in ("python -m pytest", "python3 -m pytest", "pytest", "A=1 python -m pytest"):
        assert run_in(root, text).statuses == {"test_a.py::test_a": "passed"}, text
    shown = run_in(root, "python -c 'import sys; print(sys.executable)'")
    assert shown.output.strip() == python


def test_a_sub_project_has_an_environment_of_its_own(root):
    make_venv(root / ".venv")
    inner = make_venv(root / "back end/.venv")
    runner = TestRunner(root, {"PATH": "/usr/bin:/bin"})
    argv = ("python", "-c", "import sys; print(sys.executable)")
    run = runner.run(TestCommand(argv, "python", "plan", "back end"), timeout_s=60)
    assert run.output.strip() == inner
    write(root, {"front end/a.txt": ""})
    outer = runner.run(TestCommand(argv, "python", "plan", "front end"), timeout_s=60)
    assert outer.output.strip() == str(root / ".venv/bin/python")


def test_secrets_do_not_reach_the_tests(root):
    write(root, {"test_a.py": "import os\ndef test_a(): assert 'MY_TOKEN' not in os.environ\n"})
    runner = TestRunner(root, {"PATH": "/usr/bin:/bin", "MY_TOKEN": "x", **QUICK})
    assert runner.run(parse_command(PYTEST, "flag"), timeout_s=60).green


def test_a_time_limit(root):
    write(root, {"test_a.py": "import time\ndef test_a(): pass\ndef test_b(): time.sleep(60)\n"})
    run = run_in(root, PYTEST, timeout_s=1)
    assert (run.timed_out, run.green) == (True, False)
    assert run.seconds < 10


def test_a_cancelled_run_is_not_green(root):
    cancel = threading.Event()
    cancel.set()
    runner = TestRunner(root, {"PATH": "/usr/bin:/bin"}, cancel)
    run = runner.run(parse_command("sleep 60", "flag"), timeout_s=60)
    assert (run.exit_code, run.green, run.timed_out) == (130, False, False)


def test_a_command_that_is_not_there(root, tmp_path):
    with pytest.raises(ChecksError, match="no-such-tool not found; looked at") as error:
        run_in(root, "no-such-tool --all", path=str(tmp_path))
    assert f"PATH: {tmp_path}" in error.value.message
    assert "--test-cmd" in error.value.hint


def test_a_project_without_pytest(root, tmp_path):
    make_venv(root / ".venv")
    for text in ("python -m pytest", "pytest"):
        with pytest.raises(ChecksError, match="pytest not found; looked at"):
            run_in(root, text, path=str(tmp_path))


def test_a_folder_inside_the_repository_and_none_outside(root):
    write(root, {"back end/test_a.py": "def test_a(): pass\n"})
    runner = TestRunner(root, {"PATH": "/usr/bin:/bin", **QUICK})
    argv = (sys.executable, "-m", "pytest", "-q")
    assert runner.run(TestCommand(argv, "pytest", "plan", "back end"), timeout_s=60).green
    for cwd in ("..", "missing", "/"):
        with pytest.raises(ChecksError, match="cannot run 'pytest'"):
            runner.run(TestCommand(argv, "pytest", "plan", cwd), timeout_s=60)


def test_node_that_finds_nothing(root):
    path = tool_path("node")
    write(root, {"a.txt": ""})
    assert run_in(root, "node --test", path=path).collected is False


NODE_TESTS = """
const { test, describe } = require("node:test");
const assert = require("node:assert");
describe("cart", () => {
  test("adds", () => {});
  test("is wrong", () => { assert.strictEqual(1, 2); });
});
"""


@pytest.mark.parametrize("text", ["node --test", "npm test"])
def test_node(root, text):
    path = tool_path(text.split()[0])
    files = {"test/cart.test.js": NODE_TESTS, "test/broken.test.js": "const x = ;\n"}
    write(root, {"package.json": '{"scripts": {"test": "node --test test/*.js"}}', **files})
    if text == "npm test":  # a pattern would need a shell
        write(root, {"package.json": '{"scripts": {"test": "node --test"}}'})
    before = sorted(root.rglob("*"))
    run = run_in(root, text, path=path)
    assert run.statuses == {
        "test/broken.test.js": "failed",
        "test/cart.test.js::cart::adds": "passed",
        "test/cart.test.js::cart::is wrong": "failed",
    }
    assert run.failures["test/cart.test.js::cart::is wrong"] == (
        "E   AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:\nE   1 !== 2\n"
        'at test/cart.test.js:6: test("is wrong", () => { assert.strictEqual(1, 2); });'
    )
    assert "SyntaxError: Unexpected token" in run.failures["test/broken.test.js"]
    assert sorted(root.rglob("*")) == before


def test_a_reporter_of_the_user_s_own_is_kept(root):
    write(root, {"cart.test.js": NODE_TESTS})
    run = run_in(root, "node --test --test-reporter=tap", path=tool_path("node"))
    assert run.output.startswith("TAP version 13")
    assert run.statuses == {"cart::adds": "passed", "cart::is wrong": "failed"}


def tool_path(name: str) -> str:
    return f"{Path(program(name)).parent}:/usr/bin:/bin"


@pytest.fixture
def environ(tmp_path):
    """What compilers need besides PATH, all of it outside the repository."""
    kept = ("HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "GOROOT")
    return {
        **{name: value for name in kept if (value := os.environ.get(name))},
        "CARGO_TARGET_DIR": str(tmp_path / "target"),
        "GOCACHE": os.environ.get("GOCACHE", str(tmp_path / "gocache")),
        "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local",
    }


def test_cargo(root, environ):
    path = tool_path("cargo")
    code = "#[test]\nfn good() {}\n#[test]\nfn bad() { assert_eq!(1, 2); }\n"
    write(root, {"Cargo.toml": '[package]\nname = "tiny"\nedition = "2021"\n', "src/lib.rs": code})
    runner = TestRunner(root, {**environ, "PATH": path})
    run = runner.run(parse_command("cargo test --offline --lib", "flag"), timeout_s=120)
    assert run.statuses == {"src/lib.rs::good": "passed", "src/lib.rs::bad": "failed"}
    assert run.failures["src/lib.rs::bad"].splitlines()[-1] == (
        "at src/lib.rs:4: fn bad() { assert_eq!(1, 2); }"
    )
    write(root, {"src/lib.rs": "fn f() -> i32 { true }\n"})
    broken = runner.run(parse_command("cargo test --offline --lib", "flag"), timeout_s=120)
    assert broken.collected
    assert broken.statuses == {"src/lib.rs": "failed"}
    assert broken.failures["src/lib.rs"].startswith("E   error[E0308]: mismatched types")


@pytest.mark.slow
def test_go(root, environ):
    path = tool_path("go")
    code = 'package m\nimport "testing"\nfunc TestBad(t *testing.T) { t.Fatal("no") }\n'
    write(root, {"go.mod": "module example.com/m\n", "a/a_test.go": code})
    runner = TestRunner(root, {**environ, "PATH": path})
    run = runner.run(parse_command("go test ./...", "flag"), timeout_s=120)
    assert run.statuses == {"a/a_test.go::TestBad": "failed"}
    assert run.failures["a/a_test.go::TestBad"].startswith("E   no\nat a/a_test.go:3")
    assert "--- FAIL: TestBad" in run.output


def test_a_stand_in_for_jest(root):
    """A jest that only writes its report: what is asked for, and where it goes."""
    report = '{"testResults": [{"name": "%s/a.test.js", "assertionResults": [%s]}]}'
    case = '{"ancestorTitles": ["s"], "title": "x", "status": "passed"}'
    script = f"printf '{report}' '{root}' '{case}' > \"${{2#--outputFile=}}\"; echo said"
    make_tool(root / "web/node_modules/.bin", "jest", script)
    runner = TestRunner(root, {"PATH": "/usr/bin:/bin"})
    run = runner.run(TestCommand(("jest",), "jest", "plan", "web"), timeout_s=60)
    assert (run.statuses, run.output) == ({"a.test.js::s::x": "passed"}, "said\n")


def test_a_jest_that_refuses_our_options_runs_as_it_was_given(root):
    refused = 'echo "Unrecognized CLI Parameter: $1"; exit 1'
    make_tool(root / "node_modules/.bin", "jest", f'[ -z "$*" ] && echo fine || {{ {refused}; }}')
    run = run_in(root, "jest")
    assert (run.exit_code, run.output, run.statuses) == (0, "fine\n", {})


def test_a_command_that_is_killed(root):
    run = run_in(root, "bash -c 'echo so far; kill -KILL $$'")
    assert (run.exit_code, run.output) == (-9, "so far\n[the command was killed by SIGKILL]\n")
    assert reduce_output(run, root, 500).startswith("Killed by SIGKILL (exit code -9).")


def test_a_command_that_hangs_ends_with_all_it_started(root):
    run = run_in(root, "sleep 60 & sleep 60 | cat", timeout_s=0.5)
    assert run.timed_out
    assert run.output == f"[stopped after {run.seconds:.0f} s: the command did not end]\n"


def test_a_command_that_prints_without_end(root):
    run = run_in(root, "head -c 300000000 /dev/zero | tr '\\0' 'x'; echo end; exit 3")
    assert run.exit_code == 3
    assert len(run.output) < 1_100_000
    assert "bytes cut ...]" in run.output
    assert run.output.endswith("end\n")


def test_input_and_bytes_and_folders(root):
    run = run_in(root, "cat; cd /; printf 'a\\377b 10%%\\r20%%\\n'; pwd")
    assert (run.exit_code, run.output) == (0, "a\ufffdb 10%\n20%\n/\n")
