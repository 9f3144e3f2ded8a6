"""A run as a document: its events, in order, as blocks. Knows no markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from qwenagent.protocol.checks import TestRun, TestStatus
from qwenagent.protocol.events import (
    Answered,
    ApprovalAnswered,
    ApprovalAsked,
    CandidateScored,
    CheckpointMade,
    CommandRan,
    ContextBuilt,
    EditApplied,
    Escalated,
    Event,
    Finished,
    LineTried,
    MessageSent,
    PlanStarted,
    Progress,
    Record,
    RunStarted,
    StepEnded,
    StepLine,
    StepStarted,
    StepState,
    TestsRan,
    TestsStarted,
    TokenDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
    TurnStarted,
    Warned,
)
from qwenagent.ui import words
from qwenagent.ui.approve_text import approval_text
from qwenagent.ui.framing import Framing
from qwenagent.ui.past import wording
from qwenagent.ui.past.blocks import Block, Code, Diff, Facts, Heading, Item, Table, Tone
from qwenagent.ui.past.whole import LeftOut
from qwenagent.ui.printable import visible_line

_STEPS = ("#", "step", "end", "tests", "time", "commit")
_TONE: dict[StepState, Tone] = {
    "solved": "good",
    "unverified": "unsure",
    "blocked": "bad",
    "skipped": "dim",
    "for_you": "unsure",
    "pending": "dim",
}


def blocks_of(records: Sequence[Record], no_end: str = "") -> Iterator[Block]:
    """Yield everything that a run's records tell; `no_end` is said if there is no `Finished`."""
    document = _Document(records)
    for record in records:
        yield from document.blocks(record.event)
    if document.finished is None and no_end:
        yield Item(no_end, "unsure")


