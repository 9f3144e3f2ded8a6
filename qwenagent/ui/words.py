"""The wording all faces share: durations, counts, one line about each event.

Everything returned is printable. Knows nothing of colours, widths or terminals.
"""

from __future__ import annotations

from collections.abc import Sequence

from qwenagent.protocol.checks import TestRun, TestStatus
from qwenagent.protocol.events import (
    Answered,
    ApprovalAnswered,
    CandidateScored,
    CheckpointMade,
    ContextBuilt,
    ContextItem,
    Escalated,
    EscalatedOutcome,
    Finished,
    LineTried,
    PlanStarted,
    Progress,
    RunStarted,
    StepLine,
    TestsStarted,
    TurnEnded,
)
from qwenagent.protocol.messages import EngineInfo, Usage
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.ui.hunks import changes
from qwenagent.ui.printable import one_line, printable, visible_line

_WHY = {
    "baseline": "before the work",
    "step": "for this step",
    "regression": "for what was green",
    "asked": "as you asked",
}
_ENDED_BY = {
    "length": "cut off by its length limit",
    "repetition": "stopped, it repeated itself",
    "cancelled": "cancelled",
}
_OUTCOMES: dict[EscalatedOutcome, str] = {
    "answered": "it answered",
    "unusable": "its answer cannot be used",
    "failed": "it failed",
    "cancelled": "cancelled",
    "declined": "it was declined",
    "capped": "a cap is reached",
}
_NOT_SENT: tuple[EscalatedOutcome, ...] = ("declined", "capped")
_ANSWERED_BY = {
    "user": "by you",
    "flag": "by --yes",
    "remembered": "by an earlier answer",
    "nobody": "there was nobody to ask",
}


def count(n: int) -> str:
    """Return 2310 as "2,310"."""
    return f"{n:,}"


def plural(n: int, noun: str) -> str:
    """Return "1 line", "2 lines"."""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def duration(seconds: float) -> str:
    """Return seconds as people say it: "0.4 s", "34 s", "3 min 04 s", "1 h 02 min".

    Empty below a twentieth of a second: not worth reading.
    """
    if seconds < 0.05:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        rest = f" {whole % 60:02d} s" if whole % 60 else ""
        return f"{whole // 60} min{rest}"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(n_bytes: int) -> str:
    """Return bytes as "12 kB", "491 MB", "4.7 GB" (powers of ten)."""
    if n_bytes < 1_000:
        return f"{n_bytes} B"
    if n_bytes < 1_000_000:
        return f"{n_bytes / 1_000:.0f} kB"
    if n_bytes < 1_000_000_000:
        return f"{n_bytes / 1_000_000:.0f} MB"
    return f"{n_bytes / 1_000_000_000:.1f} GB"


def speed(tokens: int, seconds: float) -> str:
    """Return "26 tok/s", empty if there is nothing to divide."""
    return f"{tokens / seconds:.0f} tok/s" if tokens > 0 and seconds > 0 else ""


def engine_line(engine: EngineInfo) -> str:
    """Return model and device; threads and context size if they are known."""
    threads = f", {plural(engine.n_threads, 'thread')}" if engine.n_threads else ""
    context = f", n_ctx {count(engine.n_ctx)} tokens" if engine.n_ctx else ""
    device = f" on {engine.device}" if engine.device else ""
    return one_line(f"{engine.model}{device}{threads}{context}")


def engine_notes(engine: EngineInfo) -> list[str]:
    """Return what leaves this machine for a remote engine, and what such a one lacks."""
    notes = [engine.details.get(name, "") for name in ("sends", "lacks")]
    return [one_line(note) for note in notes if note]


def call_title(call: ToolCall) -> str:
    """Return the tool's name and its main arguments, without the body."""
    return one_line(" ".join([call.name, *_arguments(call)]), 100)


def _arguments(call: ToolCall) -> list[str]:
    return [
        value if isinstance(value, str) else f"{name}={value}"
        for name, value in call.arguments.items()
        if isinstance(value, (str, int, float))
    ]


def body_size(call: ToolCall) -> str:
    """Return the size of the fenced block, empty if there is none."""
    if call.body is None:
        return ""
    return f"{plural(len(call.body.splitlines()), 'line')}, {count(len(call.body))} characters"


def outcome(result: ToolResult) -> str:
    """Return what came of a call: the tool's `details["summary"]`, or what the content tells."""
    summary = result.details.get("summary")
    if isinstance(summary, str) and summary:
        return one_line(summary, 160)
    lines = printable(result.content).strip().split("\n")
    if result.is_error or len(lines) == 1:
        return one_line(lines[0], 160)
    return plural(len(lines), "line")


