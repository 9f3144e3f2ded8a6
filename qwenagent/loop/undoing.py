"""Undo, redo and restore, with the progress of plans in step. Draws nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

from qwenagent.errors import PlanError
from qwenagent.loop.resume import file_digest
from qwenagent.plan.progress import Done, PlanProgress, ProgressFile
from qwenagent.protocol.events import Warned
from qwenagent.workspace import Point, Repository, Turned, Turning


class Undoing:
    """Takes kept steps and tasks of one working tree back, which must be locked for this."""

    def __init__(self, repository: Repository) -> None:
        self._root = repository.root
        self._file = ProgressFile(repository.root)
        self._turning = Turning(repository, self._keep_progress)

    def points(self) -> list[tuple[Point, Literal["kept", "undone", "gone"]]]:
        """Return the points, the oldest first, and what became of each.

        "gone" is a point whose commit the user has dropped or rewritten.
        """
        return [(point, self._state(point)) for point in self._turning.points()]

    def undo(self) -> list[Turned]:
        """Take the last step or task back. Raises: see `Turning.undo`."""
        return [self._turning.undo()]

    def redo(self) -> list[Turned]:
        """Bring back what was undone last. Raises: see `Turning.redo`."""
        return [self._turning.redo()]

    def restore(self, number: int) -> list[Turned]:
        """Go to the state after a point, 0 for that before all. Raises: see `Turning.restore`."""
        return self._turning.restore(number)

    def finish(self) -> Turned | None:
        """Carry to its end what a killed process has begun. Raises: see `Turning.finish`."""
        return self._turning.finish()

    def _state(self, point: Point) -> Literal["kept", "undone", "gone"]:
        if point.undone:
            return "undone"
        return "gone" if self._turning.is_gone(point) else "kept"

    def _keep_progress(self, point: Point, back: bool, paths: tuple[str, ...]) -> None:
        """Have the next run of the plan do the step again, or not again."""
        about = point.about
        if not about.plan:
            return
        try:
            progress = self._file.read(about.plan)
            self._file.write(about.plan, self._turned(progress, point, back, paths))
        except PlanError:  # it cannot be read, which the next run tells
            return

    def _turned(
        self, progress: PlanProgress, point: Point, back: bool, paths: tuple[str, ...]
    ) -> PlanProgress:
        about = point.about
        steps = {key: done for key, done in progress.steps.items() if key != about.key}
        if not back and about.state in ("solved", "unverified"):
            state = cast(Literal["solved", "unverified"], about.state)
            steps[about.key] = Done(state, about.reason, commit=point.commit)
        files = dict(progress.files)
        if not point.commit and (files or not back):
            files |= {path: file_digest(self._root / path) for path in paths}
        return replace(progress, steps=steps, files=files)


def finish_killed(repository: Repository) -> Warned | None:
    """Carry an undo or redo to its end that was killed; return what there is to tell of it.

    Raises:
        WorkspaceError: something cannot be written.
    """
    turned = Undoing(repository).finish()
    if turned is None:
        return None
    what = "undo" if turned.back else "redo"
    kept = f"; as they are: {', '.join(turned.kept)}" if turned.kept else ""
    return Warned(f"{what} of point {turned.point.shown} was killed, and is done now{kept}")