class _Document:
    def __init__(self, records: Sequence[Record]) -> None:
        ends = [r.event for r in records if isinstance(r.event, Finished)]
        self.finished = ends[-1] if ends else None
        self._first = records[0] if records else None
        self._frame = Framing()
        self._left_out = LeftOut()
        self._known: dict[str, TestStatus] = {}
        self._known_at_step: dict[str, TestStatus] = {}

    def blocks(self, event: Event) -> Iterator[Block]:
        yield from self._shown(event)
        for part in self._left_out.parts(event):
            yield Code(part.text, part.path, part.title)

    def _shown(self, event: Event) -> Iterator[Block]:
        match event:
            case RunStarted():
                yield from self._run_started(event)
            case PlanStarted():
                yield Heading(2, words.plan_line(event))
            case StepStarted(number=number, total=total, title=title):
                self._known_at_step = dict(self._known)
                yield Heading(2, f"Step {number} of {total}: {title}")
            case StepEnded(line=line):
                yield Item(words.step_end_line(line), _TONE[line.state])
            case TurnStarted(turn=turn, phase=phase):
                yield Item(f"turn {turn} ({phase})", "dim")
            case TurnEnded(stop=stop):
                yield Item(words.turn_line(event), "dim" if stop == "stop" else "unsure")
            case ContextBuilt():
                yield Item(words.context_line(event), "dim")
            case ToolEnded():
                yield _tool_ended(event)
            case EditApplied(path=path, kind=kind, added=added, removed=removed, diff=diff):
                yield Item(f"{kind} {path} +{added} -{removed}")
                if diff.strip():
                    yield Diff(diff)
            case CandidateScored(best=best):
                yield Item(words.score_line(event), "plain" if best else "dim")
            case LineTried(best=best):
                yield Item(words.line_tried(event), "plain" if best else "dim")
            case TestsStarted():
                yield Item(f"$ {words.tests_started(event)}", "dim")
            case TestsRan(run=run):
                yield from self._tests_ran(run)
            case CheckpointMade(kind=kind):
                if kind == "rollback":
                    self._known = dict(self._known_at_step)
                yield Item(words.checkpoint_line(event), "unsure" if kind == "rollback" else "dim")
            case Warned(message=message, hint=hint):
                yield Item(f"warning: {message}" + (f" ({hint})" if hint else ""), "unsure")
            case ApprovalAsked():
                yield Code(approval_text(event))
            case ApprovalAnswered(granted=granted, edited=edited):
                refused: Tone = "unsure" if edited else "bad"
                yield Item(words.answer_line(event), "good" if granted else refused)
            case Escalated(outcome=outcome):
                good = outcome == "answered"
                yield Item(words.escalated_line(event), "plain" if good else "unsure")
                yield from (Item(note, "dim") for note in words.escalated_notes(event))
                if event.text.strip():
                    yield Code(event.text, "", event.kind)
            case MessageSent(text=text):
                yield Heading(2, "You")
                yield Code(text)
            case Answered(text=text, stop=stop):
                if text.strip():
                    yield Code(text)
                if stop != "stop":
                    yield Item(words.cut_answer(event), "unsure")
            case CommandRan(line=line, said=said, exit_code=code):
                yield Item(line, "bad" if code else "plain")
                if said.strip():
                    yield Code(said)
            case Finished():
                if self._frame.is_task_within:
                    yield Item(words.totals_line(event.usage, event.seconds), "dim")
                else:
                    yield from _finished(event)
                self._frame.finished()
            case TokenDelta() | ToolStarted() | Progress():
                pass  # an answer is among the parts; a call is told with what came of it
            case _:
                assert_never(event)

    def _run_started(self, event: RunStarted) -> Iterator[Block]:
        self._frame.started(event)
        if self._frame.is_task_within:
            yield Item(f"tests: {visible_line(event.test_command) or 'none found'}", "dim")
            return
        yield Heading(1, event.title or "task")
        first, finished = self._first, None if self._frame.is_within else self.finished
        yield Facts(
            (
                ("run", first.run if first else ""),
                ("started", wording.moment(first.time) if first else ""),
                ("ended", wording.ending_of(finished) if finished else ""),
                ("repository", event.repository),
                ("branch", event.branch),
                ("model", f"{words.engine_line(event.engine)}, seed {event.seed}"),
                *(("remote", note) for note in words.engine_notes(event.engine)),
                ("tests", words.tests_of(event)),
                ("sandbox", event.sandbox),
                ("qwenagent", event.version),
            )
        )
        steps = finished.steps if finished else event.steps
        if steps:
            yield _steps(steps)

    def _tests_ran(self, run: TestRun) -> Iterator[Block]:
        took = f" after {time}" if (time := words.duration(run.seconds)) else ""
        word = "green" if run.green else "red"
        yield Item(f"tests {word}{took}: {words.tests_counts(run)}", "good" if run.green else "bad")
        for name in words.newly_passed(self._known, run):
            yield Item(f"newly passed: {name}", "good")
        self._known.update(run.statuses)
        for name, text in run.failures.items():
            yield Item(f"failed: {name}", "bad")
            yield Code(text)


def _tool_ended(event: ToolEnded) -> Item:
    facts = words.call_title(event.call), words.outcome(event.result), words.duration(event.seconds)
    told = "; ".join(fact for fact in facts if fact)
    refused = event.result.is_error
    return Item(f"refused: {told}" if refused else told, "bad" if refused else "good")


def _finished(event: Finished) -> Iterator[Block]:
    good = event.exit_code == 0
    yield Heading(2, "The end")
    branch = f" (branch {event.branch})" if event.branch else ""
    told = f"{event.reason or 'finished'}, exit code {event.exit_code}{branch}"
    yield Item(told, "good" if good else "bad")
    for note in words.step_notes(event.steps):
        yield Item(note, "unsure")
    yield Item(words.totals_line(event.usage, event.seconds), "dim")
    if event.next_commands:
        yield Code("\n".join(visible_line(command) for command in event.next_commands))
    if event.diff.strip():
        yield Heading(2, "Everything that was changed")
        yield Diff(event.diff)


def _steps(steps: Sequence[StepLine]) -> Table:
    several = any(line.plan for line in steps)
    header = ("plan", *_STEPS) if several else _STEPS
    return Table(header, tuple(_step(line, several) for line in steps))


def _step(line: StepLine, several: bool) -> tuple[str, ...]:
    cells = (
        str(line.number),
        line.title,
        words.end_of(line),
        words.tests_change(line),
        words.duration(line.seconds),
        words.short(line.commit),
    )
    return (line.plan, *cells) if several else cells
