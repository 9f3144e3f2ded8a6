import pytest

from qwenagent.checks import Verdict, compare
from qwenagent.protocol.checks import TestRun, TestStatus

WORDS: dict[str, TestStatus] = {"+": "passed", "-": "failed", "?": "skipped"}


def run(
    statuses: str = "", *, exit_code: int | None = None, command: str = "pytest", **more: bool
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
                "a, b, c and 2 more passed before and no longer does",
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
            Verdict((), ("a",), False, "a passed before and no longer does"),
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
            Verdict(("a",), (), False, "the tests did not end within 1 s"),
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