def context_line(event: ContextBuilt) -> str:
    """Return how full the prompt is, what is in it and what is not."""
    line = f"context {count(event.n_tokens)} of {count(event.budget_tokens)} tokens"
    if event.included:
        line += ": " + ", ".join(_item(item, item.how != "whole") for item in event.included)
    if event.left_out:
        line += "; left out: " + ", ".join(_item(item, True) for item in event.left_out)
    return one_line(line)


def left_out_line(event: ContextBuilt) -> str:
    """Return what had no room in a prompt; empty if everything had."""
    if not event.left_out:
        return ""
    return one_line("left out: " + ", ".join(_item(item, True) for item in event.left_out))


def cut_answer(event: Answered) -> str:
    """Return why an answer is not whole."""
    return f"the answer was {_ENDED_BY[event.stop]}"


def tests_of(event: RunStarted) -> str:
    """Return the tests of a run, for people; empty for a session, in which each run has its own."""
    if event.kind == "session":
        return ""
    return visible_line(event.test_command) or "none found"


def _item(item: ContextItem, say_how: bool) -> str:
    how = f" ({item.how})" if say_how and item.how else ""
    return f"{item.what} {count(item.n_tokens)}{how}"


def turn_line(event: TurnEnded) -> str:
    """Return what an answer took, and how it ended if not by itself."""
    usage = event.usage
    rate = speed(usage.completion_tokens, usage.decode_s)
    line = f"wrote {plural(usage.completion_tokens, 'token')}"
    line += f" in {duration(usage.decode_s) or 'no time'} ({rate})" if rate else ""
    line += f", reused {count(usage.cached_tokens)} of {count(usage.prompt_tokens)} prompt tokens"
    return f"{line}; {_ENDED_BY[event.stop]}" if event.stop in _ENDED_BY else line


def progress_line(event: Progress) -> str:
    """Return what is going on and how far it is."""
    number = size if event.unit == "bytes" else count
    unit = "" if event.unit == "bytes" else f" {event.unit}"
    done = f"{number(event.done)} of {number(event.total)}" if event.total else number(event.done)
    return one_line(f"{event.what} {done}{unit}")


def score_line(event: CandidateScored) -> str:
    """Return how an attempt did."""
    line = f"attempt {event.candidate + 1}: {event.passed} passed, {event.failed} failed"
    line += f", {event.newly_passed} newly passed" if event.newly_passed else ""
    line += f", {event.newly_failed} newly failed" if event.newly_failed else ""
    return f"{line}; best so far" if event.best else line


def line_tried(event: LineTried) -> str:
    """Return which line was tried, and how that did."""
    old, new = (one_line(text.strip(), 60) or "nothing" for text in (event.old, event.new))
    where = f"{one_line(event.path)}:{event.line}"
    return f"{where} {old} -> {new}: {event.passed} passed, {event.failed} failed"


def lines_tried(events: Sequence[LineTried]) -> str:
    """Return how many lines were tried in a turn, empty if none was."""
    if not events:
        return ""
    n_refused = sum(bool(event.refused) for event in events)
    line = f"tried {plural(len(events), 'line')} that the model doubts"
    return f"{line}, {n_refused} of them refused by the checks" if n_refused else line


def tests_started(event: TestsStarted) -> str:
    """Return the command and why it runs."""
    return (
        f"{visible_line(event.command)}  ({_WHY[event.why]}, at most {duration(event.timeout_s)})"
    )


def tests_counts(run: TestRun) -> str:
    """Return "4 passed, 1 failed", or what else a run of tests told."""
    if run.timed_out:
        return "stopped at its time limit"
    if not run.collected:
        return f"nothing was collected, exit code {run.exit_code}"
    if not run.statuses:
        return f"exit code {run.exit_code}"
    skipped = len(run.statuses) - run.n_passed - run.n_failed
    line = f"{run.n_passed} passed, {run.n_failed} failed"
    line += f", {skipped} skipped" if skipped else ""
    odd = run.exit_code and not run.n_failed  # an error outside of the tests
    return f"{line}, exit code {run.exit_code}" if odd else line


def newly_passed(before: dict[str, TestStatus], run: TestRun) -> list[str]:
    """Return the ids that failed in `before` and pass in `run`, printable, in the run's order."""
    return [
        one_line(name, 120)
        for name, status in run.statuses.items()
        if status == "passed" and before.get(name) == "failed"
    ]


def checkpoint_line(event: CheckpointMade) -> str:
    """Return which state was kept or returned to."""
    verb = {"commit": "commit", "snapshot": "snapshot", "rollback": "rolled back to"}[event.kind]
    return one_line(f"{verb} {short(event.name)} {event.message}")


def short(name: str) -> str:
    """Return a commit id in nine characters; other names stay."""
    is_id = len(name) >= 40 and all(c in "0123456789abcdef" for c in name)
    return name[:9] if is_id else one_line(name)


