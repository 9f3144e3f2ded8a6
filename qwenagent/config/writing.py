"""Writing one setting into the user's own file, which is theirs: all else in it stays."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from qwenagent.config.loading import require_settable
from qwenagent.config.settings import Settings
from qwenagent.config.source import Source, from_file, merged, user_file
from qwenagent.errors import ConfigError, reason


def write_user_setting(path: str, value: str | int | None) -> Path:
    """Set "section.name" in the user's file, or remove it with None; return the file's path.

    Everything else in the file, comments too, stays as it is.

    Raises:
        ConfigError: there is no such setting, it is none that is set, or the file cannot be read
            or written.
    """
    file = user_file()
    written = Source(str(file), {} if value is None else {path: value})
    merged(Settings(), written)
    require_settable(written)
    from_file(file)  # a file that is wrong already is told with its place
    try:
        file = file.resolve()  # a link into somebody's dotfiles stays a link
        _write(file, path, value)
    except OSError as error:
        variable = f"QWENAGENT_{path.replace('.', '_').upper()}"
        raise ConfigError(
            f"{file} cannot be written: {reason(error)}",
            hint=f"{variable} in the environment sets it, too",
        ) from error
    return file


def _write(file: Path, path: str, value: str | int | None) -> None:
    import tomlkit

    section, _, name = path.partition(".")
    text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
    document = tomlkit.parse(text)
    if value is not None:
        document.setdefault(section, tomlkit.table())[name] = value
    elif name in document.get(section, {}):
        del document[section][name]
    else:
        return
    _replace(file, _with_ends_of(text, tomlkit.dumps(document)))


def _with_ends_of(before: str, after: str) -> str:
    """Keep CRLF; lines that tomlkit adds end with a bare newline in such a file too."""
    is_crlf = before.count("\n") == before.count("\r\n") > 0
    return re.sub(r"(?<!\r)\n", "\r\n", after) if is_crlf else after


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_bytes(text.encode("utf-8"))
    if file.exists():
        shutil.copymode(file, fresh)
    fresh.replace(file)
