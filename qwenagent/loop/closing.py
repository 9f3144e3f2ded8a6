"""What is left in writing after a step and after a run: commit messages, commands to type next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from qwenagent.loop.resume import DIGEST_CHARS
from qwenagent.loop.step import StepResult
from qwenagent.plan import Step


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where a run began, and what is there to return to."""

    origin: str
    """Branch, or the short id of a detached HEAD."""
    head: str
    """Commit id."""
    ref: str = ""
    """The snapshot of the tree, where the run does not commit on a branch of its own."""


def commit_message(step: Step, n_steps: int, result: StepResult) -> str:
    """Return title, result and trailers; a later run finds the step by its trailer."""
    body = [result.reason]
    if result.tests_after:
        body.append(f"Tests: {result.tests_before or 'none'} -> {result.tests_after}")
    trailers = [
        f"Qwenagent-Step: {step.number}/{n_steps} {step.digest[:DIGEST_CHARS]}",
        f"Qwenagent-Result: {result.state}",
    ]
    return "\n\n".join([step.title, "\n".join(body), "\n".join(trailers)])


def test_message(step: Step, n_steps: int, path: str) -> str:
    """Return the message of a commit that holds nothing but a test of the model's own."""
    title = f"A test for step {step.number}: {step.title}"
    body = f"{path} was written by the model, before the code; it proves nothing by itself."
    trailer = f"Qwenagent-Test: {step.number}/{n_steps} {step.digest[:DIGEST_CHARS]}"
    return "\n\n".join([title, body, trailer])


def after_commits(back: WayBack, branch: str) -> list[str]:
    """Return what the user may do with the commits on `branch`."""
    if branch == back.origin:
        return [f"git reset --keep {back.head[:12]}  # discard the commits"]
    detached = back.head.startswith(back.origin)
    switch = f"git {'switch --detach' if detached else 'switch'} {back.origin}"
    return [
        f"{switch} && git merge {branch}  # take all commits",
        f"{switch} && git merge --squash {branch}  # take them as one change",
        f"{switch} && git branch -D {branch}  # discard them",
    ]


def after_edits(back: WayBack, changed: list[str], created: list[str]) -> list[str]:
    """Return what takes uncommitted edits back, all of them at once; `undo` goes step by step."""
    undo = [f"rm {shlex.join(created)}"] if created else []
    if changed:
        undo.insert(0, f"git restore --source={back.ref} -- {shlex.join(changed)}")
    if not (undo and back.ref):
        return []
    return [f"{' && '.join(undo)}  # take it back; `qwenagent undo` takes the last step back"]
