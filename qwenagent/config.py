"""Settings: flags over environment over the user's file over defaults.

A repository's own file may only set what can do no harm: nothing that runs, nothing that leaves
the machine.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from qwenagent.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and what it may use."""

    name: str = ""
    """Card name or path of a GGUF file; empty is the largest default that is installed."""
    n_ctx: int = 0
    """Context in tokens; 0 is the card's."""
    n_threads: int = 0
    """0 is the physical cores."""
    n_gpu_layers: int = -1
    """Layers on the GPU where the installed build has one; -1 is all."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How much is tried for a step."""

    repairs: int = 2
    """Rounds after red tests; more are a loss for models of this size."""
    resamples: int = 2
    """Further answers when one fails the checks before any test."""
    temperature: float = 0.6
    """For resampling and repairs; the first answer is greedy."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TestSettings:
    """How the project's tests are run."""

    __test__ = False

    command: str = ""
    """As typed; empty is the plan's, then what is detected."""
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, by section."""

    model: ModelSettings = field(default_factory=ModelSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    tests: TestSettings = field(default_factory=TestSettings)


HARMLESS = frozenset({"model.name", "model.n_ctx", "loop.repairs", "loop.resamples"})
"""What a repository's `.qwenagent.toml` may set. Not a model by path: see `_from_repository`."""


def user_file() -> Path:
    """Return the path of the user's settings, which need not exist."""
    import platformdirs

    home = os.environ.get("QWENAGENT_HOME")
    folder = Path(home) if home else platformdirs.user_config_path("qwenagent")
    return folder / "config.toml"


def load_settings(
    repository: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Settings:
    """Merge all sources. `flags` maps "section.name" to a value; None was not given.

    The environment's form is QWENAGENT_<SECTION>_<NAME>, e.g. QWENAGENT_MODEL_NAME.

    Raises:
        ConfigError: an unknown or ill-typed setting; the message has its path and source.
    """
    values: dict[str, Any] = {}
    if repository:
        values |= _from_repository(repository / ".qwenagent.toml")
    values |= _from_file(user_file())
    values |= _from_environment(environ)
    values |= {key: value for key, value in flags.items() if value is not None}
    return _build(values)


def _from_repository(path: Path) -> dict[str, Any]:
    values = _from_file(path)
    if refused := sorted(set(values) - HARMLESS):
        raise ConfigError(
            f"{path}: a repository may not set {', '.join(refused)}",
            hint=f"set it in {user_file()}; a repository may set {', '.join(sorted(HARMLESS))}",
        )
    if "/" in str(values.get("model.name", "")) or "\\" in str(values.get("model.name", "")):
        raise ConfigError(f"{path}: a repository may not name a model by path")
    return values


def _from_file(path: Path) -> dict[str, Any]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if loose := [key for key, value in raw.items() if not isinstance(value, dict)]:
        raise ConfigError(f"{path}: {loose[0]} stands outside of a section")
    return {f"{s}.{key}": v for s, section in raw.items() for key, v in section.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        f"{section.name}.{item.name}": environ[name]
        for section in fields(Settings)
        for item in fields(section.default_factory)  # type: ignore[arg-type]
        if (name := f"QWENAGENT_{section.name}_{item.name}".upper()) in environ
    }


def _build(values: Mapping[str, Any]) -> Settings:
    settings = Settings()
    for section in fields(Settings):
        current = getattr(settings, section.name)
        mine = {k.partition(".")[2]: v for k, v in values.items() if k.startswith(section.name + ".")}
        known = {item.name for item in fields(current)}
        if unknown := sorted(set(mine) - known):
            raise ConfigError(
                f"there is no setting {section.name}.{unknown[0]}",
                hint=f"{section.name} has {', '.join(sorted(known))}",
            )
        settings = replace(settings, **{section.name: _convert(current, mine, section.name)})
    if strange := sorted(k for k in values if k.partition(".")[0] not in Settings.__slots__):
        raise ConfigError(f"there is no setting {strange[0]}")
    return settings


def _convert(current: Any, values: dict[str, Any], section: str) -> Any:
    merged = {item.name: getattr(current, item.name) for item in fields(current)} | values
    try:
        return msgspec.convert(merged, type(current), strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{section}: {error}") from error
