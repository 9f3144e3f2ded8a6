"""What stays of a step: a commit, a line in the progress, a ticked box, or a patch."""

from __future__ import annotations

from dataclasses import replace

from qwenagent.errors import reason
from qwenagent.loop.closing import commit_message, test_message
from qwenagent.loop.options import RunOptions
from qwenagent.loop.ports import Ports
from qwenagent.loop.resume import Resume, not_kept
from qwenagent.loop.step import StepResult
from qwenagent.loop.ticking import Ticks
from qwenagent.plan import Plan, Step
from qwenagent.plan.progress import step_keys
from qwenagent.protocol.events import CheckpointMade, StepLine, Warned
from qwenagent.statefolder import state_folder, write_unlinked
from qwenagent.workspace import About, CommitRefused


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
        self._run = ports.events.run
        self._tree = ports.workspace
        self._options = options
        self._resume = resume
        self._n_steps = len(plan.steps)
        numbers = (step.number for step in plan.steps)
        self._keys = dict(zip(numbers, step_keys(plan.steps), strict=True))
        self._done = {self._keys[number] for number in (resume.done if resume else ())}
        self._first = ""
        """The first commit of a step that has several."""
        self._ticks: Ticks | None = None
        if options.tick:
            self._ticks = Ticks(plan, self._tree, ports.events, in_commits=options.commit)

    def keep(self, step: Step, line: StepLine, result: StepResult) -> StepLine:
        """Keep what a step that is done has changed; return its line with the commit.

        Raises:
            ChangedMeanwhile: somebody else has changed what is to be committed, or where.
            GitFailed: it cannot be committed; the files stay as they are if it was refused.
        """
        self._look_around()
        self._first = ""
        self._done.add(self._keys[step.number])
        about = self._about(step, line, result)
        self._intend(about)
        line = replace(line, commit=self._commit(step, result, about))
        self._note(line)
        self._settle(about, line.commit)
        self.catch_up_ticks()
        return line

    def catch_up_ticks(self) -> None:
        """Tick what is done and has no tick, also where an earlier run was killed before that."""
        if not (self._ticks and self._done):
            return
        for path, before in self._ticks.tick(self._done):
            try:
                self._tree.add_to_point(path, before)
            except OSError as error:
                self._cannot_be_undone(error)

    def _look_around(self) -> None:
        """Tell what tests have rewritten, and stop where the user has changed the same."""
        journal = self._tree.journal
        if self._options.commit:
            self._tree.meanwhile.require_place()
        else:
            journal.let_go()
            self._tree.meanwhile.forget()
        for path in [path for path in journal.doubtful if path not in journal.adopted]:
            name = journal.root.relative(path)
            self._emit(Warned(f"{name} changed while tests ran, and is kept as it is now"))

    def _about(self, step: Step, line: StepLine, result: StepResult) -> About:
        return About(
            title=step.title,
            kind="step" if self._resume else "task",
            run=self._run,
            step=line.id,
            plan=self._resume.name if self._resume else "",
            key=self._keys[step.number],
            state=result.state,
            reason=result.reason,
        )

    def _intend(self, about: About) -> None:
        try:
            self._tree.intend(about)
        except OSError as error:
            self._cannot_be_undone(error)

    def _settle(self, about: About, commit: str = "") -> None:
        try:
            self._tree.settle(about, commit, self._first)
        except OSError as error:
            self._cannot_be_undone(error)

    def _cannot_be_undone(self, error: OSError) -> None:
        why = reason(error)
        self._emit(Warned(f"`qwenagent undo` cannot take this step back: it cannot be kept: {why}"))

    def _commit(self, step: Step, result: StepResult, about: About) -> str:
        if not self._options.commit:
            return ""
        changed = list(result.changed)
        if self._ticks:
            changed += self._ticks.tick_in_tree(self._done)
        if not changed:
            return ""
        message = commit_message(step, self._n_steps, result)
        repository = self._tree.repository
        try:
            if own := result.own_test:
                self._first = repository.commit([own], test_message(step, self._n_steps, own))
            commit = repository.commit(changed, message)
        except CommitRefused:  # by a hook or for want of a signature: the files are to stay
            self._settle(about)
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
            self._emit(not_kept(error))

    def keep_patch(self, line_id: str, patch: str) -> str:
        """Write the best attempt of a blocked step; return where, empty if there is none."""
        if not patch:
            return ""
        try:
            path = state_folder(self._tree.root) / f"step-{line_id}.patch"
            write_unlinked(path, patch)
        except OSError as error:
            self._emit(Warned(f"the best attempt cannot be kept: {reason(error)}"))
            return ""
        return path.relative_to(self._tree.root).as_posix()
