"""One task from its fresh repository to its row: tries, and a grade after each."""

from __future__ import annotations

import shlex
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent import assets
from qwenagent.evals.arms import Arm, Attempt, Effort
from qwenagent.evals.changes import Changes, changes, is_in_place
from qwenagent.evals.grading import Grade, Grader, interpreted, write_files
from qwenagent.evals.process import end_left_behind
from qwenagent.evals.rows import Machine, Row, Setup
from qwenagent.evals.task import Task
from qwenagent.grammar import fence_for
from qwenagent.protocol.messages import Cancel
from qwenagent.workspace import Repository

FEEDBACK_LINES = 60
"""Of the test output that a second try is shown, as in Aider's benchmark."""


class Interrupted(Exception):
    """The eval was stopped in the middle of a task, which has no row then."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How every task of a run is tried."""

    arm: Arm
    grader: Grader
    setup: Setup
    machine: Machine
    work: Path
    """Repositories are made below it, always at the same place: paths get into prompts."""
    cancel: Cancel
    keep: bool = False

    def run(self, task: Task) -> Row:
        """Try a task and return its row.

        Raises:
            Interrupted: somebody stopped it.
            QwenAgentError: neither this task nor another can be tried so.
        """
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        scratch = self.work / f"{task.kind}-{task.id}"
        repository = _fresh(task, scratch, shown=self._shown(task))
        grades, effort = self._tries(task, repository, scratch)
        before = task.base | task.tests if self._shown(task) else task.base
        row = self._row(task, grades, effort, changes(before, repository), started)
        if task.oracle is not None:
            row = replace(row, in_place=is_in_place(before, repository, task.oracle))
        if not self.keep:
            shutil.rmtree(scratch, ignore_errors=True)
        return row

    def _shown(self, task: Task) -> bool:
        return task.visible or self.setup.tests == "visible"

    def _tries(self, task: Task, repository: Path, scratch: Path) -> tuple[list[Grade], Effort]:
        grades: list[Grade] = []
        effort, prompt = Effort(), task.prompt
        for number in range(1, self.setup.tries + 1):
            attempt = self._attempt(task, repository, scratch, prompt, number)
            effort += self.arm.attempt(attempt)
            self._check()
            grades.append(self._grade(task, repository, scratch / "graded"))
            self._check()
            if grades[-1].solved:
                break
            prompt = _second_prompt(task, grades[-1])
        return grades, effort

    def _grade(self, task: Task, repository: Path, copy: Path) -> Grade:
        """Leave nothing of the copy: there the next try would find the hidden tests."""
        try:
            return self.grader.grade(task, repository, copy)
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def _check(self) -> None:
        if self.cancel.is_set():
            raise Interrupted

    def _attempt(
        self, task: Task, repository: Path, scratch: Path, prompt: str, number: int
    ) -> Attempt:
        seen = task.seen
        if not seen and self.setup.tests == "visible":
            seen = task.checks[0].argv
        return Attempt(
            task=task,
            repository=repository,
            scratch=scratch,
            prompt=prompt,
            number=number,
            test_command=shlex.join(interpreted(seen)),
            time_limit_s=self.setup.time_limit_s,
            seed=self.setup.seed,
            cancel=self.cancel,
        )

    def _row(
        self, task: Task, grades: list[Grade], effort: Effort, changed: Changes, started: str
    ) -> Row:
        last = grades[-1]
        return Row(
            suite=task.suite,
            kind=task.kind,
            task=task.id,
            digest=task.digest,
            language=task.language,
            level=task.level,
            visible=self._shown(task),
            passed=last.solved,
            passed_first=grades[0].solved,
            score=round(last.score, 4),
            checks=last.checks,
            tests_passed=last.passed,
            tests_failed=last.failed,
            tries=len(grades),
            seconds=effort.seconds,
            test_seconds=round(sum(grade.seconds for grade in grades), 2),
            prompt_tokens=effort.prompt_tokens,
            cached_tokens=effort.cached_tokens,
            completion_tokens=effort.completion_tokens,
            calls=effort.calls,
            interventions=effort.interventions,
            exit_code=effort.exit_code,
            late=effort.late,
            note=effort.note,
            transcript=effort.transcript,
            changed=sorted(changed),
            changed_tests=sorted(set(changed) & set(task.tests)),
            added=sum(added for added, _ in changed.values()),
            removed=sum(removed for _, removed in changed.values()),
            started=started,
            setup=self.setup,
            machine=self.machine,
            applied=effort.applied,
            refused=effort.refused,
            overruled=effort.overruled,
        )


def _fresh(task: Task, scratch: Path, *, shown: bool) -> Path:
    end_left_behind(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    folder = scratch / "repository"
    folder.mkdir(parents=True)
    write_files(folder, task.base | task.tests if shown else task.base)
    Repository.create(folder, f"{task.id}: the task").close()
    return folder


def _second_prompt(task: Task, grade: Grade) -> str:
    output = _shortened(grade.output)
    return assets.fill(
        assets.read("prompts", "again.md"),
        task=task.prompt,
        output=output,
        fence=fence_for(output),
        files=", ".join(task.files),
    )


def _shortened(output: str) -> str:
    lines = output.splitlines()
    if len(lines) <= FEEDBACK_LINES:
        return output
    half = FEEDBACK_LINES // 2
    return "\n".join([*lines[:half], "[... cut ...]", *lines[-half:]])
