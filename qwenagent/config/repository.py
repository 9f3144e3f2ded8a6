"""What a repository's own file may say: nothing but what makes the user's settings stricter.

Nothing of it runs without being asked for, and nothing leaves the machine by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qwenagent.config.settings import Settings, setting_paths, value_of
from qwenagent.config.source import Source, from_file, user_file
from qwenagent.errors import ConfigError


@dataclass(frozen=True, slots=True)
class AtMost:
    """A repository may lower this number and not raise it."""

    zero: float = 0
    """What 0 stands for, if it is not the number."""


@dataclass(frozen=True, slots=True)
class Lower:
    """A repository may choose one that stands before the user's and none after it."""

    steps: tuple[str, ...]


RepositoryRule = Literal["never", "model", "proposal", "off", "on", "more"] | AtMost | Lower

REPOSITORY: dict[str, RepositoryRule] = {
    "model.name": "model",  # by name, and nothing is fetched for it
    "model.n_ctx": AtMost(zero=32_768),  # what the family was trained for
    "model.prompt_cache_mb": AtMost(),
    "loop.repairs": AtMost(),
    "loop.resamples": AtMost(),
    "loop.candidates": AtMost(zero=32),
    "loop.doubts": AtMost(),
    "loop.format": "off",  # it may only switch it off
    "tests.command": "proposal",
    "tests.timeout_s": AtMost(zero=1800),  # the limit of a first run
    "escalate.policy": Lower(("never", "ask", "auto")),
    "escalate.local_only": "more",  # beside the user's
    "escalate.at_home": "on",  # it may only switch it on
    **dict.fromkeys(
        [
            *("escalate.request_dollars", "escalate.request_tokens", "escalate.step_dollars"),
            *("escalate.step_tokens", "escalate.run_dollars", "escalate.run_tokens"),
            *("escalate.day_dollars", "escalate.day_tokens", "escalate.payload_tokens"),
        ],
        AtMost(),
    ),
    **dict.fromkeys(
        [
            *("model.n_threads", "model.n_gpu_layers", "model.kv_type", "model.endpoint"),
            *("model.endpoint_kind", "model.endpoint_key_variable", "model.endpoint_timeout_s"),
            *(
                "loop.temperature",
                "loop.seed",
                "loop.form",
                "loop.write_tests",
                "tests.slow_s",
                "tests.suggested",
            ),
            *("commands.ask", "commands.allow"),
            *("git.sign", "git.hooks"),
            *("escalate.order", "escalate.providers", "escalate.up_front"),
            "escalate.also_local_only",
            *("sandbox.off", "sandbox.network", "sandbox.memory_mb", "sandbox.processes"),
            *("ui.keys", "ui.theme"),
        ],
        "never",
    ),
}
"""Every setting, and what a repository's `.qwenagent.toml` may do with it."""

REPOSITORY_FILE = ".qwenagent.toml"
"""In the root of a repository."""

_MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class _Claim:
    """A line of a repository's file, beside what the user has there."""

    path: Path
    key: str
    value: Any
    mine: Any


def from_repository(path: Path, users: Settings, warn: Callable[[str], None]) -> Source:
    """Return what of a repository's file counts beside the user's settings.

    `warn` is told, in a sentence, what does not.

    Raises:
        ConfigError: the file cannot be read, or sets what no repository may.
    """
    _require_plain(path)
    known, values, refused = set(setting_paths()), dict[str, Any](), list[str]()
    for key, value in from_file(path).values.items():
        rule = REPOSITORY.get(key, "never")
        if key not in known:
            warn(f"{path}: there is no setting {key}; it is left out")
        elif rule == "never":
            refused.append(key)
        elif wider := _wider(claim := _Claim(path, key, value, value_of(users, key)), rule):
            warn(f"{path}: {key} {wider}, which holds")
        else:
            values |= _granted(claim, rule)
    if refused:
        allowed = ", ".join(key for key, rule in REPOSITORY.items() if rule != "never")
        raise ConfigError(
            f"{path}: a repository may not set {', '.join(sorted(refused))}",
            hint=f"set it in {user_file()}; a repository may set {allowed}",
        )
    return Source(str(path), values)


def _require_plain(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ConfigError(f"{path} is not a plain file, so it is not read", hint="remove it")
    if path.exists() and (size := path.stat().st_size) > _MAX_BYTES:
        raise ConfigError(f"{path} has {size} bytes; more than {_MAX_BYTES} are not read")


def _wider(claim: _Claim, rule: RepositoryRule) -> str:
    """Return how a claim allows more than the user does, empty if it does not.

    What is of the wrong type allows nothing, and is told where the types are.
    """
    value, mine = claim.value, claim.mine
    match rule:
        case "off" if value is True and not mine:
            return "is switched off by you"
        case "on" if value is False and mine:
            return "is switched on by you"
        case Lower(steps) if value in steps and steps.index(value) > steps.index(mine):
            return f"= {value!r} allows more than your {mine!r}"
        case AtMost(zero) if _is_more(value, mine, zero):
            return f"= {value} is more than your {mine}"
    return ""


def _is_more(value: Any, mine: float, zero: float) -> bool:
    is_number = isinstance(value, int | float)
    return is_number and not (value or zero) <= (mine or zero)  # so that NaN is more, too


def _granted(claim: _Claim, rule: RepositoryRule) -> dict[str, Any]:
    """Return what a claim sets, by its path: that of a proposal is its own."""
    match rule:
        case "proposal":
            return {"tests.suggested": claim.value}
        case "more":
            return {"escalate.also_local_only": claim.value}
        case "model":
            _require_name(claim)
    return {claim.key: claim.value}


def _require_name(claim: _Claim) -> None:
    name = str(claim.value)
    if "/" in name or "\\" in name or name.lower().endswith(".gguf"):
        raise ConfigError(
            f"{claim.path}: a repository may not name a model by path, as in {name!r}",
            hint="`qwenagent models list` shows the names",
        )
