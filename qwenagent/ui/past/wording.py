"""What is said of a run that is over, in a word or two: when, how it ended, how much it took."""

from __future__ import annotations

import time

from qwenagent.protocol.events import Finished, StepLine
from qwenagent.transcript import PastRun
from qwenagent.ui import words
from qwenagent.ui.printable import one_line, revealed

_ENDING = {0: "done", 1: "not solved", 5: "not approved", 130: "interrupted"}
UNDER_WAY = "under way"
_UNREADABLE = "unreadable"
_NEVER_BEGAN = "never began"
_CUT_SHORT = "cut short"
"""By a kill, a crash or a bug: the transcript ends without the closing report."""


def moment(seconds: float) -> str:
    """Return seconds since the epoch as local time, "2026-11-22 18:25"; empty for 0."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else ""


def asked(run: PastRun) -> str:
    """Return what the run was asked to do, or why that is not known."""
    if run.trouble:
        return one_line(revealed(run.trouble))
    if run.started is None:
        return ""
    about = "session: " if is_session(run) else ""
    return one_line(revealed(f"{about}{run.started.title}"))


def is_session(run: PastRun) -> bool:
    """Return whether it is a conversation."""
    return run.started is not None and run.started.kind == "session"


def place(run: PastRun) -> str:
    """Return the repository that the run worked in, empty if that is not known."""
    return one_line(revealed(run.repository))


def ending(run: PastRun) -> str:
    """Return how a run ended, or that it has not."""
    if run.finished is not None and is_session(run):
        return _ENDING.get(run.finished.exit_code, "failed")
    if run.finished is not None:
        return ending_of(run.finished)
    if run.is_under_way:
        return UNDER_WAY
    if run.trouble:
        return _UNREADABLE
    return _CUT_SHORT if run.start else _NEVER_BEGAN


def ending_of(finished: Finished) -> str:
    """Return the end of the only step, or what the exit code says of several."""
    code, steps = finished.exit_code, finished.steps
    if len(steps) == 1 and code in (0, 1):
        return words.end_of(steps[0])
    return _ENDING.get(code, "failed")


def steps_done(run: PastRun) -> str:
    """Return "3 of 5"; "? of 5" if the end is not known."""
    if is_session(run) and not (run.finished and run.finished.steps):
        return ""
    if run.finished is not None:
        return f"{n_done(run.finished.steps)} of {len(run.finished.steps)}"
    return f"? of {len(run.started.steps)}" if run.started else ""


def n_done(steps: tuple[StepLine, ...]) -> int:
    """Return how many steps are solved or unverified, by this run or an earlier one."""
    return sum(line.state in ("solved", "unverified") for line in steps)


def seconds_taken(run: PastRun) -> float:
    """Return how long the run took, or how long it has been heard of."""
    return run.finished.seconds if run.finished else run.end - run.start


def n_tokens(run: PastRun) -> int | None:
    """Return the tokens that the model has read anew and written, None if that is not known."""
    if run.finished is None:
        return None
    usage = run.finished.usage
    return usage.prompt_tokens - usage.cached_tokens + usage.completion_tokens


def no_end(run: PastRun) -> str:
    """Return what to say where a transcript stops; empty if it has its end."""
    if run.finished is not None:
        return ""
    if run.is_under_way:
        return "the run is still under way"
    if is_session(run):
        return "the transcript ends here: the session was killed; /resume takes it up again"
    return "the transcript ends here: the run was killed, or ended by an error"
