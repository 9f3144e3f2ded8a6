"""A picture of rows: the share of tasks passed within so many seconds, a line for each setup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qwenagent.errors import UsageError, reason
from qwenagent.evals.report import Group, grouped
from qwenagent.evals.rows import Row

_SOONEST_S = 0.1
"""A logarithm has no place for nothing at all."""


def plot(rows: Sequence[Row], out: Path) -> None:
    """Draw pass rate against seconds of the agent, on a logarithmic scale, as a PNG.

    Raises:
        UsageError: matplotlib is not installed, there are no rows, or `out` cannot be written.
    """
    if not rows:
        raise UsageError("there are no rows to be drawn")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError(
            f"the plot needs matplotlib: {error}", hint="pip install 'qwenagent[plot]'"
        ) from error
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.add_subplot()
    longest = max(row.seconds for row in rows)
    for group in grouped(rows):
        seconds, shares = passed_by_time(group, longest)
        # Between two dollar signs matplotlib would read mathematics.
        label = f"{group.title}, n = {len(group.rows)}".replace("$", r"\$")
        axes.step(seconds, shares, where="post", label=label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0, 100)
    axes.set_xlabel("seconds of the agent for a task")
    axes.set_ylabel("tasks passed, %")
    axes.grid(visible=True, alpha=0.3)
    figure.legend(loc="outside lower center", fontsize="small")
    try:
        figure.savefig(out, format="png", dpi=120)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {reason(error)}") from error


def passed_by_time(group: Group, until: float) -> tuple[list[float], list[float]]:
    """Return the points of a group's line: seconds, and the percentage passed by then."""
    n = len(group.rows)
    times = sorted(max(row.seconds, _SOONEST_S) for row in group.rows if row.passed)
    points = [(t, 100 * (i + 1) / n) for i, t in enumerate(times)]
    whole = [(_SOONEST_S, 0.0), *points, (max(until, _SOONEST_S), 100 * len(times) / n)]
    return [x for x, _ in whole], [y for _, y in whole]