def answer_line(event: ApprovalAnswered) -> str:
    """Return the answer and who gave it."""
    if event.edited:
        return f"changed, {_ANSWERED_BY[event.by]}: it is asked about again"
    kind = "approved for good" if event.for_good else "approved"
    return f"{kind if event.granted else 'not approved'}, {_ANSWERED_BY[event.by]}"


def escalated_line(event: Escalated) -> str:
    """Return who was asked for what, what came of it, and what it cost."""
    who = f"{event.model} at {event.provider}"
    what = event.kind if event.kind == "advice" else f"a {event.kind}"
    if event.outcome in _NOT_SENT:
        why = event.sentence or _OUTCOMES[event.outcome]
        return one_line(f"did not ask {who} for {what}: {why}")
    line = f"asked {who} for {what}: {_OUTCOMES[event.outcome]}"
    line += f", {event.sentence}" if event.sentence else ""
    if not (event.fresh or event.cached or event.out):
        return one_line(line)
    read = f"{count(event.fresh + event.cached)} tokens read"
    read += f" ({count(event.cached)} cached)" if event.cached else ""
    at_most = "" if event.exact else "at most "
    return one_line(f"{line}; {at_most}{read}, {count(event.out)} written, {money(event)}")


def escalated_notes(event: Escalated) -> list[str]:
    """Return what went up, and what stayed here: a line each."""
    notes = []
    if event.sent and event.outcome not in _NOT_SENT:
        parts = ", ".join(_item(item, bool(item.how)) for item in event.sent)
        notes.append(one_line(f"sent {size(event.n_bytes)}: {parts}"))
    if event.left_out:
        left = ", ".join(f"{item.what} ({item.how})" for item in event.left_out)
        notes.append(one_line(f"not sent: {left}"))
    return notes


def money(event: Escalated) -> str:
    """Return what a request cost."""
    return "price unknown" if event.micro_dollars is None else dollars(event.micro_dollars)


def dollars(micro: int) -> str:
    """Return millionths of a dollar as "$0.0123": four digits below a cent, else two."""
    value = micro / 1_000_000
    return f"${value:,.2f}" if value >= 1 or micro % 10_000 == 0 else f"${value:,.4f}"


def tests_change(line: StepLine) -> str:
    """Return "3 of 5 passed -> 5 of 5 passed", the half that is known, or nothing."""
    before, after = one_line(line.tests_before), one_line(line.tests_after)
    return f"{before} -> {after}" if before and after and before != after else after or before


def end_of(line: StepLine) -> str:
    """Return a step's end in a word or two."""
    word = "for you" if line.state == "for_you" else line.state
    return f"{word} earlier" if line.earlier else word


def step_end_line(line: StepLine) -> str:
    """Return how a step ended."""
    parts = [
        end_of(line),
        one_line(line.reason),
        tests_change(line),
        duration(line.seconds),
        f"commit {short(line.commit)}" if line.commit else "",
    ]
    return "; ".join(part for part in parts if part)


def step_notes(steps: tuple[StepLine, ...]) -> list[str]:
    """Return why steps did not end solved, and where their best attempts lie."""
    notes = []
    for line in steps:
        if line.state in ("solved", "pending") or line.earlier:
            continue
        step = f"{one_line(line.plan)} step" if line.plan else "step"
        why = one_line(line.reason) or "no reason given"
        note = f"{step} {line.number} {end_of(line)}: {why}"
        kept = f"; best attempt kept in {one_line(line.patch)}" if line.patch else ""
        notes.append(note + kept)
    return notes


def totals_line(usage: Usage, seconds: float) -> str:
    """Return tokens read, reused and written, speeds and time of a whole run."""
    read_anew = usage.prompt_tokens - usage.cached_tokens
    reading, writing = (
        speed(read_anew, usage.prefill_s),
        speed(usage.completion_tokens, usage.decode_s),
    )
    read = f"{count(read_anew)} tokens read" + (f" ({reading})" if reading else "")
    wrote = f"{count(usage.completion_tokens)} written" + (f" ({writing})" if writing else "")
    calls = plural(usage.calls, "answer")
    parts = (read, f"{count(usage.cached_tokens)} reused", wrote, calls, duration(seconds))
    return ", ".join(part for part in parts if part)


def plan_line(event: PlanStarted) -> str:
    """Return which of several plans begins."""
    return one_line(f"plan {event.number} of {event.total}: {event.path}, {event.title}")


def changed_files(event: Finished) -> list[str]:
    """Return "app/cart.py +3 -1" for each file in the run's diff."""
    return [
        f"{one_line(path)} +{plus} -{minus}" for path, (plus, minus) in changes(event.diff).items()
    ]
