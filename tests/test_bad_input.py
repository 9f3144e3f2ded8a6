"""A matrix of bad input: what each row ends with, and what it says: thing, numbers, next move."""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qwenagent.cli import wiring
from qwenagent.cli.app import cli
from qwenagent.cli.boundary import guarded
from qwenagent.cli.models import models
from qwenagent.engine import ScriptedEngine
from qwenagent.engine.scripted import Reply
from qwenagent.registry import find_card, path_of
from tests.conftest import run_git
from tests.loop_stage import FIXED, MODULE, body, make_repository
from tests.registry_standins import PAYLOAD, ship_tiny_card

GGUF = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
STEP = "- [ ] Fix `add` in `calc.py`.\n      Files: {}\n      Test: `{}`\n"
PLAN = STEP.format("calc.py", "python3 check_test.py")
CHECK = "import calc, os, sys\n{}\nsys.exit(calc.add(2, 3) != 5)\n"
RAW = re.compile(r"\[Errno|Traceback|\w(Error|Exception)\b|<class|codec|errno|None\b|\bObject\b")
TOP = Path(__file__).resolve().parent.parent
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

SetUp = Callable[[Path], object]


class Row(NamedTuple):
    """One line of the matrix. `says` has to stand in the message, in this order."""

    id: str
    set_up: SetUp
    command: str
    code: int
    says: tuple[str, ...]


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The 0.5b is a megabyte here; nothing above the test's folder is a repository."""
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("QWENAGENT_LOOP_CANDIDATES", "1")  # a script has one answer for each


@pytest.fixture(scope="session")
def first_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        "calc.py": MODULE, "check_test.py": CHECK.format(""), "notes.txt": "mine\n",
        ".gitignore": "__pycache__/\n", "package-lock.json": "{}\n", "assets/logo.png": "\0\0",
    }  # fmt: skip
    return make_repository(tmp_path_factory.mktemp("first") / "project", files)


