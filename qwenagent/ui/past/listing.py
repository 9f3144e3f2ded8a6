"""The table of past runs: a row each on pipes and wide terminals, a few lines each on others."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from qwenagent.transcript import PastRun
from qwenagent.ui import words
from qwenagent.ui.choose_view import console, is_capable
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.past import wording
from qwenagent.ui.plain import aligned
from qwenagent.ui.printable import json_line, one_line
from qwenagent.ui.symbols import symbols_for

if TYPE_CHECKING:
    from rich.console import Console

_COLUMNS = ("run", "when", "asked", "end", "steps", "time", "tokens")
_MAX_ASKED = 60
_WIDE, _MEDIUM = 120, 80
_STYLE = {
    "done": "green",
    "solved": "green",
    "unverified": "yellow",
    "for you": "cyan",
    "under way": "cyan",
    "interrupted": "yellow",
}


def print_runs(
    runs: Sequence[PastRun], *, with_repository: bool, stream: TextIO | None = None
) -> None:
    """Print the runs in the order given. Default stream: stdout."""
    stream = stream or sys.stdout
    if is_capable(stream):
        draw_runs(runs, with_repository, console(stream))
        return
    out = LineWriter(stream)
    columns = [*_COLUMNS, "repository"] if with_repository else [*_COLUMNS]
    for line in aligned([columns, *(_cells(run, with_repository) for run in runs)]):
        out.line(line)


def print_runs_json(runs: Sequence[PastRun], stream: TextIO | None = None) -> None:
    """Print one JSON object a line. Default stream: stdout."""
    out = LineWriter(stream or sys.stdout, always_utf8=True)
    for run in runs:
        out.line(json_line(json.dumps(as_json(run), ensure_ascii=False)))


def as_json(run: PastRun) -> dict[str, Any]:
    """Return what is known of a run as JSON-ready values; what is not known is null."""
    started, finished = run.started, run.finished
    return {
        "type": "run",
        "run_id": run.run_id,
        "path": str(run.path),
        "size_bytes": run.size_bytes,
        "time": run.start or None,
        "kind": started.kind if started else None,
        "title": started.title if started else None,
        "repository": started.repository if started else None,
        "branch": finished.branch if finished else started.branch if started else None,
        "model": started.engine.model if started else None,
        "end": wording.ending(run),
        "exit_code": finished.exit_code if finished else None,
        "reason": finished.reason if finished else run.trouble or None,
        "steps": len(started.steps) if started else None,
        "steps_done": wording.n_done(finished.steps) if finished else None,
        "seconds": round(wording.seconds_taken(run), 3),
        "usage": msgspec.to_builtins(finished.usage) if finished else None,
    }


def _cells(run: PastRun, with_repository: bool) -> list[str]:
    cells = [
        run.run_id,
        _when(run),
        _cut(wording.asked(run)),
    ]
    cells += [wording.ending(run), wording.steps_done(run), _time(run), _tokens(run)]
    return [*cells, wording.place(run)] if with_repository else cells


def _cut(text: str) -> str:
    return one_line(text, _MAX_ASKED)


def _when(run: PastRun) -> str:
    return wording.moment(run.start or run.changed)


def _time(run: PastRun) -> str:
    return words.duration(wording.seconds_taken(run))


def _tokens(run: PastRun) -> str:
    n_tokens = wording.n_tokens(run)
    return "" if n_tokens is None else words.count(n_tokens)


def draw_runs(runs: Sequence[PastRun], with_repository: bool, out: Console) -> None:
    """Draw the table on a console of any width."""
    from rich.table import Table

    wide = out.width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bright_black")
    table.add_column("run", no_wrap=True)
    if wide:
        table.add_column("when", no_wrap=True)
    table.add_column("asked", overflow="fold", ratio=1)
    if wide:
        table.add_column("end", no_wrap=True)
        for name in ("steps", "time", "tokens"):
            table.add_column(name, justify="right", no_wrap=True)
    for run in runs:
        table.add_row(*(_wide_row if wide else _narrow_row)(run, with_repository, out))
    out.print(table)


def _wide_row(run: PastRun, with_repository: bool, _: Console) -> list[Any]:
    from rich.text import Text

    asked = Text(wording.asked(run))
    if with_repository:
        asked.append(f"\n{wording.place(run)}", "bright_black")
    steps, took, tokens = (Text(t) for t in (wording.steps_done(run), _time(run), _tokens(run)))
    return [
        Text(run.run_id),
        Text(_when(run)),
        asked,
        _end(run),
        steps,
        took,
        tokens,
    ]


def _narrow_row(run: PastRun, with_repository: bool, out: Console) -> list[Any]:
    from rich.text import Text

    dot = f" {symbols_for(out.encoding).dot} "
    steps, tokens = wording.steps_done(run), _tokens(run)
    n_steps = len(run.started.steps) if run.started else 0
    first = [f"{steps} steps"] if n_steps > 1 else []
    second = [fact for fact in (_time(run), f"{tokens} tokens" if tokens else "") if fact]
    asked = Text(wording.asked(run)).append("\n").append_text(_end(run))
    asked.append("".join(f"{dot}{fact}" for fact in first), "bright_black")
    if second:
        gap = dot if out.width >= _MEDIUM else "\n"
        asked.append(gap + dot.join(second), "bright_black")
    if with_repository and run.repository:
        asked.append(f"\n{wording.place(run)}", "bright_black")
    when = Text(run.run_id).append(f"\n{_when(run)}", "bright_black")
    return [when, asked]


def _end(run: PastRun) -> Any:
    from rich.text import Text

    end = wording.ending(run)
    return Text(end, _STYLE.get(end.removesuffix(" earlier"), "red"))
