"""Goes on where an earlier run of a plan stopped: which steps are done, and on which branch."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from qwenagent.errors import DirtyTree, reason
from qwenagent.loop.evidence.leftovers import listed
from qwenagent.plan import Plan, Step
from qwenagent.plan.progress import Done, DoneState, PlanProgress, ProgressFile, step_keys
from qwenagent.protocol.events import StepLine, Warned
from qwenagent.workspace import Recovered, Repository, recover
from qwenagent.workspace.history import History

DIGEST_CHARS = 12
"""Of a step's digest, in the trailer of its commit."""
_TRAILERS = re.compile(
    r"^Qwenagent-Step: \S+ ([0-9a-f]{12})\nQwenagent-Result: (solved|unverified)$", re.MULTILINE
)


class Resume:
    """The progress of one plan, checked against the commits that are there."""

    def __init__(
        self, repository: Repository, plan: Plan, *, here: bool = False, restart: bool = False
    ) -> None:
        self._repository = repository
        self._history = History(repository.root)
        self._file = ProgressFile(repository.root)
        self.name = plan_name(repository.root, plan)
        """Under which the plan's progress is kept."""
        self._keys = dict(zip((s.number for s in plan.steps), step_keys(plan.steps), strict=True))
        self.branch = ""
        """The branch to go on on; empty if that is the present one, or a new one."""
        self.lost = 0
        """Steps that were done once and whose commits are nowhere to be found."""
        self.progress = PlanProgress() if restart else self._file.read(self.name)
        self.done = self._still_done(plan, here=here)

    @property
    def is_continued(self) -> bool:
        """Whether the present branch, or the one to switch to, is that of the earlier run."""
        ours = self.progress.branch
        return bool(self.branch) or (bool(ours) and ours == self._repository.branch())

    def earlier_line(self, line: StepLine) -> StepLine:
        """Return a step's line as the earlier run ended it; as it is if that step is to be done."""
        done = self.done.get(line.number)
        if done is None:
            return line
        return replace(
            line,
            state=done.state,
            reason=done.reason,
            tests_before=done.tests_before,
            tests_after=done.tests_after,
            commit=done.commit,
            earlier=True,
        )

    def begin(self, branch: str, origin: str, head: str) -> None:
        """Keep where this run commits, and where the first one started.

        Raises:
            OSError: it cannot be written.
        """
        goes_on = self.is_continued and self.progress.start
        self.progress = replace(
            self.progress,
            branch=branch,
            origin=self.progress.origin if goes_on else origin,
            start=self.progress.start if goes_on else head,
        )
        self._file.write(self.name, self.progress)

    def note(self, line: StepLine, uncommitted: Iterable[str] = ()) -> None:
        """Keep the end of a step, and what the files are like that no commit holds.

        Raises:
            OSError: it cannot be written.
        """
        if line.state not in ("solved", "unverified"):
            return
        done = Done(line.state, line.reason, line.tests_before, line.tests_after, line.commit)
        steps = {**self.progress.steps, self._keys[line.number]: done}
        files = {path: file_digest(self._repository.root / path) for path in uncommitted}
        files = {**self.progress.files, **files} if files else {}
        self.progress = replace(self.progress, steps=steps, files=files)
        self._file.write(self.name, self.progress)

    def _still_done(self, plan: Plan, *, here: bool) -> dict[int, Done]:
        noted = {
            step.number: self.progress.steps[key]
            for step in plan.steps
            if (key := self._keys[step.number]) in self.progress.steps
        }
        if self.progress.files:
            if _as_left(self._repository.root, self.progress):
                return noted
            self.progress = PlanProgress()
            self.lost = len(noted)
            return {}
        tip = self._tip_with(plan, noted, here=here)
        noted = self._committed(plan, tip) | noted
        committed = {n: d for n, d in noted.items() if d.commit}
        steps = {step.number: step for step in plan.steps}
        found = {n: d for n, d in committed.items() if self._is_in(tip, d, steps[n])}
        self.lost = len(committed) - len(found)
        if committed and not found:
            self.branch = ""
            return {}
        return {n: d for n, d in noted.items() if n in found or not d.commit}

    def _committed(self, plan: Plan, tip: str) -> dict[int, Done]:
        """Return the steps that have a commit since the first run began, noted or not.

        A run may be killed between a commit and its note.
        """
        if not self.progress.start:
            return {}
        by_key: dict[str, Done] = {}
        seen: Counter[str] = Counter()
        for commit, message in self._history.messages(self.progress.start, tip):
            for digest, result in _TRAILERS.findall(message):
                seen[digest] += 1
                state: DoneState = "solved" if result == "solved" else "unverified"
                by_key[_short(digest, seen[digest])] = Done(state, commit=commit)
        found: dict[int, Done] = {}
        for step in plan.steps:
            digest, _, n = self._keys[step.number].partition("#")
            if done := by_key.get(_short(digest, int(n or 1))):
                found[step.number] = done
        return found

    def _tip_with(self, plan: Plan, noted: Mapping[int, Done], *, here: bool) -> str:
        """Return the commit that has the earlier work: HEAD, or the tip of the run's own branch."""
        name = self.progress.branch
        tip = self._history.tip(name) if name else ""
        commits = [done.commit for done in noted.values() if done.commit]
        if here or not tip or name == self._repository.branch():
            return "HEAD"
        if not commits and tip != self._repository.head() and not self._committed(plan, tip):
            return "HEAD"
        if commits and all(self._history.contains(commit) for commit in commits):
            return "HEAD"
        self.branch = name
        return tip

    def _is_in(self, tip: str, done: Done, step: Step) -> bool:
        return self._history.contains(done.commit, tip) or self._history.says(
            step.digest[:DIGEST_CHARS], tip
        )


