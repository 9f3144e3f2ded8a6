"""A matrix of bad input: what each row ends with, and what it says: thing, numbers, next move."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from tests import bad_input_stage
from tests.bad_input_stage import (
    GGUF,
    HELP,
    PLAN,
    RUN_05,
    Row,
    assert_well_told,
    both,
    file,
    home,
    model,
    nothing,
    plan,
    settings,
)
from tests.conftest import run_git
from tests.registry_standins import PAYLOAD

DAMAGED = b"\0" + PAYLOAD[1:]
RUN = "run plan.md"
A_STEP = "a step may be an item `- [ ] ...`"
MARKDOWN = "give the path of a Markdown file, e.g. `qwenagent run plan.md`"
PULL = "`qwenagent models pull 0.5b` fetches it"
REPLACE = "`qwenagent models pull 0.5b` replaces it"
DELETE = "delete it, and the plan starts anew; what is committed stays"
DEFAULTS = "correct it; without that file the defaults hold"

# Fixtures, by the names that they have here.
assets, first_project = bad_input_stage.assets, bad_input_stage.first_project
root = bad_input_stage.root


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
    """Every file but those that git refreshes by itself, and the lock that nobody holds."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return {
        str(p): p.read_bytes()
        for p in files
        if p.name != "index" and p.parts[-2:] != ("qwenagent", "lock")
    }
