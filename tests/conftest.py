"""What every test needs: a neutral git, a home of its own, a small repository, the test model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from qwenagent.engine import EmbeddedEngine, LoadSettings, default_threads
from qwenagent.registry import find_card, installed
from qwenagent.sandbox import Level, Sandbox

# Shared machines stall: a slow example is no failure.
settings.register_profile("project", deadline=None, max_examples=50)
settings.load_profile("project")
# For `--hypothesis-profile=long`, where a test does not say how many.
settings.register_profile("long", deadline=None, max_examples=500)

# What nohup or a shell's `&` has had ignored would be ignored by all that tests start, too.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A. Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "A. Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
}


def pytest_unconfigure() -> None:
    """Close what llama_cpp keeps open: the interpreter would warn of it at its end."""
    kept = sys.modules.get("llama_cpp._utils")
    for name in ("outnull_file", "errnull_file"):
        if file := getattr(kept, name, None):
            file.close()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return what `-n auto` means: a third of their time, tests wait for what they started."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (usable or 1) + 1


@pytest.fixture(scope="session")
def test_gguf() -> Path:
    """The real 0.5b: `$QWENAGENT_TEST_GGUF`, else the one that is installed.

    Of the session, so that it looks before `isolation` hides the real store.
    """
    given = os.environ.get("QWENAGENT_TEST_GGUF")
    path = Path(given) if given else installed(find_card("0.5b"))
    if path is not None and path.is_file():
        return path
    missing = "the 0.5b model is missing: `qwenagent models pull 0.5b` gets it"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def n_threads() -> int:
    """For the real model: every core where it is alone, one thread beside other tests.

    Threads that wait for each other starve on cores that others use: ten times as slow.
    """
    alone = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") == "1"
    return default_threads() if alone else 1


@pytest.fixture(scope="session")
def costs(test_gguf: Path, n_threads: int) -> str:
    """What is kept of the costs of batches: a laptop's, so that no engine takes seconds for it."""
    engine = EmbeddedEngine("test", LoadSettings(test_gguf, n_ctx=256, n_threads=n_threads))
    try:
        weights = engine.describe().details["weights"]
    finally:
        engine.close()
    return json.dumps({weights: [0.03, 0.05, 0.08, 0.14, 0.19, 0.24, 0.33, 0.42]})


@pytest.fixture(scope="module")
def cache(costs: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for the engines of a module, in which nothing but the costs is known."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "costs.json").write_text(costs, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def isolation(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings, models, git configuration or git identity of the machine reach a test."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "QWENAGENT_")):
            monkeypatch.delenv(name)
    for name, value in GIT_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(home))
    monkeypatch.setenv("QWENAGENT_HOME", str(home / "qwenagent"))
    if Sandbox.find(os.environ).level is Level.NONE:  # a container without user namespaces
        monkeypatch.setenv("QWENAGENT_SANDBOX_OFF", "true")


def run_git(folder: Path, *args: str, stdin: str = "") -> str:
    """Run the user's git and return what it prints."""
    done = subprocess.run(
        ["git", *args], cwd=folder, input=stdin.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="session")
def first_repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository that `repo` copies; made once."""
    root = tmp_path_factory.mktemp("first") / "repo"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg" / "store.py").write_text(
        'LIMIT = 3\n\n\nclass Store:\n    """Keeps."""\n\n    def load(self):\n        return 1\n',
        encoding="utf-8",
    )
    (root / "README.md").write_text("# Sample\n", encoding="utf-8")
    (root / ".gitignore").write_text("*.log\nbuild/\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:  # before `isolation`, which is of each test
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        for name, value in GIT_ENVIRONMENT.items():
            patch.setenv(name, value)
        run_git(root, "init", "-q", "-b", "main", "--template=")
        run_git(root, "add", ".")
        run_git(root, "commit", "-q", "-m", "first")
    return root


@pytest.fixture
def repo(tmp_path: Path, first_repo: Path) -> Path:
    """A repository on branch main with one commit, in a folder whose name has a space."""
    root = tmp_path / "my repo"
    shutil.copytree(first_repo, root)
    run_git(root, "update-index", "-q", "--refresh")
    return root
