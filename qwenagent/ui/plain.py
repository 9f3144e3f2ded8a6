"""The run as a log: one plain line per thing, for pipes and CI. No escape codes, no redrawing."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO, assert_never
from unicodedata import east_asian_width

from qwenagent.protocol.checks import TestStatus
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
from qwenagent.ui.extent import LIVE, Extent
from qwenagent.ui.framing import Framing
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.printable import one_line, printable, revealed, visible_line

_PROGRESS_EVERY_S = 10.0
_MAX_OUTPUT_LINES = 40
_MAX_OUTPUT_CHARS = 2000
"""Of one line: a log is no place for a megabyte without a newline."""


class PlainView:
    """A sink that writes lines. Times come from the records: the same records, the same log."""

    def __init__(self, stream: TextIO, extent: Extent = LIVE) -> None:
        self._out = LineWriter(stream)
        # The user has just read the question where it was answered.
        self._has_seen_questions = stream.isatty() and not extent.is_past
        self._known: dict[str, TestStatus] = {}
        self._known_at_step: dict[str, TestStatus] = {}
        self._quiet_since = 0.0
        self._asked: ApprovalAsked | None = None
        self._tried: list[LineTried] = []
        self._frame = Framing()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def __call__(self, record: Record) -> None:
        """Write what one record says."""
        if isinstance(record.event, Progress):
            self._progress(record.event, record.time)
            return
        self._write(record.event)
        self._quiet_since = record.time

    def _write(self, event: Event) -> None:
        match event:
            case RunStarted():
                self._frame.started(event)
                self._run_started(event)
            case PlanStarted():
                self._out.line()
                self._out.line(words.plan_line(event))
                self._item(f"tests {visible_line(event.test_command) or 'none found'}")
            case StepStarted(number=number, total=total, title=title):
                self._known_at_step = dict(self._known)
                self._out.line()
                self._out.line(f"step {number} of {total}: {one_line(title)}")
            case StepEnded(line=line):
                self._item(f"step {line.number} {words.step_end_line(line)}")
                if line.patch:
                    self._item(f"best attempt kept in {one_line(line.patch)}")
            case TurnStarted(turn=turn, phase=phase):
                self._item(f"turn {turn} ({phase})")
            case TurnEnded():
                self._item(words.turn_line(event))
                self._lines_tried()
            case ContextBuilt():
                self._item(words.context_line(event))
            case ToolStarted(call=call):
                body = words.body_size(call)
                self._item(words.call_title(call) + (f" (body: {body})" if body else ""))
            case ToolEnded():
                self._tool_ended(event)
            case EditApplied():
                self._edit_applied(event)
            case CandidateScored():
                self._item(words.score_line(event))
            case LineTried(best=best):
                self._tried.append(event)
                if best:
                    self._item(words.line_tried(event))
            case TestsStarted():
                self._item(f"$ {words.tests_started(event)}")
            case TestsRan():
                self._tests_ran(event)
            case CheckpointMade():
                if event.kind == "rollback":
                    self._known = dict(self._known_at_step)
                self._item(words.checkpoint_line(event))
            case Warned(message=message, hint=hint):
                self._item(
                    f"warning: {one_line(message)}" + (f" ({one_line(hint)})" if hint else "")
                )
            case ApprovalAsked():
                self._asked = event
            case ApprovalAnswered():
                self._answered(event)
            case Escalated():
                self._escalated(event)
            case MessageSent(text=text, shown=shown):
                self._said(shown or text)
            case Answered():
                self._answered_in_words(event)
            case CommandRan():
                self._ran(event)
            case Finished():
                self._finished(event)
                self._frame.finished()
            case TokenDelta() | Progress():
                pass  # the size of the body is told with the call; progress has its own pace
            case _:
                assert_never(event)

    def _lines_tried(self) -> None:
        if tried := words.lines_tried(self._tried):
            self._item(tried)
        self._tried.clear()

    def _item(self, text: str) -> None:
        self._out.line(f"  {text}")

    def _block(self, text: str, prefix: str = "    ") -> None:
        for line in printable(text).rstrip("\n").split("\n"):
            self._out.line(f"{prefix}{line}".rstrip())

    def _said(self, text: str) -> None:
        if not self._has_seen_questions:
            self._out.line()
            self._block(revealed(text), "> ")

    def _answered_in_words(self, event: Answered) -> None:
        self._block(event.text, "")
        if event.stop != "stop":
            self._item(words.cut_answer(event))

    def _ran(self, event: CommandRan) -> None:
        if not self._has_seen_questions:
            self._said(event.line)
            if event.said.strip():
                self._block(revealed(event.said), "")

    def _run_started(self, event: RunStarted) -> None:
        if event.kind == "session" and self._has_seen_questions:
            return
        if self._frame.is_within and event.kind == "task":
            self._item(f"tests {visible_line(event.test_command) or 'none found'}")
            return
        self._out.line(f"qwenagent {one_line(event.version)}: {one_line(event.title)}")
        self._item(f"repository {one_line(event.repository)}, branch {one_line(event.branch)}")
        self._item(f"model {words.engine_line(event.engine)}, seed {event.seed}")
        for note in words.engine_notes(event.engine):
            self._item(f"remote: {note}")
        if tests := words.tests_of(event):
            self._item(f"tests {tests}")
        if event.sandbox:
            self._item(f"sandbox {one_line(event.sandbox)}")
        plan = ""
        for step in event.steps:
            if step.plan != plan:
                plan = step.plan
                self._item(one_line(plan))
            state = "" if step.state == "pending" else f" ({words.end_of(step)})"
            self._item(f"{step.number}. {one_line(step.title)}{state}")

    def _progress(self, event: Progress, now: float) -> None:
        if now - self._quiet_since >= _PROGRESS_EVERY_S:
            self._item(words.progress_line(event))
            self._quiet_since = now

    def _tool_ended(self, event: ToolEnded) -> None:
        how = "refused" if event.result.is_error else "ok"
        what = words.outcome(event.result)
        took = f" after {time}" if (time := words.duration(event.seconds)) else ""
        self._item(f"{one_line(event.call.name)} {how}{took}: {what}")

    def _edit_applied(self, event: EditApplied) -> None:
        self._item(f"{event.kind} {one_line(event.path)} +{event.added} -{event.removed}")
        if event.diff.strip():
            self._block(revealed(event.diff))

    def _tests_ran(self, event: TestsRan) -> None:
        run = event.run
        word = "green" if run.green else "red"
        took = f" after {time}" if (time := words.duration(run.seconds)) else ""
        self._item(f"tests {word}{took}: {words.tests_counts(run)}")
        for name in words.newly_passed(self._known, run):
            self._item(f"newly passed: {name}")
        self._known.update(run.statuses)
        for name, text in run.failures.items():
            self._item(f"failed: {one_line(name)}")
            self._block(text)
        if not run.green and not run.failures and run.output.strip():
            self._output_end(run.output)

    def _output_end(self, output: str) -> None:
        lines = output.strip("\n").split("\n")
        left_out = len(lines) - _MAX_OUTPUT_LINES
        if left_out > 0:
            self._item(f"({words.plural(left_out, 'line')} of output left out here)")
        self._block("\n".join(map(_cut, lines[-_MAX_OUTPUT_LINES:])))

    def _answered(self, event: ApprovalAnswered) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and not (self._has_seen_questions and event.by == "user"):
            for line in approval_text(asked).rstrip("\n").split("\n"):
                self._item(line)
        self._item(words.answer_line(event))

    def _escalated(self, event: Escalated) -> None:
        self._item(words.escalated_line(event))
        for note in words.escalated_notes(event):
            self._item(f"  {note}")
        if event.text.strip():
            self._block(event.text.strip("\n"), "    > ")

    def _finished(self, event: Finished) -> None:
        self._out.line()
        if not (self._frame.is_task_within or self._frame.is_session_end):
            for line in _closing_table(event.steps):
                self._out.line(line)
        for note in words.step_notes(event.steps):
            self._item(note)
        for changed in words.changed_files(event):
            self._item(f"changed {changed}")
        self._item(words.totals_line(event.usage, event.seconds))
        branch = f" (branch {one_line(event.branch)})" if event.branch else ""
        self._out.line(
            f"{one_line(event.reason) or 'finished'}, exit code {event.exit_code}{branch}"
        )
        for command in () if self._frame.is_task_within else event.next_commands:
            self._item(visible_line(command))


def _closing_table(steps: tuple[StepLine, ...]) -> list[str]:
    rows = [("#", "step", "end", "tests", "time", "commit")] if steps else []
    plan = ""
    for line in steps:
        if line.plan != plan:
            plan = line.plan
            rows.append(("", one_line(plan, 60), "", "", "", ""))
        rows.append(_closing_row(line))
    return aligned(rows)


def _closing_row(line: StepLine) -> tuple[str, str, str, str, str, str]:
    return (
        str(line.number),
        one_line(line.title, 60),
        words.end_of(line),
        words.tests_change(line),
        words.duration(line.seconds),
        words.short(line.commit),
    )


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines, each column as wide as its widest cell."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (wide - _width(cell)) for cell, wide in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _width(cell: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in cell)


def _cut(line: str) -> str:
    left_out = len(line) - _MAX_OUTPUT_CHARS
    return line if left_out <= 0 else f"{line[:_MAX_OUTPUT_CHARS]} ... ({left_out:,} more)"
