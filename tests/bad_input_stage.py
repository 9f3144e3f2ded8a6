"""For tests of bad input: a project, what is set up in it, and how the program is run and told.

The fixtures are for those who give them a name: `root = bad_input_stage.root`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qwenagent.cli import wiring
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
ONE_TRY = "[loop]\nrepairs = 0\nresamples = 0\n"
RUN_05 = "run plan.md --model 0.5b"
HELP = "`qwenagent run --help` lists what it takes"
PROGRAM = "from qwenagent.cli import main; main()"
SCRIPTED = f"""
from qwenagent.cli import main, wiring
from qwenagent.engine import ScriptedEngine
wiring._engine = lambda *_: ScriptedEngine([{body(FIXED)!r}])
main()
"""
CAUTION = {"HF_ENDPOINT": "http://127.0.0.1:9", "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}

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


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, root: Path) -> list[Reply]:
    """An engine that answers from a list takes the place of the one with the model."""
    replies: list[Reply] = [body(FIXED)]
    monkeypatch.setattr(wiring, "_engine", lambda *_: ScriptedEngine(replies))
    both(model(), settings(ONE_TRY))(root)
    return replies


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


# -- how it ends ------------------------------------------------------------------------------


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
