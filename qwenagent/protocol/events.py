"""Everything a run tells the world, as typed events in one ordered stream.

The terminal, the JSON lines, the transcript, the metrics and the tests see these records and
nothing else. The wire form is one JSON object a line: `Record`'s fields, `type`, and the
event's own fields. `VERSION` grows when a field changes its meaning or disappears.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.messages import EngineInfo, StopReason, Usage
from qwenagent.protocol.tools import ToolCall, ToolResult

VERSION = 1

StepState = Literal["pending", "solved", "unverified", "blocked", "skipped", "for_you"]
RunKind = Literal["plan", "task", "session"]
"""A session is a conversation, in which plans and tasks may have runs of their own."""
Phase = Literal["gather", "edit", "repair", "answer"]
TestsWhy = Literal["baseline", "step", "regression", "asked"]
"""What tests run for; "asked": the user wanted to see them."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step in a table: before the run all are pending."""

    id: str
    number: int
    title: str
    state: StepState = "pending"
    reason: str = ""
    """Why it ended so, one sentence."""
    seconds: float = 0.0
    tests_before: str = ""
    """For people: "3 of 5 passed", "exit code 1", empty if nothing ran."""
    tests_after: str = ""
    commit: str = ""
    """The commit's id, empty if nothing was committed."""
    patch: str = ""
    """Path of the best attempt that was rolled back."""
    plan: str = ""
    """The plan's path where there are several in a run."""
    earlier: bool = False
    """True if an earlier run did it."""


@dataclass(frozen=True, slots=True)
class ContextItem:
    """A piece of the prompt: what it is ("file app/cart.py", "failing test"), how much it takes."""

    what: str
    n_tokens: int
    how: str = "whole"
    """"whole", "outline", "excerpt", "cut"; for what was left out: why."""


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The first event: everything needed to repeat the run.

    In a session it is also that of each run within, from here to its `Finished`.
    """

    kind: RunKind
    title: str
    repository: str
    branch: str
    engine: EngineInfo
    steps: tuple[StepLine, ...]
    test_command: str
    seed: int
    version: str
    sandbox: str = ""
    """What confines the commands of the project; empty if nobody said."""


@dataclass(frozen=True, slots=True)
class PlanStarted:
    """One of several plans begins."""

    path: str
    title: str
    number: int
    total: int
    test_command: str


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins."""

    number: int
    total: int
    title: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is over; `line` has its end."""

    line: StepLine
    usage: Usage


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The model is about to be asked. Turns count from 1 within a step."""

    turn: int
    phase: Phase


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The model has answered."""

    turn: int
    stop: StopReason
    usage: Usage


@dataclass(frozen=True, slots=True)
class ContextBuilt:
    """What went into the prompt, and what did not for want of room."""

    included: tuple[ContextItem, ...]
    left_out: tuple[ContextItem, ...]
    n_tokens: int
    budget_tokens: int


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """New text of the answer that is being written."""

    text: str
    candidate: int = 0


OVERRULED = 0.9
"""Probability of what the grammar refused from which a choice counts as not the model's own."""


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A call is about to be carried out."""

    call: ToolCall
    overruled: float = 0.0
    """The probability, at the argument where it was largest, of all that the grammar refused: near
    1 the model wanted another file, symbol or line."""


@dataclass(frozen=True, slots=True)
class ToolEnded:
    """A call was carried out, or refused."""

    call: ToolCall
    result: ToolResult
    seconds: float


EditKind = Literal["created", "changed", "deleted", "renamed"]


@dataclass(frozen=True, slots=True)
class EditApplied:
    """A file of the tree changed. `diff` is a unified diff."""

    path: str
    """Of a renamed file "old -> new"."""
    kind: EditKind
    diff: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class CandidateScored:
    """An attempt at a step was checked and tested. `rank` orders attempts, higher is better."""

    candidate: int
    passed: int
    failed: int
    newly_passed: int
    newly_failed: int
    rank: tuple[int, ...]
    best: bool


@dataclass(frozen=True, slots=True)
class LineTried:
    """A line that the model doubts was written its own way, then tested if no check refused it.

    Neither the edit nor the tests have events of their own: there may be a hundred a step.
    """

    path: str
    line: int
    old: str
    new: str
    """What stood in its place: nothing, a line, or one more before it."""
    refused: str = ""
    """Why it was not tested."""
    passed: int = 0
    failed: int = 0
    best: bool = False
    """Whether it is the best attempt so far."""


@dataclass(frozen=True, slots=True)
class TestsStarted:
    """A test command begins; it is shown before it runs."""

    __test__ = False

    command: str
    why: TestsWhy
    timeout_s: float


@dataclass(frozen=True, slots=True)
class TestsRan:
    """A test command ended."""

    __test__ = False

    run: TestRun
    why: TestsWhy


@dataclass(frozen=True, slots=True)
class CheckpointMade:
    """A state of the tree that can be returned to."""

    kind: Literal["commit", "snapshot", "rollback"]
    name: str
    """Commit id, ref, or what was rolled back to."""
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Long work goes on. `total` is 0 if it is not known."""

    what: str
    done: int
    total: int
    unit: Literal["tokens", "bytes", "files", "tests"]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the user should know that does not stop the run."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """Somebody has to say yes before the run goes on. `digest` binds the answer to `items`."""

    kind: Literal["commands", "escalation"]
    """What would happen: commands run, or `items` are sent to a model elsewhere."""
    question: str
    items: tuple[str, ...]
    digest: str
    notes: tuple[str, ...] = ()
    """For each of `items` what there is to know about it, a line each; may be empty."""
    digests: tuple[str, ...] = ()
    """What a yes is remembered under, one for each thing that may then run. Not as many as `items`
    where two things look the same. An empty one: it is asked about each time."""
    passing: str = ""
    """Why a yes cannot be for good; may be empty, `digests` decide."""
    edit: str = ""
    """The one command that may be changed instead, as it is typed; empty if none may."""


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """The answer, and who gave it: the user, a flag, or an earlier answer."""

    granted: bool
    by: Literal["user", "flag", "remembered", "nobody"]
    digest: str
    for_good: bool = False
    """Whether a yes holds for exactly this from now on; else it holds this once."""
    edited: str = ""
    """What the user would have instead of `edit`. Nothing runs then: it is asked about anew."""


EscalatedKind = Literal["advice", "patch", "plan", "review"]
EscalatedOutcome = Literal["answered", "unusable", "failed", "cancelled", "declined", "capped"]
"""Of "declined" and "capped" nothing was sent; "unusable" is an answer that is not in its form."""


@dataclass(frozen=True, slots=True)
class Escalated:
    """A model elsewhere was asked, or was not since somebody or something said no.

    What went up is told by names and sizes. Money is in millionths of a dollar.
    """

    kind: EscalatedKind
    provider: str
    model: str
    """What answered, as the provider calls it, else what was to be asked."""
    reason: str
    """Why it was not done here."""
    outcome: EscalatedOutcome
    sentence: str = ""
    """Why it did not help; empty if it may have."""
    sent: tuple[ContextItem, ...] = ()
    """Parts that went up; tokens are the most they can be, `how` tells what was taken out."""
    left_out: tuple[ContextItem, ...] = ()
    """What stayed here; `how` tells why."""
    n_bytes: int = 0
    redacted: int = 0
    """Placeholders that stand for secrets."""
    fresh: int = 0
    """Tokens that were read anew, as the provider counts."""
    cached: int = 0
    out: int = 0
    exact: bool = True
    """False where the provider did not tell all counts: then they are the most it can be."""
    micro_dollars: int | None = None
    """What it cost; None if there is no price."""
    request: int = 0
    """Its number in the ledger, 0 if it is not there."""
    step_key: str = ""
    """What the ledger calls the step."""
    host: str = ""
    text: str = ""
    """The advice, with placeholders in the place of secrets."""


@dataclass(frozen=True, slots=True)
class MessageSent:
    """The user has said something in a session: a question, or what is to be changed."""

    text: str
    shown: str = ""
    """The same with long pastes folded; empty if nothing is folded."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question was answered in a session. The text is the whole answer, Markdown."""

    text: str
    stop: StopReason = "stop"
    """"cancelled" if the user has stopped it; what there is then counts all the same."""


