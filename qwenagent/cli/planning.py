"""`plan`: a plan for a task, written by the local model or by one elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.codes import INTERRUPTED, NOT_DONE
from qwenagent.cli.desk import asking, asking_flags, require_free, write_plan_file
from qwenagent.cli.wiring import open_repository
from qwenagent.errors import PlanError, UsageError

if TYPE_CHECKING:
    from qwenagent.cli.desk import Asking
    from qwenagent.workspace import Workspace


@click.command()
@click.argument("task")
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    default=Path("plan.md"), show_default=True, help="Write the plan here.",
)  # fmt: skip
@asking_flags
def plan(task: str, output: Path, **flags: Any) -> int:
    """Write a plan for TASK, which `run` then carries out.

    By default the local model writes it; small ones write poor plans. With --frontier the first
    provider of `escalate.order` does, under the same rules and caps as everything that leaves.
    """
    from qwenagent.loop import Stopped
    from qwenagent.workspace import Workspace

    if not task.strip():
        raise UsageError("the task is empty", hint='qwenagent plan "what is to be done"')
    require_free(output, force=flags["force"])
    with open_repository() as repository, asking(repository, flags, f"plan: {task}") as talk:
        try:
            text = _plan(talk, Workspace(repository), task)
        except Stopped:
            return talk.end(INTERRUPTED, "interrupted")
        except PlanError as error:
            return talk.give_up(error)
        if not text:
            return talk.end(NOT_DONE, "nobody wrote a plan")
        write_plan_file(output, text)
        check = f"qwenagent run --check {output}  # what it says to run"
        return talk.end(0, f"the plan is in {output}", check)


def _plan(talk: Asking, tree: Workspace, task: str) -> str:
    """Return the plan's text, empty if nobody wrote one; why is on the screen."""
    from qwenagent.checks import detect
    from qwenagent.escalate import Subject
    from qwenagent.loop.writing import as_written, task_material, usable, write_plan

    suite = detect(tree.root, tree.root, tree.files())
    test = talk.settings.tests.command or (suite.shown if suite else "")
    talk.test_command = test
    if not talk.flags["frontier"]:
        return write_plan(talk.local(), tree, task, test)
    frontier = talk.frontier()
    listed = tree.files()
    stays = set(frontier.stays(listed))
    may_go = [path for path in listed if path not in stays]
    material = task_material(tree, task, test, may_go)
    subject = Subject("", "plan --frontier")
    return frontier.text("plan", subject, material, listed, usable(as_written)) or ""
