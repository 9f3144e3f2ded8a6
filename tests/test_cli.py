"""The command line: exit codes, messages, the order of checks, what goes to which stream."""

from __future__ import annotations

import errno
import io
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenagent import __version__
from qwenagent.cli.app import cli
from qwenagent.cli.boundary import guarded
from qwenagent.cli.flags import relative_files
from qwenagent.cli.wiring import interruptible, open_repository
from qwenagent.cli.words import spread_files
from qwenagent.errors import UsageError
from qwenagent.loop import Stop
from tests.conftest import run_git

PLAN = """# Plan: limits

- [ ] Raise `LIMIT` in `pkg/store.py`.
      Test: `python3 -c "open('ran', 'w')"`
- [ ] Say so in `README.md`.
"""


@pytest.fixture(autouse=True)
def in_repo(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test starts in a clean repository with a plan that git does not know yet."""
    (repo / "plan.md").write_text(PLAN, encoding="utf-8")
    monkeypatch.chdir(repo)
    return repo


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


def fails(capsys: pytest.CaptureFixture[str], code: int, *args: str) -> str:
    """Run a command that has to fail; return what it says, which is nothing on stdout."""
    assert guarded(args) == code, capsys.readouterr().err
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def console(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program as a process of its own, without a terminal."""
    code = "from qwenagent.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=60,
    )  # fmt: skip


# -- words ------------------------------------------------------------------------------------


def test_a_task_comes_through_a_pipe(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"fix it\r\n")))
    assert "no model" in fails(capsys, 4, "--prompt-file", "-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    assert "cannot be read from -" in fails(capsys, 2, "--prompt-file", "-")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("do|task|--files|a|b|--json", "do|task|--files|a|--files|b|--json"),
        ("--files|a|b|--yes", "--files|a|--files|b|--yes"),
        ("--files|a|--files|b", "--files|a|--files|b"),
        ("--files|a|b|--files|c|d", "--files|a|--files|b|--files|c|--files|d"),
        ("--files=a|b", "--files=a|b"),
        ("--files|a|do this task", "--files|a|do this task"),
        ("--files|a b.py|c", "--files|a b.py|--files|c"),
        ("-C|sub|--files|in sub.py|do this", "-C|sub|--files|in sub.py|do this"),
        ("--files|in sub.py|x", "in sub.py|x"),
        ("--test-cmd|a b|--files|c", "--test-cmd|a b|--files|c"),
        ("task|--|--files|a|b", "task|--|--files|a|b"),
        ("--files|a|--|b|c", "--files|a|--|b|c"),
        ("run|plan.md", "run|plan.md"),
        ("", ""),
    ],
)
def test_a_list_of_files_may_follow_one_flag(given, meant):
    Path("a b.py").write_text("")
    Path("sub").mkdir()
    Path("sub/in sub.py").write_text("")
    args = given.split("|") if given else []
    if given == "--files|in sub.py|x":  # no such file here: a task, so no file at all
        with pytest.raises(UsageError, match="at least one file"):
            spread_files(args)
    else:
        assert spread_files(args) == (meant.split("|") if meant else [])


def test_a_task_longer_than_a_file_s_name_may_follow_the_files():
    task = "rename the function " * 30
    assert spread_files(["--files", "a.py", task]) == ["--files", "a.py", task]


@pytest.mark.parametrize("args", [["--files"], ["do", "x", "--files", "--yes"], ["--files", "--"]])
def test_the_flag_for_files_needs_one(args, capsys):
    assert "at least one file" in fails(capsys, 2, *args)


@pytest.mark.parametrize(
    "args",
    [
        ["fix the limit"],
        ["task"],
        ["--yes", "fix the limit"],
        ["fix the limit", "--files", "README.md", "pkg/store.py", "--yes"],
        ["--files", "README.md", "fix the limit"],
        ["--files=README.md", "limit"],
        ["--seed", "3", "--prompt-file", "plan.md"],
        ["--prompt-file", "plan.md", "--json"],
        ["--", "run"],
        ["do", "runn"],
        ["do", "fix", "--commit"],
    ],
)
def test_a_task_is_done_without_naming_the_command(args, capsys):
    assert "no model is installed" in fails(capsys, 4, *args)