@dataclass(frozen=True, slots=True)
class CommandRan:
    """A command of the session has run, `/diff` say."""

    line: str
    """As it was typed."""
    said: str
    """What it has printed."""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a run."""

    exit_code: int
    reason: str
    steps: tuple[StepLine, ...]
    usage: Usage
    seconds: float
    branch: str = ""
    diff: str = ""
    """Everything the run changed, as one unified diff."""
    next_commands: tuple[str, ...] = ()
    """What the user may type now, each with its reason after "  # "."""


Event = (
    RunStarted
    | PlanStarted
    | StepStarted
    | StepEnded
    | TurnStarted
    | TurnEnded
    | ContextBuilt
    | TokenDelta
    | ToolStarted
    | ToolEnded
    | EditApplied
    | CandidateScored
    | LineTried
    | TestsStarted
    | TestsRan
    | CheckpointMade
    | Progress
    | Warned
    | ApprovalAsked
    | ApprovalAnswered
    | Escalated
    | MessageSent
    | Answered
    | CommandRan
    | Finished
)


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the stream."""

    event: Event
    run: str
    seq: int
    time: float
    """Seconds since the epoch."""
    step: str = ""
    """Id of the step it belongs to, empty between steps."""
    v: int = VERSION


Sink = Callable[[Record], None]


@dataclass(slots=True)
class EventStream:
    """Numbers events and hands each to every sink, in order, in the emitting thread."""

    run: str
    sinks: tuple[Sink, ...] = ()
    step: str = ""
    """Set by the loop when a step starts and cleared when it ends."""
    clock: Callable[[], float] = time.time
    _seq: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def emit(self, event: Event) -> None:
        """Send one event to all sinks."""
        record = Record(event, self.run, next(iter(self._seq)), self.clock(), self.step)
        for sink in self.sinks:
            sink(record)
