"""What was said in a conversation: as values, as messages, and out of a transcript."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qwenagent import assets
from qwenagent.grammar import fence_for
from qwenagent.protocol.events import (
    Answered,
    CommandRan,
    Escalated,
    Finished,
    MessageSent,
    Record,
    RunStarted,
)
from qwenagent.protocol.messages import Message
from qwenagent.tools import cut_lines

CLEARED = "/clear"
"""The command after which a conversation has begun anew."""
_DIFF_LINES, _DIFF_CHARS = 40, 2000
"""Of what a task has changed; the files themselves can be looked at."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A message and what came of it."""

    asked: str
    answer: str
    files: tuple[str, ...] = ()
    """What it was about."""
    is_cut: bool = False
    """Whether the user has stopped the answer."""

    @property
    def messages(self) -> tuple[Message, Message]:
        """As the model reads it."""
        answer = self.answer.strip()
        if self.is_cut:
            answer = f"{answer}\n\n{_cut_mark()}".strip()
        return Message("user", self.asked), Message("assistant", answer)


def report_of(finished: Finished) -> str:
    """Return what the model reads, as its own words, of a task that it has carried out."""
    ends = [": ".join(filter(None, (line.state, line.reason))) for line in finished.steps]
    ending = "; ".join(ends) or finished.reason or "nothing"
    if not finished.diff.strip():
        return assets.fill(assets.read("prompts", "talk-undone.md"), ending=ending).strip()
    diff = cut_lines(finished.diff, _DIFF_LINES, _DIFF_CHARS).rstrip("\n")
    fence = fence_for(diff)
    shown = f"{fence}diff\n{diff}\n{fence}"
    return assets.fill(assets.read("prompts", "talk-done.md"), ending=ending, diff=shown).strip()


def changed_in(finished: Finished) -> tuple[str, ...]:
    """Return the paths in a run's diff."""
    marks = ("+++ b/", "--- a/")
    lines = (line for line in finished.diff.split("\n") if line.startswith(marks))
    return tuple(dict.fromkeys(line[6:].split("\t")[0] for line in lines))


def exchanges_of(records: Iterable[Record]) -> list[Exchange]:
    """Return the exchanges that a session's transcript tells, since it was cleared last."""
    found: list[Exchange] = []
    asked, is_task = "", False
    for record in records:
        match record.event:
            case MessageSent(text=text):
                asked = text
            case Answered(text=text, stop=stop) if asked:
                found.append(Exchange(asked, text, is_cut=stop == "cancelled"))
                asked = ""
            case Escalated(outcome="answered", text=text) if asked and text and not record.step:
                found.append(Exchange(asked, text))
                asked = ""
            case RunStarted(kind=kind):
                is_task = kind == "task"
                asked = asked if is_task else ""  # a plan was asked for by a command
            case Finished() as finished if asked and is_task:
                found.append(Exchange(asked, report_of(finished), changed_in(finished)))
                asked, is_task = "", False
            case CommandRan(line=line) if line.lower().split()[:1] == [CLEARED]:
                found, asked = [], ""
    return found


def messages_of(exchanges: Sequence[Exchange]) -> tuple[Message, ...]:
    """Return the turns of all exchanges, in order."""
    return tuple(message for exchange in exchanges for message in exchange.messages)


def _cut_mark() -> str:
    return assets.read("prompts", "talk-cut.md").strip()