@pytest.mark.parametrize(
    "args",
    [
        ["run", "plan.md"],
        ["--json", "run", "plan.md"],
        ["--seed", "3", "--yes", "run", "plan.md", "--here"],
        ["run", "plan.md", "--no-commit", "--files", "README.md", "pkg/new.py"],
    ],
)
def test_flags_may_stand_before_the_command(args, capsys):
    assert "no model is installed" in fails(capsys, 4, *args)


@pytest.mark.parametrize(
    ("args", "near"),
    [
        (["runn", "plan.md"], "run"),
        (["--yes", "runn", "plan.md"], "run"),
        (["model", "list"], "models"),
        (["doctr"], "doctor"),
    ],
)
def test_a_misspelt_command_is_no_task(args, near, capsys):
    word = next(word for word in args if not word.startswith("-"))
    assert fails(capsys, 2, *args) == (
        f"error: there is no command {word!r}; did you mean {near}?\n"
        f"  if it is a task: qwenagent do {word}\n"
    )


def test_a_task_without_quotes_is_explained(capsys):
    said = fails(capsys, 2, "fix", "the", "limit")
    assert said == (
        "error: a task is one argument, and here are 3: fix | the | limit\n"
        '  put it in quotes: qwenagent "fix the limit"\n'
    )


# -- usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["run", "plan.md", "--frobnicate"], "--frobnicate"),
        (["run"], "PLAN"),
        (["run", "plan.md", "--seed", "-1"], "-1 is not in the range x>=0"),
        (["run", "plan.md", "--time-limit", "0"], "0.0 is not in the range x>0"),
        (["run", "plan.md", "--time-limit", "soon"], "soon"),
        (["run", "plan.md", "--test-cmd", "pytest 'x"], "cannot read the test command"),
        (["run", "plan.md", "--test-cmd", ""], "the test command is empty"),
        (["run", "plan.md", "--metrics", "."], "is a directory"),
        (["run", "plan.md", "-C", "nowhere"], "nowhere"),
        (["run", "plan.md", "--here", "--no-commit"], "exclude each other"),
        (["run", "plan.md", "--model", "1.6b"], "1.5b"),
        (["run", "missing.md"], "there is no plan at missing.md"),
        (["run", "README.md"], "no step found in README.md"),
        (["run", "pkg"], "pkg is a folder"),
        (["run", "plan.md", "--files", "../x.py"], "is not inside the repository"),
        (["fix it", "--prompt-file", "plan.md"], "either as one argument or with --prompt-file"),
        (["--yes"], "either as one argument or with --prompt-file"),
        (["--files", "README.md", "limit"], "words after --files count as files"),
        (["--prompt-file", "missing.txt"], "cannot be read from missing.txt"),
        (["--prompt-file", "pkg"], "cannot be read from pkg"),
        (["--prompt-file", "latin.txt"], "cannot be read from latin.txt"),
        (["--prompt-file", "empty.txt"], "the task is empty"),
        ([""], "the task is empty"),
        (["models", "pull", "nonsense"], "no model is called 'nonsense'"),
        (["models", "frob"], "frob"),
        (["demo", "--keep", "pkg"], "pkg is not empty"),
        (["demo", "--model", "9b"], "no model is called '9b'"),
    ],
)
def test_usage_errors(args, words, capsys):
    Path("latin.txt").write_bytes(b"caf\xe9")
    Path("empty.txt").write_text(" \n")
    assert words in fails(capsys, 2, *args)


def test_an_unknown_setting_is_an_error_of_usage(capsys):
    Path(".qwenagent.toml").write_text("[loop]\nseed = 1\n")
    assert "a repository may not set loop.seed" in fails(capsys, 2, "run", "plan.md")


# -- the order of checks ----------------------------------------------------------------------


def test_flags_are_checked_before_the_repository(outside, capsys):
    for args in (["--frob"], ["--model", "9b"], ["--here", "--no-commit"], ["--test-cmd", "'"]):
        fails(capsys, 2, "run", "missing.md", *args)


