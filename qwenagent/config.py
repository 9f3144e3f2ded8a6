"""Settings: flags over environment over the repository's file over the user's over defaults.

A repository's own file may only set what can do no harm: nothing that runs, nothing that leaves
the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from qwenagent.errors import ConfigError, reason

Count = Annotated[int, Meta(ge=0)]
Rounds = Annotated[int, Meta(ge=0, le=20)]


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and what it may use."""

    name: str = ""
    """Card name or path of a GGUF file; empty is the largest default that is installed."""
    n_ctx: Count = 0
    """Context in tokens; 0 is the card's."""
    n_threads: Count = 0
    """0 is the physical cores."""
    n_gpu_layers: Annotated[int, Meta(ge=-1)] = -1
    """Layers on the GPU where the installed build has one; -1 is all."""
    prompt_cache_mb: Count = 2000
    """Disk for prompts that were read once, so that a later run need not; 0 keeps none."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How much is tried for a step."""

    repairs: Rounds = 2
    """Rounds after red tests; more are a loss for models of this size."""
    resamples: Rounds = 2
    """Further answers when one fails the checks before any test."""
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.8
    """For resampling and repairs; the first answer is greedy."""
    seed: Count = 0


@dataclass(frozen=True, slots=True)
class TestSettings:
    """How the project's tests are run."""

    __test__ = False

    command: str = ""
    """As typed; empty is the plan's, then what is detected."""
    timeout_s: Annotated[float, Meta(ge=0)] = 0.0
    """Limit for every test command, in seconds. 0 takes it from the baseline: that may take 30
    minutes, later runs of the same command three times as long as it did and 10 s more."""
    slow_s: Annotated[float, Meta(gt=0)] = 60.0
    """A suite whose baseline takes longer runs once at the end; attempts at a step run the step's
    own tests and those that reach the changed files."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, by section."""

    model: ModelSettings = field(default_factory=ModelSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    tests: TestSettings = field(default_factory=TestSettings)


HARMLESS = frozenset({"model.name", "model.n_ctx", "loop.repairs", "loop.resamples"})
"""What a repository's `.qwenagent.toml` may set. Not a model by path: see `_from_repository`."""


@dataclass(frozen=True, slots=True)
class _Source:
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


def write_user_setting(path: str, value: str | int | None) -> Path:
    """Set "section.name" in the user's file, or remove it with None; return the file's path.

    Everything else in the file, comments too, stays as it is.

    Raises:
        ConfigError: there is no such setting, or the file cannot be read or written.
    """
    import tomlkit

    file = user_file()
    _merged(Settings(), _Source(str(file), {} if value is None else {path: value}))
    section, _, name = path.partition(".")
    _from_file(file)  # a file that is wrong already is told with its place
    try:
        # A link into somebody's dotfiles stays a link.
        file = file.resolve()
        text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
        document = tomlkit.parse(text)
        if value is not None:
            document.setdefault(section, tomlkit.table())[name] = value
        elif name in document.get(section, {}):
            del document[section][name]
        else:
            return file
        _replace(file, _with_ends_of(text, tomlkit.dumps(document)))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {reason(error)}",
            hint=f"QWENAGENT_{section.upper()}_{name.upper()} in the environment sets it, too",
        ) from error
    return file


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


def load_settings(
    repository: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Settings:
    """Merge all sources. `flags` maps "section.name" to a value; None was not given.

    The environment's form is QWENAGENT_<SECTION>_<NAME>, e.g. QWENAGENT_MODEL_NAME; an empty
    value counts as not given.

    Raises:
        ConfigError: an unknown or ill-typed setting; the message has its path and source.
    """
    sources = [_from_file(user_file())]
    if repository:
        sources.append(_from_repository(repository / ".qwenagent.toml"))
    sources.append(_from_environment(environ))
    given = {key: value for key, value in flags.items() if value is not None}
    sources.append(_Source("command line", given))
    settings = Settings()
    for source in sources:
        settings = _merged(settings, source)
    return settings


def _from_repository(path: Path) -> _Source:
    source = _from_file(path)
    if refused := sorted(set(source.values) - HARMLESS):
        raise ConfigError(
            f"{path}: a repository may not set {', '.join(refused)}",
            hint=f"set it in {user_file()}; a repository may set {', '.join(sorted(HARMLESS))}",
        )
    name = str(source.values.get("model.name", ""))
    if "/" in name or "\\" in name or name.lower().endswith(".gguf"):
        raise ConfigError(
            f"{path}: a repository may not name a model by path, as in {name!r}",
            hint="`qwenagent models list` shows the names",
        )
    return source


def _from_file(path: Path) -> _Source:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return _Source(str(path), {})
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: {reason(error)}",
            hint="correct it; without that file the defaults hold",
        ) from error
    if loose := [key for key, value in raw.items() if not isinstance(value, dict)]:
        raise ConfigError(
            f"{path}: {loose[0]} stands outside of a section",
            hint=f"the sections are {', '.join(_SECTIONS)}",
        )
    values = {f"{s}.{key}": v for s, section in raw.items() for key, v in section.items()}
    return _Source(str(path), values)


def _from_environment(environ: Mapping[str, str]) -> _Source:
    values = {}
    for name, value in environ.items():
        prefix, _, rest = name.partition("_")
        section, _, key = rest.lower().partition("_")
        if prefix == "QWENAGENT" and section in _SECTIONS and value:
            values[f"{section}.{key}"] = value
    return _Source("environment", values, strict=False)


_SECTIONS = tuple(item.name for item in fields(Settings))


def _merged(settings: Settings, source: _Source) -> Settings:
    for path, value in source.values.items():
        section, _, name = path.partition(".")
        if section not in _SECTIONS:
            raise ConfigError(
                f"{source.place}: there is no setting {path}",
                hint=f"the sections are {', '.join(_SECTIONS)}",
            )
        current = getattr(settings, section)
        known = [item.name for item in fields(current)]
        if name not in known:
            raise ConfigError(
                f"{source.place}: there is no setting {path}",
                hint=f"{section} has {', '.join(known)}",
            )
        settings = replace(settings, **{section: _with(current, name, value, path, source)})
    return settings


def _with(current: Any, name: str, value: Any, path: str, source: _Source) -> Any:
    merged = {item.name: getattr(current, item.name) for item in fields(current)} | {name: value}
    try:
        return msgspec.convert(merged, type(current), strict=source.strict)
    except msgspec.ValidationError as error:
        what = str(error).partition(" - at ")[0]
        raise ConfigError(
            f"{source.place}: {path} is {value!r}: {what}",
            hint=f"its default is {getattr(current, name)!r}",
        ) from error