@pytest.fixture
def root(first_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a bug, its test, and a plan that git does not know; the current folder."""
    folder = tmp_path / "a project"
    shutil.copytree(first_project, folder)
    run_git(folder, "update-index", "-q", "--refresh")
    (folder / "plan.md").write_text(PLAN, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


# -- set-ups ----------------------------------------------------------------------------------


def nothing(root: Path) -> None:
    """As the fixture left it."""


def both(*set_ups: SetUp) -> SetUp:
    return lambda root: [each(root) for each in set_ups]


def file(name: str, content: str | bytes) -> SetUp:
    data = content.encode() if isinstance(content, str) else content

    def write(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)

    return write


def plan(content: str | bytes) -> SetUp:
    return file("plan.md", content)


def home() -> Path:
    return Path(os.environ["QWENAGENT_HOME"])


def settings(content: str | bytes) -> SetUp:
    return lambda root: file(str(home() / "config.toml"), content)(root)


def model(content: bytes = PAYLOAD) -> SetUp:
    return lambda root: file(str(path_of(find_card("0.5b"))), content)(root)


def git(*args: str) -> SetUp:
    return lambda root: run_git(root, *args)


def no_repository(root: Path) -> None:
    shutil.rmtree(root / ".git")


def no_commit(root: Path) -> None:
    no_repository(root)
    run_git(root, "init", "-q")


def conflict(root: Path) -> None:
    run_git(root, "switch", "-q", "-c", "other")
    file("calc.py", "theirs\n")(root)
    run_git(root, "commit", "-q", "-am", "theirs")
    run_git(root, "switch", "-q", "main")
    file("calc.py", "ours\n")(root)
    run_git(root, "commit", "-q", "-am", "ours")
    subprocess.run(["git", "merge", "-q", "other"], cwd=root, check=False, capture_output=True)


DAMAGED = b"\0" + PAYLOAD[1:]
RUN = "run plan.md"
RUN_05 = "run plan.md --model 0.5b"
A_STEP = "a step may be an item `- [ ] ...`"
MARKDOWN = "give the path of a Markdown file, e.g. `qwenagent run plan.md`"
PULL = "`qwenagent models pull 0.5b` fetches it"
REPLACE = "`qwenagent models pull 0.5b` replaces it"
HELP = "`qwenagent run --help` lists what it takes"
DELETE = "delete it, and the plan starts anew; what is committed stays"
DEFAULTS = "correct it; without that file the defaults hold"

# fmt: off
BEFORE_A_RUN = [
    # The repository
    Row("no repository", no_repository, RUN, 4,
        ("a project is not in a git repository", "`git init`, then commit once")),
    Row("no commits", no_commit, RUN, 4,
        ("a project has no commit yet", "commit once, so that there is a way back")),
    Row("dirty tree", file("calc.py", "x = 1\n"), RUN, 4,
        ("1 tracked file(s) have uncommitted changes: calc.py", "commit or stash them")),
    Row("merge in progress", conflict, RUN, 4,
        ("a merge is in progress", "`git merge --continue` or `git merge --abort` ends it")),
    Row("index.lock", file(".git/index.lock", ""), RUN, 4,
        ("another git command holds", "index.lock (0 s old)", "delete that file and run again")),
    # The plan
    Row("missing plan", nothing, "run none.md", 2, ("there is no plan at none.md", MARKDOWN)),
    Row("empty plan", plan(""), RUN, 2, ("plan.md is empty", A_STEP)),
    Row("blank plan", plan("\ufeff \r\n\n"), RUN, 2, ("plan.md is empty", A_STEP)),
    Row("binary plan", plan(b"\x7fELF\0\1"), RUN, 2,
        ("plan.md is a binary file, byte 4 of 6 is 0; give a Markdown file",)),
    Row("UTF-16 plan", plan(PLAN.encode("utf-16")), RUN, 2,
        ("plan.md is UTF-16, and a plan is read as UTF-8; save it as UTF-8",)),
    Row("Latin-1 plan", plan("- [ ] é\n".encode("latin-1")), RUN, 2,
        ("plan.md is not UTF-8: byte 0xe9 in line 1; save it as UTF-8",)),
    Row("plan without a step", plan("# Hello\n\nText.\n"), RUN, 2,
        ("no step found in plan.md (3 lines)", A_STEP)),
    Row("10 MB plan", plan(b"- [ ] a\n" * 1_250_000), RUN, 2,
        ("plan.md has 10,000,000 bytes, the limit for a plan is 1,048,576; split it",)),
    Row("folder as plan", nothing, "run assets", 2,
        ("assets is a folder; give the plan's file, e.g. assets/plan.md",)),
    Row("FIFO as plan", lambda root: os.mkfifo(root / "pipe"), "run pipe", 2,
        ("pipe is not a regular file; give a Markdown file",)),
    Row("plan with an endless name", nothing, f"run {'x' * 300}.md", 2,
        ("cannot be read: File name too long", MARKDOWN)),
    Row("the same plan twice", nothing, "run plan.md ./plan.md", 2,
        ("plan.md is given 2 times", "name each plan of the queue once")),
    Row("task in no UTF-8", file("task.txt", b"caf\xe9"), "--prompt-file task.txt", 2,
        ("the task cannot be read from task.txt: it is not UTF-8: byte 3 is 0xe9",
         "give a text file in UTF-8, or the task itself in quotes")),
    # The model
    Row("unknown model", nothing, f"{RUN} --model 1.6b", 2,
        ("no model is called '1.6b'; there are 0.5b, 1.5b, 3b, 7b, 14b, 32b",
         "did you mean 1.5b?")),
    Row("somebody else's model", nothing, f"{RUN} --model gpt-4", 2,
        ("no model is called 'gpt-4'", "`qwenagent models list` says what each of them needs")),
    Row("no model installed", nothing, RUN, 4,
        ("no model is installed", "`qwenagent models pull` fetches one")),
    Row("model not installed", nothing, RUN_05, 4, ("0.5B-Instruct is not on this machine", PULL)),
    Row("no such file", nothing, f"{RUN} --model ./x.gguf", 4,
        ("there is no model file", "x.gguf", "`qwenagent models list` shows what is here")),
    Row("folder as model", nothing, f"{RUN} --model ./", 4,
        ("there is no model file", "a project: that is a folder", "`qwenagent models list`")),
    Row("GGUF that is none of ours", file("x.gguf", b"GGUF\3"), f"{RUN} --model ./x.gguf", 2,
        ("x.gguf (5 bytes) is none of the official Qwen2.5-Coder-Instruct Q4_K_M files",
         "1,117,320,768 (1.5b)", "`qwenagent models pull` fetches one")),
    Row("truncated GGUF by path", file(GGUF, PAYLOAD[:999]), f"{RUN} --model ./{GGUF}", 4,
        ("it has 999 of 1,000,000 bytes (truncated: 999,001 are missing)", PULL)),
    Row("damaged GGUF by path", file("x.gguf", DAMAGED), f"{RUN} --model ./x.gguf", 4,
        ("x.gguf is damaged: it has the 1,000,000 bytes of 0.5b, but SHA-256", PULL)),
    Row("truncated GGUF in the store", model(PAYLOAD[:999]), RUN_05, 4,
        (GGUF, "is truncated: it has 999 of 1,000,000 bytes", REPLACE)),
    Row("too long GGUF in the store", model(PAYLOAD + b"x"), RUN_05, 4,
        ("is not the official file: it has 1,000,001 bytes, that one 1,000,000", REPLACE)),
    Row("damaged GGUF in the store", model(DAMAGED), RUN, 4,
        (GGUF, "is damaged: its SHA-256 is not the", REPLACE)),
    Row("damaged GGUF verified", model(DAMAGED), "models verify 0.5b", 4,
        ("is not the official file: 1,000,000 bytes with SHA-256", REPLACE)),
    Row("larger than memory", both(model(), settings("[model]\nn_ctx = 1000000000\n")), RUN_05, 4,
        ("0.5b needs 12288.60 GB (1 MB weights + 12288.00 GB KV cache for 1,000,000,000 tokens",
         "free", "close programs that hold")),
    # Flags
    Row("time limit of 0", nothing, f"{RUN} --time-limit 0", 2,
        ("invalid value for '--time-limit': 0.0 is not in the range x>0", HELP)),
    Row("time limit of nan", nothing, f"{RUN} --time-limit nan", 2,
        ("--time-limit nan is no number of seconds", "--time-limit 3600")),
    Row("unknown flag", nothing, f"{RUN} --frobnicate", 2,
        ("no such option '--frobnicate'", HELP)),
    Row("misspelt flag", nothing, f"{RUN} --sed 3", 2,
        ("no such option '--sed'", "'--seed'", HELP)),
    Row("flag without its value", nothing, f"{RUN} --model", 2,
        ("option '--model' requires an argument", "--help` lists what it takes")),
    Row("no plan", nothing, "run", 2, ("missing argument 'PLAN...'", HELP)),
    Row("-C nowhere", nothing, f"{RUN} -C none", 2, ("'none' does not exist", HELP)),
    Row("file outside", nothing, f"{RUN} --files ../x.py", 2,
        ("--files:", "x.py is not inside the repository", "name files of the repository")),
    Row("contradictory flags", nothing, f"{RUN} --here --no-commit", 2,
        ("--here and --no-commit exclude each other", "leave one of them out")),
    Row("test command with an open quote", nothing, f"{RUN} --test-cmd \"pytest 'x\"", 2,
        ("--test-cmd: cannot read the test command \"pytest 'x\": no closing quotation",
         "close the quotation")),
    Row("metrics into no folder", model(), f"{RUN_05} --metrics no/m.json", 2,
        ("--metrics no/m.json: the folder", "does not exist", "name a file in a folder")),
    Row("metrics into a folder", nothing, f"{RUN} --metrics assets", 2,
        ("'assets' is a directory", HELP)),
    # Settings
    Row("damaged config.toml", settings("[model\n"), RUN, 2,
        ("config.toml: Expected ']'", "(at line 1, column 7)", DEFAULTS)),
    Row("config.toml in no UTF-8", settings(b"\xff\xfe[\0"), RUN, 2,
        ("config.toml: it is not UTF-8: byte 0 is 0xff", DEFAULTS)),
    Row("config.toml is a folder", lambda _: (home() / "config.toml").mkdir(parents=True), RUN, 2,
        ("config.toml: Is a directory", DEFAULTS)),
    Row("setting out of range", settings("[loop]\nrepairs = 99\n"), RUN, 2,
        ("config.toml: loop.repairs is 99: Expected `int` <= 20", "its default is 2")),
    Row("unknown setting", settings("[loop]\nrepair = 1\n"), RUN, 2,
        ("config.toml: there is no setting loop.repair", "loop has repairs, resamples")),
    Row("damaged .qwenagent.toml", file(".qwenagent.toml", "model = ["), RUN, 2,
        (".qwenagent.toml: Invalid value (at end of document)", DEFAULTS)),
    Row("setting not for a repository", file(".qwenagent.toml", "[loop]\nseed = 1\n"), RUN, 2,
        (".qwenagent.toml: a repository may not set loop.seed",
         "config.toml; a repository may set model.name")),
    Row("model by path in a repository", file(".qwenagent.toml", "[model]\nname = './x'\n"), RUN, 2,
        ("may not name a model by path, as in './x'", "`qwenagent models list` shows the names")),
    Row("damaged progress.json", both(model(), file(".qwenagent/progress.json", "{")), RUN_05, 2,
        ("progress.json cannot be read: Input data was truncated", DELETE)),
    Row("progress.json of tomorrow", both(model(), file(".qwenagent/progress.json", '{"v": 9}')),
        RUN_05, 2, ("progress.json has version 9, known is", DELETE)),
    # Other commands
    Row("import of nothing", nothing, "models import none", 4,
        ("there is no file or folder", "`qwenagent models export -o FOLDER` made")),
    Row("import of no bundle", nothing, "models import assets", 4,
        ("assets is no bundle: manifest.json cannot be read", "`qwenagent models export")),
    Row("use of nothing", nothing, "models use", 2,
        ("give either a model's name or --auto", "`qwenagent models list` shows the names")),
    Row("demo in a folder in use", nothing, "demo --keep assets", 2,
        ("assets is not empty; the sample needs a folder of its own",)),
]
# fmt: on


@pytest.mark.parametrize("row", BEFORE_A_RUN, ids=lambda row: row.id)
def test_bad_input_is_told_and_changes_nothing(
    row: Row, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row.set_up(root)
    before = contents(root)
    assert guarded(shlex.split(row.command)) == row.code
    said = capsys.readouterr()
    assert said.out == ""
    assert_well_told(said.err, row.says)
    assert contents(root) == before


def contents(root: Path) -> dict[str, bytes]:
    """Every file but those that git refreshes by itself when it is asked."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(p): p.read_bytes() for p in files if p.name != "index"}


def assert_well_told(said: str, words: Iterable[str]) -> None:
    """One message with its next move, in order, without what only Python understands."""
    assert said.startswith("error: "), said
    assert said.count("error: ") == 1, said
    assert len(said.splitlines()) <= 3, said
    assert not RAW.search(said), said
    assert_in_order(said, words)


def assert_in_order(said: str, words: Iterable[str]) -> None:
    at = 0
    for each in words:
        at = said.find(each, at)
        assert at >= 0, f"{each!r} is missing, or comes too early, in:\n{said}"


# -- in the middle of a run -------------------------------------------------------------------


def checked(code: str, files: str = "calc.py") -> SetUp:
    """A plan whose only test is a program of the project's, committed."""

    def write(root: Path) -> None:
        file("check_test.py", CHECK.format(code))(root)
        run_git(root, "commit", "-q", "-am", "check", "--allow-empty")
        plan(STEP.format(files, "python3 check_test.py"))(root)

    return write


ONE_TRY = "[loop]\nrepairs = 0\nresamples = 0\n"
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


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[Reply]:
    """An engine that answers from a list takes the place of the one with the model."""
    replies: list[Reply] = [body(FIXED)]
    monkeypatch.setattr(wiring, "_engine", lambda *_: ScriptedEngine(replies))
    both(model(), settings(ONE_TRY))(root)
    return replies


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


# -- processes: streams, terminals, permissions, space ----------------------------------------

PROGRAM = "from qwenagent.cli import main; main()"
SCRIPTED = f"""
from qwenagent.cli import main, wiring
from qwenagent.engine import ScriptedEngine
wiring._engine = lambda *_: ScriptedEngine([{body(FIXED)!r}])
main()
"""
CAUTION = {"HF_ENDPOINT": "http://127.0.0.1:9", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}


def start(
    args: str, program: str = PROGRAM, *, prefix: Iterable[str] = (), **how: Any
) -> subprocess.Popen[str]:
    """Start the program as a process of its own, far from any network."""
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **how}
    env = {**os.environ, **CAUTION, "PIP_RETRIES": "0", "PYTHONPATH": str(TOP)}
    how["env"] = env | how.pop("env", {})
    command = [*prefix, sys.executable, "-c", program, *shlex.split(args)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **how)


