"""What `qwenagent doctor` looks at, one finding each."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import ChecksError, QwenAgentError


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `ok` None is a warning."""

    ok: bool | None
    name: str
    detail: str
    hint: str = ""


def examine(folder: Path) -> Iterator[Finding]:
    """Yield findings about the machine, then about the repository in `folder`."""
    yield Finding(
        sys.platform in ("linux", "darwin"),
        "system",
        f"{platform.platform()}, Python {platform.python_version()}",
        ""
        if sys.platform in ("linux", "darwin")
        else "running tests needs Linux or macOS; use WSL",
    )
    git = shutil.which("git")
    yield Finding(bool(git), "git", git or "not found", "" if git else "install git 2.30 or newer")
    yield _llama()
    yield from _gpu()
    yield from _models()
    yield from _repository(folder)


def _llama() -> Finding:
    from qwenagent.engine import default_threads, library

    try:
        return Finding(True, "llama.cpp", f"{library()}, {default_threads()} threads")
    except (ImportError, OSError, RuntimeError) as error:
        hint = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
        return Finding(False, "llama.cpp", f"cannot be loaded: {error}", hint)


def _gpu() -> Iterator[Finding]:
    from qwenagent.engine import offload_available, visible_gpu, wheel_command

    gpu = visible_gpu()
    if offload_available():
        yield Finding(True, "GPU", "this build of llama.cpp uses it")
    elif gpu:
        yield Finding(
            None, "GPU", f"the {gpu} sits idle: this build uses the CPU only", wheel_command(gpu)
        )
    else:
        yield Finding(True, "GPU", "none seen; the CPU does the work")


def _models() -> Iterator[Finding]:
    from qwenagent.registry import installed, load_cards, models_dir

    here = [card.name for card in load_cards().values() if installed(card)]
    yield Finding(
        bool(here),
        "models",
        f"{', '.join(here)} in {models_dir()}" if here else f"none in {models_dir()}",
        "" if here else "qwenagent models pull",
    )


def _repository(folder: Path) -> Iterator[Finding]:
    import os

    from qwenagent.checks import TestRunner, detect
    from qwenagent.workspace import Repository

    try:
        repository = Repository.open(folder)
        head = repository.head()
    except QwenAgentError as error:
        yield Finding(None, "repository", error.message, error.hint)
        return
    yield Finding(True, "repository", f"{repository.root} at {head[:12]}")
    command = detect(repository.root)
    if command is None:
        yield Finding(None, "tests", "no test command was found", "give one with --test-cmd")
    else:
        try:
            tools = TestRunner(repository.root, os.environ).tools()
            yield Finding(True, "tests", f"`{command.shown}` with {tools.python}: {tools.why}")
        except ChecksError as error:
            yield Finding(False, "tests", error.message, error.hint)
    repository.close()