@pytest.mark.parametrize("args", [["run", "missing.md"], ["fix it"], ["fix it", "--files", "a.py"]])
def test_the_repository_is_checked_before_the_plan(args, outside, capsys):
    assert f"{outside} is not in a git repository" in fails(capsys, 4, *args)


@pytest.mark.parametrize("args", [["run", "missing.md"], ["fix it"]])
def test_a_repository_needs_a_commit(args, outside, capsys):
    run_git(outside, "init", "-q")
    assert "has no commit yet" in fails(capsys, 4, *args)


def test_the_plan_is_checked_before_the_tree(capsys):
    Path("README.md").write_text("# Mine\n")
    fails(capsys, 2, "run", "missing.md")
    said = fails(capsys, 4, "run", "plan.md")
    assert "1 tracked file(s) have uncommitted changes: README.md" in said


def test_the_plan_itself_may_have_changes(in_repo, capsys):
    assert "no model" in fails(capsys, 4, "run", "plan.md")
    run_git(in_repo, "add", "plan.md")
    run_git(in_repo, "commit", "-q", "-m", "plan")
    Path("plan.md").write_text(PLAN.replace("Say so", "Say it"))
    assert "no model" in fails(capsys, 4, "run", "plan.md")


def test_a_task_works_on_a_tree_with_changes(capsys):
    Path("README.md").write_text("# Mine\n")
    assert "no model" in fails(capsys, 4, "fix it")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "error: no model is installed\n  `qwenagent models pull` fetches one\n"),
        (
            ["--model", "1.5b"],
            "error: Qwen2.5-Coder-1.5B-Instruct is not on this machine\n"
            "  `qwenagent models pull 1.5b` fetches it\n",
        ),
        (["--model", "Qwen2.5-Coder-1.5B"], "`qwenagent models pull 1.5b` fetches it\n"),
        (
            ["--model", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"],
            "`qwenagent models pull 1.5b` fetches it\n",
        ),
        (["--model", "models/x.gguf"], "there is no model file"),
    ],
)
def test_without_a_model_there_is_the_command_that_gets_one(flags, said, in_repo, capsys):
    for args in (["run", "plan.md"], ["fix it"]):
        assert said in fails(capsys, 4, *args, *flags)
    assert run_git(in_repo, "branch", "--format=%(refname:short)").split() == ["main"]
    assert run_git(in_repo, "status", "--porcelain").split("\n") == ["?? plan.md", ""]


def test_a_gguf_file_that_is_none_of_ours(capsys):
    Path("x.gguf").write_bytes(b"GGUF")
    assert "is none of the official" in fails(capsys, 2, "fix it", "--model", "x.gguf")


def test_the_demo_leaves_nothing_behind_without_its_model(in_repo, capsys):
    said = fails(capsys, 4, "demo", "--json", "--model", "1.5b", "--keep", "new")
    assert "`qwenagent models pull 1.5b` fetches it" in said
    assert not (in_repo / "new").exists()


# -- another folder ---------------------------------------------------------------------------


def test_paths_start_in_the_folder_after_capital_c(in_repo, outside, capsys):
    args = ["run", "plan.md", "--files", "pkg/store.py", "../README.md"]
    where = str(in_repo)
    said = fails(capsys, 2, "-C", where, *args)
    assert "README.md is not inside the repository" in said
    sub = str(in_repo / "pkg")
    assert "there is no plan at plan.md" in fails(capsys, 2, *args, "-C", sub)
    args[1] = "../plan.md"
    assert "no model" in fails(capsys, 4, *args, "-C", sub)
    assert "no model" in fails(capsys, 4, "--prompt-file", "plan.md", "-C", where)
    assert Path.cwd() == outside


def test_files_are_named_from_the_top_of_the_repository(in_repo, monkeypatch):
    monkeypatch.chdir(in_repo / "pkg")
    with open_repository() as repository:
        flags = {"files": ("store.py", "../README.md", str(in_repo / "new.py"))}
        assert relative_files(repository, flags) == ("pkg/store.py", "README.md", "new.py")


# -- looking at a plan ------------------------------------------------------------------------


