"""What stays of a step: a commit, a line in the progress, a ticked box, or a patch."""

from __future__ import annotations

from dataclasses import replace

from qwenagent.errors import reason
from qwenagent.loop.closing import commit_message
from qwenagent.loop.options import RunOptions
from qwenagent.loop.ports import Ports
from qwenagent.loop.resume import Resume
from qwenagent.loop.step import StepResult
from qwenagent.loop.ticking import Ticks
from qwenagent.plan import Plan, Step
from qwenagent.plan.progress import step_keys
from qwenagent.protocol.events import CheckpointMade, StepLine, Warned
from qwenagent.statefolder import state_folder
from qwenagent.workspace import CommitRefused


class Keeping:
    """Keeps the steps of one plan.

    Killed anywhere in between, the next run finds the step done or the tree as it was: the commit
    names the step, the progress names files without a commit, and pre-images go last.
    """

    def __init__(
        self, ports: Ports, plan: Plan, options: RunOptions, resume: Resume | None
    ) -> None:
        """`resume` is None for a task, of which no progress is kept."""
        self._emit = ports.events.emit
        self._tree = ports.workspace
        self._options = options
        self._resume = resume
        self._n_steps = len(plan.steps)
        numbers = (step.number for step in plan.steps)
        self._keys = dict(zip(numbers, step_keys(plan.steps), strict=True))
        self._done = {self._keys[number] for number in (resume.done if resume else ())}
        self._ticks: Ticks | None = None
        if options.tick:
            self._ticks = Ticks(plan, self._tree, ports.events, in_commits=options.commit)

    def keep(self, step: Step, line: StepLine, result: StepResult) -> StepLine:
        """Keep what a step that is done has changed; return its line with the commit.

        Raises:
            GitFailed: it cannot be committed; the files stay as they are if it was refused.
        """
        self._done.add(self._keys[step.number])
        line = replace(line, commit=self._commit(step, result))
        self._note(line)
        self._tree.settle()
        self.catch_up_ticks()
        return line

    def catch_up_ticks(self) -> None:
        """Tick what is done and has no tick, also where an earlier run was killed before that."""
        if self._ticks and self._done:
            self._ticks.tick(self._done)

    def _commit(self, step: Step, result: StepResult) -> str:
        if not self._options.commit:
            return ""
        changed = list(result.changed)
        if self._ticks:
            changed += self._ticks.tick_in_tree(self._done)
        if not changed:
            return ""
        message = commit_message(step, self._n_steps, result)
        try:
            commit = self._tree.repository.commit(changed, message)
        except CommitRefused:  # by a hook or for want of a signature: the files are to stay
            self._tree.settle()
            raise
        self._emit(CheckpointMade("commit", commit[:12], step.title))
        return commit

    def _note(self, line: StepLine) -> None:
        if self._resume is None:
            return
        changed, created = self._tree.written()
        written = [] if self._options.commit else [*changed, *created]
        try:
            self._resume.note(line, written)
        except OSError as error:
            self._emit(Warned(f"the plan's progress cannot be kept: {reason(error)}"))

    def keep_patch(self, line_id: str, patch: str) -> str:
        """Write the best attempt of a blocked step; return where, empty if there is none."""
        if not patch:
            return ""
        try:
            path = state_folder(self._tree.root) / f"step-{line_id}.patch"
            path.write_text(patch, encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            self._emit(Warned(f"the best attempt cannot be kept: {reason(error)}"))
            return ""
        return path.relative_to(self._tree.root).as_posix()
