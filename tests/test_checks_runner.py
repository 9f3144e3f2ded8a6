import shutil
import sys
import threading
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, parse_command
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestCommand, TestRun
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
    if text.startswith("timeout") and shutil.which("timeout") is None:
        pytest.skip("needs timeout")
    assert run_in(root, text).statuses == {"test_a.py::test_a": "passed"}


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


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_node_that_finds_nothing(root):
    path = str(Path(shutil.which("node") or "").parent)
    write(root, {"a.txt": ""})
    assert run_in(root, "node --test", path=path).collected is False
