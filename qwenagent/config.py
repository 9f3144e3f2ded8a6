"""Settings: flags over environment over the repository's file over the user's over defaults.

A repository's own file can only make things stricter: nothing that runs without being asked for,
nothing that leaves the machine. Files named `.env` are never read.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from qwenagent.errors import ConfigError, reason

Count = Annotated[int, Meta(ge=0)]
Rounds = Annotated[int, Meta(ge=0, le=20)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000)]


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
    """Layers on the GPU where the installed build has one; -1 is as many as fit."""
    kv_type: Literal["", "f16", "q8_0"] = ""
    """Type of the KV cache; q8_0 takes half of f16. Empty is the card's, q8_0 where only that
    fits."""
    prompt_cache_mb: Count = 2000
    """Disk for prompts that were read once, so that a later run need not; 0 keeps none."""
    endpoint: str = ""
    """Address of a server that runs the model instead of this machine: "http://gpu-box:8080"."""
    endpoint_kind: Literal["", "llama.cpp", "vllm"] = ""
    """What that server is; empty asks it. vLLM is untested."""
    endpoint_key_variable: str = "QWENAGENT_ENDPOINT_KEY"
    """Name of the environment variable that holds the server's key, if it wants one."""
    endpoint_timeout_s: Annotated[float, Meta(gt=0)] = 300.0
    """Longest silence of that server in the middle of an answer, in seconds."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How much is tried for a step."""

    repairs: Rounds = 2
    """Rounds after red tests; more are a loss for models of this size."""
    resamples: Rounds = 2
    """Further answers when one fails the checks before any test."""
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.0
    """For resampling and repairs; 0 is the card's. The first answers are greedy."""
    candidates: Annotated[int, Meta(ge=0, le=32)] = 0
    """Answers that are tried in each round where tests can choose among them; 0 is the card's."""
    doubts: Annotated[int, Meta(ge=0, le=256)] = 64
    """Lines which the model would have written otherwise, found while it reads the code that fails
    its tests; tried in each round, the likeliest first. 0 is none."""
    form: Literal["", "whole", "symbol", "lines", "search"] = ""
    """How existing files are changed: written anew, by function or class, by line numbers, by lines
    that are searched for. Empty is what suits the file's length."""
    seed: Count = 0
    format: bool = True
    """Run the project's own formatters and linters on the files that a step has changed."""


@dataclass(frozen=True, slots=True)
class TestSettings:
    """How the project's tests are run."""

    __test__ = False

    command: str = ""
    """As typed; empty is the plan's, then what the repository's file names, then what is detected.
    In a repository's file it is a proposal, which has to be approved."""
    timeout_s: Annotated[float, Meta(ge=0)] = 0.0
    """Limit for every test command, in seconds. 0 takes it from the baseline: that may take 30
    minutes, later runs of the same command three times as long as it did and 10 s more."""
    slow_s: Annotated[float, Meta(gt=0)] = 60.0
    """A suite whose baseline takes longer runs once at the end; attempts at a step run the step's
    own tests and those that reach the changed files."""
    suggested: str = ""
    """A repository's `tests.command`; nothing else sets it."""


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Which commands the model may call for. Only the user's own file sets these."""

    ask: bool = False
    """Offer the model `run_command`; each call is asked about."""
    allow: tuple[Annotated[tuple[str, ...], Meta(min_length=1)], ...] = ()
    """Commands that are not asked about, all words exactly: [["cargo", "fmt"]]."""


@dataclass(frozen=True, slots=True)
class GitSettings:
    """How steps are committed. Never set by a repository."""

    sign: bool = False
    """Whether commits are signed, by the program and key of your own git configuration."""
    hooks: Literal["off", "run"] = "off"
    """With "run" the repository's pre-commit and commit-msg hooks run, in the sandbox."""


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """What the project's commands may reach and use up. Never set by a repository."""

    off: bool = False
    """As --no-sandbox, for machines that have none: containers, say."""
    network: Literal["none", "loopback", "all"] = "none"
    """"loopback" is this machine's own ports; on Linux commands have a loopback of their own."""
    memory_mb: Annotated[int, Meta(ge=64)] = 4096
    """For all processes of a command together."""
    processes: Annotated[int, Meta(ge=8)] = 512


@dataclass(frozen=True, slots=True)
class EscalateSettings:
    """Whether a model elsewhere may be asked, whom, and for how much. Of caps each holds, and 0
    allows nothing; requests are counted before they go, by the most that they can cost."""

    policy: Literal["never", "ask", "auto"] = "ask"
    """"ask" shows each request whole before it goes, "auto" sends it. Without a provider nobody is
    asked in any case."""
    order: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """Names of providers, the first to be asked first; empty is those that have a table here."""
    providers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """A table for each provider, [escalate.providers.NAME]; over the preset of that name."""
    up_front: Literal["", "advice", "patch"] = ""
    """What is asked for before a step is tried here; empty is nothing."""
    local_only: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """Patterns as in .gitignore, of files that are never sent."""
    also_local_only: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    """A repository's `escalate.local_only`, which takes nothing out of yours; nothing else sets
    it."""
    at_home: bool = False
    """Nothing of the repository is sent to anybody."""
    request_dollars: Dollars = 0.5
    request_tokens: Count = 100_000
    step_dollars: Dollars = 1.0
    step_tokens: Count = 300_000
    run_dollars: Dollars = 3.0
    run_tokens: Count = 1_000_000
    day_dollars: Dollars = 10.0
    day_tokens: Count = 5_000_000
    """Of the last 24 hours, over all runs."""
    payload_tokens: Annotated[int, Meta(ge=1000)] = 40_000
    """Longest request; counted as bytes, of which code has three to four a token."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set, by section."""

    model: ModelSettings = field(default_factory=ModelSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)
    tests: TestSettings = field(default_factory=TestSettings)
    git: GitSettings = field(default_factory=GitSettings)
    commands: CommandSettings = field(default_factory=CommandSettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    escalate: EscalateSettings = field(default_factory=EscalateSettings)


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
            *("loop.temperature", "loop.seed", "loop.form", "tests.slow_s", "tests.suggested"),
            *("commands.ask", "commands.allow"),
            *("git.sign", "git.hooks"),
            *("escalate.order", "escalate.providers", "escalate.up_front"),
            "escalate.also_local_only",
            *("sandbox.off", "sandbox.network", "sandbox.memory_mb", "sandbox.processes"),
        ],
        "never",
    ),
}
"""Every setting, and what a repository's `.qwenagent.toml` may do with it."""

