"""Everything that can be set, with its meaning, limits and default.

Knows nothing of where a value comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from msgspec import Meta

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
    write_tests: bool = False
    """Where no test speaks for a step the model writes one first. It guides the attempts and is
    committed by itself; what it alone speaks for stays unverified."""
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
class UiSettings:
    """How the terminal behaves. Never set by a repository."""

    keys: Literal["emacs", "vi"] = "emacs"
    """What the keys do where a line is typed; "vi" begins in insert mode."""
    theme: Literal["terminal", "light", "dark"] = "terminal"
    """Colours: the terminal's own sixteen, or some that are read on white, or on black."""


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
    ui: UiSettings = field(default_factory=UiSettings)


SECTIONS = tuple(item.name for item in fields(Settings))


def setting_paths() -> tuple[str, ...]:
    """Return the paths of all settings, "section.name", in their order."""
    defaults = Settings()
    return tuple(
        f"{section}.{one.name}"
        for section in SECTIONS
        for one in fields(getattr(defaults, section))
    )


def value_of(settings: Settings, path: str) -> Any:
    """Return the value at "section.name"."""
    section, _, name = path.partition(".")
    return getattr(getattr(settings, section), name)
