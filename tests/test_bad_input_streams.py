"""Streams that are closed, silent, poor or full: no command waits, and what is said is told."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest

from qwenagent.cli.app import cli
from qwenagent.cli.models import models
from tests import bad_input_stage
from tests.bad_input_stage import (
    GGUF,
    PLAN,
    RUN_05,
    SCRIPTED,
    assert_in_order,
    assert_well_told,
    ended,
    file,
    home,
    model,
    start,
)
from tests.loop_stage import FIXED, MODULE

# Fixtures, by the names that they have here.
assets, first_project = bad_input_stage.assets, bad_input_stage.first_project
root = bad_input_stage.root


def no_stdin() -> None:
    os.close(0)


def no_streams() -> None:
    os.closerange(0, 3)


# fmt: off
ALONE = {
    "": 0, "eval": 0, "do": 2, "do fix": 4, "run": 2, "run plan.md": 4, "plan-prompt": 0,
    "doctor": 4,
    "demo": 4, "bench": 4, "models": 0, "models list": 0, "models fit": 0, "models pull 0.5b": 4,
    "models info 0.5b": 0, "models verify": 4, "models rm 0.5b": 0, "models use 0.5b": 4,
    "models export -o new": 4, "models import new": 4,
    "undo": 1, "redo": 1, "restore": 0, "diff": 0, "config": 0, "stats": 0,
    "plan fix": 2, "review plan.md": 2,
    "log": 0, "show": 2, "export": 2, "clean": 0, "completion": 2, "setup": 2, "session": 2,
    "schema": 0,
}
# fmt: on
ONE_BY_ONE = f"""
import sys
from qwenagent.cli.boundary import guarded
for args in {list(ALONE)!r}:
    print(args, guarded(args.split()), sep=": ", file=sys.stderr, flush=True)
"""


def test_no_command_waits_without_a_terminal(root):
    known = {*cli.commands, *(f"models {name}" for name in models.commands)}
    assert known <= {" ".join(c.split()[:2]) for c in ALONE} | {c.split(" ")[0] for c in ALONE}
    # Nobody writes into the pipe, and nobody closes it before the process has ended.
    with start("", ONE_BY_ONE, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as all_:
        said = list(all_.stderr or ())
    ends = [line for line in said if line.partition(": ")[0] in ALONE]
    assert [line.strip() for line in ends] == [f"{args}: {code}" for args, code in ALONE.items()]


@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_an_approval_without_a_terminal_has_its_exit_code(kind, root):
    model()(root)
    how: dict[str, dict[str, Any]] = {
        "closed": {"preexec_fn": no_stdin},
        "silent": {"stdin": subprocess.PIPE},
    }
    process = start(RUN_05, SCRIPTED, cwd=root, start_new_session=True, **how[kind])
    assert process.wait(60) == 5
    code, out, err = ended(process)
    assert code == 5
    assert "not approved, there was nobody to ask" in out
    assert_well_told(err, ("1 command(s) were not approved:", "or pass --yes"))


def test_without_any_stream_the_run_is_done_all_the_same(root):
    model()(root)
    process = start(f"{RUN_05} --yes --metrics m.json", SCRIPTED, cwd=root, preexec_fn=no_streams)
    assert ended(process) == (0, "", "")
    assert json.loads((root / "m.json").read_text())["steps"]["solved"] == 1
    assert (root / "calc.py").read_text() == FIXED


def test_a_poor_terminal_is_enough(root):
    env = {"TERM": "dumb", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    model()(root)
    file("plan.md", "# Größe → 日本\n\n" + PLAN.replace("Fix", "Repariere dünn: fix"))(root)
    running = [
        start(f"{RUN_05} --yes", SCRIPTED, cwd=root, env=env),
        start("run --check plan.md", cwd=root, env=env),
        start("plan-prompt", cwd=root, env=env),
    ]
    ends = [ended(process) for process in running]
    ends.append(ended(start("run 'größe.md'", cwd=root, env=env)))  # one at a time on a tree
    assert [end[0] for end in ends] == [0, 0, 0, 2], [end[2] for end in ends]
    assert "every step was done" in ends[0][1]
    assert not [end[2] for end in ends[:3] if end[2]]
    assert "there is no plan at gr" in ends[3][2]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full here")
class TestNoSpace:
    def test_for_what_is_printed(self, root):
        with Path("/dev/full").open("w") as full:
            code, _, err = ended(start("models list", cwd=root, stdout=full))
        assert code == 4
        assert_well_told(err, ("no space left on the device for the output", "free some"))

    def test_for_the_metrics_the_report_comes_first(self, root):
        model()(root)
        # Through a link, and never as root: a device that is replaced is lost for everybody.
        (root / "m.json").symlink_to("/dev/full")
        process = start(f"{RUN_05} --yes --metrics m.json", SCRIPTED, cwd=root)
        code, out, err = ended(process)
        assert code == 4
        assert_in_order(out, ("every step was done, exit code 0",))
        assert_well_told(err, ("no space left on the device for /dev/full", "free some"))
        assert Path("/dev/full").is_char_device()

    def test_for_the_log_of_the_engine(self, root):
        model()(root)
        (home() / "state").mkdir()
        (home() / "state" / "engine.log").symlink_to("/dev/full")
        code, _, err = ended(start(f"{RUN_05} --yes", cwd=root))
        assert code == 4
        wanted = ("llama.cpp could not load", GGUF, "engine.log has the reason")
        assert_well_told(err, wanted)


def test_a_limit_on_file_size_is_told(root):
    model()(root)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    code, _, err = ended(start(f"{RUN_05} --yes", SCRIPTED, cwd=root, preexec_fn=limited))
    assert code == 4
    assert_well_told(err, ("runs", ".jsonl is as large as a file may become", "ulimit -f"))
    assert (root / "calc.py").read_text() == MODULE
