import tempfile
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.checks import reduce_output
from qwenagent.checks.failures import localise
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.tracebacks import reduce_traceback
from qwenagent.protocol.checks import TestRun


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "my repo"
    folder.mkdir()
    return folder


LONG = """
    def test_x():
    >       f({"a": 1})

    tests/test_a.py:8:
    _ _ _ _ _ _ _ _ _ _ _

    x = {'a': 1}

        def f(x):
    >       raise KeyError("deep")
    E       KeyError: 'deep'

    app/core.py:3: KeyError"""

SHORT = """
    tests/test_a.py:8: in test_x
        f({"a": 1})
        ^^^^^^^^^^^
    app/core.py:3: in f
        raise KeyError("deep")
    E   KeyError: 'deep'"""

NATIVE = """
    Traceback (most recent call last):
      File "tests/test_a.py", line 8, in test_x
        f({"a": 1})
        ~^^^^^^^^^^
      File "ROOT/app/core.py", line 3, in f
        raise KeyError("deep")
      File "/usr/lib/python3/json.py", line 3, in loads
        not_ours()
    KeyError: 'deep'"""


@pytest.mark.parametrize("text", [LONG, SHORT, NATIVE], ids=["long", "short", "native"])
def test_every_style_gives_the_same(root, text):
    text = textwrap.dedent(text).replace("ROOT", str(root))
    assert reduce_traceback(text, Places(root, root)) == (
        "E   KeyError: 'deep'\n"
        'at app/core.py:3: raise KeyError("deep")\n'
        'at tests/test_a.py:8: f({"a": 1})'
    )


def test_the_type_is_added_where_pytest_leaves_it_out(root):
    text = ">   assert 1 == 2\nE   assert 1 == 2\n\ntest_a.py:3: AssertionError"
    assert reduce_traceback(text, Places(root, root)) == (
        "E   AssertionError\nE   assert 1 == 2\nat test_a.py:3: assert 1 == 2"
    )


def test_a_message_of_many_lines_keeps_its_shape_and_is_capped(root):
    message = "\n".join(f"- line {i}" for i in range(30))
    text = (
        f'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    x\nE: d\n\n{message}'
    )
    lines = reduce_traceback(text, Places(root, root)).splitlines()
    assert lines[:2] == ["E   E: d", "E   - line 0"]
    assert lines[-2:] == ["E   ... 17 more lines", "at a.py:1: x"]


def test_frames_outside_the_project_are_left_out(root):
    places = ["../other/a.py", ".venv/lib/a.py", "lib/site-packages/a.py", "<string>", "/etc/a.py"]
    text = "\n".join(f'  File "{place}", line 1, in f\n    x' for place in [*places, "own.py"])
    assert reduce_traceback(text, Places(root, root)) == "at own.py:1: x"


def test_paths_count_from_the_folder_of_the_run(root):
    text = "test_a.py:3: in test\n    x()\nE   ValueError"
    assert reduce_traceback(text, Places(root, root / "back end")).endswith(
        "at back end/test_a.py:3: x()"
    )


def test_localise(root):
    tmp = tempfile.gettempdir()
    text = f"{root.parent}/other {root}/app.py {tmp}/x {Path.home()}/y <A at 0x7f00aa12bb>"
    local = localise(text, root)
    assert " app.py <tmp>/x " in local
    assert local.endswith("<A at 0x...>")
    assert str(root) not in local
    assert localise(f"{tmp}/pytest-of-me/pytest-17/test_a0/f", root) == "<tmp>/test_a0/f"


def failed_run(n_failures: int, text: str = "E   boom\nat a.py:1: x") -> TestRun:
    names = [f"test_a.py::test_{i}" for i in range(n_failures)]
    return TestRun(
        "pytest",
        1,
        0.5,
        "noise",
        statuses={**dict.fromkeys(names, "failed"), "test_a.py::ok": "passed"},
        failures=dict.fromkeys(names, text),
    )


def test_up_to_three_failures_are_shown_and_the_rest_is_named(root):
    assert reduce_output(failed_run(5), root, 2000) == (
        "5 failed, 1 passed.\n\n"
        "FAILED test_a.py::test_0\nE   boom\nat a.py:1: x\n\n"
        "FAILED test_a.py::test_1\nE   boom\nat a.py:1: x\n\n"
        "FAILED test_a.py::test_2\nE   boom\nat a.py:1: x\n"
        "also failed: test_a.py::test_3\n"
        "also failed: test_a.py::test_4"
    )


def test_an_output_that_is_not_understood_keeps_head_and_tail(root):
    output = "\n".join(f"line {i} of {root}/log" for i in range(200))
    lines = reduce_output(TestRun("make test", 2, 1.0, output), root, 200).splitlines()
    assert lines[:2] == ["Exit code 2.", "line 0 of log"]
    n_left = next(int(line.split()[1]) for line in lines if line.endswith("lines left out ...]"))
    assert len(lines) - 1 + n_left == 201
    assert lines[-1] == "line 199 of log"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (TestRun("x", -15, 60.4, "", timed_out=True), "were stopped after 60 s"),
        (TestRun("x", 5, 1.0, "", collected=False), "No tests were collected."),
        (TestRun("x", 0, 1.0, "fine", statuses={"a": "passed"}), "0 failed, 1 passed."),
        (TestRun("x", 3, 1.0, ""), "Exit code 3."),
    ],
)
def test_the_first_line_says_how_it_ended(root, run, said):
    assert said in reduce_output(run, root, 500)


@given(st.integers(0, 20), st.integers(0, 400), st.text(max_size=300))
def test_the_limit_holds(n_failures, max_chars, text):
    assert len(reduce_output(failed_run(n_failures, text), Path("/repo"), max_chars)) <= max_chars
    unread = TestRun("x", 1, 1.0, text * 3)
    assert len(reduce_output(unread, Path("/repo"), max_chars)) <= max_chars


@given(st.text())
def test_any_text_can_be_reduced(text):
    assert isinstance(reduce_traceback(text, Places(Path("/repo"), Path("/repo"))), str)
