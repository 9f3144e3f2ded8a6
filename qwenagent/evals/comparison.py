"""Two sets of rows, task by task: what the second one won and lost, and whether that is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qwenagent.errors import UsageError
from qwenagent.evals.report import setup_key, share
from qwenagent.evals.rows import Row
from qwenagent.evals.statistics import permutation_test, sign_test


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out for the tasks that both sets have."""

    n: int
    passed: tuple[int, int]
    """Of the first and of the second set."""
    wins: tuple[str, ...]
    """Tasks that only the second one passed."""
    losses: tuple[str, ...]
    p_passed: float
    """Exact McNemar test on `wins` and `losses`."""
    scores: tuple[float, float]
    p_scores: float
    """Permutation test on the paired differences."""
    seconds: tuple[float, float]
    tokens: tuple[int, int]
    left_out: dict[str, str]
    """Tasks of one set alone, or whose text differs, and why."""
    same_machine: bool


def compare(one: Sequence[Row], two: Sequence[Row]) -> Comparison:
    """Compare two sets of rows, each of one setup.

    Raises:
        UsageError: a set has rows of several setups, the tests were hidden from one and shown to
            the other, or no task is in both.
    """
    a, b = _by_task(one, "first"), _by_task(two, "second")
    left_out = {name: "only in one of the two" for name in sorted(a.keys() ^ b.keys())}
    both = sorted(a.keys() & b.keys())
    _require_same_tests([a[name] for name in both], [b[name] for name in both])
    changed = [name for name in both if a[name].digest != b[name].digest]
    left_out |= dict.fromkeys(changed, "the task itself has changed in between")
    names = [name for name in both if name not in left_out]
    if not names:
        raise UsageError("the two have no task in common", hint="compare runs of one suite")
    pairs = [(a[name], b[name]) for name in names]
    wins = tuple(y.name for x, y in pairs if y.passed and not x.passed)
    losses = tuple(x.name for x, y in pairs if x.passed and not y.passed)
    return Comparison(
        n=len(pairs),
        passed=(sum(x.passed for x, _ in pairs), sum(y.passed for _, y in pairs)),
        wins=wins,
        losses=losses,
        p_passed=sign_test(len(wins), len(losses)),
        scores=(_mean([x.score for x, _ in pairs]), _mean([y.score for _, y in pairs])),
        p_scores=permutation_test([y.score - x.score for x, y in pairs]),
        seconds=(sum(x.seconds for x, _ in pairs), sum(y.seconds for _, y in pairs)),
        tokens=(
            sum(x.completion_tokens for x, _ in pairs),
            sum(y.completion_tokens for _, y in pairs),
        ),
        left_out=left_out,
        same_machine=len({row.machine for pair in pairs for row in pair}) == 1,
    )


def compare_kinds(one: Sequence[Row], two: Sequence[Row]) -> dict[str, Comparison]:
    """Compare what both sets have, `edit`, `fix` and `plan` each for itself.

    Raises:
        UsageError: as `compare`, or the two have no kind of task in common.
    """
    shared = sorted({row.kind for row in one} & {row.kind for row in two})
    if not shared:
        raise UsageError("the two have no task in common", hint="compare runs of one suite")
    return {kind: compare(_of(kind, one), _of(kind, two)) for kind in shared}


def comparison_text(found: Comparison) -> str:
    """Say it in lines for people."""
    before, after = found.passed
    lines = [
        f"{found.n} tasks in both: {before} -> {after} passed "
        f"({share(before, found.n)} -> {share(after, found.n)}); "
        f"{len(found.wins)} won, {len(found.losses)} lost, exact McNemar p = {found.p_passed:.3f}",
        f"score {100 * found.scores[0]:.1f} % -> {100 * found.scores[1]:.1f} %, "
        f"permutation p = {found.p_scores:.3f}",
        f"minutes {found.seconds[0] / 60:.1f} -> {found.seconds[1] / 60:.1f}"
        + ("" if found.same_machine else " (not on the same machine)"),
        f"tokens written {found.tokens[0]:,} -> {found.tokens[1]:,}",
        f"won: {', '.join(found.wins) or 'none'}",
        f"lost: {', '.join(found.losses) or 'none'}",
    ]
    lines += [f"left out: {name} ({why})" for name, why in found.left_out.items()]
    return "\n".join(lines)


def _of(kind: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.kind == kind]


def _by_task(rows: Sequence[Row], which: str) -> dict[str, Row]:
    keys = {setup_key(row) for row in rows}
    if len(keys) > 1:
        differing = [set(values) for values in zip(*keys, strict=True) if len(set(values)) > 1]
        shown = "; ".join(" and ".join(sorted(v or "none" for v in each)) for each in differing)
        raise UsageError(
            f"the {which} file holds rows of {len(keys)} setups, which differ in {shown}",
            hint="compare files with one setup each",
        )
    return {f"{row.suite}/{row.name}": row for row in rows}


def _require_same_tests(one: Sequence[Row], two: Sequence[Row]) -> None:
    mixed = [x.name for x, y in zip(one, two, strict=True) if x.visible != y.visible]
    if mixed:
        raise UsageError(
            f"the tests were hidden in one run and visible in the other ({mixed[0]}, and "
            f"{len(mixed) - 1} more): that is no comparison",
            hint="run both with the same --tests",
        )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