def ended(process: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str, str]:
    """Wait for a process; one that waits itself is killed, and the test fails."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, out or "", err


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
        start("run 'größe.md'", cwd=root, env=env),
    ]
    ends = [ended(process) for process in running]
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


# -- folders that cannot be written -----------------------------------------------------------

# To root modes mean nothing while it may overrule them.
MODES_COUNT = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if AS_ROOT else ()
NAMESPACE = ("unshare", "-m", "--") if AS_ROOT else ("unshare", "-rm", "--")
MOUNT = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'


def works(*command: str) -> bool:
    try:
        return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def mounted(options: str, place: Path) -> tuple[str, ...]:
    """What starts a program that sees a small or read-only file system at `place`."""
    return (*NAMESPACE, "sh", "-c", MOUNT, "sh", options, str(place))


@pytest.fixture
def locked_up() -> Iterable[list[Path]]:
    """Folders whose mode is put back, so that they can be deleted."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        folder.chmod(0o700)


@pytest.mark.skipif(AS_ROOT and not works(*MODES_COUNT), reason="root may write everywhere here")
class TestNoPermission:
    """Of the mode of a folder, which `locked_up` gives back."""

    def run(self, root: Path, args: str) -> tuple[int, str, str]:
        return ended(start(args, SCRIPTED, prefix=MODES_COUNT, cwd=root))

    def test_for_the_state_folder(self, root, locked_up):
        model()(root)
        locked_up.append(home())
        home().chmod(0o500)
        code, _, err = self.run(root, f"{RUN_05} --yes")
        assert code == 4
        wanted = ("no permission to write or read", "state", "look at its owner and mode: ls -ld")
        assert_well_told(err, wanted)
        assert (root / "calc.py").read_text() == MODULE

    def test_for_the_settings(self, root, locked_up):
        both(model(), settings(""))(root)
        locked_up.append(home())
        home().chmod(0o500)
        code, _, err = self.run(root, "models use 0.5b")
        assert code == 2
        wanted = ("config.toml cannot be written: Permission denied", "QWENAGENT_MODEL_NAME")
        assert_well_told(err, wanted)

    def test_for_the_cache(self, root, locked_up):
        locked_up.append(home() / "models")
        (home() / "models").mkdir(parents=True)
        (home() / "models").chmod(0o500)
        code, _, err = self.run(root, "models pull 0.5b")
        assert code == 4
        assert_well_told(err, ("models", "ermission denied"))

    def test_for_a_plan(self, root):
        (root / "plan.md").chmod(0)
        code, _, err = self.run(root, RUN_05)
        assert code == 2
        assert_well_told(err, ("invalid value for 'PLAN...': Path 'plan.md' is not readable", HELP))

    def test_for_the_repository(self, root, locked_up):
        model()(root)
        locked_up.append(root)
        root.chmod(0o500)
        code, out, err = self.run(root, f"{RUN_05} --yes")
        assert (code, err) == (1, "")
        assert_in_order(out, ("calc.py cannot be written: Permission denied", "step 1 blocked"))
        assert (root / "calc.py").read_text() == MODULE