REPOSITORY_FILE = ".qwenagent.toml"
"""In the root of a repository."""

_USER_ALONE = ("commands.ask", "commands.allow", "escalate.order", "escalate.providers")
_MAX_REPOSITORY_FILE = 100_000


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
        settings = _merged(settings, source)
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
        settings = _merged(settings, source)
        places |= dict.fromkeys(source.values, source.place)
    known = [
        (s.name, item.name) for s in fields(settings) for item in fields(_of(settings, s.name))
    ]
    paths = [f"{section}.{name}" for section, name in known]
    return [Origin(path, _set_to(path, settings), places.get(path, "default")) for path in paths]


def _sources(
    repository: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    warn: Callable[[str], None],
) -> Iterator[_Source]:
    """Yield what sets something, what counts most last."""
    user = _from_file(user_file())
    environment = _from_environment(environ)
    given = {key: value for key, value in flags.items() if value is not None}
    for source in (user, environment, command_line := _Source("command line", given)):
        _refuse(source, ("tests.suggested",), "tests.command is what you mean")
        _refuse(source, ("escalate.also_local_only",), "escalate.local_only is what you mean")
    hint = f"set it in {user_file()}"
    _refuse(environment, _USER_ALONE, hint)
    _refuse(command_line, _USER_ALONE, hint)
    yield user
    if repository:
        yield _from_repository(repository / REPOSITORY_FILE, _merged(Settings(), user), warn)
    yield environment
    yield command_line


def _refuse(source: _Source, paths: tuple[str, ...], hint: str) -> None:
    for path in paths:
        if path in source.values:
            raise ConfigError(f"{source.place}: {path} cannot be set there", hint=hint)


def _from_repository(path: Path, users: Settings, warn: Callable[[str], None]) -> _Source:
    """Return what of a repository's file counts: what makes the user's settings stricter."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise ConfigError(f"{path} is not a plain file, so it is not read", hint="remove it")
    if path.exists() and path.stat().st_size > _MAX_REPOSITORY_FILE:
        raise ConfigError(
            f"{path} has {path.stat().st_size} bytes; more than {_MAX_REPOSITORY_FILE} are not read"
        )
    source = _from_file(path)
    known = {f"{s.name}.{item.name}" for s in fields(users) for item in fields(_of(users, s.name))}
    values: dict[str, Any] = {}
    refused = []
    for key, value in source.values.items():
        match REPOSITORY.get(key, "never"):
            case _ if key not in known:
                warn(f"{path}: there is no setting {key}; it is left out")
            case "never":
                refused.append(key)
            case "model":
                values[key] = _model_by_name(path, value)
            case "proposal":
                values["tests.suggested"] = value
            case "off" if value is True and not _set_to(key, users):
                warn(f"{path}: {key} is switched off by you, which holds")
            case "off":
                values[key] = value
            case "on" if value is False and _set_to(key, users):
                warn(f"{path}: {key} is switched on by you, which holds")
            case "on":
                values[key] = value
            case "more":
                values["escalate.also_local_only"] = value
            case Lower(steps) if _stands_behind(value, _set_to(key, users), steps):
                mine = _set_to(key, users)
                warn(f"{path}: {key} = {value!r} allows more than your {mine!r}, which holds")
            case Lower():
                values[key] = value
            case AtMost(zero) if (mine := _less_than(value, key, users, zero)) is not None:
                warn(f"{path}: {key} = {value} is more than your {mine}, which holds")
            case AtMost():
                values[key] = value
    if refused:
        allowed = ", ".join(key for key, rule in REPOSITORY.items() if rule != "never")
        raise ConfigError(
            f"{path}: a repository may not set {', '.join(sorted(refused))}",
            hint=f"set it in {user_file()}; a repository may set {allowed}",
        )
    return _Source(str(path), values)


def _of(settings: Settings, section: str) -> Any:
    return getattr(settings, section)


def _set_to(key: str, settings: Settings) -> Any:
    section, _, name = key.partition(".")
    return getattr(_of(settings, section), name)


def _stands_behind(value: Any, mine: str, steps: tuple[str, ...]) -> bool:
    return value in steps and steps.index(value) > steps.index(mine)


def _less_than(value: Any, key: str, users: Settings, zero: float) -> float | None:
    """Return the user's number if it is less than `value`; what is no number is told later."""
    mine: float = _set_to(key, users)
    is_number = isinstance(value, int | float)
    return mine if is_number and not (value or zero) <= (mine or zero) else None


def _model_by_name(path: Path, value: Any) -> Any:
    name = str(value)
    if "/" in name or "\\" in name or name.lower().endswith(".gguf"):
        raise ConfigError(
            f"{path}: a repository may not name a model by path, as in {name!r}",
            hint="`qwenagent models list` shows the names",
        )
    return value


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
