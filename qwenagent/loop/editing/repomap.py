"""The map of the repository: what its source files define, as of the run's start.

It stands before everything that changes from step to step and stays as it is for the whole run, so
that the model reads it once. A repository small enough to be shown as it is has none: with the
outlines alone the 1.5B solved less of such ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qwenagent.checks.testfiles import is_test_file
from qwenagent.plan import Plan
from qwenagent.syntax import is_known, outline
from qwenagent.workspace import Workspace

MAP_TOKENS = 1000
"""Reading 1,000 tokens takes a laptop's CPU ten seconds, and what is not needed misleads a small
model."""
MAX_FILES = 40
MAX_ROWS = 40
"""Of one file; the rest of a longer outline is told as a number."""


def repository_map(plan: Plan, tree: Workspace, count: Callable[[str], int]) -> str:
    """Return the outlines of source files, those that the plan names first.

    Empty if the files themselves take no more room. `count` tells the tokens of a text: no more
    than MAP_TOKENS of them are returned.
    """
    ranked = _ranked(plan, tree)
    if _is_small(ranked, tree, count):
        return ""
    text = ""
    for path in ranked[:MAX_FILES]:
        longer = f"{text}{_entry(path, tree.text(path) or '')}"
        if count(longer) > MAP_TOKENS:
            break
        text = longer
    return text.rstrip("\n")


def _ranked(plan: Plan, tree: Workspace) -> list[str]:
    named = {path for step in plan.steps for path in (*step.files, *step.mentions)}
    sources = (path for path in tree.files() if is_known(path) and not is_test_file(path))
    return sorted(sources, key=lambda path: (path not in named, path.count("/"), path))


def _is_small(paths: list[str], tree: Workspace, count: Callable[[str], int]) -> bool:
    left = MAP_TOKENS
    for path in paths:
        left -= count(tree.text(path) or "")
        if left < 0:
            return False
    return True


def _entry(path: str, text: str) -> str:
    rows = outline(path, text, numbered=False).splitlines()
    if not text.strip():
        return ""
    return "".join(f"{line}\n" for line in (path, *_indented(rows)))


def _indented(rows: list[str]) -> Iterable[str]:
    yield from (f"    {row}" for row in rows[:MAX_ROWS])
    if len(rows) > MAX_ROWS:
        yield f"    ... {len(rows) - MAX_ROWS} more"
