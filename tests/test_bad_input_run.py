"""Bad input in the middle of a run: what each row ends with, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.engine.scripted import Reply
from tests import bad_input_stage
from tests.bad_input_stage import (
    CHECK,
    ONE_TRY,
    STEP,
    Row,
    SetUp,
    assert_in_order,
    assert_well_told,
    both,
    file,
    plan,
    settings,
)
from tests.conftest import run_git

# Fixtures, by the names that they have here.
assets, first_project = bad_input_stage.assets, bad_input_stage.first_project
root, stand_in = bad_input_stage.root, bad_input_stage.stand_in


def checked(code: str, files: str = "calc.py") -> SetUp:
    """A plan whose only test is a program of the project's, committed."""

    def write(root: Path) -> None:
        file("check_test.py", CHECK.format(code))(root)
        run_git(root, "commit", "-q", "-am", "check", "--allow-empty")
        plan(STEP.format(files, "python3 check_test.py"))(root)

    return write


SLOW = settings(f"{ONE_TRY}[tests]\ntimeout_s = 0.6\n")
ONCE = (
    "os.makedirs('__pycache__', exist_ok=True)\n"
    "first = not os.path.exists('__pycache__/told')\nopen('__pycache__/told', 'w').close()\n"
)
MUCH = f"{ONCE}for _ in range(100 * first):\n    os.write(1, b'x' * 1_000_000)"
ASKS = "May these commands run in this repository?"

# fmt: off
IN_A_RUN = [
    Row("test command missing", plan(STEP.format("calc.py", "no-such-tool -q")), "--yes", 1,
        ("$ no-such-tool -q", "step 1 blocked", "no-such-tool not found; looked at", "PATH")),
    Row("test command of a shell missing", plan(STEP.format("calc.py", "no-such-tool && true")),
        "--yes", 1, ("tests red", "exit code 127", "no-such-tool: command not found", "blocked")),
    Row("hanging", both(checked("import time; time.sleep(9)"), SLOW), "--yes", 1,
        ("at most 0.6 s", "stopped at its time limit", "step 1 blocked", "did not end within ")),
    Row("printing 100 MB", checked(MUCH), "--yes", 0,
        ("bytes cut ...", "commit", "step 1 solved", "every step was done")),
    Row("killed by a signal", checked("os.kill(os.getpid(), 11)"), "--yes", 1,
        ("[the command was killed by SIGSEGV]", "step 1 blocked", "was killed by SIGSEGV")),
    Row("changing the tree", checked("open('notes.txt', 'a').write('!')"), "--yes", 0,
        ("`python3 check_test.py` changed 1 tracked file(s): notes.txt; they are left as they are "
         "and are in no commit (`git restore -- notes.txt` takes that back)", "step 1 solved")),
    Row("deleting a file", checked("os.path.exists('notes.txt') and os.unlink('notes.txt')"),
        "--yes", 0, ("changed 1 tracked file(s): notes.txt", "`git restore -- notes.txt`",
                     "step 1 solved")),
    Row("deleting the step's file", checked("os.unlink('calc.py'); sys.exit(1)"), "--yes", 1,
        ("changed 1 tracked file(s): calc.py", "`git restore -- calc.py`", "step 1 blocked")),
    Row("needing input", checked("input('your name? ')"), "--yes", 1,
        ("your name? Traceback", "EOFError", "step 1 blocked")),
    Row("a file that does not exist", checked("", "none.py"), "--yes", 1,
        ("created none.py", "the tree is as it was", "step 1 blocked", ".qwenagent/step-1.patch")),
    Row("a lock file", plan("- [ ] Bump it.\n      Files: package-lock.json\n"), "--yes", 1,
        ("step 1 blocked; package-lock.json is a lock file; `npm install` writes it",)),
    Row("a binary", plan("- [ ] Draw it.\n      Files: assets/logo.png\n"), "--yes", 1,
        ("step 1 blocked; assets/logo.png is not a text file: it has zero bytes",)),
    Row("a file outside", plan("- [ ] Do it.\n      Files: ../x.py, /etc/passwd\n"), "--yes", 1,
        ("step 1: '../x.py'", "'/etc/passwd'", "not the path", "inside the repository; ignored",
         "step 1 blocked")),
    Row("time limit", checked("import time; time.sleep(9)"), "--yes --time-limit 2", 1,
        ("step 1 blocked; the time limit of 2 s was reached",)),
    Row("a state folder that is a file", both(checked(""), file(".qwenagent", "")), "--yes", 0,
        ("the plan's progress cannot be kept:", ".qwenagent is a file, and a folder is needed; "
         "remove it", "step 1 solved")),
    Row("a state folder that is a link", both(checked(""), lambda root:
        (root / ".qwenagent").symlink_to("/tmp")), "--yes", 0,
        ("the plan's progress cannot be kept:", ".qwenagent is a link; remove it",
         "step 1 solved")),
    Row("no terminal to approve", checked(""), "", 5,
        (ASKS, "$ python3 check_test.py", "not approved, there was nobody to ask",
         "step 1 skipped")),
]
# fmt: on


@pytest.mark.parametrize("row", IN_A_RUN, ids=lambda row: row.id)
def test_bad_input_in_a_run(
    row: Row, root: Path, stand_in: list[Reply], capsys: pytest.CaptureFixture[str]
) -> None:
    row.set_up(root)
    head = run_git(root, "rev-parse", "HEAD")
    assert guarded(["run", "plan.md", "--model", "0.5b", *row.command.split()]) == row.code
    said = capsys.readouterr()
    assert_in_order(said.out, row.says)
    assert max(map(len, said.out.splitlines())) < 3000
    assert run_git(root, "rev-parse", "main") == head
    if row.code == 5:
        wanted = ("1 command(s) were not approved: python3 check_test.py", "or pass --yes")
        assert_well_told(said.err, wanted)
    else:
        assert said.err == ""


def test_a_suite_that_cannot_start_ends_the_run(root, stand_in, capsys):
    flags = ["--model", "0.5b", "--yes", "--test-cmd", "no-such-tool -q"]
    assert guarded(["run", "plan.md", *flags]) == 4
    words = ("no-such-tool not found", "install it", "or name another command (--test-cmd)")
    assert_well_told(capsys.readouterr().err, words)
