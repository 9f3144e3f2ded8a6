from typing import Any

import pytest

from qwenagent.checks import Verdict, compare
from qwenagent.checks.judge import ending, what_fails
from qwenagent.protocol.checks import TestRun, TestStatus

WORDS: dict[str, TestStatus] = {"+": "passed", "-": "failed", "?": "skipped"}


def run(
    statuses: str = "", *, exit_code: int | None = None, command: str = "pytest", **more: Any
) -> TestRun:
    """A run from letters: "a+ b- c?" is a passed, b failed, c skipped."""
    found = {word[:-1]: WORDS[word[-1]] for word in statuses.split()}
    code = exit_code if exit_code is not None else int("failed" in found.values())
    return TestRun(command, code, 1.0, "", found, {}, **more)


SOLVED = "passed for the first time, none turned red"
LOST = "passed before and no longer does"
NOTHING = "no test turned from red or absent to green"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (run("a-"), run("a+"), Verdict(("a",), (), True, f"a {SOLVED}")),
        (run("a+"), run("a+ b+"), Verdict(("b",), (), True, f"b {SOLVED}")),
        (run("a- c-"), run("a+ c-"), Verdict(("a",), (), True, f"a {SOLVED}")),
        (run("a?"), run("a+"), Verdict(("a",), (), True, f"a {SOLVED}")),
        (None, run("b+ a+"), Verdict(("a", "b"), (), True, f"a, b {SOLVED}")),
        (run(""), run(""), Verdict((), (), False, NOTHING)),
        (run("a+"), run("a+"), Verdict((), (), False, NOTHING)),
        (run("a-"), run("a-"), Verdict((), (), False, NOTHING)),
        (
            run("a+ b-"),
            run("a- b+"),
            Verdict(("b",), ("a",), False, "a passed before and no longer does"),
        ),
        (
            run("a+"),
            run("b+"),
            Verdict(("b",), ("a",), False, "a passed before and no longer does"),
        ),
        (run("a+"), run("a?"), Verdict((), ("a",), False, "a passed before and no longer does")),
        (
            run("a+ b+ c+ d+ e+"),
            run("file-"),
            Verdict(
                (),
                ("a", "b", "c", "d", "e"),
                False,
                "a, b, c and 2 more passed before and no longer do",
            ),
        ),
        (run("file-"), run("a+ b-"), Verdict(("a",), (), True, f"a {SOLVED}")),
        # without ids the command is the test
        (run(exit_code=1), run(), Verdict(("pytest",), (), True, f"pytest {SOLVED}")),
        (None, run(), Verdict(("pytest",), (), True, f"pytest {SOLVED}")),
        (
            run(),
            run(exit_code=2),
            Verdict((), ("pytest",), False, "pytest passed before and no longer does"),
        ),
        (run(exit_code=2), run(exit_code=1), Verdict((), (), False, NOTHING)),
        # ids on one side only
        (run(exit_code=4), run("a+"), Verdict(("a",), (), True, f"a {SOLVED}")),
        (run(), run("a+"), Verdict((), (), False, NOTHING)),
        (
            run("a+"),
            run(exit_code=3),
            Verdict((), ("a",), False, "`pytest` ended with exit code 3 and named no test"),
        ),
        (run("a+"), run(), Verdict((), (), False, NOTHING)),
        (run(), run("a- b+"), Verdict((), ("a",), False, f"a {LOST}")),
        (run("a+"), run("a+ b-"), Verdict((), (), False, NOTHING)),
        (run("a-"), run(), Verdict(("pytest",), (), True, f"pytest {SOLVED}")),
        # all tests pass, and still the command is red now
        (
            run("a+"),
            run("a+ b+", exit_code=1),
            Verdict(("b",), ("pytest",), False, "pytest passed before and no longer does"),
        ),
        (
            run("a-"),
            run("a+", timed_out=True),
            Verdict(("a",), (), False, "`pytest` did not end within 1 s"),
        ),
        (
            run("a+ b+"),
            run(exit_code=-11),
            Verdict((), ("a", "b"), False, "`pytest` was killed by SIGSEGV"),
        ),
        (
            run("a+ b-"),
            run(exit_code=5, collected=False),
            Verdict((), ("a",), False, "no tests were collected; 2 were before"),
        ),
        (
            None,
            run(exit_code=5, collected=False),
            Verdict((), (), False, "no tests were collected"),
        ),
        (
            run("", exit_code=1, command="x || true"),
            run("", command="x || true"),
            Verdict(("x || true",), (), False, "`x || true` cannot fail"),
        ),
        (
            run("", exit_code=1, command="it's"),
            run("", command="it's"),
            Verdict(("it's",), (), True, f"it's {SOLVED}"),
        ),
    ],
)
def test_compare(before, after, expected):
    assert compare(before, after) == expected


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (run(exit_code=2), "ended with exit code 2"),
        (run(exit_code=-9), "was killed by SIGKILL"),
        (run(exit_code=-99), "was killed by signal 99"),
        (run(exit_code=139), "ended with exit code 139, as after SIGSEGV"),
        (run(exit_code=255), "ended with exit code 255"),
        (run(exit_code=127), "ended with exit code 127: a program in it is not found"),
        (run(exit_code=126), "ended with exit code 126: a program in it is not executable"),
        (run(exit_code=5, collected=False), "found no tests"),
        (run(exit_code=-15, timed_out=True), "did not end within 1 s"),
    ],
)
def test_how_a_run_ended(run, words):
    assert ending(run) == words


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (run("a- b+"), "a fails"),
        (run("a- b- c- d- e+"), "a, b, c and 1 more fail"),
        (run(exit_code=2), "`pytest` ended with exit code 2"),
        (run("a+", exit_code=1), "`pytest` ended with exit code 1"),
        (run("a-", exit_code=-9), "`pytest` was killed by SIGKILL"),
    ],
)
def test_what_a_red_run_is_red_of(run, words):
    assert what_fails(run) == words
