"""The run on a terminal: a scrolling record of what was done, and below it what is going on.

Everything that comes from outside is put into `Text` objects, never into markup.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, assert_never

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

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
from qwenagent.ui.below import Below
from qwenagent.ui.closing import closing_table
from qwenagent.ui.diff import coloured_diff
from qwenagent.ui.extent import LIVE, Extent
from qwenagent.ui.framing import Framing
from qwenagent.ui.printable import one_line, printable, visible_line
from qwenagent.ui.symbols import STATE_STYLE, state_symbol, symbols_for
from qwenagent.ui.talk import TalkView

_DIM = "bright_black"
_BELL_AFTER_S = 60.0
"""Whoever waited longer than this has looked away."""
_PHASE = {
    "gather": "looking around",
    "edit": "editing",
    "repair": "repairing",
    "answer": "answering",
}


class LiveView:
    """A sink that draws on `console`. Use it as a context manager: leaving restores the terminal.

    What is printed stays; only the lines of `Below` are redrawn, and they vanish once they are
    over. The answer is shown there as it grows; what lasts of it is the call and the diff.
    """

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        extent: Extent = LIVE,
    ) -> None:
        self._console = console
        self._extent = extent
        self._symbols = symbols_for(console.encoding)
        self._below = Below(console, self._symbols, clock)
        self._lock = threading.RLock()
        self._known: dict[str, TestStatus] = {}
        self._known_at_step: dict[str, TestStatus] = {}
        self._asked: ApprovalAsked | None = None
        self._candidate: int | None = None
        self._tried: list[LineTried] = []
        self._frame = Framing()
        self._talk = TalkView(console, self._below, extent)

    def __enter__(self) -> Self:
        self._below.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._below.stop()

    def __call__(self, record: Record) -> None:
        """Draw one record."""
        with self._lock:
            self._draw(record.event)

    def below(self) -> RenderableType:
        """Return the redrawn lines as they are now."""
        return self._below.rendered()

    def waiting(self, what: str) -> None:
        """Say below what is going on, of which there are no events; nothing if it is empty."""
        with self._lock:
            if what:
                self._below.show(what)
            else:
                self._below.clear()

    def _draw(self, event: Event) -> None:
        match event:
            case Progress():
                self._below.progress(event)
            case TokenDelta(text=text) if self._talk.answers:
                self._talk.grow(text)
            case TokenDelta():
                self._delta(event)
            case RunStarted():
                self._frame.started(event)
                self._run_started(event)
            case PlanStarted():
                self._print()
                self._print(Text(words.plan_line(event), "bold"))
                self._note(f"tests: {visible_line(event.test_command) or 'none found'}")
            case StepStarted():
                self._step_started(event)
            case StepEnded():
                self._step_ended(event)
            case TurnStarted(turn=turn, phase=phase):
                self._candidate = None
                self._talk.turn_started(phase)
                told = f"turn {turn}, {_PHASE[phase]}" if phase != "answer" else _PHASE[phase]
                self._below.show(told)
            case TurnEnded():
                self._turn_ended(event)
            case ContextBuilt() if self._talk.answers:
                self._note(words.left_out_line(event))
            case ContextBuilt():
                self._item(words.context_line(event), _DIM)
            case ToolStarted(call=call):
                self._below.show(words.call_title(call))
            case ToolEnded():
                self._tool_ended(event)
            case EditApplied():
                self._edit_applied(event)
            case CandidateScored(best=best):
                self._item(words.score_line(event), "default" if best else _DIM)
            case LineTried():
                self._line_tried(event)
            case TestsStarted():
                self._item(f"$ {words.tests_started(event)}", _DIM)
                self._below.show("the tests run")
            case TestsRan(run=run):
                self._below.clear()
                self._tests_ran(run)
            case CheckpointMade():
                self._checkpoint(event)
            case Warned(message=message, hint=hint):
                self._mark(self._symbols.warn, "yellow", one_line(message), "yellow")
                self._note(hint)
            case ApprovalAsked():
                self._asked = event
                self._below.pause()  # whoever asks has the terminal now
            case ApprovalAnswered():
                self._answered(event)
            case Escalated():
                self._escalated(event)
            case MessageSent(text=text, shown=shown):
                self._talk.said(shown or text)
            case Answered():
                self._talk.answered(event)
            case CommandRan():
                self._talk.ran(event)
            case Finished():
                self._finished(event)
                self._frame.finished()
            case _:
                assert_never(event)

    def _print(self, *parts: RenderableType) -> None:
        self._console.print(*parts, soft_wrap=False)

    def _indented(self, what: RenderableType, by: int = 4) -> None:
        self._print(Padding(what, (0, 0, 0, by), expand=False))

    def _item(self, text: str, style: str = "default") -> None:
        self._indented(Text(text, style))

    def _mark(self, symbol: str, colour: str, text: str, style: str = "default") -> None:
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_column(no_wrap=True)
        row.add_column(overflow="fold")
        row.add_row(Text(symbol, f"bold {colour}"), Text(text, style))
        self._indented(row, 2)

    def _note(self, text: str) -> None:
        if text.strip():
            self._item(one_line(text), _DIM)

    def _dotted(self, *parts: str) -> str:
        return f" {self._symbols.dot} ".join(part for part in parts if part)

    def _arrowed(self, text: str) -> str:
        return text.replace(" -> ", f" {self._symbols.arrow} ")

    def _delta(self, event: TokenDelta) -> None:
        """Show the first candidate that writes; several texts at once cannot be read."""
        if self._candidate is None:
            self._candidate = event.candidate
        if event.candidate == self._candidate:
            self._below.write(event.text)

    def _turn_ended(self, event: TurnEnded) -> None:
        self._talk.turn_ended()
        self._below.clear()
        self._item(words.turn_line(event), _DIM if event.stop == "stop" else "yellow")
        self._note(words.lines_tried(self._tried))
        self._tried.clear()

    def _run_started(self, event: RunStarted) -> None:
        if event.kind == "session" and not self._extent.is_past:
            return  # who sits before it knows where
        if self._frame.is_within and event.kind == "task":
            self._note(f"tests: {visible_line(event.test_command) or 'none found'}")
            return
        self._print(Text(one_line(event.title) or "task", "bold"))
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(style=_DIM, no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in (
            ("repository", one_line(event.repository)),
            ("branch", one_line(event.branch)),
            ("model", words.engine_line(event.engine)),
            *(("remote", note) for note in words.engine_notes(event.engine)),
            *([("tests", tests)] if (tests := words.tests_of(event)) else []),
            *([("sandbox", one_line(event.sandbox))] if event.sandbox else []),
        ):
            grid.add_row(name, Text(value))
        self._indented(grid, 2)
        if event.kind == "plan":
            self._plan(event)

    def _plan(self, event: RunStarted) -> None:
        self._print()
        plan = ""
        for line in event.steps:
            if line.plan != plan:
                plan = line.plan
                self._indented(Text(one_line(plan), "bold"), 2)
            symbol = state_symbol(line.state, self._symbols)
            text = f"{line.number}. {one_line(line.title)}"
            self._mark(symbol, STATE_STYLE[line.state], text)

    def _step_started(self, event: StepStarted) -> None:
        self._known_at_step = dict(self._known)
        title = Text(f"step {event.number} of {event.total}", "bold cyan")
        title.append(f"  {one_line(event.title)}", "default")
        room = self._console.width - title.cell_len - 1
        line = f" {self._symbols.rule * room}" if room > 0 else ""
        self._print()
        self._print(title.append(line, "not bold bright_black"))

    def _step_ended(self, event: StepEnded) -> None:
        self._below.clear()
        line = event.line
        text = self._arrowed(words.step_end_line(line))
        self._mark(state_symbol(line.state, self._symbols), STATE_STYLE[line.state], text)
        if line.patch:
            self._note(f"best attempt kept in {one_line(line.patch)}")

    def _tool_ended(self, event: ToolEnded) -> None:
        self._below.clear()
        refused = event.result.is_error
        text = self._dotted(
            words.call_title(event.call),
            words.outcome(event.result),
            words.duration(event.seconds),
        )
        if refused:
            self._mark(self._symbols.bad, "red", text, "red")
        else:
            self._mark(self._symbols.ok, "green", text)

    def _edit_applied(self, event: EditApplied) -> None:
        text = Text(f"{event.kind} ").append(one_line(event.path), "bold")
        text.append(f" +{event.added}", "green").append(f" -{event.removed}", "red")
        self._indented(text)
        if event.diff.strip():
            self._indented(coloured_diff(event.diff, event.path, self._extent.n_diff_lines), 2)

    def _line_tried(self, event: LineTried) -> None:
        self._tried.append(event)
        self._below.show(words.lines_tried(self._tried))
        if event.best:
            self._item(self._arrowed(words.line_tried(event)))

    def _tests_ran(self, run: TestRun) -> None:
        symbol, colour = (self._symbols.ok, "green") if run.green else (self._symbols.bad, "red")
        text = self._dotted(words.tests_counts(run), words.duration(run.seconds))
        self._mark(symbol, colour, text, colour)
        for name in words.newly_passed(self._known, run):
            self._item(f"newly passed: {name}", "green")
        self._known.update(run.statuses)
        self._failures(run)

    def _failures(self, run: TestRun) -> None:
        for name, text in list(run.failures.items())[: self._extent.n_failures]:
            self._item(one_line(name), "red")
            self._quote(text)
        more = len(run.failures) - self._extent.n_failures
        if more > 0:
            self._note(f"and {words.plural(more, 'more failure')}")
        if not run.green and not run.failures:
            self._quote(run.output, last=True)

    def _quote(self, text: str, *, last: bool = False) -> None:
        """Print outside text dimmed, and say how much of it is not shown."""
        lines = printable(text).expandtabs(4).strip("\n").split("\n")
        room = self._extent.n_failure_lines
        left_out = len(lines) - room
        if left_out > 0:
            lines = lines[-room:] if last else lines[:room]
            gap = f"... {words.plural(left_out, 'line')} not shown here"
            lines = [gap, *lines] if last else [*lines, gap]
        if any(lines):
            self._indented(Text("\n".join(lines), _DIM, overflow="fold"), 6)

    def _checkpoint(self, event: CheckpointMade) -> None:
        if event.kind == "rollback":
            self._known = dict(self._known_at_step)
        style = "yellow" if event.kind == "rollback" else _DIM
        self._mark(self._symbols.point, style, words.checkpoint_line(event), style)

    def _answered(self, event: ApprovalAnswered) -> None:
        asked, self._asked = self._asked, None
        if asked is not None and (event.by != "user" or self._extent.is_past):
            self._indented(Text(approval_text(asked).rstrip("\n"), overflow="fold"), 2)
        symbol, colour = (
            (self._symbols.ok, "green") if event.granted else (self._symbols.bad, "red")
        )
        if event.edited:
            symbol, colour = self._symbols.warn, "yellow"
        self._mark(symbol, colour, words.answer_line(event))
        self._below.resume()

    def _escalated(self, event: Escalated) -> None:
        self._below.clear()
        self._candidate = None
        good = event.outcome == "answered"
        symbol, colour = (self._symbols.ok, "green") if good else (self._symbols.warn, "yellow")
        self._mark(symbol, colour, words.escalated_line(event), "default" if good else "yellow")
        for note in words.escalated_notes(event):
            self._note(note)
        if event.text.strip():
            self._quote(event.text)

    def _finished(self, event: Finished) -> None:
        self._below.stop()
        is_session = self._frame.is_session_end
        if event.seconds >= _BELL_AFTER_S and not self._extent.is_past and not is_session:
            self._console.bell()
        if self._frame.is_task_within:
            self._task_finished(event)
            return
        if is_session and not self._extent.is_past:
            self._session_finished(event)
            return
        self._print()
        if event.steps and not is_session:
            self._print(closing_table(event.steps, self._symbols, self._console.width))
        for note in words.step_notes(event.steps):
            self._indented(Text(note), 2)
        for changed in words.changed_files(event):
            self._indented(Text(changed, _DIM), 2)
        self._indented(Text(words.totals_line(event.usage, event.seconds), _DIM), 2)
        good = event.exit_code == 0
        symbol, colour = (self._symbols.ok, "green") if good else (self._symbols.bad, "red")
        branch = f" (branch {one_line(event.branch)})" if event.branch else ""
        self._mark(symbol, colour, (one_line(event.reason) or "finished") + branch, "bold")
        for command in event.next_commands:
            self._next_command(command)

    def _session_finished(self, event: Finished) -> None:
        self._print()
        self._indented(Text(words.totals_line(event.usage, event.seconds), _DIM), 2)
        for command in event.next_commands:
            self._next_command(command)

    def _task_finished(self, event: Finished) -> None:
        """Tell in short how a task in a session ended: its one step was told already."""
        for changed in words.changed_files(event):
            self._indented(Text(changed, _DIM), 2)
        self._indented(Text(words.totals_line(event.usage, event.seconds), _DIM), 2)
        if not event.steps or event.exit_code not in (0, 1):
            self._mark(self._symbols.bad, "red", one_line(event.reason) or "finished", "bold")

    def _next_command(self, command: str) -> None:
        shown, hash_sign, why = visible_line(command).partition("  # ")
        text = Text(shown, "cyan")
        self._indented(text.append(f"  # {why}" if hash_sign else "", _DIM))
