"""The order of the places: flags over environment over the repository's file over the user's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qwenagent.config.repository import REPOSITORY_FILE, from_repository
from qwenagent.config.settings import Settings, setting_paths, value_of
from qwenagent.config.source import Source, from_environment, from_file, merged, user_file
from qwenagent.errors import ConfigError

DERIVED = {"tests.suggested": "tests.command", "escalate.also_local_only": "escalate.local_only"}
"""Settings that nobody sets: what a repository proposes or adds, and where that comes from."""
_USER_ALONE = ("commands.ask", "commands.allow", "escalate.order", "escalate.providers")


def load_settings(
    repository: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    warn: Callable[[str], None] = lambda _: None,
) -> Settings:
    """Merge all sources. `flags` maps "section.name" to a value; None was not given.

    `warn` is told, in a sentence, what of a repository's file does not count.

    The environment's form is QWENAGENT_<SECTION>_<NAME>, e.g. QWENAGENT_MODEL_NAME; an empty
    value counts as not given.

    Raises:
        ConfigError: an unknown or ill-typed setting; the message has its path and source.
    """
    settings = Settings()
    for source in _sources(repository, environ, flags, warn):
        settings = merged(settings, source)
    return settings


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting, its value, and which place has set it: "default" if none has."""

    path: str
    value: Any
    place: str


def explain_settings(
    repository: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    warn: Callable[[str], None] = lambda _: None,
) -> list[Origin]:
    """Return every setting with its value and where that comes from; see `load_settings`."""
    settings, places = Settings(), dict[str, str]()
    for source in _sources(repository, environ, flags, warn):
        settings = merged(settings, source)
        places |= dict.fromkeys(source.values, source.place)
    return [
        Origin(path, value_of(settings, path), places.get(path, "default"))
        for path in setting_paths()
    ]


def _sources(
    repository: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    warn: Callable[[str], None],
) -> Iterator[Source]:
    """Yield what sets something, what counts most last."""
    user = from_file(user_file())
    environment = from_environment(environ)
    given = {key: value for key, value in flags.items() if value is not None}
    for source in (user, environment, command_line := Source("command line", given)):
        require_settable(source)
    hint = f"set it in {user_file()}"
    _refuse(environment, _USER_ALONE, hint)
    _refuse(command_line, _USER_ALONE, hint)
    yield user
    if repository:
        yield from_repository(repository / REPOSITORY_FILE, merged(Settings(), user), warn)
    yield environment
    yield command_line


def require_settable(source: Source) -> None:
    """Refuse what is only made of other settings. Raises: ConfigError."""
    for path, meant in DERIVED.items():
        _refuse(source, (path,), f"{meant} is what you mean")


def _refuse(source: Source, paths: tuple[str, ...], hint: str) -> None:
    for path in paths:
        if path in source.values:
            raise ConfigError(f"{source.place}: {path} cannot be set there", hint=hint)
