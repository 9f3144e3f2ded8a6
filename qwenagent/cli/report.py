"""The file that a bug leaves behind: what a report needs, and nothing secret."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from qwenagent import __version__
from qwenagent.errors import QwenAgentError
from qwenagent.transcript import state_dir

_DEPENDENCIES = ("llama-cpp-python", "GitPython", "rich", "prompt-toolkit", "tree-sitter", "click")
_SECRET = re.compile(r"key|token|secret|password", re.IGNORECASE)


def write_report(args: Sequence[str], trace: str) -> str:
    """Write the report of a bug and return its path, or its text if it cannot be written."""
    folder = state_dir()
    text = "\n".join([*_facts(args, folder), "", trace])
    path = folder / f"bug-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"this:\n{text}"
    return str(path)


def _facts(args: Sequence[str], folder: Path) -> list[str]:
    versions = ", ".join(f"{name} {_version(name)}" for name in _DEPENDENCIES)
    return [
        f"qwenagent {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"libraries: {versions}",
        f"command: {list(args)}",
        f"transcript: {_latest_transcript(folder / 'runs')}",
        *_settings(),
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _latest_transcript(runs: Path) -> str:
    try:
        files = sorted(runs.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    except OSError as error:
        return f"unknown ({error})"
    return str(files[-1]) if files else "none"


def _settings() -> list[str]:
    """The settings in force, but for the flags, without what might be a secret."""
    from dataclasses import asdict

    from qwenagent.config import load_settings

    try:
        sections = asdict(load_settings(None, os.environ, {}))
    except QwenAgentError as error:
        return [f"settings: {error.message}"]
    return [
        f"setting {section}.{name} = {'(hidden)' if _SECRET.search(name) else repr(value)}"
        for section, values in sections.items()
        for name, value in values.items()
    ]
