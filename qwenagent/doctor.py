"""What `qwenagent doctor` looks at, one finding each."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qwenagent.config import load_settings
from qwenagent.errors import ChecksError, ConfigError, QwenAgentError


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
    yield Finding(bool(git), "git", git or "not found", "" if git else "install git 2.31 or newer")
    llama = _llama()
    yield llama
    if llama.ok:
        yield _machine_gpu()
    yield from _models()
    yield from _repository(folder)


def _llama() -> Finding:
    from qwenagent.engine import default_threads, library

    try:
        return Finding(True, "llama.cpp", f"{library()}, {default_threads()} threads")
    except (ImportError, OSError, RuntimeError) as error:
        hint = "pip install --force-reinstall --no-cache-dir llama-cpp-python"
        return Finding(False, "llama.cpp", f"cannot be loaded: {error}", hint)


def _machine_gpu() -> Finding:
    from qwenagent.engine import offload_available, visible_gpu

    return _gpu(visible_gpu(), usable=offload_available())


def _gpu(visible: str, *, usable: bool) -> Finding:
    """Judge what GPU seems to be there, and whether the installed llama.cpp can use one."""
    from qwenagent.engine import wheel_command

    if usable:
        return Finding(True, "GPU", "this build of llama.cpp uses it")
    if visible:
        detail = f"the {visible} sits idle: this build uses the CPU only"
        return Finding(None, "GPU", detail, wheel_command(visible))
    return Finding(True, "GPU", "none seen; the CPU does the work")


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
    from qwenagent.workspace import Repository

    try:
        repository = Repository.open(folder)
        head = repository.head()
    except QwenAgentError as error:
        yield Finding(None, "repository", error.message, error.hint)
        yield from _settings(None)
        return
    repository.close()
    yield Finding(True, "repository", f"{repository.root} at {head[:12]}")
    yield from _settings(repository.root)
    yield _tests(repository.root)


def _settings(root: Path | None) -> Iterator[Finding]:
    """Yield a finding only if a settings file is wrong: every run would refuse it."""
    try:
        load_settings(root, os.environ, {})
    except ConfigError as error:
        yield Finding(False, "settings", error.message, error.hint)


def _tests(root: Path) -> Finding:
    from qwenagent.checks import TestRunner, detect

    command = detect(root)
    if command is None:
        return Finding(None, "tests", "no test command was found", "give one with --test-cmd")
    try:
        tools = TestRunner(root, os.environ).tools()
    except ChecksError as error:
        return Finding(False, "tests", error.message, error.hint)
    return Finding(True, "tests", f"`{command.shown}` with {tools.python}: {tools.why}")