def test_check_prints_the_steps_and_runs_nothing(in_repo, capsys):
    assert guarded(["run", "--check", "plan.md"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Plan: limits\n")
    for words in ("pkg/store.py", "python3 -c \"open('ran', 'w')\"", "README.md"):
        assert words in out
    assert not (in_repo / "ran").exists()
    assert run_git(in_repo, "status", "--porcelain") == "?? plan.md\n"


def test_check_needs_no_repository(outside, capsys):
    (outside / "plan.md").write_text(PLAN)
    assert guarded(["run", "--check", "plan.md"]) == 0
    assert "no step found" in fails_later(capsys, outside)


def fails_later(capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    capsys.readouterr()
    (folder / "none.md").write_text("# Nothing to do\n")
    return fails(capsys, 2, "run", "--check", "none.md")


def test_check_as_json_is_one_object(capsys):
    assert guarded(["run", "--check", "plan.md", "--json"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    plan = json.loads(line)
    assert plan["type"] == "plan"
    assert [step["number"] for step in plan["steps"]] == [1, 2]
    assert plan["steps"][0]["test"] == "python3 -c \"open('ran', 'w')\""


# -- the boundary -----------------------------------------------------------------------------


@pytest.fixture
def boom() -> Iterator[list[BaseException]]:
    """A command that raises what is put into the list."""
    errors: list[BaseException] = []

    @cli.command("boom")
    def command() -> int:
        raise errors[0]

    yield errors
    del cli.commands[command.name or ""]


def test_a_bug_is_told_from_an_error_and_written_down(boom, capsys):
    boom.append(ZeroDivisionError("oh ü \udcff"))
    said = fails(capsys, 3, "boom")
    (log,) = (Path(os.environ["QWENAGENT_HOME"]) / "state").glob("bug-*.txt")
    assert said == f"error: this is a bug in qwenagent (ZeroDivisionError)\n  please report {log}\n"
    text = log.read_text(encoding="utf-8")
    for words in (
        f"qwenagent {__version__}", "llama-cpp-python 0.", f"Python {platform.python_version()}",
        "command: ['boom']", "transcript: none", "setting loop.repairs = 2",
        "Traceback (most recent call last):", "ZeroDivisionError: oh ü",
    ):  # fmt: skip
        assert words in text


def test_a_bug_is_told_even_if_it_cannot_be_written_down(boom, capsys, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "file"))
    boom.append(ZeroDivisionError("oh"))
    assert "ZeroDivisionError: oh" in fails(capsys, 3, "boom")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "x"),
            4,
            "no space left on the device for x",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "x"),
            4,
            "no permission to write or read x",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), 3, "a bug"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (UsageError("no", hint="do"), 2, "error: no\n  do\n"),
    ],
)
def test_every_error_has_its_code(error, code, words, boom, capsys):
    boom.append(error)
    assert words in fails(capsys, code, "boom")


def test_the_program_as_a_process(in_repo):
    done = console("run", "plan.md", "--json", cwd=in_repo)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "error: no model is installed\n  `qwenagent models pull` fetches one\n"
    done = console("runn", "plan.md", cwd=in_repo)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("args", "code"), [(["models", "list"], 0), (["run", "--check", "--json", "plan.md"], 1)]
)
def test_a_reader_that_goes_away_is_no_bug(args, code, in_repo):
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-c", "from qwenagent.cli import main; main()", *args],
        cwd=in_repo, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
    )  # fmt: skip
    os.close(theirs)
    assert (done.returncode, done.stderr) == (code, "")


# -- Ctrl-C -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_and_the_second_one_interrupts(number):
    before = signal.signal(number, signal.SIG_DFL)
    stop = Stop()
    try:
        with interruptible(stop):
            signal.raise_signal(number)
            assert stop.interrupted
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_after_the_time_limit_lets_the_run_end_in_good_order():
    ticks = iter([0.0, 100.0, 100.0, 100.0])
    stop = Stop(10, clock=lambda: next(ticks))
    assert stop.is_set()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with interruptible(stop):
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_that_the_caller_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = Stop()
    try:
        with interruptible(stop):
            signal.raise_signal(signal.SIGHUP)
            assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)