@pytest.mark.skipif(not works(*mounted("size=1m", TOP / "tests")), reason="mounting is not allowed")
class TestSmallDisk:
    def test_a_full_disk_ends_the_run_and_leaves_the_tree(self, root):
        place = home() / "state"
        model()(root)
        place.mkdir()
        small = mounted("size=4k,nr_inodes=8", place)
        code, _, err = ended(start(f"{RUN_05} --yes", SCRIPTED, prefix=small, cwd=root))
        assert code == 4
        assert_well_told(err, ("no space left on the device for", "runs", ".jsonl", "free some"))
        assert (root / "calc.py").read_text() == MODULE

    def test_a_disk_that_is_mounted_read_only(self, root):
        model()(root)
        (home() / "state").mkdir()
        fixed = mounted("ro", home() / "state")
        code, _, err = ended(start(f"{RUN_05} --yes", SCRIPTED, prefix=fixed, cwd=root))
        assert code == 4
        assert_well_told(err, ("is on a file system that is mounted read-only", "mount it"))


# -- a bug ------------------------------------------------------------------------------------


def broken(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run into a bug of the engine's in the middle of a run; return the report."""
    bug = ZeroDivisionError("https://me:hidden-1@example.org/ ü")
    monkeypatch.setattr(wiring, "_engine", lambda *_: ScriptedEngine([bug]))
    model()(root)
    assert guarded(["run", "plan.md", "--model", "0.5b", "--yes"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error: this is a bug in qwenagent (ZeroDivisionError)\n  please report")
    (path,) = (home() / "state").glob("bug-*.txt")
    assert str(path) in said
    return path.read_text(encoding="utf-8")


def test_a_report_names_the_transcript_of_its_own_run(root, monkeypatch, capsys):
    text = broken(root, monkeypatch, capsys)
    (transcript,) = (home() / "state" / "runs").glob("*.jsonl")
    assert f"\ntranscript: {transcript}\n" in text
    assert (root / "calc.py").read_text() == MODULE


def test_a_report_has_settings_and_no_secrets(root, monkeypatch, capsys):
    monkeypatch.setenv("QWENAGENT_TESTS_COMMAND", "API_KEY=hidden-2 python3 -m unittest")
    text = broken(root, monkeypatch, capsys)
    assert "setting tests.command = 'API_KEY=(hidden) python3 -m unittest'" in text
    assert "setting loop.repairs = 2" in text
    assert "ZeroDivisionError: https://(hidden)@example.org/ ü" in text
    assert "hidden-" not in text


def test_a_report_without_a_run_names_no_transcript(root, stand_in, monkeypatch, capsys):
    assert guarded(["run", "plan.md", "--model", "0.5b", "--yes"]) == 0

    @cli.command("boom")
    def boom() -> int:
        raise ZeroDivisionError

    try:
        assert guarded(["boom"]) == 3
        (report,) = (home() / "state").glob("bug-*.txt")
        assert "\ntranscript: none\n" in report.read_text(encoding="utf-8")
        monkeypatch.setenv("QWENAGENT_HOME", str(root / "plan.md"))
        capsys.readouterr()
        assert guarded(["boom"]) == 3
    finally:
        del cli.commands["boom"]
    assert_in_order(
        capsys.readouterr().err,
        ("please report this:\nqwenagent ", "transcript: none", "Traceback"),
    )
