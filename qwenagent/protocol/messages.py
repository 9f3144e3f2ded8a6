"""What is said to the model and what it says back.

Knows nothing of tokens or templates: `engine.family` turns a `Prompt` into token ids.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation. `text` is data: no special token can be written in it."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A text with a place in it that is to be filled. Both parts are data, as in `Message`."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation whose next turn is the assistant's.

    `opening` is the forced beginning of that turn; the completion continues it and does not
    repeat it. With a `gap` there is no conversation: the completion is what belongs in it.
    """

    messages: tuple[Message, ...]
    opening: str = ""
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy and ignores the rest but max_tokens."""

    temperature: float = 0.0
    top_p: float = 0.8
    top_k: int = 20
    min_p: float = 0.0
    seed: int = 0
    max_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and time of one or many calls; `+` adds two, `-` tells what came since."""

    prompt_tokens: int = 0
    """All tokens of the prompts, read anew or not."""
    cached_tokens: int = 0
    """The part of `prompt_tokens` that was still in the KV cache."""
    completion_tokens: int = 0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    calls: int = 0
    sampled_ok: int = 0
    """Tokens where the grammar agreed with the first choice."""
    sampled_top: int = 0
    """Tokens found among the 512 likeliest after a refusal."""
    sampled_full: int = 0
    """Tokens that needed a look at every token that begins as the grammar wants."""
    jumped: int = 0
    """Tokens that the grammar forced and the model did not have to choose."""
    guessed: int = 0
    """Tokens that prompt lookup guessed and the model read."""
    guessed_right: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f) + getattr(other, f) for f in Usage.__slots__))

    def __sub__(self, earlier: Usage) -> Usage:
        return Usage(*(getattr(self, f) - getattr(earlier, f) for f in Usage.__slots__))


StopReason = Literal["stop", "length", "repetition", "cancelled"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place of an answer where more than one text was legal, or the model wanted another one.

    A grammar makes a wrong choice apply as well as a right one; this tells one from the other.
    """

    at: int
    """Where in `Completion.text` the chosen and the wanted text part, in characters; where they
    begin, if they do not."""
    chosen: str
    """The token that was written there."""
    wanted: str
    """The model's likeliest token among those that were refused, or among all where hardly
    anything was; empty for the end of the turn."""
    cut: float
    """The probability of all that the grammar refused, 0 to 1: of the model's own, at temperature 1
    and before top-k and top-p."""
    entropy_bits: float
    """How undecided the model was among the tokens that were left; 0 in forced text."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. `stop` is "stop" only if the model (or the grammar) ended it by itself."""

    text: str
    stop: StopReason
    usage: Usage
    doubts: tuple[Doubt, ...] = ()
    """In the order of the text, if they were asked for; see `Engine.complete`."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a text in which alternatives are looked for."""

    start: int
    end: int
    weight: float = 1.0
    """How much an alternative counts here beside those of other spans."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that is read as the answer to `prompt`, to find what else would have been written."""

    prompt: Prompt
    text: str
    spans: tuple[Span, ...]
    """Where alternatives are looked for, and nowhere else."""
    n: int
    """The most that are wanted."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another end of a line: `text[start:end]` of what was read, as the model would have it.

    Offsets are characters; `end` is where the line ends, before its line end.
    """

    start: int
    end: int
    text: str
    """Without a line end, or with the whole block that the line opens."""
    probability: float
    """Of the first token that is different, by the model, at temperature 1."""


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The likeliest first, by probability and weight."""

    found: tuple[Alternative, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the engine runs on, for the screen and for reports."""

    model: str
    device: str
    n_ctx: int
    n_threads: int
    library: str
    gpu_idle: str = ""
    """Name of a GPU that the installed build cannot use; empty if there is none."""
    details: dict[str, str] = field(default_factory=dict)


@runtime_checkable
class Cancel(Protocol):
    """Asked between tokens; any thread may set it. `threading.Event` is one."""

    def is_set(self) -> bool:
        """True once the work should stop."""
        ...


OnText = Callable[[int, str], None]
"""Called with (candidate, new text) while an answer grows, in the caller's thread."""

OnPrefill = Callable[[int, int], None]
"""Called with (tokens read, tokens to read) while a prompt is read."""
