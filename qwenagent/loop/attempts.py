"""What is known of the attempts at a step: what was said, and which is the best. Runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qwenagent.loop.evidence.judging import Judged
from qwenagent.protocol.messages import Message
from qwenagent.workspace import PreImage


@dataclass(frozen=True, slots=True)
class Tested:
    """An attempt that was tested, with the files as it left them."""

    judged: Judged
    files: Mapping[str, PreImage]
    patch: str

    @property
    def order(self) -> tuple[int, ...]:
        """What tests say first; of those that are as good the smallest change."""
        rows = self.patch.split("\n")
        return (*self.judged.rank, -sum(row.startswith(("+", "-")) for row in rows))


@dataclass(slots=True)
class Round:
    """Attempts from one prompt and one state of the files."""

    start: Mapping[str, PreImage]
    messages: tuple[Message, ...]
    patches: set[str] = field(default_factory=set)
    """Of those that were tested: the same is not tested twice."""
    climbed: set[tuple[int, ...]] = field(default_factory=set)
    """The ranks of those that were gone on from."""
    best: Tested | None = None

    def add(self, here: Tested) -> None:
        """Keep an attempt if none of the round was better."""
        if self.best is None or here.order > self.best.order:
            self.best = here

    @property
    def is_won(self) -> bool:
        """Whether the tests are content with an attempt."""
        return self.best is not None and self.best.judged.state != "red"


@dataclass(slots=True)
class Standing:
    """How far a step is after its rounds."""

    start_rank: tuple[int, ...]
    """Of the tree before the step."""
    start: Mapping[str, PreImage] = field(default_factory=dict)
    """What the first round starts from: nothing is changed, but for what a first part has done."""
    best: Tested | None = None
    """The best state so far; None is the start of the step."""
    base: Tested | None = None
    """The state that the next round starts from; None is `start`."""
    kept: Tested | None = None
    """The attempt to tell of if none is good enough: the best, or the first."""

    @property
    def rank(self) -> tuple[int, ...]:
        """What an attempt has to outdo."""
        return self.best.judged.rank if self.best else self.start_rank

    @property
    def files(self) -> Mapping[str, PreImage]:
        """What the next round starts from."""
        return self.base.files if self.base else self.start

    def settle(self, here: Tested, *, is_first: bool) -> None:
        """Decide from which state the next round starts.

        From this one if the tests say that it is a gain. The first round is built upon also if it
        is neither gain nor loss, or does not build, so that nothing is known to be lost: its error
        is the best hint there is. Else from the best state before, which is the start of the step
        if nothing was a gain.
        """
        is_gain = here.judged.rank > self.rank
        if is_gain or self.kept is None:
            self.kept = here
        if is_gain:
            self.best = here
        is_harmless = not here.judged.newly_failed or here.judged.is_unbuilt
        may_build = is_first and is_harmless
        self.base = here if is_gain or may_build or here.judged.state != "red" else self.best

    def drop_no_gain(self) -> None:
        """Go back to the best state, so that nobody builds upon an attempt that was no gain.

        Of seven steps with such an attempt in sight, the 1.5B wrote it once more in six.
        """
        self.base = self.best


@dataclass(slots=True)
class Turns:
    """What is said in one attempt. Append-only."""

    messages: tuple[Message, ...] = ()
    touched: list[str] = field(default_factory=list)
    """Files written in this attempt."""
    has_moved: bool = False
    """Whether it deleted or renamed files."""

    @property
    def has_edited(self) -> bool:
        """Whether the attempt changed anything."""
        return bool(self.touched) or self.has_moved

    def add(self, answer: str, observation: str) -> None:
        """Add the model's turn and what it is told after it."""
        self.messages += (Message("assistant", answer), Message("user", observation))

    def remind(self, sentence: str) -> None:
        """Put a sentence before what was asked last."""
        *before, last = self.messages
        self.messages = (*before, Message(last.role, f"{sentence}\n{last.text}"))