def not_kept(error: OSError) -> Warned:
    """Return what there is to tell where the progress of a plan cannot be written."""
    return Warned(f"the plan's progress cannot be kept: {reason(error)}")


def plan_name(root: Path, plan: Plan) -> str:
    """Return the name under which a plan's progress is kept: its place in the repository."""
    path, top = Path(plan.path).resolve(), root.resolve()
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else path.as_posix()


def require_clean(
    repository: Repository, plans: list[Plan], ignored: list[str], *, commit: bool
) -> None:
    """Check that the tree is clean, or just as an earlier run without commits left it.

    Raises:
        DirtyTree: it is neither.
    """
    try:
        repository.require_clean(ignored)
    except DirtyTree:
        file = ProgressFile(repository.root)
        left = [file.read(plan_name(repository.root, plan)) for plan in plans]
        ours = {path for progress in left for path in progress.files}
        as_left = all(_as_left(repository.root, progress) for progress in left)
        if commit or not as_left or not ours.issuperset(repository.changes(ignored)):
            raise


def file_digest(path: Path) -> str:
    """Return what the progress has of a file; empty of what is none, and of a link."""
    is_file = path.is_file() and not path.is_symlink()
    return hashlib.sha256(path.read_bytes()).hexdigest() if is_file else ""


def recover_killed(repository: Repository) -> Warned | None:
    """Put back what a run that was killed left half done; return what there is to tell of it.

    Raises:
        WorkspaceError: a file cannot be put back.
        PlanError: the progress cannot be read.
    """
    found = recover(repository, ProgressFile(repository.root).uncommitted)
    if found is None:
        return None
    told = "; ".join(_told(found))
    if not found.command:
        return Warned(f"an earlier run was killed: {told}")
    return Warned(
        f"an earlier run was killed while `{found.command}` ran: {told}",
        _way_back(repository, found),
    )


def _told(found: Recovered) -> Iterator[str]:
    """Yield what became of the files, a part of a sentence each."""
    if paths := found.restored:
        yield f"{len(paths)} file(s) are as they were before its unfinished step: {listed(paths)}"
    if paths := found.kept:
        yield f"{len(paths)} file(s) were changed since and left alone: {listed(paths)}"
    if found.aside:
        yield f"what was there before it lies in {listed(found.aside)}"
    if found.finished:
        yield f"`{found.finished}` was just done, and is kept"
    if found.command:
        n_files, names = len(found.differ), listed(found.differ)
        yield f"{n_files} file(s) differ from before that command and are left as they are: {names}"


def _way_back(repository: Repository, found: Recovered) -> str:
    """Return the command that takes back what differs, as far as that is the command's work."""
    history = History(repository.root)
    there = [path for path in found.differ if history.mode(found.snapshot, path)]
    new = [path for path in found.differ if path not in there]
    parts = [f"git restore --source={found.snapshot[:12]} -- {shlex.join(there)}"] if there else []
    parts += [f"rm {shlex.join(new)}"] if new else []
    return f"`{' && '.join(parts)}` takes that back, if none of it is yours"


def _short(digest: str, n: int) -> str:
    """Return a key like those of `step_keys`, with as much of the digest as a trailer has."""
    return f"{digest[:DIGEST_CHARS]}#{n}"


def _as_left(root: Path, progress: PlanProgress) -> bool:
    """Return whether the files that were written without a commit are still what they were."""
    return all(file_digest(root / path) == digest for path, digest in progress.files.items())
