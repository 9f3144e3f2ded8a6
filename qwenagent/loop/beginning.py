"""Where a run of a plan begins: on which branch, and what there is to return to."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from qwenagent.loop.closing import WayBack
from qwenagent.loop.options import RunOptions
from qwenagent.loop.ports import Ports
from qwenagent.loop.resume import Resume, not_kept
from qwenagent.plan import Plan
from qwenagent.protocol.events import CheckpointMade


class Beginning:
    """The point to return to: a branch of its own, or a snapshot of the tree."""

    def __init__(
        self, ports: Ports, plan: Plan, options: RunOptions, resume: Resume | None
    ) -> None:
        """`resume` is None for a task, of which no progress is kept."""
        self._events = ports.events
        self._tree = ports.workspace
        self._repository = ports.workspace.repository
        self._plan = plan
        self._options = options
        self._resume = resume
        self.back = self._way_back()

    def _way_back(self) -> WayBack:
        """Return where the first run of the plan began, if this one goes on with its work."""
        earlier = self._resume.progress if self._resume and self._resume.is_continued else None
        if earlier and earlier.start and self._repository.has_branch(earlier.origin):
            return WayBack(earlier.origin, earlier.start)
        return WayBack(self._repository.branch(), self._repository.head())

    def prepare(self) -> None:
        """Switch to the earlier run's branch, start one, or take a snapshot, and keep which.

        What is kept comes before the new branch: a run that is killed in between goes on there.
        """
        options, resume = self._options, self._resume
        if resume and resume.branch:
            self._repository.switch(resume.branch)
            self._tell("commit", self._repository.head()[:12], f"goes on on branch {resume.branch}")
            self._keep(resume.branch)
        elif resume and options.branch and options.commit and not resume.is_continued:
            name = self._repository.free_branch(self._branch_name())
            self._keep(name)
            self._repository.start_branch(name)
            self._tell("commit", self.back.head[:12], f"branch {name} starts here")
        else:
            if not (resume and options.commit):
                self._take_snapshot()
            self._keep(self._repository.branch())
        self._tree.meanwhile.stand()

    def _branch_name(self) -> str:
        stem = re.sub(r"[^a-z0-9]+", "-", Path(self._plan.path).stem.lower()).strip("-")
        return f"qwenagent-{stem or 'plan'}"

    def _take_snapshot(self) -> None:
        ref = f"refs/qwenagent/{self._events.run}"
        self.back = replace(self.back, ref=ref)
        self._repository.snapshot(ref, f"before: {self._plan.title}")
        self._tell("snapshot", ref, "the tree as it was")

    def _keep(self, branch: str) -> None:
        if self._resume is None:
            return
        try:
            self._resume.begin(branch, self.back.origin, self.back.head)
        except OSError as error:
            self._events.emit(not_kept(error))

    def _tell(self, kind: Literal["commit", "snapshot"], name: str, message: str) -> None:
        self._events.emit(CheckpointMade(kind, name, message))
