"""The boxes in a plan's file, ticked for the steps that are done."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from qwenagent.errors import PathEscapes, PlanError, QwenAgentError, reason
from qwenagent.plan import Plan, parse_plan, ticked
from qwenagent.plan.progress import step_keys
from qwenagent.protocol.events import EventStream, Warned
from qwenagent.workspace import Workspace
from qwenagent.workspace.root import Root


class Ticks:
    """The boxes of one plan. Its file is read anew each time: it may have changed meanwhile."""

    def __init__(
        self, plan: Plan, tree: Workspace, events: EventStream, *, in_commits: bool
    ) -> None:
        """`in_commits`: a plan that git has just as it is gets its ticks with the steps."""
        self._shown = plan.path
        self._path = Path(plan.path).resolve()
        self._tree = tree
        self._events = events
        self._in_commits = in_commits

    def tick_in_tree(self, done: Collection[str]) -> list[str]:
        """Tick as part of a step, for its commit, and return the plan's path in the repository.

        Empty if the plan is not to be committed: what the user has changed in it is not ours.
        `done` are keys of steps.
        """
        path = self._committed_path()
        fresh = self._ticked(done) if path else None
        if fresh is None:
            return []
        try:
            self._tree.journal.write(self._tree.root / path, fresh)
        except (OSError, PathEscapes) as error:
            self._warn(error)
            return []
        return [path]

    def tick(self, done: Collection[str]) -> list[tuple[str, bytes]]:
        """Tick in the file alone, unless a commit has its ticks.

        Return its path in the repository and what it held, if it is in there and was changed.
        """
        fresh = None if self._committed_path() else self._ticked(done)
        if fresh is None:
            return []
        try:
            before = self._path.read_bytes()
            mode = self._path.stat().st_mode & 0o7777
            Root(self._path.parent).replace(self._path.name, fresh, mode)
        except OSError as error:
            self._warn(error)
            return []
        root = self._tree.root.resolve()
        inside = self._path.is_relative_to(root)
        return [(self._path.relative_to(root).as_posix(), before)] if inside else []

    def _committed_path(self) -> str:
        """Return the plan's path in the repository if its ticks are for commits, else nothing."""
        root = self._tree.root.resolve()
        if not (self._in_commits and self._path.is_relative_to(root)):
            return ""
        path = self._path.relative_to(root).as_posix()
        return path if self._tree.repository.is_as_committed(path) else ""

    def _ticked(self, done: Collection[str]) -> bytes | None:
        """Return the file as it should be, None if it is that already."""
        try:
            data = self._path.read_bytes()
            steps = parse_plan(data.decode("utf-8-sig"), self._shown).steps
        except (OSError, UnicodeDecodeError, PlanError) as error:
            self._warn(error)
            return None
        keys = step_keys(steps)
        lines = [s.line for s, key in zip(steps, keys, strict=True) if key in done]
        fresh = ticked(data, lines)
        return fresh if fresh != data else None

    def _warn(self, error: Exception) -> None:
        why = error.message if isinstance(error, QwenAgentError) else reason(error)
        self._events.emit(Warned(f"{self._shown} cannot be ticked: {why}"))
