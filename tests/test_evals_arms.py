"""Who is given a task: a command, one plain call of a model, and what is left of a killed eval."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from qwenagent.engine import ScriptedEngine
from qwenagent.errors import EngineCrashed, UsageError
from qwenagent.evals import AgentArm, CommandArm, IdleArm, OracleArm, PlainArm, Task
from qwenagent.evals.arms import Attempt, Effort
from qwenagent.evals.arms.plain import SYSTEM, written_files
from qwenagent.evals.process import end_left_behind
from qwenagent.protocol.messages import Message, Prompt
from tests.evals_stage import SOLVED, START, TASK, make_tree

ENVIRON = {"PATH": os.environ.get("PATH", os.defpath), "OF_THE_USER": "yes"}


def make_attempt(folder: Path, task: Task = TASK, **fields: Any) -> Attempt:
    """A try in folders whose names have spaces, quotes and a dollar."""
    odd = folder / "it's $HOME"
    odd.mkdir()
    given: dict[str, Any] = {
        "task": task,
        "repository": make_tree(odd, task.base),
        "scratch": odd,
        "prompt": task.prompt,
        "number": 1,
        "test_command": "",
        "time_limit_s": 30.0,
        "seed": 0,
        "cancel": threading.Event(),
    }
    return Attempt(**given | fields)


def is_running(mark: str) -> bool:
    return any(mark in (p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"]))


# -- a command -----------------------------------------------------------------------------------


def test_holes_are_filled_with_one_word_each(tmp_path):
    task = replace(TASK, files=("calc.py", "more of it.py"))
    attempt = make_attempt(tmp_path, task, number=2, test_command="run 'the tests'", prompt="Dö.\n")
    names = ("dir", "prompt_file", "tests_cmd", "metrics_file", "try", "files")
    template = "printf '%s\\n' " + " ".join(f"{{{name}}}" for name in names) + ' > "$PWD/said"'
    CommandArm(template, ENVIRON).attempt(attempt)
    assert (attempt.repository / "said").read_text(encoding="utf-8").splitlines() == [
        str(attempt.repository),
        str(attempt.scratch / "prompt.md"),
        "run 'the tests'",
        str(attempt.scratch / "metrics.json"),
        "2",
        "calc.py",
        "more of it.py",
    ]
    assert (attempt.scratch / "prompt.md").read_text(encoding="utf-8") == "Dö.\n"


def test_hidden_tests_are_a_command_that_says_nothing(tmp_path):
    attempt = make_attempt(tmp_path)
    CommandArm("echo {dir} {tests_cmd} | tail -c 5 > said", ENVIRON).attempt(attempt)
    assert (attempt.repository / "said").read_text(encoding="utf-8") == "true\n"


def test_it_runs_in_the_repository_with_the_users_environment(tmp_path):
    attempt = make_attempt(tmp_path)
    line = 'test -f {prompt_file}; echo "$OF_THE_USER $PYTHONDONTWRITEBYTECODE $PWD" > said; exit 7'
    effort = CommandArm(line, ENVIRON, "other").attempt(attempt)
    said = (attempt.repository / "said").read_text(encoding="utf-8")
    assert said == f"yes 1 {attempt.repository}\n"
    assert effort == Effort(seconds=effort.seconds, exit_code=7)
    assert sorted(path.name for path in attempt.scratch.iterdir()) == ["my tree", "prompt.md"]


def test_what_it_measured_is_read(tmp_path):
    told = {
        "run": "run-1",
        "prompt_tokens": 120,
        "cached_tokens": 20,
        "completion_tokens": 30.0,
        "llm_calls": 4,
        "approvals": 1,
        "steps": {"for_you": 2},
    }
    line = f"echo {shlex.quote(json.dumps(told))} > {{metrics_file}}; : {{dir}}"
    effort = CommandArm(line, ENVIRON).attempt(make_attempt(tmp_path))
    assert effort == Effort(
        seconds=effort.seconds,
        prompt_tokens=120,
        cached_tokens=20,
        completion_tokens=30,
        calls=4,
        interventions=3,
        transcript="run-1",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        "null",
        '{"prompt_tokens": "many", "steps": 3, "llm_calls": null}',
        '{"prompt_tokens": NaN, "completion_tokens": Infinity, "llm_calls": -1e999}',
        '{"prompt_tokens": -5, "completion_tokens": 1' + "0" * 30 + "}",
        '{"prompt_tokens": 1' + "0" * 400 + "}",
        '{"run": ' + "[" * 20_000,
        r"\377\376",
    ],
)
def test_what_it_measured_and_broke_is_not(tmp_path, text):
    line = f"printf {shlex.quote(text)} > {{metrics_file}}; : {{dir}}"
    effort = CommandArm(line, ENVIRON).attempt(make_attempt(tmp_path))
    assert effort == Effort(seconds=effort.seconds)


def test_the_figures_of_the_try_before_are_not_counted_again(tmp_path):
    attempt = make_attempt(tmp_path)
    (attempt.scratch / "metrics.json").write_text('{"prompt_tokens": 9}', encoding="utf-8")
    effort = CommandArm("true {dir}", ENVIRON).attempt(attempt)
    assert effort == Effort(seconds=effort.seconds)


def test_the_agents_figures_of_the_try_before_are_not_counted_again(tmp_path):
    attempt = make_attempt(tmp_path)
    (attempt.scratch / "metrics.json").write_text('{"prompt_tokens": 9}', encoding="utf-8")
    effort = AgentArm(os.environ, ("--no-such-flag",)).attempt(attempt)
    assert (effort.exit_code, effort.prompt_tokens, effort.late) == (2, 0, False)
    assert effort.note.startswith("exit code 2: ")
    assert "--no-such-flag" in effort.note


def test_the_time_limit_ends_it_and_all_that_it_started(tmp_path):
    mark = uuid.uuid4().hex
    sleep = shlex.join([sys.executable, "-c", "import time; time.sleep(600)", mark])
    attempt = make_attempt(tmp_path, time_limit_s=1.0)
    line = f"{sleep} & setsid {sleep} & : {{dir}}; {sleep}"
    effort = CommandArm(line, ENVIRON).attempt(attempt)
    assert effort.late
    assert 1.0 <= effort.seconds < 20
    assert not is_running(mark)


def test_a_cancel_ends_it(tmp_path):
    cancel = threading.Event()
    cancel.set()
    attempt = make_attempt(tmp_path, cancel=cancel, time_limit_s=600.0)
    effort = CommandArm("sleep 600; : {dir}", ENVIRON).attempt(attempt)
    assert (effort.late, effort.seconds < 20) == (False, True)


@pytest.mark.parametrize(
    "template", ["", "agent", "agent {files} {tests_cmd}", "agent prompt_file"]
)
def test_a_template_that_never_says_what_the_task_is(template):
    with pytest.raises(UsageError, match=r"has neither \{prompt_file\} nor \{dir\} in it"):
        CommandArm(template, {})


# -- what a killed eval left ---------------------------------------------------------------------


def started(mark: str) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", "import time; time.sleep(600)", mark]
    return subprocess.Popen(words, start_new_session=True)


def test_the_program_of_a_killed_eval_is_ended(tmp_path):
    with started(uuid.uuid4().hex) as left:
        (tmp_path / "agent.pid").write_text(f"{left.pid}\n", encoding="utf-8")
        end_left_behind(tmp_path)
        assert left.wait(20) == -signal.SIGKILL


def test_a_process_that_only_has_the_same_number_is_left_alone(tmp_path):
    note = tmp_path / "agent.pid"
    with started(uuid.uuid4().hex) as later:
        note.write_text(f"{later.pid}\n", encoding="utf-8")
        hour_ago = time.time() - 3600
        os.utime(note, (hour_ago, hour_ago))
        end_left_behind(tmp_path)
        time.sleep(0.2)
        assert later.poll() is None
        later.kill()


def test_a_process_in_a_group_of_others_is_left_alone(tmp_path):
    words = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(words) as member:
        (tmp_path / "agent.pid").write_text(f"{member.pid}\n", encoding="utf-8")
        end_left_behind(tmp_path)
        time.sleep(0.2)
        assert member.poll() is None
        member.kill()


@pytest.mark.parametrize("note", ["", "x", "0", "-1", "4194305", "9" * 30])
def test_a_note_of_nobody_ends_nobody(tmp_path, note):
    (tmp_path / "agent.pid").write_text(note, encoding="utf-8")
    end_left_behind(tmp_path)
    end_left_behind(tmp_path / "nowhere")


def test_the_number_of_a_running_program_is_noted(tmp_path):
    attempt = make_attempt(tmp_path)
    group = shlex.join([sys.executable, "-c", "import os; print(os.getpgrp())"])
    line = f"cat {{dir}}/../agent.pid > noted; {group} > group"
    CommandArm(line, ENVIRON).attempt(attempt)
    noted = (attempt.repository / "noted").read_text(encoding="utf-8")
    assert noted == (attempt.repository / "group").read_text(encoding="utf-8")
    assert not (attempt.scratch / "agent.pid").exists()


# -- one plain call ------------------------------------------------------------------------------


def plain(folder: Path, reply: Any, task: Task = TASK, **fields: Any) -> tuple[Effort, Attempt]:
    attempt = make_attempt(folder, task, **fields)
    return PlainArm(lambda: ScriptedEngine([reply]), 100).attempt(attempt), attempt


def text_of(attempt: Attempt, name: str = "calc.py") -> str:
    return (attempt.repository / name).read_text(encoding="utf-8")


def test_the_model_is_asked_once_and_sees_the_task_and_its_file(tmp_path):
    engine = ScriptedEngine([f"Here:\n\n```python\n{SOLVED}```\nDone.\n"])
    attempt = make_attempt(tmp_path)
    effort = PlainArm(lambda: engine, 100).attempt(attempt)
    asked = (
        f"{TASK.prompt.strip()}\n\ncalc.py is now:\n\n```\n{START}```\n\n"
        "Write the complete new content of `calc.py` in one fenced code block.\n"
    )
    assert engine.prompts == [Prompt((Message("system", SYSTEM), Message("user", asked)))]
    assert text_of(attempt) == SOLVED
    assert effort == Effort(
        seconds=effort.seconds,
        prompt_tokens=engine.count(engine.prompts[0]),
        completion_tokens=engine.count(f"Here:\n\n```python\n{SOLVED}```\nDone.\n"),
        calls=1,
    )


def test_every_try_has_an_engine_of_its_own_and_its_own_prompt(tmp_path):
    made: list[ScriptedEngine] = []

    def make_engine() -> ScriptedEngine:
        made.append(ScriptedEngine(["```\n1\n```"]))
        return made[-1]

    arm = PlainArm(make_engine, 100)
    attempt = make_attempt(tmp_path)
    arm.attempt(attempt)
    arm.attempt(replace(attempt, prompt="Again, please.", number=2))
    assert [len(engine.prompts) for engine in made] == [1, 1]
    said = [engine.prompts[0].messages[1].text for engine in made]
    assert (TASK.prompt.strip() in said[0], "Again, please." in said[1]) == (True, True)
    assert "calc.py is now:\n\n```\n1\n```" in said[1]


def test_an_answer_without_a_file_changes_nothing_and_is_told(tmp_path):
    effort, attempt = plain(tmp_path, "I cannot do that.")
    assert text_of(attempt) == START
    assert effort.note == "no file in the answer, which ended by stop"
    assert effort.calls == 1


def test_several_files_are_written_where_they_belong(tmp_path):
    task = replace(TASK, files=("calc.py", "pkg/more.py"))
    seen: list[str] = []

    def reply(prompt: Prompt) -> str:
        seen.append(prompt.messages[1].text)
        return f"`pkg/more.py`\n```python\nMORE = 1\n```\n\n**calc.py**:\n```\n{SOLVED}```\n"

    effort, attempt = plain(tmp_path, reply, task)
    assert (text_of(attempt), text_of(attempt, "pkg/more.py")) == (SOLVED, "MORE = 1\n")
    assert effort.note == ""
    [asked] = seen
    assert f"calc.py is now:\n\n```\n{START}```\n" in asked
    assert "pkg/more.py does not exist yet.\n" in asked
    assert "`calc.py`, `pkg/more.py`" in asked


def test_a_prompt_that_is_too_long_is_the_result_of_this_task_alone(tmp_path):
    effort, attempt = plain(tmp_path, "```\n```", prompt="word " * 20_000)
    assert (text_of(attempt), effort.calls) == (START, 1)
    assert "n_ctx is 8192" in effort.note


def test_an_engine_that_crashes_is_the_result_of_this_task_alone(tmp_path):
    effort, attempt = plain(tmp_path, EngineCrashed("the worker died"))
    assert (text_of(attempt), effort.note) == (START, "the worker died")


def test_a_call_that_is_late_is_told(tmp_path):
    effort, attempt = plain(tmp_path, "```\n1\n```", time_limit_s=0.0)
    assert (text_of(attempt), effort.late) == (START, True)
    assert effort.note == "no file in the answer, which ended by cancelled"


ONE, TWO = ("a.py",), ("a.py", "src/a.py")


@pytest.mark.parametrize(
    ("answer", "names", "files"),
    [
        ("```python\nx\n```", ONE, {"a.py": "x\n"}),
        ("```\nx\n```\nand\n```\nlonger\n```\nend", ONE, {"a.py": "longer\n"}),
        ("```\nlonger\n```\nor\n```\nx\n```\n", ONE, {"a.py": "longer\n"}),
        ("```python\nx\n", ONE, {}),
        ("```python\nx\n```\n```python\nmuch longer\n", ONE, {"a.py": "x\n"}),
        ("````markdown\n```\nx\n```\n````\n", ONE, {"a.py": "```\nx\n```\n"}),
        ("text ``` in a line\nx\n```\n", ONE, {}),
        ("```\n```\n", ONE, {"a.py": ""}),
        ("```\nx ``` y\n  ```\n```  \n", ONE, {"a.py": "x ``` y\n  ```\n"}),
        ("", ONE, {}),
        ("a.py\n```\n1\n```\nsrc/a.py\n```\n2\n```\n", TWO, {"a.py": "1\n", "src/a.py": "2\n"}),
        ("### `src/a.py`:\n\n```py\n2\n```\n", TWO, {"src/a.py": "2\n"}),
        ("a.py\n```\n1\n```\nNow a.py again:\n```\n3\n```\n", TWO, {"a.py": "3\n"}),
        ("```\nnobody's\n```\n", TWO, {}),
        ("b.py\n```\n1\n```\n", TWO, {}),
        ("a.py\nas it was:\n```\n1\n```\n", TWO, {}),
    ],
)
def test_the_files_of_an_answer(answer, names, files):
    assert written_files(answer, names) == files


# -- the two fixed ones, and sums ----------------------------------------------------------------


def test_the_oracle_writes_and_the_idle_one_does_not(tmp_path):
    attempt = make_attempt(tmp_path)
    assert IdleArm().attempt(attempt) == Effort()
    assert text_of(attempt) == START
    assert OracleArm().attempt(attempt) == Effort()
    assert text_of(attempt) == SOLVED
    unknown = replace(attempt, task=replace(TASK, oracle=None))
    assert OracleArm().attempt(unknown) == Effort(note="nobody wrote a solution of this task")


def test_the_efforts_of_two_tries_add_up():
    one = Effort(1.5, 10, 2, 3, 1, 1, 4, True, "late", "run-1")
    two = Effort(0.25, 5, 1, 2, 1, 0, 0, False, "odd", "")
    assert one + two == Effort(1.75, 15, 3, 5, 2, 1, 0, True, "late; odd", "run-1")
    assert one + one == Effort(3.0, 20, 4, 6, 2, 2, 4, True, "late", "run-1")
    assert Effort() + two == two
