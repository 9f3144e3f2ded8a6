"""Row 1 of the attacks: nothing of a repository is imported by us or our children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import qwenagent
from qwenagent.config import (
    Settings,
    load_settings,
)
from tests.loop_stage import make_repository

HIT = "import os\nopen(os.path.join(os.environ['HITS'], {!r}), 'w').close()\n"
# Not those that Python itself imports for `-m`; see `qwenagent/__main__.py`.
HOSTILE = (
    *("click", "rich", "json", "msgspec", "tomllib", "pathlib", "platformdirs", "re", "logging"),
    *("typing", "dataclasses", "subprocess", "git", "sitecustomize", "usercustomize"),
    *("multiprocessing", "pickle", "signal", "tomlkit", "filelock", "psutil", "random"),
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A repository whose root has a module for everything that we import, and settings files."""
    root = make_repository(tmp_path / "hostile", {"a.py": "A = 1\n"})
    for name in HOSTILE:
        (root / f"{name}.py").write_text(HIT.format(name))
    environment = f"PYTHONPATH={root}\nPYTHONSTARTUP={root}/click.py\nQWENAGENT_LOOP_SEED=77\n"
    for name in (".env", ".envrc", ".env.local"):
        (root / name).write_text(environment)
    for name in ("pip.conf", "pip.ini", "setup.cfg", "pyvenv.cfg"):
        (root / name).write_text("[global]\nindex-url = http://127.0.0.1:9/\n")
    (tmp_path / "hits").mkdir()
    return root


def started(hostile: Path, *words: str) -> tuple[int, list[str]]:
    """Start a Python program in the hostile folder; return its exit code and what was imported."""
    hits = hostile.parent / "hits"
    paths = [str(Path(qwenagent.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "HITS": str(hits), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    env.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(
        [sys.executable, *words], cwd=hostile, env=env, capture_output=True, timeout=60, check=False
    )
    return done.returncode, sorted(path.name for path in hits.iterdir())


def test_row_01_the_hostile_folder_would_be_imported_from(hostile):
    assert started(hostile, "-c", "import click")[1] == ["click"]


@pytest.mark.parametrize("command", [["run", "missing.md"], ["models", "list"]])
@pytest.mark.parametrize("form", ["script", "module"])
def test_row_01_nothing_of_the_repository_is_imported_into_our_process(form, command, hostile):
    script = hostile.parent / "bin" / "qwenagent"
    script.parent.mkdir()
    script.write_text("import sys\nfrom qwenagent.cli import main\nsys.exit(main())\n")
    begin = [str(script)] if form == "script" else ["-m", "qwenagent"]
    code, hits = started(hostile, *begin, *command)
    assert hits == []
    assert code == (2 if command[0] == "run" else 0)


def test_row_01_our_own_children_do_not_import_from_the_repository(hostile):
    script = hostile.parent / "spawning.py"
    script.write_text(
        "import multiprocessing, sys\n"
        "from contextlib import suppress\n"
        "from qwenagent.cli import main\n"
        "if __name__ == '__main__':\n"
        "    if sys.argv[1] == 'ours':\n"
        "        with suppress(SystemExit):\n"
        "            main(['--version'])\n"
        "    child = multiprocessing.get_context('spawn').Process(target=int)\n"
        "    child.start()\n"
        "    child.join()\n"
    )
    assert started(hostile, str(script), "ours") == (0, [])
    assert "multiprocessing" in started(hostile, str(script), "without")[1]


def test_row_01_no_env_file_is_a_source_of_settings(hostile, monkeypatch):
    monkeypatch.delenv("QWENAGENT_SANDBOX_OFF", raising=False)  # see `isolation` in conftest.py
    monkeypatch.chdir(hostile)
    before = dict(os.environ)
    assert load_settings(hostile, os.environ, {}) == Settings()
    assert dict(os.environ) == before
