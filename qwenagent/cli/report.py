"""The file that a bug leaves behind: what a report needs, and nothing secret."""

from __future__ import annotations

import os
import platform
import re
import time
import traceback
from collections.abc import Sequence
from importlib import metadata

from qwenagent import __version__
from qwenagent.errors import QwenAgentError
from qwenagent.transcript import NOTE, state_dir

_DEPENDENCIES = ("llama-cpp-python", "GitPython", "rich", "prompt-toolkit", "tree-sitter", "click")
_SECRET = r"[\w.-]*(?:key|token|secret|passw(?:or)?d|credential)[\w.-]*"
_NAMED = re.compile(_SECRET, re.IGNORECASE)
_ASSIGNED = re.compile(rf"(\b{_SECRET}\s*[=:]\s*)[^\s'\"]+", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://)[^/\s@'\"]+@")


def write_report(args: Sequence[str], error: BaseException) -> str:
    """Write the report of a bug and return its path, or its text if it cannot be written."""
    trace = "".join(traceback.format_exception(error))
    text = "\n".join([*_facts(args, error), "", _IN_ADDRESS.sub(r"\1(hidden)@", trace)])
    name = f"bug-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}.txt"
    path = state_dir() / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return f"this:\n{text}"
    return str(path)


def _facts(args: Sequence[str], error: BaseException) -> list[str]:
    versions = ", ".join(f"{name} {_version(name)}" for name in _DEPENDENCIES)
    return [
        f"qwenagent {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"libraries: {versions}",
        f"command: {[_without_secrets(arg) for arg in args]}",
        f"{NOTE}{_transcript_of(error)}",
        *_settings(),
    ]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _transcript_of(error: BaseException) -> str:
    """Return the path of the transcript of the run that the error ended."""
    notes = getattr(error, "__notes__", [])
    return next((note.removeprefix(NOTE) for note in notes if note.startswith(NOTE)), "none")


def _settings() -> list[str]:
    """The settings in force, but for the flags and the repository's, without secrets."""
    from dataclasses import asdict

    from qwenagent.config import load_settings

    try:
        sections = asdict(load_settings(None, os.environ, {}))
    except QwenAgentError as error:
        return [f"settings: {error.message}"]
    return [
        f"setting {section}.{name} = {_shown(name, value)}"
        for section, values in sections.items()
        for name, value in values.items()
    ]


def _shown(name: str, value: object) -> str:
    if isinstance(
        value, dict
    ):  # tables of providers, whose commands may have words that are secret
        value = sorted(value)
    hidden = isinstance(value, str) and value and _NAMED.search(name)
    return "(hidden)" if hidden else _without_secrets(repr(value))


def _without_secrets(text: str) -> str:
    return _IN_ADDRESS.sub(r"\1(hidden)@", _ASSIGNED.sub(r"\1(hidden)", text))
