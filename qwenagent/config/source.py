"""One place that sets something: a file, the environment, the command line.

Knows nothing of which place counts more, nor of what a repository may say.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from qwenagent.config.settings import SECTIONS, Settings
from qwenagent.errors import ConfigError, reason


@dataclass(frozen=True, slots=True)
class Source:
    """What one place sets, by "section.name"; `strict` where a number is not written as text."""

    place: str
    values: Mapping[str, Any]
    strict: bool = True


def user_file() -> Path:
    """Return the path of the user's settings, which need not exist."""
    import platformdirs

    home = os.environ.get("QWENAGENT_HOME")
    folder = Path(home).expanduser() if home else platformdirs.user_config_path("qwenagent")
    return folder / "config.toml"


def from_file(path: Path) -> Source:
    """Read a TOML file; one that is not there sets nothing.

    Raises:
        ConfigError: it cannot be read, is no TOML, or has a key outside of a section.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return Source(str(path), {})
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: {reason(error)}",
            hint="correct it; without that file the defaults hold",
        ) from error
    if loose := [key for key, value in raw.items() if not isinstance(value, dict)]:
        raise ConfigError(
            f"{path}: {loose[0]} stands outside of a section",
            hint=f"the sections are {', '.join(SECTIONS)}",
        )
    values = {f"{s}.{key}": v for s, section in raw.items() for key, v in section.items()}
    return Source(str(path), values)


def from_environment(environ: Mapping[str, str]) -> Source:
    """Read QWENAGENT_<SECTION>_<NAME>; an empty value counts as not given."""
    values = {}
    for name, value in environ.items():
        prefix, _, rest = name.partition("_")
        section, _, key = rest.lower().partition("_")
        if prefix == "QWENAGENT" and section in SECTIONS and value:
            values[f"{section}.{key}"] = value
    return Source("environment", values, strict=False)


def merged(settings: Settings, source: Source) -> Settings:
    """Lay a source over `settings`.

    Raises:
        ConfigError: an unknown or ill-typed setting; the message has its path and source.
    """
    for path, value in source.values.items():
        section, _, name = path.partition(".")
        if section not in SECTIONS:
            raise _unknown(source, path, f"the sections are {', '.join(SECTIONS)}")
        current = getattr(settings, section)
        known = [item.name for item in fields(current)]
        if name not in known:
            raise _unknown(source, path, f"{section} has {', '.join(known)}")
        settings = replace(settings, **{section: _with(current, path, value, source)})
    return settings


def _unknown(source: Source, path: str, hint: str) -> ConfigError:
    return ConfigError(f"{source.place}: there is no setting {path}", hint=hint)


def _with(section: Any, path: str, value: Any, source: Source) -> Any:
    """Return a section of the settings with one of them changed, checked against its type."""
    name = path.partition(".")[2]
    values = {item.name: getattr(section, item.name) for item in fields(section)}
    try:
        return msgspec.convert(values | {name: value}, type(section), strict=source.strict)
    except msgspec.ValidationError as error:
        what = str(error).partition(" - at ")[0]
        raise ConfigError(
            f"{source.place}: {path} is {value!r}: {what}",
            hint=f"its default is {getattr(section, name)!r}",
        ) from error
