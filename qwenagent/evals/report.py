"""Tables over rows: what share was passed, at what cost, and how sure that is.

Rows with hidden and with visible tests are never in one line.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qwenagent.evals.rows import Row
from qwenagent.evals.statistics import wilson
from qwenagent.evals.task import REGRESSION

WITHIN_S = (10, 30, 60, 120, 300, 600)
"""Seconds of the agent within which a task may have been passed."""

_SAID_ELSEWHERE = ("model.name", "model.prompt_cache_mb", "tests.timeout_s")


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that may be counted together: one suite, one kind of test, one setup."""

    suite: str
    kind: str
    tests: str
    arm: str
    model: str
    settings: str
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What tells it from the others of a report."""
        parts = (self.arm, self.model, self.settings)
        return f"{self.tasks} ({self.tests} tests): {', '.join(filter(None, parts))}"

    @property
    def tasks(self) -> str:
        """The suite and the kind of its tasks."""
        return self.kind if self.suite == self.kind else f"{self.suite} {self.kind}"


def grouped(rows: Iterable[Row]) -> list[Group]:
    """Sort rows into groups, in the order in which they turn up.

    Of several rows for one task in one group the last one counts.
    """
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        found.setdefault(_group_key(row), {})[row.name] = row
    return [_group(key, tuple(named.values())) for key, named in found.items()]


def _group(key: tuple[str, ...], rows: tuple[Row, ...]) -> Group:
    suite, kind, arm, model, settings, tests, *_ = key
    return Group(suite, kind, tests, arm, model, settings, rows)


def _group_key(row: Row) -> tuple[str, ...]:
    return (row.suite, row.kind, *setup_key(row))


def setup_key(row: Row) -> tuple[str, ...]:
    """Return everything about who tried a task and how that may have changed the result."""
    setup = row.setup
    own = {name: value for name, value in setup.settings.items() if name not in _SAID_ELSEWHERE}
    settings = " ".join(f"{name}={value}" for name, value in sorted(own.items()))
    tests = "visible" if row.visible else "hidden"
    numbers = (setup.tries, setup.seed, setup.time_limit_s, setup.test_limit_s)
    program = (setup.command, setup.model_sha256, setup.version, setup.code)
    return (setup.arm, setup.model, settings, tests, *map(str, numbers), *program)


def share(k: int, n: int) -> str:
    """Return "41.7 %"; "-" of none."""
    return f"{100 * k / n:.1f} %" if n else "-"


def interval(k: int, n: int) -> str:
    """Return the 95 % interval as "24-61 %"."""
    low, high = wilson(k, n)
    return f"{100 * low:.0f}-{100 * high:.0f} %" if n else "-"


COLUMNS = (
    *("suite", "tests", "arm", "model", "settings", "n", "try 1", "passed", "95 %", "score"),
    *("median s", "minutes", "tokens in", "tokens out", "late", "asked", "tests touched"),
)


def summary_row(group: Group) -> tuple[str, ...]:
    """Return the cells of `COLUMNS` for a group."""
    rows = group.rows
    n, passed = len(rows), sum(row.passed for row in rows)
    tries = f" ({rows[0].setup.tries} tries)" if rows[0].setup.tries > 1 else ""
    return (
        group.tasks,
        group.tests,
        f"{group.arm}{tries}",
        group.model,
        group.settings,
        str(n),
        share(sum(row.passed_first for row in rows), n),
        share(passed, n),
        interval(passed, n),
        f"{100 * statistics.mean(row.score for row in rows):.1f} %",
        f"{statistics.median(row.seconds for row in rows):.1f}",
        f"{sum(row.seconds for row in rows) / 60:.1f}",
        f"{sum(row.prompt_tokens for row in rows):,}",
        f"{sum(row.completion_tokens for row in rows):,}",
        str(sum(row.late for row in rows)),
        str(sum(row.interventions for row in rows)),
        str(sum(bool(row.changed_tests) for row in rows)),
    )


def markdown(rows: Sequence[Row]) -> str:
    """Return the whole report as Markdown."""
    groups = grouped(rows)
    parts = [table(COLUMNS, [summary_row(group) for group in groups])]
    parts += [_parts_of(groups), _within(groups), _steps(groups)]
    parts += [_failed(group) for group in groups]
    parts.append(_where(rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def _parts_of(groups: Sequence[Group]) -> str:
    """By language and level, where there is more than one."""
    lines = []
    for group in groups:
        languages = sorted({row.language for row in group.rows})
        levels = sorted({row.level for row in group.rows} - {0})
        cells = [_passed_of([r for r in group.rows if r.language == name]) for name in languages]
        told = [f"{name} {cell}" for name, cell in zip(languages, cells, strict=True)]
        told += [f"level {n} {_passed_of([r for r in group.rows if r.level == n])}" for n in levels]
        if len(languages) > 1 or levels:
            lines.append(f"- {group.title}: {', '.join(told)}")
    return (
        "\n".join(["Passed by language and level (1 easy, 3 hard):", "", *lines]) if lines else ""
    )


def _passed_of(rows: Sequence[Row]) -> str:
    return f"{sum(row.passed for row in rows)}/{len(rows)}"


def _within(groups: Sequence[Group]) -> str:
    """Pass rate against seconds, and tokens for each pass."""
    columns = ("passed within", *(f"{s} s" for s in WITHIN_S), "tokens out for each pass")
    lines = []
    for group in groups:
        passed = [row for row in group.rows if row.passed]
        shares = [share(sum(r.seconds <= s for r in passed), len(group.rows)) for s in WITHIN_S]
        tokens = sum(row.completion_tokens for row in group.rows)
        each = f"{tokens / len(passed):,.0f}" if passed else "-"
        lines.append((group.title, *shares, each))
    return table(columns, lines)


def prefixes(rows: Sequence[Row]) -> list[tuple[int, int, int]]:
    """Return (k, plans with all of their first k steps solved, plans with k steps) for each k.

    A plan whose old tests broke has solved none.
    """
    plans = [
        [ok and row.checks.get(REGRESSION, True) for name, ok in row.checks.items()
         if name != REGRESSION]
        for row in rows
    ]  # fmt: skip
    longest = max(map(len, plans), default=0)
    return [
        (k, sum(all(plan[:k]) for plan in plans if len(plan) >= k),
         sum(len(plan) >= k for plan in plans))
        for k in range(1, longest + 1)
    ]  # fmt: skip


def _steps(groups: Sequence[Group]) -> str:
    plans = [group for group in groups if group.kind == "plan"]
    if not plans:
        return ""
    n = max(len(prefixes(group.rows)) for group in plans)
    lines = []
    for group in plans:
        cells = [f"{share(k_ok, k_n)} of {k_n}" for _, k_ok, k_n in prefixes(group.rows)]
        lines.append((group.title, *cells, *[""] * (n - len(cells))))
    return table(("first k steps all solved", *(f"k = {k}" for k in range(1, n + 1))), lines)


def _failed(group: Group) -> str:
    failed = [row.task for row in group.rows if not row.passed]
    if not failed:
        return ""
    return f"Not passed ({len(failed)} of {len(group.rows)}), {group.title}: {', '.join(failed)}"


def _where(rows: Sequence[Row]) -> str:
    """The machines and programs, each once."""
    told = []
    for row in rows:
        machine, setup = row.machine, row.setup
        gpu = f", {machine.gpu}" if machine.gpu else ", no GPU"
        memory = f"{math.ceil(machine.memory_bytes / 1e9)} GB"
        file = f"{setup.model_file} (SHA-256 {setup.model_sha256[:12]})" if setup.model_file else ""
        libraries = ", ".join(f"{name} {version}" for name, version in setup.libraries.items())
        told.append(
            "- "
            + "; ".join(
                filter(
                    None,
                    [
                        f"{machine.processor}, {machine.cores} CPUs, {memory}{gpu}",
                        file,
                        f"qwenagent {setup.version} {setup.commit}".strip(),
                        libraries,
                        f"seed {setup.seed}",
                        f"{setup.time_limit_s:g} s a try",
                    ],
                )
            )
        )
    return "\n".join(["Measured on:", "", *dict.fromkeys(told)]) if told else ""


def table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; columns in which nothing stands are left out."""
    rows = [list(line) for line in lines]
    kept = [i for i in range(len(columns)) if i == 0 or any(row[i] for row in rows)]
    head = [columns[i] for i in kept]
    body = [[row[i].replace("|", "\\|") for i in kept] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(kept), *body])
