"""Hands a text to the user's editor and takes it back."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from qwenagent.errors import ConfigError
from qwenagent.ui.printable import one_line

_USUAL = ("editor", "nano", "vi", "notepad")


def edited(text: str, environment: Mapping[str, str], terminal: int | None = None) -> str:
    """Open `text` in `$VISUAL`, `$EDITOR` or what is usual here; return what was saved.

    Waits for the editor, which has the terminal: this descriptor, else the program's own streams.
    One that fails leaves the text as it was.

    Raises:
        ConfigError: there is no editor, or it cannot be started.
    """
    command = _editor(environment)
    handle, name = tempfile.mkstemp(suffix=".md", prefix="qwenagent-")  # mode 0600
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        argv = [*command, name]
        if subprocess.run(
            argv, stdin=terminal, stdout=terminal, stderr=terminal, check=False
        ).returncode:
            return text
        saved = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{one_line(command[0])} cannot be started: {error.strerror}") from error
    finally:
        path.unlink(missing_ok=True)
    return saved.replace("\r\n", "\n").removesuffix("\n")


def _editor(environment: Mapping[str, str]) -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        value = environment.get(variable, "").strip()
        if value:
            try:
                return shlex.split(value, posix=os.name != "nt")
            except ValueError as error:
                raise ConfigError(f"${variable} cannot be read as a command: {error}") from error
    found = next((path for name in _USUAL if (path := shutil.which(name))), None)
    if found is None:
        raise ConfigError("no editor was found; set $VISUAL or $EDITOR")
    return [found]
