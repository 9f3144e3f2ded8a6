"""`review`: what was done against its plan; findings become the steps of a further plan."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.codes import INTERRUPTED, NOT_DONE
from qwenagent.cli.desk import asking, asking_flags, require_free, write_plan_file
from qwenagent.cli.wiring import open_repository
from qwenagent.errors import PlanError, UsageError

if TYPE_CHECKING:
    from qwenagent.cli.desk import Asking
    from qwenagent.escalate import FileText
    from qwenagent.plan import Plan
    from qwenagent.workspace import Repository, Workspace

_NOTHING = "no findings"


@click.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--against", metavar="REF", help="Where the work began; else where its run did.")
@click.option(
    "-o", "output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Write the findings here.  [default: PLAN-review.md]",
)  # fmt: skip
@asking_flags
def review(plan: Path, against: str | None, output: Path | None, **flags: Any) -> int:
    """Read what was committed for PLAN against it, and write findings as a further plan.

    At most eight steps, which `run` carries out. With --frontier a model elsewhere reads the diff,
    under the same rules and caps as everything that leaves; by default the local one does.
    """
    from qwenagent.loop import Stopped
    from qwenagent.loop.writing import changes_since
    from qwenagent.plan import read_plan
    from qwenagent.workspace import Workspace

    parsed = read_plan(plan)
    target = output or _free(plan)
    require_free(target, force=flags["force"])
    title = f"review of {parsed.title}"
    with open_repository() as repository, asking(repository, flags, title) as talk:
        tree = Workspace(repository)
        start = _fork(repository, against) if against else _start(repository, parsed)
        changes = changes_since(tree, start)
        if not changes:
            raise UsageError(
                "nothing was committed since then: there is nothing to review",
                hint="switch to the branch of the work, or name its beginning with --against",
            )
        talk.test_command = parsed.test or ""
        try:
            text = _review(talk, tree, plan, parsed, changes)
        except Stopped:
            return talk.end(INTERRUPTED, "interrupted")
        except PlanError as error:
            return talk.give_up(error)
        if text is None:
            return talk.end(NOT_DONE, "nobody reviewed it")
        if not text:
            return talk.end(0, _NOTHING)
        write_plan_file(target, text)
        n_steps = len(read_plan(target).steps)
        return talk.end(0, f"{n_steps} finding(s) are in {target}", f"qwenagent run {target}")


def _free(plan: Path) -> Path:
    """Return the first free name beside a plan: plan-review.md, plan-review-2.md."""
    names = (
        plan.with_name(f"{plan.stem}-review{n}.md") for n in ("", *map("-{}".format, range(2, 99)))
    )
    return next((name for name in names if not os.path.lexists(name)), plan.with_name("review.md"))


def _fork(repository: Repository, ref: str) -> str:
    """Return the commit at which HEAD and `ref` parted.

    Raises:
        GitFailed: there is no such commit.
    """
    from qwenagent.workspace.git import Git
    from qwenagent.workspace.revisions import revision

    found = Git(repository.root).ask("merge-base", revision(ref), "HEAD", ok=(0, 1)).strip()
    return found or ref


def _start(repository: Repository, plan: Plan) -> str:
    """Return the commit at which the first run of a plan began.

    Raises:
        UsageError: it is not known, or not before HEAD.
    """
    from qwenagent.loop.resume import plan_name
    from qwenagent.plan.progress import ProgressFile
    from qwenagent.workspace.history import History

    start = ProgressFile(repository.root).read(plan_name(repository.root, plan)).start
    if start and History(repository.root).contains(start):
        return start
    raise UsageError(
        f"no run of {plan.path} is known on this branch", hint="--against main says where it began"
    )


def _review(
    talk: Asking, tree: Workspace, path: Path, plan: Plan, changes: tuple[FileText, ...]
) -> str | None:
    """Return the plan of the findings, empty if there are none; None if nobody answered."""
    from qwenagent.escalate import Subject
    from qwenagent.loop.writing import findings, review_here, review_material, usable

    if not talk.flags["frontier"]:
        return review_here(talk.local(), plan, changes)
    frontier = talk.frontier()
    text = path.read_text(encoding="utf-8-sig")
    at_home = tuple(tree.text(name) or "" for name in frontier.stays(tree.files()))
    material = replace(review_material(plan, text, changes), at_home=at_home)
    listed = [*tree.files(), *(change.path for change in changes)]
    # An empty text is an answer too: that there is nothing to mend.
    read = usable(lambda answer: findings(answer, plan) or _NOTHING)
    found = frontier.text("review", Subject("", "review --frontier"), material, listed, read)
    return "" if found == _NOTHING else found
